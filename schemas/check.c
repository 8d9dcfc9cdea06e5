/* Is a database whole? SQLite's own check tells whether the tables are; what must hold between them is here:
 * each row a query that counts what breaks it. */
#include "schemas/check.h"

#include <stdio.h>
#include <string.h>
#include "schemas/schema.h"
#include "schemas/layout.h"

static const struct invariant {
    const char *breach; /* what follows their number */
    const char *sql;
} invariants[] = {
    { "sessions lack what every one has (start, bits, place)",
      "SELECT count(*) FROM session WHERE started IS NULL OR bits IS NULL OR place IS NULL" },
    { "sessions refer to a place that is not there",
      "SELECT count(*) FROM session WHERE place >> 16 NOT IN (SELECT id FROM place)" },
    { "sessions, transactions or recipients refer to a reply that is not there",
      "SELECT count(*) FROM (SELECT reply AS number FROM session UNION ALL SELECT t_reply FROM session UNION "
      "ALL "
      "SELECT r_reply FROM session UNION ALL SELECT reply FROM transaction_more UNION ALL SELECT reply FROM "
      "recipient_more) "
      "WHERE number IS NOT NULL AND number NOT IN (SELECT id FROM reply)" },
    { "sessions refer to evidence that is not there",
      "SELECT count(*) FROM session WHERE bits >> 25 <> 0 AND bits >> 25 NOT IN (SELECT id >> 8 FROM fact)" },
    { "sessions refer to a name that is not there",
      "SELECT count(*) FROM session WHERE (typeof(client_name) = 'integer' AND client_name NOT IN (SELECT id "
      "FROM name)) "
      "OR (typeof(helo) = 'integer' AND helo <> 0 AND helo NOT IN (SELECT id FROM name)) "
      "OR (typeof(recipient) = 'integer' AND recipient NOT IN (SELECT id FROM name))" },
    { "transactions, recipients or pieces of evidence belong to no session",
      "SELECT (SELECT count(*) FROM transaction_more WHERE id >> 24 NOT IN (SELECT id FROM session WHERE "
      "bits >> 20 & 1)) + "
      "(SELECT count(*) FROM recipient_more WHERE id >> 24 NOT IN (SELECT id FROM session WHERE bits >> 19 & "
      "1)) + "
      "(SELECT count(*) FROM evidence_more WHERE id >> 24 NOT IN (SELECT id FROM session WHERE bits >> 21 & "
      "1)) + "
      "(SELECT count(*) FROM evidence_named WHERE id >> 24 NOT IN (SELECT id FROM session)) + "
      "(SELECT count(*) FROM evidence_late WHERE session NOT IN (SELECT id FROM session))" },
    { "sessions or recipients that phrases have changed are not there",
      "SELECT (SELECT count(*) FROM renamed WHERE id NOT IN (SELECT id FROM session)) + "
      "(SELECT count(*) FROM renamed_recipient WHERE id NOT IN (SELECT id FROM recipient_more))" },
    { "sessions of a log and a capture are not there, or there a second time",
      "SELECT (SELECT count(*) FROM joined WHERE id NOT IN (SELECT id FROM session)) + "
      "(SELECT count(*) FROM joined WHERE capture IN (SELECT id FROM session))" },
    { "recipients belong to no transaction",
      "SELECT count(*) FROM recipient_more WHERE \"transaction\" > 0 AND "
      "(id >> 24 << 24 | \"transaction\") NOT IN (SELECT id FROM transaction_more)" },
    { "sessions have transactions, recipients or evidence missing",
      "SELECT count(*) FROM session s WHERE "
      "(bits >> 20 & 1 AND NOT EXISTS (SELECT * FROM transaction_more m WHERE m.id BETWEEN s.id << 24 AND "
      "s.id << 24 | 16777215)) OR "
      "(bits >> 19 & 1 AND NOT EXISTS (SELECT * FROM recipient_more m WHERE m.id BETWEEN s.id << 24 AND s.id "
      "<< 24 | 16777215)) OR "
      "(bits >> 21 & 1 AND NOT EXISTS (SELECT * FROM evidence_more m WHERE m.id BETWEEN s.id << 24 AND s.id "
      "<< 24 | 16777215))" },
    { "sessions more, or fewer, than the total says",
      "SELECT abs((SELECT count(*) FROM session) - sessions) FROM total" },
    { "transactions more, or fewer, than the total says",
      "SELECT abs((SELECT count(*) FROM v_transaction) - transactions) FROM total" },
    { "recipients more, or fewer, than the total says",
      "SELECT abs((SELECT count(*) FROM v_recipient) - recipients) FROM total" },
    { "messages more, or fewer, than the total says",
      "SELECT abs((SELECT count(*) FROM v_transaction WHERE verdict = 'accepted') - messages) FROM total" },
    { "pieces of evidence more, or fewer, than the total says",
      "SELECT abs((SELECT count(*) FROM plain_evidence) - evidence) FROM total" },
    { "pieces of evidence from elsewhere are of a provider that is not there",
      "SELECT count(*) FROM provided WHERE provider NOT IN (SELECT id FROM provider)" },
    { "of first and last start are not the sessions'",
      "SELECT (first IS NOT (SELECT min(started) FROM session)) + (last IS NOT (SELECT max(started) FROM "
      "session)) FROM total" },
    { "sessions are of an input that is not there",
      "SELECT count(*) FROM session JOIN place ON place.id = session.place >> 16 "
      "WHERE place.input <> 0 AND place.input NOT IN (SELECT id FROM input)" },
};

static int check_integrity(sqlite3 *db, void (*complain)(void *state, const char *finding), void *state,
                           int *findings)
{
    sqlite3_stmt *row = NULL;
    int rc = sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &row, NULL);
    while (rc == SQLITE_OK && sqlite3_step(row) == SQLITE_ROW) {
        const char *finding = (const char *)sqlite3_column_text(row, 0);
        if (!finding || strcmp(finding, "ok") == 0)
            continue;
        complain(state, finding);
        ++*findings;
    }
    int end = sqlite3_finalize(row);
    return rc == SQLITE_OK ? end : rc;
}

int check_database(sqlite3 *db, const char *path, void (*complain)(void *state, const char *finding),
                   void *state, struct why *why)
{
    int findings = 0;
    int rc = check_integrity(db, complain, state, &findings);
    for (size_t i = 0; i < sizeof invariants / sizeof *invariants && rc == SQLITE_OK; i++) {
        int64_t breaches = 0;
        char finding[160];
        rc = schema_number(db, invariants[i].sql, &breaches);
        if (rc != SQLITE_OK || breaches == 0)
            continue;
        snprintf(finding, sizeof finding, "%lld %s", (long long)breaches, invariants[i].breach);
        complain(state, finding);
        findings++;
    }
    return rc == SQLITE_OK ? findings : schema_why(db, rc, path, why);
}
