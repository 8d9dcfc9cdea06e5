/* A session's pseudonyms. What kinds of evidence hold is a table; in free texts, which strangers wrote or
 * quote, only the words of the list below are left, and what is the session's own is put in again by its
 * pseudonym. */
#include <stdlib.h>
#include "schemas/pseudonym.h"
#include "schemas/text.h"

/* The words of replies and details that say what happened, in order of bytes. Somebody who has
 * one for a name is no more told from it than from any reply. */
/* clang-format off */
static const char *const words[] = {
    "a", "accepted", "access", "action", "active", "actively", "address", "after", "again", "agent",
    "allow", "allowed", "already", "an", "and", "are", "as", "at", "attempt", "attempts", "authentication",
    "authorized", "auto", "bad", "banner", "batv", "be", "because", "been", "before", "black",
    "blacklisted", "blocked", "body", "bounce", "bounced", "but", "by", "cannot", "certificate", "client",
    "clients", "closed", "closing", "code", "command", "commands", "connect", "connection", "connections",
    "could", "cram", "dane", "data", "deferred", "deliver", "delivered", "delivery", "denied", "detected",
    "dictionary", "did", "dkim", "dmarc", "dns", "dnsbl", "does", "domain", "due", "early", "ehlo",
    "encryption", "end", "enhanced", "envelope", "error", "errors", "etrn", "exceeded", "exist", "exists",
    "expired", "expn", "fail", "failed", "failing", "failure", "fcrdns", "feed", "find", "first", "for",
    "forged", "format", "found", "fqdn", "from", "full", "go", "graylisted", "greeting", "greylist",
    "greylisted", "greylisting", "has", "have", "helo", "host", "hostname", "if", "illegal", "improper",
    "in", "input", "internal", "invalid", "is", "it", "last", "later", "limit", "line", "list", "listed",
    "literal", "local", "login", "lookup", "lost", "mail", "mailbox", "malformed", "malware", "many",
    "match", "maximum", "mechanism", "message", "messages", "minutes", "missing", "must", "mx", "name",
    "need", "neutral", "new", "no", "none", "not", "null", "of", "off", "ok", "old", "on", "only", "open",
    "or", "own", "parameter", "pass", "per", "permanent", "permerror", "permitted", "pipelining", "plain",
    "please", "policy", "pre", "pregreet", "prohibited", "protocol", "ptr", "queue", "queued", "quit",
    "quota", "rate", "rbl", "rcpt", "rdns", "reached", "reason", "received", "recipient", "recipients",
    "record", "refused", "rejected", "relay", "relaying", "require", "required", "resolve", "resolves",
    "resource", "response", "restrictions", "retry", "returned", "reverse", "rset", "running", "score",
    "second", "seconds", "see", "sender", "sending", "sent", "server", "service", "session", "size", "smtp",
    "softfail", "soon", "spam", "specified", "spf", "starttls", "status", "storage", "subject",
    "synchronization", "syntax", "system", "table", "talker", "temperror", "temporarily", "temporary",
    "text", "than", "that", "the", "this", "time", "timed", "timeout", "tls", "to", "too", "traffic",
    "transaction", "transport", "triplet", "try", "unable", "unauthorized", "unavailable", "unexpected",
    "unknown", "unrecognized", "unsolicited", "unverified", "user", "using", "valid", "verified", "verify",
    "virtual", "virus", "vrfy", "wait", "waiting", "was", "while", "whitelisted", "will", "with", "without",
    "wrong", "yet", "you", "your",
};
/* clang-format on */

static int by_bytes(const void *word, const void *entry)
{
    const struct str *sought = word;
    const char *known = *(const char *const *)entry;
    int order = strncmp(sought->at, known, sought->len);
    return order ? order : known[sought->len] ? -1 : 0;
}

static bool is_usual(struct str word)
{
    char copy[20];
    if (word.len == 0 || word.len >= sizeof copy)
        return false;
    for (size_t i = 0; i < word.len; i++)
        copy[i] = ascii_lower(word.at[i]);
    struct str lower = { copy, word.len };
    return bsearch(&lower, words, sizeof words / sizeof *words, sizeof *words, by_bytes) != NULL;
}

struct masking {
    const struct pseudonyms *pseudonyms;
    struct arena *arena;
    struct quotes from, to; /* of the session and what of it is being named, as they stand in the database */
};

/* ---- Free texts. */

