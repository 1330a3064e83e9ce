//! dσ/dt.

use super::prelude::*;

pub const CLAIM: Claim = Claim {
    letter: 'p',
    title: "dσ/dt against its equation",
    source: "Arora et al. 2019, Theorem 3",
    says: "Under gradient flow from balanced factors each singular value obeys σ̇ = −N·σ^(2−2/N)·⟨∇ℓ(W), u vᵀ⟩.",
    kind: Kind::Claim,
    sweeps: &["steps"],
    predictions: &[
        Prediction::number(
            "from balanced factors the equation holds within 5 % on average over recorded points",
            "init = svd_balanced",
            Mean("sigma_rate_error"),
            0.05,
        )
        .by(&["depth"]),
        Prediction::new(
            "gaussian factors, which are not balanced, deviate more",
            "init = gaussian and depth > 1",
            "init = svd_balanced and depth > 1",
        )
        .what(Mean("sigma_rate_error"))
        .expects(Above(1.0))
        .by(&["depth"]),
    ],
    pictures: &[Picture {
        sweep: "",
        settings: &[("kind", "steps"), ("metric", "sigma_rate_error,step_cosine_flow"), ("by", "depth,init")],
        caption: "Relative error of the measured dσ/dt, and the cosine of a step and the end-to-end flow.",
    }],
    remarks: &[
        "Recorded points lie densest at the beginning. At depth 1, where W grows from the first step on, the rate is a hundredth of that at \
               the other depths: the first steps are to be small beside the initial scale.",
    ],
    follow_ups: &[],
};
