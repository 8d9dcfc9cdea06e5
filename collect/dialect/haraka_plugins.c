/* What Haraka's plugins find, and what their refusals mean. Each is a repository of its own since Haraka 3
 * (haraka-plugin-NAME, index.js); the names are those of config/plugins. */
#include "collect/dialect/haraka.h"

#include "collect/dialect/postfix.h"
#include "collect/state.h"

#define SAYS(text) STR_INIT(text)
#define MEANS(named, kind, state, subject)                                                                   \
    {                                                                                                        \
        { NULL, 0 }, named, kind, state, 0, subject,                                                         \
        {                                                                                                    \
            NULL, 0                                                                                          \
        }                                                                                                    \
    }
#define NOTHING MEANS(NAMED_OTHER, KINDS, UNKNOWN, NULL)

/* Words that are a plugin's own, where it has several things to say or the usual words would mislead. */
static const struct words {
    struct str says;
    struct saying means;
} words[] = {
    { SAYS("You talk too soon"), MEANS(NAMED_EARLY_TALKER, KIND_EARLY_TALKER, YES, NULL) }, /* early_talker */
    { SAYS("Sorry, no FCrDNS match"), MEANS(NAMED_FCRDNS, KIND_FCRDNS, NO, NULL) },         /* fcrdns */
    { SAYS("No MX for your FROM address"), MEANS(NAMED_SENDER_DOMAIN, KIND_SENDER_DOMAIN, NO, "mx") },
    { SAYS("No valid MX for your FROM"), MEANS(NAMED_SENDER_DOMAIN, KIND_SENDER_DOMAIN, NO, "mx") },
    { SAYS("Null MX: "), MEANS(NAMED_SENDER_DOMAIN, KIND_SENDER_DOMAIN, YES, "null-mx") },
    { SAYS("Temp. resolver error"), MEANS(NAMED_SENDER_DOMAIN, KIND_SENDER_DOMAIN, UNKNOWN, "mx") },
    { SAYS("I cannot deliver mail for "), MEANS(NAMED_RELAY, KIND_RELAY, YES, NULL) }, /* connection.js */
    { SAYS("You are not allowed to relay"), MEANS(NAMED_RELAY, KIND_RELAY, YES, NULL) },
    { SAYS("Mail for that recipient is not accepted here"), MEANS(NAMED_RELAY, KIND_RELAY, YES, NULL) },
    { SAYS("this bounce message has too many"), MEANS(NAMED_NULL_SENDER_MANY, KINDS, UNKNOWN, NULL) },
    { SAYS("Bounces not accepted here"), NOTHING },                                               /* bounce */
    { SAYS("Too many concurrent connections"), MEANS(NAMED_RATE, KIND_RATE, YES, "connection") }, /* limit */
    { SAYS("Too many recipient"), MEANS(NAMED_RATE, KIND_RATE, YES, "recipient") },
    { SAYS("Too many errors"), NOTHING },
    { SAYS("plugin timeout"), NOTHING }, /* plugins.js: whatever the plugin would have found */
    { SAYS("Error connecting to virus scanner"), NOTHING }, /* clamd, and the next ones */
    { SAYS("Virus scanner"), NOTHING },
    { SAYS("Rspamd scan "), NOTHING },
    { SAYS("spamd scan "), NOTHING }, /* spamassassin */
    { SAYS("spamd connect timeout"), NOTHING },
    { SAYS("Too many unrecognized commands"), NOTHING },
    { SAYS("Bare line-feed"), MEANS(NAMED_PIPELINING, KIND_BARE_NEWLINE, YES, NULL) }, /* connection.js */
};

