//! The flow and its steps.

use super::prelude::*;

pub const CLAIM: Claim = Claim {
    letter: 'o',
    title: "Learning rate × steps",
    source: "Arora et al. 2019 and Arora, Cohen, Hazan 2018 argue by gradient flow",
    says: "The theory is of gradient flow. If steps follow the flow, then only learning rate × steps counts.",
    sweeps: &["discretisation"],
    predictions: &[
        Prediction::new(
            "depth 2 and 3: twice the rate, half of the steps, the same error (within 5 %)",
            "optimizer = gd and lr = 0.2",
            "optimizer = gd and lr = 0.1",
        )
        .expects(Within(1.05))
        .by(&["depth"]),
        Prediction::new("four times the rate", "optimizer = gd and lr = 0.4", "optimizer = gd and lr = 0.1")
            .expects(Within(1.05))
            .by(&["depth"]),
        Prediction::new("eight times the rate", "optimizer = gd and lr = 0.8", "optimizer = gd and lr = 0.1")
            .expects(Within(1.05))
            .by(&["depth"]),
        Prediction::new("sixteen times the rate", "optimizer = gd and lr = 1.6", "optimizer = gd and lr = 0.1")
            .expects(Within(1.05))
            .by(&["depth"]),
        Prediction::new(
            "Adam with the ratio at depth 1: twice the rate (within 5 %)",
            "optimizer = adam and lr = 0.01",
            "optimizer = adam and lr = 0.005",
        )
        .expects(Within(1.05)),
        Prediction::new(
            "four times the rate of Adam",
            "optimizer = adam and lr = 0.02",
            "optimizer = adam and lr = 0.005",
        )
        .expects(Within(1.05)),
    ],
    pictures: &[Picture {
        sweep: "",
        settings: &[("kind", "curves"), ("x", "lr"), ("by", "method"), ("metric", "test_rel")],
        caption: "Error by learning rate at constant learning rate × steps.",
    }],
    remarks: &["Adam's step has a length of its own, so the chatter of the ratio's tail is as large as its rate."],
    follow_ups: &[],
};
