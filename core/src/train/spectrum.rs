//! Singular values and vectors, the polar factor and what else depends on them, and small solves. Nothing outside of `train` calls
//! LAPACK.
//!
//! The training loop uses [`Spectrum`], which owns its workspace and allocates nothing; everything else uses the
//! plain functions. Finiteness is checked before LAPACK is called, for LAPACK can hide a NaN.
//!
//! The polar factor `P = UVᵀ` comes from `polar`, at about a fifth of the cost of an SVD; what that cannot resolve falls
//! back to gesdd, counted.

use super::blas::{Op, gemm};
use super::lanes::{self, Isa};
use super::polar;
use super::real::Real;
use crate::error::{Error, Result};
use crate::penalty::Spectral;
use ndarray::Array2;
use ndarray_linalg::{FactorizeC, JobSvd, QR, SVDDC, SolveC, UPLO};
use std::ffi::c_int;

/// Thin SVD `W = U diag(σ) Vᵀ`: U m×k, σ descending, Vᵀ k×n, k = min(m, n). By gesdd.
///
/// # Errors
/// [`Error::NotFinite`], [`Error::Lapack`].
pub fn svd(w: &Array2<f64>) -> Result<(Array2<f64>, Vec<f64>, Array2<f64>)> {
    check_finite(w)?;
    let (u, s, vt) = w.svddc(JobSvd::Some).map_err(|_| Error::Lapack { routine: "dgesdd", info: 1 })?;
    let row_major = |x: Option<Array2<f64>>| x.expect("both factors were asked for").as_standard_layout().into_owned();
    Ok((row_major(u), s.to_vec(), row_major(vt)))
}

/// An orthonormal basis Q (m×n, m ≥ n) of the columns of `a`: thin QR with positive diagonal of R.
///
/// # Errors
/// [`Error::NotFinite`], [`Error::Lapack`].
pub fn orthonormal(a: &Array2<f64>) -> Result<Array2<f64>> {
    check_finite(a)?;
    let (q, r) = a.qr().map_err(|_| Error::Lapack { routine: "dgeqrf", info: 1 })?;
    let mut q = q.as_standard_layout().into_owned();
    for (mut column, r) in q.columns_mut().into_iter().zip(r.diag()) {
        if *r < 0.0 {
            column.mapv_inplace(|x| -x);
        }
    }
    Ok(q)
}

/// X with `A X = B`, A symmetric positive definite n×n, B n×m. By Cholesky.
///
/// # Errors
/// [`Error::NotFinite`]; [`Error::Lapack`] where A is not positive definite.
pub fn solve_spd(a: &Array2<f64>, b: &Array2<f64>) -> Result<Array2<f64>> {
    check_finite(a)?;
    check_finite(b)?;
    let refused = |_| Error::Lapack { routine: "dpotrf", info: 1 };
    let factor = a.factorizec(UPLO::Lower).map_err(refused)?;
    let mut x = b.clone();
    for (mut to, from) in x.columns_mut().into_iter().zip(b.columns()) {
        to.assign(&factor.solvec(&from.to_owned()).map_err(refused)?);
    }
    Ok(x)
}

fn check_finite<T: Real>(w: &Array2<T>) -> Result<()> {
    if w.iter().all(|x| x.is_finite()) { Ok(()) } else { Err(Error::NotFinite) }
}

/// What the polar factor tells of W.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Polar {
    /// ‖W‖_* = ⟨W, P⟩.
    pub nuclear: f64,
    /// ‖W‖_F.
    pub frobenius: f64,
    /// Directions in which P had shrunk: `round(k − ‖P‖_F²)`.
    pub unresolved: u64,
    /// Whether gesdd had to be asked.
    pub fell_back: bool,
}

/// How functions of the singular values are made (the axis `decomposition`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decomposition {
    /// Partial fractions.
    Poles,
    /// The polar factor by partial fractions with reductions of 32 bits: directions below about 6e-8·σ_1 are arbitrary.
    Mixed,
    /// gesdd.
    Svd,
}

impl Decomposition {
    /// By its word in the axis.
    pub fn named(word: &str) -> Decomposition {
        match word {
            "mixed" => Decomposition::Mixed,
            "svd" => Decomposition::Svd,
            _ => Decomposition::Poles,
        }
    }
}

/// The polar factor in 32 bits, with W and P in that type.
struct Narrow {
    polar: polar::Polar<f32>,
    w: Vec<f32>,
    p: Vec<f32>,
}

