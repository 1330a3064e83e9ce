//! `x^{-1/2}` in partial fractions, and with it the polar factor of a bidiagonal matrix.
//!
//! `polar(B) = B (BᵀB)^{-1/2} ≈ B Σ_j a_j (BᵀB + c_j I)^{-1}`: each term is the inverse of a tridiagonal matrix, made in
//! O(k²) by recurrences without subtraction. Nothing iterates. Zolotarev's best rational approximation; see Hale,
//! Higham, Trefethen, *Computing A^α, log(A) and related matrix functions by contour integrals* (2008).

use super::lanes::{Aligned, Isa, LANES, Lanes, padded, vectorised};

/// Number of poles.
pub const POLES: usize = 40;
/// Poles whose running products are held in registers together.
const TOGETHER: usize = 20;

/// Smallest singular value resolved, relative to the largest: below it the factor shrinks smoothly to 0.
pub const RANGE: f64 = 1e-12;

/// The weights `a_j` and shifts `c_j`, such that `|x·Σ a_j/(x² + c_j) − 1| ≤ 5e-6` for `RANGE ≤ x ≤ 1`.
#[derive(Debug, Clone)]
pub struct Poles {
    weight: [f64; POLES],
    shift: [f64; POLES],
}

impl Default for Poles {
    /// With `K' = (π/2)/agm(1, k)` and `u_j = (j − ½)K'/r`: `c_j = (k sinh u_j)²`, `a_j = (2K'k/(πr)) cosh u_j` for
    /// j ≤ r/2, and the mirrored half `1/sinh²u_j`, `(2K'/(πr)) cosh u_j/sinh²u_j`. (The elliptic functions
    /// themselves must not be evaluated at parameter 1−k², which rounds to 1; these limits are right to about k.)
    fn default() -> Poles {
        let (mut a, mut b) = (1.0, RANGE);
        while f64::abs(a - b) > 1e-15 * a {
            (a, b) = (0.5 * (a + b), f64::sqrt(a * b));
        }
        let quarter = std::f64::consts::FRAC_PI_2 / a;
        let r = POLES as f64;
        let mut poles = Poles { weight: [0.0; POLES], shift: [0.0; POLES] };
        for j in 0..POLES / 2 {
            let u = (j as f64 + 0.5) * quarter / r;
            let (sinh, cosh) = (u.sinh(), u.cosh());
            let unit = 2.0 * quarter / (std::f64::consts::PI * r);
            poles.shift[j] = (RANGE * sinh).powi(2);
            poles.weight[j] = unit * RANGE * cosh;
            poles.shift[POLES - 1 - j] = 1.0 / (sinh * sinh);
            poles.weight[POLES - 1 - j] = unit * cosh / (sinh * sinh);
        }
        poles
    }
}

/// Room for one bidiagonal matrix of order k.
#[derive(Debug, Clone)]
pub struct Workspace {
    poles: Poles,
    /// `a_j / (p_i + g_i)`, the weighted diagonal of each inverse, one row of [`POLES`] per i.
    diagonal: Vec<[f64; POLES]>,
    /// ρ_i, likewise.
    rho: Vec<[f64; POLES]>,
    /// F, k×k, column-major with padded columns.
    f: Aligned,
    /// `diagonal` of eight rows, by pole.
    started: [[f64; LANES]; POLES],
}

impl Workspace {
    /// For order `k`.
    pub fn new(k: usize) -> Workspace {
        Workspace {
            poles: Poles::default(),
            diagonal: vec![[0.0; POLES]; k],
            rho: vec![[0.0; POLES]; k],
            f: Aligned::zeros(padded(k) * k),
            started: [[0.0; LANES]; POLES],
        }
    }

    /// `out ← polar(B)`, k×k **column-major** with columns `stride` apart, for the upper bidiagonal B with diagonal `d` (k) and superdiagonal
    /// `e` (k−1), both divided here by the largest row or column sum, so that σ ≤ 1.
    pub fn polar(&mut self, isa: Isa, d: &mut [f64], e: &mut [f64], out: &mut [f64], stride: usize) {
        let k = d.len();
        let above = |e: &[f64], i: usize| if i + 1 < k { e[i].abs() } else { 0.0 };
        let before = |e: &[f64], i: usize| if i > 0 { e[i - 1].abs() } else { 0.0 };
        let scale = (0..k).map(|i| d[i].abs() + above(e, i).max(before(e, i))).fold(0.0, f64::max);
        d.iter_mut().chain(e.iter_mut()).for_each(|x| *x /= scale);
        self.recurrences(d, e);
        // Safety: lengths as made in `new`; `isa` is what the CPU has.
        unsafe { sum_poles(isa, self) };
        // F is symmetric: the other half.
        let height = padded(k);
        for j in 0..k {
            for i in j + 1..k {
                self.f[j * height + i] = self.f[i * height + j];
            }
        }
        // R = B·F: row i is d_i·F[i,:] + e_i·F[i+1,:].
        for j in 0..k {
            let (column, f) = (&mut out[j * stride..][..k], &self.f[j * height..][..k]);
            for i in 0..k - 1 {
                column[i] = d[i] * f[i] + e[i] * f[i + 1];
            }
            column[k - 1] = d[k - 1] * f[k - 1];
        }
    }

