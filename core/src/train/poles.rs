//! Functions of a bidiagonal matrix in partial fractions: `B·r(BᵀB)` with `r(x) = b + Σ_j a_j/(x + c_j)`.
//!
//! Each term is the inverse of a tridiagonal matrix, made in O(k²) by recurrences without subtraction. Nothing iterates.
//! With `r(x) ≈ x^{-1/2}` it is the polar factor (Zolotarev's best rational approximation; Hale, Higham, Trefethen,
//! *Computing A^α, log(A) and related matrix functions by contour integrals*, 2008).

use super::lanes::{Aligned, Isa, Lanes, padded, vectorised};
use super::real::Real;
use crate::penalty::{Form, Power};
use std::f64::consts::PI;

/// Poles of the polar factor.
const POLAR: usize = 40;
/// Poles of a form at most: those of the polar factor, and of a rule over the whole range.
const MOST: usize = 96;
/// Poles come in groups of this many, the last filled with weights of 0.
const GROUP: usize = 8;
/// Groups whose recurrences run side by side.
const GROUPS: usize = POLAR / GROUP;
/// Poles whose running products are held in registers together.
const TOGETHER: usize = 20;

/// Smallest singular value resolved, relative to the largest: below it the polar factor shrinks smoothly to 0.
pub const RANGE: f64 = 1e-12;

/// `r(x) = constant + Σ weight_j/(x + shift_j)`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Poles {
    /// `a_j`; a whole number of groups.
    weight: Vec<f64>,
    /// `c_j > 0`, as many.
    shift: Vec<f64>,
    /// b.
    constant: f64,
}

impl Poles {
    /// The poles of `terms`, pairs (weight, shift).
    pub fn new(constant: f64, terms: impl IntoIterator<Item = (f64, f64)>) -> Poles {
        let (mut weight, mut shift): (Vec<f64>, Vec<f64>) = terms.into_iter().unzip();
        let whole = weight.len().next_multiple_of(GROUP);
        weight.resize(whole, 0.0);
        // Any shift that is no trouble.
        shift.resize(whole, 1.0);
        Poles { weight, shift, constant }
    }

    /// `|√x·r(x) − 1| ≤ 5e-6` for `RANGE² ≤ x ≤ 1`.
    ///
    /// With `K' = (π/2)/agm(1, k)` and `u_j = (j − ½)K'/r`: `c_j = (k sinh u_j)²`, `a_j = (2K'k/(πr)) cosh u_j` for
    /// j ≤ r/2, and the mirrored half `1/sinh²u_j`, `(2K'/(πr)) cosh u_j/sinh²u_j`. (The elliptic functions
    /// themselves must not be evaluated at parameter 1−k², which rounds to 1; these limits are right to about k.)
    pub fn polar() -> Poles {
        let (mut a, mut b) = (1.0, RANGE);
        while f64::abs(a - b) > 1e-15 * a {
            (a, b) = (0.5 * (a + b), f64::sqrt(a * b));
        }
        let quarter = std::f64::consts::FRAC_PI_2 / a;
        let r = POLAR as f64;
        let half = (0..POLAR / 2).map(|j| (j as f64 + 0.5) * quarter / r);
        let unit = 2.0 * quarter / (std::f64::consts::PI * r);
        let low = half.clone().map(|u| (unit * RANGE * u.cosh(), (RANGE * u.sinh()).powi(2)));
        let high = half.rev().map(|u| (unit * u.cosh() / u.sinh().powi(2), 1.0 / u.sinh().powi(2)));
        Poles::new(0.0, low.chain(high))
    }

