/* What the words of a refusal mean. Sources: Exim's configure.default and the lists' own advice
 * (spamhaus.org, spamcop.net), Sendmail's cf/README and feature/, OpenSMTPD's lka_filter.c, qmail-smtpd.c and
 * its patches, the texts of the usual milters; and what sites write. */
#include "collect/dialect/phrases.h"

#include <threads.h>

/* Where words have their meaning. */
enum { EARLY = 1, MAIL = 2, RCPT = 4, LATE = 8, ANY = 15 };

static unsigned stage_bit(enum stage stage)
{
    switch (stage) {
    case STAGE_MAIL:
        return MAIL;
    case STAGE_RCPT:
        return RCPT;
    case STAGE_DATA:
    case STAGE_EOM:
        return LATE;
    default:
        return EARLY;
    }
}

#define SAYS(text) STR_INIT(text)
#define NO_MORE                                                                                              \
    {                                                                                                        \
        NULL, 0                                                                                              \
    }

/* What most rows are: what is named, evidence, state, where, its subject. */
#define NO_NAME    NAMED_NO_RDNS, KIND_RDNS, NO, ANY, NULL
#define FORGED     NAMED_FCRDNS, KIND_FCRDNS, NO, ANY, NULL
#define LISTED     NAMED_DNSBL, KIND_DNSBL, YES, ANY, NULL
#define GREY       NAMED_GREYLIST, KIND_GREYLIST, YES, ANY, NULL
#define EARLY_TALK NAMED_EARLY_TALKER, KIND_EARLY_TALKER, YES, ANY, NULL
#define AHEAD      NAMED_PIPELINING, KIND_PIPELINING, YES, ANY, NULL
#define BAD_HELO   NAMED_HELO, KINDS, UNKNOWN, ANY, NULL
#define RELAY      NAMED_RELAY, KIND_RELAY, YES, ANY, NULL
#define NO_USER    NAMED_RECIPIENT, KIND_RECIPIENT, NO, RCPT | LATE, NULL
#define BAD_SPF    NAMED_SPF, KIND_SPF, NO, ANY, NULL
#define SPAM       NAMED_SPAM, KIND_SPAM, YES, LATE, NULL
#define VIRUS      NAMED_VIRUS, KIND_VIRUS, YES, ANY, NULL

