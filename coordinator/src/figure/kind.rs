//! The kinds of pictures: each is a form with what it takes where the user says nothing.
//!
//! A new one is one entry of [`KNOWN`].

/// How the numbers of a picture are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Two axes, and the median over replicates as a colour.
    Heatmap,
    /// The same with the share of runs that succeeded, and a line where it crosses a level.
    Phase,
    /// A measure against an axis, with quartiles; one panel for each measure.
    Curves,
    /// A measure against steps, with quartiles over runs.
    Steps,
    /// Measures side by side in one panel against steps; one panel for each series.
    Together,
    /// The leading singular values against steps.
    Spectrum,
    /// A measure against another along the run.
    Path,
    /// The error of every replicate, one row for each method.
    Methods,
}

/// A kind of picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// What it is called.
    pub name: &'static str,
    /// What it shows.
    pub doc: &'static str,
    /// How its numbers are put together.
    pub form: Form,
    /// Settings that hold where the user gives none: key and value. An axis that the sweep does not vary is left out.
    pub settings: &'static [(&'static str, &'static str)],
}

/// Every kind.
pub const KNOWN: &[Kind] = &[
    Kind {
        name: "heatmap",
        doc: "a metric over any two axes, in facets of two others",
        form: Form::Heatmap,
        settings: &[],
    },
    Kind {
        name: "lambda-lr",
        doc: "λ against learning rate, in facets of the methods; inflated runs are hatched",
        form: Form::Heatmap,
        settings: &[("x", "lr"), ("y", "lambda")],
    },
    Kind {
        name: "optimizer-penalty",
        doc: "optimizer against penalty, a facet for each depth",
        form: Form::Heatmap,
        settings: &[("x", "penalty"), ("y", "optimizer"), ("across", "depth")],
    },
    Kind {
        name: "phase",
        doc: "share of runs that recovered the matrix over samples and rank, with the line where a half did",
        form: Form::Phase,
        settings: &[("x", "samples"), ("y", "rank"), ("across", "method")],
    },
    Kind {
        name: "curves",
        doc: "a metric against an axis, median and quartiles for each method",
        form: Form::Curves,
        settings: &[],
    },
    Kind {
        name: "samples",
        doc: "error against samples by method",
        form: Form::Curves,
        settings: &[("x", "samples"), ("by", "method")],
    },
    Kind {
        name: "init",
        doc: "error, nuclear norm and effective rank against the norm at step 0, by depth (Arora et al. 2019, Figs 1–2)",
        form: Form::Curves,
        settings: &[
            ("x", "init_scale"),
            ("along", "initial_frobenius_norm"),
            ("metric", "reconstruction_mse,nuclear_norm,effective_rank"),
            ("by", "method"),
        ],
    },
    Kind {
        name: "steps",
        doc: "a metric against steps, median and quartiles over replicates for each method",
        form: Form::Steps,
        settings: &[("by", "method")],
    },
    Kind {
        name: "effective-rank",
        doc: "effective rank against steps",
        form: Form::Steps,
        settings: &[("metric", "effective_rank"), ("by", "method")],
    },
    Kind {
        name: "loss",
        doc: "training loss against steps by depth (Arora, Cohen, Hazan 2018, Fig 2)",
        form: Form::Steps,
        settings: &[("metric", "train_loss"), ("by", "method")],
    },
    Kind {
        name: "travel",
        doc: "error against the sum of learning rates: optimizers at matched effective step",
        form: Form::Steps,
        settings: &[("metric", "test_rel"), ("by", "method"), ("x", "travel")],
    },
    Kind {
        name: "spectrum",
        doc: "leading singular values against steps (Arora et al. 2019, Fig 3)",
        form: Form::Spectrum,
        settings: &[("by", "method")],
    },
    Kind {
        name: "alignment",
        doc: "diagonal and off-diagonal part of Uᵀ∇ℓ(W)V against steps (Arora et al. 2019, Fig 3)",
        form: Form::Together,
        settings: &[("metric", "alignment_diagonal,alignment_off_diagonal"), ("by", "method")],
    },
    Kind {
        name: "norm-loss",
        doc: "largest unobserved entry against training loss along the run (|w11| of Razin and Cohen 2020)",
        form: Form::Path,
        settings: &[("x", "train_loss"), ("metric", "unobserved_max"), ("by", "method")],
    },
    Kind {
        name: "methods",
        doc: "the error of every replicate, one row for each method",
        form: Form::Methods,
        settings: &[],
    },
];

/// The kind of this name.
pub fn find(name: &str) -> Option<&'static Kind> {
    KNOWN.iter().find(|kind| kind.name == name)
}
