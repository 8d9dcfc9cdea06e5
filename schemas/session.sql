-- The database of sessions: layout version 8. What is promised are the views v_... at the end (design.md
-- section 5); the tables are laid out for speed and size and may change with any version.
--
-- Most sessions have one transaction with one recipient, so these lie in the session's own row; what goes
-- beyond is in the "more" tables. A year is some hundred million rows: each byte of `session` counts.
--
--   text     All TEXT is valid UTF-8 without control characters but TAB. Any other byte (a control character,
--            what is not UTF-8, and U+EF00..U+EFFF themselves) stands as the code point U+EF00 + byte,
-- so that
--            every text comes back byte by byte, and nothing that a client sent can reach a terminal as an
--            escape sequence.
--   ANY      A number is that of a row in `name` (texts that came before), a text stands for itself.
--   ids      A transaction is session << 24 | its place in the session, a recipient likewise.
--   times    started: microseconds since 1970 UTC; others: microseconds after it.
--
-- session.bits, from the lowest: 3 stage, 3 closed, 2 verdict, 1 tls, 2 early talker, 1 has a transaction,
-- 1 it
-- has a recipient, 2 transaction's verdict, 2 recipient's verdict, 2 recipient valid, 1 more recipients,
-- 1 more
-- transactions, 1 more evidence, 1 gap, 1 cut off,
-- 1 outbound; above: its evidence as far as it is like that of
-- others (fact.id >> 8). Three-valued: 0 unknown, 1 no, 2 yes.

CREATE TABLE session (
    id           INTEGER PRIMARY KEY,
    started      INTEGER,
    lasted       INTEGER, -- NULL: its end was not seen
    bits         INTEGER,
    place        INTEGER, -- place.id << 16 | the client's port
    first_offset INTEGER, -- of its first line in the input
    span         INTEGER, -- from there to its last line
    client       ANY,     -- IPv4: its 32 bits, signed; IPv6: address, blank, network /64
    client_name  ANY,
    helo         ANY,     -- 0: the client's name
    auth_user    ANY,
    reply        INTEGER, -- the first that named a measure, else the first that refused
    moment       INTEGER, -- a time that facts refer to
    mail_from    ANY,     -- from here on: the first transaction
    t_at         INTEGER,
    t_reply      INTEGER,
    size         INTEGER,
    queue_id     TEXT,
    message_id   TEXT,
    recipient    ANY,     -- its first recipient
    r_at         INTEGER, -- after t_at, where that is known
    r_reply      INTEGER
) STRICT;

CREATE TABLE transaction_more (
    id         INTEGER PRIMARY KEY,
    mail_from  ANY,
    verdict    INTEGER,
    at         INTEGER,
    reply      INTEGER,
    size       INTEGER,
    queue_id   TEXT,
    message_id TEXT
) STRICT;

CREATE TABLE recipient_more (
    id            INTEGER PRIMARY KEY,
    "transaction" INTEGER, -- its place in the session
    address       ANY,
    bits          INTEGER, -- 2 verdict, 2 valid
    at            INTEGER,
    reply         INTEGER
) STRICT;

CREATE TABLE name (
    id   INTEGER PRIMARY KEY,
    text TEXT
) STRICT;

-- Where sessions took place: one row for each input, server and service.
CREATE TABLE place (
    id          INTEGER PRIMARY KEY,
    input       INTEGER,
    server      TEXT,
    service     TEXT,
    server_ip   TEXT,
    server_port INTEGER
) STRICT;

-- Replies. In the text marks stand for what is the session's own: char(1) and c the client's address, n its
-- name, h the HELO, s the sender, r the recipient. No text has a char(1) otherwise.
CREATE TABLE reply (
    id       INTEGER PRIMARY KEY,
    code     INTEGER,
    named    INTEGER, -- measure.id
    stage    INTEGER,
    enhanced TEXT,
    text     TEXT,
    base     INTEGER  -- named by a phrase: reply.id of the same as it was before
) STRICT;
CREATE INDEX reply_base ON reply (base, named) WHERE base IS NOT NULL;

