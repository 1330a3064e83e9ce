//! Stop rules: all of them look at the training objective and the weights, never at test data.

use super::real::Real;
use crate::optimizer::flat;
use ndarray::Array2;
use serde::{Deserialize, Serialize};

/// Steps between two looks of the relative-change rule.
pub const WINDOW: u64 = 100;

/// The rules of a trial; 0 turns one off.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rules {
    /// Stop when the train loss, in the run's own normalisation, is at most this.
    pub tolerance: f64,
    /// Stop when over [`WINDOW`] steps the relative change of the objective and `‖ΔW‖_F/‖W‖_F` are both below this.
    pub converge: f64,
}

/// What the relative-change rule remembers (checkpointed).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Window {
    objective: f64,
    w: Vec<f64>,
}

impl Rules {
    /// Whether [`Rules::met`] looks at W at `step`.
    pub fn look(&self, step: u64) -> bool {
        self.converge > 0.0 && step.is_multiple_of(WINDOW)
    }

    /// Whether a run at `step` with this loss, objective and W is over.
    pub fn met<T: Real>(&self, window: &mut Window, step: u64, loss: f64, objective: f64, w: &Array2<T>) -> bool {
        if self.tolerance > 0.0 && loss <= self.tolerance {
            return true;
        }
        if !self.look(step) {
            return false;
        }
        let w = flat(w);
        let met = window.w.len() == w.len() && {
            let (mut moved, mut size) = (0.0, 0.0);
            for (now, then) in w.iter().map(|w| w.wide()).zip(&window.w) {
                moved += (now - then) * (now - then);
                size += now * now;
            }
            let drift = (objective - window.objective).abs();
            drift < self.converge * objective.abs().max(f64::MIN_POSITIVE)
                && moved < self.converge * self.converge * size
        };
        window.objective = objective;
        window.w.resize(w.len(), 0.0);
        window.w.iter_mut().zip(w).for_each(|(then, now)| *then = now.wide());
        met
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_changes_must_be_small_over_a_whole_window() {
        let rules = Rules { tolerance: 0.0, converge: 1e-8 };
        let mut window = Window::default();
        let w = Array2::<f64>::ones((2, 2));
        assert!(!rules.met(&mut window, 0, 1.0, 1.0, &w), "nothing to compare with yet");
        assert!(!rules.met(&mut window, 50, 1.0, 1.0, &w), "not a whole window");
        assert!(!rules.met(&mut window, 100, 1.0, 1.0 + 1e-7, &w), "the objective moved");
        assert!(!rules.met(&mut window, 200, 1.0, 1.0 + 1e-7, &(&w * (1.0 + 1e-7))), "the weights moved");
        assert!(rules.met(&mut window, 300, 1.0, 1.0 + 1e-7, &(&w * (1.0 + 1e-7))));
    }

    #[test]
    fn a_tolerance_is_met_at_once_and_zero_is_off() {
        let w = Array2::<f64>::ones((1, 1));
        assert!(Rules { tolerance: 1e-3, converge: 0.0 }.met(&mut Window::default(), 7, 1e-3, 1.0, &w));
        assert!(!Rules { tolerance: 0.0, converge: 0.0 }.met(&mut Window::default(), 7, 0.0, 0.0, &w));
    }
}
