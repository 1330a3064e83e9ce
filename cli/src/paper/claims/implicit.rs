//! Depth against the nuclear norm.

use super::prelude::*;

pub const CLAIM: Claim = Claim {
    letter: 'a',
    title: "Depth under gradient descent against minimum nuclear norm",
    source: "Arora et al. 2019, §2, Figs 1–2; followed up: Gunasekar et al. 2017, conjecture",
    says: "Where samples are few, gradient descent on a product of factors does not find the solution of least nuclear norm, but one of lower \
           effective rank and larger nuclear norm, the more so the deeper the product and the smaller its initial scale, and recovers \
           better.",
    kind: Kind::Claim,
    sweeps: &["implicit", "limit"],
    predictions: &[
        Prediction::new("depth 2 ends above the least nuclear norm", D2, "baseline = minimum_nuclear")
            .what(Last("nuclear_norm"))
            .expects(Above(1.0))
            .by(&["samples"]),
        Prediction::new("depth 3 ends above the least nuclear norm", D3, "baseline = minimum_nuclear")
            .what(Last("nuclear_norm"))
            .expects(Above(1.0))
            .by(&["samples"]),
        Prediction::new(
            "depth 3 ends at a lower effective rank than minimum nuclear norm",
            D3,
            "baseline = minimum_nuclear",
        )
        .what(Last("effective_rank"))
        .by(&["samples"]),
        Prediction::new("depth 3 has a smaller error than minimum nuclear norm", D3, "baseline = minimum_nuclear")
            .by(&["samples"]),
        Prediction::new("depth 3 has a smaller error than depth 2", D3, D2).by(&["samples"]),
        Prediction::new("depth 4 has a smaller error than depth 3", D4, D3).by(&["samples"]),
        Prediction::new(
            "at depth 3 a small initial scale leaves a smaller error than a large one",
            D3,
            "depth = 3 and init_scale = 1",
        )
        .by(&["samples"]),
    ],
    pictures: &[
        Picture {
            sweep: "",
            settings: &[
                ("kind", "samples"),
                ("where", "init_scale = 0.001 or baseline = minimum_nuclear"),
                ("metric", "test_rel,nuclear_norm,effective_rank"),
            ],
            caption: "By samples, from an initial scale of 1e-3.",
        },
        Picture {
            sweep: "",
            settings: &[
                ("kind", "init"),
                ("where", "samples = 500"),
                ("metric", "test_rel,nuclear_norm,effective_rank"),
            ],
            caption: "By the measured norm at step 0, from 500 samples (Arora et al., Figs 1–2).",
        },
    ],
    remarks: &[
        "At depth 1 gradient descent leaves every unobserved entry where it was, at any rate: its error is that of the initial matrix. \
         A row or column with fewer samples than the rank determines none of its other entries: with 300 of 2,500 entries at rank 2 \
         about seven instances in ten have one, with 400 one in six.",
    ],
    follow_ups: &[FollowUp {
        question: "Gunasekar et al. conjectured that depth 2, in the limit of small factors and small steps, does find the least nuclear norm. \
                   1e-3 is not small: from 500 samples, at rates far below the stable one, until the training loss is 1e-12, does depth 2 come to \
                   the least nuclear norm as the initial scale goes on falling?",
        predictions: &[
            Prediction::new(
                "from 1e-100 the nuclear norm of depth 2 is the least (within .2 %)",
                "init_scale = 1e-100",
                "baseline = minimum_nuclear",
            )
            .by(&["lr"])
            .in_sweep("limit")
            .what(Last("nuclear_norm"))
            .expects(Within(1.002)),
            Prediction::new(
                "from 1e-100 its error is that of minimum nuclear norm (within a factor of 1.5)",
                "init_scale = 1e-100",
                "baseline = minimum_nuclear",
            )
            .by(&["lr"])
            .in_sweep("limit")
            .expects(Within(1.5)),
            Prediction::new(
                "from 1e-100 its effective rank is that of minimum nuclear norm (within 10 %)",
                "init_scale = 1e-100",
                "baseline = minimum_nuclear",
            )
            .by(&["lr"])
            .in_sweep("limit")
            .what(Last("effective_rank"))
            .expects(Within(1.1)),
        ],
        pictures: &[Picture {
            sweep: "limit",
            settings: &[
                ("kind", "curves"),
                ("x", "init_scale"),
                ("by", "lr,baseline"),
                ("metric", "test_rel,nuclear_norm,effective_rank"),
            ],
            caption: "Error, nuclear norm and effective rank of depth 2 by initial scale, beside minimum nuclear norm.",
        }],
    }],
};

const D2: &str = "depth = 2 and init_scale = 0.001";
const D3: &str = "depth = 3 and init_scale = 0.001";
const D4: &str = "depth = 4 and init_scale = 0.001";
