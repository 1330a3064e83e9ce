//! What a run says of itself.

use serde::{Deserialize, Serialize};

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// A stop rule on the training objective was met.
    Converged,
    /// The step budget was used.
    Budget,
    /// The time limit ended it; never linked to another cell.
    OutOfTime,
    /// NaN or ∞: a result, not an error.
    Diverged,
}

impl Status {
    /// All, with the word that stands in SQL.
    pub const ALL: [(Status, &'static str); 4] = [
        (Status::Converged, "converged"),
        (Status::Budget, "budget"),
        (Status::OutOfTime, "out_of_time"),
        (Status::Diverged, "diverged"),
    ];

    /// The word in SQL.
    pub fn word(self) -> &'static str {
        Status::ALL.iter().find(|(status, _)| *status == self).expect("ALL holds every status").1
    }
}

/// One point of a trajectory. A number is `None` where it has no meaning (no truth, no penalty) or is not finite.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Steps done when it was taken; 0 is the initialisation.
    pub step: u64,
    /// The scalar columns, in the order of [`COLUMNS`].
    pub values: Vec<Option<f64>>,
    /// The leading `top_k` singular values of W.
    pub singular_values: Vec<f64>,
    /// ‖W_j‖_F, j = 1 … N.
    pub layer_norms: Vec<f64>,
}

/// A scalar recorded at each point: its name in SQL and what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Name in SQL and exports.
    pub name: &'static str,
    /// What it is, with the formula.
    pub doc: &'static str,
    /// Whether two runs of one trial on one machine give the same bits (times do not).
    pub result: bool,
}

macro_rules! columns {
    ($($constant:ident $name:literal $result:literal $doc:literal;)*) => {
        /// Every scalar of a [`Point`], in order: the one list from which the SQL schema, exports and docs are made.
        pub const COLUMNS: &[Column] = &[$(Column { name: $name, doc: $doc, result: $result }),*];
        columns!(@index 0usize; $($constant $name)*);
    };
    (@index $n:expr; $constant:ident $name:literal $($rest:tt)*) => {
        #[doc = concat!("Index of `", $name, "` in [`COLUMNS`].")]
        pub const $constant: usize = $n;
        columns!(@index $n + 1usize; $($rest)*);
    };
    (@index $n:expr;) => {};
}

columns! {
    TRAIN_LOSS "train_loss" true "data loss over the training measurements, in the run's own normalisation";
    VALIDATION_MSE "validation_mse" true "mean square error over the held-out observed entries; what selection uses";
    TEST_MSE "test_mse" true "mean square error over the unobserved entries (or the test split), original units";
    TEST_RMSE "test_rmse" true "square root of test_mse";
    TEST_REL "test_rel" true "‖(W−W*)_unobs‖_F / ‖W*_unobs‖_F";
    RECONSTRUCTION_MSE "reconstruction_mse" true "mean square error over all entries";
    PENALTY "penalty_value" true "P(W), before the weight λ";
    OBJECTIVE "objective" true "train_loss + λ·P";
    NUCLEAR "nuclear_norm" true "‖W‖_* = Σ σ_i";
    FROBENIUS "frobenius_norm" true "‖W‖_F";
    SPECTRAL "spectral_norm" true "‖W‖_2 = σ_1";
    RATIO "nuclear_over_frobenius" true "‖W‖_* / ‖W‖_F";
    EFFECTIVE_RANK "effective_rank" true "exp(−Σ p ln p), p = σ/Σσ";
    STABLE_RANK "stable_rank" true "‖W‖_F² / ‖W‖_2²";
    RANK_1E2 "rank_1e2" true "number of σ > 1e-2·σ_1";
    RANK_1E6 "rank_1e6" true "number of σ > 1e-6·σ_1";
    TAIL "tail_singular_value" true "the largest singular value after the recorded top_k";
    ALIGNMENT_DIAGONAL "alignment_diagonal" true "‖diag(Uᵀ G V)‖₂, G the gradient of the data loss at W";
    ALIGNMENT_OFF "alignment_off_diagonal" true "‖Uᵀ G V − diag‖_F";
    LEADING_DIAGONAL "leading_diagonal" true "‖diag(U_rᵀ G V_r)‖₂ over the leading r singular pairs of W, r the rank of the truth";
    LEADING_OFF "leading_off_diagonal" true "‖U_rᵀ G V_r − diag‖_F over the same pairs";
    BALANCEDNESS "balancedness" true "max_j ‖W_{j+1}ᵀ W_{j+1} − W_j W_jᵀ‖_F; NULL at depth 1";
    GRADIENT_OBSERVED "gradient_observed" true "‖∇_W objective‖_F on the observed entries";
    GRADIENT_UNOBSERVED "gradient_unobserved" true "‖∇_W objective‖_F on the unobserved entries";
    SUBSPACE_ANGLE "subspace_angle" true "largest principal angle (radians) between the leading r left or right singular spaces of W and W*";
    UNOBSERVED_MAX "unobserved_max" true "largest |w_ij| over the unobserved entries";
    STEP_SIZE "step_size" true "‖ΔW‖_F of the step that led to the point (axis probe, as all that follow)";
    STEP_COSINE_GD "step_cosine_gd" true "cosine of ΔW and the step of gradient descent on W itself, from the same W";
    STEP_COSINE_MOMENTUM "step_cosine_momentum" true "likewise, of momentum (μ = 0.9) over the gradients of the run";
    STEP_COSINE_ADAM "step_cosine_adam" true "likewise, of Adam (its defaults) over the gradients of the run";
    STEP_COSINE_FLOW "step_cosine_flow" true "likewise, of the end-to-end flow −Σ_j [WWᵀ]^((N−j)/N) ∇ [WᵀW]^((j−1)/N)";
    SIGMA_RATE_ERROR "sigma_rate_error" true "‖Δσ/η − σ̇‖ / ‖σ̇‖ over the recorded singular values, σ̇_r = −N·σ_r^(2−2/N)·u_rᵀ∇v_r";
    LR "lr_scheduled" true "learning rate of the step that follows";
    WALL_SECONDS "wall_seconds" false "wall seconds since the start, recording excluded";
    CPU_SECONDS "cpu_seconds" false "CPU seconds of the training thread since the start, recording excluded";
}