    /// `r(x²)·x ≈ g(x)` for `RANGE ≤ x ≤ 1`, the leading values of `form` apart; into the room of `self`.
    ///
    /// From `x^{−s} = (sin πs/π) ∫ e^{(1−s)u}/(eᵘ + x) du` and, by its derivative at s = ½,
    /// `x^{−½}·ln x = (1/π) ∫ u·e^{u/2}/(eᵘ + x) du`, with the trapezoidal rule. What the rule leaves out at both ends is
    /// one pole each, right to second order in the ratio of shift and x.
    pub fn of(form: &Form, polar: &Poles, out: &mut Poles) {
        out.constant = form.linear;
        for list in [&mut out.weight, &mut out.shift] {
            list.clear();
            list.reserve(MOST);
        }
        if form.logarithm != 0.0 {
            // ln x = ½ ln x².
            let (a, b) = (form.polar / PI, 0.5 * form.logarithm / PI);
            out.rule((RANGE * RANGE, 1.0), 0.5, (a, b));
        } else if form.polar != 0.0 {
            out.weight.extend(polar.weight.iter().map(|a| form.polar * a));
            out.shift.extend(&polar.shift);
        }
        if let Some(Power { weight, exponent: s, smoothing }) = form.power {
            let square = smoothing * smoothing;
            if s == 1.0 {
                out.push(weight, square.max(f64::MIN_POSITIVE));
            } else {
                // A power of x² + δ².
                let first = out.weight.len();
                let low = square.max(RANGE * RANGE);
                let scale = weight * (PI * s).sin() / PI;
                out.rule((low, 1.0 + square), 1.0 - s, (scale, 0.0));
                out.shift[first..].iter_mut().for_each(|c| *c += square);
            }
        }
        let whole = out.weight.len().next_multiple_of(GROUP);
        out.weight.resize(whole, 0.0);
        out.shift.resize(whole, 1.0);
    }

    /// Adds the poles of `∫ e^{γu}·(a + b·u)/(eᵘ + x) du` for `low ≤ x ≤ high`, 0 < γ < 1.
    fn rule(&mut self, (low, high): (f64, f64), gamma: f64, (a, b): (f64, f64)) {
        // The rule errs by about 2·e^(−2π²/h), 1.5e-6; beyond the margin one pole stands for all, with an error of e^(−14).
        const STEP: f64 = 1.4;
        const MARGIN: f64 = 7.0;
        // Σ_j e^{g·u_j}·(a + b·u_j) over u_j = from, from ± h, …, a series that falls.
        let series = |from: f64, step: f64, g: f64| {
            let q = (g * step).exp();
            STEP * (g * from).exp() * ((a + b * from) / (1.0 - q) + b * step * q / (1.0 - q) / (1.0 - q))
        };
        let (mut u, end) = (low.ln() - MARGIN, high.ln() + MARGIN);
        // Below: Σ a_j/(c_j + x) ≈ A/(C + x) with A = Σ a_j and A·C = Σ a_j·c_j.
        let (sum, by_shift) = (series(u - STEP, -STEP, gamma), series(u - STEP, -STEP, gamma + 1.0));
        self.push(sum, by_shift / sum);
        while u < end {
            self.push(STEP * (gamma * u).exp() * (a + b * u), u.exp());
            u += STEP;
        }
        // Above: with A/C = Σ a_j/c_j and A/C² = Σ a_j/c_j².
        let (sum, by_shift) = (series(u, STEP, gamma - 1.0), series(u, STEP, gamma - 2.0));
        self.push(sum * sum / by_shift, sum / by_shift);
    }

    fn push(&mut self, weight: f64, shift: f64) {
        self.weight.push(weight);
        self.shift.push(shift);
    }

    /// How many, padding included.
    pub fn len(&self) -> usize {
        self.weight.len()
    }

    /// r(x).
    pub fn at(&self, x: f64) -> f64 {
        self.constant + self.weight.iter().zip(&self.shift).map(|(a, c)| a / (x + c)).sum::<f64>()
    }
}

/// Room for bidiagonal matrices of order k.
#[derive(Debug, Clone)]
pub struct Workspace {
    k: usize,
    /// `a_j / (p_i + g_i)`, the weighted diagonal of each inverse, a row of poles per i.
    diagonal: Vec<f64>,
    /// ρ_i, likewise.
    rho: Vec<f64>,
    /// F, k×k, column-major with padded columns; symmetric.
    f: Aligned<f64>,
    /// `diagonal` of eight rows, by pole.
    started: Vec<[f64; f64::LANES]>,
}

