/* The whole audit, for eyes and for machines. */
#ifndef REPORT_AUDIT_PAGE_H
#define REPORT_AUDIT_PAGE_H

#include <stdio.h>
#include "analyze/exemptions.h"
#include "report/audit_text.h"

/* What is shown. CSV is one table: of all of them whom it hurts. */
enum audit_part {
    AUDIT_ALL,
    AUDIT_HURT,
    AUDIT_RATES,
    AUDIT_MEASURES,
    AUDIT_DELAYS,
    AUDIT_GONE,
    AUDIT_EXEMPTIONS,
    AUDIT_PARTS
};
extern const char *const audit_part_name[AUDIT_PARTS]; /* "all", "hurt", ...: as --show takes them */

struct audit_page {
    const struct policy *policy;
    const struct audit *audit;
    const struct exemptions *exemptions;
    enum hurt_by by; /* whom it hurts, by what */
    size_t most;     /* rows of it; 0: all */
};

/* 0, or -1 with why. JSON is all of it, always. */
int audit_page_print(const struct audit_page *page, enum audit_part part, enum table_format format, FILE *to,
                     struct why *why);

/* What a policy hurts or may hurt, a row for each session, for somebody to say what was wanted: CSV that
 * enrich --labels takes back, with `label` to be filled in (wanted, unwanted, or left empty). The most hurt
 * first. The file is whole or not there. *rows: how many there are. */
int audit_review(const struct audit_page *page, const char *path, size_t *rows, struct why *why);

#endif
