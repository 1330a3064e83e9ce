-- What users say about sweeps and cells after they were submitted.

ALTER TABLE sweeps ADD COLUMN priority BIGINT NOT NULL DEFAULT 0;
ALTER TABLE cells ADD COLUMN forgiven BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sweeps ADD COLUMN fresh BIGINT NOT NULL DEFAULT 0;
