/* The site's own words. A stranger writes half of each reply (HELO names, addresses), so words that lie
 * wholly within what this session's client gave of itself are not the server's. */
#include "collect/phrasebook.h"

#include <stdlib.h>

#include "base/fold.h"
#include "collect/refused.h"
#include "collect/shape.h"

enum {
    TEXT_MOST = 2048, /* of a reply that is looked at; RFC 5321 4.5.3.1.5 allows 512 a line */
    SPANS_MOST = 32
};

void phrasebook_free(struct phrasebook *book)
{
    free(book->phrase);
    free(book->folded);
    free(book->evidence);
    arena_free(&book->arena);
    *book = (struct phrasebook){ 0 };
}

static struct str keep(struct arena *arena, struct str text)
{
    return text.at ? arena_str(arena, text) : text;
}

void phrasebook_add(struct phrasebook *book, const struct site_phrase *phrase)
{
    if (book->count == book->room) {
        book->room = mem_grow(book->room, book->count + 1);
        book->phrase = mem_resize(book->phrase, book->room, sizeof *book->phrase);
        book->folded = mem_resize(book->folded, book->room, sizeof *book->folded);
    }
    struct site_phrase *kept = &book->phrase[book->count];
    *kept = *phrase;
    kept->pattern = keep(&book->arena, phrase->pattern);
    kept->zone = keep(&book->arena, phrase->zone);
    book->folded[book->count++] = fold(arena_alloc(&book->arena, phrase->pattern.len), kept->pattern);
}

bool phrasebook_same(const struct phrasebook *one, const struct phrasebook *other)
{
    bool same = one->count == other->count;
    for (size_t i = 0; i < one->count && same; i++) {
        const struct site_phrase *a = &one->phrase[i], *b = &other->phrase[i];
        same = str_eq(a->pattern, b->pattern) && str_eq(a->zone, b->zone) && a->measure == b->measure &&
               a->stage == b->stage && a->code == b->code;
    }
    return same;
}

bool phrase_pattern_is_enough(struct str pattern)
{
    size_t words = 0;
    for (size_t i = 0; i < pattern.len; i++)
        words += pattern.at[i] != '*' && pattern.at[i] != ' ';
    return words >= PHRASE_BYTES_LEAST;
}

/* ---- Whether a phrase fits. */

/* A reply's text in lower case, and where in it the client's own words stand. */
struct heard {
    struct str text;
    struct span {
        const char *from, *to;
    } span[SPANS_MOST];
    unsigned spans;
    char bytes[TEXT_MOST];
};

static struct str cut_short(struct str text)
{
    return text.len > TEXT_MOST ? (struct str){ text.at, TEXT_MOST } : text;
}

static void note_spans(struct heard *heard, struct str own)
{
    char bytes[TEXT_MOST];
    if (own.len < PHRASE_BYTES_LEAST || own.len > heard->text.len)
        return;
    struct str words = fold(bytes, own), rest = heard->text;
    for (const char *at; heard->spans < SPANS_MOST && (at = str_find(rest, words));
         rest = str_range(at + 1, rest.at + rest.len))
        heard->span[heard->spans++] = (struct span){ at, at + words.len };
}

static void hear(struct heard *heard, const struct session *session, struct str text, struct str sender,
                 struct str recipient)
{
    heard->spans = 0;
    heard->text = fold(heard->bytes, cut_short(text));
    note_spans(heard, session->client_name);
    note_spans(heard, session->helo);
    note_spans(heard, sender);
    note_spans(heard, recipient);
}

static bool is_clients(const struct heard *heard, const char *from, const char *to)
{
    for (unsigned i = 0; i < heard->spans; i++)
        if (from >= heard->span[i].from && to <= heard->span[i].to)
            return true;
    return false;
}

/* The pieces between the stars stand one behind the other. The leftmost place of each is as good as any: what
 * follows has the more room. */
static bool fits(const struct heard *heard, struct str pattern)
{
    struct str rest = heard->text;
    while (pattern.len) {
        struct str piece;
        if (!cut_until_char(&pattern, '*', &piece)) {
            piece = pattern;
            pattern.len = 0;
        }
        const char *at = str_find(rest, piece);
        while (at && piece.len && is_clients(heard, at, at + piece.len))
            at = str_find(str_range(at + 1, rest.at + rest.len), piece);
        if (!at)
            return false;
        rest = str_range(at + piece.len, rest.at + rest.len);
    }
    return true;
}

