//! Head to head.

use super::prelude::*;

pub const CLAIM: Claim = Claim {
    letter: 'q',
    title: "Tuned depth 1 with the ratio against tuned depth 2 to 4",
    source: "Project Penalty 2020; Zhao 2022",
    says: "Depth 1 with the ratio under Adam is as good as depth, or better.",
    kind: Kind::Claim,
    sweeps: &["head-to-head", "scale", "size"],
    predictions: &[
        Prediction::new(
            "it is as good as depth 2 under gradient descent or better (within a factor of 2)",
            R,
            "optimizer = gd and depth = 2",
        )
        .by(&["samples"])
        .expects(Below(2.0)),
        Prediction::new(
            "it is as good as depth 3 under gradient descent or better (within a factor of 2)",
            R,
            "optimizer = gd and depth = 3",
        )
        .by(&["samples"])
        .expects(Below(2.0)),
        Prediction::new(
            "it is as good as depth 4 under gradient descent or better (within a factor of 2)",
            R,
            "optimizer = gd and depth = 4",
        )
        .by(&["samples"])
        .expects(Below(2.0)),
        Prediction::new(
            "it is as good as depth 3 under Adam or better (within a factor of 2)",
            R,
            "optimizer = adam and depth = 3",
        )
        .by(&["samples"])
        .expects(Below(2.0)),
        Prediction::new(
            "it is as good as minimum nuclear norm or better (within a factor of 2)",
            R,
            "baseline = minimum_nuclear",
        )
        .by(&["samples"])
        .expects(Below(2.0)),
        Prediction::new(
            "it recovers at least as often as depth 2 under gradient descent",
            R,
            "optimizer = gd and depth = 2",
        )
        .by(&["samples"])
        .expects(NoLessOften),
        Prediction::new(
            "it recovers at least as often as depth 3 under gradient descent",
            R,
            "optimizer = gd and depth = 3",
        )
        .by(&["samples"])
        .expects(NoLessOften),
        Prediction::new(
            "it recovers at least as often as depth 4 under gradient descent",
            R,
            "optimizer = gd and depth = 4",
        )
        .by(&["samples"])
        .expects(NoLessOften),
        Prediction::new("it recovers at least as often as depth 3 under Adam", R, "optimizer = adam and depth = 3")
            .by(&["samples"])
            .expects(NoLessOften),
        Prediction::new("it recovers at least as often as minimum nuclear norm", R, "baseline = minimum_nuclear")
            .by(&["samples"])
            .expects(NoLessOften),
    ],
    pictures: &[Picture {
        sweep: "",
        settings: &[("kind", "samples"), ("metric", "test_rel")],
        caption: "Error by samples, each method and number of samples tuned by itself.",
    }],
    remarks: &[],
    follow_ups: &[
        FollowUp {
            question: "Tuning takes depth to initial scales far below the usual 1e-3. How does the error follow the scale?",
            predictions: &[
                Prediction::new("at depth 3, 1e-4 is better than 1e-2", D3E4, "depth = 3 and init_scale = 0.01")
                    .in_sweep("scale"),
                Prediction::new("at depth 3, 1e-6 is better than 1e-4", "depth = 3 and init_scale = 1e-6", D3E4)
                    .in_sweep("scale"),
                Prediction::new(
                    "at depth 3, 1e-8 is better than 1e-6",
                    "depth = 3 and init_scale = 1e-8",
                    "depth = 3 and init_scale = 1e-6",
                )
                .in_sweep("scale"),
                Prediction::new(
                    "at depth 3, 1e-14 is too small for this budget: worse than 1e-6",
                    "depth = 3 and init_scale = 1e-14",
                    "depth = 3 and init_scale = 1e-6",
                )
                .in_sweep("scale")
                .expects(Above(1.0)),
                Prediction::new(
                    "at depth 2, 1e-100 is better than 1e-14",
                    "depth = 2 and init_scale = 1e-100",
                    "depth = 2 and init_scale = 1e-14",
                )
                .in_sweep("scale"),
                Prediction::number(
                    "at depth 2, even 1e-200 recovers",
                    "depth = 2 and init_scale = 1e-200",
                    Last("test_rel"),
                    1e-3,
                )
                .in_sweep("scale"),
            ],
            pictures: &[Picture {
                sweep: "scale",
                settings: &[
                    ("kind", "curves"),
                    ("x", "init_scale"),
                    ("by", "baseline,depth"),
                    ("metric", "test_rel,effective_rank"),
                ],
                caption: "Error and effective rank by initial scale.",
            }],
        },
        FollowUp {
            question: "All this is 50×50. Is it so at 100×100, with 1000 samples (as many per row as 500 are there)?",
            predictions: &[
                Prediction::new(
                    "it is as good as depth 2 under gradient descent or better (within a factor of 2)",
                    SIZE,
                    "depth = 2",
                )
                .in_sweep("size")
                .expects(Below(2.0)),
                Prediction::new(
                    "it is as good as depth 3 under gradient descent or better (within a factor of 2)",
                    SIZE,
                    "depth = 3",
                )
                .in_sweep("size")
                .expects(Below(2.0)),
                Prediction::new(
                    "it is as good as depth 4 under gradient descent or better (within a factor of 2)",
                    SIZE,
                    "depth = 4",
                )
                .in_sweep("size")
                .expects(Below(2.0)),
                Prediction::new("it recovers at least as often as depth 2 under gradient descent", SIZE, "depth = 2")
                    .in_sweep("size")
                    .expects(NoLessOften),
                Prediction::new("it recovers at least as often as depth 3 under gradient descent", SIZE, "depth = 3")
                    .in_sweep("size")
                    .expects(NoLessOften),
                Prediction::new("it recovers at least as often as depth 4 under gradient descent", SIZE, "depth = 4")
                    .in_sweep("size")
                    .expects(NoLessOften),
            ],
            pictures: &[],
        },
    ],
};

const SIZE: &str = "optimizer = adam and penalty = ratio";
const R: &str = "penalty = ratio";
const D3E4: &str = "depth = 3 and init_scale = 1e-4";
