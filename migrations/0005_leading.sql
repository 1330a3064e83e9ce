-- Alignment of the leading singular pairs alone, as many as the truth has.

ALTER TABLE outcomes ADD COLUMN last_leading_diagonal DOUBLE PRECISION;
ALTER TABLE outcomes ADD COLUMN last_leading_off_diagonal DOUBLE PRECISION;
ALTER TABLE outcomes ADD COLUMN oracle_leading_diagonal DOUBLE PRECISION;
ALTER TABLE outcomes ADD COLUMN oracle_leading_off_diagonal DOUBLE PRECISION;
ALTER TABLE outcomes ADD COLUMN validated_leading_diagonal DOUBLE PRECISION;
ALTER TABLE outcomes ADD COLUMN validated_leading_off_diagonal DOUBLE PRECISION;
ALTER TABLE points ADD COLUMN leading_diagonal DOUBLE PRECISION;
ALTER TABLE points ADD COLUMN leading_off_diagonal DOUBLE PRECISION;
