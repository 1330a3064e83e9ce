-- The first schema. Every relation and column is explained in docs/sql.md; the portable subset in migrations/README.md.

CREATE TABLE counters (
    name TEXT PRIMARY KEY,
    value BIGINT NOT NULL
);
INSERT INTO counters (name, value) VALUES ('outcomes', 0);

CREATE TABLE sweeps (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    source TEXT NOT NULL,
    digest TEXT NOT NULL,
    cells BIGINT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('running', 'paused', 'finished', 'cancelled')),
    created_at_ms BIGINT NOT NULL
);
CREATE INDEX sweeps_by_digest ON sweeps (digest);
CREATE INDEX sweeps_by_name ON sweeps (name);

CREATE TABLE tags (
    sweep_id TEXT NOT NULL REFERENCES sweeps (id) ON DELETE CASCADE,
    tag TEXT NOT NULL,
    PRIMARY KEY (sweep_id, tag)
);

CREATE TABLE blobs (
    hash TEXT PRIMARY KEY,
    size BIGINT NOT NULL
);

CREATE TABLE blob_chunks (
    hash TEXT NOT NULL REFERENCES blobs (hash) ON DELETE CASCADE,
    seq BIGINT NOT NULL,
    data BYTEA NOT NULL,
    PRIMARY KEY (hash, seq)
);

CREATE TABLE inputs (
    sweep_id TEXT NOT NULL REFERENCES sweeps (id) ON DELETE CASCADE,
    path TEXT NOT NULL,
    hash TEXT NOT NULL REFERENCES blobs (hash),
    PRIMARY KEY (sweep_id, path)
);
CREATE INDEX inputs_by_hash ON inputs (hash);

CREATE TABLE provenance (
    id TEXT PRIMARY KEY,
    trainer_version TEXT NOT NULL,
    revision BIGINT NOT NULL,
    git_commit TEXT NOT NULL,
    host TEXT NOT NULL,
    cpu TEXT NOT NULL,
    blas_library TEXT NOT NULL,
    blas_kernel TEXT NOT NULL,
    blas_threads BIGINT NOT NULL,
    dtype TEXT NOT NULL
);

CREATE TABLE workers (
    id TEXT PRIMARY KEY,
    provenance_id TEXT NOT NULL REFERENCES provenance (id),
    cores BIGINT NOT NULL,
    slots BIGINT NOT NULL,
    first_seen_at_ms BIGINT NOT NULL,
    last_seen_at_ms BIGINT NOT NULL
);

CREATE TABLE tokens (
    hash TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL CHECK (role IN ('admin', 'worker', 'viewer')),
    created_at_ms BIGINT NOT NULL,
    expires_at_ms BIGINT,
    revoked_at_ms BIGINT
);

