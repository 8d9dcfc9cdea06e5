/* Random sessions for tests of the store. */
#include "tests/lib/random_session.h"

#include <stdio.h>
#include <stdlib.h>

/* xorshift64*: Marsaglia 2003, Vigna 2016. */
uint64_t draw(struct chance *chance, uint64_t below)
{
    if (chance->state == 0)
        chance->state = 88172645463325252u;
    chance->state ^= chance->state >> 12;
    chance->state ^= chance->state << 25;
    chance->state ^= chance->state >> 27;
    return (chance->state * 2685821657736338717u >> 11) % below;
}

static bool one_in(struct chance *chance, uint64_t n)
{
    return draw(chance, n) == 0;
}

static const struct str known_texts[] = {
    STR_INIT("mail.example.org"),
    STR_INIT("1"),
    STR_INIT("0"),
    STR_INIT("-1"),
    STR_INIT("12"),
    STR_INIT("1.5"),
    STR_INIT("NULL"),
    STR_INIT("user@example.org"),
    STR_INIT("User@Example.ORG"),
    STR_INIT("two@signs@example.org"),
    STR_INIT("@example.org"),
    STR_INIT("example.org"),
    STR_INIT("192.0.2.1"),
    STR_INIT("localhost"),
    STR_INIT("'; DROP TABLE session; --"),
    STR_INIT("\"quoted \\\" one\"@example.org"),
    STR_INIT("a"),
    STR_INIT("abc"),
    STR_INIT("\x01"),
    STR_INIT("\x01"
             "c"),
    STR_INIT("\x01"
             "c\x01"
             "n\x01"
             "h\x01"
             "s\x01"
             "r"),
    STR_INIT("c\x01"),
    STR_INIT("\0"),
    STR_INIT("before\0after"),
    STR_INIT("tab\there"),
    STR_INIT("\r\n.\r\n"),
    STR_INIT("\x1b[2J\x1b]0;owned\x07"),
    STR_INIT("\x7f"),
    STR_INIT("gr\xc3\xbc\xc3\x9f"
             "e@b\xc3\xbc"
             "cher.example"),
    STR_INIT("\xe2\x82\xac\xf0\x9f\x93\xa7"),
    STR_INIT("\xc3"),                 /* cut off */
    STR_INIT("\xc3("),                /* not a continuation */
    STR_INIT("\xc0\x80"),             /* too long a form */
    STR_INIT("\xe0\x80\xaf"),         /* the same */
    STR_INIT("\xed\xa0\x80"),         /* a surrogate */
    STR_INIT("\xf4\x90\x80\x80"),     /* above U+10FFFF */
    STR_INIT("\xf8\x88\x80\x80\x80"), /* never a form of anything */
    STR_INIT("\xc2\x9b"
             "2J"),           /* a control character of two bytes */
    STR_INIT("\xee\xbc\x80"), /* U+EF00, which stands for an escaped byte */
    STR_INIT("\xee\xbf\xbf"),
    STR_INIT("\xee\xbb\xbf"), /* U+EEFF, which does not */
    STR_INIT("\xef\x80\x80"),
    STR_INIT("\xef\xbf\xbe"), /* a noncharacter */
    STR_INIT("\xff\xfe"),
};

static struct str random_bytes(struct chance *chance, struct arena *arena)
{
    size_t length = draw(chance, one_in(chance, 20) ? 5000 : 40);
    char *bytes = arena_alloc(arena, length + 1);
    for (size_t i = 0; i < length; i++)
        bytes[i] = (char)draw(chance, one_in(chance, 3) ? 256 : 128);
    return (struct str){ bytes, length };
}

struct str random_text(struct chance *chance, struct arena *arena)
{
    switch (draw(chance, 8)) {
    case 0:
        return (struct str){ NULL, 0 };
    case 1:
        return STR("");
    case 2:
        return random_bytes(chance, arena);
    case 3:
    case 4:
        return arena_printf(arena, "name%u.example.org", (unsigned)draw(chance, 5000));
    case 5:
        return arena_printf(arena, "user%u@example%u.org", (unsigned)draw(chance, 100000),
                            (unsigned)draw(chance, 10));
    default:
        return known_texts[draw(chance, sizeof known_texts / sizeof *known_texts)];
    }
}

