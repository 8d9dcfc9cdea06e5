/* Sessions to rows. This is the store's hot path: 1.6 million sessions are a gigabyte of log, and the reader
 * of that log wants to be done with it in three seconds. */
#include "schemas/pack.h"

#include <stdio.h>
#include <stdlib.h>
#include "schemas/cache.h"
#include "schemas/layout.h"
#include "schemas/naming.h"
#include "schemas/rows.h"
#include "schemas/schema.h"
#include "schemas/text.h"

enum table { NAME, REPLY, FACT, PLACE, SESSION, TRANSACTION, RECIPIENT, EVIDENCE, LATE, TABLES };
static const struct {
    const char *name;
    size_t columns;
} tables[TABLES] = {
    [NAME] = { "name", 2 },
    [REPLY] = { "reply", 6 },
    [FACT] = { "fact", 11 },
    [PLACE] = { "place", 6 },
    [SESSION] = { "session", SESSION_COLUMNS },
    [TRANSACTION] = { "transaction_more", 8 },
    [RECIPIENT] = { "recipient_more", 6 },
    [EVIDENCE] = { "evidence_more", 9 },
    [LATE] = { "evidence_late", 10 },
};

enum {
    NAME_BYTES_LEAST = 4,   /* a number is not shorter */
    TEXTS_SEEN = 1 << 12,   /* of evidence */
    TEXTS_CACHED = 1 << 12, /* of each of two generations, as the others */
    REPLIES_CACHED = 1 << 12,
    FACTS_CACHED = 1 << 12,
    PLACES_CACHED = 1 << 10,
    CACHED_BYTES = 1024 * 1024
};

/* What makes two pieces of evidence alike. No padding: it is compared as bytes. */
struct fact {
    uint8_t kind, state, origin, moment;
    int32_t transaction, recipient;
    int32_t nothing;
    int64_t a, b;
    int64_t subject, detail; /* number of a text, -1 - enum same, or 0: none */
};

struct packer {
    sqlite3_stmt *insert[TABLES], *count;
    struct rows rows[TABLES];
    int64_t number[TABLES]; /* the last one given */
    int64_t last[TABLES];   /* the highest id in the table */
    struct naming *names;
    struct cache replies, facts, places, texts;
    uint16_t *seen; /* marks of evidence's texts, as naming.c has them */
    int64_t text_number;
    struct arena text; /* of the rows that are not written yet */
    struct totals totals;
};

/* The session that is being packed. */
struct packing {
    struct packer *packer;
    const struct session *session;
    const struct name_hashes *hashes;
    const struct transaction *transaction; /* the first ones, or NULL */
    const struct recipient *recipient;
    struct str same[SAMES];
    struct quotes quotes;
    struct fact fact[FACTS_MOST];
    struct str subject[FACTS_MOST], detail[FACTS_MOST];
    uint32_t fact_count;
    usec moment;
    uint64_t bits;
};

/* A cell for a text that may be a name. */
static void cell_name(struct packer *packer, struct cell *cell, struct str text, uint64_t hash)
{
    bool fresh = false;
    int64_t number = text.len < NAME_BYTES_LEAST
                         ? 0
                         : naming_number(packer->names, text, hash, &packer->number[NAME], &fresh);
    if (number)
        cell_number(cell, number);
    else
        cell_text(cell, text);
    if (fresh) {
        struct cell *row = rows_add(&packer->rows[NAME]);
        cell_number(&row[0], number);
        cell_text(&row[1], text);
    }
}

static void cell_rare_name(struct packer *packer, struct cell *cell, struct str text)
{
    cell_name(packer, cell, text, str_hash(text));
}

/* The hash of a text that has been escaped where that of the text before is known. */
static uint64_t hash_of(struct str stored, struct str came, uint64_t hash)
{
    return stored.at == came.at ? hash : str_hash(stored);
}

static void cell_time(struct cell *cell, usec at, usec base)
{
    if (at == USEC_NONE)
        cell_null(cell);
    else
        cell_number(cell, time_less(at, base));
}

