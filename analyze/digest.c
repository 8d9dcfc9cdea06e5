/* The digest.
 *
 * Attempts are of one kind when whatever a judge, an estimate or a walk may look at is the same for them: the
 * facts of their sessions, the answers to them and to the others of their sessions, what was in force, their
 * stratum; by delivery also that of all others in their chains. Rules that look at more (names, addresses,
 * times) tell kinds apart by what they judge. What is not known to be looked at must not be left out: a kind
 * too many costs a little time, a kind too few is wrong. That two are alike is told by 64 bits of a hash. */
#include "analyze/digest.h"

#include <assert.h>
#include <stdlib.h>
#include "analyze/cost.h"
#include "analyze/exempt.h"
#include "analyze/lists.h"
#include "analyze/measure.h"
#include "analyze/provided.h"
#include "analyze/signature.h"
#include "analyze/units.h"

bool rule_needs_no_telling(const struct policy *policy, const struct rule *rule)
{
    const struct measure *measure = rule->measure;
    return !rule_is_selective(policy, rule) &&
           (!measure->looks_farther || !measure->looks_farther(rule->parameters));
}

/* ---- Evidence. */

/* What of a piece of evidence measures look at, beside kind, state and origin. */
enum { LOOKED_A = 1, LOOKED_B = 2, LOOKED_SUBJECT = 4, LOOKED_DETAIL = 8, NOT_LOOKED_AT = 16 };

static const uint8_t looked_at[KINDS] = {
    [KIND_DNSBL] = LOOKED_A | LOOKED_SUBJECT,
    [KIND_EARLY_TALKER] = LOOKED_A | LOOKED_B,
    [KIND_HELO] = LOOKED_SUBJECT,
    [KIND_SENDER_DOMAIN] = LOOKED_SUBJECT,
    [KIND_SPF] = LOOKED_DETAIL,
    [KIND_DKIM] = LOOKED_DETAIL,
    [KIND_DMARC] = LOOKED_DETAIL,
    [KIND_SPAM] = LOOKED_A | LOOKED_B,
    [KIND_WARNING] = LOOKED_SUBJECT,
    /* for labels, which go into a unit's signs, and for exemptions, which are told */
    [KIND_FATE] = NOT_LOOKED_AT,
    [KIND_HEADER] = NOT_LOOKED_AT,
    [KIND_CONTRADICTION] = NOT_LOOKED_AT,
    [KIND_ASN] = NOT_LOOKED_AT,
    [KIND_COUNTRY] = NOT_LOOKED_AT,
    [KIND_LABEL] = NOT_LOOKED_AT,
    [KIND_TRAP] = NOT_LOOKED_AT,
};

static uint64_t fact_signature(const struct fact *fact)
{
    unsigned look = looked_at[fact->kind];
    uint64_t own = signature_mix(fact->kind | (uint64_t)fact->state << 8 | (uint64_t)fact->origin << 16,
                                 fact->transaction | (uint64_t)fact->recipient << 16);
    own = look & LOOKED_A ? signature_mix(own, (uint64_t)fact->a) : own;
    own = look & LOOKED_B ? signature_mix(own, (uint64_t)fact->b) : own;
    own = look & LOOKED_SUBJECT ? signature_mix(own, fact->subject) : own;
    return look & LOOKED_DETAIL ? signature_mix(own, fact->detail) : own;
}

/* By set of facts. */
static uint64_t *set_signatures(const struct columns *columns)
{
    uint64_t *signature = mem_alloc(columns->fact_set_count * sizeof *signature);
    for (size_t set = 0; set < columns->fact_set_count; set++) {
        signature[set] = 5;
        for (uint32_t f = columns->first_fact[set]; f < columns->first_fact[set + 1]; f++)
            if (!(looked_at[columns->fact[f].kind] & NOT_LOOKED_AT))
                signature[set] = signature_mix(signature[set], fact_signature(&columns->fact[f]));
    }
    return signature;
}

enum { RANKED_MOST = 32 };

