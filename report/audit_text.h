/* The audit as a table: what the record accepted and the policy would stop, by sender domain. */
#ifndef REPORT_AUDIT_TEXT_H
#define REPORT_AUDIT_TEXT_H

#include <stdio.h>
#include "analyze/replay.h"
#include "report/table.h"

struct audit_list;

/* `policy` stays the caller's and must last. Memory is bounded: domains past the first 100,000 are counted
 * together. */
struct audit_list *audit_list_new(const struct policy *policy, enum unit unit);
void audit_list_free(struct audit_list *list);
/* Takes one in; fits replay_audit(). */
int audit_list_take(void *into, const struct harmed *harmed);
/* Prints the domains, those that lose most first, at most `most` of them (0: all) and the rest in one row.
 * `accepted` is what the record accepted. 0, or -1 with why. */
int audit_list_print(const struct audit_list *list, uint64_t accepted, size_t most, enum table_format format,
                     FILE *to, struct why *why);

#endif