const struct site_phrase *phrasebook_find(const struct phrasebook *book, const struct session *session,
                                          const struct reply *reply, struct str sender, struct str recipient)
{
    struct heard heard;
    if (!reply->text.len)
        return NULL;
    hear(&heard, session, reply->text, sender, recipient);
    for (size_t i = 0; i < book->count; i++) {
        const struct site_phrase *phrase = &book->phrase[i];
        if ((phrase->stage == STAGES || phrase->stage == reply->stage) &&
            (phrase->code == 0 || phrase->code == reply->code) && fits(&heard, book->folded[i]))
            return phrase;
    }
    return NULL;
}

/* ---- A pattern out of a reply. */

static bool is_word(char c)
{
    return is_alpha(c) || is_digit(c) || (unsigned char)c >= 0x80;
}

/* The client's own text that begins at `at` as a word, or NULL; the longest. */
static const struct span *span_at(const struct heard *heard, const char *at)
{
    const struct span *longest = NULL;
    const char *end = heard->text.at + heard->text.len;
    for (unsigned i = 0; i < heard->spans; i++) {
        const struct span *span = &heard->span[i];
        if (span->from == at && (at == heard->text.at || !is_word(at[-1])) &&
            (span->to == end || !is_word(*span->to)) && (!longest || span->to > longest->to))
            longest = span;
    }
    return longest;
}

/* How many bytes of valid UTF-8 the character at the front has; 0: it is none, or a control character. */
static size_t character(struct str text)
{
    unsigned char c = (unsigned char)text.at[0];
    size_t length = c < 0x80 ? 1 : c >= 0xc3 && c <= 0xdf ? 2 : c >= 0xe1 && c <= 0xec ? 3 : 0;
    if (length == 0 || text.len < length || c < 0x20 || c == 0x7f)
        return 0;
    for (size_t i = 1; i < length; i++)
        if (((unsigned char)text.at[i] & 0xc0) != 0x80)
            return 0;
    return length;
}

/* Where a pattern is cut, it is not within a character. */
static size_t whole(const char *pattern, size_t len)
{
    if (len == PATTERN_BYTES)
        while (len && (unsigned char)pattern[len - 1] >= 0x80)
            len--;
    return len;
}

size_t phrase_shape(const struct session *session, const struct reply *reply, struct str sender,
                    struct str recipient, char pattern[PATTERN_BYTES])
{
    _Static_assert((int)SHAPE_BYTES == (int)PATTERN_BYTES, "a shape is a pattern");
    struct heard heard;
    char bytes[TEXT_MOST], *to = bytes;
    struct str text = cut_short(reply->text);
    hear(&heard, session, text, sender, recipient);
    for (size_t i = 0, taken = 0; i < text.len; i += taken) {
        const struct span *own = span_at(&heard, heard.text.at + i);
        size_t length = character(str_skip(text, i));
        taken = own ? (size_t)(own->to - own->from) : length ? length : 1;
        if (!own && length)
            memcpy(to, text.at + i, length);
        else if (to == bytes || to[-1] != '*')
            *to = '*';
        else
            continue;
        to += own || !length ? 1 : length;
    }
    size_t len = whole(pattern, shape_fold_words(str_range(bytes, to), pattern));
    if (phrase_pattern_is_enough((struct str){ pattern, len }))
        return len;
    /* Nothing is left: then it stands for itself. */
    len = (size_t)(to - bytes) < PATTERN_BYTES ? (size_t)(to - bytes) : PATTERN_BYTES;
    memcpy(pattern, bytes, len);
    len = whole(pattern, len);
    return phrase_pattern_is_enough((struct str){ pattern, len }) ? len : 0;
}

/* ---- What it makes of a session. */

/* What is evident from a refusal that a phrase names, as from the usual words for it (phrases.c); of measures
 * with several checks the words do not say which, so it is none. */
