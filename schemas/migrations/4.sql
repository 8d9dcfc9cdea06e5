-- What was done to the database since it was made.
CREATE TABLE past (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    before  INTEGER,
    session INTEGER,
    copy    INTEGER
) STRICT;
-- By whose clock an input was read.
ALTER TABLE input ADD COLUMN zone TEXT;
