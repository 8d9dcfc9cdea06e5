/* Runs a case book: sessions, a recorded policy, a policy to replay, and how many units each row must have.
 * The form is told at the head of oracle.yaml. A line a case:
 *
 *     ok NAME
 *     differs NAME: expected ROW COUNT or [LOW, HIGH], ... found ...
 *
 * and exit status 1 if any differs. With --tell nothing is compared; what was found is told for another
 * program to judge, every row with its count, its bounds and what the count is based on:
 *
 *     tell NAME: ROW COUNT LOW HIGH BASIS, ...
 *
 * and for a case that names a second policy, `against`, every pair of rows of the two:
 *
 *     tell NAME: ROW>ROW COUNT LOW HIGH cell, ..., more COUNT LOW HIGH net
 *
 * With --overlap it is the overlap of the policy's measures, and of each one's zones, that is told:
 *
 *     overlap NAME GROUP: known KNOWN left LEFT whole COUNT LOW HIGH, MEMBER hits COUNT LOW HIGH unique COUNT
 * LOW HIGH marginal COUNT LOW HIGH shapley COUNT LOW HIGH, ...
 *
 * With --audit, what an audit of the policy counts:
 *
 *     audit NAME: deliveries ALL accepted N, LABEL DELIVERIES STOPPED STOPPED_AT_MOST LATE LATE_AT_MOST TOLD
 * CERTAIN_LATE LOST, ..., MEASURE WANTED AT_MOST PRESUMED AT_MOST UNWANTED AT_MOST, ...
 *
 * With --later, a case that needs a measure that is not there yet, or the
 * bounds of a measure with state, is told as `later NAME: ...` where it does not come out right, and does not
 * count. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <yaml.h>

#include "analyze/audit.h"
#include "analyze/compare.h"
#include "analyze/measure.h"
#include "analyze/overlap.h"
#include "analyze/policy.h"
#include "analyze/replay.h"
#include "analyze/trials.h"

enum { EVIDENCE_MOST = 64, RECIPIENTS_MOST = 64, ROWS_MOST = 64 };

struct book {
    const char *path;
    yaml_document_t document;
    const yaml_node_t *at; /* the case that is being read, for complaints */
};

/* What a case expects of a row. */
struct bounds {
    struct str row;
    uint64_t low, high;
};

enum mode { MODE_CHECK, MODE_LATER, MODE_TELL, MODE_OVERLAP, MODE_AUDIT };

enum outcome { OUTCOME_OK, OUTCOME_DIFFERS, OUTCOME_LATER, OUTCOMES };

/* A case book that is not in its form is a mistake of whoever wrote it, and nothing can be said about the
 * rest. */