    /// Twisted factorisation of `BᵀB + c` for every pole: `g` from the top, `p` and `ρ` from the bottom.
    fn recurrences(&mut self, d: &[f64], e: &[f64]) {
        let k = d.len();
        let c = &self.poles.shift;
        // Top-down: g_1 = 0, s_1 = c; g_{i+1} = e_i² s_i/(s_i + d_i²), s_{i+1} = g_{i+1} + c. `diagonal` holds g for now.
        let mut s = *c;
        self.diagonal[0] = [0.0; POLES];
        for i in 0..k - 1 {
            let (dd, ee) = (d[i] * d[i], e[i] * e[i]);
            for j in 0..POLES {
                let g = ee * s[j] / (s[j] + dd);
                self.diagonal[i + 1][j] = g;
                s[j] = g + c[j];
            }
        }
        // Bottom-up: p_k = d_k² + c; q = 1/(e_i² + p_{i+1}); ρ_{i+1} = −d_i e_i q; p_i = d_i² p_{i+1} q + c.
        let mut p = *c;
        p.iter_mut().for_each(|p| *p += d[k - 1] * d[k - 1]);
        for i in (0..k).rev() {
            for j in 0..POLES {
                self.diagonal[i][j] = self.poles.weight[j] / (p[j] + self.diagonal[i][j]);
            }
            if i > 0 {
                let (dd, ee, de) = (d[i - 1] * d[i - 1], e[i - 1] * e[i - 1], d[i - 1] * e[i - 1]);
                for j in 0..POLES {
                    let q = 1.0 / (ee + p[j]);
                    self.rho[i][j] = -de * q;
                    p[j] = dd * p[j] * q + c[j];
                }
            }
        }
    }
}

vectorised!(fn sum_poles(isa; work: &mut Workspace) = sum_poles_by);

/// `F[i, j] = Σ_poles diagonal_i · ρ_{i+1} ⋯ ρ_j`, upper part, for eight rows i at a time: a lane starts at its diagonal.
#[inline(always)]
unsafe fn sum_poles_by<L: Lanes>(work: &mut Workspace) {
    let (k, height) = (work.diagonal.len(), padded(work.diagonal.len()));
    // Safety: row i of `diagonal` and `rho` has POLES entries, column j of `f` has `height`.
    unsafe {
        for rows in (0..k).step_by(LANES) {
            let end = (rows + LANES).min(k);
            work.started = [[0.0; LANES]; POLES];
            for j in rows..end {
                let mut column = [0.0; LANES];
                for (pole, x) in work.started.iter_mut().enumerate() {
                    for lane in 0..j - rows {
                        x[lane] *= work.rho[j][pole];
                    }
                    x[j - rows] = work.diagonal[j][pole];
                    for lane in 0..=j - rows {
                        column[lane] += x[lane];
                    }
                }
                work.f[j * height + rows..][..LANES].copy_from_slice(&column);
            }
            for first in (0..POLES).step_by(TOGETHER) {
                let mut x = [L::splat(0.0); TOGETHER];
                for (i, x) in x.iter_mut().enumerate() {
                    *x = L::load(work.started[first + i].as_ptr());
                }
                for j in end..k {
                    let rho = work.rho[j].as_ptr().add(first);
                    let mut sums = [L::splat(0.0); 4];
                    for i in 0..TOGETHER {
                        x[i] = x[i].mul(L::splat(*rho.add(i)));
                        sums[i % 4] = sums[i % 4].add(x[i]);
                    }
                    // Powers of small ratios would end in subnormal numbers, which are slow and count for nothing.
                    if (j - end) % LANES == LANES - 1 {
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
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partial_fractions_are_one_over_x_on_the_whole_range() {
        let poles = Poles::default();
        for i in 0..=24_000 {
            let x = 10f64.powf(-12.0 * f64::from(i) / 24_000.0);
            let sum: f64 = poles.weight.iter().zip(&poles.shift).map(|(a, c)| a / (x * x + c)).sum();
            assert!((x * sum - 1.0).abs() < 5.1e-6, "{x:e}: {:e}", x * sum - 1.0);
        }
    }

    #[test]
    fn polar_factor_of_a_diagonal_is_its_sign() {
        let (mut d, mut e) = (vec![3.0, -2.0, 1e-9], vec![0.0, 0.0]);
        let mut out = vec![0.0; 9];
        Workspace::new(3).polar(Isa::detect(), &mut d, &mut e, &mut out, 3);
        for (i, expected) in [1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 1.0].into_iter().enumerate() {
            assert!((out[i] - expected).abs() < 6e-6, "{i}: {}", out[i]);
        }
    }
}
