/* SPF for Postfix and for milters: python's policyd-spf and pyspf-milter (spf-engine 3, pypolicyd-spf 1, 2),
 * and postfix-policyd-spf-perl.
 *     prepend Received-SPF: Pass (mailfrom) identity=mailfrom; CLIENT
 *     prepend Authentication-Results: I; spf=pass (WHY) smtp.mailfrom=D (CLIENT)
 *     Pass; identity=mailfrom; CLIENT
 *     550 5.7.23 Message rejected due to: WHY. Please see http://www.openspf.net/Why?s=mfrom;id=S;ip=A;r=R
 *     Policy action=PREPEND Received-SPF: pass (WHY) receiver=R; identity=mailfrom; envelope-from="S"; ...
 * where CLIENT is "client-ip=A; helo=H; envelope-from=S; receiver=R". The second is the milter's, and that of
 * Header_Type = AR; the third that of 1.x, and of debugLevel = 2; the last the Perl one's. A queue id may
 * stand in front (or ": " where there was none, before 2.9). Sender and HELO name are in lower case in
 * python's. The client has written the sender, the HELO name, and by its DNS much of WHY. */
#include "collect/dialect/filter.h"
#include "collect/dialect/policy.h"
#include "collect/dialect/postfix.h"

static bool recognise(struct str program)
{
    static const struct str names[] = { STR_INIT("policyd-spf"), STR_INIT("policy-spf"),
                                        STR_INIT("pypolicyd-spf"), STR_INIT("pyspf-milter") };
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

/* A quoted string without its quotes; other text as it is. Mail::SPF puts '\\' before quotes in it, which
 * same_address() does not mind. */
static struct str unquoted(struct str value)
{
    if (value.len > 1 && value.at[0] == '"' && value.at[value.len - 1] == '"')
        value = (struct str){ value.at + 1, value.len - 2 };
    return value;
}

/* Takes "name=value" off the end of the text. The name's last place counts: what stands behind it is not the
 * client's to write. */
static bool cut_last(struct str *text, struct str name, struct str *value)
{
    const char *last = NULL;
    struct str before;
    for (struct str look = *text; cut_until(&look, name, &before);)
        last = look.at;
    if (!last)
        return false;
    *value = str_trim(str_range(last, text->at + text->len));
    text->len = (size_t)(last - name.len - text->at);
    return true;
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

/* "client-ip=A; helo=H; envelope-from=S; receiver=R" of the python ones: the HELO name has no blank, since
 * smtpd gives none on. */
static bool read_client(struct str rest, struct question *question)
{
    struct str address, before;
    if (!cut_until_char(&rest, ';', &address) || !ip_parse(address, &question->client) ||
        !cut_prefix(&rest, STR(" helo=")) || !cut_until(&rest, STR("; envelope-from="), &question->helo))
        return false;
    question->sender = rest;
    for (struct str look = rest; cut_until(&look, STR("; receiver="), &before);)
        question->sender = str_range(rest.at, before.at + before.len);
    if (str_eq(question->sender, STR("<>")) || str_eq_nocase(question->sender, STR("<UNKNOWN>")))
        question->sender = STR("");
    return true;
}

/* What is said of the HELO name is that of the message only where there is no sender to ask about. */
static enum taken say_of(struct question *question, bool helo, const char *result, const struct line *line,
                         struct builder *builder)
{
    if (helo && question->sender.len)
        return PASSED;
    say(builder, line, question, result, helo ? question->helo : address_domain(question->sender));
    return TAKEN;
}

/* "pass (WHY) receiver=R; identity=mailfrom; envelope-from="S"; helo=H; client-ip=A" */
static enum taken take_perl(struct str rest, struct question *question, const struct line *line,
                            struct builder *builder)
{
    struct str address, sender;
    const char *result = result_of(cut_first_word(&rest));
    if (!result || !cut_last(&rest, STR("; client-ip="), &address) || !ip_parse(address, &question->client) ||
        !cut_last(&rest, STR("; helo="), &question->helo))
        return SKIPPED;
    bool helo = !cut_last(&rest, STR("; envelope-from="), &sender);
    question->helo = unquoted(question->helo);
    question->sender = helo ? STR("") : unquoted(sender);
    return say_of(question, helo, result, line, builder);
}

/* "Pass (mailfrom) identity=mailfrom; client-ip=...", "Pass; identity=mailfrom; client-ip=..." */
static enum taken take_received(struct str rest, struct question *question, const struct line *line,
                                struct builder *builder)
{
    struct str why, identity;
    const char *result = result_of(cut_first_word(&rest));
    if (!result || !cut_until(&rest, STR("identity="), &why) ||
        !cut_until(&rest, STR("; client-ip="), &identity) || !read_client(rest, question))
        return SKIPPED;
    return say_of(question, str_eq(identity, STR("helo")), result, line, builder);
}

/* "mx.lab.test; spf=pass (sender SPF authorized) smtp.mailfrom=b.test (client-ip=...; receiver=R)" (RFC
 * 8601); "mx.lab.test; none (SPF skipped for whitelisted relay - client-ip=...)" was not asked. */
static enum taken take_results(struct str rest, struct question *question, const struct line *line,
                               struct builder *builder)
{
    struct str before;
    if (!cut_until(&rest, STR("; "), &before) || !cut_prefix(&rest, STR("spf=")))
        return PASSED;
    const char *result = result_of(cut_first_word(&rest));
    if (!result || !cut_until(&rest, STR(" smtp."), &before))
        return SKIPPED;
    bool helo = str_starts(rest, STR("helo="));
    if (!cut_until(&rest, STR(" (client-ip="), &before) || !read_client(rest, question))
        return SKIPPED;
    return say_of(question, helo, result, line, builder);
}

/* Why it was refused (pyspf's EXPLANATIONS and errors, spf_engine's local policies); what is none of these is
 * the explanation that the domain itself gives of a fail (RFC 7208 6.2). */
static const char *result_by_words(struct str why)
{
    static const struct result words[] = {
        { STR_INIT("SPF Permanent Error"), "permerror" },
        { STR_INIT("SPF Temporary Error"), "temperror" },
        { STR_INIT("domain owner discourages"), "softfail" },
        { STR_INIT("access neither permitted"), "neutral" },
        { STR_INIT("no SPF record"), "none" },
    };
    if (cut_prefix(&why, STR("Receiver policy for SPF "))) {
        const char *result = result_of(cut_first_word(&why));
        return result ? result : "fail";
    }
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (str_starts(why, words[i].says))
            return words[i].name;
    return "fail";
}

/* "SPF fail - not authorized. Please see http://www.openspf.net/Why?s=mfrom;id=S;ip=A;r=R" */
static enum taken take_refusal(struct str rest, struct question *question, const struct line *line,
                               struct builder *builder)
{
    struct str before;
    const char *address = NULL;
    const char *result = result_by_words(rest);
    for (struct str look = rest; cut_until(&look, STR(";ip="), &before);)
        address = look.at;
    if (!address)
        return PASSED; /* the refusal itself is told by smtpd */
    struct str ip = str_range(address, rest.at + rest.len), value;
    if (!cut_until_char(&ip, ';', &value) || !ip_parse(value, &question->client))
        return PASSED;
    struct str id = str_range(rest.at, address - STR(";ip=").len);
    bool helo = str_find(id, STR("?s=helo;")) != NULL;
    if (!cut_until(&id, STR(";id="), &before))
        return PASSED;
    if (!helo)
        question->sender = id;
    say(builder, line, question, result, helo ? id : address_domain(id));
    return TAKEN;
}

static enum taken take(const struct line *line, struct builder *builder)
{
    struct str rest = line->text, queue_id;
    struct question question = { .line = line };
    if (cut_queue_id(&rest, &queue_id))
        question.queue_id = queue_id;
    else
        cut_prefix(&rest, STR(": "));
    if (cut_prefix(&rest, STR("Policy action=PREPEND Received-SPF: ")))
        return take_perl(rest, &question, line, builder);
    if (!cut_prefix(&rest, STR("prepend ")))
        cut_prefix(&rest, STR("Header field not prepended: "));
    if (cut_prefix(&rest, STR("Received-SPF: ")))
        return take_received(rest, &question, line, builder);
    if (cut_prefix(&rest, STR("Authentication-Results: ")))
        return take_results(rest, &question, line, builder);
    struct str word = rest, refused;
    if (result_of(cut_first_word(&word)) && str_starts(word, STR("; identity=")))
        return take_received(rest, &question, line, builder);
    if (cut_until(&rest, STR(" due to: "), &refused) &&
        (str_ends(refused, STR("Message rejected")) || str_ends(refused, STR("Message deferred"))))
        return take_refusal(rest, &question, line, builder);
    /* "Policy action=DUNNO", "handler ...", "SPF skipped: ...", "spfcheck: ...", tracebacks */
    return PASSED;
}

const struct dialect dialect_policyd_spf = {
    .name = "policyd-spf",
    .title = "policyd-spf, SPF for Postfix (Python and Perl), and pyspf-milter",
    .recognise = recognise,
    .take = take,
};
