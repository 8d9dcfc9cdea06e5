/* What many sessions have alike gets a number: replies, places, and lists of evidence. */
#include "schemas/packing.h"

#include <assert.h>

/* Copies the text there and returns where it ends. */
static char *append(char *to, struct str text)
{
    if (text.at)
        memcpy(to, text.at, text.len);
    return to + text.len;
}

/* What a reply is known again by, in front of its texts. No padding: what lies in that is anything. */
struct reply_key {
    int64_t base;
    int16_t code;
    uint8_t named, stage;
    uint32_t enhanced_bytes;
    uint64_t has_text;
};
static_assert(sizeof(struct reply_key) == 24, "no padding");

int64_t reply_number(struct packer *packer, const struct reply *reply, const struct quotes *quotes)
{
    if (reply->code == 0 && reply->named == NAMED_NONE && reply->stage == 0 && !reply->enhanced.at &&
        !reply->text.at)
        return 0;
    int64_t base = 0;
    if (reply->phrased) {
        struct reply before = *reply;
        before.named = NAMED_OTHER;
        before.phrased = NOT_PHRASED;
        base = reply_number(packer, &before, quotes);
    }
    struct str enhanced = text_escape(&packer->text, reply->enhanced);
    struct str text = text_mark(&packer->text, text_escape(&packer->text, reply->text), quotes);
    struct reply_key head = { .base = base,
                              .code = reply->code,
                              .named = reply->named,
                              .stage = reply->stage,
                              .enhanced_bytes = enhanced.at ? (uint32_t)enhanced.len : UINT32_MAX,
                              .has_text = text.at != NULL };
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
    cell_positive(&row[6], base);
    return number;
}

int64_t place_number(struct packer *packer, const struct session *session)
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

/* Which of the session's texts it is: the negative number, or 0. */
static int64_t same_number(const struct str same[SAMES], struct str text)
{
    for (int i = 0; i < SAMES && text.at; i++)
        if (same[i].at && str_eq(same[i], text))
            return -1 - i;
    return 0;
}

/* What a text of evidence is: -1 - enum same where it is one of the session's, the number of one that has
 * come before, or 0. */
static int64_t text_number(struct packing *packing, struct str text)
{
    struct packer *packer = packing->packer;
    int64_t same = same_number(packing->same, text);
    if (same)
        return same;
    /* Where evidence is kept decides in which order it is read: this hash is the same in every process. */
    uint64_t hash = bytes_hash(text.at, text.len, 0), sought = str_hash(text);
    uint16_t *seen = &packer->seen[hash % TEXTS_SEEN], mark = (uint16_t)(hash >> 48 | 1);
    int64_t number = *seen == mark ? cache_find(&packer->texts, text, sought) : 0;
    if (number == 0 && *seen == mark)
        cache_add(&packer->texts, text, sought, number = ++packer->text_number);
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

void pack_evidence_cells(struct cell *cell, const struct evidence *evidence, usec base)
{
    cell_number(&cell[0], evidence->state << EVIDENCE_STATE | evidence->origin << EVIDENCE_ORIGIN |
                              evidence->kind << EVIDENCE_KIND);
    cell_number(&cell[1], evidence->transaction);
    cell_number(&cell[2], evidence->recipient);
    cell_number(&cell[3], evidence->a);
    cell_number(&cell[4], evidence->b);
    cell_time(&cell[5], evidence->at, base);
}

void pack_named_cells(struct cell row[EVIDENCE_CELLS], struct arena *arena, const struct session *session,
                      const struct str same[SAMES], const struct quotes *quotes,
                      const struct evidence *evidence, uint32_t place)
{
    struct str subject = text_escape(arena, evidence->subject),
               detail = text_mark(arena, text_escape(arena, evidence->detail), quotes);
    cell_number(&row[0], session->id << PLACE_BITS | place);
    pack_evidence_cells(row + 1, evidence, session->started);
    cell_same(&row[7], subject, same_number(same, subject));
    cell_same(&row[8], detail, same_number(same, detail));
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

int64_t pack_evidence(struct packing *packing)
{
    const struct session *session = packing->session;
    struct packer *packer = packing->packer;
    bool in_common = true; /* what is not comes behind what is when it is read */
    for (uint32_t i = 0; i < session->evidence_count; i++) {
        const struct evidence *evidence = &session->evidence[i];
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
        if (in_common && pack_fact(packing, evidence, subject, detail, subject_number, detail_number))
            continue;
        in_common = !packer->ordered;
        struct cell *row = rows_add(&packer->rows[EVIDENCE]);
        cell_number(&row[0], session->id << PLACE_BITS | i);
        pack_evidence_cells(row + 1, evidence, session->started);
        if (subject_number == -1 - SAME_ITS_RECIPIENT)
            subject_number = 0;
        cell_same_or_name(packer, &row[7], subject, subject_number);
        cell_same_or_name(packer, &row[8], detail, detail_number);
        packing->bits |= 1u << BITS_MORE_EVIDENCE;
    }
    packer->totals.evidence += session->evidence_count;
    return packing->fact_count ? facts_number(packing) : 0;
}
