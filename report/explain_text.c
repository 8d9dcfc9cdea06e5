/* One session's story as text. Nearly every word of it was written by the client: all goes through
 * escape_plain() or the tables, which do the same. */
#define _GNU_SOURCE
#include "report/explain_text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "analyze/policy.h"
#include "report/escape.h"

enum { MOMENT_BYTES = CLOCK_TEXT_BYTES };

/* "2026-11-23 09:07:12" */
static const char *moment(usec at, char text[MOMENT_BYTES])
{
    if (at == USEC_NONE)
        return "not known";
    clock_format(at, text);
    text[10] = ' ';
    text[19] = '\0';
    return text;
}

static void field(FILE *to, const char *name)
{
    fprintf(to, "  %-10s ", name);
}

static void address(FILE *to, struct str text)
{
    if (!text.at) {
        fputs("(not known)", to);
        return;
    }
    putc('<', to);
    escape_plain(to, text);
    putc('>', to);
}

/* "rejected by dnsbl at rcpt: 554 5.7.1 Service unavailable" */
static void verdict(FILE *to, uint8_t what, const struct reply *reply)
{
    fputs(verdict_name[what < VERDICTS ? what : VERDICT_NONE], to);
    if (reply->named > NAMED_NONE && reply->named < NAMED_COUNT)
        fprintf(to, " by %s", named_measure[reply->named]);
    if (reply->code && reply->stage < STAGES)
        fprintf(to, " at %s: %d", stage_name[reply->stage], reply->code);
    if (reply->enhanced.len) {
        putc(' ', to);
        escape_plain(to, reply->enhanced);
    }
    if (reply->text.len) {
        putc(' ', to);
        escape_plain(to, reply->text);
    }
    putc('\n', to);
}

static void client(const struct session *session, FILE *to)
{
    char ip[IP_TEXT_BYTES];
    ip_format(&session->client, ip);
    field(to, "client");
    fputs(ip, to);
    if (session->client_port)
        fprintf(to, " port %u", session->client_port);
    fputs(session->client_name.len ? ", " : ", no confirmed name", to);
    escape_plain(to, session->client_name);
    putc('\n', to);
    if (session->helo.at) {
        field(to, "helo");
        escape_plain(to, session->helo);
        putc('\n', to);
    }
    if (session->auth_user.len) {
        field(to, "login");
        escape_plain(to, session->auth_user);
        putc('\n', to);
    }
}

static void server(const struct session *session, FILE *to)
{
    if (session->server.len || session->service.len) {
        field(to, "server");
        escape_plain(to, session->server);
        fputs(session->server.len && session->service.len ? ", " : "", to);
        escape_plain(to, session->service);
        if (session->server_port)
            fprintf(to, " port %u", session->server_port);
        fputs(session->tls ? ", with TLS\n" : "\n", to);
    }
    field(to, "got to");
    const char *closed = session->closed < CLOSED_KINDS ? closed_name[session->closed] : NULL;
    fprintf(to, "%s%s%s%s%s\n", stage_name[session->stage < STAGES ? session->stage : 0],
            closed ? ", then " : "", closed ? closed : "", session->cut_off ? "; the server ended it" : "",
            session->gap ? "; part of the record is missing" : "");
}

static void transaction(const struct transaction *transaction, FILE *to)
{
    fputs("\n  from ", to);
    address(to, transaction->mail_from);
    if (transaction->queue_id.len) {
        fputs(", queue id ", to);
        escape_plain(to, transaction->queue_id);
    }
    if (transaction->message_id.len) {
        fputs(", message id ", to);
        escape_plain(to, transaction->message_id);
    }
    fputs(": ", to);
    verdict(to, transaction->verdict, &transaction->reply);
    for (uint32_t i = 0; i < transaction->recipient_count; i++) {
        const struct recipient *recipient = &transaction->recipients[i];
        fputs("    to ", to);
        address(to, recipient->address);
        fputs(": ", to);
        verdict(to, recipient->verdict, &recipient->reply);
    }
}

