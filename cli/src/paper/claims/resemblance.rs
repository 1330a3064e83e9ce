//! What a deep step looks like.

use super::prelude::*;

pub const CLAIM: Claim = Claim {
    letter: 'n',
    title: "Is a deep step like a step of Adam?",
    source: "Project Penalty 2020, a suspicion; Arora, Cohen, Hazan 2018, §5",
    says: "What depth does to W resembles what Adam would do at depth 1, from the same W: it acts like momentum with rates of its own for each direction.",
    kind: Kind::Claim,
    sweeps: &["steps"],
    predictions: &[
        Prediction::own(
            "the step is nearer to Adam's than to gradient descent's, by .05",
            DEEP,
            Mean("step_cosine_adam"),
            Mean("step_cosine_gd"),
        )
        .expects(More(0.05))
        .by(&["depth"]),
        Prediction::own(
            "the step is nearer to momentum's than to gradient descent's, by .05",
            DEEP,
            Mean("step_cosine_momentum"),
            Mean("step_cosine_gd"),
        )
        .expects(More(0.05))
        .by(&["depth"]),
        Prediction::own(
            "the step is nearer to Adam's than to momentum's, by .05",
            DEEP,
            Mean("step_cosine_adam"),
            Mean("step_cosine_momentum"),
        )
        .expects(More(0.05))
        .by(&["depth"]),
    ],
    pictures: &[Picture {
        sweep: "",
        settings: &[
            ("kind", "steps"),
            ("metric", "step_cosine_gd,step_cosine_momentum,step_cosine_adam"),
            ("by", "depth"),
            ("where", "init = gaussian"),
        ],
        caption: "Cosine of the end-to-end step and those of others from the same W, along the run.",
    }],
    remarks: &[
        "Adam and momentum see the gradients of this very run, and carry their moments along it. Means are over recorded points, which lie \
               densest at the beginning.",
    ],
    follow_ups: &[],
};

const DEEP: &str = "depth > 1 and init = gaussian";