/* A text of the session's, or any. */
static struct str random_quote(struct chance *chance, struct arena *arena, const struct session *session)
{
    const struct transaction *transaction = session->transaction_count ? session->transactions : NULL;
    char address[IP_TEXT_BYTES];
    switch (draw(chance, 7)) {
    case 0:
        return session->client_name;
    case 1:
        return session->helo;
    case 2:
        return transaction ? transaction->mail_from : random_text(chance, arena);
    case 3:
        return transaction && transaction->recipient_count ? transaction->recipients->address
                                                           : random_text(chance, arena);
    case 4:
        return arena_str(arena, (struct str){ address, ip_format(&session->client, address) });
    case 5: {
        const char *at =
            transaction && transaction->mail_from.len ? str_find_last(transaction->mail_from, '@') : NULL;
        return at ? str_range(at + 1, transaction->mail_from.at + transaction->mail_from.len)
                  : STR("example.org");
    }
    default:
        return random_text(chance, arena);
    }
}

static struct reply random_reply(struct chance *chance, struct arena *arena, const struct session *session)
{
    if (one_in(chance, 4))
        return (struct reply){ 0 };
    struct reply reply = { .code = (int16_t)(one_in(chance, 10) ? draw(chance, 1000)
                                                                : 450 + draw(chance, 2) * 104),
                           .named = (uint8_t)draw(chance, NAMED_COUNT),
                           .stage = (uint8_t)draw(chance, STAGES),
                           .enhanced = one_in(chance, 3) ? random_text(chance, arena) : STR("5.7.1"),
                           .text = random_text(chance, arena) };
    if (one_in(chance, 2)) {
        struct str a = random_quote(chance, arena, session), b = random_quote(chance, arena, session);
        size_t length = a.len + b.len + 20;
        char *text = arena_alloc(arena, length), *to = text;
        *to++ = '<';
        if (a.len)
            to = (char *)memcpy(to, a.at, a.len) + a.len;
        to = (char *)memcpy(to, ">: no, [", 8) + 8;
        if (b.len)
            to = (char *)memcpy(to, b.at, b.len) + b.len;
        *to++ = ']';
        reply.text = str_range(text, to);
    }
    return reply;
}

static usec random_time(struct chance *chance, const struct session *session)
{
    switch (draw(chance, 7)) {
    case 0:
        return USEC_NONE;
    case 1:
        return session->started;
    case 2:
        return session->ended;
    case 3:
        return session->transaction_count ? session->transactions->at : session->started;
    case 4:
        return session->started - (usec)draw(chance, 1000000);
    default:
        return session->started + (usec)draw(chance, 100000000);
    }
}

struct evidence random_evidence(struct chance *chance, struct arena *arena, const struct session *session)
{
    static const int64_t numbers[] = { 0, -1, INT64_MIN, INT64_MAX, 2130706434, 5000000 };
    struct evidence evidence = { .kind = (uint8_t)draw(chance, KINDS),
                                 .state = (uint8_t)draw(chance, 3),
                                 .origin = (uint8_t)draw(chance, ORIGINS),
                                 .transaction = WHOLE_SESSION,
                                 .recipient = WHOLE_TRANSACTION,
                                 .a = numbers[draw(chance, 3) ? 0 : draw(chance, 6)],
                                 .b = numbers[draw(chance, 3) ? 0 : draw(chance, 6)],
                                 .at = random_time(chance, session),
                                 .subject = { NULL, 0 },
                                 .detail = { NULL, 0 } };
    if (session->transaction_count && one_in(chance, 2)) {
        evidence.transaction = (int32_t)draw(chance, session->transaction_count);
        uint32_t recipients = session->transactions[evidence.transaction].recipient_count;
        if (recipients && one_in(chance, 2))
            evidence.recipient = (int32_t)draw(chance, recipients);
    }
    if (one_in(chance, 2))
        evidence.subject = random_quote(chance, arena, session);
    if (one_in(chance, 3))
        evidence.detail = random_quote(chance, arena, session);
    return evidence;
}

static struct ip random_ip(struct chance *chance)
{
    struct ip ip = { 0 };
    if (one_in(chance, 12))
        return ip;
    if (!one_in(chance, 3))
        return ip_from_v4((uint32_t)draw(chance, (uint64_t)1 << 32));
    ip.octet[0] = 0x20;
    ip.octet[1] = 1;
    for (int i = 4; i < 16; i++)
        ip.octet[i] = (uint8_t)(one_in(chance, 2) ? 0 : draw(chance, 256));
    return ip;
}

