/* What Postfix's replies mean. The source names the file of Postfix (3.7.11, in src/) that has the words; the
 * default texts of other programs that speak through Postfix stand at the end. */
#include "collect/dialect/postfix.h"

/* Classes: what was refused, as in "Sender address rejected". */
enum class {
    BARE = 1, /* no class was named */
    CLIENT = 2,
    HELO = 4,
    SENDER = 8,
    RECIPIENT = 16,
    COMMAND = 32, /* Data command, End-of-data, Etrn command */
    LOGIN = 64,
    ANY = 127
};

/* postfix smtpd/smtpd_check.h, SMTPD_NAME_... */
static const struct class_name {
    struct str says;
    enum class class;
} class_names[] = {
    { STR_INIT("Recipient address"), RECIPIENT },   { STR_INIT("Helo command"), HELO },
    { STR_INIT("Sender address"), SENDER },         { STR_INIT("Client host"), CLIENT },
    { STR_INIT("Unverified Client host"), CLIENT }, { STR_INIT("Data command"), COMMAND },
    { STR_INIT("End-of-data"), COMMAND },           { STR_INIT("END-OF-MESSAGE"), COMMAND },
    { STR_INIT("Etrn command"), COMMAND },          { STR_INIT("Client certificate"), LOGIN },
    { STR_INIT("SASL login name"), LOGIN },
};

#define SAYS(text) STR_INIT(text)
#define CHECK      "smtpd/smtpd_check.c"