/* What holds a token together: all that can be in an address, a host name or a mailbox. */
static bool holds(char c)
{
    return is_alpha(c) || is_digit(c) || (unsigned char)c >= 0x80 ||
           (c && strchr("._-@+%!#$&*/=?^`{|}~:[]", c));
}

/* 450, 5.7.1: codes of replies. */
static bool is_code(struct str token)
{
    if (token.len == 3 && (token.at[0] == '4' || token.at[0] == '5'))
        return is_digit(token.at[1]) && is_digit(token.at[2]);
    return token.len == 5 && (token.at[0] == '2' || token.at[0] == '4' || token.at[0] == '5') &&
           token.at[1] == '.' && is_digit(token.at[2]) && token.at[3] == '.' && is_digit(token.at[4]);
}

static bool is_punctuation(struct str token)
{
    for (size_t i = 0; i < token.len; i++)
        if (is_alpha(token.at[i]) || is_digit(token.at[i]) || (unsigned char)token.at[i] >= 0x80)
            return false;
    return true;
}

/* Words with one byte of these between them: null-mx, Greylisted: */
static bool are_usual(struct str token)
{
    size_t from = 0;
    bool any = false;
    for (size_t i = 0; i <= token.len; i++) {
        if (i < token.len && !strchr("-_/.:=!?", token.at[i]))
            continue;
        struct str word = { token.at + from, i - from };
        if (word.len && !is_usual(word))
            return false;
        any |= word.len > 0;
        from = i + 1;
    }
    return any;
}

/* What looks like a host name. */
static bool is_dotted_name(struct str token)
{
    bool dot = false;
    for (size_t i = 0; i < token.len; i++) {
        char c = token.at[i];
        dot |= c == '.';
        if (!(is_alpha(c) || is_digit(c) || c == '.' || c == '-' || c == '_'))
            return false;
    }
    return dot;
}

static struct str token_pseudonym(const struct masking *masking, struct str token)
{
    struct ip ip;
    if (is_code(token) || are_usual(token) || is_punctuation(token))
        return token;
    while (token.len && strchr(".:!?", token.at[token.len - 1]))
        token.len--;
    if (is_code(token))
        return token;
    if (token.len && token.at[0] == '[')
        token = token.at[token.len - 1] == ']' && token.len > 2 ? (struct str){ token.at + 1, token.len - 2 }
                                                                : token;
    if (ip_parse(token, &ip)) {
        char text[IP_TEXT_BYTES];
        struct ip to = pseudonym_ip(masking->pseudonyms, &ip);
        size_t length = ip_format(&to, text);
        return arena_str(masking->arena, (struct str){ text, length });
    }
    if (str_find_last(token, '@'))
        return pseudonym_address(masking->pseudonyms, masking->arena, token);
    return is_dotted_name(token) ? pseudonym_domain(masking->pseudonyms, masking->arena, token) : STR("*");
}

/* `text` with the session's own marked out: tokens are named or starred, what stands between them stays. */
static struct str name_tokens(const struct masking *masking, struct str text)
{
    char *made = NULL;
    size_t len = 0, room = 0;
    for (size_t i = 0; i < text.len;) {
        size_t end = i + 1;
        struct str piece;
        if (text.at[i] == 1 && i + 1 < text.len) {
            end = i + 2;
            piece = (struct str){ text.at + i, 2 };
        } else if (holds(text.at[i])) {
            while (end < text.len && holds(text.at[end]))
                end++;
            piece = token_pseudonym(masking, (struct str){ text.at + i, end - i });
        } else {
            piece = (struct str){ text.at + i, 1 };
        }
        mem_room(made, room, len + piece.len + 1);
        memcpy(made + len, piece.at, piece.len);
        len += piece.len;
        i = end;
    }
    struct str named = arena_str(masking->arena, (struct str){ made ? made : "", len });
    free(made);
    return named;
}

static struct str name_text(const struct masking *masking, struct str text)
{
    if (!text.len)
        return text;
    struct str marked = text_mark(masking->arena, text_escape(masking->arena, text), &masking->from);
    return text_unmark(masking->arena, name_tokens(masking, marked), &masking->to);
}

/* "BAYES_99 URIBL_BLACK(3.00)[shop.example]": the names, which a policy may ask for, without what is in
 * brackets. */
