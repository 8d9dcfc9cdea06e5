/* What Postfix's replies mean. The source names the file of Postfix (3.7.11, in src/) that has the words; the default
 * texts of other programs that speak through Postfix stand at the end. */
#include "collect/dialect/postfix.h"

/* Classes: what was refused, as in "Sender address rejected". Letters for the table. */
enum class {
    CLASS_NONE = '-',
    CLASS_CLIENT = 'c',
    CLASS_HELO = 'h',
    CLASS_SENDER = 's',
    CLASS_RECIPIENT = 'r',
    CLASS_COMMAND = 'd', /* Data command, End-of-data, Etrn command */
    CLASS_OTHER = 'o'
};

/* postfix smtpd/smtpd_check.h, SMTPD_NAME_... */
static const struct class_name {
    struct str says;
    enum class class;
} class_names[] = {
    { STR_INIT("Recipient address"), CLASS_RECIPIENT },
    { STR_INIT("Helo command"), CLASS_HELO },
    { STR_INIT("Sender address"), CLASS_SENDER },
    { STR_INIT("Client host"), CLASS_CLIENT },
    { STR_INIT("Unverified Client host"), CLASS_CLIENT },
    { STR_INIT("Data command"), CLASS_COMMAND },
    { STR_INIT("End-of-data"), CLASS_COMMAND },
    { STR_INIT("END-OF-MESSAGE"), CLASS_COMMAND },
    { STR_INIT("Etrn command"), CLASS_COMMAND },
    { STR_INIT("Client certificate"), CLASS_OTHER },
    { STR_INIT("SASL login name"), CLASS_OTHER },
};

#define SAYS(text) STR_INIT(text)
#define CHECK "smtpd/smtpd_check.c"