/* A plugin whose refusals are all of one kind. */
static const struct plugin {
    struct str name; /* or the beginning of it, with a dot at its end */
    struct saying means;
} plugins[] = {
    { SAYS("dns-list"), MEANS(NAMED_DNSBL, KIND_DNSBL, YES, NULL) },
    { SAYS("dnsbl"), MEANS(NAMED_DNSBL, KIND_DNSBL, YES, NULL) }, /* its name before Haraka 3 */
    { SAYS("early_talker"), MEANS(NAMED_EARLY_TALKER, KIND_EARLY_TALKER, YES, NULL) },
    { SAYS("greylist"), MEANS(NAMED_GREYLIST, KIND_GREYLIST, YES, NULL) },
    { SAYS("helo.checks"), MEANS(NAMED_HELO, KINDS, UNKNOWN, NULL) },
    { SAYS("mail_from.is_resolvable"), MEANS(NAMED_SENDER_DOMAIN, KIND_SENDER_DOMAIN, NO, "exists") },
    { SAYS("spf"), MEANS(NAMED_SPF, KIND_SPF, NO, NULL) },
    { SAYS("relay"), MEANS(NAMED_RELAY, KIND_RELAY, YES, NULL) },
    { SAYS("rcpt_to."), MEANS(NAMED_RECIPIENT, KIND_RECIPIENT, NO, NULL) },
    { SAYS("qmail-deliverable"), MEANS(NAMED_RECIPIENT, KIND_RECIPIENT, NO, NULL) },
    { SAYS("dkim"), MEANS(NAMED_DKIM, KIND_DKIM, NO, NULL) },
    { SAYS("dkim_verify"), MEANS(NAMED_DKIM, KIND_DKIM, NO, NULL) },
    { SAYS("clamd"), MEANS(NAMED_VIRUS, KIND_VIRUS, YES, NULL) },
    { SAYS("rspamd"), MEANS(NAMED_SPAM, KIND_SPAM, YES, NULL) },
    { SAYS("spamassassin"), MEANS(NAMED_SPAM, KIND_SPAM, YES, NULL) },
    { SAYS("messagesniffer"), MEANS(NAMED_SPAM, KIND_SPAM, YES, NULL) },
    { SAYS("uribl"), MEANS(NAMED_SPAM, KIND_SPAM, YES, NULL) },
    { SAYS("limit"), MEANS(NAMED_RATE, KIND_RATE, YES, "rate") },
    { SAYS("karma"), NOTHING },
    { SAYS("access"), NOTHING },
    { SAYS("toobusy"), NOTHING },
};

/* Words that stand behind a name or an address. */
static const struct words last_words[] = {
    { SAYS(" SPF Temporary Error"), MEANS(NAMED_SPF, KIND_SPF, UNKNOWN, NULL) },
    { SAYS(" is listed by ips.backscatterer.org"),
      MEANS(NAMED_DNSBL, KIND_DNSBL, YES, "ips.backscatterer.org") }, /* dns-list */
};

/* What SPF says of a HELO is nothing that a measure asks for. */
static const struct saying spf_of_helo = MEANS(NAMED_SPF, KINDS, UNKNOWN, NULL);

static uint8_t plugin_number(struct str name)
{
    for (size_t i = 0; i < sizeof plugins / sizeof *plugins; i++)
        if (str_eq(name, plugins[i].name) ||
            (str_ends(plugins[i].name, STR(".")) && str_starts(name, plugins[i].name)))
            return (uint8_t)(i + 1);
    return 0;
}

void haraka_note_denied(struct haraka_notes *notes, struct str plugin, struct str said)
{
    if (str_eq(plugin, STR("delay_deny")) || !said.len) /* it repeats what another said */
        return;
    notes->denied[notes->next_denied].words = str_hash(said);
    notes->denied[notes->next_denied].plugin = plugin_number(plugin);
    notes->next_denied = (uint8_t)((notes->next_denied + 1) % HARAKA_DENIED);
}

/* The plugin's part in the reply may follow the enhanced code. */
static const struct plugin *plugin_of(const struct haraka_notes *notes, const struct reply *reply)
{
    struct str whole = reply->text;
    if (reply->enhanced.at && reply->enhanced.at < whole.at)
        whole = str_range(reply->enhanced.at, whole.at + whole.len);
    uint64_t hash = str_hash(whole);
    for (size_t i = 0; i < HARAKA_DENIED; i++)
        if (notes->denied[i].plugin && notes->denied[i].words == hash)
            return &plugins[notes->denied[i].plugin - 1];
    return NULL;
}