static void cell_positive(struct cell *cell, int64_t number)
{
    if (number > 0)
        cell_number(cell, number);
    else
        cell_null(cell);
}

static void cell_client(struct packer *packer, struct cell *cell, const struct ip *ip)
{
    if (ip_is_none(ip)) {
        cell_null(cell);
    } else if (ip_is_v4(ip)) {
        cell_number(cell, (int32_t)ip_v4(ip));
    } else {
        char address[IP_TEXT_BYTES], network[IP_TEXT_BYTES + 4];
        struct prefix prefix = ip_network(ip, 24, 64);
        ip_format(ip, address);
        prefix_format(&prefix, network);
        cell_text(cell, arena_printf(&packer->text, "%s %s", address, network));
    }
}

/* Copies the text there and returns where it ends. */
static char *append(char *to, struct str text)
{
    if (text.at)
        memcpy(to, text.at, text.len);
    return to + text.len;
}

/* What a reply is known again by, in front of its texts. No padding. */
struct reply_key {
    int16_t code;
    uint8_t named, stage;
    uint32_t enhanced_bytes, has_text;
};

static int64_t reply_number(struct packer *packer, const struct reply *reply, const struct quotes *quotes)
{
    if (reply->code == 0 && reply->named == NAMED_NONE && reply->stage == 0 && !reply->enhanced.at &&
        !reply->text.at)
        return 0;
    struct str enhanced = text_escape(&packer->text, reply->enhanced);
    struct str text = text_mark(&packer->text, text_escape(&packer->text, reply->text), quotes);
    struct reply_key head = { reply->code, reply->named, reply->stage,
                              enhanced.at ? (uint32_t)enhanced.len : UINT32_MAX, text.at != NULL };
    char *key = arena_alloc(&packer->text, sizeof head + enhanced.len + text.len);
    memcpy(key, &head, sizeof head);
    append(append(key + sizeof head, enhanced), text);
    struct str whole = { key, sizeof head + enhanced.len + text.len };
    uint64_t hash = str_hash(whole);
    int64_t number = cache_find(&packer->replies, whole, hash);
    if (number)
        return number;
    number = ++packer->number[REPLY];
    cache_add(&packer->replies, whole, hash, number);
    struct cell *row = rows_add(&packer->rows[REPLY]);
    cell_number(&row[0], number);
    cell_number(&row[1], reply->code);
    cell_number(&row[2], reply->named);
    cell_number(&row[3], reply->stage);
    cell_text(&row[4], enhanced);
    cell_text(&row[5], text);
    return number;
}

static bool reply_eq(const struct reply *a, const struct reply *b)
{
    return a->code == b->code && a->named == b->named && a->stage == b->stage &&
           str_eq(a->enhanced, b->enhanced) && str_eq(a->text, b->text) &&
           !a->enhanced.at == !b->enhanced.at && !a->text.at == !b->text.at;
}

static int64_t place_number(struct packer *packer, const struct session *session)
{
    struct {
        struct ip ip;
        int32_t input;
        uint32_t port;
        uint64_t service_bytes;
    } head = { session->server_address, session->input, session->server_port, session->service.len };
    size_t bytes = sizeof head + session->server.len + session->service.len + 2;
    char *key = arena_alloc(&packer->text, bytes), *to = key + sizeof head;
    memcpy(key, &head, sizeof head);
    *to++ = session->server.at != NULL;
    *to++ = session->service.at != NULL;
    append(append(to, session->service), session->server);
    struct str whole = { key, bytes };
    uint64_t hash = str_hash(whole);
    int64_t number = cache_find(&packer->places, whole, hash);
    if (number)
        return number;
    number = ++packer->number[PLACE];
    cache_add(&packer->places, whole, hash, number);
    struct cell *row = rows_add(&packer->rows[PLACE]);
    cell_number(&row[0], number);
    cell_number(&row[1], session->input);
    cell_text(&row[2], text_escape(&packer->text, session->server));
    cell_text(&row[3], text_escape(&packer->text, session->service));
    cell_null(&row[4]);
    if (!ip_is_none(&session->server_address)) {
        char text[IP_TEXT_BYTES];
        ip_format(&session->server_address, text);
        cell_text(&row[4], arena_str(&packer->text, str_of(text)));
    }
    cell_positive(&row[5], session->server_port);
    return number;
}

