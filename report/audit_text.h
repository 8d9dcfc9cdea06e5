/* Whom a policy hurts, as a table: by sender domain, by recipient, or by the client's autonomous system or
 * network. */
#ifndef REPORT_AUDIT_TEXT_H
#define REPORT_AUDIT_TEXT_H

#include <stdio.h>
#include "analyze/audit.h"
#include "report/json.h"
#include "report/table.h"

enum hurt_by { HURT_DOMAIN, HURT_RECIPIENT, HURT_SYSTEM, HURT_NETWORK, HURT_KINDS };
extern const char
    *const hurt_by_name[HURT_KINDS]; /* "domain", "recipient", "asn", "network": as --by takes them */

struct audit_list;

/* `policy` stays the caller's and must last. Memory is bounded: rows past the first 100,000 are counted
 * together. */
struct audit_list *audit_list_new(const struct policy *policy, enum hurt_by by);
void audit_list_free(struct audit_list *list);
/* Takes one in. */
void audit_list_take(struct audit_list *list, const struct harmed *harmed);
/* Prints the rows, those that lose most first, at most `most` of them (0: all) and the rest in one row.
 * `accepted` is what the record accepted. 0, or -1 with why. */
int audit_list_print(const struct audit_list *list, uint64_t accepted, size_t most, enum table_format format,
                     FILE *to, struct why *why);
/* The table alone, without words; and its rows as an array in an object. */
int audit_list_table(const struct audit_list *list, size_t most, enum table_format format, FILE *to,
                     struct why *why);
void audit_list_rows(const struct audit_list *list, size_t most, struct json *json, const char *name);
/* The rows by themselves, for tables of other shapes; at most `most` (0: all) and the rest in one. */
struct audit_list_row {
    struct str name;
    uint64_t harm[HARMS], possible; /* for certain; and what is not */
    struct str measure;             /* that hurts most of it */
    int64_t example;                /* a session; 0: none */
};
size_t audit_list_most(const struct audit_list *list, size_t most, struct arena *arena,
                       struct audit_list_row **rows);
/* The sums of all: told, late, lost, possible. */
void audit_list_sums(const struct audit_list *list, struct json *json);

#endif
