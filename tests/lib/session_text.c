#include "tests/lib/session_text.h"

#include <inttypes.h>

static void write_text(FILE *to, const char *before, struct str text, const char *after)
{
    if (text.at)
        fprintf(to, "%s%.*s%s", before, STR_ARG(text), after);
}

static const char *const tri_name[] = { [UNKNOWN] = "unknown", [NO] = "no", [YES] = "yes" };

static void write_address(FILE *to, const struct ip *ip, uint16_t port)
{
    char text[IP_TEXT_BYTES];
    ip_format(ip, text);
    fprintf(to, " %s", text);
    if (port)
        fprintf(to, ":%u", port);
}

static void write_reply(FILE *to, const struct reply *reply)
{
    fprintf(to, " %d", reply->code);
    write_text(to, " ", reply->enhanced, "");
    fprintf(to, " %s", stage_name[reply->stage]);
    if (reply->named)
        fprintf(to, " %s", named_measure[reply->named]);
    write_text(to, " \"", reply->text, "\"");
}

static void write_seconds(FILE *to, usec length)
{
    fprintf(to, "%" PRId64, length / USEC_SECOND);
    if (length % USEC_SECOND)
        fprintf(to, ".%06" PRId64, length % USEC_SECOND);
}

static void write_number(FILE *to, const char *name, int64_t number)
{
    if (number == INT64_MIN)
        fprintf(to, " %s=none", name);
    else if (number)
        fprintf(to, " %s=%" PRId64, name, number);
}

static void write_evidence(FILE *to, const struct evidence *evidence)
{
    fprintf(to, "%s %s", kind_name[evidence->kind], tri_name[evidence->state]);
    if (evidence->transaction >= 0)
        fprintf(to, " of %d", evidence->transaction);
    if (evidence->recipient >= 0)
        fprintf(to, ".%d", evidence->recipient);
    write_text(to, " <", evidence->subject, ">");
    write_number(to, "a", evidence->a);
    write_number(to, "b", evidence->b);
    write_text(to, " \"", evidence->detail, "\"");
    fputc('\n', to);
}

static void write_transaction(FILE *to, const struct transaction *transaction)
{
    fputs("    mail", to);
    write_text(to, " <", transaction->mail_from, ">");
    write_text(to, " id=", transaction->queue_id, "");
    write_text(to, " message-id=", transaction->message_id, "");
    if (transaction->size >= 0)
        fprintf(to, " size=%" PRId64, transaction->size);
    fprintf(to, ": %s\n", verdict_name[transaction->verdict]);
    if (transaction->reply.code) {
        fputs("        reply", to);
        write_reply(to, &transaction->reply);
        fputc('\n', to);
    }
    for (uint32_t i = 0; i < transaction->recipient_count; i++) {
        const struct recipient *recipient = &transaction->recipients[i];
        fputs("        rcpt", to);
        write_text(to, " <", recipient->address, ">");
        write_reply(to, &recipient->reply);
        if (recipient->valid)
            fprintf(to, ", valid %s", tri_name[recipient->valid]);
        fprintf(to, ": %s\n", verdict_name[recipient->verdict]);
    }
}

void session_write(FILE *to, const struct session *session)
{
    fprintf(to, "session%s%s%s", session->direction == DIRECTION_OUT ? " out" : "",
            session->gap ? " gap" : "", session->cut_off ? " cut-off" : "");
    write_address(to, &session->client, session->client_port);
    write_text(to, " ", session->client_name, "");
    write_text(to, " by ", session->server, "");
    if (!ip_is_none(&session->server_address))
        write_address(to, &session->server_address, session->server_port);
    write_text(to, " ", session->service, "");
    if (session->ended != USEC_NONE) {
        fputs(", ", to);
        write_seconds(to, session->ended - session->started);
        fputs(" s", to);
    }
    write_text(to, ", helo=", session->helo, "");
    if (session->tls)
        fputs(", tls", to);
    write_text(to, ", user=", session->auth_user, "");
    fprintf(to, ", %s", stage_name[session->stage]);
    if (session->closed)
        fprintf(to, ", %s", closed_name[session->closed]);
    fprintf(to, ": %s\n", verdict_name[session->verdict]);
    if (session->reply.code) {
        fputs("    reply", to);
        write_reply(to, &session->reply);
        fputc('\n', to);
    }
    for (uint32_t i = 0; i < session->transaction_count; i++)
        write_transaction(to, &session->transactions[i]);
    for (uint32_t i = 0; i < session->evidence_count; i++) {
        fputs("    ", to);
        write_evidence(to, &session->evidence[i]);
    }
}

static int take_session(void *state, const struct session *session, struct why *why)
{
    (void)why;
    session_write(state, session);
    return 0;
}

static int take_late(void *state, int64_t session_id, const struct evidence *evidence, struct why *why)
{
    (void)why;
    fprintf(state, "late for %" PRId64 ": ", session_id);
    write_evidence(state, evidence);
    return 0;
}

struct sink session_text_sink(FILE *to)
{
    return (struct sink){ to, take_session, take_late };
}