static uint32_t random_count(struct chance *chance)
{
    return (uint32_t)(one_in(chance, 30) ? draw(chance, 60) : draw(chance, 3));
}

static void add_transactions(struct chance *chance, struct arena *arena, struct session *session)
{
    uint32_t count = random_count(chance);
    session->transactions = arena_zero(arena, (count + 1) * sizeof *session->transactions);
    for (uint32_t t = 0; t < count; t++) {
        struct transaction *transaction = &session->transactions[t];
        *transaction =
            (struct transaction){ .mail_from = random_text(chance, arena),
                                  .queue_id = one_in(chance, 2) ? random_text(chance, arena) : STR("4ABCDE"),
                                  .message_id = random_text(chance, arena),
                                  .size = one_in(chance, 2) ? -1 : (int64_t)draw(chance, 1000000),
                                  .verdict = (uint8_t)draw(chance, VERDICTS),
                                  .at = random_time(chance, session) };
        session->transaction_count = t + 1;
        uint32_t recipients = random_count(chance);
        transaction->recipients = arena_zero(arena, (recipients + 1) * sizeof *transaction->recipients);
        for (uint32_t r = 0; r < recipients; r++) {
            struct recipient *recipient = &transaction->recipients[r];
            recipient->address = random_text(chance, arena);
            transaction->recipient_count = r + 1;
            recipient->reply = random_reply(chance, arena, session);
            recipient->verdict = (uint8_t)draw(chance, VERDICTS);
            recipient->valid = (uint8_t)draw(chance, 3);
            recipient->at = random_time(chance, session);
        }
        transaction->reply = random_reply(chance, arena, session);
    }
}

struct session *random_session(struct chance *chance, struct arena *arena, int64_t id)
{
    struct session *session = arena_zero(arena, sizeof *session);
    *session =
        (struct session){ .id = id,
                          .input = (int32_t)draw(chance, 3) + 1,
                          .first_offset = draw(chance, (uint64_t)1 << (8 + draw(chance, 40))),
                          .started = (int64_t)draw(chance, 2000000000) * USEC_SECOND +
                                     (int64_t)draw(chance, 1000000),
                          .client = random_ip(chance),
                          .client_port = (uint16_t)(one_in(chance, 2) ? 0 : draw(chance, 65536)),
                          .server_port = (uint16_t)(one_in(chance, 2) ? 0 : draw(chance, 65536)),
                          .server = one_in(chance, 3) ? random_text(chance, arena) : STR("mx1"),
                          .service = one_in(chance, 3) ? random_text(chance, arena) : STR("postfix/smtpd"),
                          .client_name = random_text(chance, arena),
                          .helo = random_text(chance, arena),
                          .auth_user = random_text(chance, arena),
                          .direction = (uint8_t)draw(chance, 2),
                          .stage = (uint8_t)draw(chance, STAGES),
                          .closed = (uint8_t)draw(chance, CLOSED_KINDS),
                          .verdict = (uint8_t)draw(chance, VERDICTS),
                          .tls = one_in(chance, 2),
                          .gap = one_in(chance, 5),
                          .cut_off = one_in(chance, 5) };
    session->last_offset =
        one_in(chance, 10) ? draw(chance, 1000) : session->first_offset + draw(chance, 5000);
    session->ended = one_in(chance, 5) ? USEC_NONE : session->started + (int64_t)draw(chance, 100) * 777777;
    if (one_in(chance, 2))
        session->server_address = random_ip(chance);
    if (one_in(chance, 3))
        session->helo = session->client_name;
    if (one_in(chance, 40))
        session->started = -session->started; /* before 1970 */
    add_transactions(chance, arena, session);
    session->reply = random_reply(chance, arena, session);
    if (session->transaction_count && session->transactions->recipient_count && one_in(chance, 2))
        session->reply = session->transactions->recipients->reply;
    else if (session->transaction_count && one_in(chance, 2))
        session->reply = session->transactions->reply;
    uint32_t count = one_in(chance, 20) ? (uint32_t)draw(chance, 50) : (uint32_t)draw(chance, 5);
    session->evidence = arena_zero(arena, (count + 1) * sizeof *session->evidence);
    for (uint32_t i = 0; i < count; i++)
        session->evidence[i] = random_evidence(chance, arena, session);
    session->evidence_count = count;
    return session;
}

