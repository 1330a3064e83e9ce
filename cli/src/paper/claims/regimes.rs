//! Rank × samples.

use super::prelude::*;

pub const CLAIM: Claim = Claim {
    letter: 'g',
    title: "Data-rich and data-poor",
    source: "Arora et al. 2019, §2; Zhao 2022, §4",
    says: "Where data are rich all methods recover the matrix; where they are poor depth, and the ratio under Adam, recover what minimum \
           nuclear norm does not.",
    sweeps: &["regimes"],
    predictions: &[
        Prediction::new(
            "at rank 3, the ratio under Adam recovers better than minimum nuclear norm",
            "penalty = ratio and rank = 3",
            "baseline = minimum_nuclear and rank = 3",
        )
        .by(&["samples"]),
        Prediction::new(
            "at rank 3, depth 3 recovers better than minimum nuclear norm",
            "depth = 3 and rank = 3",
            "baseline = minimum_nuclear and rank = 3",
        )
        .by(&["samples"]),
        Prediction::new(
            "at rank 3, the ratio under Adam recovers better than depth 3",
            "penalty = ratio and rank = 3",
            "depth = 3 and rank = 3",
        )
        .by(&["samples"]),
    ],
    pictures: &[Picture {
        sweep: "",
        settings: &[("kind", "phase"), ("success", "0.05")],
        caption: "Share of refits with a test error of at most .05, that neither diverged nor are inflated; the line is at a half.",
    }],
    remarks: &[],
    follow_ups: &[],
};