static _Noreturn void complain(const struct book *book, const yaml_node_t *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static _Noreturn void complain(const struct book *book, const yaml_node_t *node, const char *format, ...)
{
    va_list args;
    fflush(stdout);
    fprintf(stderr, "%s:%zu:%zu: ", book->path, node->start_mark.line + 1, node->start_mark.column + 1);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(EX_DATAERR);
}

static yaml_node_t *node_at(struct book *book, int index)
{
    return yaml_document_get_node(&book->document, index);
}

static struct str text_of(const struct book *book, const yaml_node_t *node)
{
    if (node->type != YAML_SCALAR_NODE)
        complain(book, node, "a single value is wanted here");
    return (struct str){ (const char *)node->data.scalar.value, node->data.scalar.length };
}

static size_t item_count(const struct book *book, const yaml_node_t *list)
{
    if (list->type != YAML_SEQUENCE_NODE)
        complain(book, list, "a list is wanted here");
    return (size_t)(list->data.sequence.items.top - list->data.sequence.items.start);
}

static yaml_node_t *item_of(struct book *book, const yaml_node_t *list, size_t i)
{
    return node_at(book, list->data.sequence.items.start[i]);
}

static size_t pair_count(const struct book *book, const yaml_node_t *mapping)
{
    if (mapping->type != YAML_MAPPING_NODE)
        complain(book, mapping, "a mapping is wanted here");
    return (size_t)(mapping->data.mapping.pairs.top - mapping->data.mapping.pairs.start);
}

static struct str key_of(struct book *book, const yaml_node_t *mapping, size_t i)
{
    return text_of(book, node_at(book, mapping->data.mapping.pairs.start[i].key));
}

static yaml_node_t *value_of(struct book *book, const yaml_node_t *mapping, size_t i)
{
    return node_at(book, mapping->data.mapping.pairs.start[i].value);
}

/* The value of a key, or NULL. */
static yaml_node_t *get(struct book *book, const yaml_node_t *mapping, const char *key)
{
    for (size_t i = 0, n = pair_count(book, mapping); i < n; i++)
        if (str_eq(key_of(book, mapping, i), str_of(key)))
            return value_of(book, mapping, i);
    return NULL;
}

/* No key may stand there that would be passed over in silence. */
static void only(struct book *book, const yaml_node_t *mapping, const char *const *known)
{
    for (size_t i = 0, n = pair_count(book, mapping); i < n; i++) {
        struct str key = key_of(book, mapping, i);
        size_t k = 0;
        while (known[k] && !str_eq(key, str_of(known[k])))
            k++;
        if (!known[k])
            complain(book, mapping, "the key \"%.*s\" is not known", STR_ARG(key));
    }
}

static enum tri tri_of_node(const struct book *book, const yaml_node_t *node)
{
    struct str text = text_of(book, node);
    if (str_eq(text, STR("yes")) || str_eq(text, STR("true")))
        return YES;
    if (str_eq(text, STR("no")) || str_eq(text, STR("false")))
        return NO;
    complain(book, node, "yes or no is wanted here");
}

static usec duration_of(const struct book *book, const yaml_node_t *node)
{
    usec length = 0;
    if (!duration_parse(text_of(book, node), &length))
        complain(book, node, "a duration is wanted here");
    return length;
}

static uint64_t number_of(const struct book *book, const yaml_node_t *node)
{
    uint64_t number = 0;
    if (!str_number(text_of(book, node), &number))
        complain(book, node, "a whole number is wanted here");
    return number;
}

static struct ip ip_of(const struct book *book, const yaml_node_t *node)
{
    struct ip ip;
    if (!ip_parse(text_of(book, node), &ip))
        complain(book, node, "an address is wanted here");
    return ip;
}

/* A score such as 9.5, in thousandths. */
static int64_t thousandths_of(const struct book *book, const yaml_node_t *node)
{
    char *end = NULL;
    double score = strtod((const char *)node->data.scalar.value, &end);
    if (text_of(book, node).len == 0 || *end)
        complain(book, node, "a number is wanted here");
    return (int64_t)round(score * 1000);
}

/* One session of a case, as collecting would have made it from a log that says this and no more. */
struct building {
    struct book *book;
    const yaml_node_t *node;
    const struct policy *in_force; /* NULL: nothing was */
    struct session session;
    struct transaction transaction;
    struct recipient recipients[RECIPIENTS_MOST];
    struct evidence evidence[EVIDENCE_MOST];
};

static struct evidence *add_evidence(struct building *b, enum kind kind, enum tri state, bool of_transaction)
{
    if (b->session.evidence_count == EVIDENCE_MOST)
        complain(b->book, b->node, "more evidence than this runner has room for");
    struct evidence *evidence = &b->evidence[b->session.evidence_count++];
    *evidence =
        (struct evidence){ .kind = (uint8_t)kind,
                           .state = (uint8_t)state,
                           .origin = ORIGIN_LOG,
                           .transaction = of_transaction && b->session.transaction_count ? 0 : WHOLE_SESSION,
                           .recipient = WHOLE_TRANSACTION,
                           .at = b->session.started };
    return evidence;
}

/* An answer in 127.255.255.0/24, or outside 127.0.0.0/8, is an error and no listing (semantics.md section 4).
 */
static enum tri listed_by(uint32_t answer)
{
    return answer >> 24 == 127 && answer >> 8 != 0x7fffff ? YES : UNKNOWN;
}

static void add_zones(struct building *b)
{
    yaml_node_t *zones = get(b->book, b->node, "dnsbl"), *replies = get(b->book, b->node, "dnsbl_reply");
    for (size_t i = 0; zones && i < pair_count(b->book, zones); i++)
        add_evidence(b, KIND_DNSBL, tri_of_node(b->book, value_of(b->book, zones, i)), false)->subject =
            key_of(b->book, zones, i);
    for (size_t i = 0; replies && i < pair_count(b->book, replies); i++) {
        struct ip ip = ip_of(b->book, value_of(b->book, replies, i));
        struct evidence *evidence = add_evidence(b, KIND_DNSBL, listed_by(ip_v4(&ip)), false);
        evidence->subject = key_of(b->book, replies, i);
        evidence->a = ip_v4(&ip);
    }
}

static void add_all_evidence(struct building *b)
{
    struct book *book = b->book;
    yaml_node_t *value = NULL, *banner = get(book, b->node, "banner");
    if ((value = get(book, b->node, "rdns"))) {
        bool failed = str_eq(text_of(book, value), STR("failed"));
        add_evidence(b, KIND_RDNS, failed ? UNKNOWN : tri_of_node(book, value), false);
    }
    if ((value = get(book, b->node, "fcrdns")))
        add_evidence(b, KIND_FCRDNS, tri_of_node(book, value), false);
    add_zones(b);
    if ((value = get(book, b->node, "spoke"))) {
        usec spoke = duration_of(book, value), out = banner ? duration_of(book, banner) : -1;
        struct evidence *evidence =
            add_evidence(b, KIND_EARLY_TALKER, tri_of(out >= 0 && spoke < out), false);
        evidence->a = spoke;
        evidence->b = out;
    }
    if ((value = get(book, b->node, "sender_domain")))
        for (size_t i = 0; i < pair_count(book, value); i++)
            add_evidence(b, KIND_SENDER_DOMAIN, tri_of_node(book, value_of(book, value, i)), true)->subject =
                key_of(book, value, i);
    if ((value = get(book, b->node, "score"))) {
        struct evidence *evidence = add_evidence(b, KIND_SPAM, UNKNOWN, true);
        evidence->a = thousandths_of(book, value);
        evidence->b = INT64_MIN;
        if ((value = get(book, b->node, "symbols")))
            evidence->detail = text_of(book, value);
    }
    if ((value = get(book, b->node, "auth"))) {
        b->session.auth_user = text_of(book, value);
        add_evidence(b, KIND_AUTH, YES, false)->subject = b->session.auth_user;
    }
    static const struct {
        const char *key;
        enum kind kind;
    } words[] = { { "spf", KIND_SPF }, { "dkim", KIND_DKIM }, { "dmarc", KIND_DMARC } };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if ((value = get(book, b->node, words[i].key))) {
            struct str word = text_of(book, value);
            add_evidence(b, words[i].kind, tri_of(str_eq(word, STR("pass"))), true)->detail = word;
        }
    if ((value = get(book, b->node, "tls")))
        b->session.tls = tri_of_node(book, value) == YES;
    if ((value = get(book, b->node, "vrfy")))
        add_evidence(b, KIND_VRFY, tri_of_node(book, value), false);
    if ((value = get(book, b->node, "unanswered")))
        add_evidence(b, KIND_UNANSWERED, tri_of_node(book, value), false);
    for (uint64_t left = (value = get(book, b->node, "auth_failed")) ? (uint64_t)number_of(book, value) : 0;
         left; left--)
        add_evidence(b, KIND_AUTH, NO, false);
    if ((value = get(book, b->node, "asn")))
        add_evidence(b, KIND_ASN, YES, false)->a = (int64_t)number_of(book, value);
    if ((value = get(book, b->node, "country")))
        add_evidence(b, KIND_COUNTRY, YES, false)->detail = text_of(book, value);
    if ((value = get(book, b->node, "pass_old")) && tri_of_node(book, value) == YES)
        add_evidence(b, KIND_TESTED_BEFORE, YES, false)->detail = STR("PASS OLD");
}

/* The envelope: one MAIL, and a RCPT for each of `to`. */
static void add_envelope(struct building *b)
{
    yaml_node_t *from = get(b->book, b->node, "from"), *to = get(b->book, b->node, "to"),
                *valid = get(b->book, b->node, "valid"), *later = get(b->book, b->node, "rcpt");
    struct session *session = &b->session;
    if (!from && !to)
        return;
    b->transaction = (struct transaction){ .size = -1, .at = session->started, .recipients = b->recipients };
    if (from) {
        b->transaction.mail_from = text_of(b->book, from);
        if (!b->transaction.mail_from.at || from->data.scalar.length == 0)
            b->transaction.mail_from = STR(""); /* the null sender is known to be empty */
    }
    size_t count = !to ? 0 : to->type == YAML_SEQUENCE_NODE ? item_count(b->book, to) : 1;
    if (count > RECIPIENTS_MOST)
        complain(b->book, to, "more recipients than this runner has room for");
    for (size_t i = 0; i < count; i++) {
        bool list = to->type == YAML_SEQUENCE_NODE, valid_list = valid && valid->type == YAML_SEQUENCE_NODE;
        if (valid && (list ? !valid_list || item_count(b->book, valid) != count : valid_list))
            complain(b->book, valid, "as many as there are recipients are wanted here");
        b->recipients[i] = (struct recipient){
            .address = text_of(b->book, list ? item_of(b->book, to, i) : to),
            .valid =
                (uint8_t)(valid ? tri_of_node(b->book, list ? item_of(b->book, valid, i) : valid) : UNKNOWN),
            .at = session->started + (later ? duration_of(b->book, later) : 0),
        };
    }
    b->transaction.recipient_count = (uint32_t)count;
    session->transactions = &b->transaction;
    session->transaction_count = 1;
}

static enum named named_of(const struct book *book, const yaml_node_t *node)
{
    struct str name = text_of(book, node);
    for (int named = NAMED_OTHER; named < NAMED_COUNT; named++)
        if (str_eq(name, str_of(named_measure[named])))
            return (enum named)named;
    complain(book, node, "there is no measure \"%.*s\"", STR_ARG(name));
}

/* Where the recorded server's measure answers: where its policy has it, else where it acts of itself. What is
 * no measure's is taken to be the answer to RCPT. */
static enum stage stage_of(const struct building *b, enum named named)
{
    const struct measure *measure = measure_find(str_of(named_measure[named]));
    enum stage stage = measure ? measure->stage : STAGE_RCPT;
    for (size_t i = 0; b->in_force && i < b->in_force->rule_count; i++) {
        const struct rule *rule = &b->in_force->rules[i];
        if (rule->measure->named != named)
            continue;
        stage = rule->at;
        if (rule->moved)
            return stage;
    }
    return b->in_force && b->in_force->delay_reject && stage < STAGE_RCPT ? STAGE_RCPT : stage;
}

static void conclude(struct building *b, enum verdict verdict, const struct reply *reply)
{
    static const struct reply taken = { .code = 250, .stage = STAGE_RCPT };
    struct session *session = &b->session;
    bool at_end = reply->code && reply->stage > STAGE_RCPT; /* after RCPT was answered well */
    session->verdict = (uint8_t)verdict;
    session->reply = *reply;
    session->closed = CLOSED_QUIT;
    session->stage = reply->code ? reply->stage : verdict == VERDICT_ACCEPTED ? STAGE_EOM : STAGE_CONNECT;
    if (session->transaction_count == 0) {
        if (session->helo.at && session->stage < STAGE_HELO)
            session->stage = STAGE_HELO;
        return;
    }
    b->transaction.verdict = (uint8_t)verdict;
    if (at_end || (reply->code && b->transaction.recipient_count == 0))
        b->transaction.reply = *reply;
    for (uint32_t i = 0; i < b->transaction.recipient_count; i++) {
        b->recipients[i].reply = at_end || !reply->code ? taken : *reply;
        b->recipients[i].verdict = (uint8_t)verdict;
    }
    enum stage told = b->transaction.recipient_count ? STAGE_RCPT : STAGE_MAIL;
    if (session->stage < told)
        session->stage = (uint8_t)told;
}

/* What the server did. */
static void add_answer(struct building *b)
{
    yaml_node_t *did = get(b->book, b->node, "did");
    struct reply reply = { 0 };
    if (!did)
        complain(b->book, b->node, "did: is missing");
    if (did->type == YAML_SCALAR_NODE) {
        struct str text = text_of(b->book, did);
        bool accepted = str_eq(text, STR("accepted"));
        if (!accepted && !str_eq(text, STR("nothing")))
            complain(b->book, did,
                     "accepted, nothing, { refused: MEASURE } or { deferred: MEASURE } is wanted here");
        if (accepted && !b->transaction.recipient_count)
            complain(b->book, did, "nothing to accept: from and to are missing");
        conclude(b, accepted ? VERDICT_ACCEPTED : VERDICT_NONE, &reply);
        return;
    }
    struct str how = pair_count(b->book, did) == 1 ? key_of(b->book, did, 0) : STR("");
    bool refused = str_eq(how, STR("refused"));
    if (!refused && !str_eq(how, STR("deferred")))
        complain(b->book, did, "refused: MEASURE or deferred: MEASURE is wanted here");
    enum named named = named_of(b->book, value_of(b->book, did, 0));
    reply = (struct reply){ .code = refused ? 554 : 450, .named = (uint8_t)named };
    reply.stage = (uint8_t)stage_of(b, named);
    conclude(b, refused ? VERDICT_REJECTED : VERDICT_DEFERRED, &reply);
}

/* The record begins on a Monday. */
static usec record_begin(void)
{
    return clock_days(2026, 1, 5) * USEC_DAY;
}

static void build_session(struct building *b, int64_t id)
{
    static const char *const keys[] = {
        "at",      "ip",      "from",          "to",    "did",        "server",      "port",
        "name",    "helo",    "auth",          "rdns",  "fcrdns",     "dnsbl",       "dnsbl_reply",
        "spoke",   "banner",  "sender_domain", "score", "valid",      "pass_old",    "spf",
        "dkim",    "dmarc",   "tls",           "vrfy",  "unanswered", "auth_failed", "asn",
        "country", "symbols", "rcpt",          NULL
    };
    struct book *book = b->book;
    only(book, b->node, keys);
    yaml_node_t *at = get(book, b->node, "at"), *ip = get(book, b->node, "ip"),
                *server = get(book, b->node, "server"), *port = get(book, b->node, "port"),
                *name = get(book, b->node, "name"), *helo = get(book, b->node, "helo");
    if (!ip)
        complain(book, b->node, "ip: is missing");
    struct session *session = &b->session;
    *session = (struct session){ .id = id, .client = ip_of(book, ip), .evidence = b->evidence };
    session->started = session->ended = record_begin() + (at ? duration_of(book, at) : 0);
    session->server = server ? text_of(book, server) : STR("mx");
    session->server_port = port ? (uint16_t)number_of(book, port) : 25;
    if (name)
        session->client_name = text_of(book, name);
    if (helo)
        session->helo = text_of(book, helo);
    add_envelope(b);
    add_all_evidence(b);
    add_answer(b);
}

/* Mail that went out: sessions that the record holds and that are no client's. */
static void add_outbound(struct book *book, struct columns *columns, const yaml_node_t *list, int64_t id)
{
    static const char *const keys[] = { "at", "from", "to", NULL };
    for (size_t i = 0; i < item_count(book, list); i++, id++) {
        static const struct reply taken = { .code = 250, .stage = STAGE_RCPT };
        const yaml_node_t *node = item_of(book, list, i);
        only(book, node, keys);
        usec at = record_begin() + duration_of(book, get(book, node, "at"));
        struct recipient to = { .address = text_of(book, get(book, node, "to")),
                                .reply = taken,
                                .verdict = VERDICT_ACCEPTED,
                                .at = at };
        struct transaction transaction = { .mail_from = text_of(book, get(book, node, "from")),
                                           .size = -1,
                                           .verdict = VERDICT_ACCEPTED,
                                           .at = at,
                                           .recipients = &to,
                                           .recipient_count = 1 };
        struct session session = { .id = id,
                                   .started = at,
                                   .ended = at,
                                   .server = STR("mx"),
                                   .direction = DIRECTION_OUT,
                                   .stage = STAGE_EOM,
                                   .verdict = VERDICT_ACCEPTED,
                                   .transactions = &transaction,
                                   .transaction_count = 1 };
        columns_add(columns, &session);
    }
}

static struct columns *build_columns(struct book *book, const yaml_node_t *kase,
                                     const struct policy *in_force)
{
    struct columns *columns = columns_new();
    yaml_node_t *sessions = get(book, kase, "sessions"), *ends = get(book, kase, "record_ends"),
                *outbound = get(book, kase, "outbound");
    usec last = record_begin();
    if (!sessions)
        complain(book, kase, "sessions: are missing");
    size_t count = item_count(book, sessions);
    for (size_t i = 0; i < count; i++) {
        struct building building = { .book = book, .node = item_of(book, sessions, i), .in_force = in_force };
        build_session(&building, (int64_t)i + 1);
        columns_add(columns, &building.session);
        last = building.session.started > last ? building.session.started : last;
    }
    if (outbound) {
        columns_hold_sent(columns);
        add_outbound(book, columns, outbound, (int64_t)count + 1);
    }
    columns_finish(columns, record_begin(),
                   ends ? record_begin() + duration_of(book, ends) : last + 60 * USEC_DAY);
    return columns;
}

static struct replay_options options_of(struct book *book, const yaml_node_t *kase)
{
    struct replay_options options = { .from = USEC_NONE, .to = USEC_NONE, .assume_resend = NAN };
    yaml_node_t *unit = get(book, kase, "unit"), *assume = get(book, kase, "assume");
    if (unit) {
        int found = 0;
        while (found < UNITS && !str_eq(text_of(book, unit), str_of(unit_name[found])))
            found++;
        if (found == UNITS)
            complain(book, unit, "this is not a unit");
        options.unit = (enum unit)found;
    }
    struct str what = assume ? text_of(book, assume) : STR("");
    if (str_eq(what, STR("habits")))
        options.assume_habits = true;
    else if (cut_prefix(&what, STR("greylist.resend=")))
        options.assume_resend = strtod(what.at, NULL);
    else if (assume)
        complain(book, assume, "habits or greylist.resend=SHARE is wanted here");
    return options;
}

static struct bounds bounds_of(struct book *book, struct str row, const yaml_node_t *node)
{
    if (node->type == YAML_SCALAR_NODE) {
        uint64_t count = number_of(book, node);
        return (struct bounds){ row, count, count };
    }
    if (item_count(book, node) != 2)
        complain(book, node, "a count or [LOW, HIGH] is wanted here");
    return (struct bounds){ row, number_of(book, item_of(book, node, 0)),
                            number_of(book, item_of(book, node, 1)) };
}

static size_t expected_of(struct book *book, const yaml_node_t *kase, struct bounds expected[ROWS_MOST])
{
    yaml_node_t *expect = get(book, kase, "expect");
    if (!expect || pair_count(book, expect) > ROWS_MOST)
        complain(book, expect ? expect : kase,
                 "expect: is missing, or has more rows than this runner has room for");
    size_t count = pair_count(book, expect);
    for (size_t i = 0; i < count; i++)
        expected[i] = bounds_of(book, key_of(book, expect, i), value_of(book, expect, i));
    return count;
}

static bool is_interval(const struct bounds *rows, size_t count)
{
    bool interval = false;
    for (size_t i = 0; i < count; i++)
        interval = interval || rows[i].low != rows[i].high;
    return interval;
}

/* A measure of one of the case's policies that is not there yet; at == NULL: all are. */
static struct str missing_measure(struct book *book, const yaml_node_t *kase)
{
    static const char *const where[] = { "in_force", "policy" };
    static const char *const keys[] = { "policy", "delay-reject", "exempt", "trusted-relays" };
    for (int w = 0; w < 2; w++) {
        yaml_node_t *list = get(book, kase, where[w]);
        for (size_t i = 0; list && i < item_count(book, list); i++) {
            struct str name = key_of(book, item_of(book, list, i), 0);
            bool known = measure_find(name) != NULL;
            for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
                known = known || str_eq(name, str_of(keys[k]));
            if (!known)
                return name;
        }
    }
    return (struct str){ NULL, 0 };
}

/* A rule of the policy that minds what came before. */
static const struct rule *rule_with_state(const struct policy *policy)
{
    for (size_t i = 0; i < policy->rule_count; i++) {
        const struct rule *rule = &policy->rules[i];
        size_t remember_at = rule->measure->remember_at;
        if (rule->measure->state ||
            (remember_at && *(const usec *)(const void *)((const char *)rule->parameters + remember_at)))
            return rule;
    }
    return NULL;
}

static void print_bounds(const char *before, struct str row, uint64_t low, uint64_t high)
{
    printf("%s%.*s ", before, STR_ARG(row));
    if (low == high)
        printf("%llu", (unsigned long long)low);
    else
        printf("[%llu, %llu]", (unsigned long long)low, (unsigned long long)high);
}

static void print_difference(struct str name, const struct bounds *expected, size_t count,
                             const struct tally *tally)
{
    printf("differs %.*s: expected", STR_ARG(name));
    const char *before = " ";
    for (size_t i = 0; i < count; i++, before = ", ")
        print_bounds(before, expected[i].row, expected[i].low, expected[i].high);
    printf("%s found", count ? "" : " nothing");
    before = " ";
    for (size_t i = 0; i < tally->row_count; i++) {
        const struct row *row = &tally->rows[i];
        if (!row->high && !row->low && !row->count)
            continue;
        print_bounds(before, row->name, row->low, row->high);
        if (row->count < row->low || row->count > row->high)
            printf(" (and %llu)", (unsigned long long)row->count);
        before = ", ";
    }
    puts(*before == ',' ? "" : " nothing");
}

static void tell(struct str name, const struct tally *tally)
{
    printf("tell %.*s:", STR_ARG(name));
    const char *before = " ";
    for (size_t i = 0; i < tally->row_count; i++, before = ", ") {
        const struct row *row = &tally->rows[i];
        printf("%s%.*s %llu %llu %llu %s", before, STR_ARG(row->name), (unsigned long long)row->count,
               (unsigned long long)row->low, (unsigned long long)row->high, basis_name[row->basis]);
    }
    putchar('\n');
}

/* The pairs of rows of two policies, and how many more the second stops. */
static int tell_pairs(struct str name, struct columns *columns, const struct policy *first,
                      const struct policy *second, const struct replay_options *options, struct why *why)
{
    struct comparison comparison;
    if (compare_run(columns, first, second, options, &comparison, why))
        return -1;
    const struct tally *a = &comparison.side[0], *b = &comparison.side[1];
    printf("tell %.*s: ", STR_ARG(name));
    for (size_t i = 0; i < a->row_count * b->row_count; i++) {
        const struct bounded *cell = &comparison.cell[i];
        printf("%.*s>%.*s %llu %llu %llu cell, ", STR_ARG(a->rows[i / b->row_count].name),
               STR_ARG(b->rows[i % b->row_count].name), (unsigned long long)cell->count,
               (unsigned long long)cell->low, (unsigned long long)cell->high);
    }
    printf("more %lld %lld %lld net\n", (long long)comparison.net[0], (long long)comparison.net[1],
           (long long)comparison.net[2]);
    comparison_free(&comparison);
    return 0;
}

static void tell_counted(const char *what, const struct counted *counted)
{
    printf(" %s %lld %lld %lld", what, (long long)counted->count, (long long)counted->low,
           (long long)counted->high);
}

static int tell_overlap(struct str name, struct columns *columns, const struct policy *policy,
                        const struct replay_options *options, struct why *why)
{
    struct overlap overlap;
    if (overlap_run(columns, policy, options, &overlap, why))
        return -1;
    for (size_t g = 0; g < overlap.group_count; g++) {
        const struct overlap_group *group = &overlap.groups[g];
        printf("overlap %.*s %.*s: known %llu left %llu", STR_ARG(name), STR_ARG(group->name),
               (unsigned long long)group->shares->known, (unsigned long long)group->shares->left_out);
        tell_counted("whole", &group->shares->whole);
        for (size_t m = 0; m < group->count; m++) {
            const struct share *share = &group->shares->share[m];
            printf(", %.*s", STR_ARG(group->names[m]));
            tell_counted("hits", &share->hits);
            tell_counted("unique", &share->unique);
            tell_counted("marginal", &share->marginal);
            printf(" shapley %.6f %.6f %.6f", share->shapley, share->shapley_low, share->shapley_high);
        }
        putchar('\n');
    }
    overlap_free(&overlap);
    return 0;
}

static int tell_audit(struct str name, struct columns *columns, const struct policy *policy,
                      const struct replay_options *options, struct why *why)
{
    struct audit audit;
    if (audit_run(columns, policy, options, &audit, why))
        return -1;
    printf("audit %.*s: deliveries %llu accepted %llu", STR_ARG(name), (unsigned long long)audit.deliveries,
           (unsigned long long)audit.accepted);
    for (int label = 0; label < LABELS; label++) {
        const struct audit_count *count = &audit.labels[label];
        const uint64_t told[] = { count->deliveries, count->stopped_low, count->stopped_high,
                                  count->late_low,   count->late_high,   count->by_harm[0],
                                  count->by_harm[1], count->by_harm[2] };
        printf(", %s", label_name[label]);
        for (size_t i = 0; i < sizeof told / sizeof *told; i++)
            printf(" %llu", (unsigned long long)told[i]);
    }
    for (size_t r = 0; r < policy->rule_count; r++) {
        printf(", %.*s", STR_ARG(policy->rules[r].name));
        for (int label = LABEL_WANTED; label < LABELS; label++)
            printf(" %llu %llu", (unsigned long long)audit.measures[r].low[label],
                   (unsigned long long)audit.measures[r].high[label]);
    }
    putchar('\n');
    audit_free(&audit);
    return 0;
}

/* Every row that is named has these bounds and every other one nothing; a certain row's count is its bound,
 * and the counts sum to the units. */
static bool as_expected(const struct bounds *expected, size_t count, const struct tally *tally)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < tally->row_count; i++) {
        const struct row *row = &tally->rows[i];
        uint64_t low = 0, high = 0;
        for (size_t k = 0; k < count; k++)
            if (str_eq(expected[k].row, row->name)) {
                low = expected[k].low;
                high = expected[k].high;
            }
        if (row->low != low || row->high != high || row->count < low || row->count > high)
            return false;
        sum += row->count;
    }
    for (size_t k = 0; k < count; k++) {
        bool found = expected[k].high == 0;
        for (size_t i = 0; i < tally->row_count; i++)
            found = found || str_eq(expected[k].row, tally->rows[i].name);
        if (!found)
            return false;
    }
    return sum == tally->units;
}

