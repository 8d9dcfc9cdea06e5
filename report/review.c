/* What somebody is to look at, as CSV. The key and the label stand in front: what follows is for eyes, made
 * visible first (on one line), then quoted so that no spreadsheet runs it. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "report/audit_page.h"
#include "report/escape.h"
#include "report/utf8.h"
#include "report/whole_file.h"

/* Lost before told before late, what is certain before what is not, then in order of time. */
static int by_hurt(const void *left, const void *right)
{
    static const int rank[HARMS] = { [HARM_LOST] = 0, [HARM_TOLD] = 1, [HARM_LATE] = 2 };
    const struct harmed *a = *(const struct harmed *const *)left, *b = *(const struct harmed *const *)right;
    if (a->certain != b->certain)
        return a->certain ? -1 : 1;
    if (a->harm != b->harm)
        return rank[a->harm] - rank[b->harm];
    return (a->head > b->head) - (a->head < b->head);
}

static int by_number(const void *left, const void *right)
{
    const int64_t *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

/* One row for a session, the first that comes. */
static bool is_new(int64_t session, const int64_t *sessions, bool *seen, size_t count)
{
    const int64_t *found = bsearch(&session, sessions, count, sizeof *sessions, by_number);
    size_t at = (size_t)(found - sessions);
    while (at > 0 && sessions[at - 1] == session)
        at--;
    bool first = !seen[at];
    seen[at] = true;
    return first;
}

static void put_text(FILE *to, struct str text, struct arena *arena)
{
    putc(',', to);
    escape_csv(to, text_visible(arena, text));
}

static void put_row(FILE *to, const struct audit_page *page, const struct harmed *harmed)
{
    struct arena arena = { 0 };
    char at[CLOCK_TEXT_BYTES], client[IP_TEXT_BYTES];
    clock_format(harmed->at, at);
    size_t len = ip_format(&harmed->client, client);
    fprintf(to, "%" PRId64 ",,,%s,%.*s", harmed->session_id, at, (int)len, client);
    put_text(to, harmed->client_name, &arena);
    put_text(to, harmed->sender, &arena);
    put_text(to, harmed->recipient, &arena);
    put_text(to, page->policy->rules[harmed->rule].name, &arena);
    fprintf(to, ",%s,%s,%s,%s\n", harm_name[harmed->harm], harmed->certain ? "yes" : "no",
            label_name[harmed->label], harmed->sign < SIGNS ? sign_rows[harmed->sign].name : "");
    arena_free(&arena);
}

int audit_review(const struct audit_page *page, const char *path, size_t *rows, struct why *why)
{
    const struct audit *audit = page->audit;
    size_t count = audit->harmed_count;
    struct whole_file file = { 0 };
    *rows = 0;
    if (whole_file_open(&file, path, why) < 0)
        return -1;
    const struct harmed **order = mem_alloc((count + 1) * sizeof *order);
    int64_t *sessions = mem_alloc((count + 1) * sizeof *sessions);
    bool *seen = mem_zero(count + 1, sizeof *seen);
    for (size_t i = 0; i < count; i++) {
        order[i] = &audit->harmed[i];
        sessions[i] = audit->harmed[i].session_id;
    }
    if (count) {
        qsort(order, count, sizeof *order, by_hurt);
        qsort(sessions, count, sizeof *sessions, by_number);
    }
    fputs("session,label,by,at,client,client_name,sender,recipient,measure,harm,certain,known_as,because\n",
          file.to);
    for (size_t i = 0; i < count; i++)
        if (is_new(order[i]->session_id, sessions, seen, count)) {
            put_row(file.to, page, order[i]);
            ++*rows;
        }
    free(order);
    free(sessions);
    free(seen);
    return whole_file_keep(&file, why);
}