-- Evidence that many sessions have alike: id is its number in session.bits << 8 | place in the list.
-- subject, detail: a text (in details with marks, as in replies), or -1 the first recipient, -2 the sender,
-- -3 its domain, -4 the client's name, -5 the HELO, -6 the recipient that it is of.
-- moment: 0 the session's start, 1 its end, 2 t_at, 3 r_at, 4 session.moment, 5 not known,
-- 6 that recipient's.
CREATE TABLE fact (
    id            INTEGER PRIMARY KEY,
    kind          INTEGER,
    state         INTEGER,
    origin        INTEGER,
    "transaction" INTEGER,
    recipient     INTEGER,
    moment        INTEGER,
    a             INTEGER,
    b             INTEGER,
    subject       ANY,
    detail        ANY
) STRICT;

-- Evidence of one session only. id: session << 24 | n.
CREATE TABLE evidence_more (
    id            INTEGER PRIMARY KEY,
    bits          INTEGER, -- 2 state, 3 origin, then kind
    "transaction" INTEGER,
    recipient     INTEGER,
    a             INTEGER,
    b             INTEGER,
    at            INTEGER,
    subject       ANY,     -- as in fact, but numbers above 0 are names
    detail        ANY
) STRICT;

-- Evidence that came after its session was written. at: since 1970.
CREATE TABLE evidence_late (
    id            INTEGER PRIMARY KEY,
    session       INTEGER,
    bits          INTEGER,
    "transaction" INTEGER,
    recipient     INTEGER,
    a             INTEGER,
    b             INTEGER,
    at            INTEGER,
    subject       ANY,
    detail        ANY
) STRICT;
CREATE INDEX evidence_late_session ON evidence_late (session);

-- The site's own words, and what they have changed: refusals that no dialect could name (named = other) are named by the
-- first phrase that fits. All of it can be taken back: replies by their base, the rest as it stands here.
CREATE TABLE phrase (
    id      INTEGER PRIMARY KEY,
    pattern TEXT,
    measure INTEGER,
    zone    TEXT,
    stage   INTEGER, -- NULL: any
    code    INTEGER  -- NULL: any
) STRICT;
CREATE TABLE evidence_named ( -- as evidence_more, but no number is a name's
    id            INTEGER PRIMARY KEY,
    bits          INTEGER,
    "transaction" INTEGER,
    recipient     INTEGER,
    a             INTEGER,
    b             INTEGER,
    at            INTEGER,
    subject       ANY,
    detail        ANY
) STRICT;
CREATE TABLE renamed ( -- session.reply and session.bits as they were, where they are others
    id    INTEGER PRIMARY KEY,
    reply INTEGER,
    bits  INTEGER
) STRICT;
CREATE TABLE renamed_recipient ( -- recipient_more.bits as they were
    id   INTEGER PRIMARY KEY,
    bits INTEGER
) STRICT;

CREATE TABLE input (
    id         INTEGER PRIMARY KEY,
    path       TEXT,
    kind       TEXT,
    dialects   TEXT,
    bytes      INTEGER,
    lines      INTEGER,
    other      INTEGER,
    skipped    INTEGER,
    first      INTEGER,
    last       INTEGER,
    collected  INTEGER,
    head_hash  INTEGER,
    head_bytes INTEGER,
    tail_hash  INTEGER,
    tail_bytes INTEGER,
    zone       TEXT, -- whose clock its stamps are of that tell no zone; none: UTC
    tags       TEXT -- which dialect its lines are said to be of (collect/tags.h); none: their tags tell
) STRICT;

CREATE TABLE skipped (
    id           INTEGER PRIMARY KEY,
    input        INTEGER,
    reason       TEXT,
    shape        TEXT,
    count        INTEGER,
    first_line   INTEGER,
    first_offset INTEGER,
    first_text   TEXT,
    UNIQUE (input, reason, shape)
) STRICT;

-- Policies that the server enforced: name and YAML of the file, from and to (NULL: open).
CREATE TABLE recorded (
    id     INTEGER PRIMARY KEY,
    name   TEXT,
    yaml   TEXT,
    "from" INTEGER,
    "to"   INTEGER
) STRICT;

-- What has been counted while writing: one row.
CREATE TABLE total (
    id           INTEGER PRIMARY KEY CHECK (id = 1),
    sessions     INTEGER,
    transactions INTEGER,
    recipients   INTEGER,
    messages     INTEGER,
    evidence     INTEGER,
    first        INTEGER,
    last         INTEGER
) STRICT;
INSERT INTO total VALUES (1, 0, 0, 0, 0, 0, NULL, NULL);