void explain_session(const struct session *session, FILE *to)
{
    char began[MOMENT_BYTES], ended[MOMENT_BYTES];
    fprintf(to, "Session %" PRId64 ", %s", session->id, moment(session->started, began));
    if (session->ended != USEC_NONE)
        fprintf(to, " to %s", moment(session->ended, ended) + (strncmp(began, ended, 10) == 0 ? 11 : 0));
    fputs(" (UTC)\n", to);
    client(session, to);
    server(session, to);
    field(to, "verdict");
    verdict(to, session->verdict, &session->reply);
    for (uint32_t i = 0; i < session->transaction_count; i++)
        transaction(&session->transactions[i], to);
}

void explain_line(void *to, struct str line)
{
    fputs("  ", to);
    escape_plain(to, line);
    putc('\n', to);
}

/* What the number `a` of a piece of evidence is (collect/session.h). */
enum number_kind { NO_NUMBER, AN_ADDRESS, A_TIME, A_SCORE };

static const struct {
    enum number_kind kind;
    const char *words;
} numbers[KINDS] = {
    [KIND_DNSBL] = { AN_ADDRESS, "answered" }, [KIND_EARLY_TALKER] = { A_TIME, "first spoke after" },
    [KIND_SPAM] = { A_SCORE, "score" },        [KIND_GREYLIST] = { A_TIME, "age or time missing" },
    [KIND_FATE] = { A_TIME, "after" },
};

static void number(FILE *to, const struct evidence *evidence)
{
    char text[IP_TEXT_BYTES];
    if (evidence->kind >= KINDS)
        return;
    switch (numbers[evidence->kind].kind) {
    case NO_NUMBER:
        return;
    case AN_ADDRESS: {
        if (evidence->a <= 0 || evidence->a > UINT32_MAX)
            return;
        struct ip ip = ip_from_v4((uint32_t)evidence->a);
        ip_format(&ip, text);
        break;
    }
    case A_TIME:
        if (evidence->a < 0 || (evidence->a == 0 && evidence->kind != KIND_EARLY_TALKER))
            return;
        snprintf(text, sizeof text, "%.3f s", (double)evidence->a / (double)USEC_SECOND);
        break;
    case A_SCORE:
        snprintf(text, sizeof text, "%.1f", (double)evidence->a / 1000);
        break;
    }
    fprintf(to, "%s %s", numbers[evidence->kind].words, text);
}

/* Subject and detail tell the rest; `text` is the caller's to free. */
static struct str detail(const struct evidence *evidence, char **text)
{
    size_t len = 0;
    FILE *to = open_memstream(text, &len);
    if (!to)
        return evidence->detail;
    number(to, evidence);
    if (evidence->detail.len) {
        fputs(ftell(to) > 0 ? "; " : "", to);
        fwrite(evidence->detail.at, 1, evidence->detail.len, to);
    }
    fclose(to);
    return (struct str){ *text, len };
}

static int by_time(const void *a, const void *b)
{
    const struct evidence *const *x = a, *const *y = b;
    if ((*x)->at != (*y)->at)
        return (*x)->at < (*y)->at ? -1 : 1;
    return *x < *y ? -1 : *x > *y;
}