/* The policy of a key; `policy` is to be freed. */
static int read_policy(struct book *book, const yaml_node_t *kase, const char *key, struct policy *policy,
                       struct why *why)
{
    yaml_node_t *node = get(book, kase, key);
    if (!node)
        complain(book, kase, "%s: is missing", key);
    return policy_from_node(policy, book->path, &book->document, node, why);
}

static bool same_rows(const struct tally *a, const struct tally *b)
{
    bool same = a->row_count == b->row_count && a->note_count == b->note_count;
    for (size_t i = 0; same && i < a->row_count; i++) {
        const struct row *one = &a->rows[i], *other = &b->rows[i];
        same = str_eq(one->name, other->name) && one->count == other->count && one->low == other->low &&
               one->high == other->high && one->basis == other->basis && one->warned == other->warned &&
               one->at_least == other->at_least;
    }
    for (size_t i = 0; same && i < a->note_count; i++)
        same = str_eq(a->notes[i], b->notes[i]);
    return same;
}

/* What is tried on a digest of the record is what a replay says. */
static bool tried_alike(struct columns *columns, const struct policy *policy,
                        const struct replay_options *options, const struct tally *tally)
{
    struct why why = { 0 };
    struct tally tried = { 0 };
    struct sweep_row row;
    struct trials *trials = trials_new(columns, options, NULL);
    bool same = trials_try(trials, policy, &row, &tried, &why) == 0 && tried.units == tally->units &&
                tried.stopped == tally->stopped && tried.stopped_low == tally->stopped_low &&
                tried.stopped_high == tally->stopped_high && tried.base == tally->base &&
                tried.from == tally->from && tried.to == tally->to && tried.delayed == tally->delayed &&
                tried.seen_once == tally->seen_once && same_rows(&tried, tally);
    tally_free(&tried);
    trials_free(trials);
    return same;
}

