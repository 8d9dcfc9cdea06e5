/* Sessions to rows. This is the store's hot path: 1.6 million sessions are a gigabyte of log, and the reader
 * of that log wants to be done with it in three seconds. */
#include "schemas/connection.h"
#include "schemas/packing.h"

enum { NAME_BYTES_LEAST = 4 /* a number is not shorter */ };

void cell_name(struct packer *packer, struct cell *cell, struct str text, uint64_t hash)
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

void cell_rare_name(struct packer *packer, struct cell *cell, struct str text)
{
    cell_name(packer, cell, text, str_hash(text));
}

/* The hash of a text that has been escaped where that of the text before is known. */
static uint64_t hash_of(struct str stored, struct str came, uint64_t hash)
{
    return stored.at == came.at ? hash : str_hash(stored);
}

void cell_time(struct cell *cell, usec at, usec base)
{
    if (at == USEC_NONE)
        cell_null(cell);
    else
        cell_number(cell, time_less(at, base));
}

void cell_positive(struct cell *cell, int64_t number)
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
        char text[CLIENT_TEXT_BYTES];
        size_t len = client_text(ip, text);
        cell_text(cell, arena_str(&packer->text, (struct str){ text, len }));
    }
}

static bool reply_eq(const struct reply *a, const struct reply *b)
{
    return a->code == b->code && a->named == b->named && a->stage == b->stage &&
           str_eq(a->enhanced, b->enhanced) && str_eq(a->text, b->text) &&
           !a->enhanced.at == !b->enhanced.at && !a->text.at == !b->text.at;
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
            if (recipient->reply.phrased == PHRASED_VALID) {
                struct cell *before = rows_add(&packer->rows[RENAMED_RECIPIENT]);
                cell_number(&before[0], session->id << PLACE_BITS | place);
                cell_number(&before[1], recipient->verdict << RECIPIENT_VERDICT);
            }
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

enum tri early_talker(const struct session *session, const struct naming_effect *effect)
{
    enum tri early = UNKNOWN;
    uint8_t origin = ORIGINS;
    for (uint32_t i = 0; i < session->evidence_count + effect->evidence_count; i++) {
        const struct evidence *evidence = i < session->evidence_count
                                              ? &session->evidence[i]
                                              : &effect->evidence[i - session->evidence_count];
        if (evidence->kind == KIND_EARLY_TALKER && evidence->origin < origin) {
            early = evidence->state;
            origin = evidence->origin;
        }
    }
    return early;
}

/* What the phrases have added, and what was there before where that is another thing now. */
static void pack_naming(struct packing *packing, const struct naming_effect *effect)
{
    static const struct naming_effect none = { .evidence_count = 0 };
    struct packer *packer = packing->packer;
    const struct session *session = packing->session;
    for (uint32_t i = 0; i < effect->evidence_count; i++)
        pack_named_cells(rows_add(&packer->rows[NAMED_EVIDENCE]), &packer->text, session, packing->same,
                         &packing->quotes, &effect->evidence[i], i);
    packer->totals.evidence += effect->evidence_count;
    uint64_t before = packing->bits & ~((uint64_t)3 << BITS_EARLY);
    before |= (uint64_t)early_talker(session, &none) << BITS_EARLY;
    if (packing->recipient && packing->recipient->reply.phrased == PHRASED_VALID)
        before &= ~((uint64_t)3 << BITS_R_VALID);
    if (before == packing->bits && !effect->other_reply)
        return;
    struct cell *row = rows_add(&packer->rows[RENAMED]);
    cell_number(&row[0], session->id);
    cell_positive(&row[1], reply_number(packer, &effect->reply, &packing->quotes));
    cell_number(&row[2], (int64_t)before);
}

void packer_session(struct packer *packer, struct session *session, const struct name_hashes *hashes)
{
    struct naming_effect effect;
    bool named = phrasebook_name(&packer->phrases, session, &effect);
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
    int64_t facts = pack_evidence(&packing);
    cell_time(&row[S_MOMENT], packing.moment, session->started);
    packing.bits |= (uint64_t)session->stage << BITS_STAGE | (uint64_t)session->closed << BITS_CLOSED |
                    (uint64_t)session->verdict << BITS_VERDICT | (uint64_t)session->tls << BITS_TLS |
                    (uint64_t)session->gap << BITS_GAP | (uint64_t)session->cut_off << BITS_CUT_OFF |
                    (uint64_t)session->direction << BITS_OUT |
                    (uint64_t)early_talker(session, &effect) << BITS_EARLY | (uint64_t)facts << BITS_FACTS;
    if (named)
        pack_naming(&packing, &effect);
    cell_number(&row[S_BITS], (int64_t)packing.bits);
    count_session(&packer->totals, session);
    if (session->id < packer->first_given)
        packer->first_given = session->id;
}

/* What a message's log says later of a session that was pruned meanwhile goes where the session went. */
static bool has_gone(struct packer *packer, int64_t session_id)
{
    if (session_id > packer->pruned || session_id >= packer->first_given)
        return false;
    sqlite3_bind_int64(packer->stands, 1, session_id);
    bool stands = sqlite3_step(packer->stands) == SQLITE_ROW;
    return sqlite3_reset(packer->stands) == SQLITE_OK && !stands;
}

void packer_late(struct packer *packer, int64_t session_id, const struct evidence *evidence)
{
    if (has_gone(packer, session_id))
        return;
    struct cell *row = rows_add(&packer->rows[LATE]);
    cell_number(&row[0], ++packer->number[LATE]);
    cell_number(&row[1], session_id);
    pack_evidence_cells(row + 2, evidence, 0);
    cell_rare_name(packer, &row[8], text_escape(&packer->text, evidence->subject));
    cell_rare_name(packer, &row[9], text_escape(&packer->text, evidence->detail));
    packer->totals.evidence++;
}