-- What a run of collect leaves to the next one: one row. Sessions above `session` and late evidence above `late` stand for
-- what was open in the end: the next run that reads more takes them away, and the total is what it was before them.
CREATE TABLE unfinished (
    id           INTEGER PRIMARY KEY CHECK (id = 1),
    session      INTEGER,
    late         INTEGER,
    sessions     INTEGER, -- from here on as in total
    transactions INTEGER,
    recipients   INTEGER,
    messages     INTEGER,
    evidence     INTEGER,
    first        INTEGER,
    last         INTEGER,
    seen         BLOB,    -- the packer's memory of texts: on it depends where evidence lies, and so in which order it is read
    pieces       TEXT     -- of what the collector left: the numbers of their rows in `kept`, in order, as JSON
) STRICT;
CREATE TABLE kept (
    id    INTEGER PRIMARY KEY,
    bytes BLOB
) STRICT;

-- Sessions that a log and a capture have: `id` is the log's, under which the two stand as one; the capture's number is
-- given to no other.
CREATE TABLE joined (
    id      INTEGER PRIMARY KEY,
    capture INTEGER,
    ahead   INTEGER, -- of the log's clock, microseconds
    places  BLOB,    -- where the log's transactions and recipients are; NULL: where they were
    record  BLOB     -- where one of the two stands for what was open: the other, to be put back when that goes
) STRICT;
CREATE INDEX joined_open ON joined (id) WHERE record IS NOT NULL;

-- What has been looked through for such: sessions and late evidence up to these. One row.
CREATE TABLE joining (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    session INTEGER,
    late    INTEGER
) STRICT;

-- When sessions started: those whose ids have `id >> 1` above their lowest 12 bits, of captures where `id & 1`, started
-- at `first` or later and at `last` or earlier. Made with the first that are looked through.
CREATE TABLE stretch (
    id    INTEGER PRIMARY KEY,
    first INTEGER,
    last  INTEGER
) STRICT;

-- How much the clocks of logs' servers are ahead of the captures'.
CREATE TABLE clock (
    server INTEGER PRIMARY KEY, -- a hash of its name
    ahead  INTEGER
) STRICT;

-- Evidence from elsewhere (enrich): who provides it, of what (enum about in collect/session.h), and for which
-- sessions. `taken`: of when it is.
CREATE TABLE provider (
    id      INTEGER PRIMARY KEY,
    kind    INTEGER,
    origin  INTEGER,
    about   INTEGER,
    subject TEXT,
    place   TEXT,
    "from"  INTEGER, -- sessions that started then or later
    "to"    INTEGER, -- and before
    taken   INTEGER
) STRICT;

-- What they say of a client (as in session; '' whatever client) and a name (in lower case; '' whatever name).
CREATE TABLE provided (
    provider INTEGER NOT NULL,
    client   ANY NOT NULL,
    name     TEXT NOT NULL,
    at       INTEGER NOT NULL,
    n        INTEGER NOT NULL, -- of several answers
    state    INTEGER,
    a        INTEGER,
    b        INTEGER,
    detail   TEXT,
    PRIMARY KEY (provider, client, name, at, n)
) STRICT, WITHOUT ROWID;

-- What was done to the database since it was made: one row, or none where nothing was.
CREATE TABLE past (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    before  INTEGER, -- sessions that started before this have gone (prune); later runs may have brought older ones
    session INTEGER, -- the highest id of those: it is given to no other session
    copy    INTEGER  -- 1: a pseudonymised copy, into which nothing is collected
) STRICT;

-- The names of numbers; the program fills them in.
CREATE TABLE measure (
    id   INTEGER PRIMARY KEY,
    name TEXT
) STRICT;
CREATE TABLE kind (
    id   INTEGER PRIMARY KEY,
    name TEXT
) STRICT;

-- ---- What the views are made of; not promised.

