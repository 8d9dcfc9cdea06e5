-- Refusals that the site's own words name.
ALTER TABLE reply ADD COLUMN base INTEGER;
CREATE INDEX reply_base ON reply (base, named) WHERE base IS NOT NULL;
CREATE TABLE phrase (
    id      INTEGER PRIMARY KEY,
    pattern TEXT,
    measure INTEGER,
    zone    TEXT,
    stage   INTEGER,
    code    INTEGER
) STRICT;
CREATE TABLE evidence_named (
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
CREATE TABLE renamed (
    id    INTEGER PRIMARY KEY,
    reply INTEGER,
    bits  INTEGER
) STRICT;
CREATE TABLE renamed_recipient (
    id   INTEGER PRIMARY KEY,
    bits INTEGER
) STRICT;
DROP VIEW plain_evidence;
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
