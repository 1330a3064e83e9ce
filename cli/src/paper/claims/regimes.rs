//! Rank × samples.

use super::prelude::*;

pub const CLAIM: Claim = Claim {
    letter: 'g',
    title: "Data-rich and data-poor",
    source: "Arora et al. 2019, §2; Zhao 2022, §4",
    says: "Where data are rich all methods recover the matrix; where they are poor depth, and the ratio under Adam, recover what minimum \
           nuclear norm does not.",
    kind: Kind::Claim,
    sweeps: &["scarce", "regimes"],
    predictions: &[
        Prediction::new("the ratio under Adam has a smaller error than minimum nuclear norm", R, NUCLEAR)
            .by(&["samples"]),
        Prediction::new("depth 2 has a smaller error than minimum nuclear norm", "depth = 2", NUCLEAR).by(&["samples"]),
        Prediction::new("depth 3 has a smaller error than minimum nuclear norm", "depth = 3", NUCLEAR).by(&["samples"]),
        Prediction::number(
            "where data are richest (rank 1, 550 samples) every method recovers",
            "rank = 1 and samples = 550",
            Last("test_rel"),
            1e-3,
        )
        .by(&["baseline", "depth"])
        .in_sweep("regimes"),
    ],
    pictures: &[
        Picture {
            sweep: "",
            settings: &[("kind", "samples"), ("metric", "test_rel")],
            caption: "Error at rank 3 by samples, each method and number of samples tuned by itself.",
        },
        Picture {
            sweep: "regimes",
            settings: &[("kind", "phase"), ("success", "0.001")],
            caption: "Share of refits that recovered the matrix, and neither diverged nor are inflated; the line is at a half.",
        },
    ],
    remarks: &[
        "A matrix of rank r has r(2n − r) degrees of freedom, 231 at rank 3 and n = 40: from 200 samples nothing can recover it, whatever \
               the method, and nothing can recover a row or column with fewer than r samples, which with 300 samples six instances in ten have. \
               In the phase diagrams conditions with fewer samples than unknowns are left out.",
    ],
    follow_ups: &[FollowUp {
        question: "And the ratio against depth, where data are poor?",
        predictions: &[
            Prediction::new("the ratio under Adam has a smaller error than depth 2", R, "depth = 2").by(&["samples"]),
            Prediction::new("the ratio under Adam has a smaller error than depth 3", R, "depth = 3").by(&["samples"]),
        ],
        pictures: &[],
    }],
};

const R: &str = "penalty = ratio";
const NUCLEAR: &str = "baseline = minimum_nuclear";
