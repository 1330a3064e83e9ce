//! `x^{-1/2}` in partial fractions, and with it the polar factor of a bidiagonal matrix.
//!
//! `polar(B) = B (BᵀB)^{-1/2} ≈ B Σ_j a_j (BᵀB + c_j I)^{-1}`: each term is the inverse of a tridiagonal matrix, made in
//! O(k²) by recurrences without subtraction. Nothing iterates. Zolotarev's best rational approximation; see Hale,
//! Higham, Trefethen, *Computing A^α, log(A) and related matrix functions by contour integrals* (2008).

/// Number of poles.
pub const POLES: usize = 40;

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
    /// F, k×k, upper part row-major.
    f: Vec<f64>,
}

impl Workspace {
    /// For order `k`.
    pub fn new(k: usize) -> Workspace {
        Workspace {
            poles: Poles::default(),
            diagonal: vec![[0.0; POLES]; k],
            rho: vec![[0.0; POLES]; k],
            f: vec![0.0; k * k],
        }
    }

    /// `out ← polar(B)`, k×k **column-major**, for the upper bidiagonal B with diagonal `d` (k) and superdiagonal
    /// `e` (k−1), both divided here by the largest row or column sum, so that σ ≤ 1.
    pub fn polar(&mut self, d: &mut [f64], e: &mut [f64], out: &mut [f64]) {
        let k = d.len();
        let above = |e: &[f64], i: usize| if i + 1 < k { e[i].abs() } else { 0.0 };
        let before = |e: &[f64], i: usize| if i > 0 { e[i - 1].abs() } else { 0.0 };
        let scale = (0..k).map(|i| d[i].abs() + above(e, i).max(before(e, i))).fold(0.0, f64::max);
        d.iter_mut().chain(e.iter_mut()).for_each(|x| *x /= scale);
        self.recurrences(d, e);
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") {
            // Safety: the feature was just found. The same operations in the same order: the same bits.
            unsafe { sum_avx2(&self.diagonal, &self.rho, &mut self.f) };
        } else {
            sum(&self.diagonal, &self.rho, &mut self.f);
        }
        #[cfg(not(target_arch = "x86_64"))]
        sum(&self.diagonal, &self.rho, &mut self.f);
        // R = B·F: row i is d_i·F[i,:] + e_i·F[i+1,:]; F is symmetric, its upper part is stored.
        for j in 0..k {
            let f = |i: usize| if i <= j { self.f[i * k + j] } else { self.f[j * k + i] };
            let column = &mut out[j * k..(j + 1) * k];
            let mut here = f(0);
            for i in 0..k - 1 {
                let next = f(i + 1);
                column[i] = d[i] * here + e[i] * next;
                here = next;
            }
            column[k - 1] = d[k - 1] * here;
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

/// F[i, j] = Σ_poles diagonal_i · ρ_{i+1} ⋯ ρ_j, upper part.
#[inline(always)]
fn sum(diagonal: &[[f64; POLES]], rho: &[[f64; POLES]], f: &mut [f64]) {
    let k = diagonal.len();
    for i in 0..k {
        let mut x = diagonal[i];
        for j in i..k {
            if j > i {
                for (x, rho) in x.iter_mut().zip(&rho[j]) {
                    *x *= rho;
                }
                // Powers of small ratios would end in subnormal numbers, which are slow and count for nothing.
                if (j - i) % 8 == 0 {
                    x.iter_mut().for_each(|x| *x = if x.abs() < 1e-200 { 0.0 } else { *x });
                }
            }
            let mut lanes = [0.0; 8];
            for group in x.as_chunks::<8>().0 {
                for (lane, x) in lanes.iter_mut().zip(group) {
                    *lane += x;
                }
            }
            f[i * k + j] =
                ((lanes[0] + lanes[4]) + (lanes[1] + lanes[5])) + ((lanes[2] + lanes[6]) + (lanes[3] + lanes[7]));
        }
    }
}

/// [`sum`], compiled for AVX2 (which changes the speed, not the bits: no fused operations).
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn sum_avx2(diagonal: &[[f64; POLES]], rho: &[[f64; POLES]], f: &mut [f64]) {
    sum(diagonal, rho, f);
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
        Workspace::new(3).polar(&mut d, &mut e, &mut out);
        for (i, expected) in [1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 1.0].into_iter().enumerate() {
            assert!((out[i] - expected).abs() < 6e-6, "{i}: {}", out[i]);
        }
    }
}
