-- Sessions of a log that are pieces of one connection.
ALTER TABLE joined ADD COLUMN whole INTEGER;
CREATE INDEX joined_pieces ON joined (whole) WHERE whole IS NOT NULL;