impl Point {
    /// A point at step 0 with no values.
    pub fn empty() -> Point {
        Point { step: 0, values: vec![None; COLUMNS.len()], singular_values: Vec::new(), layer_norms: Vec::new() }
    }
    /// The scalar at `column` (an index constant of this module), where it has a meaning.
    pub fn get(&self, column: usize) -> Option<f64> {
        self.values.get(column).copied().flatten()
    }
    /// Sets a scalar; what is not finite becomes `None`.
    pub fn set(&mut self, column: usize, value: f64) {
        self.values[column] = value.is_finite().then_some(value);
    }
}

/// A recorded matrix.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Matrix {
    /// Steps done when it was taken.
    pub step: u64,
    /// 0: the end-to-end matrix W; j ≥ 1: the factor W_j.
    pub layer: u32,
    /// Rows.
    pub rows: u32,
    /// Columns.
    pub columns: u32,
    /// Row-major.
    pub values: Vec<f64>,
}

/// What a finished run leaves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// How it ended.
    pub status: Status,
    /// ‖W‖_F > 1.5·√(n1·n2·mean Y_obs²) at the end: the penalty is not coercive and W has grown. A flag, never a drop.
    pub inflated: bool,
    /// Steps done (iterations of a baseline).
    pub steps: u64,
    /// Training measurements used.
    pub measurements: u64,
    /// The last point. (Of a diverged run: the last with a finite W.)
    pub last: Point,
    /// The recorded point with the least test error: *oracle*, for no selection.
    pub oracle: Option<Point>,
    /// The recorded point with the least validation error: what selection may use.
    pub validated: Option<Point>,
    /// The recorded points, by step.
    pub trajectory: Vec<Point>,
    /// Recorded matrices, see the axis `matrices`.
    pub matrices: Vec<Matrix>,
    /// Times that a gradient of singular values fell back to gesdd: once a step, on layers once a layer.
    pub fallbacks: u64,
    /// Most directions in any step below the resolution of the polar factor, where it shrinks smoothly.
    pub unresolved_directions: u64,
    /// Wall seconds of training, recording excluded, all attempts that its checkpoints carried on.
    pub wall_seconds: f64,
    /// CPU seconds of the training thread, likewise.
    pub cpu_seconds: f64,
    /// Wall seconds spent on recording.
    pub recording_seconds: f64,
}
