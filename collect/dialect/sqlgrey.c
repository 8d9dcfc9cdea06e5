/* sqlgrey (1.6 to 1.8, sub smtpd_access_policy): what it decided about a recipient.
 *     grey: new: 198.51.100(198.51.100.4), s@a.test -> bob@lab.test
 *     grey: early reconnect: 198.51.100(198.51.100.4), s@a.test -> bob@lab.test
 *     grey: reconnect ok: 198.51.100(198.51.100.4), s@a.test -> bob@lab.test (00:05:12)
 *     grey: throttling: 198.51.100(198.51.100.4), s@a.test -> bob@lab.test
 *     grey: from awl match: updating 198.51.100(198.51.100.4), s@a.test(s@a.test)
 *     grey: domain awl match: updating 198.51.100(198.51.100.4), a.test
 *     whitelist: s@a.test, 198.51.100.4(mail4.a.test) -> bob@lab.test
 * Sender and recipient are in lower case; the null sender is "-undef-@-undef-". Before the address stands
 * what the client is known by. A message's type goes before ("grey", "whitelist", "optin", "dbaccess", ...).
 */
#include "collect/dialect/policy.h"

static bool recognise(struct str program)
{
    return str_eq(program, STR("sqlgrey")) || str_eq(program, STR("postfix/sqlgrey"));
}

static const struct decision {
    struct str says;
    bool put_off, has_recipient;
} decisions[] = {
    { STR_INIT("new: "), true, true },
    { STR_INIT("early reconnect: "), true, true },
    { STR_INIT("reconnect ok: "), false, true },
    { STR_INIT("throttling: "), true, true },
    { STR_INIT("from awl match: updating "), false, false },
    { STR_INIT("domain awl match: updating "), false, false },
};

static struct str sender_of(struct str text)
{
    return str_eq(text, STR("-undef-@-undef-")) ? (struct str){ text.at, 0 } : text;
}

/* "62" or "00:05:12" (MySQL), in seconds; -1 where it is neither. */
static usec read_delay(struct str text)
{
    uint64_t part = 0, seconds = 0;
    do {
        if (!cut_number(&text, &part) || part > UINT32_MAX || seconds > UINT32_MAX)
            return -1;
        seconds = seconds * 60 + part;
    } while (cut_char(&text, ':'));
    return text.len == 0 && seconds <= UINT32_MAX ? (usec)seconds * USEC_SECOND : -1;
}

/* "s@a.test -> bob@lab.test": both are strangers' words, but what stands last is one of ours mostly. */
static bool split_envelope(struct str text, struct question *question)
{
    struct str sender;
    if (!str_split_last(text, STR(" -> "), &sender, &question->recipient))
        return false;
    question->sender = sender_of(sender);
    return true;
}

/* "198.51.100(198.51.100.4), " */
static bool cut_client(struct str *rest, struct ip *client)
{
    struct str in = *rest, known_by, address;
    if (!cut_until_char(&in, '(', &known_by) || !cut_until_char(&in, ')', &address) ||
        !ip_parse(address, client) || !cut_prefix(&in, STR(", ")))
        return false;
    *rest = in;
    return true;
}

static enum taken take_decision(const struct decision *decision, struct str rest, const struct line *line,
                                struct builder *builder)
{
    struct question question = { .line = line };
    struct evidence said = evidence_of(KIND_GREYLIST, tri_of(decision->put_off), line->at);
    struct str before, delay;
    said.a = -1;
    said.detail = decision->says;
    said.detail.len = (size_t)(str_find(decision->says, STR(":")) - decision->says.at);
    if (!cut_client(&rest, &question.client))
        return SKIPPED;
    if (!decision->put_off && decision->has_recipient && str_ends(rest, STR(")")) &&
        str_split_last(rest, STR(" ("), &before, &delay)) {
        delay.len--;
        said.a = read_delay(delay);
        rest = before;
    }
    if (decision->has_recipient) {
        if (!split_envelope(rest, &question))
            return SKIPPED;
        said.subject = question.recipient;
    } else if (str_ends(rest, STR(")")) && str_split_last(rest, STR("("), &before, &delay)) {
        delay.len--;
        question.sender = sender_of(delay);
    }
    policy_say(builder, &question, &said);
    return TAKEN;
}

/* "s@a.test, 198.51.100.4(mail4.a.test) -> bob@lab.test" */
static enum taken take_whitelisted(struct str rest, const struct line *line, struct builder *builder)
{
    struct question question = { .line = line };
    struct str before, sender, client, name;
    struct evidence said = evidence_of(KIND_GREYLIST, NO, line->at);
    if (!str_split_last(rest, STR(" -> "), &before, &question.recipient))
        return PASSED; /* "198.51.100.4 in static whitelist", "reloading ..." */
    if (!str_split_last(before, STR(", "), &sender, &client) || !cut_until_char(&client, '(', &name) ||
        !ip_parse(name, &question.client))
        return SKIPPED;
    question.sender = sender_of(sender);
    said.subject = question.recipient;
    said.detail = STR("whitelist");
    said.a = -1;
    policy_say(builder, &question, &said);
    return TAKEN;
}

static enum taken take(const struct line *line, struct builder *builder)
{
    struct str rest = line->text;
    if (cut_prefix(&rest, STR("whitelist: ")))
        return take_whitelisted(rest, line, builder);
    if (!cut_prefix(&rest, STR("grey: ")))
        return PASSED; /* optin, spam (who never came back), dbaccess, perf, conf, system, mail, martians */
    for (size_t i = 0; i < sizeof decisions / sizeof *decisions; i++)
        if (cut_prefix(&rest, decisions[i].says))
            return take_decision(&decisions[i], rest, line, builder);
    return PASSED; /* "from awl: 198.51.100, s@a.test added", and what it makes of the client's name */
}

const struct dialect dialect_sqlgrey = {
    .name = "sqlgrey",
    .title = "sqlgrey, greylisting for Postfix",
    .recognise = recognise,
    .take = take,
};