/* Evidence from elsewhere of one kind. Of times only the order counts, and which are later. */
static uint64_t provided_of_kind(const struct columns *columns, uint32_t attempt, enum kind kind)
{
    const struct judging bare = { .columns = columns };
    const struct fact *fact = NULL;
    uint64_t ranks[RANKED_MOST], own = 7;
    size_t count = 0;
    while ((fact = provided_next(columns, attempt, kind, fact))) {
        uint64_t rank = judging_rank(&bare, attempt, fact);
        own = signature_mix(own, fact_signature(fact));
        if (count == RANKED_MOST)
            own = signature_mix(own, rank);
        else
            ranks[count++] = rank;
    }
    for (size_t i = 0; i < count; i++) {
        uint64_t before = 0, same = 0;
        for (size_t k = 0; k < count; k++) {
            before += ranks[k] < ranks[i];
            same += ranks[k] == ranks[i];
        }
        own = signature_mix(own, ranks[i] < JUDGING_LATER ? ranks[i] : JUDGING_LATER + before * 64 + same);
    }
    return count ? own : 0;
}

static uint64_t provided_signature(const struct columns *columns, uint32_t attempt)
{
    uint64_t own = 0;
    for (unsigned kind = 0; kind < KINDS; kind++)
        if (columns->provided_of[kind] && !(looked_at[kind] & NOT_LOOKED_AT))
            own = signature_mix(own, provided_of_kind(columns, attempt, (enum kind)kind));
    return own;
}

/* ---- Kinds of attempts. */

struct digesting {
    const struct shelf *shelf;
    const struct columns *columns;
    const struct networks *relays;
    const struct told_apart *told;
    size_t told_count;
    enum unit unit;
    uint64_t *of_set;    /* by set of facts */
    uint64_t *signature; /* by attempt */
    uint32_t *kind;      /* by attempt */
    struct signatures kinds;
    uint32_t *first; /* by kind: an attempt of it, whose chain or session are those of the kinds beside it */
    size_t kind_count, kind_room;
    struct digest *digest;
};

static uint64_t told_signature(const struct digesting *digesting, uint32_t a)
{
    uint64_t own = 0;
    for (size_t i = 0; i < digesting->told_count; i++) {
        const struct told_apart *told = &digesting->told[i];
        const struct judged *judged = told->judged;
        unsigned value = rule_applies(digesting->columns, told->policy, told->rule, a);
        if (judged)
            value |= (unsigned)bits_get(&judged->hit, a) << 2 | (unsigned)bits_get(&judged->known, a) << 3 |
                     (unsigned)bits_get(&judged->applies, a) << 4 |
                     (unsigned)(judged->maybe.count && bits_get(&judged->maybe, a)) << 5;
        own = signature_mix(own, value);
    }
    return own;
}

/* What tells an attempt apart that is alone in its session and its chain. */
static uint64_t own_signature(const struct digesting *digesting, uint32_t a)
{
    const struct columns *columns = digesting->columns;
    uint32_t s = columns->session[a];
    uint64_t answered = columns->answer[a] | (uint64_t)columns->named[a] << 8 |
                        (uint64_t)columns->answered_at[a] << 16 | (uint64_t)columns->reached[a] << 24 |
                        (uint64_t)columns->transaction[a] << 32 | (uint64_t)columns->recipient[a] << 48;
    const struct ip *client = &columns->address[columns->client[s]];
    uint64_t of_session = (columns->flags[s] & (SESSION_AUTHENTICATED | SESSION_CUT_OFF | SESSION_GAP)) |
                          (uint64_t)(columns->sender[a] != NAME_NONE) << 8 |
                          (uint64_t)(columns->address_of[a] != NAME_NONE) << 9 |
                          (uint64_t)(columns->at[a] + columns->retry_window <= columns->to) << 10 |
                          (uint64_t)(digesting->relays->count && networks_hold(digesting->relays, client))
                              << 11 |
                          (uint64_t)stratum_of(digesting->shelf->strata, a) << 32;
    uint64_t own = signature_mix(digesting->of_set[columns->fact_set[s]], answered);
    own = signature_mix(own, of_session);
    own = signature_mix(own, record_trace(digesting->shelf->record, a));
    if (columns->provided_count)
        own = signature_mix(own, provided_signature(columns, a));
    return digesting->told_count ? signature_mix(own, told_signature(digesting, a)) : own;
}

/* The others of a session tell what the recorded server did. */
static void sign_attempts(struct digesting *digesting)
{
    const struct columns *columns = digesting->columns;
    uint64_t *signature = digesting->signature;
    for (uint32_t s = 0; s < columns->session_count; s++) {
        uint32_t from = columns->first_attempt[s], to = columns->first_attempt[s + 1];
        uint64_t whole = 11;
        for (uint32_t a = from; a < to; a++) {
            signature[a] = own_signature(digesting, a);
            whole = signature_mix(whole, signature[a]);
        }
        for (uint32_t a = from; a < to && to - from > 1; a++)
            signature[a] = signature_mix(whole, a - from);
    }
}