impl Narrow {
    /// `p ← polar(scale·w)`.
    fn polar<T: Real>(&mut self, w: &[T], scale: T, p: &mut [T]) {
        self.w.iter_mut().zip(w).for_each(|(to, &x)| *to = (x * scale).wide() as f32);
        self.polar.of(&self.w, 1.0, &mut self.p);
        p.iter_mut().zip(&self.p).for_each(|(to, &x)| *to = T::of(f64::from(x)));
    }
}

/// Workspace for one shape.
pub struct Spectrum<T = f64> {
    rows: usize,
    columns: usize,
    /// min(rows, columns).
    k: usize,
    isa: Isa,
    decomposition: Decomposition,
    polar: polar::Polar<T>,
    narrow: Option<Box<Narrow>>,
    /// W, for LAPACK to overwrite.
    lost: Vec<T>,
    /// U, rows×k.
    pub u: Array2<T>,
    /// σ, descending.
    pub s: Vec<f64>,
    /// Vᵀ, k×columns.
    pub vt: Array2<T>,
    scaled: Array2<T>,
    /// 1 where a direction is part of the polar factor, else 0.
    kept: Vec<f64>,
    /// σ as LAPACK leaves it.
    values: Vec<T>,
    work: Vec<T>,
    integers: Vec<c_int>,
}

impl<T: Real> Spectrum<T> {
    /// For matrices of `rows` × `columns`.
    pub fn new(rows: usize, columns: usize) -> Spectrum<T> {
        let k = rows.min(columns);
        let mut spectrum = Spectrum {
            rows,
            columns,
            k,
            isa: Isa::detect(),
            decomposition: Decomposition::Poles,
            polar: polar::Polar::new(rows, columns),
            narrow: None,
            lost: vec![T::default(); rows * columns],
            u: Array2::zeros((rows, k)),
            s: vec![0.0; k],
            vt: Array2::zeros((k, columns)),
            scaled: Array2::zeros((rows, k)),
            kept: vec![0.0; k],
            values: vec![T::default(); k],
            work: vec![T::default(); 1],
            integers: vec![0; 8 * k],
        };
        let needed = if spectrum.gesdd(-1).is_ok() { spectrum.work[0].wide() as usize } else { 1 };
        spectrum.work = vec![T::default(); needed.max(1)];
        spectrum
    }

    /// The same, with another way for [`Spectrum::polar`] and [`Spectrum::gradient`].
    pub fn by(self, decomposition: Decomposition) -> Spectrum<T> {
        let entries = self.rows * self.columns;
        // Where all is of 32 bits, nothing can be narrower.
        let narrow = (decomposition == Decomposition::Mixed && T::NAME != f32::NAME).then(|| {
            let polar = polar::Polar::new(self.rows, self.columns);
            Box::new(Narrow { polar, w: vec![0.0; entries], p: vec![0.0; entries] })
        });
        Spectrum { decomposition, narrow, ..self }
    }

    /// Bytes held for matrices of this shape, for memory forecasts.
    pub fn bytes(rows: usize, columns: usize) -> usize {
        let (k, tall) = (rows.min(columns), rows.max(columns));
        // lost, u, vt, scaled; gesdd's work (about 3k² + 7k + 32(tall + k)).
        polar::Polar::<T>::bytes(rows, columns)
            + std::mem::size_of::<T>() * (tall * k + 2 * rows * k + k * columns + 4 * k * k + 80 * k + 64 * tall)
    }

    /// `p ← UVᵀ` of `w` (both rows × columns), and the norms that come with it. W = 0 gives P = 0.
    ///
    /// # Errors
    /// [`Error::NotFinite`], [`Error::Lapack`].
    pub fn polar(&mut self, w: &Array2<T>, p: &mut Array2<T>) -> Result<Polar> {
        let Some((scale, frobenius)) = size(self.isa, w.as_slice().expect("row-major"))? else {
            p.fill(T::default());
            return Ok(Polar { nuclear: 0.0, frobenius: 0.0, unresolved: self.k as u64, fell_back: false });
        };
        if self.decomposition == Decomposition::Svd {
            return Ok(Polar { fell_back: false, ..self.exact_polar(w, p)? });
        }
        let (entries, out) = (w.as_slice().expect("row-major"), p.as_slice_mut().expect("row-major"));
        let share = |p: &[T]| lanes::inner(self.isa, p, p).wide() / self.k as f64;
        let resolved = 1.0 - 3.0 / self.k as f64..=1.0 + 1e-3;
        let narrow = self.narrow.as_mut().map(|narrow| {
            narrow.polar(entries, scale, out);
            share(out)
        });
        // What 32 bits do not resolve is done again in this type.
        let share = narrow.filter(|share| resolved.contains(share)).unwrap_or_else(|| {
            self.polar.of(entries, scale, out);
            share(out)
        });
        let nuclear = lanes::inner(self.isa, entries, out).wide();
        // NaN is not within the bound either.
        let sound = share <= 1.0 + 1e-3 && nuclear.is_finite();
        if !sound {
            return self.exact_polar(w, p);
        }
        let unresolved = (self.k as f64 * (1.0 - share)).round().max(0.0) as u64;
        Ok(Polar { nuclear, frobenius, unresolved, fell_back: false })
    }

