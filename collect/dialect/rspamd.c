/* rspamd: one line a message, in the midst of a task's others.
 *     <1f2e3d>; task; rspamd_task_write_log: id: <m@x>, qid: <6760916E5B2>, ip: 192.0.2.1, user: u, from:
 * <a@b>, (default: F (no action): [1.20/15.00] [SYMBOL_A(1.00){x;},SYMBOL_B(0.20){}], len: 470, time: 81.3ms,
 * dns req: 9, digest: <x>, rcpts: <c@d>, mime_rcpts: <c@d>, forced: reject "text"; score=nan (set by gtube)
 * (conf/logging.inc, log_format; src/libserver/task.c, rspamd_task_write_log). What it answered as a milter
 * is told by the server. Message-ID and sender are strangers' words, unquoted, and may read as if all the
 * rest followed in them: what counts is the first that names a message which is known, and a line with two
 * scores is not believed. */
#include "collect/dialect/filter.h"
#include "collect/dialect/postfix.h"

static bool recognise(struct str program)
{
    return str_eq(program, STR("rspamd")) || str_eq(program, STR("postfix/rspamd"));
}

struct written {
    struct filtered message;
    struct str sender, action, scores, symbols;
};

/* ---- The fields. */

/* "(default: F (no action): [1.20/15.00] [...], len: ": up to "] [". */
static bool cut_result(struct str *rest, struct written *written)
{
    struct str in = *rest, metric, flag;
    if (!cut_char(&in, '(') || !cut_until(&in, STR(": "), &metric) || !cut_until(&in, STR(" ("), &flag) ||
        flag.len != 1 || !cut_until(&in, STR("): ["), &written->action) ||
        !cut_until_char(&in, ']', &written->scores))
        return false;
    *rest = in;
    return true;
}

/* Whether results can be read in two places. */
static bool has_two_results(struct str rest)
{
    struct written one;
    struct str before;
    int count = 0;
    while (count < 2 && cut_until(&rest, STR(", ("), &before)) {
        struct str look = { rest.at - 1, rest.len + 1 };
        count += cut_result(&look, &one);
    }
    return count == 2;
}

/* "qid: <6760916E5B2>, ip: 192.0.2.1, user: u, from: <a@b>, (default: F (no action): [1.20/15.00] [...]",
 * each but the last only where there is one. */
static bool read_fields(struct str rest, struct written *written)
{
    struct str value;
    if (cut_prefix(&rest, STR("qid: <")) &&
        (!cut_until(&rest, STR(">, "), &written->message.queue_id) || !written->message.queue_id.len))
        return false;
    if (cut_prefix(&rest, STR("ip: ")) && !cut_until(&rest, STR(", "), &value))
        return false;
    if (cut_prefix(&rest, STR("user: ")) && !cut_until(&rest, STR(", "), &value))
        return false;
    if (cut_prefix(&rest, STR("from: <"))) {
        if (!cut_until(&rest, STR(">, ("), &written->sender))
            return false;
        rest = (struct str){ rest.at - 1, rest.len + 1 };
    }
    if (!cut_result(&rest, written))
        return false;
    if (cut_prefix(&rest, STR(" [")) && !cut_until(&rest, STR("]), len: "), &written->symbols) &&
        !cut_until(&rest, STR("], len: "), &written->symbols))
        written->symbols = (struct str){ NULL, 0 };
    return true;
}

/* Behind "id: <". */
static bool read_line(struct str rest, const struct builder *builder, const struct line *line,
                      struct written *written)
{
    enum { TRIES = 16 };
    const char *from = rest.at;
    struct str id;
    bool found = false;
    for (int i = 0; i < TRIES && cut_until(&rest, STR(">, "), &id); i++) {
        struct written one = { .message = { .line = line } };
        if (!read_fields(rest, &one))
            continue;
        one.message.message_id = str_range(from, id.at + id.len);
        if (!found)
            *written = one;
        found = true;
        if (!filter_knows(builder, &one.message))
            continue;
        *written = one;
        break;
    }
    return found;
}