static const struct saying sayings[] = {
    /* says, names, evidence, state, where, its subject */
    { SAYS("greylist"), GREY, NO_MORE },
    { SAYS("graylist"), GREY, NO_MORE },
    { SAYS("grey-list"), GREY, NO_MORE },
    { SAYS("grey list"), GREY, NO_MORE },
    { SAYS("is not yet authorized to deliver"), GREY, NO_MORE },
    { SAYS("not yet authorized to deliver"), GREY, NO_MORE },
    { SAYS("please come back in "), GREY, NO_MORE },
    { SAYS("you are new here"), GREY, NO_MORE },
    { SAYS("this mail is temporarily denied"), GREY, NO_MORE }, /* qgreylist */

    { SAYS("no reverse dns"), NO_NAME, NO_MORE },
    { SAYS("no reverse name"), NO_NAME, NO_MORE },
    { SAYS("no rdns"), NO_NAME, NO_MORE },
    { SAYS("no reverse"), NO_NAME, NO_MORE },
    { SAYS("no ptr"), NO_NAME, NO_MORE },
    { SAYS("has no ptr"), NO_NAME, NO_MORE },
    { SAYS("missing ptr"), NO_NAME, NO_MORE },
    { SAYS("missing reverse"), NO_NAME, NO_MORE },
    { SAYS("without reverse"), NO_NAME, NO_MORE },
    { SAYS("without ptr"), NO_NAME, NO_MORE },
    { SAYS("must have a ptr"), NO_NAME, NO_MORE },
    { SAYS("must have reverse dns"), NO_NAME, NO_MORE },
    { SAYS("fix reverse dns"), NO_NAME, NO_MORE }, /* feature/require_rdns.m4 */
    { SAYS("fix your reverse dns"), NO_NAME, NO_MORE },
    { SAYS("reverse dns required"), NO_NAME, NO_MORE },
    { SAYS("reverse dns entry"), NO_NAME, NO_MORE },
    { SAYS("reverse dns lookup failed"), NO_NAME, NO_MORE },
    { SAYS("reverse lookup failed"), NO_NAME, NO_MORE },
    { SAYS("cannot find your reverse hostname"), NO_NAME, NO_MORE },
    { SAYS("host lookup failed (failed to find host name"), NO_NAME, NO_MORE },
    { SAYS("failed to find host name from ip address"), NO_NAME, NO_MORE },
    { SAYS("kein reverse"), NO_NAME, NO_MORE },
    { SAYS("kein ptr"), NO_NAME, NO_MORE },
    /* A look-up that failed for the time being. */
    { SAYS("client ip address"), NAMED_NO_RDNS, KIND_RDNS, UNKNOWN, ANY, NULL, STR_INIT("does not resolve") },

    { SAYS("cannot find your hostname"), FORGED, NO_MORE },
    { SAYS("possibly forged hostname"), FORGED, NO_MORE }, /* require_rdns.m4 */
    { SAYS("forged hostname"), FORGED, NO_MORE },
    { SAYS("fcrdns"), FORGED, NO_MORE },
    { SAYS("no fcrdns"), FORGED, NO_MORE },
    { SAYS("reverse dns does not match"), FORGED, NO_MORE },
    { SAYS("reverse dns mismatch"), FORGED, NO_MORE },
    { SAYS("ptr mismatch"), FORGED, NO_MORE },
    { SAYS("forward and reverse dns"), FORGED, NO_MORE },
    { SAYS("forward-confirmed reverse"), FORGED, NO_MORE },
    { SAYS("host lookup failed ("), FORGED, STR_INIT("does not match any ip") },

    { SAYS("blocked using "), LISTED, NO_MORE },
    { SAYS("blocked - see http"), LISTED, NO_MORE }, /* spamcop.net */
    { SAYS("blocked, see http"), LISTED, NO_MORE },
    { SAYS("blocked by rbl"), LISTED, NO_MORE },
    { SAYS("is listed"), LISTED, NO_MORE },
    { SAYS("listed at "), LISTED, NO_MORE }, /* feature/dnsbl.m4 */
    { SAYS("listed in "), LISTED, NO_MORE },
    { SAYS("listed by "), LISTED, NO_MORE },
    { SAYS("listed on "), LISTED, NO_MORE },
    { SAYS("is in a black list"), LISTED, NO_MORE },
    { SAYS("is on a black list"), LISTED, NO_MORE },
    { SAYS("in a black list at "), LISTED, NO_MORE }, /* Exim's configure.default */
    { SAYS("in blacklist"), LISTED, NO_MORE },
    { SAYS("in blocklist"), LISTED, NO_MORE },
    { SAYS("blacklisted at "), LISTED, NO_MORE },
    { SAYS("blacklisted by "), LISTED, NO_MORE },
    { SAYS("blacklisted in "), LISTED, NO_MORE },
    { SAYS("blacklisted on "), LISTED, NO_MORE },
    { SAYS("blackhole site"), LISTED, NO_MORE },   /* Sendmail 8.10 */
    { SAYS("spam blocked see"), LISTED, NO_MORE }, /* cf/README on enhdnsbl */
    { SAYS("spam blocked, see"), LISTED, NO_MORE },
    { SAYS("spam source"), LISTED, NO_MORE },
    { SAYS("rejected: see http"), LISTED, NO_MORE },
    { SAYS("found in "), LISTED, STR_INIT(".") },
    { SAYS("dnsbl"), LISTED, NO_MORE },
    { SAYS("rbl"), LISTED, NO_MORE },
    { SAYS("spamhaus"), LISTED, NO_MORE },
    { SAYS("spamcop"), LISTED, NO_MORE },
    { SAYS("barracuda reputation"), LISTED, NO_MORE },
    { SAYS("open proxy"), LISTED, NO_MORE },
    { SAYS("open relay"), LISTED, NO_MORE },
    { SAYS("temporary lookup failure of "), NAMED_DNSBL, KIND_DNSBL, UNKNOWN, ANY, NULL,
      NO_MORE }, /* dnsbl.m4, `t' */

    { SAYS("pre-greeting traffic"), EARLY_TALK, NO_MORE },
    { SAYS("pregreeting traffic"), EARLY_TALK, NO_MORE },
    { SAYS("input sent without waiting for greeting"), EARLY_TALK, NO_MORE },
    { SAYS("early talker"), EARLY_TALK, NO_MORE },
    { SAYS("earlytalker"), EARLY_TALK, NO_MORE },
    { SAYS("not allowed to talk before"), EARLY_TALK, NO_MORE },
    { SAYS("spoke before"), EARLY_TALK, NO_MORE },
    { SAYS("talk too soon"), EARLY_TALK, NO_MORE },
    { SAYS("talked too soon"), EARLY_TALK, NO_MORE },
    { SAYS("before banner"), EARLY_TALK, NO_MORE },
    { SAYS("before greeting"), EARLY_TALK, NO_MORE },
    { SAYS("smtp protocol violation"), NAMED_EARLY_TALKER, KIND_EARLY_TALKER, YES, EARLY, NULL,
      NO_MORE }, /* greetdelay */
    { SAYS("improper use of smtp command pipelining"), AHEAD, NO_MORE },
    { SAYS("pipelining not supported"), AHEAD, NO_MORE },
    { SAYS("pipelining was not advertised"), AHEAD, NO_MORE },
    { SAYS("traffic before response"), AHEAD, NO_MORE },
    { SAYS("synchronization error"), AHEAD, NO_MORE },

    { SAYS("helo is an ip address"), NAMED_HELO, KIND_HELO, NO, ANY, "fqdn", NO_MORE },
    { SAYS("helo name is an ip address"), NAMED_HELO, KIND_HELO, NO, ANY, "fqdn", NO_MORE },
    { SAYS("need fully-qualified hostname"), NAMED_HELO, KIND_HELO, NO, ANY, "fqdn", NO_MORE },
    { SAYS("helo with my"), NAMED_HELO, KIND_HELO, NO, ANY, "own-name", NO_MORE },
    { SAYS("helo is my"), NAMED_HELO, KIND_HELO, NO, ANY, "own-name", NO_MORE },
    { SAYS("helo is our"), NAMED_HELO, KIND_HELO, NO, ANY, "own-name", NO_MORE },
    { SAYS("you are not me"), NAMED_HELO, KIND_HELO, NO, ANY, "own-name", NO_MORE },
    { SAYS("no helo"), NAMED_HELO, KIND_HELO, NO, ANY, "required", NO_MORE },
    { SAYS("helo required"), NAMED_HELO, KIND_HELO, NO, ANY, "required", NO_MORE },
    { SAYS("helo/ehlo required"), NAMED_HELO, KIND_HELO, NO, ANY, "required", NO_MORE },
    { SAYS("polite people say hello first"), NAMED_HELO, KIND_HELO, NO, ANY, "required",
      NO_MORE }, /* Sendmail srvrsmtp.c */
    { SAYS("polite people say helo first"), NAMED_HELO, KIND_HELO, NO, ANY, "required", NO_MORE },
    { SAYS("helo name does not resolve"), NAMED_HELO, KIND_HELO, NO, ANY, "resolves", NO_MORE },
    { SAYS("helo host not found"), NAMED_HELO, KIND_HELO, NO, ANY, "resolves", NO_MORE },
    { SAYS("bogus helo"), BAD_HELO, NO_MORE }, /* feature/block_bad_helo.m4 */
    { SAYS("bad helo"), BAD_HELO, NO_MORE },
    { SAYS("bad ehlo"), BAD_HELO, NO_MORE },
    { SAYS("bot helo"), BAD_HELO, NO_MORE },
    { SAYS("forged helo"), BAD_HELO, NO_MORE },
    { SAYS("invalid helo"), BAD_HELO, NO_MORE },
    { SAYS("invalid ehlo"), BAD_HELO, NO_MORE },
    { SAYS("helo"), BAD_HELO, NO_MORE },
    { SAYS("ehlo"), BAD_HELO, NO_MORE },

    /* Sendmail's check_mail; "does not resolve" is a look-up that failed for the time being (proto.m4). */
    { SAYS("domain of sender address"), NAMED_SENDER_DOMAIN, KIND_SENDER_DOMAIN, UNKNOWN, ANY, "exists",
      STR_INIT("does not resolve") },
    { SAYS("domain of sender address"), NAMED_SENDER_DOMAIN, KIND_SENDER_DOMAIN, NO, ANY, "exists", NO_MORE },
    { SAYS("domain name required for sender address"), NAMED_SENDER_DOMAIN, KIND_SENDER_DOMAIN, NO, ANY,
      "fqdn", NO_MORE },
    { SAYS("domain name required"), NAMED_SENDER_DOMAIN, KIND_SENDER_DOMAIN, NO, MAIL | RCPT, "fqdn",
      NO_MORE },
    { SAYS("real domain name required for sender address"), NAMED_SENDER_DOMAIN, KIND_SENDER_DOMAIN, NO, ANY,
      "fqdn", NO_MORE },
    { SAYS("invalid mx record"), NAMED_SENDER_DOMAIN, KIND_SENDER_DOMAIN, NO, ANY, "mx",
      NO_MORE }, /* badmx.m4 */
    { SAYS("illegal mx record"), NAMED_SENDER_DOMAIN, KIND_SENDER_DOMAIN, NO, ANY, "mx", NO_MORE },
    { SAYS("domain not found"), NAMED_SENDER_DOMAIN, KIND_SENDER_DOMAIN, NO, ANY, "exists", NO_MORE },
    { SAYS("could not complete sender verify"), NAMED_SENDER_DOMAIN, KIND_SENDER_DOMAIN, UNKNOWN, ANY,
      "exists", NO_MORE },
    { SAYS("sender verify failed"), NAMED_SENDER_DOMAIN, KIND_SENDER_DOMAIN, NO, ANY, "exists", NO_MORE },
    { SAYS("sender domain"), NAMED_SENDER_DOMAIN, KINDS, UNKNOWN, ANY, NULL, NO_MORE },
    { SAYS("sender's domain"), NAMED_SENDER_DOMAIN, KINDS, UNKNOWN, ANY, NULL, NO_MORE },
    { SAYS("sender has no mx"), NAMED_SENDER_DOMAIN, KIND_SENDER_DOMAIN, NO, ANY, "mx", NO_MORE },
    { SAYS("sender domain does not exist"), NAMED_SENDER_DOMAIN, KIND_SENDER_DOMAIN, NO, ANY, "exists",
      NO_MORE },
    { SAYS("invalid sender domain"), NAMED_SENDER_DOMAIN, KIND_SENDER_DOMAIN, NO, ANY, "exists", NO_MORE },
    { SAYS("can't find a valid mx for sender domain"), NAMED_SENDER_DOMAIN, KIND_SENDER_DOMAIN, NO, ANY, "mx",
      NO_MORE },
    { SAYS("invalid address in mail from"), NAMED_SENDER_DOMAIN, KINDS, UNKNOWN, ANY, NULL, NO_MORE },
    { SAYS("nullmx"), NAMED_SENDER_DOMAIN, KIND_SENDER_DOMAIN, YES, ANY, "null-mx", NO_MORE },
    { SAYS("null mx"), NAMED_SENDER_DOMAIN, KIND_SENDER_DOMAIN, YES, ANY, "null-mx", NO_MORE },

    { SAYS("spf"), BAD_SPF, NO_MORE },
    { SAYS("openspf"), BAD_SPF, NO_MORE },
    { SAYS("sender policy framework"), BAD_SPF, NO_MORE },

    { SAYS("relay access denied"), RELAY, NO_MORE },
    { SAYS("relay not permitted"), RELAY, NO_MORE },
    { SAYS("relay denied"), RELAY, NO_MORE },
    { SAYS("relaying denied"), RELAY, NO_MORE },
    { SAYS("relaying not allowed"), RELAY, NO_MORE },
    { SAYS("relaying is not allowed"), RELAY, NO_MORE },
    { SAYS("relaying prohibited"), RELAY, NO_MORE },
    { SAYS("relaying to "), NAMED_RELAY, KIND_RELAY, YES, RCPT, NULL, NO_MORE },
    { SAYS("unable to relay"), RELAY, NO_MORE },
    { SAYS("cannot relay"), RELAY, NO_MORE },
    { SAYS("do not relay"), RELAY, NO_MORE },
    { SAYS("don't relay"), RELAY, NO_MORE },
    { SAYS("not an open relay"), RELAY, NO_MORE },
    { SAYS("that domain isn't in my list of allowed rcpthosts"), RELAY, NO_MORE },
    { SAYS("isn't in my list of allowed rcpthosts"), RELAY, NO_MORE },
    { SAYS("we are not a gateway"), RELAY, NO_MORE },
    { SAYS("ip name lookup failed"), NAMED_RELAY, KIND_RELAY, YES, RCPT, NULL, NO_MORE },

    { SAYS("user unknown"), NO_USER, NO_MORE },
    { SAYS("unknown user"), NO_USER, NO_MORE },
    { SAYS("no such user"), NO_USER, NO_MORE },
    { SAYS("no such recipient"), NO_USER, NO_MORE },
    { SAYS("no such mailbox"), NO_USER, NO_MORE },
    { SAYS("no such address"), NO_USER, NO_MORE },
    { SAYS("no such person"), NO_USER, NO_MORE },
    { SAYS("no mailbox here by that name"), NO_USER, NO_MORE }, /* chkuser */
    { SAYS("no mailbox"), NO_USER, NO_MORE },
    { SAYS("unknown recipient"), NO_USER, NO_MORE },
    { SAYS("recipient unknown"), NO_USER, NO_MORE },
    { SAYS("recipient not found"), NO_USER, NO_MORE },
    { SAYS("recipient does not exist"), NO_USER, NO_MORE },
    { SAYS("invalid recipient"), NO_USER, NO_MORE },
    { SAYS("user not found"), NO_USER, NO_MORE },
    { SAYS("mailbox not found"), NO_USER, NO_MORE },
    { SAYS("mailbox unavailable"), NAMED_RECIPIENT, KIND_RECIPIENT, NO, RCPT, NULL, NO_MORE },
    { SAYS("mailbox does not exist"), NO_USER, NO_MORE },
    { SAYS("account does not exist"), NO_USER, NO_MORE },
    { SAYS("address unknown"), NO_USER, NO_MORE },
    { SAYS("unrouteable address"), NO_USER, NO_MORE },
    { SAYS("unrouteable address"), NAMED_SENDER_DOMAIN, KIND_SENDER_DOMAIN, NO, MAIL, "exists", NO_MORE },
    { SAYS("utilisateur inconnu"), NO_USER, NO_MORE },
    { SAYS("destinataire inconnu"), NO_USER, NO_MORE },
    { SAYS("usuario desconocido"), NO_USER, NO_MORE },
    { SAYS("utente sconosciuto"), NO_USER, NO_MORE },
    { SAYS("benutzer unbekannt"), NO_USER, NO_MORE },
    { SAYS("unbekannter benutzer"), NO_USER, NO_MORE },
    { SAYS("unbekannter empf"), NO_USER, NO_MORE },

    { SAYS("bounces have only one recipient"), NAMED_NULL_SENDER_MANY, KINDS, UNKNOWN, ANY, NULL, NO_MORE },
    { SAYS("multi-recipient bounce"), NAMED_NULL_SENDER_MANY, KINDS, UNKNOWN, ANY, NULL, NO_MORE },
    { SAYS("only one recipient accepted for null sender"), NAMED_NULL_SENDER_MANY, KINDS, UNKNOWN, ANY, NULL,
      NO_MORE },
    { SAYS("max recipients failed"), NAMED_DICTIONARY, KINDS, UNKNOWN, ANY, NULL, NO_MORE },
    { SAYS("too many failed recipients"), NAMED_DICTIONARY, KINDS, UNKNOWN, ANY, NULL,
      NO_MORE }, /* Exim: $rcpt_fail_count */
    { SAYS("dictionary attack"), NAMED_DICTIONARY, KINDS, UNKNOWN, ANY, NULL, NO_MORE },
    { SAYS("directory harvest"), NAMED_DICTIONARY, KINDS, UNKNOWN, ANY, NULL, NO_MORE },
    { SAYS("too many unknown"), NAMED_DICTIONARY, KINDS, UNKNOWN, ANY, NULL, NO_MORE },
    { SAYS("too many invalid recipients"), NAMED_DICTIONARY, KINDS, UNKNOWN, ANY, NULL, NO_MORE },
    { SAYS("intrusive addresses"), NAMED_DICTIONARY, KINDS, UNKNOWN, ANY, NULL, NO_MORE }, /* chkuser */
    { SAYS("batv"), NAMED_BATV, KINDS, UNKNOWN, ANY, NULL, NO_MORE },
    { SAYS("backscatter"), NAMED_BATV, KINDS, UNKNOWN, ANY, NULL, NO_MORE },

    { SAYS("too many open connections"), NAMED_RATE, KIND_RATE, YES, ANY, "connection",
      NO_MORE }, /* conncontrol.m4 */
    { SAYS("too many connections"), NAMED_RATE, KIND_RATE, YES, ANY, "connection", NO_MORE },
    { SAYS("too many concurrent"), NAMED_RATE, KIND_RATE, YES, ANY, "connection", NO_MORE },
    { SAYS("connection rate limit exceeded"), NAMED_RATE, KIND_RATE, YES, ANY, "rate",
      NO_MORE }, /* ratecontrol.m4 */
    { SAYS("rate limit"), NAMED_RATE, KIND_RATE, YES, ANY, "rate", NO_MORE },
    { SAYS("ratelimit"), NAMED_RATE, KIND_RATE, YES, ANY, "rate", NO_MORE },

    { SAYS("virus"), VIRUS, NO_MORE },
    { SAYS("infected"), VIRUS, NO_MORE },
    { SAYS("malware"), VIRUS, NO_MORE },
    { SAYS("trojan"), NAMED_VIRUS, KIND_VIRUS, YES, LATE, NULL, NO_MORE },
    { SAYS("dmarc"), NAMED_DMARC, KIND_DMARC, NO, ANY, NULL, NO_MORE },
    { SAYS("dkim"), NAMED_DKIM, KIND_DKIM, NO, ANY, NULL, NO_MORE },
    { SAYS("spam"), SPAM, NO_MORE },
    { SAYS("gtube"), SPAM, NO_MORE },
    { SAYS("unsolicited"), SPAM, NO_MORE },
    { SAYS("blocked by spamassassin"), NAMED_SPAM, KIND_SPAM, YES, ANY, NULL, NO_MORE },
    { SAYS("tls required"), NAMED_TLS_REQUIRED, KINDS, UNKNOWN, ANY, NULL, NO_MORE },
    { SAYS("must issue a starttls"), NAMED_TLS_REQUIRED, KINDS, UNKNOWN, ANY, NULL, NO_MORE },
    { SAYS("encryption required"), NAMED_TLS_REQUIRED, KINDS, UNKNOWN, ANY, NULL, NO_MORE },
    { SAYS("session encryption is required"), NAMED_TLS_REQUIRED, KINDS, UNKNOWN, ANY, NULL, NO_MORE },
};