    /// The polar factor `P = Σ_{σ_i > 1e-12·σ_1} u_i v_iᵀ` by gesdd: exact, slower, and the way out for [`Spectrum::polar`].
    ///
    /// # Errors
    /// [`Error::NotFinite`], [`Error::Lapack`].
    pub fn exact_polar(&mut self, w: &Array2<T>, p: &mut Array2<T>) -> Result<Polar> {
        self.svd(w)?;
        let cut = 1e-12 * self.s[0];
        let unresolved = self.s.iter().filter(|&&s| s <= cut).count() as u64;
        let nuclear = self.s.iter().sum();
        let frobenius = self.s.iter().map(|s| s * s).sum::<f64>().sqrt();
        let mut kept = std::mem::take(&mut self.kept);
        kept.iter_mut().zip(&self.s).for_each(|(kept, &s)| *kept = if s > cut { 1.0 } else { 0.0 });
        self.recompose(&kept, 1.0, 0.0, p);
        self.kept = kept;
        Ok(Polar { nuclear, frobenius, unresolved, fell_back: true })
    }

    /// `out ← factor·∇f(w)` of a penalty f of the singular values; answers f and whether gesdd had to be asked. `derivative` is
    /// room for k numbers.
    ///
    /// # Errors
    /// [`Error::NotFinite`], [`Error::ZeroMatrix`], [`Error::Lapack`].
    pub fn gradient(
        &mut self,
        penalty: &dyn Spectral,
        w: &Array2<T>,
        factor: f64,
        derivative: &mut [f64],
        out: &mut Array2<T>,
    ) -> Result<(f64, bool)> {
        let entries = w.as_slice().expect("row-major");
        let svd = self.decomposition == Decomposition::Svd;
        let size = size(self.isa, entries)?;
        if let Some((scale, _)) = size
            && !svd
            && self.polar.singular_values(entries, scale, &mut self.s).is_ok()
        {
            let value = penalty.value(&self.s, derivative)?;
            let form = penalty.form(&self.s, value);
            let to = out.as_slice_mut().expect("row-major");
            let made = self.polar.function(&form, factor, &self.s, derivative, to);
            // And none of it was lost on the way: NaN, ∞.
            if made == Ok(true) && lanes::inner(self.isa, to, to).is_finite() {
                return Ok((value, false));
            }
        }
        self.svd(w)?;
        let value = penalty.value(&self.s, derivative)?;
        self.recompose(derivative, factor, 0.0, out);
        Ok((value, !svd && size.is_some()))
    }

    /// Fills `u`, `s`, `vt` with the thin SVD of `w`, by gesdd.
    ///
    /// # Errors
    /// [`Error::NotFinite`], [`Error::Lapack`].
    pub fn svd(&mut self, w: &Array2<T>) -> Result<()> {
        check_finite(w)?;
        self.lost.copy_from_slice(w.as_slice().expect("row-major"));
        self.gesdd(self.work.len() as c_int)
    }

    /// `out ← alpha·U diag(g) Vᵀ + beta·out` with the factors of the last [`Spectrum::svd`].
    pub fn recompose(&mut self, g: &[f64], alpha: f64, beta: f64, out: &mut Array2<T>) {
        let pairs = self.scaled.as_slice_mut().expect("row-major").chunks_exact_mut(self.k);
        for (to, from) in pairs.zip(self.u.as_slice().expect("row-major").chunks_exact(self.k)) {
            for i in 0..self.k {
                to[i] = from[i] * T::of(g[i]);
            }
        }
        gemm(alpha, (Op::Plain, &self.scaled), (Op::Plain, &self.vt), beta, out);
    }