/* ---- Symbols (conf/scores.d/policies_group.conf, conf/modules.d/rbl.conf). */

static const struct verdict_row {
    struct str symbol;
    uint8_t kind;
    const char *result;
} verdicts[] = {
    { STR_INIT("R_SPF_ALLOW"), KIND_SPF, "pass" },
    { STR_INIT("R_SPF_PLUSALL"), KIND_SPF, "pass" },
    { STR_INIT("R_SPF_FAIL"), KIND_SPF, "fail" },
    { STR_INIT("R_SPF_SOFTFAIL"), KIND_SPF, "softfail" },
    { STR_INIT("R_SPF_NEUTRAL"), KIND_SPF, "neutral" },
    { STR_INIT("R_SPF_NA"), KIND_SPF, "none" },
    { STR_INIT("R_SPF_DNSFAIL"), KIND_SPF, "temperror" },
    { STR_INIT("R_SPF_PERMFAIL"), KIND_SPF, "permerror" },
    { STR_INIT("R_DKIM_ALLOW"), KIND_DKIM, "pass" },
    { STR_INIT("R_DKIM_REJECT"), KIND_DKIM, "fail" },
    { STR_INIT("R_DKIM_TEMPFAIL"), KIND_DKIM, "temperror" },
    { STR_INIT("R_DKIM_PERMFAIL"), KIND_DKIM, "permerror" },
    { STR_INIT("R_DKIM_NA"), KIND_DKIM, "none" },
    { STR_INIT("DMARC_POLICY_ALLOW"), KIND_DMARC, "pass" },
    { STR_INIT("DMARC_POLICY_ALLOW_WITH_FAILURES"), KIND_DMARC, "pass" },
    { STR_INIT("DMARC_POLICY_REJECT"), KIND_DMARC, "fail" },
    { STR_INIT("DMARC_POLICY_QUARANTINE"), KIND_DMARC, "fail" },
    { STR_INIT("DMARC_POLICY_SOFTFAIL"), KIND_DMARC, "fail" },
    { STR_INIT("DMARC_NA"), KIND_DMARC, "none" },
    { STR_INIT("DMARC_DNSFAIL"), KIND_DMARC, "temperror" },
    { STR_INIT("DMARC_BAD_POLICY"), KIND_DMARC, "permerror" },
};

static const struct list_row {
    struct str symbol, zone;
    int64_t answer; /* the last byte of 127.0.0.x; 0: several have this symbol */
} lists[] = {
    { STR_INIT("RBL_SPAMHAUS_SBL"), STR_INIT("zen.spamhaus.org"), 2 },
    { STR_INIT("RBL_SPAMHAUS_CSS"), STR_INIT("zen.spamhaus.org"), 3 },
    { STR_INIT("RBL_SPAMHAUS_XBL"), STR_INIT("zen.spamhaus.org"), 0 },
    { STR_INIT("RBL_SPAMHAUS_PBL"), STR_INIT("zen.spamhaus.org"), 0 },
    { STR_INIT("RBL_SPAMHAUS_DROP"), STR_INIT("zen.spamhaus.org"), 9 },
    { STR_INIT("RBL_MAILSPIKE_WORST"), STR_INIT("rep.mailspike.net"), 10 },
    { STR_INIT("RBL_MAILSPIKE_VERYBAD"), STR_INIT("rep.mailspike.net"), 11 },
    { STR_INIT("RBL_MAILSPIKE_BAD"), STR_INIT("rep.mailspike.net"), 12 },
    { STR_INIT("RBL_SENDERSCORE"), STR_INIT("bl.score.senderscore.com"), 0 },
    { STR_INIT("RBL_SEM"), STR_INIT("bl.spameatingmonkey.net"), 0 },
    { STR_INIT("RBL_SEM_IPV6"), STR_INIT("bl.ipv6.spameatingmonkey.net"), 0 },
    { STR_INIT("RBL_VIRUSFREE_BOTNET"), STR_INIT("bip.virusfree.cz"), 2 },
    { STR_INIT("RBL_NIXSPAM"), STR_INIT("ix.dnsbl.manitu.net"), 0 },
    { STR_INIT("RBL_BLOCKLISTDE"), STR_INIT("bl.blocklist.de"), 0 },
};