/* The attempts of a chain, or by other units of a session, have their kinds together. */
static uint32_t next_beside(const struct digesting *digesting, uint32_t a)
{
    const struct columns *columns = digesting->columns;
    if (digesting->unit == UNIT_DELIVERY)
        return columns->after[a];
    return a + 1 < columns->first_attempt[columns->session[a] + 1] ? a + 1 : NO_ATTEMPT;
}

static bool is_first_beside(const struct digesting *digesting, uint32_t a)
{
    const struct columns *columns = digesting->columns;
    return digesting->unit == UNIT_DELIVERY ? columns->before[a] == NO_ATTEMPT
                                            : a == columns->first_attempt[columns->session[a]];
}

static void find_kinds(struct digesting *digesting)
{
    for (uint32_t head = 0; head < digesting->columns->attempt_count; head++) {
        uint64_t own = 13;
        if (!is_first_beside(digesting, head))
            continue;
        for (uint32_t a = head; a != NO_ATTEMPT; a = next_beside(digesting, a))
            own = signature_mix(own, digesting->signature[a]);
        uint32_t number = signatures_number(&digesting->kinds, own, (uint32_t)digesting->kind_count);
        bool is_new = number == digesting->kind_count;
        for (uint32_t a = head; a != NO_ATTEMPT; a = next_beside(digesting, a), number++) {
            digesting->kind[a] = number;
            if (!is_new)
                continue;
            mem_room(digesting->first, digesting->kind_room, digesting->kind_count + 1);
            digesting->first[digesting->kind_count++] = a;
        }
    }
}

/* ---- Classes of units and sessions, in the record's numbers. */

static void find_units(struct digesting *digesting, const struct wanted *wanted)
{
    const struct columns *columns = digesting->columns;
    struct classes *classes = &digesting->digest->classes;
    enum unit unit = digesting->unit;
    struct signatures found = { 0 };
    uint32_t *of_kind = mem_zero(digesting->kind_count, sizeof *of_kind); /* the last one found, and one */
    for (uint32_t first = 0; first < columns->attempt_count; first++) {
        if (!unit_begins(columns, unit, first) || !unit_in_period(columns, digesting->shelf->options, first))
            continue;
        uint16_t signs = 0;
        for (uint32_t a = first; a != NO_ATTEMPT; a = unit_after(columns, unit, first, a))
            signs = (uint16_t)(signs | wanted->signs[a]);
        uint32_t kind = digesting->kind[first], number = of_kind[kind] - 1;
        if (!of_kind[kind] || classes->unit[number].signs != signs) {
            number = signatures_number(&found, signature_mix(kind, signs), (uint32_t)classes->unit_count);
            of_kind[kind] = number + 1;
        }
        if (number == classes->unit_count) {
            mem_room(classes->unit, classes->unit_room, classes->unit_count + 1);
            classes->unit[classes->unit_count++] =
                (struct unit_class){ .first = digesting->first[kind], .signs = signs };
        }
        assert(classes->unit && number < classes->unit_count);
        classes->unit[number].times++;
    }
    free(of_kind);
    signatures_free(&found);
}

static uint32_t add_session(struct digesting *digesting, uint32_t session)
{
    struct classes *classes = &digesting->digest->classes;
    size_t messages = session_messages(digesting->columns, session);
    mem_room(classes->session, classes->session_room, classes->session_count + 1);
    mem_room(classes->size, classes->size_room, classes->size_count + messages);
    classes->session[classes->session_count] =
        (struct session_class){ .session = session, .sizes = (uint32_t)classes->size_count };
    for (size_t i = 0; i < messages; i++)
        classes->size[classes->size_count++] = 0;
    return (uint32_t)classes->session_count++;
}