-- Sessions with their texts.
CREATE VIEW plain_session AS
SELECT id, client, started, started + lasted AS ended, lasted, bits, bits >> 25 AS facts, place >> 16 AS place,
    nullif(place & 65535, 0) AS client_port, reply, moment, t_at, t_reply, size, queue_id, message_id,
    ifnull(t_at, 0) + r_at AS r_at, r_reply,
    CASE typeof(client)
        WHEN 'integer' THEN (client >> 24 & 255) || '.' || (client >> 16 & 255) || '.' || (client >> 8 & 255)
            || '.' || (client & 255)
        WHEN 'text' THEN substr(client, 1, instr(client, ' ') - 1)
    END AS client_ip,
    CASE typeof(client)
        WHEN 'integer' THEN (client >> 24 & 255) || '.' || (client >> 16 & 255) || '.' || (client >> 8 & 255)
            || '.0/24'
        WHEN 'text' THEN substr(client, instr(client, ' ') + 1)
    END AS client_net,
    CASE typeof(client_name)
        WHEN 'integer' THEN (SELECT text FROM name WHERE name.id = client_name)
        ELSE client_name
    END AS client_name,
    CASE typeof(helo)
        WHEN 'integer' THEN iif(helo = 0, client_name, (SELECT text FROM name WHERE name.id = helo))
        ELSE helo
    END AS helo,
    CASE typeof(auth_user)
        WHEN 'integer' THEN (SELECT text FROM name WHERE name.id = auth_user)
        ELSE auth_user
    END AS auth_user,
    CASE typeof(mail_from)
        WHEN 'integer' THEN (SELECT text FROM name WHERE name.id = mail_from)
        ELSE mail_from
    END AS mail_from,
    CASE typeof(recipient)
        WHEN 'integer' THEN (SELECT text FROM name WHERE name.id = recipient)
        ELSE recipient
    END AS recipient
FROM session;

-- What goes beyond the session's row, by session.
CREATE VIEW more_transactions AS
SELECT s.id AS session, t.id AS id, t.id & 16777215 AS place, t.verdict AS verdict, t.reply AS reply,
    t.size AS size, t.queue_id AS queue_id, t.message_id AS message_id,
    CASE typeof(t.mail_from)
        WHEN 'integer' THEN (SELECT text FROM name WHERE name.id = t.mail_from)
        ELSE t.mail_from
    END AS mail_from
FROM session s CROSS JOIN transaction_more t ON t.id BETWEEN s.id << 24 AND s.id << 24 | 16777215
WHERE s.bits >> 20 & 1;

CREATE VIEW more_recipients AS
SELECT s.id AS session, r.id AS id, r."transaction" AS place, r.bits & 3 AS verdict, r.bits >> 2 AS valid,
    r.reply AS reply,
    CASE typeof(r.address)
        WHEN 'integer' THEN (SELECT text FROM name WHERE name.id = r.address)
        ELSE r.address
    END AS address
FROM session s CROSS JOIN recipient_more r ON r.id BETWEEN s.id << 24 AND s.id << 24 | 16777215
WHERE s.bits >> 19 & 1;

-- Evidence with its texts; in details the marks still stand.
CREATE VIEW plain_evidence AS
SELECT s.id AS session_id, s.client_ip, s.client_name, s.helo, s.mail_from, s.recipient,
    f.kind AS kind, f.state AS state, f.origin AS origin,
    CASE f.moment
        WHEN 0 THEN s.started
        WHEN 1 THEN s.ended
        WHEN 2 THEN s.started + s.t_at
        WHEN 3 THEN s.started + s.r_at
        WHEN 4 THEN s.started + s.moment
        WHEN 6 THEN s.started + (SELECT at FROM recipient_more r WHERE r.id = s.id << 24 | f.recipient)
    END AS at,
    CASE WHEN typeof(f.subject) <> 'integer' THEN f.subject
        WHEN f.subject = -1 THEN s.recipient
        WHEN f.subject = -2 THEN s.mail_from
        WHEN f.subject = -3 THEN substr(s.mail_from, instr(s.mail_from, '@') + 1)
        WHEN f.subject = -4 THEN s.client_name
        WHEN f.subject = -5 THEN s.helo
        ELSE (SELECT address FROM more_recipients r WHERE r.session = s.id AND r.id = s.id << 24 | f.recipient)
    END AS subject,
    CASE WHEN typeof(f.detail) <> 'integer' THEN f.detail
        WHEN f.detail = -1 THEN s.recipient
        WHEN f.detail = -2 THEN s.mail_from
        WHEN f.detail = -3 THEN substr(s.mail_from, instr(s.mail_from, '@') + 1)
        WHEN f.detail = -4 THEN s.client_name
        WHEN f.detail = -5 THEN s.helo
    END AS detail
