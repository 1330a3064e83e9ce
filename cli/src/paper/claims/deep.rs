//! Depth 5 to 8.

use super::prelude::*;

pub const CLAIM: Claim = Claim {
    letter: 'm',
    title: "Depth 5 to 8",
    source: "Project Penalty 2020: \"things get weird\"; Arora et al. 2019, §2",
    says: "Deeper is better, with diminishing returns from depth 3 on; far deeper things get weird.",
    kind: Kind::Claim,
    sweeps: &["deep", "budget"],
    predictions: &[
        Prediction::new(
            "under gradient descent depth 3 beats depth 2",
            "optimizer = gd and depth = 3",
            "optimizer = gd and depth = 2",
        ),
        Prediction::new("depth 4 beats depth 3", "optimizer = gd and depth = 4", "optimizer = gd and depth = 3"),
        Prediction::new(
            "depth 5 is as good as depth 4 (within a factor of 2)",
            "optimizer = gd and depth = 5",
            "optimizer = gd and depth = 4",
        )
        .expects(Within(2.0)),
        Prediction::new(
            "depth 6 is as good as depth 4 (within a factor of 2)",
            "optimizer = gd and depth = 6",
            "optimizer = gd and depth = 4",
        )
        .expects(Within(2.0)),
        Prediction::new(
            "depth 8 is as good as depth 4 (within a factor of 2)",
            "optimizer = gd and depth = 8",
            "optimizer = gd and depth = 4",
        )
        .expects(Within(2.0)),
    ],
    pictures: &[Picture {
        sweep: "",
        settings: &[
            ("kind", "curves"),
            ("x", "depth"),
            ("by", "optimizer,baseline"),
            ("metric", "test_rel,effective_rank"),
        ],
        caption: "Error and effective rank by depth, each tuned.",
    }],
    remarks: &[
        "At depth 2 tuning may end at one of several pairs of rate and scale that do alike: two sweeps with other lists have other winners, and \
               recover a few replicates more or fewer.",
    ],
    follow_ups: &[
        FollowUp {
            question: "Is what depth lacks a matter of time? From depth 3 on, factors grow the later the smaller they begin and the deeper the \
                       product is. With ten times the steps, each budget tuned by itself.",
            predictions: &[
                Prediction::new(
                    "with ten times the steps more of the replicates recover",
                    "optimizer = gd and steps = 50000",
                    "optimizer = gd and steps = 5000",
                )
                .by(&["depth"])
                .in_sweep("budget")
                .expects(Oftener),
                Prediction::new(
                    "with 50,000 steps depth 3 is as good as depth 2 (within a factor of 2)",
                    "optimizer = gd and depth = 3 and steps = 50000",
                    "optimizer = gd and depth = 2 and steps = 50000",
                )
                .in_sweep("budget")
                .expects(Below(2.0)),
                Prediction::new(
                    "with 50,000 steps depth 4 is as good as depth 2 (within a factor of 2)",
                    "optimizer = gd and depth = 4 and steps = 50000",
                    "optimizer = gd and depth = 2 and steps = 50000",
                )
                .in_sweep("budget")
                .expects(Below(2.0)),
                Prediction::new(
                    "with 50,000 steps depth 6 is as good as depth 2 (within a factor of 2)",
                    "optimizer = gd and depth = 6 and steps = 50000",
                    "optimizer = gd and depth = 2 and steps = 50000",
                )
                .in_sweep("budget")
                .expects(Below(2.0)),
                Prediction::new(
                    "with 50,000 steps depth 8 is as good as depth 2 (within a factor of 2)",
                    "optimizer = gd and depth = 8 and steps = 50000",
                    "optimizer = gd and depth = 2 and steps = 50000",
                )
                .in_sweep("budget")
                .expects(Below(2.0)),
            ],
            pictures: &[Picture {
                sweep: "budget",
                settings: &[("kind", "curves"), ("x", "depth"), ("by", "steps"), ("where", "optimizer = gd")],
                caption: "Error of gradient descent without a penalty by depth and step budget, each tuned by itself.",
            }],
        },
        FollowUp {
            question: "And without a penalty under Adam?",
            predictions: &[
                Prediction::new(
                    "from depth 3 on Adam is no better than gradient descent (by a factor of 2)",
                    "optimizer = adam and depth > 2",
                    "optimizer = gd and depth > 2",
                )
                .expects(Above(0.5))
                .by(&["depth"]),
                Prediction::new(
                    "from depth 3 on gradient descent recovers at least as often as Adam",
                    "optimizer = gd and depth > 2",
                    "optimizer = adam and depth > 2",
                )
                .by(&["depth"])
                .expects(NoLessOften),
            ],
            pictures: &[],
        },
    ],
};
