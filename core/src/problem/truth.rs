//! The random ground truth and the number of measurements, as axes of every problem that draws its matrix.
//!
//! Without symmetry `W* = c·U diag(s) Vᵀ`; with it `W* = c·U diag(s) Uᵀ`, where `psd` has all s > 0 and `symmetric`
//! alternates their signs (s_1 > 0 > s_2 …), so that W* is indefinite from rank 2 on. c sets ‖W*‖_F = √(n1·n2): entries
//! have RMS 1. Spectra:
//!
//! - `gaussian`: U and V have independent standard normal entries, |s| = 1;
//! - `flat`: U and V are uniform orthonormal frames, |s| = 1;
//! - `geometric`: the same frames, |s_i| = κ^(−(i−1)/(r−1)), so that σ_1/σ_r = κ, the axis `condition`.

use super::check_area;
use crate::axis::{Axis, Kind};
use crate::error::{Error, Result};
use crate::seed::Stream;
use crate::train::spectrum;
use crate::trial::Trial;
use crate::value::{Literal, Value};
use ndarray::Array2;
use ndarray::linalg::general_mat_mul;

pub(super) const N1: Axis = Axis::needed("n1", "rows n1", Kind::Int(1, 100_000)).costly();
pub(super) const N2: Axis = Axis::needed("n2", "columns n2", Kind::Int(1, 100_000)).costly();
pub(super) const RANK: Axis = Axis::needed("rank", "rank r of the ground truth", Kind::Int(1, 100_000)).costly();
pub(super) const SPECTRUM: Axis = Axis::optional(
    "spectrum",
    "singular values of the ground truth: of a product of gaussian factors, all equal, or geometric",
    Kind::Word(&["gaussian", "flat", "geometric"]),
    Literal::Text("gaussian"),
);
pub(super) const CONDITION: Axis = Axis::optional(
    "condition",
    "condition number σ_1/σ_r of a geometric spectrum",
    Kind::Float(1.0, 1e12),
    Literal::Float(10.0),
);
pub(super) const SYMMETRY: Axis = Axis::optional(
    "symmetry",
    "none, a symmetric indefinite, or a positive semidefinite ground truth",
    Kind::Word(&["none", "symmetric", "psd"]),
    Literal::Text("none"),
);
pub(super) const SAMPLES: Axis = Axis::optional(
    "samples",
    "number m of measurements; 0: samples_dof says it",
    Kind::Int(0, i64::MAX),
    Literal::Int(0),
)
.costly();
pub(super) const SAMPLES_DOF: Axis = Axis::optional(
    "samples_dof",
    "number m of measurements in units of the degrees of freedom r(n1+n2−r), rounded up; 0: samples says it",
    Kind::Float(0.0, f64::MAX),
    Literal::Float(0.0),
)
.costly();
pub(super) const NOISE: Axis = Axis::optional(
    "noise",
    "standard deviation σ of gaussian noise on each measurement (noiseless ones have RMS 1)",
    Kind::Float(0.0, 1e6),
    Literal::Float(0.0),
);

/// What draws a ground truth and says how often it is measured.
pub(super) struct Truth {
    /// The problem's name, for error texts.
    problem: String,
    pub(super) n1: usize,
    pub(super) n2: usize,
    pub(super) rank: usize,
    spectrum: String,
    condition: f64,
    symmetry: String,
    samples: usize,
    samples_dof: f64,
    pub(super) noise: f64,
    pub(super) seed: i64,
}

impl Truth {
    pub(super) fn of(trial: &Trial) -> Truth {
        Truth {
            problem: trial.text("problem").to_owned(),
            n1: trial.size("n1"),
            n2: trial.size("n2"),
            rank: trial.size("rank"),
            spectrum: trial.text("spectrum").to_owned(),
            condition: trial.float("condition"),
            symmetry: trial.text("symmetry").to_owned(),
            samples: trial.size("samples"),
            samples_dof: trial.float("samples_dof"),
            noise: trial.float("noise"),
            seed: trial.int("problem_seed"),
        }
    }