CREATE TABLE outcomes (
    id BIGINT PRIMARY KEY,
    trial_digest TEXT NOT NULL,
    revision BIGINT NOT NULL,
    sweep_id TEXT NOT NULL,
    cell BIGINT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('converged', 'budget', 'out_of_time', 'diverged')),
    inflated BIGINT NOT NULL CHECK (inflated IN (0, 1)),
    steps_taken BIGINT NOT NULL,
    measurements BIGINT NOT NULL,
    last_step BIGINT NOT NULL,
    last_train_loss DOUBLE PRECISION,
    last_validation_mse DOUBLE PRECISION,
    last_test_mse DOUBLE PRECISION,
    last_test_rmse DOUBLE PRECISION,
    last_test_rel DOUBLE PRECISION,
    last_reconstruction_mse DOUBLE PRECISION,
    last_penalty_value DOUBLE PRECISION,
    last_objective DOUBLE PRECISION,
    last_nuclear_norm DOUBLE PRECISION,
    last_frobenius_norm DOUBLE PRECISION,
    last_spectral_norm DOUBLE PRECISION,
    last_nuclear_over_frobenius DOUBLE PRECISION,
    last_effective_rank DOUBLE PRECISION,
    last_stable_rank DOUBLE PRECISION,
    last_rank_1e2 DOUBLE PRECISION,
    last_rank_1e6 DOUBLE PRECISION,
    last_tail_singular_value DOUBLE PRECISION,
    last_alignment_diagonal DOUBLE PRECISION,
    last_alignment_off_diagonal DOUBLE PRECISION,
    last_balancedness DOUBLE PRECISION,
    last_gradient_observed DOUBLE PRECISION,
    last_gradient_unobserved DOUBLE PRECISION,
    last_subspace_angle DOUBLE PRECISION,
    last_lr_scheduled DOUBLE PRECISION,
    last_wall_seconds DOUBLE PRECISION,
    last_cpu_seconds DOUBLE PRECISION,
    oracle_step BIGINT,
    oracle_train_loss DOUBLE PRECISION,
    oracle_validation_mse DOUBLE PRECISION,
    oracle_test_mse DOUBLE PRECISION,
    oracle_test_rmse DOUBLE PRECISION,
    oracle_test_rel DOUBLE PRECISION,
    oracle_reconstruction_mse DOUBLE PRECISION,
    oracle_penalty_value DOUBLE PRECISION,
    oracle_objective DOUBLE PRECISION,
    oracle_nuclear_norm DOUBLE PRECISION,
    oracle_frobenius_norm DOUBLE PRECISION,
    oracle_spectral_norm DOUBLE PRECISION,
    oracle_nuclear_over_frobenius DOUBLE PRECISION,
    oracle_effective_rank DOUBLE PRECISION,
    oracle_stable_rank DOUBLE PRECISION,
    oracle_rank_1e2 DOUBLE PRECISION,
    oracle_rank_1e6 DOUBLE PRECISION,
    oracle_tail_singular_value DOUBLE PRECISION,
    oracle_alignment_diagonal DOUBLE PRECISION,
    oracle_alignment_off_diagonal DOUBLE PRECISION,
    oracle_balancedness DOUBLE PRECISION,
    oracle_gradient_observed DOUBLE PRECISION,
    oracle_gradient_unobserved DOUBLE PRECISION,
    oracle_subspace_angle DOUBLE PRECISION,
    oracle_lr_scheduled DOUBLE PRECISION,
    oracle_wall_seconds DOUBLE PRECISION,
    oracle_cpu_seconds DOUBLE PRECISION,
    validated_step BIGINT,
    validated_train_loss DOUBLE PRECISION,
    validated_validation_mse DOUBLE PRECISION,
    validated_test_mse DOUBLE PRECISION,
    validated_test_rmse DOUBLE PRECISION,
    validated_test_rel DOUBLE PRECISION,
    validated_reconstruction_mse DOUBLE PRECISION,
    validated_penalty_value DOUBLE PRECISION,
    validated_objective DOUBLE PRECISION,
    validated_nuclear_norm DOUBLE PRECISION,
    validated_frobenius_norm DOUBLE PRECISION,
    validated_spectral_norm DOUBLE PRECISION,
    validated_nuclear_over_frobenius DOUBLE PRECISION,
    validated_effective_rank DOUBLE PRECISION,
    validated_stable_rank DOUBLE PRECISION,
    validated_rank_1e2 DOUBLE PRECISION,
    validated_rank_1e6 DOUBLE PRECISION,
    validated_tail_singular_value DOUBLE PRECISION,
    validated_alignment_diagonal DOUBLE PRECISION,
    validated_alignment_off_diagonal DOUBLE PRECISION,
    validated_balancedness DOUBLE PRECISION,
    validated_gradient_observed DOUBLE PRECISION,
    validated_gradient_unobserved DOUBLE PRECISION,
    validated_subspace_angle DOUBLE PRECISION,
    validated_lr_scheduled DOUBLE PRECISION,
    validated_wall_seconds DOUBLE PRECISION,
    validated_cpu_seconds DOUBLE PRECISION,
    log10_test_rel DOUBLE PRECISION,
    fallbacks BIGINT NOT NULL,
    unresolved_directions BIGINT NOT NULL,
    wall_seconds DOUBLE PRECISION,
    cpu_seconds DOUBLE PRECISION,
    recording_seconds DOUBLE PRECISION,
    fingerprint TEXT NOT NULL,
    provenance_id TEXT NOT NULL REFERENCES provenance (id),
    recorded_at_ms BIGINT NOT NULL
);
CREATE INDEX outcomes_by_trial ON outcomes (trial_digest, revision);

