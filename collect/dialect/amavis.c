/* amavisd: one line a message (amavisd.conf, $log_templ), short or verbose ($log_short_templ,
 * $log_verbose_templ at the end of Amavis.pm):
 *     (27386-01) Passed CLEAN {RelayedInbound}, [192.0.2.1]:41003 [192.0.2.1] <a@b> -> <c@d>, Queue-ID:
 * 6760916E5B2, Message-ID: <m@x>, mail_id: i, Hits: -1.9, size: 470, queued_as: 77F6916E5B2, 312 ms
 *     (27386-02) Blocked INFECTED (Eicar-Test-Signature) {DiscardedInbound,Quarantined}, ...
 * It is joined to the message by its queue id, else (before the queue, where it has none yet) by its
 * Message-ID, else by that of the message that it handed on. The verdict stands at the left; a Message-ID or
 * a Subject that looks like the fields behind it leaves the score unknown. */
#include "collect/dialect/filter.h"
#include "collect/dialect/postfix.h"

static bool recognise(struct str program)
{
    return str_eq(program, STR("amavis")) || str_eq(program, STR("amavisd")) ||
           str_eq(program, STR("amavisd-new")) || str_eq(program, STR("postfix/amavis"));
}

/* The categories, worst last: a message has the worst one that it is in (Amavis/Conf.pm, CC_...). So what
 * stands above SPAM may be spam or not, and what was not looked into may hold anything. */
static const struct category {
    struct str name;
    uint8_t spam, virus; /* enum tri */
} categories[] = {
    { STR_INIT("CLEAN"), NO, NO },           { STR_INIT("SPAMMY"), NO, NO },
    { STR_INIT("SPAM"), YES, NO },           { STR_INIT("INFECTED"), UNKNOWN, YES },
    { STR_INIT("BANNED"), UNKNOWN, NO },     { STR_INIT("UNCHECKED"), UNKNOWN, UNKNOWN },
    { STR_INIT("BAD-HEADER"), NO, NO },      { STR_INIT("OVERSIZED"), NO, NO },
    { STR_INIT("MTA-BLOCKED"), NO, NO },     { STR_INIT("TEMPFAIL"), UNKNOWN, UNKNOWN },
    { STR_INIT("OTHER"), UNKNOWN, UNKNOWN },
};

/* "SPAMMY ", "BAD-HEADER-7 ", "UNCHECKED-ENCRYPTED,": a whole word, numbers and details aside. */
static const struct category *cut_category(struct str *rest)
{
    size_t end = 0;
    while (end < rest->len && (is_alpha(rest->at[end]) || is_digit(rest->at[end]) || rest->at[end] == '-'))
        end++;
    struct str word = { rest->at, end };
    for (size_t i = 0; i < sizeof categories / sizeof *categories; i++) {
        struct str name = categories[i].name;
        if (!str_starts(word, name) || (word.len > name.len && word.at[name.len] != '-'))
            continue;
        *rest = str_skip(*rest, end);
        return &categories[i];
    }
    return NULL;
}

/* ---- The fields. */

/* The value of ", name" up to the next comma; at == NULL where it is not there, or more than once. */
static struct str only_field(struct str text, struct str name)
{
    struct str before, again, value = { NULL, 0 }, rest = text;
    if (!cut_until(&rest, name, &before))
        return value;
    again = rest;
    if (cut_until(&again, name, &before))
        return value;
    return cut_until_char(&rest, ',', &value) ? value : rest;
}

/* "<c@d>,<e@f>": what follows are the fields. */
static bool cut_recipients(struct str *rest)
{
    struct str in = *rest, address;
    if (!cut_char(&in, '<') || !cut_address(&in, &address))
        return false;
    while (cut_prefix(&in, STR(",<")))
        if (!cut_address(&in, &address))
            return false;
    *rest = in;
    return true;
}

/* Up to the sender: "{RelayedInbound}, MYNETS LOCAL [192.0.2.1]:41003 [192.0.2.1] ESMTP/ESMTP <a@b> -> ". */
static bool cut_envelope(struct str *rest)
{
    struct str in = *rest, before, address;
    if (!cut_until(&in, STR(" <"), &before) || !cut_address(&in, &address) || !cut_prefix(&in, STR(" -> ")))
        return false;
    *rest = in;
    return true;
}