FROM plain_session s CROSS JOIN fact f ON f.id BETWEEN s.facts << 8 AND s.facts << 8 | 255
UNION ALL
SELECT s.id, s.client_ip, s.client_name, s.helo, s.mail_from, s.recipient,
    e.bits >> 5, e.bits & 3, e.bits >> 2 & 7, s.started + e.at,
    CASE WHEN typeof(e.subject) <> 'integer' THEN e.subject
        WHEN e.subject = -1 THEN s.recipient
        WHEN e.subject = -2 THEN s.mail_from
        WHEN e.subject = -3 THEN substr(s.mail_from, instr(s.mail_from, '@') + 1)
        WHEN e.subject = -4 THEN s.client_name
        WHEN e.subject = -5 THEN s.helo
        ELSE (SELECT text FROM name WHERE name.id = e.subject)
    END,
    CASE WHEN typeof(e.detail) <> 'integer' THEN e.detail
        WHEN e.detail = -1 THEN s.recipient
        WHEN e.detail = -2 THEN s.mail_from
        WHEN e.detail = -3 THEN substr(s.mail_from, instr(s.mail_from, '@') + 1)
        WHEN e.detail = -4 THEN s.client_name
        WHEN e.detail = -5 THEN s.helo
        ELSE (SELECT text FROM name WHERE name.id = e.detail)
    END
FROM plain_session s CROSS JOIN evidence_more e ON e.id BETWEEN s.id << 24 AND s.id << 24 | 16777215
WHERE s.bits >> 21 & 1
UNION ALL
SELECT s.id, s.client_ip, s.client_name, s.helo, s.mail_from, s.recipient,
    e.bits >> 5, e.bits & 3, e.bits >> 2 & 7, s.started + e.at,
    CASE WHEN typeof(e.subject) <> 'integer' THEN e.subject
        WHEN e.subject = -1 THEN s.recipient
        WHEN e.subject = -2 THEN s.mail_from
        WHEN e.subject = -3 THEN substr(s.mail_from, instr(s.mail_from, '@') + 1)
        WHEN e.subject = -4 THEN s.client_name
        WHEN e.subject = -5 THEN s.helo
    END,
    CASE WHEN typeof(e.detail) <> 'integer' THEN e.detail
        WHEN e.detail = -1 THEN s.recipient
        WHEN e.detail = -2 THEN s.mail_from
        WHEN e.detail = -3 THEN substr(s.mail_from, instr(s.mail_from, '@') + 1)
        WHEN e.detail = -4 THEN s.client_name
        WHEN e.detail = -5 THEN s.helo
    END
FROM evidence_named e JOIN plain_session s ON s.id = e.id >> 24 AND e.id BETWEEN s.id << 24 AND s.id << 24 | 16777215
UNION ALL
SELECT session, NULL, NULL, NULL, NULL, NULL, bits >> 5, bits & 3, bits >> 2 & 7, at,
    CASE typeof(subject) WHEN 'integer' THEN (SELECT text FROM name WHERE name.id = subject) ELSE subject END,
    CASE typeof(detail) WHEN 'integer' THEN (SELECT text FROM name WHERE name.id = detail) ELSE detail END
FROM evidence_late;

-- ---- The promise. Times: strftime() rounds towards zero, hence the remainders that are never negative.