static const struct phrase phrases[] = {
    /* says, in which classes, anywhere, names, evidence, state, its subject, source */
    { SAYS("Greylisted"), ANY, false, NAMED_GREYLIST, KIND_GREYLIST, YES, NULL, "postgrey --greylist-text" },
    { SAYS("cannot find your reverse hostname"), CLIENT, false, NAMED_NO_RDNS, KIND_RDNS, NO, NULL, CHECK },
    { SAYS("cannot find your hostname"), CLIENT, false, NAMED_FCRDNS, KIND_FCRDNS, NO, NULL, CHECK },
    { SAYS("User unknown"), RECIPIENT, false, NAMED_RECIPIENT, KIND_RECIPIENT, NO, NULL, CHECK },
    { SAYS("user unknown"), RECIPIENT, false, NAMED_RECIPIENT, KIND_RECIPIENT, NO, NULL, CHECK },
    { SAYS("undeliverable address"), RECIPIENT, false, NAMED_RECIPIENT, KIND_RECIPIENT, NO, NULL, CHECK },
    { SAYS("unverified address"), RECIPIENT, false, NAMED_RECIPIENT, KINDS, UNKNOWN, NULL, CHECK },
    { SAYS("Relay access denied"), ANY, false, NAMED_RELAY, KIND_RELAY, YES, NULL, CHECK },
    { SAYS("need fully-qualified hostname"), HELO, false, NAMED_HELO, KIND_HELO, NO, "fqdn", CHECK },
    { SAYS("Invalid name"), HELO, false, NAMED_HELO, KIND_HELO, NO, "syntax", CHECK },
    { SAYS("invalid ip address"), HELO, false, NAMED_HELO, KIND_HELO, NO, "syntax", CHECK },
    { SAYS("Host not found"), HELO, false, NAMED_HELO, KIND_HELO, NO, "resolves", CHECK },
    { SAYS("Malformed DNS server reply"), HELO, false, NAMED_HELO, KIND_HELO, NO, "resolves", CHECK },
    { SAYS("need fully-qualified address"), SENDER, false, NAMED_SENDER_DOMAIN, KIND_SENDER_DOMAIN, NO,
      "fqdn", CHECK },
    { SAYS("Domain not found"), SENDER, false, NAMED_SENDER_DOMAIN, KIND_SENDER_DOMAIN, NO, "exists", CHECK },
    { SAYS("Malformed DNS server reply"), SENDER, false, NAMED_SENDER_DOMAIN, KIND_SENDER_DOMAIN, NO,
      "exists", CHECK },
    { SAYS("does not accept mail (nullMX)"), SENDER, true, NAMED_SENDER_DOMAIN, KIND_SENDER_DOMAIN, YES,
      "null-mx", CHECK },
    { SAYS("Improper use of SMTP command pipelining"), ANY, false, NAMED_PIPELINING, KIND_PIPELINING, YES,
      NULL, CHECK },
    { SAYS("Multi-recipient bounce"), ANY, false, NAMED_NULL_SENDER_MANY, KINDS, UNKNOWN, NULL, CHECK },
    { SAYS("Session encryption is required"), ANY, false, NAMED_TLS_REQUIRED, KINDS, UNKNOWN, NULL, CHECK },
    { SAYS("bare <LF> received"), ANY, false, NAMED_OTHER, KIND_BARE_NEWLINE, YES, NULL, "smtpd/smtpd.c" },
    { SAYS("Error: SMTP protocol synchronization"), ANY, false, NAMED_PIPELINING, KIND_PIPELINING, YES, NULL,
      "smtpd/smtpd.c" },
    { SAYS("Error: too much mail"), ANY, false, NAMED_RATE, KIND_RATE, YES, "message", "smtpd/smtpd.c" },
    { SAYS("Error: too many recipients from"), ANY, false, NAMED_RATE, KIND_RATE, YES, "recipient",
      "smtpd/smtpd.c" },
    /* reject_rhsbl_...: a list of names has that of the sender, the HELO or the recipient, which says nothing
     * of the client; a name of the client's own in it does */
    { SAYS("Service unavailable; Sender address ["), BARE, false, NAMED_OTHER, KINDS, UNKNOWN, NULL, CHECK },
    { SAYS("Service unavailable; Helo command ["), BARE, false, NAMED_OTHER, KINDS, UNKNOWN, NULL, CHECK },
    { SAYS("Service unavailable; Recipient address ["), BARE, false, NAMED_OTHER, KINDS, UNKNOWN, NULL,
      CHECK },
    { SAYS("blocked using "), ANY, true, NAMED_DNSBL, KIND_DNSBL, YES, NULL, CHECK },

    /* policy servers, through check_policy_service */
    { SAYS("Greylisting"), ANY, true, NAMED_GREYLIST, KIND_GREYLIST, YES, NULL,
      "policyd, gld, milter-greylist" },
    { SAYS("reylisted for "), ANY, true, NAMED_GREYLIST, KIND_GREYLIST, YES, NULL, "sqlgrey, gross" },
    { SAYS("Throttling too many connections from new source"), ANY, true, NAMED_GREYLIST, KIND_GREYLIST, YES,
      NULL, "sqlgrey" },
    { SAYS("reylisted, "), ANY, true, NAMED_GREYLIST, KIND_GREYLIST, YES, NULL, "sites' --greylist-text" },
    { SAYS("Message rejected due to: "), ANY, false, NAMED_SPF, KIND_SPF, NO, NULL, "policyd-spf" },
    { SAYS("Message deferred due to: "), ANY, false, NAMED_SPF, KIND_SPF, UNKNOWN, NULL, "policyd-spf" },
    { SAYS("Please see http://www.open"), ANY, false, NAMED_SPF, KIND_SPF, NO, NULL,
      "postfix-policyd-spf-perl" },
    { SAYS("SPF-Result="), ANY, false, NAMED_SPF, KIND_SPF, UNKNOWN, NULL, "postfix-policyd-spf-perl" },

    /* content filters, through milters and before-queue proxies */
    { SAYS("Gtube pattern"), ANY, false, NAMED_SPAM, KIND_SPAM, YES, NULL, "rspamd" },
    { SAYS("Spam message rejected"), ANY, false, NAMED_SPAM, KIND_SPAM, YES, NULL, "rspamd actions.conf" },
    { SAYS("Blocked by SpamAssassin"), ANY, false, NAMED_SPAM, KIND_SPAM, YES, NULL, "spamass-milter" },
    { SAYS(" - SPAM"), ANY, true, NAMED_SPAM, KIND_SPAM, YES, NULL, "amavisd" },
    { SAYS("UBE, id="), ANY, true, NAMED_SPAM, KIND_SPAM, YES, NULL, "amavisd" },
    { SAYS(" - spam"), ANY, true, NAMED_SPAM, KIND_SPAM, YES, NULL, "amavisd" },
    { SAYS("INFECTED"), ANY, true, NAMED_VIRUS, KIND_VIRUS, YES, NULL, "amavisd" },
    { SAYS("VIRUS"), ANY, true, NAMED_VIRUS, KIND_VIRUS, YES, NULL, "amavisd" },
    { SAYS("virus found: "), ANY, true, NAMED_VIRUS, KIND_VIRUS, YES, NULL, "rspamd antivirus.lua" },
    { SAYS("virus "), ANY, false, NAMED_VIRUS, KIND_VIRUS, YES, NULL, "clamav-milter" },
    { SAYS("Infected by "), ANY, false, NAMED_VIRUS, KIND_VIRUS, YES, NULL, "clamsmtp" },
    { SAYS("rejected by DMARC policy for "), ANY, false, NAMED_DMARC, KIND_DMARC, NO, NULL, "opendmarc" },
    { SAYS("Action set by DMARC"), ANY, false, NAMED_DMARC, KIND_DMARC, NO, NULL, "rspamd dmarc.lua" },
    { SAYS("bad DKIM signature"), ANY, false, NAMED_DKIM, KIND_DKIM, NO, NULL, "opendkim" },
    { SAYS("no DKIM signature"), ANY, false, NAMED_DKIM, KIND_DKIM, NO, NULL, "opendkim" },
    { SAYS("DKIM key retrieval failed"), ANY, false, NAMED_DKIM, KIND_DKIM, UNKNOWN, NULL, "opendkim" },
    { SAYS("DKIM signature "), ANY, false, NAMED_DKIM, KIND_DKIM, NO, NULL, "opendkim" },
    { SAYS("Try again later"), BARE, false, NAMED_GREYLIST, KIND_GREYLIST, YES, NULL, "rspamd greylist.lua" },
};

