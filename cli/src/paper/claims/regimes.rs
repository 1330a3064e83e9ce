//! Rank × samples.

use super::prelude::*;

pub const CLAIM: Claim = Claim {
    letter: 'g',
    title: "Data-rich and data-poor",
    source: "Arora et al. 2019, §2; Zhao 2022, §4",
    says: "Where data are rich all methods recover the matrix; where they are poor depth, and the ratio under Adam, recover what minimum \
           nuclear norm does not.",
    sweeps: &["scarce", "regimes"],
    predictions: &[
        Prediction::new("the ratio under Adam recovers better than minimum nuclear norm", R, NUCLEAR).by(&["samples"]),
        Prediction::new("depth 2 recovers better than minimum nuclear norm", "depth = 2", NUCLEAR).by(&["samples"]),
        Prediction::new("depth 3 recovers better than minimum nuclear norm", "depth = 3", NUCLEAR).by(&["samples"]),
        Prediction::new("the ratio under Adam recovers better than depth 2", R, "depth = 2").by(&["samples"]),
        Prediction::new("the ratio under Adam recovers better than depth 3", R, "depth = 3").by(&["samples"]),
    ],
    pictures: &[
        Picture {
            sweep: "",
            settings: &[("kind", "samples"), ("metric", "test_rel")],
            caption: "Error at rank 3 by samples, each method and number of samples tuned by itself.",
        },
        Picture {
            sweep: "regimes",
            settings: &[("kind", "phase"), ("success", "0.05")],
            caption: "Share of refits with a test error of at most .05, that neither diverged nor are inflated; the line is at a half.",
        },
    ],
    remarks: &[],
    follow_ups: &[],
};

const R: &str = "penalty = ratio";
const NUCLEAR: &str = "baseline = minimum_nuclear";