impl Workspace {
    /// For order `k`.
    pub fn new(k: usize) -> Workspace {
        Workspace {
            k,
            diagonal: vec![0.0; POLAR * k],
            rho: vec![0.0; POLAR * k],
            f: Aligned::zeros(padded::<f64>(k) * k),
            started: vec![[0.0; f64::LANES]; POLAR],
        }
    }

    /// Bytes held for this order.
    pub fn bytes(k: usize) -> usize {
        8 * (2 * MOST * k + padded::<f64>(k) * k)
    }

    /// `out ← B·r(BᵀB)`, k×k **column-major** with columns `stride` apart, for the upper bidiagonal B with diagonal `d` (k) and
    /// superdiagonal `e` (k−1).
    pub fn apply<T: Real>(&mut self, isa: Isa, poles: &Poles, (d, e): (&[f64], &[f64]), out: &mut [T], stride: usize) {
        let k = self.k;
        if self.diagonal.len() < poles.len() * k {
            // Once for all: the number changes from step to step.
            let most = poles.len().max(MOST);
            self.diagonal.resize(most * k, 0.0);
            self.rho.resize(most * k, 0.0);
            self.started.resize(most, [0.0; f64::LANES]);
        }
        if poles.len() == 0 {
            self.f.fill(0.0);
        }
        // Safety: lengths as made here; `isa` is what the CPU has.
        unsafe {
            recurrences(isa, self, poles, d, e);
            sum_poles(isa, self, poles.len());
            times_bidiagonal(isa, self, poles.constant, d, e, out, stride);
        }
    }
}

vectorised!(fn recurrences(isa; work: &mut Workspace, poles: &Poles, d: &[f64], e: &[f64]) = recurrences_by);

/// Twisted factorisation of `BᵀB + c` for every pole: `g` from the top, `p` and `ρ` from the bottom.
#[inline(always)]
unsafe fn recurrences_by<L: Lanes<Scalar = f64>>(work: &mut Workspace, poles: &Poles, d: &[f64], e: &[f64]) {
    let mut first = 0;
    while first < poles.len() {
        // Safety: groups within the poles; `work` has a row of poles for every entry of d.
        unsafe {
            if first + GROUPS * GROUP <= poles.len() {
                recurrences_of::<L, GROUPS>(work, poles, first, d, e);
                first += GROUPS * GROUP;
            } else {
                recurrences_of::<L, 1>(work, poles, first, d, e);
                first += GROUP;
            }
        }
    }
}

/// [`recurrences_by`] for G groups of poles.
#[inline(always)]
unsafe fn recurrences_of<L: Lanes<Scalar = f64>, const G: usize>(
    work: &mut Workspace,
    poles: &Poles,
    first: usize,
    d: &[f64],
    e: &[f64],
) {
    let (k, stride) = (d.len(), poles.len());
    // Safety: the caller's.
    unsafe {
        let (diagonal, rho) = (work.diagonal.as_mut_ptr().add(first), work.rho.as_mut_ptr().add(first));
        let (mut c, mut weight) = ([L::splat(0.0); G], [L::splat(0.0); G]);
        for i in 0..G {
            c[i] = L::load(poles.shift.as_ptr().add(first + i * GROUP));
            weight[i] = L::load(poles.weight.as_ptr().add(first + i * GROUP));
        }
        // Top-down: g_1 = 0, s_1 = c; g_{i+1} = e_i² s_i/(s_i + d_i²), s_{i+1} = g_{i+1} + c. `diagonal` holds g for now.
        let mut s = c;
        for j in 0..G {
            L::splat(0.0).store(diagonal.add(j * GROUP));
        }
        for i in 0..k - 1 {
            let (dd, ee) = (L::splat(d[i] * d[i]), L::splat(e[i] * e[i]));
            for j in 0..G {
                let g = ee.mul(s[j]).div(s[j].add(dd));
                g.store(diagonal.add((i + 1) * stride + j * GROUP));
                s[j] = g.add(c[j]);
            }
        }
        // Bottom-up: p_k = d_k² + c; q = 1/(e_i² + p_{i+1}); ρ_{i+1} = −d_i e_i q; p_i = d_i² p_{i+1} q + c.
        let mut p = c;
        for p in &mut p {
            *p = p.add(L::splat(d[k - 1] * d[k - 1]));
        }
        let one = L::splat(1.0);
        for i in (0..k).rev() {
            let (before, coupling) = if i > 0 { (d[i - 1], e[i - 1]) } else { (0.0, 0.0) };
            let (dd, ee) = (L::splat(before * before), L::splat(coupling * coupling));
            let de = L::splat(-before * coupling);
            for j in 0..G {
                let at = diagonal.add(i * stride + j * GROUP);
                weight[j].div(p[j].add(L::load(at))).store(at);
                if i > 0 {
                    let q = one.div(ee.add(p[j]));
                    de.mul(q).store(rho.add(i * stride + j * GROUP));
                    p[j] = c[j].add_product(dd.mul(p[j]), q);
                }
            }
        }
    }
}

