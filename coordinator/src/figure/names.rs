//! Metrics and axes as a picture names them.

use crate::plot::{Axis, Spread, number};
use crate::store::{At, Measure};
use sweep_core::outcome::COLUMNS;
use sweep_core::value::Value;

/// Long name and usual spread of each metric that has a better name than its column.
const METRICS: &[(&str, &str, Spread)] = &[
    ("train_loss", "training loss", Spread::Log),
    ("validation_mse", "validation error  (mean square)", Spread::Log),
    ("test_mse", "test error (mean square)  over unobserved entries", Spread::Log),
    ("test_rmse", "test error (RMSE)  over unobserved entries", Spread::Log),
    ("test_rel", "relative test error  over unobserved entries", Spread::Log),
    ("reconstruction_mse", "reconstruction error (mean square)  over all entries", Spread::Log),
    ("penalty_value", "penalty P(W)", Spread::Log),
    ("objective", "objective", Spread::Log),
    ("nuclear_norm", "nuclear norm ‖W‖_{*}", Spread::Log),
    ("frobenius_norm", "Frobenius norm ‖W‖_{F}", Spread::Log),
    ("spectral_norm", "spectral norm ‖W‖_{2}", Spread::Log),
    ("nuclear_over_frobenius", "‖W‖_{*} / ‖W‖_{F}", Spread::Linear),
    ("effective_rank", "effective rank", Spread::Linear),
    ("stable_rank", "stable rank", Spread::Linear),
    ("rank_1e2", "rank (σ > 10⁻² σ_{1})", Spread::Linear),
    ("rank_1e6", "rank (σ > 10⁻⁶ σ_{1})", Spread::Linear),
    ("tail_singular_value", "largest singular value of the tail", Spread::Log),
    ("alignment_diagonal", "diagonal of Uᵀ∇ℓ(W)V", Spread::Log),
    ("alignment_off_diagonal", "off-diagonal of Uᵀ∇ℓ(W)V", Spread::Log),
    ("leading_diagonal", "diagonal of Uᵀ∇ℓ(W)V (leading)", Spread::Log),
    ("leading_off_diagonal", "off-diagonal of Uᵀ∇ℓ(W)V (leading)", Spread::Log),
    ("balancedness", "balancedness", Spread::Log),
    ("gradient_observed", "gradient on observed entries", Spread::Log),
    ("gradient_unobserved", "gradient on unobserved entries", Spread::Log),
    ("subspace_angle", "angle to the true subspaces (radians)", Spread::Linear),
    ("unobserved_max", "largest unobserved entry |w_{ij}|", Spread::Log),
    ("step_size", "‖ΔW‖_{F} of a step", Spread::Log),
    ("step_cosine_gd", "cosine to gradient descent's step", Spread::Linear),
    ("step_cosine_momentum", "cosine to momentum's step", Spread::Linear),
    ("step_cosine_adam", "cosine to Adam's step", Spread::Linear),
    ("step_cosine_flow", "cosine to the end-to-end flow", Spread::Linear),
    ("sigma_rate_error", "relative error of dσ/dt against theory", Spread::Log),
    ("lr_scheduled", "learning rate", Spread::Log),
    ("wall_seconds", "wall time (s)", Spread::Log),
    ("cpu_seconds", "CPU time (s)", Spread::Log),
    ("steps_taken", "steps until the run ended", Spread::Log),
];

/// A recorded column as an axis.
pub fn column(column: usize, scale: Option<Spread>) -> Axis {
    scalar(COLUMNS[column].name, scale)
}

fn scalar(name: &'static str, scale: Option<Spread>) -> Axis {
    let (name, spread) = METRICS
        .iter()
        .find(|(known, ..)| *known == name)
        .map_or((name, Spread::Linear), |(_, long, spread)| (long, *spread));
    Axis { name: name.to_owned(), spread: scale.unwrap_or(spread) }
}

/// A measure as an axis.
pub fn measure(measure: Measure, scale: Option<Spread>) -> Axis {
    let axis = scalar(measure.scalar(), scale);
    let whose = match measure.at {
        At::Last | At::Run => return axis,
        At::Initial => "at step 0",
        At::Oracle => "at its best (oracle)",
        At::Validated => "at the best validation error",
    };
    Axis { name: format!("{}, {whose}", axis.name), ..axis }
}

/// An axis of the sweep, where its own name says too little.
pub fn axis(name: &str) -> String {
    match name {
        "lr" => "learning rate".to_owned(),
        "lambda" => "λ".to_owned(),
        "init_scale" => "init scale".to_owned(),
        "samples" => "observed entries".to_owned(),
        "step" => "step".to_owned(),
        "travel" => "sum of learning rates".to_owned(),
        "beta1" => "β_{1}".to_owned(),
        "beta2" => "β_{2}".to_owned(),
        "epsilon" => "ε".to_owned(),
        other => other.replace('_', " "),
    }
}

/// A value of an axis; an axis that does not apply has none.
pub fn value(value: Option<&Value>) -> String {
    match value {
        None => "–".to_owned(),
        Some(Value::Float(x)) => number(*x, 4),
        Some(Value::Int(i)) => i.to_string(),
        Some(Value::Text(text)) => text.replace('_', " "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_metric_has_a_name_for_people() {
        let known: BTreeSet<&str> = Measure::all().map(Measure::scalar).collect();
        assert_eq!(METRICS.iter().map(|(name, ..)| *name).collect::<BTreeSet<_>>(), known);
    }
}
