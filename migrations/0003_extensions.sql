-- Files that gave a sweep more cells after it was submitted.

CREATE TABLE extensions (
    sweep_id TEXT NOT NULL REFERENCES sweeps (id) ON DELETE CASCADE,
    seq BIGINT NOT NULL,
    source TEXT NOT NULL,
    digest TEXT NOT NULL,
    cells BIGINT NOT NULL,
    extended_at_ms BIGINT NOT NULL,
    PRIMARY KEY (sweep_id, seq)
);
CREATE INDEX extensions_by_digest ON extensions (digest);
