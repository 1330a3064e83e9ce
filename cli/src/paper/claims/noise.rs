//! Noise.

use super::prelude::*;

pub const CLAIM: Claim = Claim {
    letter: 'h',
    title: "Noisy samples",
    source: "not treated in the note; asked here",
    says: "Nothing is said of noise. If the ratio is a sound penalty it bears noise as the nuclear norm does, whose shrinkage is known to suit it.",
    kind: Kind::Question,
    sweeps: &["noise"],
    predictions: &[
        Prediction::new("the ratio is better than the nuclear norm", "penalty = ratio", "penalty = nuclear")
            .by(&["noise"]),
        Prediction::new("the ratio is better than depth 3", "penalty = ratio", "depth = 3").by(&["noise"]),
        Prediction::new("depth 3 is better than minimum nuclear norm", "depth = 3", "baseline = minimum_nuclear")
            .by(&["noise"]),
        Prediction::new(
            "depth 3 is better than soft-impute with a tuned λ",
            "depth = 3 and noise > 0.2",
            "baseline = soft_impute and noise > 0.2",
        )
        .by(&["noise"]),
        Prediction::new("depth 2 is better than depth 3", "depth = 2", "depth = 3").by(&["noise"]),
    ],
    pictures: &[Picture {
        sweep: "",
        settings: &[
            ("kind", "curves"),
            ("x", "noise"),
            ("by", "method"),
            ("metric", "test_rel,effective_rank"),
            ("where", "noise > 0"),
        ],
        caption: "Error and effective rank by the standard deviation of the noise; entries have RMS 1.",
    }],
    remarks: &[
        "Minimum nuclear norm fits the noise exactly, by its definition. It is the limit of soft-impute at λ → 0, and where there is little noise \
         tuning goes to that end of soft-impute's list: there the limit itself is what is compared.",
    ],
    follow_ups: &[],
};