/* "Message-ID: <m@x>, ": at == NULL where there is none. */
static struct str message_id_in(struct str fields)
{
    struct str before, id = { NULL, 0 };
    if (!cut_until(&fields, STR(", Message-ID: "), &before) || !cut_until_char(&fields, ',', &id))
        return (struct str){ NULL, 0 };
    return bare_message_id(id);
}

static void say_signatures(struct builder *builder, const struct filtered *message, struct str fields)
{
    enum { SIGNATURES_MOST = 8 };
    struct str list = only_field(fields, STR(", dkim_sd=")), before, signature;
    const char *end = fields.at + fields.len;
    /* selector:domain, all valid ones, separated by commas without a blank (Amavis/DKIM.pm) */
    if (!list.at)
        return;
    struct str rest = str_range(list.at, end);
    for (int i = 0; i < SIGNATURES_MOST && rest.len && rest.at[0] != ' '; i++) {
        if (!cut_until_char(&rest, ',', &signature)) {
            signature = rest;
            rest = str_skip(rest, rest.len);
        }
        if (!cut_until_char(&signature, ':', &before) || !str_find(signature, STR(".")))
            return;
        struct evidence dkim = result_evidence(KIND_DKIM, message->line->at, signature, "pass");
        filter_say(builder, message, &dkim);
    }
}

/* "Tests: [BAYES_00=-1.9,DKIM_VALID=-0.1]" of the verbose form. */
static struct str tests_in(struct str fields)
{
    struct str before, tests = { NULL, 0 }, again;
    if (!cut_until(&fields, STR(", Tests: ["), &before))
        return tests;
    again = fields;
    if (cut_until(&again, STR(", Tests: ["), &before) || !cut_until_char(&fields, ']', &tests))
        return (struct str){ NULL, 0 };
    return tests;
}

/* ---- The line. */

static void say_virus(struct builder *builder, const struct filtered *message,
                      const struct category *category, struct str names)
{
    struct evidence virus = evidence_of(KIND_VIRUS, (enum tri)category->virus, message->line->at);
    if (category->virus == YES)
        virus.detail = names;
    filter_say(builder, message, &virus);
}

static enum taken take(const struct line *line, struct builder *builder)
{
    struct str rest = line->text, before, names = { NULL, 0 };
    struct filtered message = { .line = line };
    if (!cut_char(&rest, '(') || !cut_until(&rest, STR(") "), &before) ||
        (!cut_prefix(&rest, STR("Blocked ")) && !cut_prefix(&rest, STR("Passed "))))
        return PASSED;
    const struct category *category = cut_category(&rest);
    if (!category)
        return SKIPPED;
    struct str look = rest;
    if (cut_prefix(&look, STR(" (")) &&
        (cut_until(&look, STR(") {"), &names) || cut_until(&look, STR("), "), &names)))
        rest = look;
    if (!cut_envelope(&rest))
        return SKIPPED;
    if (!cut_recipients(&rest))
        return str_starts(rest, STR(", Hits: ")) ? PASSED : SKIPPED; /* $log_recip_templ of one refused */
    struct str queued_as = only_field(rest, STR(", queued_as: "));
    message.queue_id = only_field(rest, STR(", Queue-ID: "));
    message.message_id = message_id_in(rest);
    if (!message.queue_id.at && !filter_knows(builder, &message))
        message.queue_id = queued_as;
    if (!message.queue_id.at && !message.message_id.at)
        return PASSED; /* the log of each recipient ($log_recip_templ) */
    int64_t score = 0;
    enum taken taken = filter_knows(builder, &message) ? TAKEN : PASSED;
    say_virus(builder, &message, category, names);
    if (read_score(only_field(rest, STR(", Hits: ")), &score)) {
        struct evidence scored =
            scored_evidence(line->at, score, INT64_MIN, (enum tri)category->spam, tests_in(rest));
        filter_say(builder, &message, &scored);
    }
    say_signatures(builder, &message, rest);
    return taken;
}

const struct dialect dialect_amavis = {
    .name = "amavis",
    .title = "amavisd, spam and virus scanning",
    .recognise = recognise,
    .take = take,
};