CREATE VIEW v_session AS
SELECT s.id AS id, p.input AS input_id, iif(s.bits >> 24 & 1, 'out', 'in') AS direction,
    s.bits >> 22 & 1 AS gap,
    strftime('%Y-%m-%dT%H:%M:%S', (s.started - (s.started % 1000000 + 1000000) % 1000000) / 1000000, 'unixepoch')
        || '.' || substr(1000000 + (s.started % 1000000 + 1000000) % 1000000, 2) || 'Z' AS started,
    strftime('%Y-%m-%dT%H:%M:%S', (s.ended - (s.ended % 1000000 + 1000000) % 1000000) / 1000000, 'unixepoch')
        || '.' || substr(1000000 + (s.ended % 1000000 + 1000000) % 1000000, 2) || 'Z' AS ended,
    s.lasted / 1e6 AS seconds, s.client_ip AS client_ip, s.client_port AS client_port,
    s.client_name AS client_name, p.server AS server, p.server_ip AS server_ip, p.server_port AS server_port,
    s.helo AS helo, s.bits >> 8 & 1 AS tls, s.auth_user AS auth_user,
    CASE s.bits & 7
        WHEN 0 THEN 'connect' WHEN 1 THEN 'banner' WHEN 2 THEN 'helo' WHEN 3 THEN 'mail' WHEN 4 THEN 'rcpt'
        WHEN 5 THEN 'data' ELSE 'eom'
    END AS stage,
    CASE s.bits >> 3 & 7
        WHEN 1 THEN 'quit' WHEN 2 THEN 'lost' WHEN 3 THEN 'timeout' WHEN 4 THEN 'dropped'
    END AS closed,
    nullif(s.bits >> 9 & 3, 0) - 1 AS early_talker,
    (s.bits >> 11 & 1) + iif(s.bits >> 20 & 1,
        (SELECT count(*) FROM more_transactions WHERE session = s.id), 0) AS transactions,
    (s.bits >> 13 & 3 = 1) + iif(s.bits >> 20 & 1,
        (SELECT count(*) FROM more_transactions WHERE session = s.id AND verdict = 1), 0) AS messages,
    (s.bits >> 12 & 1) + iif(s.bits >> 19 & 1,
        (SELECT count(*) FROM more_recipients WHERE session = s.id), 0) AS recipients,
    CASE s.bits >> 6 & 3
        WHEN 0 THEN 'none' WHEN 1 THEN 'accepted' WHEN 2 THEN 'rejected' ELSE 'deferred'
    END AS verdict,
    (SELECT name FROM measure WHERE measure.id = r.named) AS measure,
    nullif(r.code, 0) AS code, r.enhanced AS enhanced,
    CASE WHEN instr(r.text, char(1)) = 0 THEN r.text
        ELSE replace(replace(replace(replace(replace(r.text,
            char(1) || 'c', ifnull(s.client_ip, '')), char(1) || 'n', ifnull(s.client_name, '')),
            char(1) || 'h', ifnull(s.helo, '')), char(1) || 's', ifnull(s.mail_from, '')),
            char(1) || 'r', ifnull(s.recipient, ''))
    END AS text
FROM plain_session s LEFT JOIN place p ON p.id = s.place LEFT JOIN reply r ON r.id = s.reply;

CREATE VIEW v_transaction AS
SELECT s.id << 24 AS id, s.id AS session_id, s.mail_from AS mail_from,
    (s.bits >> 12 & 1) + iif(s.bits >> 19 & 1,
        (SELECT count(*) FROM more_recipients WHERE session = s.id AND place = 0), 0) AS recipients,
    (s.bits >> 15 & 3 = 1) + iif(s.bits >> 19 & 1,
        (SELECT count(*) FROM more_recipients WHERE session = s.id AND place = 0 AND verdict = 1), 0)
        AS accepted_recipients,
    s.queue_id AS queue_id, s.message_id AS message_id, s.size AS size,
    CASE s.bits >> 13 & 3
        WHEN 0 THEN 'none' WHEN 1 THEN 'accepted' WHEN 2 THEN 'rejected' ELSE 'deferred'
    END AS verdict,
    (SELECT name FROM measure WHERE measure.id = r.named) AS measure, nullif(r.code, 0) AS code
FROM plain_session s LEFT JOIN reply r ON r.id = s.t_reply
WHERE s.bits >> 11 & 1
UNION ALL
SELECT t.id, t.session, t.mail_from,
    (SELECT count(*) FROM more_recipients c WHERE c.session = t.session AND c.place = t.place),
    (SELECT count(*) FROM more_recipients c WHERE c.session = t.session AND c.place = t.place AND verdict = 1),
    t.queue_id, t.message_id, t.size,
    CASE t.verdict WHEN 0 THEN 'none' WHEN 1 THEN 'accepted' WHEN 2 THEN 'rejected' ELSE 'deferred' END,
    (SELECT name FROM measure WHERE measure.id = r.named), nullif(r.code, 0)