/* One that is alone in its session is of the session's class whose attempt is its kind's first. */
static void find_sessions(struct digesting *digesting)
{
    const struct columns *columns = digesting->columns;
    struct classes *classes = &digesting->digest->classes;
    double mean = cost_mean_size(columns);
    struct signatures found = { 0 };
    uint32_t *of_kind = mem_zero(digesting->kind_count, sizeof *of_kind); /* and one */
    for (uint32_t s = 0; s < columns->session_count; s++) {
        uint32_t from = columns->first_attempt[s], to = columns->first_attempt[s + 1], number = 0;
        if (!unit_in_period(columns, digesting->shelf->options, from))
            continue;
        if (to - from == 1) {
            uint32_t kind = digesting->kind[from];
            if (!of_kind[kind])
                of_kind[kind] = add_session(digesting, columns->session[digesting->first[kind]]) + 1;
            number = of_kind[kind] - 1;
        } else {
            uint64_t own = 3;
            for (uint32_t a = from; a < to; a++)
                own = signature_mix(own, digesting->kind[a]);
            number = signatures_number(&found, own, (uint32_t)classes->session_count);
            if (number == classes->session_count)
                add_session(digesting, s);
        }
        struct session_class *like = &classes->session[number];
        double *size = &classes->size[like->sizes];
        like->times++;
        for (uint32_t a = from; a < to; a++)
            if (a == from || columns->transaction[a] != columns->transaction[a - 1])
                *size++ += columns->size[a] == SIZE_NOT_KNOWN ? mean : columns->size[a];
    }
    for (size_t i = 0; i < classes->session_count; i++) { /* sums to means */
        const struct session_class *like = &classes->session[i];
        for (size_t k = session_messages(columns, like->session); k-- > 0;)
            classes->size[like->sizes + k] /= (double)like->times;
    }
    free(of_kind);
    signatures_free(&found);
}

/* ---- The part. */

/* Chains in which an attempt of a kind, or of a session that stands for others, is. */
static struct bits find_needed(const struct digesting *digesting)
{
    const struct columns *columns = digesting->columns;
    const struct classes *classes = &digesting->digest->classes;
    struct bits needed = bits_new(columns->attempt_count);
    for (size_t k = 0; k < digesting->kind_count; k++)
        bits_set(&needed, digesting->first[k]);
    for (size_t i = 0; i < classes->session_count; i++) {
        uint32_t s = classes->session[i].session;
        for (uint32_t a = columns->first_attempt[s]; a < columns->first_attempt[s + 1]; a++) {
            uint32_t head = a;
            while (digesting->unit == UNIT_DELIVERY && columns->before[head] != NO_ATTEMPT)
                head = columns->before[head];
            for (uint32_t b = head; digesting->unit == UNIT_DELIVERY && b != NO_ATTEMPT;
                 b = columns->after[b])
                bits_set(&needed, b);
            bits_set(&needed, a);
        }
    }
    return needed;
}

#define PART_SESSION(X)                                                                                      \
    X(id) X(started) X(client) X(operator_of) X(client_name) X(helo) X(server) X(server_ip)
#define PART_SESSION_MORE(X) X(port) X(flags) X(stage) X(fact_set)
#define PART_ATTEMPT(X)                                                                                      \
    X(transaction)                                                                                           \
    X(recipient) X(sender) X(address_of) X(size) X(at) X(answer) X(named) X(answered_at) X(reached)

/* Whole sessions of all that is needed; chains only of that. *place: by attempt of the record, where it is.
 */
static struct columns *take_part(const struct columns *columns, const struct bits *needed, uint32_t **place)
{
    struct columns *part = mem_zero(1, sizeof *part);
    uint32_t *at = mem_alloc(columns->attempt_count * sizeof *at), *session = NULL;
    size_t sessions = 0, room = 0, attempts = 0;
    memset(at, 0xff, columns->attempt_count * sizeof *at);
    for (uint32_t s = 0; s < columns->session_count; s++) {
        uint32_t from = columns->first_attempt[s], to = columns->first_attempt[s + 1], a = from;
        while (a < to && !bits_get(needed, a))
            a++;
        if (a == to)
            continue;
        mem_room(session, room, sessions + 1);
        session[sessions++] = s;
        for (a = from; a < to; a++)
            at[a] = (uint32_t)attempts++;
    }
    *part = *columns;
    part->session_count = sessions;
    part->attempt_count = attempts;
#define TAKE(field) part->field = mem_alloc((sessions + 1) * sizeof *part->field);
    PART_SESSION(TAKE)
    PART_SESSION_MORE(TAKE)
    part->first_attempt = mem_alloc((sessions + 1) * sizeof *part->first_attempt);
#undef TAKE
#define TAKE(field) part->field = mem_alloc((attempts + 1) * sizeof *part->field);
    PART_ATTEMPT(TAKE)
    part->session = mem_alloc((attempts + 1) * sizeof *part->session);
    part->before = mem_alloc((attempts + 1) * sizeof *part->before);
    part->after = mem_alloc((attempts + 1) * sizeof *part->after);
#undef TAKE
    size_t next = 0;
    for (size_t i = 0; i < sessions; i++) {
        uint32_t s = session[i];
#define TAKE(field) part->field[i] = columns->field[s];
        PART_SESSION(TAKE)
        PART_SESSION_MORE(TAKE)
#undef TAKE
        part->first_attempt[i] = (uint32_t)next;
        for (uint32_t a = columns->first_attempt[s]; a < columns->first_attempt[s + 1]; a++, next++) {
            bool chained = bits_get(needed, a);
            uint32_t before = columns->before[a], after = columns->after[a];
#define TAKE(field) part->field[next] = columns->field[a];
            PART_ATTEMPT(TAKE)
#undef TAKE
            part->session[next] = (uint32_t)i;
            part->before[next] = chained && before != NO_ATTEMPT ? at[before] : NO_ATTEMPT;
            part->after[next] = chained && after != NO_ATTEMPT ? at[after] : NO_ATTEMPT;
        }
    }
    part->first_attempt[sessions] = (uint32_t)next;
    free(session);
    *place = at;
    return part;
}