bool text_same(struct str a, struct str b)
{
    return !a.at == !b.at && str_eq(a, b);
}

static bool reply_same(const struct reply *a, const struct reply *b)
{
    return a->code == b->code && a->named == b->named && a->stage == b->stage &&
           text_same(a->enhanced, b->enhanced) && text_same(a->text, b->text);
}

static bool evidence_same(const struct evidence *a, const struct evidence *b)
{
    return a->kind == b->kind && a->state == b->state && a->origin == b->origin &&
           a->transaction == b->transaction && a->recipient == b->recipient && a->a == b->a && a->b == b->b &&
           a->at == b->at && text_same(a->subject, b->subject) && text_same(a->detail, b->detail);
}

/* What `a` and `b` differ in, or NULL. */
static const char *recipients_differ(const struct transaction *a, const struct transaction *b)
{
    if (a->recipient_count != b->recipient_count)
        return "the number of recipients";
    for (uint32_t r = 0; r < a->recipient_count; r++) {
        const struct recipient *one = &a->recipients[r], *other = &b->recipients[r];
        if (!text_same(one->address, other->address))
            return "a recipient's address";
        if (!reply_same(&one->reply, &other->reply))
            return "a recipient's reply";
        if (one->verdict != other->verdict || one->valid != other->valid || one->at != other->at)
            return "a recipient";
    }
    return NULL;
}

static const char *transactions_differ(const struct session *a, const struct session *b)
{
    if (a->transaction_count != b->transaction_count)
        return "the number of transactions";
    for (uint32_t t = 0; t < a->transaction_count; t++) {
        const struct transaction *one = &a->transactions[t], *other = &b->transactions[t];
        if (!text_same(one->mail_from, other->mail_from))
            return "a sender";
        if (!text_same(one->queue_id, other->queue_id) || !text_same(one->message_id, other->message_id) ||
            one->size != other->size)
            return "a message";
        if (!reply_same(&one->reply, &other->reply))
            return "a transaction's reply";
        if (one->verdict != other->verdict || one->at != other->at)
            return "a transaction";
        const char *difference = recipients_differ(one, other);
        if (difference)
            return difference;
    }
    return NULL;
}

static const char *evidence_differs(const struct session *a, const struct session *b)
{
    if (a->evidence_count != b->evidence_count)
        return "the number of pieces of evidence";
    bool *taken = mem_zero(b->evidence_count + 1, sizeof *taken);
    uint32_t found = 0;
    for (uint32_t i = 0; i < a->evidence_count; i++) {
        for (uint32_t j = 0; j < b->evidence_count; j++) {
            if (taken[j] || !evidence_same(&a->evidence[i], &b->evidence[j]))
                continue;
            taken[j] = true;
            found++;
            break;
        }
    }
    free(taken);
    return found == a->evidence_count ? NULL : "evidence";
}

bool session_same(const struct session *a, const struct session *b, const char **difference)
{
    *difference = NULL;
    if (a->id != b->id)
        *difference = "id";
    else if (a->input != b->input || a->first_offset != b->first_offset || a->last_offset != b->last_offset)
        *difference = "place in the input";
    else if (a->started != b->started || a->ended != b->ended)
        *difference = "times";
    else if (!ip_eq(&a->client, &b->client) || a->client_port != b->client_port)
        *difference = "client";
    else if (!ip_eq(&a->server_address, &b->server_address) || a->server_port != b->server_port ||
             !text_same(a->server, b->server) || !text_same(a->service, b->service))
        *difference = "server";
    else if (!text_same(a->client_name, b->client_name))
        *difference = "client's name";
    else if (!text_same(a->helo, b->helo))
        *difference = "helo";
    else if (!text_same(a->auth_user, b->auth_user))
        *difference = "user";
    else if (a->direction != b->direction || a->stage != b->stage || a->closed != b->closed ||
             a->verdict != b->verdict || a->tls != b->tls || a->gap != b->gap || a->cut_off != b->cut_off)
        *difference = "flags";
    else if (!reply_same(&a->reply, &b->reply))
        *difference = "reply";
    else if (!(*difference = transactions_differ(a, b)))
        *difference = evidence_differs(a, b);
    return *difference == NULL;
}
