-- Sessions that a log and a capture have.
CREATE TABLE joined (
    id      INTEGER PRIMARY KEY,
    capture INTEGER,
    ahead   INTEGER,
    places  BLOB,
    record  BLOB
) STRICT;
CREATE INDEX joined_open ON joined (id) WHERE record IS NOT NULL;
CREATE TABLE joining (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    session INTEGER,
    late    INTEGER
) STRICT;
CREATE TABLE stretch (
    id    INTEGER PRIMARY KEY,
    first INTEGER,
    last  INTEGER
) STRICT;
CREATE TABLE clock (
    server INTEGER PRIMARY KEY,
    ahead  INTEGER
) STRICT;