/* Which time of the session's this is; MOMENTS: none that facts can refer to. */
static enum moment moment_of(const struct packing *packing, usec at, const struct recipient *its)
{
    const struct session *session = packing->session;
    if (at == USEC_NONE)
        return MOMENT_NONE;
    if (at == session->started)
        return MOMENT_STARTED;
    if (at == session->ended)
        return MOMENT_ENDED;
    if (packing->transaction && at == packing->transaction->at)
        return MOMENT_TRANSACTION;
    if (packing->recipient && at == packing->recipient->at)
        return MOMENT_RECIPIENT;
    if (its && at == its->at)
        return MOMENT_ITS_RECIPIENT;
    return packing->moment == USEC_NONE || at == packing->moment ? MOMENT_OWN : MOMENTS;
}

/* The recipient that evidence is of, where it is of the first transaction and not its first. */
static const struct recipient *its_recipient(const struct packing *packing, const struct evidence *evidence)
{
    return evidence->transaction == 0 && evidence->recipient > 0 && packing->transaction &&
                   (uint32_t)evidence->recipient < packing->transaction->recipient_count
               ? &packing->transaction->recipients[evidence->recipient]
               : NULL;
}

/* What a text of evidence is: -1 - enum same where it is one of the session's, the number of one that has
 * come before, or 0. */
static int64_t text_number(struct packing *packing, struct str text)
{
    struct packer *packer = packing->packer;
    for (int same = 0; same < SAMES; same++)
        if (packing->same[same].at && str_eq(packing->same[same], text))
            return -1 - same;
    uint64_t hash = str_hash(text);
    uint16_t *seen = &packer->seen[hash % TEXTS_SEEN], mark = (uint16_t)(hash >> 48 | 1);
    int64_t number = *seen == mark ? cache_find(&packer->texts, text, hash) : 0;
    if (number == 0 && *seen == mark)
        cache_add(&packer->texts, text, hash, number = ++packer->text_number);
    *seen = mark;
    return number;
}

static bool is_usual(int64_t number)
{
    return number == 0 || number == -1 || number == INT64_MIN;
}

/* Whether the evidence is of a sort that other sessions have alike; then it is kept in packing->fact. */
static bool pack_fact(struct packing *packing, const struct evidence *evidence, struct str subject,
                      struct str detail, int64_t subject_number, int64_t detail_number)
{
    enum moment moment = moment_of(packing, evidence->at, its_recipient(packing, evidence));
    if (moment == MOMENTS || packing->fact_count == FACTS_MOST || (subject.at && !subject_number) ||
        (detail.at && !detail_number))
        return false;
    if (evidence->kind != KIND_DNSBL && (!is_usual(evidence->a) || !is_usual(evidence->b)))
        return false;
    if (moment == MOMENT_OWN)
        packing->moment = evidence->at;
    packing->subject[packing->fact_count] = subject;
    packing->detail[packing->fact_count] = detail;
    packing->fact[packing->fact_count++] = (struct fact){ .kind = evidence->kind,
                                                          .state = evidence->state,
                                                          .origin = evidence->origin,
                                                          .moment = (uint8_t)moment,
                                                          .transaction = evidence->transaction,
                                                          .recipient = evidence->recipient,
                                                          .a = evidence->a,
                                                          .b = evidence->b,
                                                          .subject = subject_number,
                                                          .detail = detail_number };
    return true;
}

static void cell_same(struct cell *cell, struct str text, int64_t number)
{
    if (number < 0)
        cell_number(cell, number);
    else
        cell_text(cell, text);
}

static void cell_same_or_name(struct packer *packer, struct cell *cell, struct str text, int64_t number)
{
    if (number < 0)
        cell_number(cell, number);
    else
        cell_rare_name(packer, cell, text);
}

