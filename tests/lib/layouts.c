#include "tests/lib/layouts.h"

#include <check.h>
#include <sqlite3.h>
#include <stdio.h>

#include "schemas/schema.h"

/* What a layout added, undone: row 5 makes 4 out of 5. */
static const char *const undo[SCHEMA_VERSION + 1] = {
    [3] = "DROP INDEX reply_base; ALTER TABLE reply DROP COLUMN base; DROP VIEW plain_evidence;"
          "CREATE VIEW plain_evidence AS SELECT 1 AS session_id, 2 AS kind;"
          "DROP TABLE phrase; DROP TABLE evidence_named; DROP TABLE renamed; DROP TABLE renamed_recipient",
    [4] = "PRAGMA auto_vacuum = NONE; VACUUM; DROP TABLE past; ALTER TABLE input DROP COLUMN zone",
    [5] = "ALTER TABLE input DROP COLUMN tags",
    [8] = "DROP VIEW v_evidence; DROP VIEW provided_evidence; DROP TABLE provided; DROP TABLE provider;"
          "CREATE VIEW v_evidence AS SELECT 1 AS session_id",
    [6] = "DROP TABLE joined; DROP TABLE joining; DROP TABLE stretch; DROP TABLE clock",
    [7] = "ALTER TABLE unfinished ADD COLUMN state BLOB;"
          "UPDATE unfinished SET state = (SELECT bytes FROM kept);" /* of one piece */
          "ALTER TABLE unfinished DROP COLUMN pieces; DROP TABLE kept",
};

void layout_back(const char *database, int layout)
{
    sqlite3 *db = NULL;
    char *said = NULL, number[60];
    ck_assert_int_eq(sqlite3_open(database, &db), SQLITE_OK);
    for (int from = SCHEMA_VERSION; from > layout; from--) {
        ck_assert_msg(undo[from] != NULL, "how is layout %d undone?", from);
        ck_assert_msg(sqlite3_exec(db, undo[from], NULL, NULL, &said) == SQLITE_OK, "%s", said);
    }
    snprintf(number, sizeof number, "PRAGMA user_version = %d", layout);
    ck_assert_int_eq(sqlite3_exec(db, number, NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}