    /// Thin SVD of the row-major matrix in `lost`. LAPACK sees its transpose Wᵀ = V σ Uᵀ (columns × rows), so its U
    /// is our Vᵀ and its Vᵀ our U, each already in our order.
    fn gesdd(&mut self, lwork: c_int) -> Result<()> {
        // Safety: every array has the length that gesdd documents for jobz = 'S'.
        let info = unsafe {
            T::gesdd(
                [self.columns as c_int, self.rows as c_int],
                self.lost.as_mut_ptr(),
                self.values.as_mut_ptr(),
                self.vt.as_mut_ptr(),
                self.u.as_mut_ptr(),
                (self.work.as_mut_ptr(), lwork),
                self.integers.as_mut_ptr(),
            )
        };
        self.s.iter_mut().zip(&self.values).for_each(|(s, value)| *s = value.wide());
        refused("gesdd", info)
    }
}

/// A power of two that makes the entries of `w` at most about 1, and ‖w‖_F; `None` for a matrix of zeros.
///
/// # Errors
/// [`Error::NotFinite`].
fn size<T: Real>(isa: Isa, w: &[T]) -> Result<Option<(T, f64)>> {
    let mut norm = lanes::inner(isa, w, w).wide().sqrt();
    // Squares that overflow or vanish, and NaN.
    if !(1e-12..=1e15).contains(&norm) {
        let mut largest = 0.0f64;
        for &x in w {
            if !x.is_finite() {
                return Err(Error::NotFinite);
            }
            largest = largest.max(x.wide().abs());
        }
        if largest == 0.0 {
            return Ok(None);
        }
        norm = largest * w.iter().map(|x| (x.wide() / largest).powi(2)).sum::<f64>().sqrt();
    }
    let exponent = norm.log2().floor().clamp(-T::EXPONENTS, T::EXPONENTS);
    Ok(Some((T::of((-exponent).exp2()), norm)))
}

