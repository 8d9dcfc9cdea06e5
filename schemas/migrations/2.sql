-- What a run of collect leaves to the next one.
CREATE TABLE unfinished (
    id           INTEGER PRIMARY KEY CHECK (id = 1),
    state        BLOB,
    session      INTEGER,
    late         INTEGER,
    sessions     INTEGER,
    transactions INTEGER,
    recipients   INTEGER,
    messages     INTEGER,
    evidence     INTEGER,
    first        INTEGER,
    last         INTEGER,
    seen         BLOB
) STRICT;