/* The cells that evidence_more and evidence_late have in common, from `bits` to `detail`. */
static void pack_evidence_cells(struct cell *cell, const struct evidence *evidence, usec base)
{
    cell_number(&cell[0], evidence->state << EVIDENCE_STATE | evidence->origin << EVIDENCE_ORIGIN |
                              evidence->kind << EVIDENCE_KIND);
    cell_number(&cell[1], evidence->transaction);
    cell_number(&cell[2], evidence->recipient);
    cell_number(&cell[3], evidence->a);
    cell_number(&cell[4], evidence->b);
    cell_time(&cell[5], evidence->at, base);
}

/* The number of a list of facts, which are written down when it is new. */
static int64_t facts_number(struct packing *packing)
{
    struct packer *packer = packing->packer;
    struct str key = { (const char *)packing->fact, packing->fact_count * sizeof *packing->fact };
    uint64_t hash = str_hash(key);
    int64_t number = cache_find(&packer->facts, key, hash);
    if (number)
        return number;
    number = ++packer->number[FACT];
    cache_add(&packer->facts, key, hash, number);
    for (uint32_t i = 0; i < packing->fact_count; i++) {
        const struct fact *fact = &packing->fact[i];
        struct cell *row = rows_add(&packer->rows[FACT]);
        cell_number(&row[0], number << FACT_BITS | i);
        cell_number(&row[1], fact->kind);
        cell_number(&row[2], fact->state);
        cell_number(&row[3], fact->origin);
        cell_number(&row[4], fact->transaction);
        cell_number(&row[5], fact->recipient);
        cell_number(&row[6], fact->moment);
        cell_number(&row[7], fact->a);
        cell_number(&row[8], fact->b);
        cell_same(&row[9], packing->subject[i], fact->subject);
        cell_same(&row[10], packing->detail[i], fact->detail);
    }
    return number;
}

/* All evidence: the usual into packing->fact, the rest into rows. */
static void pack_evidence(struct packing *packing)
{
    const struct session *session = packing->session;
    struct packer *packer = packing->packer;
    enum tri early = UNKNOWN;
    uint8_t early_origin = ORIGINS;
    for (uint32_t i = 0; i < session->evidence_count; i++) {
        const struct evidence *evidence = &session->evidence[i];
        if (evidence->kind == KIND_EARLY_TALKER && evidence->origin < early_origin) {
            early = evidence->state;
            early_origin = evidence->origin;
        }
        struct str subject = text_escape(&packer->text, evidence->subject);
        struct str detail =
            text_mark(&packer->text, text_escape(&packer->text, evidence->detail), &packing->quotes);
        const struct recipient *its = its_recipient(packing, evidence);
        int64_t subject_number =
            its && its->address.at && subject.at && str_eq(its->address, evidence->subject)
                ? -1 - SAME_ITS_RECIPIENT
            : subject.at ? text_number(packing, subject)
                         : 0;
        int64_t detail_number = detail.at ? text_number(packing, detail) : 0;
        if (pack_fact(packing, evidence, subject, detail, subject_number, detail_number))
            continue;
        struct cell *row = rows_add(&packer->rows[EVIDENCE]);
        cell_number(&row[0], session->id << PLACE_BITS | i);
        pack_evidence_cells(row + 1, evidence, session->started);
        if (subject_number == -1 - SAME_ITS_RECIPIENT)
            subject_number = 0;
        cell_same_or_name(packer, &row[7], subject, subject_number);
        cell_same_or_name(packer, &row[8], detail, detail_number);
        packing->bits |= 1u << BITS_MORE_EVIDENCE;
    }
    packing->bits |= (uint64_t)early << BITS_EARLY;
    packer->totals.evidence += session->evidence_count;
}