fn refused(routine: &'static str, info: c_int) -> Result<()> {
    if info == 0 { Ok(()) } else { Err(Error::Lapack { routine, info }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::penalty::{KNOWN, Penalty};
    use crate::registry;
    use crate::seed::Stream;
    use crate::trial::{Inputs, Trial};
    use crate::value::Value;

    fn normal(rows: usize, columns: usize, seed: i64) -> Array2<f64> {
        let mut stream = Stream::new("test", seed);
        Array2::from_shape_simple_fn((rows, columns), || stream.normal())
    }

    fn distance(a: &Array2<f64>, b: &Array2<f64>) -> f64 {
        (a - b).iter().map(|x| x * x).sum::<f64>().sqrt()
    }

    /// The oracle: the polar factor `P = Σ_{σ_i > 1e-12·σ_1} u_i v_iᵀ` by gesdd, m×n.
    fn polar_factor(w: &Array2<f64>) -> Array2<f64> {
        let (mut u, s, vt) = svd(w).unwrap();
        for (i, &sigma) in s.iter().enumerate() {
            if sigma <= 1e-12 * s[0] {
                u.column_mut(i).fill(0.0);
            }
        }
        u.dot(&vt)
    }

    #[test]
    fn polar_factor_matches_the_svd_for_every_shape() {
        for (rows, columns) in [
            (1, 1),
            (1, 7),
            (7, 1),
            (2, 2),
            (5, 9),
            (9, 5),
            (50, 50),
            (60, 41),
            (41, 60),
            (100, 100),
            (130, 70),
            (71, 150),
        ] {
            let w = normal(rows, columns, 1) * 1e-7;
            let mut spectrum = Spectrum::new(rows, columns);
            let mut p = Array2::zeros((rows, columns));
            let polar = spectrum.polar(&w, &mut p).unwrap();
            let (_, s, _) = svd(&w).unwrap();
            assert!(!polar.fell_back);
            assert!(distance(&p, &polar_factor(&w)) < 1e-4, "{rows}×{columns}: {}", distance(&p, &polar_factor(&w)));
            assert!((polar.nuclear / s.iter().sum::<f64>() - 1.0).abs() < 1e-5);
        }
    }

    #[test]
    fn tiny_directions_are_kept_down_to_the_range() {
        // σ = 1, 1e-3, …: all above 1e-12 must have length 1 in P; what is below shrinks, and is counted.
        let (u, v) = (orthonormal(&normal(30, 30, 2)).unwrap(), orthonormal(&normal(30, 30, 3)).unwrap());
        let sigma: Vec<f64> = (0..30).map(|i| 10f64.powf(-11.0 * f64::from(i) / 29.0)).collect();
        let w = (&u * &ndarray::Array1::from(sigma)).dot(&v.t()).as_standard_layout().into_owned();
        let mut p = Array2::zeros((30, 30));
        let polar = Spectrum::new(30, 30).polar(&w, &mut p).unwrap();
        assert_eq!(polar.unresolved, 0);
        // Directions near 1e-11·σ_1 carry the rounding of W itself, 1e-16/1e-11.
        assert!(distance(&p, &u.dot(&v.t())) < 1e-3, "{}", distance(&p, &u.dot(&v.t())));
    }

    /// Every penalty of the spectrum against its derivative between singular vectors, on spectra that decay.
    #[test]
    fn spectral_gradients_need_no_singular_vectors() {
        for entry in KNOWN {
            let axes =
                [("optimizer", "gd".into()), ("lr", 0.1.into()), ("steps", 1.into()), ("penalty", entry.name.into())]
                    .into_iter()
                    .chain([("n1", 60.into()), ("n2", 60.into()), ("rank", 1.into()), ("samples", 60.into())])
                    .chain(
                        entry.axes.iter().filter(|axis| axis.name == "lambda").map(|_| ("lambda", Value::Float(1.0))),
                    )
                    .map(|(name, value): (&str, Value)| (name.to_owned(), value));
            let Penalty::Spectral(penalty) = (entry.build)(&Trial::new(&axes.collect(), &Inputs::new()).unwrap())
            else {
                continue;
            };
            for (rows, columns, decay) in
                [(60, 60, 0.0), (60, 41, 6.0), (41, 60, 9.0), (30, 100, 3.0), (8, 8, 11.0), (2, 5, 1.0)]
            {
                let k = rows.min(columns);
                let (u, v) = (orthonormal(&normal(rows, k, 2)).unwrap(), orthonormal(&normal(columns, k, 3)).unwrap());
                let sigma = ndarray::Array1::from_shape_fn(k, |i| {
                    7.0 * 10f64.powf(-decay * i as f64 / k as f64) - 0.01 * i as f64 * f64::from(u8::from(decay == 0.0))
                });
                let w = (&u * &sigma).dot(&v.t()).as_standard_layout().into_owned();
                let mut spectrum = Spectrum::new(rows, columns);
                let (mut found, mut derivative) = (Array2::zeros((rows, columns)), vec![0.0; k]);
                let (value, fell_back) = spectrum.gradient(&*penalty, &w, 0.3, &mut derivative, &mut found).unwrap();
                let mut expected = Array2::zeros((rows, columns));
                spectrum.svd(&w).unwrap();
                let exact = penalty.value(&spectrum.s, &mut derivative).unwrap();
                spectrum.recompose(&derivative, 0.3, 0.0, &mut expected);
                let size = expected.iter().map(|x| x * x).sum::<f64>().sqrt();
                let what = format!("{} {rows}×{columns}, decay {decay}", entry.name);
                assert!(!fell_back || decay == 0.0, "{what}");
                assert!((value - exact).abs() <= 1e-9 * exact.abs(), "{what}: {value} {exact}");
                // Terms of a flat spectrum cancel, and their errors do not: there an SVD is asked.
                assert!(distance(&found, &expected) <= 1e-4 * size, "{what}: {:e}", distance(&found, &expected) / size);
            }
        }
    }

    /// Where leading singular values are equal, or are nothing but rounding.
    #[test]
    fn leading_directions_that_are_not_one_are_no_trouble() {
        let low_rank = normal(40, 2, 1).dot(&normal(2, 30, 2));
        for (name, free) in
            [("stable_rank", 0), ("nuclear_over_spectral", 0), ("truncated_nuclear", 1), ("truncated_nuclear", 10)]
        {
            for (what, w) in [
                ("the identity", Array2::eye(30)),
                ("orthogonal", orthonormal(&normal(30, 30, 3)).unwrap()),
                ("of rank 2", low_rank.as_standard_layout().into_owned()),
                ("wide, of rank 2", low_rank.t().as_standard_layout().into_owned()),
            ] {
                let mut given = vec![("penalty", name.into()), ("lambda", Value::Float(1.0))];
                if free > 0 {
                    given.push(("truncation", free.into()));
                }
                let penalty = spectral(&given);
                let (rows, columns) = w.dim();
                let k = rows.min(columns);
                let (mut found, mut derivative) = (Array2::zeros(w.dim()), vec![0.0; k]);
                let mut spectrum = Spectrum::new(rows, columns);
                spectrum.gradient(&*penalty, &w, 1.0, &mut derivative, &mut found).unwrap();
                let mut exact = Spectrum::new(rows, columns).by(Decomposition::Svd);
                let mut expected = Array2::zeros(w.dim());
                exact.gradient(&*penalty, &w, 1.0, &mut derivative, &mut expected).unwrap();
                // Of equal ones any may lead: the spectrum of the gradient is one, its vectors are not.
                let values = |w: &Array2<f64>| svd(w).unwrap().1;
                for (a, b) in values(&found).iter().zip(values(&expected)) {
                    // What is not resolved shrinks, if not to 0.
                    assert!((a - b).abs() < 2e-3, "{name} {free}, {what}: {a} {b}");
                }
            }
        }
    }

    /// A penalty of the spectrum.
    fn spectral(given: &[(&str, Value)]) -> Box<dyn Spectral> {
        let axes = [("optimizer", "gd".into()), ("lr", 0.1.into()), ("steps", 1.into())]
            .into_iter()
            .chain([("n1", 60.into()), ("n2", 60.into()), ("rank", 1.into()), ("samples", 60.into())])
            .chain(given.iter().cloned())
            .map(|(name, value): (&str, Value)| (name.to_owned(), value));
        let trial = Trial::new(&axes.collect(), &Inputs::new()).unwrap();
        match (registry::find("penalty", KNOWN, trial.text("penalty")).unwrap().build)(&trial) {
            Penalty::Spectral(penalty) => penalty,
            _ => panic!("a penalty of the spectrum"),
        }
    }

    #[test]
    fn numbers_of_32_bits_have_the_same_polar_factor() {
        for (rows, columns) in [(3, 2), (50, 50), (60, 41), (41, 60), (1, 40)] {
            let w = normal(rows, columns, 1) * 1e-7;
            let narrow = w.mapv(|x| x as f32);
            let mut p = Array2::zeros((rows, columns));
            let polar = Spectrum::<f32>::new(rows, columns).polar(&narrow, &mut p).unwrap();
            assert!(!polar.fell_back && polar.unresolved == 0);
            let off = distance(&p.mapv(f64::from), &polar_factor(&w));
            assert!(off < 2e-3, "{rows}×{columns}: {off}");
        }
    }

    #[test]
    fn an_svd_recomposes() {
        for (rows, columns) in [(6, 4), (4, 6), (5, 5)] {
            let w = normal(rows, columns, 4);
            let mut spectrum = Spectrum::new(rows, columns);
            spectrum.svd(&w).unwrap();
            let s = spectrum.s.clone();
            let mut back = Array2::zeros((rows, columns));
            spectrum.recompose(&s, 1.0, 0.0, &mut back);
            assert!(distance(&w, &back) < 1e-13);
        }
    }

    #[test]
    fn what_is_not_finite_is_refused_and_zero_is_zero() {
        let mut spectrum = Spectrum::new(3, 3);
        let mut p = Array2::ones((3, 3));
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let mut w = normal(3, 3, 5);
            w[[1, 2]] = bad;
            assert_eq!(spectrum.polar(&w, &mut p), Err(Error::NotFinite));
            assert_eq!(spectrum.svd(&w), Err(Error::NotFinite));
        }
        let polar = spectrum.polar(&Array2::zeros((3, 3)), &mut p).unwrap();
        assert_eq!((polar.nuclear, polar.frobenius, p.sum()), (0.0, 0.0, 0.0));
    }

    #[test]
    fn solves_and_bases() {
        let b = normal(8, 3, 6);
        let q = orthonormal(&b).unwrap();
        assert!(distance(&q.t().dot(&q).as_standard_layout().into_owned(), &Array2::eye(3)) < 1e-13);
        let a = normal(5, 5, 7);
        let spd = a.dot(&a.t()) + Array2::<f64>::eye(5);
        let rhs = normal(5, 2, 8);
        assert!(distance(&spd.dot(&solve_spd(&spd, &rhs).unwrap()), &rhs) < 1e-10);
        assert!(solve_spd(&-spd, &rhs).is_err());
    }
}
