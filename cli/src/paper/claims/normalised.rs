//! The note's closing question.

use super::prelude::*;

pub const CLAIM: Claim = Claim {
    letter: 'e',
    title: "Do normalised penalties do better?",
    source: "Project Penalty 2020, closing question",
    says: "Perhaps normalised penalties do better in general, in other problems too: each penalty against its partner that no scaling of W \
           changes.",
    kind: Kind::Question,
    sweeps: &["normalised"],
    predictions: &[
        Prediction::new("nuclear/Frobenius beats nuclear", "penalty = ratio", "penalty = nuclear"),
        Prediction::new(
            "the square of nuclear/Frobenius beats nuclear",
            "penalty = ratio_squared",
            "penalty = nuclear",
        ),
        Prediction::new("nuclear/spectral beats nuclear", "penalty = nuclear_over_spectral", "penalty = nuclear"),
        Prediction::new(
            "nuclear/Frobenius beats nuclear − Frobenius",
            "penalty = ratio",
            "penalty = nuclear_minus_frobenius",
        ),
        Prediction::new("stable rank beats Frobenius squared", "penalty = stable_rank", "penalty = frobenius_squared"),
        Prediction::new("Schatten-½ over Frobenius beats Schatten-½", "penalty = schatten_ratio", "penalty = schatten"),
        Prediction::new("ℓ1/ℓ2 beats ℓ1", "penalty = l1_over_l2", "penalty = l1"),
    ],
    pictures: &[Picture { sweep: "", settings: &[("kind", "methods")], caption: "Every refit of every penalty." }],
    remarks: &[
        "The entrywise ℓ1 is about sparse matrices, which these are not: that pair is here as the control. Where tuning gives both \
               partners λ = 0 they are one run. Schatten-½ and its partner have the same smoothing at the norm of the truth.",
    ],
    follow_ups: &[FollowUp {
        question: "Is it the normalisation? Schatten-½ and nuclear − Frobenius are not scale-free. What they share with the ratio is that \
                   they pull barely at large singular values and strongly at small ones.",
        predictions: &[
            Prediction::new(
                "Schatten-½, not normalised, beats nuclear by a factor of 10",
                "penalty = schatten",
                "penalty = nuclear",
            )
            .expects(Below(0.1)),
            Prediction::new(
                "nuclear − Frobenius, not normalised, beats nuclear by a factor of 10",
                "penalty = nuclear_minus_frobenius",
                "penalty = nuclear",
            )
            .expects(Below(0.1)),
            Prediction::new(
                "nuclear/spectral, normalised, beats nuclear by a factor of 10",
                "penalty = nuclear_over_spectral",
                "penalty = nuclear",
            )
            .expects(Below(0.1)),
            Prediction::new("stable rank, normalised, beats nuclear", "penalty = stable_rank", "penalty = nuclear"),
            Prediction::new(
                "effective rank, normalised, beats nuclear by a factor of 10",
                "penalty = effective_rank",
                "penalty = nuclear",
            )
            .expects(Below(0.1)),
        ],
        pictures: &[],
    }],
};
