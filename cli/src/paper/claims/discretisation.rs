//! The flow and its steps.

use super::prelude::*;

pub const CLAIM: Claim = Claim {
    letter: 'o',
    title: "Learning rate × steps",
    source: "Arora et al. 2019 and Arora, Cohen, Hazan 2018 argue by gradient flow",
    says: "The theory is of gradient flow. If steps follow the flow, then only learning rate × steps counts.",
    kind: Kind::Claim,
    sweeps: &["discretisation"],
    predictions: &[
        Prediction::new(
            "twice the rate and half of the steps leave the same error (within 5 %)",
            "optimizer = gd and lr = 0.2",
            "optimizer = gd and lr = 0.1",
        )
        .expects(Within(1.05))
        .by(&["depth"]),
        Prediction::new(
            "four times the rate and a quarter of the steps leave the same error (within 5 %)",
            "optimizer = gd and lr = 0.4",
            "optimizer = gd and lr = 0.1",
        )
        .expects(Within(1.05))
        .by(&["depth"]),
        Prediction::new(
            "eight times the rate and an eighth of the steps leave the same error (within 5 %)",
            "optimizer = gd and lr = 0.8",
            "optimizer = gd and lr = 0.1",
        )
        .expects(Within(1.05))
        .by(&["depth"]),
        Prediction::new(
            "sixteen times the rate and a sixteenth of the steps leave the same error (within 5 %)",
            "optimizer = gd and lr = 1.6",
            "optimizer = gd and lr = 0.1",
        )
        .expects(Within(1.05))
        .by(&["depth"]),
    ],
    pictures: &[Picture {
        sweep: "",
        settings: &[("kind", "curves"), ("x", "lr"), ("by", "method"), ("metric", "test_rel")],
        caption: "Error by learning rate at constant learning rate × steps.",
    }],
    remarks: &[],
    follow_ups: &[FollowUp {
        question: "Adam is no discretisation of that flow: its step has a length of its own, and the tail of the ratio chatters by it. How much \
                   does its rate matter at constant rate × steps, at depth 1 with the ratio?",
        predictions: &[
            Prediction::new(
                "twice the rate of Adam and half of the steps leave the same error (within 5 %)",
                "optimizer = adam and lr = 0.01",
                "optimizer = adam and lr = 0.005",
            )
            .expects(Within(1.05)),
            Prediction::new(
                "four times the rate of Adam and a quarter of the steps leave the same error (within 5 %)",
                "optimizer = adam and lr = 0.02",
                "optimizer = adam and lr = 0.005",
            )
            .expects(Within(1.05)),
        ],
        pictures: &[],
    }],
};