static void free_part(struct columns *part)
{
#define FREE(field) free(part->field);
    PART_SESSION(FREE)
    PART_SESSION_MORE(FREE)
    PART_ATTEMPT(FREE)
#undef FREE
    free(part->first_attempt);
    free(part->session);
    free(part->before);
    free(part->after);
    free(part);
}

/* From the record's numbers to the part's. */
static void number_anew(struct digesting *digesting, const uint32_t *place)
{
    const struct columns *columns = digesting->columns;
    struct digest *digest = digesting->digest;
    for (size_t i = 0; i < digest->classes.unit_count; i++)
        digest->classes.unit[i].first = place[digest->classes.unit[i].first];
    for (size_t i = 0; i < digest->classes.session_count; i++) {
        struct session_class *class = &digest->classes.session[i];
        class->session = digest->columns->session[place[columns->first_attempt[class->session]]];
    }
    digest->times = mem_zero(digest->columns->attempt_count + 1, sizeof *digest->times);
    digest->part_like = mem_zero(digest->columns->attempt_count + 1, sizeof *digest->part_like);
    for (uint32_t a = 0; a < columns->attempt_count; a++) {
        digest->like[a] = place[digesting->first[digesting->kind[a]]];
        digest->times[digest->like[a]]++;
        if (place[a] != NO_ATTEMPT)
            digest->part_like[place[a]] = digest->like[a];
    }
}

struct digest *digest_new(const struct shelf *shelf, const struct wanted *wanted,
                          const struct networks *relays, const struct told_apart *told, size_t told_count)
{
    const struct columns *columns = shelf->columns;
    struct digest *digest = mem_zero(1, sizeof *digest);
    struct digesting digesting = {
        .shelf = shelf,
        .columns = columns,
        .relays = relays,
        .told = told,
        .told_count = told_count,
        .unit = shelf->options->unit,
        .of_set = set_signatures(columns),
        .signature = mem_alloc(columns->attempt_count * sizeof *digesting.signature),
        .kind = mem_alloc(columns->attempt_count * sizeof *digesting.kind),
        .digest = digest,
    };
    uint32_t *place = NULL;
    sign_attempts(&digesting);
    find_kinds(&digesting);
    free(digesting.signature);
    free(digesting.of_set);
    signatures_free(&digesting.kinds);
    find_units(&digesting, wanted);
    find_sessions(&digesting);
    struct bits needed = find_needed(&digesting);
    digest->columns = take_part(columns, &needed, &place);
    digest->like = digesting.kind; /* in its place: each is read before it is written */
    number_anew(&digesting, place);
    digest->shelf = shelf_part(shelf, digest->columns, digest->times);
    classes_find_walked(&digest->classes, digest->columns, digesting.unit);
    bits_free(&needed);
    free(place);
    free(digesting.first);
    return digest;
}

void digest_free(struct digest *digest)
{
    if (!digest)
        return;
    shelf_free(digest->shelf);
    classes_free(&digest->classes);
    free_part(digest->columns);
    free(digest->like);
    free(digest->part_like);
    free(digest->times);
    free(digest);
}
