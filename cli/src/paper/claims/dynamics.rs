//! What comes first along the run.

use super::prelude::*;

pub const CLAIM: Claim = Claim {
    letter: 'b',
    title: "Singular values and alignment along the run",
    source: "Arora et al. 2019, Theorems 3–4, Fig 3",
    says: "Depth makes large singular values grow faster and small ones slower, so that they come one after the other and the tail \
           stays away; and the singular vectors of W align with those of the gradient.",
    sweeps: &["dynamics"],
    predictions: &[
        Prediction::new("depth 3 ends at a lower effective rank than depth 2", "depth = 3", "depth = 2")
            .what(Last("effective_rank")),
        Prediction::new("depth 4 ends at a lower effective rank than depth 3", "depth = 4", "depth = 3")
            .what(Last("effective_rank")),
        Prediction::own(
            "off the diagonal UᵀGV is smaller than on it",
            "depth > 1",
            Mean("alignment_off_diagonal"),
            Mean("alignment_diagonal"),
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
            settings: &[("kind", "alignment"), ("where", "depth > 1")],
            caption: "The diagonal of UᵀGV and what lies beside it.",
        },
    ],
    remarks: &[
        "Alignment is taken over all pairs of singular vectors. Those beyond the rank of the truth belong to singular values near 0, of which \
         the theorem says nothing: what lies beside the diagonal is mostly theirs.",
    ],
    follow_ups: &[],
};
