//! Depth 5 to 8.

use super::prelude::*;

pub const CLAIM: Claim = Claim {
    letter: 'm',
    title: "Depth 5 to 8",
    source: "Project Penalty 2020: \"things get weird\"; Arora et al. 2019, §2",
    says: "Deeper is better, with diminishing returns from depth 3 on; far deeper things get weird.",
    sweeps: &["deep"],
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
        Prediction::new(
            "from depth 3 on, Adam is no better than gradient descent without a penalty",
            "optimizer = adam and depth > 2",
            "optimizer = gd and depth > 2",
        )
        .expects(Above(1.0))
        .by(&["depth"]),
    ],
    pictures: &[Picture {
        sweep: "",
        settings: &[("kind", "curves"), ("x", "depth"), ("by", "optimizer"), ("metric", "test_rel,effective_rank")],
        caption: "Error and effective rank by depth, each tuned.",
    }],
    remarks: &[],
    follow_ups: &[],
};