/* Any other words about the HELO name are still about it (check_helo_access); the rest is no measure's. */
static const struct phrase unnamed = { SAYS(""), ANY, false, NAMED_OTHER, KINDS, UNKNOWN, NULL, "" };
static const struct phrase some_helo = { SAYS(""), HELO, false, NAMED_HELO, KINDS, UNKNOWN, NULL, CHECK };

/* Takes "<name>: " off: the name is what the client sent, so it may hold anything, this mark too. It is one
 * of those in the trailer, or the client itself. */
static void skip_name(struct str *text, const struct trailer *trailer)
{
    const struct str known[] = { trailer->to, trailer->from, trailer->helo };
    if (!text->len || text->at[0] != '<')
        return;
    struct str inner = str_skip(*text, 1);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        struct str rest = inner;
        if (known[i].len && cut_prefix(&rest, known[i]) && cut_prefix(&rest, STR(">: "))) {
            *text = rest;
            return;
        }
    }
    /* The name without the quotes that the trailer has: of its length at the most, and then the first mark
     * counts. */
    struct str address, rest = inner;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (!known[i].len || known[i].at[0] != '"')
            continue;
        const char *from = inner.at, *end = inner.at + inner.len;
        for (const char *at = str_find(str_range(from, end), STR(">: ")); at;
             at = str_find(str_range(at + 1, end), STR(">: ")))
            if (same_address(str_range(inner.at, at), known[i])) {
                *text = str_range(at + 3, end);
                return;
            }
    }
    if (cut_until(&rest, STR(">: "), &address))
        *text = rest;
}

static enum class cut_class(struct str *text, const struct str *words) {
    for (size_t i = 0; i < sizeof class_names / sizeof *class_names; i++){
        struct str rest = *text; if (cut_prefix(&rest, class_names[i].says) &&
                                     cut_prefix(&rest, *words)){ *text = rest; return class_names[i].class; }
}
return BARE;
}

const struct phrase *phrase_of(struct str text, const struct trailer *trailer, struct str *reason)
{
    static const struct str rejected = STR_INIT(" rejected: ");
    skip_name(&text, trailer);
    enum class class = cut_class(&text, &rejected);
    *reason = text;
    for (size_t i = 0; i < sizeof phrases / sizeof *phrases; i++) {
        const struct phrase *phrase = &phrases[i];
        if (!(phrase->classes & class))
            continue;
        if (phrase->anywhere ? str_find(text, phrase->says) != NULL : str_starts(text, phrase->says))
            return phrase;
    }
    return class == HELO ? &some_helo : &unnamed;
}