int explain_evidence(const struct session *session, FILE *to, struct why *why)
{
    static const struct column columns[] = {
        { .name = "at" },
        { .name = "kind" },
        { .name = "subject", .most = 36 },
        { .name = "state" },
        { .name = "detail", .most = 72 },
        { .name = "origin" },
    };
    static const char *const state_name[] = { [UNKNOWN] = "unknown", [NO] = "no", [YES] = "yes" };
    if (session->evidence_count == 0) {
        fputs("nothing that a measure asks for\n", to);
        return printed(to, why);
    }
    const struct evidence **sorted = mem_zero(session->evidence_count, sizeof *sorted);
    for (uint32_t i = 0; i < session->evidence_count; i++)
        sorted[i] = &session->evidence[i];
    qsort(sorted, session->evidence_count, sizeof *sorted, by_time);
    struct table *table = table_open(to, TABLE_TEXT, columns, sizeof columns / sizeof *columns);
    for (uint32_t i = 0; i < session->evidence_count; i++) {
        const struct evidence *evidence = sorted[i];
        char at[MOMENT_BYTES], *text = NULL;
        table_cell(table, str_of(moment(evidence->at, at)));
        table_cell(table, evidence->kind < KINDS ? str_of(kind_name[evidence->kind]) : STR("?"));
        table_cell(table, evidence->subject);
        table_cell(table, str_of(state_name[evidence->state <= YES ? evidence->state : UNKNOWN]));
        table_cell(table, detail(evidence, &text));
        table_cell(table, evidence->origin < ORIGINS ? str_of(origin_name[evidence->origin]) : STR("?"));
        free(text);
    }
    free(sorted);
    return table_close(table, why);
}

static const char *verdict_word(const struct rule *rule, const struct rule_story *story)
{
    if (!story->asked)
        return "not asked";
    if (rule->warn && story->hit == YES)
        return "warns";
    return story->hit == YES ? "hit" : story->hit == NO ? "miss" : "unknown";
}

int explain_story(const struct policy *policy, const struct session_story *story, FILE *to, struct why *why)
{
    static const struct column columns[] = { { .name = "measure" },
                                             { .name = "verdict" },
                                             { .name = "why", .most = 200 } };
    for (size_t i = 0; i < story->count; i++) {
        const struct attempt_story *attempt = &story->attempts[i];
        fputs(i ? "\nFrom " : "From ", to);
        address(to, attempt->sender);
        fputs(" to ", to);
        address(to, attempt->recipient);
        fputs(": ", to);
        escape_plain(to, attempt->outcome);
        fputs("\n\n", to);
        struct table *table = table_open(to, TABLE_TEXT, columns, sizeof columns / sizeof *columns);
        for (size_t r = 0; r < policy->rule_count; r++) {
            table_cell(table, policy->rules[r].name);
            table_cell(table, str_of(verdict_word(&policy->rules[r], &attempt->rules[r])));
            table_cell(table, attempt->rules[r].why);
        }
        if (table_close(table, why))
            return -1;
    }
    return printed(to, why);
}

const struct column session_columns[SESSION_COLUMNS] = {
    { .name = "session", .number = true },
    { .name = "started" },
    { .name = "client_ip" },
    { .name = "mail_from", .most = 36 },
    { .name = "recipient", .most = 36 },
    { .name = "recipients", .number = true },
    { .name = "verdict" },
    { .name = "measure" },
    { .name = "code", .number = true },
};

void session_row(struct table *table, const struct session *session)
{
    char text[MOMENT_BYTES], ip[IP_TEXT_BYTES];
    struct str sender = { 0 }, recipient = { 0 };
    uint64_t recipients = 0;
    for (uint32_t i = session->transaction_count; i-- > 0;) {
        const struct transaction *each = &session->transactions[i];
        sender = each->mail_from;
        recipients += each->recipient_count;
        recipient = each->recipient_count ? each->recipients[0].address : recipient;
    }
    table_count(table, (uint64_t)session->id);
    table_cell(table, str_of(moment(session->started, text)));
    ip_format(&session->client, ip);
    table_cell(table, str_of(ip));
    table_cell(table, sender.at && sender.len == 0 ? STR("<>") : sender);
    table_cell(table, recipient);
    table_count(table, recipients);
    table_cell(table, str_of(verdict_name[session->verdict < VERDICTS ? session->verdict : VERDICT_NONE]));
    table_cell(table,
               str_of(session->reply.named < NAMED_COUNT ? named_measure[session->reply.named] : NULL));
    if (session->reply.code > 0)
        table_count(table, (uint64_t)session->reply.code);
    else
        table_cell(table, (struct str){ 0 });
}
