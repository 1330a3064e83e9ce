//! Adam taken apart.

use super::prelude::*;

pub const CLAIM: Claim = Claim {
    letter: 'f',
    title: "Which property of Adam matters?",
    source: "Project Penalty 2020, open question",
    says: "Something in Adam makes the ratio work. Its parts: the first moment (β1), the second (β2), the guard ε, normalisation by entry or by \
           one number for all, the sign alone; and beside it an orthogonal step (Muon).",
    sweeps: &["adam", "guard"],
    predictions: &[
        Prediction::new(
            "Adam does without its first moment (within a factor of 2)",
            "optimizer = adam and beta1 = 0 and beta2 = 0.999 and epsilon = 1e-8",
            FULL,
        )
        .expects(Within(2.0)),
        Prediction::new("and without its second: signs (within a factor of 2)", "optimizer = sign_gd", FULL)
            .expects(Within(2.0)),
        Prediction::new(
            "a guard ε above the gradients costs it a factor of 2",
            "optimizer = adam and beta1 = 0.9 and beta2 = 0.999 and epsilon = 1e-3",
            FULL,
        )
        .expects(Above(2.0)),
        Prediction::new(
            "normalisation by one number for all entries costs a factor of 2",
            "optimizer = normalised_gd",
            FULL,
        )
        .expects(Above(2.0)),
        Prediction::new("so does GroupRMSprop's", "optimizer = group_rmsprop", FULL).expects(Above(2.0)),
        Prediction::new(
            "an orthogonal step is no substitute: Muon is worse by a factor of 2",
            "optimizer = muon",
            FULL,
        )
        .expects(Above(2.0)),
        Prediction::new("plain momentum is worse by a factor of 2", "optimizer = momentum", FULL).expects(Above(2.0)),
        Prediction::new("gradient descent is worse by a factor of 2", "optimizer = gd", FULL).expects(Above(2.0)),
    ],
    pictures: &[Picture {
        sweep: "",
        settings: &[("kind", "methods")],
        caption: "Every refit of every optimizer, with the ratio at depth 1.",
    }],
    remarks: &[],
    follow_ups: &[FollowUp {
        question: "Tuning goes to very small λ under Adam, where gradient descent does nothing. Once the samples are fitted the penalty's \
                   gradient is all that is left, and normalisation by entry makes a full step of it, however small λ is. That should end \
                   where the gradient, about λ/n^1.5 an entry, falls below ε.",
        predictions: &[
            Prediction::new(
                "with ε = 1e-12, λ = 1e-7 is better than λ = 1e-3",
                "epsilon = 1e-12 and lambda = 1e-7",
                "epsilon = 1e-12 and lambda = 1e-3",
            )
            .in_sweep("guard"),
            Prediction::new(
                "at λ = 1e-7 an ε of 1e-6 leaves a hundred times the error of ε = 1e-12",
                "epsilon = 1e-6 and lambda = 1e-7",
                "epsilon = 1e-12 and lambda = 1e-7",
            )
            .in_sweep("guard")
            .expects(Above(100.0)),
            Prediction::new(
                "at λ = 1e-3 ε makes no difference (within a factor of 2)",
                "epsilon = 1e-8 and lambda = 1e-3",
                "epsilon = 1e-12 and lambda = 1e-3",
            )
            .in_sweep("guard")
            .expects(Within(2.0)),
        ],
        pictures: &[Picture {
            sweep: "guard",
            settings: &[("kind", "heatmap"), ("x", "lambda"), ("y", "epsilon")],
            caption: "Test error by λ and ε: the upper left is where the penalty is forgotten.",
        }],
    }],
};

const FULL: &str = "optimizer = adam and beta1 = 0.9 and beta2 = 0.999 and epsilon = 1e-8";
