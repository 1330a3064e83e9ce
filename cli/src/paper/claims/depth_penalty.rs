//! Depth and penalty together.

use super::prelude::*;

pub const CLAIM: Claim = Claim {
    letter: 'd',
    title: "Depth × penalty: do the effects add up?",
    source: "Project Penalty 2020; Zhao 2022, §3–4",
    says: "Under Adam with the ratio depth no longer matters: the penalty does at depth 1 what depth does, and does it once. A map that is \
           applied twice to no further effect is idempotent.",
    kind: Kind::Claim,
    sweeps: &["depth-penalty", "budget"],
    predictions: &[
        Prediction::new("under Adam the ratio helps at every depth", AR, AN).by(&["depth"]),
        Prediction::new("with Adam and the ratio depth 2 is as good as depth 1 (within a factor of 2)", A2R, A1R)
            .expects(Within(2.0)),
        Prediction::new("with Adam and the ratio depth 3 is as good as depth 1 (within a factor of 2)", A3R, A1R)
            .expects(Within(2.0)),
        Prediction::new(
            "depth 3 under gradient descent gains nothing from the ratio (within a factor of 1.5)",
            G3R,
            G3N,
        )
        .expects(Within(1.5)),
        Prediction::new(
            "depth 3 under gradient descent gains nothing from the nuclear norm either (within a factor of 1.5)",
            "optimizer = gd and depth = 3 and penalty = nuclear",
            G3N,
        )
        .expects(Within(1.5)),
        Prediction::new(
            "depth 2 under gradient descent gains from the ratio",
            "optimizer = gd and depth = 2 and penalty = ratio",
            "optimizer = gd and depth = 2 and penalty = none",
        ),
    ],
    pictures: &[Picture {
        sweep: "",
        settings: &[("kind", "optimizer-penalty")],
        caption: "Median test error of each tuned method, depth by depth; the panel without a depth is minimum nuclear norm.",
    }],
    remarks: &[],
    follow_ups: &[FollowUp {
        question: "Is what depth 2 and 3 lack, under Adam with the ratio, a matter of time? With ten times the steps, each budget tuned by \
                   itself, at depth 2 and 3 over the initial scale too.",
        predictions: &[
            Prediction::new(
                "with 5,000 steps depth 2 is as good as depth 1 (within a factor of 2)",
                "optimizer = adam and depth = 2 and steps = 5000",
                "optimizer = adam and depth = 1 and steps = 5000",
            )
            .in_sweep("budget")
            .expects(Below(2.0)),
            Prediction::new(
                "with 5,000 steps depth 3 is as good as depth 1 (within a factor of 2)",
                "optimizer = adam and depth = 3 and steps = 5000",
                "optimizer = adam and depth = 1 and steps = 5000",
            )
            .in_sweep("budget")
            .expects(Below(2.0)),
            Prediction::new(
                "with 50,000 steps depth 2 is as good as depth 1 (within a factor of 2)",
                "optimizer = adam and depth = 2 and steps = 50000",
                "optimizer = adam and depth = 1 and steps = 50000",
            )
            .in_sweep("budget")
            .expects(Below(2.0)),
            Prediction::new(
                "with 50,000 steps depth 3 is as good as depth 1 (within a factor of 2)",
                "optimizer = adam and depth = 3 and steps = 50000",
                "optimizer = adam and depth = 1 and steps = 50000",
            )
            .in_sweep("budget")
            .expects(Below(2.0)),
            Prediction::new(
                "with 5,000 steps depth 2 recovers at least as often as depth 1",
                "optimizer = adam and depth = 2 and steps = 5000",
                "optimizer = adam and depth = 1 and steps = 5000",
            )
            .in_sweep("budget")
            .expects(NoLessOften),
            Prediction::new(
                "with 5,000 steps depth 3 recovers at least as often as depth 1",
                "optimizer = adam and depth = 3 and steps = 5000",
                "optimizer = adam and depth = 1 and steps = 5000",
            )
            .in_sweep("budget")
            .expects(NoLessOften),
            Prediction::new(
                "with 50,000 steps depth 2 recovers at least as often as depth 1",
                "optimizer = adam and depth = 2 and steps = 50000",
                "optimizer = adam and depth = 1 and steps = 50000",
            )
            .in_sweep("budget")
            .expects(NoLessOften),
            Prediction::new(
                "with 50,000 steps depth 3 recovers at least as often as depth 1",
                "optimizer = adam and depth = 3 and steps = 50000",
                "optimizer = adam and depth = 1 and steps = 50000",
            )
            .in_sweep("budget")
            .expects(NoLessOften),
        ],
        pictures: &[Picture {
            sweep: "budget",
            settings: &[("kind", "curves"), ("x", "depth"), ("by", "steps"), ("where", "optimizer = adam")],
            caption: "Error of Adam with the ratio by depth and step budget, each tuned by itself.",
        }],
    }],
};

const AR: &str = "optimizer = adam and penalty = ratio";
const AN: &str = "optimizer = adam and penalty = none";
const A1R: &str = "optimizer = adam and depth = 1 and penalty = ratio";
const A2R: &str = "optimizer = adam and depth = 2 and penalty = ratio";
const A3R: &str = "optimizer = adam and depth = 3 and penalty = ratio";
const G3R: &str = "optimizer = gd and depth = 3 and penalty = ratio";
const G3N: &str = "optimizer = gd and depth = 3 and penalty = none";