CREATE TABLE points (
    outcome_id BIGINT NOT NULL REFERENCES outcomes (id) ON DELETE CASCADE,
    step BIGINT NOT NULL,
    train_loss DOUBLE PRECISION,
    validation_mse DOUBLE PRECISION,
    test_mse DOUBLE PRECISION,
    test_rmse DOUBLE PRECISION,
    test_rel DOUBLE PRECISION,
    reconstruction_mse DOUBLE PRECISION,
    penalty_value DOUBLE PRECISION,
    objective DOUBLE PRECISION,
    nuclear_norm DOUBLE PRECISION,
    frobenius_norm DOUBLE PRECISION,
    spectral_norm DOUBLE PRECISION,
    nuclear_over_frobenius DOUBLE PRECISION,
    effective_rank DOUBLE PRECISION,
    stable_rank DOUBLE PRECISION,
    rank_1e2 DOUBLE PRECISION,
    rank_1e6 DOUBLE PRECISION,
    tail_singular_value DOUBLE PRECISION,
    alignment_diagonal DOUBLE PRECISION,
    alignment_off_diagonal DOUBLE PRECISION,
    balancedness DOUBLE PRECISION,
    gradient_observed DOUBLE PRECISION,
    gradient_unobserved DOUBLE PRECISION,
    subspace_angle DOUBLE PRECISION,
    lr_scheduled DOUBLE PRECISION,
    wall_seconds DOUBLE PRECISION,
    cpu_seconds DOUBLE PRECISION,
    singular_values TEXT NOT NULL,
    layer_norms TEXT NOT NULL,
    PRIMARY KEY (outcome_id, step)
);

CREATE TABLE matrices (
    outcome_id BIGINT NOT NULL REFERENCES outcomes (id) ON DELETE CASCADE,
    step BIGINT NOT NULL,
    layer BIGINT NOT NULL,
    row_count BIGINT NOT NULL,
    column_count BIGINT NOT NULL,
    data BYTEA NOT NULL,
    PRIMARY KEY (outcome_id, step, layer)
);

CREATE TABLE cells (
    sweep_id TEXT NOT NULL REFERENCES sweeps (id) ON DELETE CASCADE,
    cell BIGINT NOT NULL,
    stage TEXT NOT NULL CHECK (stage IN ('grid', 'tuning', 'refit')),
    coordinates TEXT NOT NULL,
    setting_key TEXT NOT NULL,
    problem_key TEXT NOT NULL,
    instance_key TEXT NOT NULL,
    method_key TEXT NOT NULL,
    init_seed BIGINT,
    trial_digest TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('ready', 'leased', 'done', 'failed', 'cancelled', 'quarantined')),
    fence BIGINT NOT NULL,
    outcome_id BIGINT REFERENCES outcomes (id) DEFERRABLE INITIALLY DEFERRED,
    linked BIGINT NOT NULL CHECK (linked IN (0, 1)),
    PRIMARY KEY (sweep_id, cell),
    CHECK ((state = 'done' AND outcome_id IS NOT NULL) OR (state <> 'done' AND outcome_id IS NULL AND linked = 0))
);
CREATE INDEX cells_by_state ON cells (sweep_id, state, linked);
CREATE INDEX cells_by_instance ON cells (sweep_id, instance_key);
CREATE INDEX cells_by_outcome ON cells (outcome_id);
CREATE UNIQUE INDEX one_cell_records_an_outcome ON cells (outcome_id) WHERE linked = 0;

CREATE TABLE attempts (
    sweep_id TEXT NOT NULL,
    cell BIGINT NOT NULL,
    fence BIGINT NOT NULL,
    worker_id TEXT REFERENCES workers (id),
    leased_at_ms BIGINT NOT NULL,
    ended_at_ms BIGINT,
    ending TEXT CHECK (ending IN ('recorded', 'linked', 'failed', 'suspected', 'lost', 'returned', 'late')),
    error TEXT,
    fingerprint TEXT,
    PRIMARY KEY (sweep_id, cell, fence),
    FOREIGN KEY (sweep_id, cell) REFERENCES cells (sweep_id, cell) ON DELETE CASCADE
);

CREATE TABLE checkpoints (
    sweep_id TEXT NOT NULL,
    cell BIGINT NOT NULL,
    step BIGINT NOT NULL,
    hash TEXT NOT NULL REFERENCES blobs (hash),
    saved_at_ms BIGINT NOT NULL,
    PRIMARY KEY (sweep_id, cell),
    FOREIGN KEY (sweep_id, cell) REFERENCES cells (sweep_id, cell) ON DELETE CASCADE
);
CREATE INDEX checkpoints_by_hash ON checkpoints (hash);

CREATE TABLE selections (
    sweep_id TEXT NOT NULL REFERENCES sweeps (id) ON DELETE CASCADE,
    group_index BIGINT NOT NULL,
    candidate BIGINT NOT NULL,
    candidates BIGINT NOT NULL,
    coordinates TEXT NOT NULL,
    validation_error DOUBLE PRECISION,
    at_edge TEXT NOT NULL,
    selected_at_ms BIGINT NOT NULL,
    PRIMARY KEY (sweep_id, group_index)
);