static enum outcome run_case(struct book *book, const yaml_node_t *kase, enum mode mode)
{
    static const char *const keys[] = { "name",     "unit",   "in_force", "record_ends", "assume", "outbound",
                                        "sessions", "policy", "against",  "expect",      NULL };
    struct policy in_force = { 0 }, policy = { 0 }, against = { 0 };
    struct bounds expected[ROWS_MOST];
    struct columns *columns = NULL;
    struct tally tally = { 0 };
    struct why why = { 0 };
    enum outcome outcome = OUTCOME_DIFFERS;
    only(book, kase, keys);
    struct str name = text_of(book, get(book, kase, "name")), missing = missing_measure(book, kase);
    size_t count = expected_of(book, kase, expected);
    if (mode == MODE_LATER && missing.at) {
        printf("later %.*s: measure %.*s\n", STR_ARG(name), STR_ARG(missing));
        return OUTCOME_LATER;
    }
    if (read_policy(book, kase, "in_force", &in_force, &why) ||
        read_policy(book, kase, "policy", &policy, &why)) {
        printf("differs %.*s: %s\n", STR_ARG(name), why.text);
        goto done;
    }
    const yaml_node_t *rules = get(book, kase, "in_force");
    bool anything = item_count(book, rules) > 0;
    struct replay_options options = options_of(book, kase);
    struct in_force recorded = { &in_force, USEC_NONE, USEC_NONE };
    options.in_force = &recorded;
    options.in_force_count = anything;
    columns = build_columns(book, kase, anything ? &in_force : NULL);
    if (mode == MODE_OVERLAP ? tell_overlap(name, columns, &policy, &options, &why)
        : mode == MODE_AUDIT ? tell_audit(name, columns, &policy, &options, &why)
                             : replay_run(columns, &policy, &options, &tally, &why)) {
        printf("differs %.*s: %s\n", STR_ARG(name), why.text);
        goto done;
    }
    const struct rule *state = rule_with_state(&policy);
    if (mode != MODE_OVERLAP && mode != MODE_AUDIT && !tried_alike(columns, &policy, &options, &tally)) {
        printf("differs %.*s: tried on a digest of the record\n", STR_ARG(name));
        goto done;
    }
    if (mode == MODE_TELL && get(book, kase, "against")) {
        if (read_policy(book, kase, "against", &against, &why) ||
            tell_pairs(name, columns, &policy, &against, &options, &why)) {
            printf("differs %.*s: %s\n", STR_ARG(name), why.text);
            goto done;
        }
        outcome = OUTCOME_OK;
    } else if (mode >= MODE_TELL) {
        if (mode == MODE_TELL)
            tell(name, &tally);
        outcome = OUTCOME_OK;
    } else if (as_expected(expected, count, &tally)) {
        printf("ok %.*s\n", STR_ARG(name));
        outcome = OUTCOME_OK;
    } else if (mode == MODE_LATER && state && is_interval(expected, count)) {
        printf("later %.*s: bounds of measure %.*s\n", STR_ARG(name), STR_ARG(state->name));
        outcome = OUTCOME_LATER;
    } else {
        print_difference(name, expected, count, &tally);
    }
done:
    tally_free(&tally);
    columns_free(columns);
    policy_free(&against);
    policy_free(&policy);
    policy_free(&in_force);
    return outcome;
}