static struct str name_symbols(const struct masking *masking, struct str text)
{
    char *made = arena_alloc(masking->arena, text.len + 1), *to = made;
    int depth = 0;
    for (size_t i = 0; i < text.len;) {
        size_t end = i;
        while (end < text.len && ((text.at[end] >= 'A' && text.at[end] <= 'Z') || is_digit(text.at[end]) ||
                                  text.at[end] == '_'))
            end++;
        bool in_word = i > 0 && holds(text.at[i - 1]) && !strchr("[{=:", text.at[i - 1]);
        bool whole = end == text.len || !holds(text.at[end]) || strchr("[{", text.at[end]);
        if (end > i && !depth && !in_word && whole && text.at[i] >= 'A') {
            if (to > made)
                *to++ = ' ';
            memcpy(to, text.at + i, end - i);
            to += end - i;
        }
        if (end == i) {
            depth += text.at[i] == '[' || text.at[i] == '(';
            depth -= depth > 0 && (text.at[i] == ']' || text.at[i] == ')');
            end++;
        }
        i = end;
    }
    return text.len ? str_range(made, to) : text;
}

/* ---- What evidence holds. */

enum holding { HOLDS_TEXT, HOLDS_ADDRESS, HOLDS_SENDER, HOLDS_DOMAIN, HOLDS_ZONE, HOLDS_SYMBOLS, HOLDS_ID };

static const struct {
    enum holding subject, detail;
} holdings[KINDS] = {
    [KIND_RDNS] = { HOLDS_DOMAIN, HOLDS_TEXT },       [KIND_FCRDNS] = { HOLDS_DOMAIN, HOLDS_TEXT },
    [KIND_DNSBL] = { HOLDS_ZONE, HOLDS_TEXT },        [KIND_SENDER_DOMAIN] = { HOLDS_TEXT, HOLDS_SENDER },
    [KIND_RECIPIENT] = { HOLDS_ADDRESS, HOLDS_TEXT }, [KIND_RELAY] = { HOLDS_ADDRESS, HOLDS_TEXT },
    [KIND_SPF] = { HOLDS_DOMAIN, HOLDS_TEXT },        [KIND_DKIM] = { HOLDS_DOMAIN, HOLDS_TEXT },
    [KIND_DMARC] = { HOLDS_DOMAIN, HOLDS_TEXT },      [KIND_BATV] = { HOLDS_ADDRESS, HOLDS_TEXT },
    [KIND_SPAM] = { HOLDS_TEXT, HOLDS_SYMBOLS },      [KIND_VRFY] = { HOLDS_ADDRESS, HOLDS_TEXT },
    [KIND_AUTH] = { HOLDS_ADDRESS, HOLDS_TEXT },      [KIND_GREYLIST] = { HOLDS_ADDRESS, HOLDS_TEXT },
    [KIND_HEADER] = { HOLDS_TEXT, HOLDS_ID },         [KIND_FATE] = { HOLDS_ADDRESS, HOLDS_TEXT },
};

static struct str name_held(const struct masking *masking, enum holding holding, struct str text)
{
    const struct pseudonyms *pseudonyms = masking->pseudonyms;
    switch (holding) {
    case HOLDS_TEXT:
        return name_text(masking, text);
    case HOLDS_ADDRESS:
        return pseudonym_address(pseudonyms, masking->arena, text);
    case HOLDS_SENDER: /* its domain, or the whole where that has none */
        return str_find(text, STR("@")) ? pseudonym_address(pseudonyms, masking->arena, text)
                                        : pseudonym_domain(pseudonyms, masking->arena, text);
    case HOLDS_DOMAIN:
        return pseudonym_domain(pseudonyms, masking->arena, text);
    case HOLDS_ZONE:
        return pseudonym_zone(pseudonyms, masking->arena, text);
    case HOLDS_SYMBOLS:
        return name_symbols(masking, text);
    case HOLDS_ID:
        return pseudonym_id(pseudonyms, masking->arena, text);
    }
    return (struct str){ NULL, 0 };
}

/* ---- The session. */

static void quote(struct masking *masking, enum quoted which, struct str from, struct str to)
{
    masking->from.text[which] = text_escape(masking->arena, from);
    masking->to.text[which] = text_escape(masking->arena, to);
}

/* "5.7.1" and nothing else. */
static struct str name_enhanced(struct str enhanced)
{
    bool plain = enhanced.len <= 9;
    for (size_t i = 0; i < enhanced.len && plain; i++)
        plain = is_digit(enhanced.at[i]) || enhanced.at[i] == '.';
    return plain ? enhanced : (struct str){ NULL, 0 };
}

static void name_reply(const struct masking *masking, struct reply *reply)
{
    reply->enhanced = name_enhanced(reply->enhanced);
    reply->text = name_text(masking, reply->text);
}