static const struct meaning {
    uint8_t kind, state;
    const char *subject;
} meanings[NAMED_COUNT] = {
    [NAMED_NONE] = { KINDS, UNKNOWN, NULL },
    [NAMED_OTHER] = { KINDS, UNKNOWN, NULL },
    [NAMED_NO_RDNS] = { KIND_RDNS, NO, NULL },
    [NAMED_FCRDNS] = { KIND_FCRDNS, NO, NULL },
    [NAMED_DNSBL] = { KIND_DNSBL, YES, NULL },
    [NAMED_EARLY_TALKER] = { KIND_EARLY_TALKER, YES, NULL },
    [NAMED_AFTER_220] = { KINDS, UNKNOWN, NULL },
    [NAMED_PIPELINING] = { KIND_PIPELINING, YES, NULL },
    [NAMED_HELO] = { KINDS, UNKNOWN, NULL },
    [NAMED_SENDER_DOMAIN] = { KINDS, UNKNOWN, NULL },
    [NAMED_SPF] = { KIND_SPF, NO, NULL },
    [NAMED_RELAY] = { KIND_RELAY, YES, NULL },
    [NAMED_RECIPIENT] = { KIND_RECIPIENT, NO, NULL },
    [NAMED_NULL_SENDER_MANY] = { KINDS, UNKNOWN, NULL },
    [NAMED_BATV] = { KINDS, UNKNOWN, NULL },
    [NAMED_DICTIONARY] = { KINDS, UNKNOWN, NULL },
    [NAMED_VRFY] = { KINDS, UNKNOWN, NULL },
    [NAMED_GREYLIST] = { KIND_GREYLIST, YES, NULL },
    [NAMED_NOLISTING] = { KINDS, UNKNOWN, NULL },
    [NAMED_DKIM] = { KIND_DKIM, NO, NULL },
    [NAMED_DMARC] = { KIND_DMARC, NO, NULL },
    [NAMED_SPAM] = { KIND_SPAM, YES, NULL },
    [NAMED_VIRUS] = { KIND_VIRUS, YES, NULL },
    [NAMED_TLS_REQUIRED] = { KINDS, UNKNOWN, NULL },
    [NAMED_AUTH_ABUSE] = { KINDS, UNKNOWN, NULL },
    [NAMED_RATE] = { KIND_RATE, YES, "rate" },
};

static void add_evidence(struct phrasebook *book, const struct session *session,
                         const struct evidence *evidence, struct naming_effect *effect)
{
    if (evidence_among(session->evidence, session->evidence_count, evidence) ||
        evidence_among(book->evidence, effect->evidence_count, evidence))
        return;
    mem_room(book->evidence, book->evidence_room, (size_t)effect->evidence_count + 1);
    book->evidence[effect->evidence_count++] = *evidence;
}

/* Where the session's replies were read: in a capture, if that has told of it and no log has. */
static enum origin origin_of(const struct session *session)
{
    bool capture = false, log = false;
    for (uint32_t i = 0; i < session->evidence_count; i++) {
        capture |= session->evidence[i].origin == ORIGIN_CAPTURE;
        log |= session->evidence[i].origin == ORIGIN_LOG;
    }
    return capture && !log ? ORIGIN_CAPTURE : ORIGIN_LOG;
}

/* Names one refusal, whose reply lies in the session. */
static bool name(struct phrasebook *book, const struct session *session, struct reply *reply,
                 struct refused *refused, struct naming_effect *effect)
{
    const struct site_phrase *phrase =
        reply->named == NAMED_OTHER ? phrasebook_find(book, session, reply, refused->sender, refused->address)
                                    : NULL;
    if (!phrase || phrase->measure <= NAMED_OTHER)
        return false;
    const struct meaning *meaning = &meanings[phrase->measure];
    struct evidence means[REFUSED_MEANS_MOST];
    refused->reply = *reply;
    refused->zone = phrase->zone;
    reply->named = phrase->measure;
    reply->phrased = PHRASED;
    unsigned count =
        refused_means(refused, (enum kind)meaning->kind, (enum tri)meaning->state, meaning->subject, means);
    for (unsigned i = 0; i < count; i++) {
        means[i].origin = (uint8_t)origin_of(session);
        add_evidence(book, session, &means[i], effect);
    }
    return true;
}

