//! Ratings.

use super::prelude::*;

pub const CLAIM: Claim = Claim {
    letter: 'k',
    title: "Ratings in the format of MovieLens-100K",
    source: "Zhao 2022, §5",
    says: "The ratio under Adam at depth 1 does well on MovieLens-100K too, beside depth and beside nuclear norm.",
    kind: Kind::Claim,
    sweeps: &["ratings", "ratings-steps"],
    predictions: &[
        Prediction::new("the ratio at depth 1 beats the means of items", R, "baseline = column_means")
            .what(Last("test_rmse")),
        Prediction::new("the ratio at depth 1 beats the nuclear norm at depth 1", R, "penalty = nuclear")
            .what(Last("test_rmse")),
        Prediction::new("the ratio at depth 1 beats depth 3 without a penalty", R, "depth = 3").what(Last("test_rmse")),
        Prediction::new(
            "the ratio at depth 1 beats alternating least squares of rank 5",
            R,
            "baseline = als and baseline_rank = 5",
        )
        .what(Last("test_rmse")),
    ],
    pictures: &[Picture { sweep: "", settings: &[("kind", "methods")], caption: "Test RMSE in stars, every split." }],
    remarks: &[
        "No data set may be bundled. Unless `--ratings` named the real file (`sweep paper ratings ratings-steps --ratings u.data`), these are **made** ratings \
         of the same shape (943 × 1682, 100,000 ratings): that tests the pipeline, and the claim on tastes of rank 3 beside effects of users and items, with \
         noise. A step of a W of this size costs far more than one of its factors: depth 1 \
         has 600 steps, depth 2 and 3 have 3,000.",
    ],
    follow_ups: &[FollowUp {
        question: "Is a fifth of the steps what the ratio lacks? Its winner, and a third of its λ, with three times the steps.",
        predictions: &[
            Prediction::new("three times the steps leave a smaller error", "steps = 1800", "steps = 600")
                .in_sweep("ratings-steps")
                .what(Last("test_rmse"))
                .by(&["lambda"]),
            Prediction::new(
                "with 1,800 steps the ratio beats the means of items",
                "steps = 1800",
                "baseline = column_means",
            )
            .in_sweep("ratings-steps")
            .what(Last("test_rmse"))
            .by(&["lambda"]),
        ],
        pictures: &[],
    }],
};

const R: &str = "penalty = ratio";