/* "postfix/submission/smtpd": names of programs, where they are the usual ones. */
static struct str name_service(const struct masking *masking, struct str service)
{
    static const char *const usual[] = { "postfix", "smtpd",      "submission", "submissions",
                                         "smtps",   "postscreen", "exim",       "sendmail",
                                         "sm-mta",  "qmail",      "rblsmtpd" };
    struct str named = service.at ? STR("") : service;
    for (struct str rest = service, part; rest.len; rest = str_skip(rest, part.len + 1)) {
        const char *slash = memchr(rest.at, '/', rest.len);
        bool known = false;
        part = slash ? str_range(rest.at, slash) : rest;
        for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
            known |= str_eq(part, str_of(usual[i]));
        struct str pseudonym = known ? part : pseudonym_id(masking->pseudonyms, masking->arena, part);
        named = arena_printf(masking->arena, "%.*s%s%.*s", STR_ARG(named), named.len ? "/" : "",
                             STR_ARG(pseudonym));
    }
    return named;
}

static void name_transaction(struct masking *masking, struct transaction *transaction)
{
    struct str sender = transaction->mail_from;
    struct recipient *recipients =
        arena_alloc(masking->arena, transaction->recipient_count * sizeof *recipients);
    transaction->mail_from = pseudonym_address(masking->pseudonyms, masking->arena, sender);
    transaction->queue_id = pseudonym_id(masking->pseudonyms, masking->arena, transaction->queue_id);
    transaction->message_id = pseudonym_id(masking->pseudonyms, masking->arena, transaction->message_id);
    quote(masking, QUOTED_SENDER, sender, transaction->mail_from);
    for (uint32_t r = 0; r < transaction->recipient_count; r++) {
        struct str address = transaction->recipients[r].address;
        recipients[r] = transaction->recipients[r];
        recipients[r].address = pseudonym_address(masking->pseudonyms, masking->arena, address);
        quote(masking, QUOTED_RECIPIENT, address, recipients[r].address);
        name_reply(masking, &recipients[r].reply);
    }
    transaction->recipients = recipients;
    name_reply(masking, &transaction->reply);
}

static void name_session_texts(struct masking *masking, const struct session *from, struct session *to)
{
    const struct pseudonyms *pseudonyms = masking->pseudonyms;
    struct arena *arena = masking->arena;
    char text[2][IP_TEXT_BYTES];
    to->client = pseudonym_ip(pseudonyms, &from->client);
    to->server_address = pseudonym_ip(pseudonyms, &from->server_address);
    to->server = pseudonym_domain(pseudonyms, arena, from->server);
    to->service = name_service(masking, from->service);
    to->client_name = pseudonym_domain(pseudonyms, arena, from->client_name);
    to->helo = pseudonym_helo(pseudonyms, arena, from->helo);
    to->auth_user = pseudonym_address(pseudonyms, arena, from->auth_user);
    if (!ip_is_none(&from->client)) {
        size_t before = ip_format(&from->client, text[0]), after = ip_format(&to->client, text[1]);
        quote(masking, QUOTED_CLIENT, arena_str(arena, (struct str){ text[0], before }),
              arena_str(arena, (struct str){ text[1], after }));
    }
    quote(masking, QUOTED_NAME, from->client_name, to->client_name);
    quote(masking, QUOTED_HELO, from->helo, to->helo);
}

void pseudonym_session(const struct pseudonyms *pseudonyms, struct arena *arena, const struct session *from,
                       struct session *to)
{
    struct masking masking = { .pseudonyms = pseudonyms, .arena = arena };
    *to = *from;
    to->first_offset = to->last_offset = 0;
    to->client_port = 0;
    name_session_texts(&masking, from, to);
    to->transactions = arena_alloc(arena, from->transaction_count * sizeof *to->transactions);
    for (uint32_t t = 0; t < from->transaction_count; t++) {
        to->transactions[t] = from->transactions[t];
        name_transaction(&masking, &to->transactions[t]);
    }
    name_reply(&masking, &to->reply);
    to->evidence = arena_alloc(arena, from->evidence_count * sizeof *to->evidence);
    for (uint32_t e = 0; e < from->evidence_count; e++) {
        struct evidence *evidence = &to->evidence[e];
        *evidence = from->evidence[e];
        evidence->subject = name_held(&masking, holdings[evidence->kind].subject, evidence->subject);
        evidence->detail = name_held(&masking, holdings[evidence->kind].detail, evidence->detail);
    }
}