static bool name_transaction(struct phrasebook *book, const struct session *session, int32_t index,
                             struct naming_effect *effect)
{
    struct transaction *transaction = &session->transactions[index];
    usec at = transaction->at == USEC_NONE ? session->started : transaction->at;
    bool any = false;
    for (uint32_t i = 0; i < transaction->recipient_count; i++) {
        struct recipient *recipient = &transaction->recipients[i];
        struct refused refused = { .at = recipient->at == USEC_NONE ? at : recipient->at,
                                   .sender = transaction->mail_from,
                                   .address = recipient->address,
                                   .transaction = index,
                                   .recipient = (int32_t)i };
        bool named = name(book, session, &recipient->reply, &refused, effect);
        if (named && recipient->reply.named == NAMED_RECIPIENT && recipient->valid == UNKNOWN) {
            recipient->valid = NO;
            recipient->reply.phrased = PHRASED_VALID;
        }
        any |= named;
    }
    struct refused refused = {
        .at = at, .sender = transaction->mail_from, .transaction = index, .recipient = WHOLE_TRANSACTION
    };
    return name(book, session, &transaction->reply, &refused, effect) || any;
}

/* Whether it is the same reply, however it is named. */
static bool is_same(const struct reply *a, const struct reply *b)
{
    return a->code == b->code && a->stage == b->stage && str_eq(a->enhanced, b->enhanced) &&
           str_eq(a->text, b->text);
}

/* The replies in the order of the session's commands; NULL behind the last. */
static const struct reply *next_reply(const struct session *session, uint32_t *transaction, uint32_t *place)
{
    if (*transaction == session->transaction_count)
        return NULL;
    const struct transaction *in = &session->transactions[*transaction];
    if (*place < in->recipient_count)
        return &in->recipients[(*place)++].reply;
    *place = 0;
    ++*transaction;
    return &in->reply;
}

static const struct reply *twin_of(const struct session *session, const struct reply *own)
{
    uint32_t transaction = 0, place = 0;
    const struct reply *reply = next_reply(session, &transaction, &place);
    while (reply && !is_same(reply, own))
        reply = next_reply(session, &transaction, &place);
    return reply;
}

/* The first reply that has a measure now and stands before the session's own; NULL: there is none. The
 * session's own, if it always had one, was the first in the order of time. */
static const struct reply *first_named(const struct session *session)
{
    const struct reply *own = &session->reply;
    uint32_t transaction = 0, place = 0;
    for (const struct reply *reply = NULL; (reply = next_reply(session, &transaction, &place));) {
        if (reply->code < 400 || reply->named <= NAMED_OTHER)
            continue;
        if (is_same(reply, own))
            return NULL;
        if (reply->phrased || own->named <= NAMED_OTHER)
            return reply;
    }
    return NULL;
}

bool phrasebook_name(struct phrasebook *book, struct session *session, struct naming_effect *effect)
{
    struct reply *own = &session->reply;
    bool any = false;
    *effect = (struct naming_effect){ .reply = *own };
    if (book->count == 0)
        return false;
    for (uint32_t t = 0; t < session->transaction_count; t++)
        any |= name_transaction(book, session, (int32_t)t, effect);
    const struct reply *twin = twin_of(session, own), *first = NULL;
    if (twin && twin->phrased && own->named == NAMED_OTHER) {
        own->named = twin->named;
        own->phrased = PHRASED;
    } else if (!twin) {
        struct refused refused = { .at = session->started,
                                   .transaction = WHOLE_SESSION,
                                   .recipient = WHOLE_TRANSACTION };
        any |= name(book, session, own, &refused, effect);
    }
    if (any && (twin || own->named <= NAMED_OTHER) && (first = first_named(session))) {
        *own = *first;
        effect->other_reply = true;
    }
    effect->evidence = book->evidence;
    return any;
}

void session_unnamed(const struct session *session,
                     void (*take)(void *state, const struct session *session, const struct reply *reply,
                                  struct str sender, struct str recipient),
                     void *state)
{
    static const struct str nobody = { NULL, 0 };
    for (uint32_t t = 0; t < session->transaction_count; t++) {
        const struct transaction *transaction = &session->transactions[t];
        for (uint32_t r = 0; r < transaction->recipient_count; r++)
            if (transaction->recipients[r].reply.named == NAMED_OTHER)
                take(state, session, &transaction->recipients[r].reply, transaction->mail_from,
                     transaction->recipients[r].address);
        if (transaction->reply.named == NAMED_OTHER)
            take(state, session, &transaction->reply, transaction->mail_from, nobody);
    }
    if (session->reply.named == NAMED_OTHER && !twin_of(session, &session->reply))
        take(state, session, &session->reply, nobody, nobody);
}