static bool is_symbol_char(char c)
{
    return is_alpha(c) || is_digit(c) || c == '_' || c == '-' || c == '.';
}

/* "R_SPF_ALLOW(-0.20){+mx;}" with the comma behind it; score and options may be missing (log_format). */
static bool cut_symbol(struct str *rest, struct str *name, struct str *options)
{
    size_t i = 0;
    struct str in = *rest, score;
    while (i < in.len && is_symbol_char(in.at[i]))
        i++;
    *name = (struct str){ in.at, i };
    in = str_skip(in, i);
    *options = (struct str){ in.at, 0 };
    if (cut_char(&in, '(') && !cut_until_char(&in, ')', &score))
        return false;
    if (cut_char(&in, '{') && !cut_until(&in, STR("},"), options)) {
        if (!cut_until_char(&in, '}', options))
            return false;
    } else {
        cut_char(&in, ',');
    }
    *rest = in;
    return name->len > 0;
}

static struct str cut_option(struct str *options)
{
    struct str option = *options;
    if (!cut_until_char(options, ';', &option))
        *options = str_skip(*options, options->len);
    return option;
}

/* "example.org:s=mail", "example.org : SPF not aligned (relaxed)"; at == NULL where it is no domain ("No From
 * header"). */
static struct str domain_in(struct str option)
{
    size_t i = 0;
    while (i < option.len && option.at[i] != ':' && option.at[i] != ' ')
        i++;
    struct str domain = { option.at, i };
    return str_find(domain, STR(".")) ? domain : (struct str){ NULL, 0 };
}

/* What the symbols told. SPF and DMARC have one result: where there seem to be two, one of them stands in a
 * stranger's words among the options, and neither is believed. */
struct telling {
    struct builder *builder;
    const struct written *written;
    struct evidence single[2]; /* of SPF and DMARC */
    int count[2];
};

static void say(struct telling *telling, struct evidence evidence)
{
    filter_say(telling->builder, &telling->written->message, &evidence);
}

static void tell_verdict(struct telling *telling, const struct verdict_row *row, struct str options)
{
    enum { SIGNATURES_MOST = 8 };
    usec at = telling->written->message.line->at;
    struct str sender = telling->written->sender;
    if (row->kind == KIND_DKIM) {
        int count = 0;
        do {
            struct str domain = domain_in(cut_option(&options));
            say(telling, result_evidence(KIND_DKIM, at, domain, row->result));
        } while (options.len && ++count < SIGNATURES_MOST);
        return;
    }
    int which = row->kind == KIND_DMARC;
    struct str domain = which ? domain_in(cut_option(&options)) : address_domain(sender);
    telling->single[which] = result_evidence((enum kind)row->kind, at, domain, row->result);
    telling->count[which]++;
}

/* "203.0.113.7:from": of the client itself, not of a Received header (rbl.lua). A list that the site has
 * named itself is known by its symbol. */
static void tell_listing(struct telling *telling, struct str symbol, struct str options)
{
    struct str option = cut_option(&options);
    static const struct str others[] = { STR_INIT(":received"), STR_INIT(":helo"),  STR_INIT(":rdns"),
                                         STR_INIT(":dkim"),     STR_INIT(":email"), STR_INIT(":url") };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (str_find(option, others[i]))
            return;
    if (str_find(symbol, STR("_BLOCKED")) || str_ends(symbol, STR("_UNKNOWN")) ||
        str_ends(symbol, STR("_FAIL")))
        return; /* the list would not answer */
    struct evidence listed = evidence_of(KIND_DNSBL, YES, telling->written->message.line->at);
    listed.subject = symbol;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        if (str_eq(symbol, lists[i].symbol)) {
            listed.subject = lists[i].zone;
            listed.a = lists[i].answer ? (int64_t)0x7F000000 + lists[i].answer : 0;
        }
    say(telling, listed);
}

