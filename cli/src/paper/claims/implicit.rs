//! Depth against the nuclear norm.

use super::prelude::*;

pub const CLAIM: Claim = Claim {
    letter: 'a',
    title: "Depth under gradient descent against minimum nuclear norm",
    source: "Gunasekar et al. 2017, conjecture; Arora et al. 2019, §2–4, Figs 1–2",
    says: "Gunasekar et al.: gradient descent on a product of two factors, from small factors and with small steps, finds the solution \
           of least nuclear norm. Arora et al.: where samples are few it does not, but finds a matrix of lower effective rank and \
           larger nuclear norm, the more so the deeper the product and the smaller its initial scale, and recovers better.",
    sweeps: &["implicit", "scale"],
    predictions: &[
        Prediction::new("depth 2 reaches the least nuclear norm", D2, "baseline = minimum_nuclear")
            .what(Last("nuclear_norm"))
            .expects(Within(1.02))
            .by(&["samples"]),
        Prediction::new("depth 3 ends at a lower effective rank", D3, "baseline = minimum_nuclear")
            .what(Last("effective_rank"))
            .by(&["samples"]),
        Prediction::new("depth 3 recovers better than minimum nuclear norm", D3, "baseline = minimum_nuclear")
            .by(&["samples"]),
        Prediction::new("depth 3 recovers better than depth 2", D3, D2).by(&["samples"]),
        Prediction::new("depth 4 recovers better than depth 3", D4, D3).by(&["samples"]),
        Prediction::new(
            "at depth 3 a small initial scale recovers better than a large one",
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
        "At depth 1 gradient descent leaves every unobserved entry where it was, at any rate: its error is that of the initial matrix.",
    ],
    follow_ups: &[FollowUp {
        question: "The conjecture is about the limit of small factors, and 1e-3 is not small: does depth 2 come to the least nuclear norm as \
                   the initial scale goes on falling?",
        predictions: &[
            Prediction::new(
                "at depth 2 from 1e-100 the nuclear norm is the least",
                "depth = 2 and init_scale = 1e-100",
                "baseline = minimum_nuclear",
            )
            .in_sweep("scale")
            .what(Last("nuclear_norm"))
            .expects(Within(1.002)),
            Prediction::new(
                "the error is that of minimum nuclear norm (within a factor of 1.5)",
                "depth = 2 and init_scale = 1e-100",
                "baseline = minimum_nuclear",
            )
            .in_sweep("scale")
            .expects(Within(1.5)),
            Prediction::new(
                "the effective rank is that of minimum nuclear norm (within 10 %)",
                "depth = 2 and init_scale = 1e-100",
                "baseline = minimum_nuclear",
            )
            .in_sweep("scale")
            .what(Last("effective_rank"))
            .expects(Within(1.1)),
        ],
        pictures: &[Picture {
            sweep: "scale",
            settings: &[
                ("kind", "curves"),
                ("x", "init_scale"),
                ("by", "method"),
                ("metric", "test_rel,nuclear_norm,effective_rank"),
            ],
            caption: "Error, nuclear norm and effective rank by initial scale.",
        }],
    }],
};

const D2: &str = "depth = 2 and init_scale = 0.001";
const D3: &str = "depth = 3 and init_scale = 0.001";
const D4: &str = "depth = 4 and init_scale = 0.001";
