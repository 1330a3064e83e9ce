//! The note's headline.

use super::prelude::*;

pub const CLAIM: Claim = Claim {
    letter: 'c',
    title: "The ratio at depth 1, but only with Adam",
    source: "Project Penalty 2020; Zhao 2022",
    says: "The implicit bias of depth can be replaced by the explicit penalty nuclear norm / Frobenius norm at depth 1, but only \
           together with Adam: with plain gradient descent absolutely nothing happens.",
    kind: Kind::Claim,
    sweeps: &["headline", "patience", "size"],
    predictions: &[
        Prediction::new(
            "Adam with the ratio beats minimum nuclear norm",
            "optimizer = adam and penalty = ratio",
            "baseline = minimum_nuclear",
        ),
        Prediction::new(
            "Adam with the ratio beats Adam with the nuclear norm",
            "optimizer = adam and penalty = ratio",
            "optimizer = adam and penalty = nuclear",
        ),
        Prediction::new(
            "with gradient descent nothing happens: the ratio leaves more than nine tenths of the error",
            "optimizer = gd and penalty = ratio",
            "optimizer = gd and penalty = none",
        )
        .expects(Above(0.9)),
        Prediction::new(
            "nor does anything with momentum",
            "optimizer = momentum and penalty = ratio",
            "optimizer = momentum and penalty = none",
        )
        .expects(Above(0.9)),
        Prediction::new(
            "with the ratio Adam beats gradient descent",
            "optimizer = adam and penalty = ratio",
            "optimizer = gd and penalty = ratio",
        ),
    ],
    pictures: &[
        Picture { sweep: "", settings: &[("kind", "methods")], caption: "Every refit of every pair." },
        Picture {
            sweep: "",
            settings: &[("kind", "optimizer-penalty")],
            caption: "Median test error of each tuned pair.",
        },
    ],
    remarks: &["With a mean over the samples the data term is stable up to \
         a rate of about the number of samples, and the gradient of the ratio is smaller than that of the data by orders of magnitude: what \
         counts is learning rate × λ × steps, and at a usual rate nothing happens within a usual budget."],
    follow_ups: &[
        FollowUp {
            question: "Is what gradient descent lacks a matter of time? The same pairs at several step budgets, each tuned by itself.",
            predictions: &[
                Prediction::new(
                    "ten times the steps take gradient descent below .34 of its error",
                    "optimizer = gd and steps = 50000",
                    "optimizer = gd and steps = 5000",
                )
                .in_sweep("patience")
                .expects(Below(0.34)),
                Prediction::new(
                    "gradient descent with ten times the steps is as good as Adam (within a factor of 2)",
                    "optimizer = gd and steps = 50000",
                    "optimizer = adam and steps = 5000",
                )
                .in_sweep("patience")
                .expects(Below(2.0)),
                Prediction::new(
                    "momentum is as good as Adam with the same 5,000 steps (within a factor of 2)",
                    "optimizer = momentum and steps = 5000",
                    "optimizer = adam and steps = 5000",
                )
                .in_sweep("patience")
                .expects(Below(2.0)),
                Prediction::new(
                    "gradient descent with ten times the steps recovers at least as often as Adam",
                    "optimizer = gd and steps = 50000",
                    "optimizer = adam and steps = 5000",
                )
                .in_sweep("patience")
                .expects(NoLessOften),
                Prediction::new(
                    "momentum recovers at least as often as Adam with the same 5,000 steps",
                    "optimizer = momentum and steps = 5000",
                    "optimizer = adam and steps = 5000",
                )
                .in_sweep("patience")
                .expects(NoLessOften),
            ],
            pictures: &[Picture {
                sweep: "patience",
                settings: &[("kind", "curves"), ("x", "steps"), ("by", "method")],
                caption: "Error by step budget, each optimizer and budget tuned by itself.",
            }],
        },
        FollowUp {
            question: "All this is 50×50. Is it so at 100×100, with as many samples per row?",
            predictions: &[
                Prediction::new(
                    "Adam with the ratio beats minimum nuclear norm",
                    "optimizer = adam and penalty = ratio",
                    "baseline = minimum_nuclear",
                )
                .in_sweep("size"),
                Prediction::new(
                    "gradient descent with the ratio beats minimum nuclear norm",
                    "optimizer = gd and penalty = ratio",
                    "baseline = minimum_nuclear",
                )
                .in_sweep("size"),
                Prediction::new(
                    "momentum with the ratio beats gradient descent with it",
                    "optimizer = momentum and penalty = ratio",
                    "optimizer = gd and penalty = ratio",
                )
                .in_sweep("size"),
                Prediction::new(
                    "Adam with the ratio beats momentum with it",
                    "optimizer = adam and penalty = ratio",
                    "optimizer = momentum and penalty = ratio",
                )
                .in_sweep("size"),
            ],
            pictures: &[Picture {
                sweep: "size",
                settings: &[("kind", "methods")],
                caption: "Every refit at 100×100.",
            }],
        },
    ],
};