/* The transactions but the first, and the recipients but its first. */
static void pack_more(struct packing *packing)
{
    const struct session *session = packing->session;
    struct packer *packer = packing->packer;
    struct quotes quotes = packing->quotes;
    int64_t place = 0; /* of the recipient in the session */
    for (uint32_t t = 0; t < session->transaction_count; t++) {
        const struct transaction *transaction = &session->transactions[t];
        packer->totals.messages += transaction->verdict == VERDICT_ACCEPTED;
        packer->totals.recipients += transaction->recipient_count;
        if (t > 0) {
            struct cell *row = rows_add(&packer->rows[TRANSACTION]);
            quotes.text[QUOTED_SENDER] = text_escape(&packer->text, transaction->mail_from);
            quotes.text[QUOTED_RECIPIENT] = (struct str){ NULL, 0 };
            cell_number(&row[0], session->id << PLACE_BITS | t);
            cell_rare_name(packer, &row[1], quotes.text[QUOTED_SENDER]);
            cell_number(&row[2], transaction->verdict);
            cell_time(&row[3], transaction->at, session->started);
            cell_positive(&row[4], reply_number(packer, &transaction->reply, &quotes));
            cell_number(&row[5], transaction->size);
            if (transaction->size == -1)
                cell_null(&row[5]);
            cell_text(&row[6], text_escape(&packer->text, transaction->queue_id));
            cell_text(&row[7], text_escape(&packer->text, transaction->message_id));
            packing->bits |= 1u << BITS_MORE_TRANSACTIONS;
        }
        if (t > 0) /* who reads recipients does not have that transaction at hand */
            quotes.text[QUOTED_SENDER] = (struct str){ NULL, 0 };
        for (uint32_t r = t == 0; r < transaction->recipient_count; r++) {
            const struct recipient *recipient = &transaction->recipients[r];
            struct cell *row = rows_add(&packer->rows[RECIPIENT]);
            struct str address = text_escape(&packer->text, recipient->address);
            quotes.text[QUOTED_RECIPIENT] = address;
            cell_number(&row[0], session->id << PLACE_BITS | ++place);
            cell_number(&row[1], t);
            cell_rare_name(packer, &row[2], address);
            cell_number(&row[3],
                        recipient->verdict << RECIPIENT_VERDICT | recipient->valid << RECIPIENT_VALID);
            cell_time(&row[4], recipient->at, session->started);
            cell_positive(&row[5], reply_number(packer, &recipient->reply, &quotes));
            packing->bits |= 1u << BITS_MORE_RECIPIENTS;
        }
    }
    packer->totals.transactions += session->transaction_count;
}

/* Its texts, of which replies and evidence may quote; the client's address only where a reply has a text. */
static void pack_texts(struct packing *packing)
{
    struct packer *packer = packing->packer;
    const struct session *session = packing->session;
    struct str *quote = packing->quotes.text, *same = packing->same;
    quote[QUOTED_NAME] = same[SAME_NAME] = text_escape(&packer->text, session->client_name);
    quote[QUOTED_HELO] = same[SAME_HELO] = text_escape(&packer->text, session->helo);
    if (packing->transaction) {
        quote[QUOTED_SENDER] = same[SAME_SENDER] =
            text_escape(&packer->text, packing->transaction->mail_from);
        same[SAME_SENDER_DOMAIN] = sender_domain(same[SAME_SENDER]);
    }
    if (packing->recipient)
        quote[QUOTED_RECIPIENT] = same[SAME_RECIPIENT] =
            text_escape(&packer->text, packing->recipient->address);
    char text[IP_TEXT_BYTES];
    size_t length = ip_is_none(&session->client) ? 0 : ip_format(&session->client, text);
    quote[QUOTED_CLIENT] = arena_str(&packer->text, (struct str){ text, length });
}

