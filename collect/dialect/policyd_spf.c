/* SPF policy servers for Postfix: pypolicyd-spf (1.x to 3.x) and postfix-policyd-spf-perl.
 *     : prepend Received-SPF: Pass (mailfrom) identity=mailfrom; client-ip=A; helo=H; envelope-from=S;
 * receiver=R Pass; identity=mailfrom; client-ip=A; helo=H; envelope-from=S; receiver=R (1.x) : 550 5.7.23
 * Message rejected due to: SPF fail - not authorized. Please see http://...?s=mfrom;id=S;ip=A;r=R Policy
 * action=PREPEND Received-SPF: pass (x: ...) receiver=R; identity=mailfrom; envelope-from="S"; helo=H;
 * client-ip=A pypolicyd writes sender and HELO name in lower case. */
#include "collect/dialect/policy.h"

static bool recognise(struct str program)
{
    static const struct str names[] = { STR_INIT("policyd-spf"), STR_INIT("policy-spf"),
                                        STR_INIT("pypolicyd-spf") };
    const char *slash = str_find_last(program, '/');
    struct str name = slash ? str_range(slash + 1, program.at + program.len) : program;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (str_eq(name, names[i]))
            return true;
    return false;
}

/* RFC 7208 2.6; pypolicyd writes some of them otherwise. */
static const struct result {
    struct str says;
    const char *name;
} results[] = {
    { STR_INIT("pass"), "pass" },           { STR_INIT("fail"), "fail" },
    { STR_INIT("softfail"), "softfail" },   { STR_INIT("neutral"), "neutral" },
    { STR_INIT("none"), "none" },           { STR_INIT("permerror"), "permerror" },
    { STR_INIT("temperror"), "temperror" }, { STR_INIT("error"), "temperror" },
    { STR_INIT("unknown"), "permerror" },
};

static const char *result_of(struct str word)
{
    for (size_t i = 0; i < sizeof results / sizeof *results; i++)
        if (str_eq_nocase(word, results[i].says))
            return results[i].name;
    return NULL;
}

static struct str cut_first_word(struct str *rest)
{
    size_t i = 0;
    while (i < rest->len && is_alpha(rest->at[i]))
        i++;
    struct str word = { rest->at, i };
    *rest = str_skip(*rest, i);
    return word;
}

/* "name=value;" of the text; at == NULL where it is not there. The sender may hold anything, so `end` is what
 * follows it. */
static struct str field_of(struct str text, struct str name, struct str end)
{
    struct str before, value = { NULL, 0 };
    if (!cut_until(&text, name, &before))
        return value;
    if (!cut_until(&text, end, &value))
        value = text;
    value = str_trim(value);
    if (value.len > 1 && value.at[0] == '"' && value.at[value.len - 1] == '"')
        value = (struct str){ value.at + 1, value.len - 2 };
    return value;
}

static void say(struct builder *builder, const struct line *line, const struct question *question,
                const char *result, struct str domain)
{
    struct evidence spf = evidence_of(KIND_SPF, tri_of(strcmp(result, "pass") == 0), line->at);
    if (strcmp(result, "temperror") == 0)
        spf.state = UNKNOWN;
    spf.subject = domain;
    spf.detail = str_of(result);
    policy_say(builder, question, &spf);
}

static struct str domain_of(struct str address)
{
    const char *at = str_find_last(address, '@');
    return at ? str_range(at + 1, address.at + address.len) : address;
}

/* Received-SPF (RFC 7208 9.1), in either order of fields. */
static enum taken take_received(struct str rest, const struct line *line, struct builder *builder)
{
    struct question question = { .line = line };
    const char *result = result_of(cut_first_word(&rest));
    struct str address = field_of(rest, STR("client-ip="), STR(";"));
    if (!result || !address.at || !ip_parse(address, &question.client))
        return SKIPPED;
    question.helo = field_of(rest, STR("helo="), STR(";"));
    question.sender = field_of(rest, STR("envelope-from="), STR("; receiver="));
    if (str_find(rest, STR("envelope-from=\""))) /* the Perl one */
        question.sender = field_of(rest, STR("envelope-from="), STR("; helo="));
    if (str_eq(question.sender, STR("<>")) || str_eq_nocase(question.sender, STR("<UNKNOWN>")))
        question.sender = STR("");
    bool helo = str_find(rest, STR("identity=helo")) != NULL;
    if (helo && question.sender.len)
        return PASSED; /* the HELO name's result; the sender has its own, and that is what is acted upon */
    say(builder, line, &question, result, helo ? question.helo : domain_of(question.sender));
    return TAKEN;
}

/* "550 5.7.23 Message rejected due to: SPF fail - not authorized. Please see
 * http://www.openspf.net/Why?s=mfrom;id=S;ip=A;r=R" */
static enum taken take_refusal(struct str rest, const struct line *line, struct builder *builder)
{
    struct question question = { .line = line };
    struct str before;
    if (!cut_until(&rest, STR("due to: SPF "), &before))
        return PASSED;
    const char *result = result_of(cut_first_word(&rest));
    const char *address = NULL;
    for (struct str look = rest; cut_until(&look, STR(";ip="), &before);)
        address = look.at;
    if (!result || !address)
        return PASSED; /* the refusal itself is told by smtpd */
    struct str ip = str_range(address, rest.at + rest.len), value;
    if (!cut_until_char(&ip, ';', &value) || !ip_parse(value, &question.client))
        return PASSED;
    struct str id = str_range(rest.at, address - STR(";ip=").len);
    bool helo = str_find(id, STR("?s=helo;")) != NULL;
    if (!cut_until(&id, STR(";id="), &before))
        return PASSED;
    if (!helo)
        question.sender = id;
    say(builder, line, &question, result, helo ? id : domain_of(id));
    return TAKEN;
}

static enum taken take(const struct line *line, struct builder *builder)
{
    struct str rest = line->text, before;
    cut_prefix(&rest, STR(": "));
    if (cut_until(&rest, STR("Received-SPF: "), &before))
        return take_received(rest, line, builder);
    if (str_find(rest, STR("identity=")) && str_find(rest, STR("client-ip=")))
        return take_received(rest, line, builder);
    if (str_find(rest, STR("due to: SPF ")))
        return take_refusal(rest, line, builder);
    /* "Policy action=DUNNO", "handler ...", "SPF skipped: ...", tracebacks */
    return PASSED;
}

const struct dialect dialect_policyd_spf = {
    .name = "policyd-spf",
    .title = "policyd-spf, SPF for Postfix (Python and Perl)",
    .recognise = recognise,
    .take = take,
};
