//! Speed from depth.

use super::prelude::*;

pub const CLAIM: Claim = Claim {
    letter: 'i',
    title: "Acceleration by depth",
    source: "Arora, Cohen, Hazan 2018, Theorem 1 and §5, Figs 2–3",
    says: "Depth acts on W as a preconditioner, and can speed up gradient descent even where the problem is convex: for the ℓ4 loss, not for ℓ2.",
    kind: Kind::Claim,
    sweeps: &["acceleration", "steps"],
    predictions: &[
        Prediction::new(
            "with ℓ4 depth 2 needs fewer steps than depth 1",
            "depth = 2 and loss = mean_fourth",
            "depth = 1 and loss = mean_fourth",
        )
        .what(Last("steps_taken"))
        .chosen_by(Last("steps_taken")),
        Prediction::new(
            "with ℓ4 depth 3 needs fewer steps than depth 1",
            "depth = 3 and loss = mean_fourth",
            "depth = 1 and loss = mean_fourth",
        )
        .what(Last("steps_taken"))
        .chosen_by(Last("steps_taken")),
        Prediction::new(
            "with ℓ2 depth 2 needs no fewer steps than depth 1",
            "depth = 2 and loss = mean",
            "depth = 1 and loss = mean",
        )
        .what(Last("steps_taken"))
        .chosen_by(Last("steps_taken"))
        .expects(Above(1.0)),
        Prediction::new(
            "with ℓ2 depth 3 needs no fewer steps than depth 1",
            "depth = 3 and loss = mean",
            "depth = 1 and loss = mean",
        )
        .what(Last("steps_taken"))
        .chosen_by(Last("steps_taken"))
        .expects(Above(1.0)),
        Prediction::number(
            "steps of balanced factors follow the end-to-end preconditioner: a mean cosine above .99",
            "init = svd_balanced",
            Mean("step_cosine_flow"),
            0.99,
        )
        .in_sweep("steps")
        .expects(More(0.0))
        .by(&["depth"]),
    ],
    pictures: &[Picture {
        sweep: "",
        settings: &[
            ("kind", "curves"),
            ("x", "lr"),
            ("by", "depth"),
            ("across", "loss"),
            ("metric", "steps_taken"),
            ("where", "init_scale = 1e-4"),
        ],
        caption: "Steps until the training loss was 1e-4, by learning rate, from an initial scale of 1e-4.",
    }],
    remarks: &[
        "Learning rate and initial scale are chosen by the steps to the same training loss on the even replicates, depth by depth; the odd ones are compared. No test error has a part in it.",
    ],
    follow_ups: &[],
};
