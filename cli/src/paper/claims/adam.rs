//! Adam taken apart.

use super::prelude::*;

pub const CLAIM: Claim = Claim {
    letter: 'f',
    title: "Which property of Adam matters?",
    source: "Project Penalty 2020, open question",
    says: "Something in Adam makes the ratio work. Its parts: the first moment (β1), the second (β2), the guard ε, normalisation by entry or by \
           one number for all, the sign alone; and beside it an orthogonal step (Muon).",
    kind: Kind::Question,
    sweeps: &["adam", "guard"],
    predictions: &[
        Prediction::new(
            "Adam does without its first moment (within a factor of 2)",
            "optimizer = adam and beta1 = 0 and beta2 = 0.999 and epsilon = 1e-8",
            FULL,
        )
        .expects(Within(2.0)),
        Prediction::new(
            "Adam does without both moments: signs alone are as good (within a factor of 2)",
            "optimizer = sign_gd",
            FULL,
        )
        .expects(Within(2.0)),
        Prediction::new(
            "a guard ε of 1e-3, near the gradients of the data, costs it a factor of 2",
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
        Prediction::new("the normalisation of GroupRMSprop costs a factor of 2", "optimizer = group_rmsprop", FULL)
            .expects(Above(2.0)),
        Prediction::new("Muon, whose step is orthogonal, is worse by a factor of 2", "optimizer = muon", FULL)
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
    follow_ups: &[
        FollowUp {
        question: "Tuning goes to very small λ under Adam: normalisation by entry makes a step of any gradient. Once the samples are fitted only the \
                   penalty pulls at an unobserved entry, by about λ/n^1.5. Where that is far below ε, as with ε = 1e-8 and the λ chosen here, the step \
                   there is lr/ε times the gradient, and λ·lr/ε should decide whether the penalty acts.",
        predictions: &[
            Prediction::new(
                "at ε = 1e-8, ten times the rate and a tenth of λ leave the same error (within a quarter)",
                "epsilon = 1e-8 and lr = 0.3 and lambda = 1e-8",
                "epsilon = 1e-8 and lr = 0.03 and lambda = 1e-7",
            )
            .in_sweep("guard")
            .expects(Within(1.25)),
            Prediction::new(
                "at ε = 1e-6, ten times the rate and a tenth of λ leave the same error (within a quarter)",
                "epsilon = 1e-6 and lr = 0.3 and lambda = 1e-6",
                "epsilon = 1e-6 and lr = 0.03 and lambda = 1e-5",
            )
            .in_sweep("guard")
            .expects(Within(1.25)),
            Prediction::new(
                "at a rate of .3, a hundredth of ε and of λ leave the same error (within a quarter)",
                "epsilon = 1e-8 and lr = 0.3 and lambda = 1e-8",
                "epsilon = 1e-6 and lr = 0.3 and lambda = 1e-6",
            )
            .in_sweep("guard")
            .expects(Within(1.25)),
            Prediction::new(
                "where λ·lr/ε is 30 too, ten times the rate and a tenth of λ leave the same error (within a quarter)",
                "epsilon = 1e-8 and lr = 0.3 and lambda = 1e-6",
                "epsilon = 1e-8 and lr = 0.03 and lambda = 1e-5",
            )
            .in_sweep("guard")
            .expects(Within(1.25)),
            Prediction::number(
                "at a rate of .3 and λ·lr/ε = .03 more than half of the error is left",
                "epsilon = 1e-8 and lr = 0.3 and lambda = 1e-9",
                Last("test_rel"),
                0.5,
            )
            .in_sweep("guard")
            .expects(Above(1.0)),
            Prediction::number(
                "at a rate of .3 and λ·lr/ε = 3 the matrix is recovered",
                "epsilon = 1e-8 and lr = 0.3 and lambda = 1e-7",
                Last("test_rel"),
                1e-3,
            )
            .in_sweep("guard"),
        ],
        pictures: &[Picture {
            sweep: "guard",
            settings: &[("kind", "heatmap"), ("x", "lambda"), ("y", "epsilon"), ("by", "lr")],
            caption: "Test error by λ and ε at two learning rates. Where λ·lr/ε is small the penalty is forgotten; at the larger rate, where it is large, \
                      W is inflated.",
        }],
        },
        FollowUp {
            question: "Does momentum, or a sign alone, recover as many of the replicates as Adam?",
            predictions: &[
                Prediction::new("plain momentum recovers at least as often as Adam", "optimizer = momentum", FULL)
                    .expects(NoLessOften),
                Prediction::new("signs recover at least as often as Adam", "optimizer = sign_gd", FULL).expects(NoLessOften),
                Prediction::new(
                    "Adam without its first moment recovers at least as often",
                    "optimizer = adam and beta1 = 0 and beta2 = 0.999 and epsilon = 1e-8",
                    FULL,
                )
                .expects(NoLessOften),
                Prediction::new(
                    "Adam with β2 = 0.9 recovers at least as often",
                    "optimizer = adam and beta1 = 0.9 and beta2 = 0.9 and epsilon = 1e-8",
                    FULL,
                )
                .expects(NoLessOften),
            ],
            pictures: &[],
        },
    ],
};

const FULL: &str = "optimizer = adam and beta1 = 0.9 and beta2 = 0.999 and epsilon = 1e-8";