static void carry_denied(struct state_bytes *state, struct haraka_denied *denied)
{
    carry(state, &denied->words);
    carry_enum(state, &denied->plugin, sizeof plugins / sizeof *plugins + 1);
}

void haraka_carry_notes(struct builder *builder, struct open_session *open, struct state_bytes *state)
{
    struct haraka_notes *notes = builder_notes(builder, open, &dialect_haraka, sizeof *notes);
    dialog_carry(builder, open, state);
    if (!notes)
        return;
    for (size_t i = 0; i < HARAKA_DENIED; i++)
        carry_denied(state, &notes->denied[i]);
    carry_enum(state, &notes->next_denied, HARAKA_DENIED);
}

const struct saying *haraka_meaning(struct open_session *open, const struct reply *reply)
{
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (str_starts(reply->text, words[i].says))
            return &words[i].means;
    for (size_t i = 0; i < sizeof last_words / sizeof *last_words; i++)
        if (str_ends(reply->text, last_words[i].says))
            return &last_words[i].means;
    const struct plugin *plugin =
        builder_notes_of(open, &dialect_haraka) ? plugin_of(open->notes, reply) : NULL;
    if (plugin && plugin->means.kind == KIND_SPF && reply->stage <= STAGE_HELO)
        return &spf_of_helo;
    return plugin ? &plugin->means : NULL;
}

/* ---- What they find. */

/* The message has fields of its own. */
static void inside(struct haraka_line *said)
{
    said->fields = said->message;
    said->is_json = false;
}

/* 'rdns="name" rdns_len=1 fcrdns="name" fcrdns_len=1 ...', or "..., has_rdns: false, ..., fail:has_rdns" */
static bool fcrdns_said(struct haraka_line *said, struct evidence *found, struct builder *builder,
                        struct open_session *open)
{
    struct str name = { NULL, 0 }, count;
    inside(said);
    bool none = str_find(said->message, STR("has_rdns: false")) != NULL;
    if (!none && !haraka_field(said, STR("rdns"), &name))
        return false;
    found->kind = KIND_RDNS;
    found->state = (uint8_t)tri_of(!none && name.len);
    evidence_once(builder, open, found);
    if (found->state == YES && !open->session.client_name.at)
        open->session.client_name = builder_keep(builder, open, name);
    found->kind = KIND_FCRDNS;
    found->state = (uint8_t)tri_of(found->state == YES && haraka_field(said, STR("fcrdns_len"), &count) &&
                                   !str_eq(count, STR("0")));
    evidence_once(builder, open, found);
    return true;
}

/* "pass:zone, zone, fail:zone, msg:XBL": haraka-results, private_collate() */
static bool zones_said(struct haraka_line *said, struct evidence *found, struct builder *builder,
                       struct open_session *open)
{
    struct str rest = said->message, item;
    enum tri state = UNKNOWN;
    found->kind = KIND_DNSBL;
    while (rest.len) {
        if (!cut_until(&rest, STR(", "), &item)) {
            item = rest;
            rest.len = 0;
        }
        if (cut_prefix(&item, STR("pass:")))
            state = NO;
        else if (cut_prefix(&item, STR("fail:")))
            state = YES;
        else if (memchr(item.at, ':', item.len))
            state = UNKNOWN;
        if (state == UNKNOWN || !item.len)
            continue;
        found->state = (uint8_t)state;
        found->subject = item;
        evidence_once(builder, open, found);
    }
    return true;
}

static struct str value_until(struct str text, struct str name, char end)
{
    struct str before, value;
    if (!cut_until(&text, name, &before))
        return (struct str){ NULL, 0 };
    return cut_until_char(&text, end, &value) ? value : text;
}