static const struct phrase phrases[] = {
    /* says, in which classes, anywhere, names, evidence, state, its subject, source */
    { SAYS("Greylisted"), NULL, false, NAMED_GREYLIST, KIND_GREYLIST, YES, NULL, "postgrey --greylist-text" },
    { SAYS("cannot find your reverse hostname"), "c", false, NAMED_NO_RDNS, KIND_RDNS, NO, NULL, CHECK },
    { SAYS("cannot find your hostname"), "c", false, NAMED_FCRDNS, KIND_FCRDNS, NO, NULL, CHECK },
    { SAYS("User unknown"), "r", false, NAMED_RECIPIENT, KIND_RECIPIENT, NO, NULL, CHECK },
    { SAYS("user unknown"), "r", false, NAMED_RECIPIENT, KIND_RECIPIENT, NO, NULL, CHECK },
    { SAYS("undeliverable address"), "r", false, NAMED_RECIPIENT, KIND_RECIPIENT, NO, NULL, CHECK },
    { SAYS("unverified address"), "r", false, NAMED_RECIPIENT, KINDS, UNKNOWN, NULL, CHECK },
    { SAYS("Relay access denied"), NULL, false, NAMED_RELAY, KIND_RELAY, YES, NULL, CHECK },
    { SAYS("need fully-qualified hostname"), "h", false, NAMED_HELO, KIND_HELO, NO, "fqdn", CHECK },
    { SAYS("Invalid name"), "h", false, NAMED_HELO, KIND_HELO, NO, "syntax", CHECK },
    { SAYS("invalid ip address"), "h", false, NAMED_HELO, KIND_HELO, NO, "syntax", CHECK },
    { SAYS("Host not found"), "h", false, NAMED_HELO, KIND_HELO, NO, "resolves", CHECK },
    { SAYS("Malformed DNS server reply"), "h", false, NAMED_HELO, KIND_HELO, NO, "resolves", CHECK },
    { SAYS("need fully-qualified address"), "s", false, NAMED_SENDER_DOMAIN, KIND_SENDER_DOMAIN, NO, "fqdn", CHECK },
    { SAYS("Domain not found"), "s", false, NAMED_SENDER_DOMAIN, KIND_SENDER_DOMAIN, NO, "exists", CHECK },
    { SAYS("Malformed DNS server reply"), "s", false, NAMED_SENDER_DOMAIN, KIND_SENDER_DOMAIN, NO, "exists", CHECK },
    { SAYS("does not accept mail (nullMX)"), "s", true, NAMED_SENDER_DOMAIN, KIND_SENDER_DOMAIN, YES, "null-mx", CHECK },
    { SAYS("Improper use of SMTP command pipelining"), NULL, false, NAMED_PIPELINING, KIND_PIPELINING, YES, NULL, CHECK },
    { SAYS("Multi-recipient bounce"), NULL, false, NAMED_NULL_SENDER_MANY, KINDS, UNKNOWN, NULL, CHECK },
    { SAYS("Session encryption is required"), NULL, false, NAMED_TLS_REQUIRED, KINDS, UNKNOWN, NULL, CHECK },
    { SAYS("bare <LF> received"), NULL, false, NAMED_OTHER, KIND_BARE_NEWLINE, YES, NULL, "smtpd/smtpd.c" },
    { SAYS("Error: SMTP protocol synchronization"), NULL, false, NAMED_PIPELINING, KIND_PIPELINING, YES, NULL,
      "smtpd/smtpd.c" },
    { SAYS("Error: too much mail"), NULL, false, NAMED_RATE, KIND_RATE, YES, "message", "smtpd/smtpd.c" },
    { SAYS("Error: too many recipients from"), NULL, false, NAMED_RATE, KIND_RATE, YES, "recipient", "smtpd/smtpd.c" },
    { SAYS("blocked using "), NULL, true, NAMED_DNSBL, KIND_DNSBL, YES, NULL, CHECK },

    /* policy servers, through check_policy_service */
    { SAYS("Greylisting"), NULL, true, NAMED_GREYLIST, KIND_GREYLIST, YES, NULL, "policyd, gld, milter-greylist" },
    { SAYS("reylisted for "), NULL, true, NAMED_GREYLIST, KIND_GREYLIST, YES, NULL, "sqlgrey, gross" },
    { SAYS("reylisted, "), NULL, true, NAMED_GREYLIST, KIND_GREYLIST, YES, NULL, "sites' --greylist-text" },
    { SAYS("Message rejected due to: SPF"), NULL, false, NAMED_SPF, KIND_SPF, NO, NULL, "policyd-spf" },
    { SAYS("Message deferred due to: SPF"), NULL, false, NAMED_SPF, KIND_SPF, NO, NULL, "policyd-spf" },
    { SAYS("Please see http://www.open"), NULL, false, NAMED_SPF, KIND_SPF, NO, NULL, "postfix-policyd-spf-perl" },

    /* content filters, through milters and before-queue proxies */
    { SAYS("Gtube pattern"), NULL, false, NAMED_SPAM, KIND_SPAM, YES, NULL, "rspamd" },
    { SAYS("Spam message rejected"), NULL, false, NAMED_SPAM, KIND_SPAM, YES, NULL, "rspamd actions.conf" },
    { SAYS("Blocked by SpamAssassin"), NULL, false, NAMED_SPAM, KIND_SPAM, YES, NULL, "spamass-milter" },
    { SAYS(" - SPAM"), NULL, true, NAMED_SPAM, KIND_SPAM, YES, NULL, "amavisd" },
    { SAYS("UBE, id="), NULL, true, NAMED_SPAM, KIND_SPAM, YES, NULL, "amavisd" },
    { SAYS(" - spam"), NULL, true, NAMED_SPAM, KIND_SPAM, YES, NULL, "amavisd" },
    { SAYS("INFECTED"), NULL, true, NAMED_VIRUS, KIND_VIRUS, YES, NULL, "amavisd" },
    { SAYS("VIRUS"), NULL, true, NAMED_VIRUS, KIND_VIRUS, YES, NULL, "amavisd" },
    { SAYS("virus found: "), NULL, true, NAMED_VIRUS, KIND_VIRUS, YES, NULL, "rspamd antivirus.lua" },
    { SAYS("virus "), NULL, false, NAMED_VIRUS, KIND_VIRUS, YES, NULL, "clamav-milter" },
    { SAYS("Infected by "), NULL, false, NAMED_VIRUS, KIND_VIRUS, YES, NULL, "clamsmtp" },
    { SAYS("rejected by DMARC policy for "), NULL, false, NAMED_DMARC, KIND_DMARC, NO, NULL, "opendmarc" },
    { SAYS("Action set by DMARC"), NULL, false, NAMED_DMARC, KIND_DMARC, NO, NULL, "rspamd dmarc.lua" },
    { SAYS("bad DKIM signature"), NULL, false, NAMED_DKIM, KIND_DKIM, NO, NULL, "opendkim" },
    { SAYS("no DKIM signature"), NULL, false, NAMED_DKIM, KIND_DKIM, NO, NULL, "opendkim" },
    { SAYS("Try again later"), "-", false, NAMED_GREYLIST, KIND_GREYLIST, YES, NULL, "rspamd greylist.lua" },
};

/* Any other words about the HELO name are still about it (check_helo_access); the rest is no measure's. */
static const struct phrase unnamed = { SAYS(""), NULL, false, NAMED_OTHER, KINDS, UNKNOWN, NULL, "" };
static const struct phrase some_helo = { SAYS(""), "h", false, NAMED_HELO, KINDS, UNKNOWN, NULL, CHECK };

/* Takes "<name>: " off: the name is what the client sent, so it may hold anything, this mark too. It is one of those
 * in the trailer, or the client itself. */
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
    /* The name without the quotes that the trailer has: of its length at the most, and then the first mark counts. */
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

static enum class cut_class(struct str *text, const struct str *words)
{
    for (size_t i = 0; i < sizeof class_names / sizeof *class_names; i++) {
        struct str rest = *text;
        if (cut_prefix(&rest, class_names[i].says) && cut_prefix(&rest, *words)) {
            *text = rest;
            return class_names[i].class;
        }
    }
    return CLASS_NONE;
}

const struct phrase *phrase_of(struct str text, const struct trailer *trailer, struct str *reason)
{
    static const struct str rejected = STR_INIT(" rejected: ");
    skip_name(&text, trailer);
    enum class class = cut_class(&text, &rejected);
    *reason = text;
    for (size_t i = 0; i < sizeof phrases / sizeof *phrases; i++) {
        const struct phrase *phrase = &phrases[i];
        if (phrase->classes && !strchr(phrase->classes, (int)class))
            continue;
        if (phrase->anywhere ? str_find(text, phrase->says) != NULL : str_starts(text, phrase->says))
            return phrase;
    }
    return class == CLASS_HELO ? &some_helo : &unnamed;
}