/* Any other words about the HELO name are still about it; the rest is no measure's. */
static const struct saying some_helo = { SAYS(""), BAD_HELO, NO_MORE };
static const struct saying unnamed = { SAYS(""), NAMED_OTHER, KINDS, UNKNOWN, ANY, NULL, NO_MORE };

/* ---- Finding them: the first three letters of each, hashed, lead to the sayings that begin so. */

enum { COUNT = sizeof sayings / sizeof *sayings, SLOTS = 1024, NONE = 0xffff };

static uint16_t slot[SLOTS], next_in_slot[COUNT];
static once_flag filled = ONCE_FLAG_INIT;

static unsigned slot_of(const char *at)
{
    unsigned three = (unsigned)(unsigned char)ascii_lower(at[0]) << 16 |
                     (unsigned)(unsigned char)ascii_lower(at[1]) << 8 | (unsigned char)ascii_lower(at[2]);
    return (three * 2654435761u >> 16) % SLOTS;
}

static void fill(void)
{
    memset(slot, 0xff, sizeof slot);
    for (size_t i = COUNT; i-- > 0;) {
        unsigned at = slot_of(sayings[i].says.at);
        next_in_slot[i] = slot[at];
        slot[at] = (uint16_t)i;
    }
}

static bool is_word(char c)
{
    return is_alpha(c) || is_digit(c) || (unsigned char)c >= 0x80;
}