FROM more_transactions t LEFT JOIN reply r ON r.id = t.reply;

CREATE VIEW v_recipient AS
SELECT s.id << 24 AS id, s.id << 24 AS transaction_id, s.id AS session_id, s.recipient AS address,
    CASE s.bits >> 15 & 3
        WHEN 0 THEN 'none' WHEN 1 THEN 'accepted' WHEN 2 THEN 'rejected' ELSE 'deferred'
    END AS verdict,
    (SELECT name FROM measure WHERE measure.id = r.named) AS measure, nullif(r.code, 0) AS code,
    nullif(s.bits >> 17 & 3, 0) - 1 AS valid
FROM plain_session s LEFT JOIN reply r ON r.id = s.r_reply
WHERE s.bits >> 12 & 1
UNION ALL
SELECT c.id, c.session << 24 | c.place, c.session, c.address,
    CASE c.verdict WHEN 0 THEN 'none' WHEN 1 THEN 'accepted' WHEN 2 THEN 'rejected' ELSE 'deferred' END,
    (SELECT name FROM measure WHERE measure.id = r.named), nullif(r.code, 0), nullif(c.valid, 0) - 1
FROM more_recipients c LEFT JOIN reply r ON r.id = c.reply;

-- Evidence from elsewhere, by session. A provider's period is minded.
CREATE VIEW provided_evidence AS
SELECT s.id AS session_id, p.kind AS kind, d.state AS state, p.origin AS origin, d.at AS at, p.subject AS subject,
    d.detail AS detail, d.a AS a, d.b AS b
FROM provider p CROSS JOIN plain_session s CROSS JOIN provided d
    ON d.provider = p.id AND d.client = s.client AND d.name = ''
WHERE p.about = 0 AND s.started >= ifnull(p."from", s.started) AND s.started < ifnull(p."to", s.started + 1)
UNION ALL
SELECT s.id, p.kind, d.state, p.origin, d.at, ifnull(p.subject, d.name), d.detail, d.a, d.b
FROM provider p CROSS JOIN plain_session s CROSS JOIN v_transaction t ON t.session_id = s.id
    CROSS JOIN provided d ON d.provider = p.id AND d.client IN ('', s.client)
        AND d.name = lower(iif(p.about = 1, substr(t.mail_from, instr(t.mail_from, '@') + 1), t.mail_from))
WHERE p.about IN (1, 2) AND t.mail_from <> ''
    AND s.started >= ifnull(p."from", s.started) AND s.started < ifnull(p."to", s.started + 1)
UNION ALL
SELECT s.id, p.kind, d.state, p.origin, d.at, d.name, d.detail, d.a, d.b
FROM provider p CROSS JOIN plain_session s CROSS JOIN v_recipient r ON r.session_id = s.id
    CROSS JOIN provided d ON d.provider = p.id AND d.client = '' AND d.name = lower(r.address)
WHERE p.about = 3 AND s.started >= ifnull(p."from", s.started) AND s.started < ifnull(p."to", s.started + 1)
UNION ALL
SELECT s.id, p.kind, d.state, p.origin, d.at, p.subject, d.detail, d.a, d.b
FROM provider p CROSS JOIN plain_session s
    CROSS JOIN provided d ON d.provider = p.id AND d.client = '' AND d.name = lower(s.helo)
WHERE p.about = 4 AND s.started >= ifnull(p."from", s.started) AND s.started < ifnull(p."to", s.started + 1)
UNION ALL
SELECT t.session_id, p.kind, d.state, p.origin, d.at, ifnull(p.subject, d.name), d.detail, d.a, d.b
FROM provider p CROSS JOIN v_transaction t CROSS JOIN provided d ON d.provider = p.id AND d.client = ''
    AND d.name = lower(t.message_id)
WHERE p.about = 5
UNION ALL
SELECT CAST(d.name AS INTEGER), p.kind, d.state, p.origin, d.at, p.subject, d.detail, d.a, d.b
FROM provider p CROSS JOIN provided d ON d.provider = p.id
WHERE p.about = 6;

