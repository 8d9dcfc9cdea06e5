/* What a dialog makes of its session: evidence of what the client did, refusals and their measures. */
#include "collect/capture/smtp_dialog.h"

#include "collect/dialect/phrases.h"

/* ---- What the client did. */

struct evidence smtp_evidence(enum kind kind, enum tri state, usec at)
{
    struct evidence evidence = evidence_of(kind, state, at);
    evidence.origin = ORIGIN_CAPTURE;
    return evidence;
}

void smtp_reach(struct smtp *smtp, enum stage stage)
{
    if (smtp->open && smtp->open->session.stage < stage)
        smtp->open->session.stage = (uint8_t)stage;
}

/* By the order in which the two sides knew of it, not by the clock: packets may be captured in another. */
static bool spoke_early(const struct smtp *smtp)
{
    return smtp->early || (smtp->spoke != USEC_NONE && smtp->banner == USEC_NONE);
}

void smtp_add_early_talker(struct smtp *smtp, struct builder *builder, struct open_session *open)
{
    if (smtp->implicit_tls || smtp->lost || smtp->connected == USEC_NONE ||
        (smtp->spoke == USEC_NONE && smtp->banner == USEC_NONE))
        return;
    bool early = spoke_early(smtp);
    struct evidence evidence =
        smtp_evidence(KIND_EARLY_TALKER, tri_of(early), early ? smtp->spoke : smtp->banner);
    evidence.a = smtp->spoke == USEC_NONE ? -1 : smtp->spoke - smtp->connected;
    evidence.b = smtp->banner == USEC_NONE ? -1 : smtp->banner - smtp->connected;
    builder_add_evidence(builder, open, &evidence);
}

void smtp_note_foreign(struct smtp *smtp, struct str what, usec at)
{
    if (!smtp->open)
        return;
    struct evidence evidence = smtp_evidence(KIND_NON_SMTP, YES, at);
    evidence.detail = what;
    for (uint32_t i = 0; i < smtp->open->session.evidence_count; i++)
        if (smtp->open->session.evidence[i].kind == KIND_NON_SMTP)
            return;
    builder_add_evidence(smtp->world->builder, smtp->open, &evidence);
}

void smtp_note_unanswered(struct smtp *smtp, const struct connection *connection)
{
    struct evidence evidence = smtp_evidence(KIND_UNANSWERED, YES, connection->started);
    evidence.a = connection->syns;
    builder_add_evidence(smtp->world->builder, smtp->open, &evidence);
}

/* ---- Refusals. */

void smtp_refused(struct smtp *smtp, const struct answer *answer, enum stage stage, int32_t transaction,
                  int32_t recipient)
{
    /* Who is told so before the banner has spoken before it: postscreen's and Exim's words are the same for
     * both. */
    static const struct saying too_soon = { { NULL, 0 }, NAMED_EARLY_TALKER, KIND_EARLY_TALKER, YES, 0,
                                            NULL,        { NULL, 0 } };
    struct refused refused = {
        .at = answer->at,
        .reply = { .code = answer->code, .stage = (uint8_t)stage, .text = answer->text },
        .transaction = transaction,
        .recipient = recipient
    };
    if (!smtp->open || answer->code < 400)
        return;
    smtp_cut_enhanced(&refused.reply.text, answer->code, &refused.reply.enhanced);
    if (transaction >= 0) {
        const struct transaction *asked = &smtp->open->session.transactions[transaction];
        refused.sender = asked->mail_from;
        if (recipient >= 0)
            refused.address = asked->recipients[recipient].address;
    }
    struct str words = smtp_without_address(refused.reply.text);
    const struct saying *saying = saying_of(words, stage);
    if (spoke_early(smtp) && (saying->named == NAMED_PIPELINING || str_starts(words, STR("Protocol error"))))
        saying = &too_soon;
    refused_note(smtp->world->builder, smtp->open, &refused, saying);
}

/* ---- The session's end. */

void smtp_conclude(struct builder *builder, struct open_session *open)
{
    struct smtp *smtp = open->notes;
    struct session *session = &open->session;
    if (!smtp->early_told)
        smtp_add_early_talker(smtp, builder, open);
    if (smtp->commands && (smtp->ahead || !smtp->lost)) {
        struct evidence evidence = smtp_evidence(KIND_PIPELINING, tri_of(smtp->ahead), session->started);
        evidence.detail = smtp->injected ? STR("plain text behind STARTTLS") : STR("");
        builder_add_evidence(builder, open, &evidence);
    }
    if (smtp->commands && (smtp->bare_newline || !smtp->lost)) {
        struct evidence evidence =
            smtp_evidence(KIND_BARE_NEWLINE, tri_of(smtp->bare_newline), session->started);
        builder_add_evidence(builder, open, &evidence);
    }
    if (smtp->world->answers)
        answers_note(smtp->world->answers, builder, open, smtp->seen);
    for (uint32_t i = 0; i < session->evidence_count; i++)
        session->evidence[i].origin = ORIGIN_CAPTURE;
    session->gap |= smtp->lost;
    session->direction =
        (uint8_t)servers_direction(smtp->world->servers, &session->client, &session->server_address);
    smtp->open = NULL;
}