static void pack_transaction(struct packing *packing, struct cell *row)
{
    struct packer *packer = packing->packer;
    const struct transaction *transaction = packing->transaction;
    const struct recipient *recipient = packing->recipient;
    usec started = packing->session->started;
    for (int column = S_MAIL_FROM; column < SESSION_COLUMNS; column++)
        cell_null(&row[column]);
    if (transaction) {
        /* Senders are nearly all distinct: looking for them costs more than it saves. */
        cell_text(&row[S_MAIL_FROM], packing->same[SAME_SENDER]);
        cell_time(&row[S_T_AT], transaction->at, started);
        cell_positive(&row[S_T_REPLY], reply_number(packer, &transaction->reply, &packing->quotes));
        if (transaction->size != -1)
            cell_number(&row[S_SIZE], transaction->size);
        cell_text(&row[S_QUEUE_ID], text_escape(&packer->text, transaction->queue_id));
        cell_text(&row[S_MESSAGE_ID], text_escape(&packer->text, transaction->message_id));
        packing->bits |= 1u << BITS_TRANSACTION | (uint64_t)transaction->verdict << BITS_T_VERDICT;
    }
    if (recipient) {
        struct str address = packing->same[SAME_RECIPIENT];
        cell_name(packer, &row[S_RECIPIENT], address,
                  hash_of(address, recipient->address, packing->hashes->recipient));
        cell_time(&row[S_R_AT], recipient->at, transaction->at == USEC_NONE ? started : transaction->at);
        cell_positive(&row[S_R_REPLY], reply_number(packer, &recipient->reply, &packing->quotes));
        packing->bits |= 1u << BITS_RECIPIENT | (uint64_t)recipient->verdict << BITS_R_VERDICT |
                         (uint64_t)recipient->valid << BITS_R_VALID;
    }
}

/* The number of the session's reply: most often it is the recipient's or the transaction's. */
static void pack_reply(struct packing *packing, struct cell *row)
{
    const struct reply *reply = &packing->session->reply;
    if (packing->recipient && reply_eq(reply, &packing->recipient->reply))
        row[S_REPLY] = row[S_R_REPLY];
    else if (packing->transaction && reply_eq(reply, &packing->transaction->reply))
        row[S_REPLY] = row[S_T_REPLY];
    else
        cell_positive(&row[S_REPLY], reply_number(packing->packer, reply, &packing->quotes));
}

static void pack_names(struct packing *packing, struct cell *row)
{
    struct str name = packing->same[SAME_NAME], helo = packing->same[SAME_HELO];
    const struct session *session = packing->session;
    cell_name(packing->packer, &row[S_CLIENT_NAME], name,
              hash_of(name, session->client_name, packing->hashes->client_name));
    if (!name.at || !helo.at || !str_eq(name, helo))
        cell_name(packing->packer, &row[S_HELO], helo, hash_of(helo, session->helo, packing->hashes->helo));
    else if (row[S_CLIENT_NAME].size == CELL_NUMBER)
        row[S_HELO] = row[S_CLIENT_NAME];
    else
        cell_number(&row[S_HELO], 0);
}

static void count_session(struct totals *totals, const struct session *session)
{
    totals->sessions++;
    if (totals->first == USEC_NONE || session->started < totals->first)
        totals->first = session->started;
    if (totals->last == USEC_NONE || session->started > totals->last)
        totals->last = session->started;
}

struct name_hashes packer_hashes(const struct session *session)
{
    const struct transaction *first = session->transaction_count ? session->transactions : NULL;
    struct str recipient =
        first && first->recipient_count ? first->recipients->address : (struct str){ NULL, 0 };
    return (struct name_hashes){ .client_name = str_hash(session->client_name),
                                 .helo = str_hash(session->helo),
                                 .recipient = str_hash(recipient) };
}

void packer_announce(const struct packer *packer, const struct name_hashes *hashes)
{
    naming_announce(packer->names, hashes->client_name);
    naming_announce(packer->names, hashes->helo);
    naming_announce(packer->names, hashes->recipient);
}