vectorised!(fn sum_poles(isa; work: &mut Workspace, poles: usize) = sum_poles_by);

/// `F[i, j] = Σ_poles diagonal_i · ρ_{i+1} ⋯ ρ_j`, upper part, for eight rows i at a time: a lane starts at its diagonal.
#[inline(always)]
unsafe fn sum_poles_by<L: Lanes<Scalar = f64>>(work: &mut Workspace, poles: usize) {
    const LANES: usize = f64::LANES;
    let (k, height) = (work.k, padded::<f64>(work.k));
    // Safety: row i of `diagonal` and `rho` has `poles` entries, column j of `f` has `height`.
    unsafe {
        for rows in (0..k).step_by(LANES) {
            let end = (rows + LANES).min(k);
            work.started[..poles].fill([0.0; LANES]);
            for j in rows..end {
                let mut column = [0.0; LANES];
                for (pole, x) in work.started[..poles].iter_mut().enumerate() {
                    for lane in 0..j - rows {
                        x[lane] *= work.rho[j * poles + pole];
                    }
                    x[j - rows] = work.diagonal[j * poles + pole];
                    for lane in 0..=j - rows {
                        column[lane] += x[lane];
                    }
                }
                work.f[j * height + rows..][..LANES].copy_from_slice(&column);
            }
            let mut first = 0;
            while first < poles {
                if first + TOGETHER <= poles {
                    sum_group::<L, TOGETHER>(work, poles, first, rows, end);
                    first += TOGETHER;
                } else {
                    sum_group::<L, 4>(work, poles, first, rows, end);
                    first += 4;
                }
            }
        }
    }
}

/// [`sum_poles_by`] for P poles and the rows from `rows` on, columns from `end` on.
#[inline(always)]
unsafe fn sum_group<L: Lanes<Scalar = f64>, const P: usize>(
    work: &mut Workspace,
    poles: usize,
    first: usize,
    rows: usize,
    end: usize,
) {
    let height = padded::<f64>(work.k);
    // Safety: the caller's.
    unsafe {
        let mut x = [L::splat(0.0); P];
        for (i, x) in x.iter_mut().enumerate() {
            *x = L::load(work.started[first + i].as_ptr());
        }
        for j in end..work.k {
            let rho = work.rho.as_ptr().add(j * poles + first);
            let mut sums = [L::splat(0.0); 4];
            for i in 0..P {
                x[i] = x[i].mul(L::splat(*rho.add(i)));
                sums[i % 4] = sums[i % 4].add(x[i]);
            }
            // Powers of small ratios would end in subnormal numbers, which are slow and count for nothing.
            if (j - end) % f64::LANES == f64::LANES - 1 {
                for x in &mut x {
                    *x = x.flush(1e-200);
                }
            }
            let sum = sums[0].add(sums[1]).add(sums[2].add(sums[3]));
            let at = work.f.as_mut_ptr().add(j * height + rows);
            if first == 0 { sum.store(at) } else { L::load(at).add(sum).store(at) }
        }
    }
}

