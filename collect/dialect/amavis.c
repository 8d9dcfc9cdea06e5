/* amavisd: one line a message (amavisd.conf, $log_templ):
 *     (27386-01) Passed CLEAN {RelayedInbound}, [192.0.2.1]:41003 [192.0.2.1] <a@b> -> <c@d>, Queue-ID:
 * 6760916E5B2, Message-ID: <m@x>, mail_id: i, Hits: -1.9, size: 470, queued_as: 77F6916E5B2, 312 ms
 *     (27386-02) Blocked INFECTED (Eicar-Test-Signature) {DiscardedInbound,Quarantined}, ...
 * It is joined to the message by its queue id; sender and Message-ID are the client's words, so the mark is
 * looked for where they cannot stand before it. */
#include "collect/dialect/postfix.h"

static bool recognise(struct str program)
{
    return str_eq(program, STR("amavis")) || str_eq(program, STR("amavisd")) ||
           str_eq(program, STR("postfix/amavis"));
}

/* The last place of `name`, and its value up to the next comma. */
static bool last_field(struct str text, struct str name, struct str *value)
{
    struct str before, rest = text;
    bool found = false;
    while (cut_until(&rest, name, &before)) {
        struct str look = rest;
        if (!cut_until_char(&look, ',', value))
            *value = rest;
        found = true;
    }
    return found;
}

static enum taken take(const struct line *line, struct builder *builder)
{
    struct str rest = line->text, before, queue_id, hits, signature;
    if (!cut_char(&rest, '(') || !cut_until(&rest, STR(") "), &before))
        return PASSED;
    bool blocked = cut_prefix(&rest, STR("Blocked "));
    if (!blocked && !cut_prefix(&rest, STR("Passed ")))
        return PASSED;
    struct str verdict = rest;
    if (!last_field(rest, STR(", Queue-ID: "), &queue_id))
        return PASSED; /* before the queue, where the message has no name yet: smtpd tells what it answered */
    session_key key = key_of_text(KEY_QUEUE_ID, line->host, queue_id);
    if (!builder_knows(builder, key))
        return PASSED;
    bool infected = cut_prefix(&rest, STR("INFECTED")), spam = cut_prefix(&rest, STR("SPAM"));
    struct evidence virus = evidence_of(KIND_VIRUS, tri_of(infected), line->at);
    if (infected && cut_prefix(&rest, STR(" (")) && cut_until(&rest, STR(") {"), &signature))
        virus.detail = signature;
    builder_add_by_key(builder, key, line, &virus);
    struct evidence scored = evidence_of(KIND_SPAM, UNKNOWN, line->at);
    scored.b = INT64_MIN;
    if (last_field(verdict, STR(", Hits: "), &hits) && read_score(hits, &scored.a)) {
        scored.state = (uint8_t)tri_of(spam && blocked);
        builder_add_by_key(builder, key, line, &scored);
    }
    return TAKEN;
}

const struct dialect dialect_amavis = {
    .name = "amavis",
    .title = "amavisd, spam and virus scanning",
    .recognise = recognise,
    .take = take,
};
