//! Depth and penalty together.

use super::prelude::*;

pub const CLAIM: Claim = Claim {
    letter: 'd',
    title: "Depth × penalty: do the effects add up?",
    source: "Project Penalty 2020; Zhao 2022, §3–4",
    says: "Under Adam with the ratio depth no longer matters: the penalty does at depth 1 what depth does, and does it once. A map that is \
           applied twice to no further effect is idempotent.",
    sweeps: &["depth-penalty"],
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
        Prediction::new("nor from the nuclear norm", "optimizer = gd and depth = 3 and penalty = nuclear", G3N)
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
        caption: "Median test error of each tuned method, depth by depth.",
    }],
    remarks: &[],
    follow_ups: &[],
};

const AR: &str = "optimizer = adam and penalty = ratio";
const AN: &str = "optimizer = adam and penalty = none";
const A1R: &str = "optimizer = adam and depth = 1 and penalty = ratio";
const A2R: &str = "optimizer = adam and depth = 2 and penalty = ratio";
const A3R: &str = "optimizer = adam and depth = 3 and penalty = ratio";
const G3R: &str = "optimizer = gd and depth = 3 and penalty = ratio";
const G3N: &str = "optimizer = gd and depth = 3 and penalty = none";
