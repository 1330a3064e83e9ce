//! Depth 1 from zero.

use super::prelude::*;

pub const CLAIM: Claim = Claim {
    letter: 'l',
    title: "Depth 1 from zero: minimum Frobenius norm",
    source: "folklore; Project Penalty 2020",
    says: "Gradient descent on W itself, from zero, stays in the span of the measurements and so finds the solution of least Frobenius norm: zero fill \
           in completion, the pseudo-inverse in sensing. Adam has another geometry and need not.",
    kind: Kind::Claim,
    sweeps: &["minimum-frobenius"],
    predictions: &[
        Prediction::new("gradient descent finds it", "optimizer = gd and lr = 100", B)
            .what(Last("frobenius_norm"))
            .expects(Within(1.001))
            .by(&["problem"]),
        Prediction::new("momentum finds it", "optimizer = momentum and lr = 30", B)
            .what(Last("frobenius_norm"))
            .expects(Within(1.001))
            .by(&["problem"]),
        Prediction::new(
            "in completion Adam finds it too",
            "problem = synthetic and optimizer = adam and lr = 0.01",
            "problem = synthetic and baseline = minimum_frobenius",
        )
        .what(Last("frobenius_norm"))
        .expects(Within(1.001)),
        Prediction::new(
            "in sensing Adam ends above it",
            "problem = sensing and optimizer = adam",
            "problem = sensing and baseline = minimum_frobenius",
        )
        .what(Last("frobenius_norm"))
        .expects(Above(1.001))
        .by(&["lr"]),
        Prediction::new(
            "in sensing signs end above it",
            "problem = sensing and optimizer = sign_gd",
            "problem = sensing and baseline = minimum_frobenius",
        )
        .what(Last("frobenius_norm"))
        .expects(Above(1.001))
        .by(&["lr"]),
        Prediction::new("normalisation by one number for all keeps it", "optimizer = normalised_gd and lr = 0.1", B)
            .what(Last("frobenius_norm"))
            .expects(Within(1.001))
            .by(&["problem"]),
    ],
    pictures: &[Picture {
        sweep: "",
        settings: &[
            ("kind", "curves"),
            ("x", "lr"),
            ("by", "method"),
            ("across", "problem"),
            ("metric", "frobenius_norm"),
        ],
        caption: "Frobenius norm at the end by learning rate.",
    }],
    remarks: &[],
    follow_ups: &[],
};

const B: &str = "baseline = minimum_frobenius";