    /// The number m of measurements asked for.
    pub(super) fn measurements(&self) -> usize {
        if self.samples_dof == 0.0 {
            return self.samples;
        }
        let freedom = (self.rank * (self.n1 + self.n2 - self.rank)) as f64;
        // The product may exceed an integer by a rounding error, which must not add a sample.
        (self.samples_dof * freedom * (1.0 - 1e-12)).ceil() as usize
    }

    /// # Errors
    /// [`Error::Range`], [`Error::Conflict`], [`Error::Missing`] naming the axes.
    pub(super) fn check(&self) -> Result<()> {
        let (n1, n2) = (self.n1, self.n2);
        check_area(n1, n2)?;
        let range =
            |axis: &str, value: String, allowed: String| Err(Error::Range { axis: axis.to_owned(), value, allowed });
        if self.rank > n1.min(n2) {
            return range("rank", self.rank.to_string(), format!("1..={} (min(n1, n2))", n1.min(n2)));
        }
        if self.symmetry != "none" && n1 != n2 {
            let symmetry = &self.symmetry;
            return Err(Error::Conflict(format!("axis \"symmetry\": \"{symmetry}\" needs n1 = n2, not {n1} and {n2}")));
        }
        let default = CONDITION.default.map(Value::from).and_then(|v| v.number());
        if self.spectrum != "geometric" && Some(self.condition) != default {
            return Err(Error::Conflict(format!(
                "axis \"condition\": {} needs spectrum \"geometric\", not \"{}\"",
                self.condition, self.spectrum
            )));
        }
        let (m, all) = (self.measurements(), n1 * n2);
        match (self.samples, self.samples_dof) {
            (0, 0.0) => Err(Error::Missing {
                axis: "samples".to_owned(),
                of: format!("problem \"{}\"", self.problem),
                allowed: format!("1..={all} (n1·n2), or samples_dof above 0"),
            }),
            (1.., 0.0) if m > all => range("samples", m.to_string(), format!("1..={all} (n1·n2)")),
            (1.., 0.0) => Ok(()),
            (0, dof) if m > all => {
                range("samples_dof", format!("{dof} (m = {m})"), format!("what gives 1..={all} measurements (n1·n2)"))
            }
            (0, _) => Ok(()),
            (samples, dof) => Err(Error::Conflict(format!(
                "axes \"samples\" and \"samples_dof\": {samples} and {dof} exclude each other; give one of them"
            ))),
        }
    }

