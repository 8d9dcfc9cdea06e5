/* What the words of a refusal mean, and what it makes of the session. The words are in sayings.c. */
#include "collect/dialect/phrases.h"

#include <assert.h>
#include <threads.h>

#include "base/fold.h"
#include "collect/dialect/sayings.h"

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

/* Any other words about the HELO name are still about it; the rest is no measure's. */
static const struct saying some_helo = { SAYS(""), BAD_HELO, NO_MORE };
static const struct saying unnamed = { SAYS(""), NAMED_OTHER, KINDS, UNKNOWN, ANY, NULL, NO_MORE };

/* ---- Finding them: the first three letters of each, hashed, lead to the sayings that begin so. */

enum { SAYINGS_MOST = 2048, SLOTS = 4096, NONE = 0xffff, TEXT_MOST = 2048 /* bytes that are looked at */ };

static const struct saying *known[SAYINGS_MOST];
static uint16_t slot[SLOTS], next_in_slot[SAYINGS_MOST];
static once_flag filled = ONCE_FLAG_INIT;

static unsigned slot_of(const char *at)
{
    unsigned three =
        (unsigned)(unsigned char)at[0] << 16 | (unsigned)(unsigned char)at[1] << 8 | (unsigned char)at[2];
    return (three * 2654435761u >> 16) % SLOTS;
}

static void fill(void)
{
    static const struct saying *const tables[] = { sayings, sayings_sites };
    size_t count = 0;
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++)
        for (const struct saying *saying = tables[t]; saying->says.len && count < SAYINGS_MOST; saying++)
            known[count++] = saying;
    assert(count < SAYINGS_MOST);
    memset(slot, 0xff, sizeof slot);
    while (count-- > 0) {
        unsigned at = slot_of(known[count]->says.at);
        next_in_slot[count] = slot[at];
        slot[at] = (uint16_t)count;
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
    return cut_prefix(&here, saying->says) && (!saying->also.len || str_find(here, saying->also));
}

static const struct saying *search(struct str text, unsigned where)
{
    char bytes[TEXT_MOST];
    text = fold(bytes, text.len > TEXT_MOST ? (struct str){ text.at, TEXT_MOST } : text);
    call_once(&filled, fill);
    for (size_t at = 0; at + 3 <= text.len; at++) {
        const struct saying *longest = NULL;
        if (at && is_word(text.at[at - 1]))
            continue;
        for (uint16_t i = slot[slot_of(text.at + at)]; i != NONE; i = next_in_slot[i])
            if ((known[i]->stages & where) && (!longest || known[i]->says.len > longest->says.len) &&
                says_at(text, at, known[i]))
                longest = known[i];
        if (longest && !in_name(text, at, at + longest->says.len))
            return longest;
    }
    return NULL;
}

/* A server says the same a thousand times. What was said last stands here, each text at the place that its
 * hash tells, as it was said: it is compared. */
enum { SAID = 128, SAID_MOST = 110 };

static _Thread_local struct said {
    const struct saying *means; /* NULL: nothing that is known */
    uint8_t where, len;         /* len 0: free */
    char text[SAID_MOST];
} said[SAID];

static const struct saying *search_or_remember(struct str text, unsigned where)
{
    if (text.len == 0 || text.len > SAID_MOST)
        return search(text, where);
    struct said *place = &said[bytes_hash(text.at, text.len, where) % SAID];
    if (place->where != where || !str_eq((struct str){ place->text, place->len }, text)) {
        place->means = search(text, where);
        place->where = (uint8_t)where;
        place->len = (uint8_t)text.len;
        memcpy(place->text, text.at, text.len);
    }
    return place->means;
}

const struct saying *saying_of(struct str text, enum stage stage)
{
    const struct saying *saying = search_or_remember(text, stage_bit(stage));
    return saying ? saying : stage == STAGE_HELO ? &some_helo : &unnamed;
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