void packer_session(struct packer *packer, const struct session *session, const struct name_hashes *hashes)
{
    struct packing packing = { .packer = packer,
                               .session = session,
                               .hashes = hashes,
                               .transaction = session->transaction_count ? session->transactions : NULL,
                               .moment = USEC_NONE };
    if (packing.transaction && packing.transaction->recipient_count)
        packing.recipient = packing.transaction->recipients;
    pack_texts(&packing);
    struct cell *row = rows_add(&packer->rows[SESSION]);
    cell_number(&row[S_ID], session->id);
    cell_number(&row[S_STARTED], session->started);
    cell_time(&row[S_LASTED], session->ended, session->started);
    cell_number(&row[S_PLACE], place_number(packer, session) << PORT_BITS | session->client_port);
    cell_number(&row[S_FIRST_OFFSET], (int64_t)session->first_offset);
    cell_number(&row[S_SPAN], (int64_t)(session->last_offset - session->first_offset));
    cell_client(packer, &row[S_CLIENT], &session->client);
    pack_names(&packing, row);
    cell_rare_name(packer, &row[S_AUTH_USER], text_escape(&packer->text, session->auth_user));
    pack_transaction(&packing, row);
    pack_reply(&packing, row);
    pack_more(&packing);
    pack_evidence(&packing);
    if (packing.fact_count)
        packing.bits |= (uint64_t)facts_number(&packing) << BITS_FACTS;
    cell_time(&row[S_MOMENT], packing.moment, session->started);
    packing.bits |= (uint64_t)session->stage << BITS_STAGE | (uint64_t)session->closed << BITS_CLOSED |
                    (uint64_t)session->verdict << BITS_VERDICT | (uint64_t)session->tls << BITS_TLS |
                    (uint64_t)session->gap << BITS_GAP | (uint64_t)session->cut_off << BITS_CUT_OFF |
                    (uint64_t)session->direction << BITS_OUT;
    cell_number(&row[S_BITS], (int64_t)packing.bits);
    count_session(&packer->totals, session);
}

void packer_late(struct packer *packer, int64_t session_id, const struct evidence *evidence)
{
    struct cell *row = rows_add(&packer->rows[LATE]);
    cell_number(&row[0], ++packer->number[LATE]);
    cell_number(&row[1], session_id);
    pack_evidence_cells(row + 2, evidence, 0);
    cell_rare_name(packer, &row[8], text_escape(&packer->text, evidence->subject));
    cell_rare_name(packer, &row[9], text_escape(&packer->text, evidence->detail));
    packer->totals.evidence++;
}

/* Where the ids of a table's rows are those that SQLite would give them they are left to it: then it knows
 * that they are new and does not look for each. */
static void leave_ids(struct packer *packer, enum table table)
{
    struct rows *rows = &packer->rows[table];
    int64_t next = packer->last[table] + 1;
    bool continues = true;
    for (size_t i = 0; i < rows->count; i++) {
        int64_t id = rows->cell[i * rows->columns].number;
        continues = continues && id == next + (int64_t)i;
        if (id > packer->last[table])
            packer->last[table] = id;
    }
    for (size_t i = 0; continues && i < rows->count; i++)
        cell_null(&rows->cell[i * rows->columns]);
}

int packer_flush(struct packer *packer)
{
    int rc = SQLITE_OK;
    for (enum table t = 0; t < TABLES && rc == SQLITE_OK; t++) {
        struct rows *rows = &packer->rows[t];
        if (rows->count == 0)
            continue;
        leave_ids(packer, t);
        sqlite3_step(packer->insert[t]);
        rc = sqlite3_reset(packer->insert[t]);
        rows->count = 0;
    }
    arena_reset(&packer->text);
    return rc;
}

static void bind_time(sqlite3_stmt *statement, int at, usec time)
{
    if (time == USEC_NONE)
        sqlite3_bind_null(statement, at);
    else
        sqlite3_bind_int64(statement, at, time);
}

int packer_totals(struct packer *packer)
{
    const struct totals *totals = &packer->totals;
    sqlite3_bind_int64(packer->count, 1, (int64_t)totals->sessions);
    sqlite3_bind_int64(packer->count, 2, (int64_t)totals->transactions);
    sqlite3_bind_int64(packer->count, 3, (int64_t)totals->recipients);
    sqlite3_bind_int64(packer->count, 4, (int64_t)totals->messages);
    sqlite3_bind_int64(packer->count, 5, (int64_t)totals->evidence);
    bind_time(packer->count, 6, totals->first);
    bind_time(packer->count, 7, totals->last);
    sqlite3_step(packer->count);
    return sqlite3_reset(packer->count);
}