    /// `W*` (n1×n2), from the streams `problem/left` and `problem/right` of the problem's seed.
    ///
    /// # Errors
    /// LAPACK's refusals.
    pub(super) fn matrix(&self) -> Result<Array2<f64>> {
        let frame = |side: &str, n: usize| -> Result<Array2<f64>> {
            let mut stream = Stream::new(&format!("problem/{side}"), self.seed);
            let gaussian = Array2::from_shape_simple_fn((n, self.rank), || stream.normal());
            if self.spectrum == "gaussian" { Ok(gaussian) } else { spectrum::orthonormal(&gaussian) }
        };
        let left = frame("left", self.n1)?;
        let mut scaled = left.clone();
        for (i, mut column) in scaled.columns_mut().into_iter().enumerate() {
            let sign = if self.symmetry == "symmetric" && i % 2 == 1 { -1.0 } else { 1.0 };
            let size = match self.spectrum.as_str() {
                "geometric" if self.rank > 1 => self.condition.powf(-(i as f64) / (self.rank - 1) as f64),
                _ => 1.0,
            };
            column *= sign * size;
        }
        let right = if self.symmetry == "none" { frame("right", self.n2)? } else { left };
        // Row-major, as every matrix that leaves this crate's problems and inits.
        let mut w = Array2::zeros((self.n1, self.n2));
        general_mat_mul(1.0, &scaled, &right.t(), 0.0, &mut w);
        if self.symmetry != "none" {
            // A product is symmetric only up to rounding.
            for i in 0..self.n1 {
                for j in 0..i {
                    w[[i, j]] = w[[j, i]];
                }
            }
        }
        let frobenius = w.iter().map(|x| x * x).sum::<f64>().sqrt();
        Ok(w * (((self.n1 * self.n2) as f64).sqrt() / frobenius))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn truth(spectrum: &str, symmetry: &str, n1: usize, n2: usize, rank: usize) -> Truth {
        let (spectrum, symmetry) = (spectrum.to_owned(), symmetry.to_owned());
        let (condition, samples, samples_dof, noise, seed) = (10.0, 10, 0.0, 0.0, 3);
        Truth { problem: String::new(), n1, n2, rank, spectrum, condition, symmetry, samples, samples_dof, noise, seed }
    }

    #[test]
    fn every_truth_has_its_rank_its_spectrum_and_entries_of_rms_one() {
        for spectrum in ["gaussian", "flat", "geometric"] {
            for (symmetry, n1, n2) in [("none", 12, 7), ("none", 7, 12), ("symmetric", 9, 9), ("psd", 9, 9)] {
                let w = truth(spectrum, symmetry, n1, n2, 3).matrix().unwrap();
                let (_, s, _) = spectrum::svd(&w).unwrap();
                let norm = s.iter().map(|x| x * x).sum::<f64>().sqrt();
                assert!((norm - ((n1 * n2) as f64).sqrt()).abs() < 1e-12 * norm, "{spectrum} {symmetry}: {norm}");
                assert!(s[3] < 1e-13 * s[0] && s[2] > 1e-3 * s[0], "{spectrum} {symmetry}: {s:?}");
                match spectrum {
                    "flat" => assert!((s[0] / s[2] - 1.0).abs() < 1e-12, "{s:?}"),
                    // κ = 10 and r = 3: the ratios of neighbours are √10.
                    "geometric" => {
                        assert!((s[0] / s[2] - 10.0).abs() < 1e-11 && (s[0] / s[1] - 10f64.sqrt()).abs() < 1e-11)
                    }
                    _ => assert!(s[0] / s[1] > 1.01),
                }
                assert!(w.is_standard_layout(), "{spectrum} {symmetry}");
                if symmetry != "none" {
                    assert_eq!(w, w.t());
                }
            }
        }
    }

    #[test]
    fn psd_has_no_negative_direction_and_symmetric_has_one() {
        // For W = U diag(s) Uᵀ the trace is Σ s, and |s| are the singular values.
        let parts = |symmetry| {
            let w = truth("geometric", symmetry, 9, 9, 2).matrix().unwrap();
            (w.diag().sum(), spectrum::svd(&w).unwrap().1)
        };
        let (trace, s) = parts("psd");
        assert!((trace - (s[0] + s[1])).abs() < 1e-11, "{trace} {s:?}");
        let (trace, s) = parts("symmetric");
        assert!((trace - (s[0] - s[1])).abs() < 1e-11, "{trace} {s:?}");
    }

    #[test]
    fn samples_in_units_of_the_degrees_of_freedom_round_up() {
        // r(n1+n2−r) = 2·(12+7−2) = 34.
        let count = |dof| Truth { samples: 0, samples_dof: dof, ..truth("flat", "none", 12, 7, 2) }.measurements();
        assert_eq!((count(1.0), count(1.01), count(2.0), count(0.1)), (34, 35, 68, 4));
        // r(n1+n2−r) = 2·(20+7−2) = 50, and 0.14·50 = 7.000000000000001 in floating point.
        let exact = Truth { samples: 0, samples_dof: 0.14, ..truth("flat", "none", 20, 7, 2) };
        assert_eq!(exact.measurements(), 7);
    }
}
