/* What smtpd warns of: names that do not lead back, limits, addresses that are none, logins that fail, lists
 * that do not answer (postfix smtpd/smtpd.c, smtpd_peer.c, smtpd_sasl_glue.c, smtpd_check.c). */
#include "collect/dialect/postfix.h"

#include <stdio.h>

/* "hostname NAME does not resolve to address A", with ": Name or service not known" where looking it up
 * failed; before Postfix 2.9: "A: hostname NAME verification failed: ...", "A: address not listed for
 * hostname NAME". A PTR exists, its name does not lead back; unless that could not be told for now. The
 * process that warns logs "connect" next. */
static enum taken take_hostname(struct str rest, const struct line *line, struct builder *builder)
{
    struct str name, cause = { NULL, 0 }, before;
    if (cut_prefix(&rest, STR("address not listed for hostname "))) {
        name = rest;
    } else {
        if (!cut_prefix(&rest, STR("hostname ")))
            return SKIPPED;
        bool resolves = cut_until(&rest, STR(" does not resolve to address "), &name);
        if (!resolves && !cut_until(&rest, STR(" verification failed: "), &name))
            return SKIPPED;
        if (!resolves || cut_until(&rest, STR(": "), &before))
            cause = rest;
    }
    bool for_now = cause.at && (str_find(cause, STR("emporary")) || str_find(cause, STR("try again")) ||
                                str_find(cause, STR("System error")));
    struct evidence rdns = evidence_of(KIND_RDNS, YES, line->at);
    struct evidence fcrdns = evidence_of(KIND_FCRDNS, for_now ? UNKNOWN : NO, line->at);
    rdns.detail = fcrdns.detail = name;
    builder_stash(builder, key_of_process(line), line, &rdns);
    builder_stash(builder, key_of_process(line), line, &fcrdns);
    return TAKEN;
}

/* Limits of anvil: "Connection rate limit exceeded: 41 from PEER for service smtp" (smtpd.c). That too many
 * connections are open at a time is no rate. */
static const struct limit {
    struct str says;
    const char *subject;
    enum command command;
    int16_t code; /* 0: of a command that has no place in a transaction */
    enum named named;
} limits[] = {
    { STR_INIT("Connection concurrency limit exceeded: "), "connection", COMMAND_CONNECT, 421, NAMED_OTHER },
    { STR_INIT("Connection rate limit exceeded: "), "rate", COMMAND_CONNECT, 421, NAMED_RATE },
    { STR_INIT("Message delivery request rate limit exceeded: "), "message", COMMAND_MAIL, 450, NAMED_RATE },
    { STR_INIT("Recipient address rate limit exceeded: "), "recipient", COMMAND_RCPT, 450, NAMED_RATE },
    { STR_INIT("New TLS session rate limit exceeded: "), "tls", COMMAND_OTHER, 0, NAMED_OTHER },
    { STR_INIT("AUTH command rate limit exceeded: "), "auth", COMMAND_OTHER, 0, NAMED_OTHER },
};

static enum taken take_limit(const struct limit *limit, struct str text, const struct line *line,
                             struct builder *builder)
{
    struct str rest = str_skip(text, limit->says.len);
    struct peer peer;
    struct str count;
    if (!cut_until(&rest, STR(" from "), &count) || !cut_peer(&rest, &peer))
        return SKIPPED;
    struct open_session *open = smtpd_session(builder, line, &peer);
    struct evidence rate = evidence_of(KIND_RATE, YES, line->at);
    rate.subject = str_of(limit->subject);
    rate.detail = count;
    builder_add_evidence(builder, open, &rate);
    if (!limit->code)
        return TAKEN;
    struct phrase phrase = {
        .says = STR(""), .named = (uint8_t)limit->named, .kind = KINDS, .source = "smtpd/smtpd.c"
    };
    struct refusal refusal = { .line = line, .command = limit->command };
    refusal.reply = (struct reply){ .code = limit->code,
                                    .enhanced = limit->code == 421 ? STR("4.7.0") : STR("4.7.1"),
                                    .text = text };
    postfix_refuse(builder, open, &refusal, &phrase, STR(""));
    if (limit->code == 421) {
        open->session.closed = CLOSED_DROPPED;
        open->session.cut_off = true;
    }
    return TAKEN;
}

