/* Shape tables: each row is read by a builder of its own. */
#define _GNU_SOURCE
#include "tests/lib/shapes.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/memory.h"
#include "collect/builder.h"
#include "collect/programs.h"
#include "tests/lib/cases.h"

enum { BEFORE_MOST = 8 };

/* ---- A session in one line. */

static void write_reply(FILE *to, const struct reply *reply)
{
    fprintf(to, " %d", reply->code);
    if (reply->named > NAMED_OTHER)
        fprintf(to, " %s", named_measure[reply->named]);
}

static void write_transaction(FILE *to, const struct transaction *transaction)
{
    fputs("; mail", to);
    if (transaction->mail_from.at)
        fprintf(to, " <%.*s>", STR_ARG(transaction->mail_from));
    if (transaction->queue_id.at)
        fprintf(to, " %.*s", STR_ARG(transaction->queue_id));
    if (transaction->verdict)
        fprintf(to, " %s", verdict_name[transaction->verdict]);
    if (transaction->reply.code)
        write_reply(to, &transaction->reply);
    for (uint32_t i = 0; i < transaction->recipient_count; i++) {
        const struct recipient *recipient = &transaction->recipients[i];
        fputs(", to", to);
        if (recipient->address.at)
            fprintf(to, " <%.*s>", STR_ARG(recipient->address));
        write_reply(to, &recipient->reply);
    }
}

static void write_session(FILE *to, const struct session *session)
{
    static const char sign[] = { [UNKNOWN] = '?', [NO] = '-', [YES] = '+' };
    char address[IP_TEXT_BYTES];
    ip_format(&session->client, address);
    fprintf(to, "%s %s", address, stage_name[session->stage]);
    if (session->closed)
        fprintf(to, " %s", closed_name[session->closed]);
    if (session->verdict)
        fprintf(to, " %s", verdict_name[session->verdict]);
    if (session->reply.code)
        write_reply(to, &session->reply);
    if (session->helo.at)
        fprintf(to, " helo=%.*s", STR_ARG(session->helo));
    if (session->tls)
        fputs(" tls", to);
    if (session->auth_user.at)
        fprintf(to, " user=%.*s", STR_ARG(session->auth_user));
    for (uint32_t i = 0; i < session->transaction_count; i++)
        write_transaction(to, &session->transactions[i]);
    for (uint32_t i = 0; i < session->evidence_count; i++) {
        const struct evidence *evidence = &session->evidence[i];
        fprintf(to, "%s %s%c", i ? "" : ";", kind_name[evidence->kind], sign[evidence->state]);
        if (evidence->subject.at)
            fprintf(to, "<%.*s>", STR_ARG(evidence->subject));
    }
}

struct found {
    FILE *to;
    int sessions;
    bool is_quiet;
};

static int take_session(void *state, const struct session *session, struct why *why)
{
    (void)why;
    struct found *found = state;
    if (found->is_quiet)
        return 0;
    if (found->sessions++)
        fputs(" & ", found->to);
    write_session(found->to, session);
    return 0;
}

static int take_late(void *state, int64_t session_id, const struct evidence *evidence, struct why *why)
{
    (void)session_id;
    (void)why;
    fprintf(((struct found *)state)->to, " late %s", kind_name[evidence->kind]);
    return 0;
}

/* ---- Rows. */

static enum taken take_line(struct builder *builder, struct programs *programs, struct str text, int second)
{
    char stamp[16], *whole = NULL;
    snprintf(stamp, sizeof stamp, "10:00:%02d", second);
    ck_assert_int_gt(asprintf(&whole, "%s %.*s", stamp, STR_ARG(text)), 0);
    struct line line = case_line(str_of(whole));
    line.number = (uint64_t)second + 1;
    line.offset = line.number * 100;
    const struct dialect *dialect = programs_dialect(programs, line.program);
    ck_assert_msg(dialect != NULL, "no dialect takes %.*s", STR_ARG(text));
    ck_assert_int_eq(builder_advance(builder, line.at, NULL), 0);
    enum taken taken = dialect->take(&line, builder);
    free(whole);
    return taken;
}

static void check_row(struct str row, const struct str *before, int before_count)
{
    struct str expected, line = row;
    char *text = NULL;
    size_t len = 0;
    ck_assert_msg(cut_until(&line, STR(" | "), &expected), "no ` | ' in %.*s", STR_ARG(row));
    struct found found = { .to = open_memstream(&text, &len) };
    struct sink sink = { &found, take_session, take_late };
    struct builder *builder = builder_new(&sink, 1);
    struct programs programs;
    programs_begin(&programs, dialects);
    for (int i = 0; i < before_count; i++)
        ck_assert_msg(take_line(builder, &programs, before[i], i) == TAKEN, "not taken: %.*s",
                      STR_ARG(before[i]));
    enum taken taken = take_line(builder, &programs, line, before_count);
    if (taken != TAKEN) { /* what went before stands in other rows */
        fputs(taken == PASSED ? "passed" : "skipped", found.to);
        found.is_quiet = true;
    }
    ck_assert_int_eq(builder_finish(builder, NULL), 0);
    builder_free(builder);
    fclose(found.to);
    if (getenv("SHOW_CASES"))
        printf("%s | %.*s\n", text, STR_ARG(line));
    else
        ck_assert_msg(str_eq((struct str){ text, len }, expected), "%.*s\n--- expected\n%.*s\n--- found\n%s",
                      STR_ARG(line), STR_ARG(expected), text);
    free(text);
}

void shapes_check(const char *path)
{
    struct arena arena = { 0 };
    struct str rest = case_file(path, &arena), row, before[BEFORE_MOST];
    int rows = 0, before_count = 0;
    while (rest.len && cut_until_char(&rest, '\n', &row)) {
        if (str_starts(row, STR("#")) || row.len == 0) {
            before_count = 0;
            if (getenv("SHOW_CASES"))
                printf("%.*s\n", STR_ARG(row));
            continue;
        }
        if (getenv("SHOW_CASES") && row.at[0] == '+')
            printf("%.*s\n", STR_ARG(row));
        if (cut_prefix(&row, STR("+ "))) {
            ck_assert_int_lt(before_count, BEFORE_MOST);
            before[before_count++] = row;
            continue;
        }
        check_row(row, before, before_count);
        rows++;
    }
    ck_assert_int_gt(rows, 0);
    arena_free(&arena);
}
