/* postgrey (1.3x, sub mylog_action): what it decided about a recipient, and why.
 *     action=greylist, reason=new, client_name=N, client_address=A, sender=S, recipient=R
 *     action=greylist, reason=early-retry (12s missing), ...
 *     6760916E5B2: action=pass, reason=triplet found, delay=305, ...
 * A field that is empty is left out: without sender= it was the null sender. */
#include "collect/dialect/policy.h"
#include "collect/dialect/postfix.h"

static bool recognise(struct str program)
{
    return str_eq(program, STR("postgrey")) || str_eq(program, STR("postfix/postgrey"));
}

/* Seconds in front of `mark`: "early-retry (12s missing)". */
static usec seconds_before(struct str reason, struct str mark)
{
    struct str before, rest = reason;
    uint64_t seconds = 0;
    if (!cut_until_char(&rest, '(', &before) || !cut_number(&rest, &seconds) || !str_starts(rest, mark) ||
        seconds > UINT32_MAX)
        return -1;
    return (usec)seconds * USEC_SECOND;
}

/* mylog() doubles each '%', for a Net::Server of which formats were made; today's writes what it is given. */
static struct str single_percents(struct str text, char *room, size_t size)
{
    size_t len = 0;
    if (!str_find(text, STR("%%")) || text.len > size)
        return text;
    for (size_t i = 0; i < text.len; i++) {
        room[len++] = text.at[i];
        if (text.at[i] == '%' && i + 1 < text.len && text.at[i + 1] == '%')
            i++;
    }
    return (struct str){ room, len };
}

static enum taken take(const struct line *line, struct builder *builder)
{
    struct str rest = line->text, queue_id = { NULL, 0 }, action, reason, field;
    struct question question = { .line = line, .sender = STR("") };
    char sender[512], recipient[512]; /* postgrey cuts both there */
    if (cut_queue_id(&rest, &queue_id))
        question.queue_id = queue_id;
    if (!cut_prefix(&rest, STR("action=")))
        return PASSED; /* whitelisted: (the same as a pass by client AWL), cleaning up, starting */
    if (!cut_until_char(&rest, ',', &action) || !cut_prefix(&rest, STR(" reason=")) ||
        !cut_until(&rest, STR(", "), &reason))
        return SKIPPED;
    struct evidence said = evidence_of(KIND_GREYLIST, str_eq(action, STR("greylist")) ? YES : NO, line->at);
    said.detail = reason;
    said.a = seconds_before(reason, STR("s missing"));
    uint64_t delay = 0;
    if (cut_prefix(&rest, STR("delay=")) && cut_number(&rest, &delay) && delay <= UINT32_MAX)
        said.a = (usec)delay * USEC_SECOND;
    if (!cut_until(&rest, STR("client_address="), &field))
        return SKIPPED;
    /* sender and recipient are the client's words: the recipient is the last field, and mostly it exists */
    const char *last = NULL;
    for (struct str look = rest; cut_until(&look, STR(", recipient="), &field);)
        last = look.at;
    if (!last || !cut_until_char(&rest, ',', &field) || !ip_parse(field, &question.client))
        return SKIPPED;
    question.recipient = str_range(last, line->text.at + line->text.len);
    if (cut_prefix(&rest, STR(" sender=")))
        question.sender = str_range(rest.at, last - STR(", recipient=").len);
    question.sender = single_percents(question.sender, sender, sizeof sender);
    question.recipient = single_percents(question.recipient, recipient, sizeof recipient);
    said.subject = question.recipient;
    policy_say(builder, &question, &said);
    return TAKEN;
}

const struct dialect dialect_postgrey = {
    .name = "postgrey",
    .title = "postgrey, greylisting for Postfix",
    .recognise = recognise,
    .take = take,
};