/* The highest id in a table. */
static int read_last(sqlite3 *db, enum table table, int64_t *last)
{
    char sql[80];
    snprintf(sql, sizeof sql, "SELECT max(id) FROM %s", tables[table].name);
    return schema_number(db, sql, last);
}

static int prepare_table(struct packer *packer, sqlite3 *db, enum table table)
{
    char name[40], sql[120];
    snprintf(name, sizeof name, "%s_rows", tables[table].name);
    snprintf(sql, sizeof sql, "INSERT INTO %s SELECT * FROM %s", tables[table].name, name);
    packer->rows[table].columns = tables[table].columns;
    int rc = rows_register(db, name, &packer->rows[table]);
    if (rc == SQLITE_OK)
        rc = sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &packer->insert[table], NULL);
    if (rc == SQLITE_OK)
        rc = read_last(db, table, &packer->last[table]);
    packer->number[table] = table == FACT ? packer->last[table] >> FACT_BITS : packer->last[table];
    return rc;
}

static int read_totals(sqlite3 *db, struct totals *totals)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(
        db, "SELECT sessions, transactions, recipients, messages, evidence, first, last FROM total", -1,
        &statement, NULL);
    *totals = (struct totals){ .first = USEC_NONE, .last = USEC_NONE };
    if (rc == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW) {
        totals->sessions = (uint64_t)sqlite3_column_int64(statement, 0);
        totals->transactions = (uint64_t)sqlite3_column_int64(statement, 1);
        totals->recipients = (uint64_t)sqlite3_column_int64(statement, 2);
        totals->messages = (uint64_t)sqlite3_column_int64(statement, 3);
        totals->evidence = (uint64_t)sqlite3_column_int64(statement, 4);
        if (sqlite3_column_type(statement, 5) == SQLITE_INTEGER)
            totals->first = sqlite3_column_int64(statement, 5);
        if (sqlite3_column_type(statement, 6) == SQLITE_INTEGER)
            totals->last = sqlite3_column_int64(statement, 6);
    }
    int end = sqlite3_finalize(statement);
    return rc == SQLITE_OK ? end : rc;
}

struct packer *packer_new(sqlite3 *db, int *rc)
{
    struct packer *packer = mem_zero(1, sizeof *packer);
    packer->names = naming_new();
    packer->texts = cache_new(TEXTS_CACHED, CACHED_BYTES);
    packer->replies = cache_new(REPLIES_CACHED, CACHED_BYTES);
    packer->facts = cache_new(FACTS_CACHED, CACHED_BYTES);
    packer->places = cache_new(PLACES_CACHED, CACHED_BYTES);
    packer->seen = mem_zero(TEXTS_SEEN, sizeof *packer->seen);
    *rc = SQLITE_OK;
    for (enum table t = 0; t < TABLES && *rc == SQLITE_OK; t++)
        *rc = prepare_table(packer, db, t);
    if (*rc == SQLITE_OK)
        *rc = read_totals(db, &packer->totals);
    if (*rc == SQLITE_OK)
        *rc = sqlite3_prepare_v3(
            db,
            "UPDATE total SET sessions = ?, transactions = ?, recipients = ?, messages = ?, "
            "evidence = ?, first = ?, last = ?",
            -1, SQLITE_PREPARE_PERSISTENT, &packer->count, NULL);
    if (*rc == SQLITE_OK)
        return packer;
    packer_free(packer);
    return NULL;
}

void packer_free(struct packer *packer)
{
    if (!packer)
        return;
    sqlite3_finalize(packer->count);
    for (enum table t = 0; t < TABLES; t++) {
        sqlite3_finalize(packer->insert[t]);
        rows_free(&packer->rows[t]);
    }
    naming_free(packer->names);
    cache_free(&packer->texts);
    cache_free(&packer->replies);
    cache_free(&packer->facts);
    cache_free(&packer->places);
    arena_free(&packer->text);
    free(packer->seen);
    free(packer);
}
