//! What comes first along the run.

use super::prelude::*;

pub const CLAIM: Claim = Claim {
    letter: 'b',
    title: "Singular values and alignment along the run",
    source: "Arora et al. 2019, Theorem 3 and what follows it, Fig 3",
    says: "Depth makes large singular values grow faster and small ones slower, so that they come one after the other and the tail \
           stays away; and the singular vectors of W align with those of the gradient.",
    kind: Kind::Claim,
    sweeps: &["dynamics"],
    predictions: &[
        Prediction::new("depth 3 ends at a lower effective rank than depth 2", "depth = 3", "depth = 2")
            .what(Last("effective_rank")),
        Prediction::new("depth 4 ends at a lower effective rank than depth 3", "depth = 4", "depth = 3")
            .what(Last("effective_rank")),
        Prediction::own(
            "among the leading pairs, as many as the truth has, UᵀGV is smaller off the diagonal than on it",
            "depth > 1",
            Mean("leading_off_diagonal"),
            Mean("leading_diagonal"),
        )
        .by(&["depth"]),
    ],
    pictures: &[
        Picture {
            sweep: "",
            settings: &[("kind", "spectrum"), ("where", "depth > 1")],
            caption: "The leading singular values against steps, median over replicates (Arora et al., Fig 3).",
        },
        Picture {
            sweep: "",
            settings: &[
                ("kind", "alignment"),
                ("metric", "leading_diagonal,leading_off_diagonal"),
                ("where", "depth > 1"),
            ],
            caption: "The diagonal of UᵀGV among the leading pairs, and what lies beside it.",
        },
    ],
    remarks: &[
        "That singular values come one after the other is in the picture; no prediction tests it. The truth is of rank 3: from depth 3 on \
               the effective rank is all but there.",
    ],
    follow_ups: &[FollowUp {
        question: "And among all pairs, those beyond the rank of the truth too? Their singular values are near 0, and of these the theorem says \
                   nothing.",
        predictions: &[Prediction::own(
            "UᵀGV is smaller off the diagonal than on it",
            "depth > 1",
            Mean("alignment_off_diagonal"),
            Mean("alignment_diagonal"),
        )
        .by(&["depth"])],
        pictures: &[Picture {
            sweep: "",
            settings: &[("kind", "alignment"), ("where", "depth > 1")],
            caption: "The same over all pairs.",
        }],
    }],
};
