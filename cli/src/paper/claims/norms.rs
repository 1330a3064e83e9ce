//! Norms against rank.

use super::prelude::*;

pub const CLAIM: Claim = Claim {
    letter: 'j',
    title: "Norms against rank",
    source: "Razin, Cohen 2020, Theorem 1, §5.1",
    says: "There are problems in which gradient descent on a product of matrices drives every norm to infinity, while the rank falls towards its \
           least: no norm explains what depth does.",
    kind: Kind::Claim,
    sweeps: &["norms"],
    predictions: &[
        Prediction::own("the unobserved entry grows tenfold", GD, Last("unobserved_max"), Initial("unobserved_max"))
            .expects(Above(10.0))
            .by(&["depth"]),
        Prediction::new("the nuclear norm ends above the least that fits", GD, "baseline = minimum_nuclear")
            .what(Last("nuclear_norm"))
            .expects(Above(1.0))
            .by(&["depth"]),
        Prediction::number("the effective rank ends below 1.1", GD, Last("effective_rank"), 1.1).by(&["depth"]),
    ],
    pictures: &[Picture {
        sweep: "",
        settings: &[("kind", "norm-loss"), ("where", "optimizer = gd and lr = 0.03"), ("by", "depth,init_scale")],
        caption: "The unobserved entry against the training loss, step by step: it grows as the loss falls, until W is so large that steps of this \
                  size take the loss up again (to the right at the top).",
    }],
    remarks: &[
        "There is one problem and one initialisation, so n is 1 and an interval has no width; nothing here is random.",
    ],
    follow_ups: &[],
};

const GD: &str = "optimizer = gd and lr = 0.03 and init_scale = 0.01";
