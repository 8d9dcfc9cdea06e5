-- Evidence from elsewhere.
CREATE TABLE provider (
    id      INTEGER PRIMARY KEY,
    kind    INTEGER,
    origin  INTEGER,
    about   INTEGER,
    subject TEXT,
    place   TEXT,
    "from"  INTEGER,
    "to"    INTEGER,
    taken   INTEGER
) STRICT;
CREATE TABLE provided (
    provider INTEGER NOT NULL,
    client   ANY NOT NULL,
    name     TEXT NOT NULL,
    at       INTEGER NOT NULL,
    n        INTEGER NOT NULL,
    state    INTEGER,
    a        INTEGER,
    b        INTEGER,
    detail   TEXT,
    PRIMARY KEY (provider, client, name, at, n)
) STRICT, WITHOUT ROWID;
DROP VIEW plain_session;
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
DROP VIEW v_evidence;
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