CREATE VIEW v_evidence AS
SELECT session_id, (SELECT name FROM kind WHERE kind.id = e.kind) AS kind, subject,
    nullif(state, 0) - 1 AS state,
    CASE WHEN instr(detail, char(1)) = 0 THEN detail
        ELSE replace(replace(replace(replace(replace(detail,
            char(1) || 'c', ifnull(client_ip, '')), char(1) || 'n', ifnull(client_name, '')),
            char(1) || 'h', ifnull(helo, '')), char(1) || 's', ifnull(mail_from, '')),
            char(1) || 'r', ifnull(recipient, ''))
    END AS detail,
    strftime('%Y-%m-%dT%H:%M:%S', (at - (at % 1000000 + 1000000) % 1000000) / 1000000, 'unixepoch')
        || '.' || substr(1000000 + (at % 1000000 + 1000000) % 1000000, 2) || 'Z' AS at,
    CASE origin
        WHEN 0 THEN 'log' WHEN 1 THEN 'capture' WHEN 2 THEN 'snapshot' WHEN 3 THEN 'live' WHEN 4 THEN 'list'
        ELSE 'inferred'
    END AS origin
FROM (
    SELECT session_id, client_ip, client_name, helo, mail_from, recipient, kind, state, origin, at, subject, detail
    FROM plain_evidence
    UNION ALL
    SELECT session_id, NULL, NULL, NULL, NULL, NULL, kind, state, origin, at, subject, detail FROM provided_evidence
) e;

-- One row for each RCPT; one for a session without any.
CREATE VIEW v_attempt AS
SELECT s.client_ip AS client_ip, s.client_net AS client_net,
    (SELECT server FROM place WHERE place.id = s.place) AS server,
    s.mail_from AS mail_from, s.recipient AS recipient,
    strftime('%Y-%m-%dT%H:%M:%S', (s.started - (s.started % 1000000 + 1000000) % 1000000) / 1000000, 'unixepoch')
        || '.' || substr(1000000 + (s.started % 1000000 + 1000000) % 1000000, 2) || 'Z' AS started,
    s.id AS session_id,
    CASE iif(s.bits >> 12 & 1, s.bits >> 15 & 3, s.bits >> 6 & 3)
        WHEN 0 THEN 'none' WHEN 1 THEN 'accepted' WHEN 2 THEN 'rejected' ELSE 'deferred'
    END AS verdict
FROM plain_session s
WHERE s.bits >> 12 & 1 OR NOT s.bits >> 19 & 1
UNION ALL
SELECT s.client_ip, s.client_net, (SELECT server FROM place WHERE place.id = s.place),
    iif(r.place = 0, s.mail_from,
        (SELECT mail_from FROM more_transactions t WHERE t.session = s.id AND t.place = r.place)),
    r.address,
    strftime('%Y-%m-%dT%H:%M:%S', (s.started - (s.started % 1000000 + 1000000) % 1000000) / 1000000, 'unixepoch')
        || '.' || substr(1000000 + (s.started % 1000000 + 1000000) % 1000000, 2) || 'Z',
    s.id,
    CASE r.verdict WHEN 0 THEN 'none' WHEN 1 THEN 'accepted' WHEN 2 THEN 'rejected' ELSE 'deferred' END
FROM plain_session s CROSS JOIN more_recipients r ON r.session = s.id
WHERE s.bits >> 19 & 1;

CREATE VIEW v_input AS
SELECT id, path, kind, dialects, bytes, lines, other, skipped,
    strftime('%Y-%m-%dT%H:%M:%S', (first - (first % 1000000 + 1000000) % 1000000) / 1000000, 'unixepoch')
        || '.' || substr(1000000 + (first % 1000000 + 1000000) % 1000000, 2) || 'Z' AS first,
    strftime('%Y-%m-%dT%H:%M:%S', (last - (last % 1000000 + 1000000) % 1000000) / 1000000, 'unixepoch')
        || '.' || substr(1000000 + (last % 1000000 + 1000000) % 1000000, 2) || 'Z' AS last,
    strftime('%Y-%m-%dT%H:%M:%S', (collected - (collected % 1000000 + 1000000) % 1000000) / 1000000, 'unixepoch')
        || '.' || substr(1000000 + (collected % 1000000 + 1000000) % 1000000, 2) || 'Z' AS collected
FROM input;

CREATE VIEW v_skipped AS
SELECT input AS input_id, reason, shape, count, first_line, first_offset, first_text FROM skipped;
