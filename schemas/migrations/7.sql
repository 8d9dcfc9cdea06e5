-- What the collector left, in pieces.
CREATE TABLE kept (
    id    INTEGER PRIMARY KEY,
    bytes BLOB
) STRICT;
INSERT INTO kept SELECT 1, state FROM unfinished WHERE length(state) > 0;
ALTER TABLE unfinished ADD COLUMN pieces TEXT;
UPDATE unfinished SET pieces = iif(length(state) > 0, '[1]', '[]');
ALTER TABLE unfinished DROP COLUMN state;