/* greylist.lua: "greylisted;Mon, 23 Nov 2026 09:12:12 GMT;new record" was put off, "greylisted;passed" and
 * "pass;body" were not. */
static void tell_greylisting(struct telling *telling, struct str options)
{
    struct str rest = options, first = cut_option(&rest);
    bool put_off = str_eq(first, STR("greylisted")) && !str_starts(rest, STR("passed"));
    struct evidence said = evidence_of(KIND_GREYLIST, tri_of(put_off), telling->written->message.line->at);
    said.detail = str_ends(options, STR(";")) ? (struct str){ options.at, options.len - 1 } : options;
    said.a = -1;
    say(telling, said);
}

static void tell_symbol(struct telling *telling, struct str symbol, struct str options)
{
    for (size_t i = 0; i < sizeof verdicts / sizeof *verdicts; i++)
        if (str_eq(symbol, verdicts[i].symbol)) {
            tell_verdict(telling, &verdicts[i], options);
            return;
        }
    if (str_starts(symbol, STR("RBL_"))) {
        tell_listing(telling, symbol, options);
    } else if (str_eq(symbol, STR("GREYLIST"))) {
        tell_greylisting(telling, options);
    } else if (str_ends(symbol, STR("_VIRUS"))) { /* antivirus.lua */
        struct evidence virus = evidence_of(KIND_VIRUS, YES, telling->written->message.line->at);
        virus.detail = cut_option(&options);
        say(telling, virus);
    }
}

static void tell_symbols(struct builder *builder, const struct written *written)
{
    enum { SYMBOLS_MOST = 512 };
    struct telling telling = { .builder = builder, .written = written };
    struct str rest = written->symbols, symbol, options;
    for (int i = 0; i < SYMBOLS_MOST && rest.len && cut_symbol(&rest, &symbol, &options); i++)
        tell_symbol(&telling, symbol, options);
    for (int i = 0; i < 2; i++)
        if (telling.count[i] == 1)
            say(&telling, telling.single[i]);
}

/* ---- The line. */

static enum taken take(const struct line *line, struct builder *builder)
{
    struct str rest = line->text, before, score;
    struct written written;
    if (!cut_until(&rest, STR("rspamd_task_write_log: "), &before))
        return PASSED;
    if (!cut_prefix(&rest, STR("id: <")) || has_two_results(rest) ||
        !read_line(rest, builder, line, &written))
        return SKIPPED;
    int64_t points = 0, threshold = INT64_MIN;
    if (!cut_until_char(&written.scores, '/', &score))
        return SKIPPED;
    if (!read_score(score, &points)) { /* "nan": a forced action's, of old ones */
        if (!str_ends(score, STR("nan")))
            return SKIPPED;
        points = INT64_MIN;
    }
    if (!read_score(written.scores, &threshold))
        threshold = INT64_MIN; /* "nan": no action has one */
    bool refused = str_eq(written.action, STR("reject")) || str_eq(written.action, STR("discard"));
    enum tri over = tri_of(refused || (threshold != INT64_MIN && points >= threshold));
    struct evidence scored = scored_evidence(line->at, points, threshold, over, written.symbols);
    enum taken taken = filter_say(builder, &written.message, &scored);
    tell_symbols(builder, &written);
    return taken;
}

const struct dialect dialect_rspamd = {
    .name = "rspamd",
    .title = "rspamd, spam scanning",
    .recognise = recognise,
    .take = take,
};