/* "scope: mfrom, result: Pass, domain: shop.test"; of HELO's, SPF says nothing that a measure asks for. */
static bool spf_said(struct haraka_line *said, struct evidence *found, struct builder *builder,
                     struct open_session *open)
{
    static const struct str results[] = { STR_INIT("pass"),     STR_INIT("fail"), STR_INIT("softfail"),
                                          STR_INIT("neutral"),  STR_INIT("none"), STR_INIT("permerror"),
                                          STR_INIT("temperror") };
    if (!str_starts(said->message, STR("scope: mfrom, ")))
        return false;
    struct str result = value_until(said->message, STR("result: "), ',');
    found->kind = KIND_SPF;
    found->subject = value_until(said->message, STR("domain: "), ',');
    for (size_t i = 0; i < sizeof results / sizeof *results; i++)
        if (str_eq_nocase(result, results[i]))
            found->detail = results[i];
    if (!found->detail.at)
        return false;
    if (!str_eq(found->detail, STR("temperror")))
        found->state = (uint8_t)tri_of(str_eq(found->detail, STR("pass")));
    evidence_once(builder, open, found);
    return true;
}

/* 'identity="@a.test" domain="a.test" selector="s" result=pass' */
static bool dkim_said(struct haraka_line *said, struct evidence *found, struct builder *builder,
                      struct open_session *open)
{
    struct str result;
    inside(said);
    if (!haraka_field(said, STR("domain"), &found->subject) || !haraka_field(said, STR("result"), &result))
        return false;
    found->kind = KIND_DKIM;
    found->detail = result;
    if (!str_eq(result, STR("tempfail")))
        found->state = (uint8_t)tri_of(str_eq(result, STR("pass")));
    builder_add_evidence(builder, open, found);
    return true;
}

/* rspamd: "action: reject, is_skipped: false, required_score: 15, score: 16.5, time: 0.017";
 * spamassassin: 'status=Yes, score=16.5, required=5, reject=10, tests="..."' */
static bool score_said(struct haraka_line *said, struct evidence *found, struct builder *builder,
                       struct open_session *open)
{
    bool is_rspamd = str_eq(said->origin, STR("rspamd"));
    struct str score = value_until(said->message, is_rspamd ? STR(", score: ") : STR(", score="), ',');
    struct str most = value_until(said->message, is_rspamd ? STR("required_score: ") : STR("required="), ',');
    found->kind = KIND_SPAM;
    if (!score.at || !read_score(score, &found->a))
        return false;
    if (!most.at || !read_score(most, &found->b))
        found->b = INT64_MIN;
    found->state = (uint8_t)tri_of(found->b != INT64_MIN && found->a >= found->b);
    if (!is_rspamd)
        found->detail = value_until(said->message, STR("tests=\""), '"');
    builder_add_evidence(builder, open, found);
    return true;
}

/* "pass:clean", "fail:Eicar-Test-Signature" */
static bool clamd_said(struct haraka_line *said, struct evidence *found, struct builder *builder,
                       struct open_session *open)
{
    struct str rest = said->message;
    bool infected = cut_prefix(&rest, STR("fail:"));
    if (!infected && !str_eq(rest, STR("pass:clean")))
        return false;
    found->kind = KIND_VIRUS;
    found->state = (uint8_t)tri_of(infected);
    if (infected)
        found->detail = rest;
    builder_add_evidence(builder, open, found);
    return true;
}

bool haraka_plugin_said(const struct line *line, struct haraka_line *said, struct builder *builder,
                        struct open_session *open)
{
    static const struct {
        struct str origin;
        bool (*said)(struct haraka_line *, struct evidence *, struct builder *, struct open_session *);
        bool of_transaction;
    } readers[] = {
        { SAYS("fcrdns"), fcrdns_said, false },     { SAYS("dns-list"), zones_said, false },
        { SAYS("dnsbl"), zones_said, false },       { SAYS("spf"), spf_said, true },
        { SAYS("dkim"), dkim_said, true },          { SAYS("rspamd"), score_said, true },
        { SAYS("spamassassin"), score_said, true }, { SAYS("clamd"), clamd_said, true },
    };
    struct evidence found = evidence_of(KIND_RDNS, UNKNOWN, line->at);
    if (!str_eq(said->level, STR("INFO"))) /* the others are errors and talk with the filters */
        return false;
    for (size_t i = 0; i < sizeof readers / sizeof *readers; i++)
        if (str_eq(said->origin, readers[i].origin)) {
            found.transaction = readers[i].of_transaction ? open->transaction : WHOLE_SESSION;
            return readers[i].said(said, &found, builder, open);
        }
    return false;
}