/* "Illegal address syntax from PEER in RCPT command: <a b@c>": answered 501 (smtpd.c, extract_addr). */
static enum taken take_syntax(struct str rest, const struct line *line, struct builder *builder)
{
    static const struct phrase syntax = {
        STR_INIT("Illegal address syntax"), 0, false, NAMED_OTHER, KINDS, UNKNOWN, NULL, "smtpd/smtpd.c"
    };
    struct peer peer;
    struct str word, address;
    if (!cut_peer(&rest, &peer) || !cut_prefix(&rest, STR(" in ")) ||
        !cut_until(&rest, STR(" command: "), &word))
        return SKIPPED;
    struct open_session *open = smtpd_session(builder, line, &peer);
    address = rest;
    if (address.len >= 2 && address.at[0] == '<' && address.at[address.len - 1] == '>')
        address = (struct str){ address.at + 1, address.len - 2 };
    struct refusal refusal = { .line = line, .command = command_of(word) };
    refusal.reply = (struct reply){ .code = 501, .text = line->text };
    if (refusal.command == COMMAND_RCPT) {
        refusal.reply.enhanced = STR("5.1.3");
        refusal.trailer.to = address;
    } else if (refusal.command == COMMAND_MAIL) {
        refusal.reply.enhanced = STR("5.1.7");
        refusal.trailer.from = address;
    } else {
        return TAKEN;
    }
    cut_prefix(&refusal.reply.text, STR("warning: "));
    postfix_refuse(builder, open, &refusal, &syntax, STR(""));
    return TAKEN;
}

/* "PEER: SASL LOGIN authentication failed: cause, sasl_username=bob" */
static enum taken take_sasl(struct str rest, const struct peer *peer, const struct line *line,
                            struct builder *builder)
{
    struct str before;
    struct open_session *open = smtpd_session(builder, line, peer);
    struct evidence auth = evidence_of(KIND_AUTH, NO, line->at);
    auth.detail = rest;
    if (cut_until(&rest, STR(", sasl_username="), &before)) {
        auth.subject = rest;
        auth.detail = before;
    }
    reach(open, STAGE_HELO);
    builder_add_evidence(builder, open, &auth);
    return TAKEN;
}

/* "7.113.0.203.zen.example.org: RBL lookup error: ...": the list was asked and did not answer
 * (smtpd_check.c). The client's address stands in front, backwards. */
static enum taken take_no_answer(struct str query, const struct line *line, struct builder *builder)
{
    struct open_session *open = builder_find(builder, key_of_process(line), NULL);
    if (!open)
        return PASSED;
    builder_took(builder, open, line);
    char address[80];
    const uint8_t *octet = open->session.client.octet;
    size_t len = 0;
    for (int i = 15; i >= (ip_is_v4(&open->session.client) ? 12 : 0); i--)
        len += (size_t)(ip_is_v4(&open->session.client)
                            ? snprintf(address + len, sizeof address - len, "%u.", octet[i])
                            : snprintf(address + len, sizeof address - len, "%x.%x.", octet[i] & 15u,
                                       octet[i] >> 4u));
    if (!cut_prefix(&query, (struct str){ address, len }))
        return TAKEN; /* of a name: HELO, sender */
    struct evidence listing = evidence_of(KIND_DNSBL, UNKNOWN, line->at);
    listing.subject = query;
    listing.detail = STR("no answer");
    builder_add_evidence(builder, open, &listing);
    return TAKEN;
}

enum taken take_smtpd_warning(struct str rest, const struct line *line, struct builder *builder)
{
    struct peer peer;
    struct str after = rest, address;
    struct ip ip;
    if (str_starts(rest, STR("hostname ")))
        return take_hostname(rest, line, builder);
    if (cut_until(&after, STR(": "), &address) && ip_parse(address, &ip) &&
        (str_starts(after, STR("hostname ")) || str_starts(after, STR("address not listed "))))
        return take_hostname(after, line, builder);
    after = rest;
    if (cut_prefix(&after, STR("non-SMTP command from ")) && cut_peer(&after, &peer)) {
        struct open_session *open = smtpd_session(builder, line, &peer);
        struct evidence talk = evidence_of(KIND_NON_SMTP, YES, line->at);
        cut_prefix(&after, STR(": "));
        talk.detail = after;
        builder_add_evidence(builder, open, &talk);
        open->session.closed = CLOSED_DROPPED; /* "221 2.7.0 Error: I can break rules, too. Goodbye." */
        open->session.cut_off = true;
        return TAKEN;
    }
    after = rest;
    if (cut_until(&after, STR(": RBL lookup error: "), &address) && !memchr(address.at, ' ', address.len))
        return take_no_answer(address, line, builder);
    after = rest;
    if (cut_prefix(&after, STR("Illegal address syntax from ")))
        return take_syntax(after, line, builder);
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        if (str_starts(rest, limits[i].says))
            return take_limit(&limits[i], rest, line, builder);
    }
    after = rest;
    if (cut_peer(&after, &peer) && !memchr(peer.name.at, ' ', peer.name.len)) {
        if (cut_prefix(&after, STR(": SASL ")))
            return take_sasl(after, &peer, line, builder);
    }
    /* reject: ETRN, TLS library problem, table look-ups, proxies, ...: nothing of a verdict */
    struct open_session *open = builder_find(builder, key_of_process(line), NULL);
    if (!open)
        return PASSED;
    builder_took(builder, open, line);
    return TAKEN;
}