/* Whether what stands at [from, to) of the text is part of a host name or an address: of
 * "greylist.example.org", "me@spf.example.org". A stop at a sentence's end is none. */
static bool in_name(struct str text, size_t from, size_t to)
{
    if (from && strchr("@.-_/=", text.at[from - 1]))
        return true;
    if (!is_word(text.at[to - 1]))
        return false;
    while (to < text.len && (is_word(text.at[to]) || text.at[to] == '-' || text.at[to] == '_'))
        to++;
    return to + 1 < text.len && (text.at[to] == '@' || (text.at[to] == '.' && is_word(text.at[to + 1])));
}

static bool says_at(struct str text, size_t at, const struct saying *saying)
{
    struct str here = str_skip(text, at);
    if (here.len < saying->says.len ||
        !str_eq_nocase((struct str){ here.at, saying->says.len }, saying->says))
        return false;
    here = str_skip(here, saying->says.len);
    if (!saying->also.len)
        return true;
    for (; here.len >= saying->also.len; here = str_skip(here, 1))
        if (str_eq_nocase((struct str){ here.at, saying->also.len }, saying->also))
            return true;
    return false;
}

const struct saying *saying_of(struct str text, enum stage stage)
{
    unsigned where = stage_bit(stage);
    call_once(&filled, fill);
    for (size_t at = 0; at + 3 <= text.len; at++) {
        const struct saying *longest = NULL;
        if (at && is_word(text.at[at - 1]))
            continue;
        for (uint16_t i = slot[slot_of(text.at + at)]; i != NONE; i = next_in_slot[i])
            if ((sayings[i].stages & where) && (!longest || sayings[i].says.len > longest->says.len) &&
                says_at(text, at, &sayings[i]))
                longest = &sayings[i];
        if (longest && !in_name(text, at, at + longest->says.len))
            return longest;
    }
    return stage == STAGE_HELO ? &some_helo : &unnamed;
}