vectorised!(fn times_bidiagonal<T>(
    isa; work: &mut Workspace, constant: f64, d: &[f64], e: &[f64], out: &mut [T], stride: usize
) = times_bidiagonal_by);

/// `out ← B·(F + constant)`: row i is `d_i·F[i,:] + e_i·F[i+1,:]`. F is made whole on the way.
#[inline(always)]
unsafe fn times_bidiagonal_by<L: Lanes>(
    work: &mut Workspace,
    constant: f64,
    d: &[f64],
    e: &[f64],
    out: &mut [L::Scalar],
    stride: usize,
) {
    const SQUARE: usize = f64::LANES;
    let (k, height) = (work.k, padded::<f64>(work.k));
    let f = &mut work.f[..];
    // The lower half, square by square.
    for j0 in (0..k).step_by(SQUARE) {
        for i0 in (j0..k).step_by(SQUARE) {
            for i in i0..(i0 + SQUARE).min(k) {
                for j in j0..(j0 + SQUARE).min(i) {
                    f[j * height + i] = f[i * height + j];
                }
            }
        }
    }
    for j in 0..k {
        f[j * height + j] += constant;
        let (column, f) = (&mut out[j * stride..][..k], &f[j * height..][..k]);
        for i in 0..k - 1 {
            column[i] = L::Scalar::of(e[i].mul_add(f[i + 1], d[i] * f[i]));
        }
        column[k - 1] = L::Scalar::of(d[k - 1] * f[k - 1]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partial_fractions_are_one_over_x_on_the_whole_range() {
        let poles = Poles::polar();
        for i in 0..=24_000 {
            let x = 10f64.powf(-12.0 * f64::from(i) / 24_000.0);
            assert!((x * poles.at(x * x) - 1.0).abs() < 5.1e-6, "{x:e}: {:e}", x * poles.at(x * x) - 1.0);
        }
    }

    #[test]
    fn every_form_is_met_on_the_whole_range() {
        let (polar, mut poles) = (Poles::polar(), Poles::default());
        let power = |exponent, smoothing| Form {
            linear: -0.3,
            power: Some(Power { weight: 0.7, exponent, smoothing }),
            ..Form::default()
        };
        let forms = [
            Form { polar: 2.0, linear: 0.5, ..Form::default() },
            Form { polar: -2.0, logarithm: 0.3, ..Form::default() },
            power(1.0, 1e-3),
            power(0.75, 1e-6),
            power(0.75, 0.0),
            power(0.5, 1e-2),
            power(0.95, 1e-4),
            power(0.999, 1e-2),
            power(0.6, 30.0),
        ];
        for form in forms {
            Poles::of(&form, &polar, &mut poles);
            for i in 0..=2400 {
                let x = 10f64.powf(-12.0 * f64::from(i) / 2400.0);
                let (found, expected) = (x * poles.at(x * x), form.at(x));
                // Terms of both signs cancel at some x: the error is one of the terms.
                let size = form.polar.abs()
                    + form.linear.abs() * x
                    + (form.logarithm * x.ln()).abs()
                    + form.power.map_or(0.0, |p| Form { power: Some(p), ..Form::default() }.at(x));
                assert!((found - expected).abs() <= 1e-5 * size, "{form:?} at {x:e}: {found:e} {expected:e}");
            }
        }
    }

    #[test]
    fn polar_factor_of_a_diagonal_is_its_sign() {
        let (d, e) = ([1.0, -2.0 / 3.0, 1e-9], [0.0, 0.0]);
        let mut out = vec![0.0f64; 9];
        Workspace::new(3).apply(Isa::detect(), &Poles::polar(), (&d, &e), &mut out, 3);
        for (i, expected) in [1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 1.0].into_iter().enumerate() {
            assert!((out[i] - expected).abs() < 6e-6, "{i}: {}", out[i]);
        }
    }
}