static size_t run_book(const char *path, enum mode mode)
{
    struct book book = { .path = path };
    size_t counts[OUTCOMES] = { 0 };
    yaml_parser_t parser;
    FILE *in = fopen(path, "r");
    if (!in || !yaml_parser_initialize(&parser)) {
        fprintf(stderr, "%s: cannot be opened; give the path of a case book\n", path);
        exit(EX_NOINPUT);
    }
    yaml_parser_set_input_file(&parser, in);
    if (!yaml_parser_load(&parser, &book.document)) {
        fprintf(stderr, "%s:%zu:%zu: not YAML: %s\n", path, parser.problem_mark.line + 1,
                parser.problem_mark.column + 1, parser.problem ? parser.problem : "it cannot be read");
        exit(EX_DATAERR);
    }
    const yaml_node_t *cases = yaml_document_get_root_node(&book.document);
    if (!cases) {
        fprintf(stderr, "%s: no cases in it\n", path);
        exit(EX_DATAERR);
    }
    for (size_t i = 0; i < item_count(&book, cases); i++)
        counts[run_case(&book, item_of(&book, cases, i), mode)]++;
    fflush(stdout);
    fprintf(stderr, "%s: %zu ok, %zu differ, %zu for later\n", path, counts[OUTCOME_OK],
            counts[OUTCOME_DIFFERS], counts[OUTCOME_LATER]);
    yaml_document_delete(&book.document);
    yaml_parser_delete(&parser);
    fclose(in);
    return counts[OUTCOME_DIFFERS];
}

int main(int count, char **arguments)
{
    enum mode mode = count < 2                                ? MODE_CHECK
                     : strcmp(arguments[1], "--later") == 0   ? MODE_LATER
                     : strcmp(arguments[1], "--tell") == 0    ? MODE_TELL
                     : strcmp(arguments[1], "--overlap") == 0 ? MODE_OVERLAP
                     : strcmp(arguments[1], "--audit") == 0   ? MODE_AUDIT
                                                              : MODE_CHECK;
    int first = mode == MODE_CHECK ? 1 : 2;
    size_t differing = 0;
    if (count <= first) {
        fprintf(stderr, "usage: run_oracle [--later | --tell | --overlap | --audit] CASES.yaml...\n");
        return EX_USAGE;
    }
    for (int i = first; i < count; i++)
        differing += run_book(arguments[i], mode);
    return differing ? 1 : 0;
}