/* ---- What a refusal makes of a session. */

void evidence_once(struct builder *builder, struct open_session *open, const struct evidence *evidence)
{
    if (!evidence_among(open->session.evidence, open->session.evidence_count, evidence))
        builder_add_evidence(builder, open, evidence);
}

/* Evidence belongs to the session, the transaction or the recipient; whether the recipient is valid stands in
 * it. */
static void add_meaning(struct builder *builder, struct open_session *open, const struct refused *refused,
                        const struct saying *saying)
{
    struct evidence evidence[REFUSED_MEANS_MOST];
    unsigned count =
        refused_means(refused, (enum kind)saying->kind, (enum tri)saying->state, saying->subject, evidence);
    for (unsigned i = 0; i < count; i++)
        evidence_once(builder, open, &evidence[i]);
    if (saying->kind == KIND_RECIPIENT && refused->recipient >= 0)
        open->session.transactions[refused->transaction].recipients[refused->recipient].valid = saying->state;
}

void refused_note(struct builder *builder, struct open_session *open, const struct refused *refused,
                  const struct saying *saying)
{
    struct session *session = &open->session;
    struct reply reply = refused->reply;
    if (session->stage < reply.stage)
        session->stage = reply.stage;
    add_meaning(builder, open, refused, saying);
    reply.named = saying->named;
    reply.enhanced = builder_keep(builder, open, reply.enhanced);
    reply.text = builder_keep(builder, open, reply.text);
    builder_refused(open, &reply);
    if (refused->recipient >= 0) {
        session->transactions[refused->transaction].recipients[refused->recipient].reply = reply;
    } else if (refused->transaction >= 0) {
        session->transactions[refused->transaction].reply = reply;
        builder_unawait(builder, open, refused->transaction); /* nothing will become of it */
    } else if (session->transaction_count == 0 && session->verdict == VERDICT_NONE &&
               reply.stage <= STAGE_HELO) {
        session->verdict = reply.code >= 500 ? VERDICT_REJECTED : VERDICT_DEFERRED;
    }
}
