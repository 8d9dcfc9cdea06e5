/* From sessions, one at a time, to columns; and from attempts to chains. */
#include "analyze/fact_sets.h"
#include "analyze/offers.h"
#include "analyze/provided.h"
#include "analyze/sent.h"

#include <libpsl.h>
#include <stdlib.h>

/* While sessions come in, arrays grow by these; afterwards they are as in columns.h. */
struct building {
    size_t sessions, attempts, facts, addresses; /* capacities */
    struct fact_sets sets;
    psl_ctx_t *suffixes;
    uint32_t
        *operator_by_name; /* memo: by name, 0: not asked, else the name of the operator + 1, or NAME_NONE */
    size_t operators;
    uint32_t *address_slot; /* hash table of addresses + 1 */
    size_t address_slots;
    struct providing_columns providing;
};

struct all {
    struct columns columns;
    struct building building;
};

/* Every array by session, and by attempt: to grow them, to put them in order and to free them. */
#define BY_SESSION(X)                                                                                        \
    X(id)                                                                                                    \
    X(started)                                                                                               \
    X(client)                                                                                                \
    X(operator_of) X(client_name) X(helo) X(server) X(server_ip) X(port) X(flags) X(stage) X(fact_set)
#define BY_ATTEMPT(X)                                                                                        \
    X(session)                                                                                               \
    X(transaction)                                                                                           \
    X(recipient) X(size) X(sender) X(address_of) X(at) X(answer) X(named) X(answered_at) X(reached)

struct columns *columns_new(void)
{
    struct all *all = mem_zero(1, sizeof *all);
    all->columns.from = all->columns.to = USEC_NONE;
    all->building.suffixes = psl_latest(NULL);
    return &all->columns;
}

static struct building *building_of(struct columns *columns)
{
    return &((struct all *)columns)->building;
}

void columns_free(struct columns *columns)
{
    if (!columns)
        return;
    struct building *building = building_of(columns);
#define FREE(field) free(columns->field);
    BY_SESSION(FREE)
    BY_ATTEMPT(FREE)
#undef FREE
    free(columns->first_attempt);
    fact_sets_free(&building->sets);
    free(columns->first_fact);
    free(columns->kinds);
    free(columns->address);
    free(columns->network);
    free(columns->before);
    free(columns->after);
    free(columns->fact);
    free(columns->sent);
    free(columns->own_sent);
    provided_free(columns);
    free(building->providing.piece);
    offers_free(columns);
    names_free(&columns->names);
    names_free(&columns->servers);
    psl_free(building->suffixes);
    free(building->operator_by_name);
    free(building->address_slot);
    free(columns);
}

static uint32_t name_of(struct columns *columns, struct str text)
{
    return text.at ? names_add(&columns->names, text) : NAME_NONE;
}

static size_t address_place(const struct columns *columns, const struct building *building,
                            const struct ip *ip)
{
    size_t mask = building->address_slots - 1;
    size_t i = (size_t)bytes_hash(ip->octet, sizeof ip->octet, 7) & mask;
    while (building->address_slot[i] && !ip_eq(&columns->address[building->address_slot[i] - 1], ip))
        i = (i + 1) & mask;
    return i;
}

static uint32_t address_number(struct columns *columns, const struct ip *ip)
{
    struct building *building = building_of(columns);
    if (columns->address_count * 2 >= building->address_slots) {
        building->address_slots = building->address_slots ? building->address_slots * 2 : 1024;
        free(building->address_slot);
        building->address_slot = mem_zero(building->address_slots, sizeof(uint32_t));
        for (size_t i = 0; i < columns->address_count; i++)
            building->address_slot[address_place(columns, building, &columns->address[i])] = (uint32_t)i + 1;
    }
    size_t place = address_place(columns, building, ip);
    if (building->address_slot[place])
        return building->address_slot[place] - 1;
    mem_room(columns->address, building->addresses, columns->address_count + 1);
    columns->address[columns->address_count++] = *ip;
    building->address_slot[place] = (uint32_t)columns->address_count;
    return (uint32_t)columns->address_count - 1;
}

/* The organisational domain of a host name (semantics.md section 2, "operator"). */
static uint32_t operator_of(struct columns *columns, uint32_t name)
{
    struct building *building = building_of(columns);
    if (name >= building->operators) {
        size_t before = building->operators;
        mem_room(building->operator_by_name, building->operators, (size_t)name + 1);
        memset(building->operator_by_name + before, 0, (building->operators - before) * sizeof(uint32_t));
    }
    if (building->operator_by_name[name])
        return building->operator_by_name[name] == NAME_NONE ? NAME_NONE
                                                             : building->operator_by_name[name] - 1;
    char host[256];
    struct str text = str_lower(names_text(&columns->names, name), host, sizeof host - 1);
    while (text.len && text.at[text.len - 1] == '.')
        text.len--;
    host[text.len] = '\0';
    const char *domain = building->suffixes ? psl_registrable_domain(building->suffixes, host) : NULL;
    uint32_t operator_name = domain ? names_add(&columns->names, str_of(domain)) : NAME_NONE;
    building->operator_by_name[name] = operator_name == NAME_NONE ? NAME_NONE : operator_name + 1;
    return operator_name;
}

static void grow_sessions(struct columns *columns)
{
    struct building *building = building_of(columns);
    if (columns->session_count + 1 <= building->sessions)
        return;
    building->sessions = mem_grow(building->sessions, columns->session_count + 1);
#define GROW(field) columns->field = mem_resize(columns->field, building->sessions, sizeof *columns->field);
    BY_SESSION(GROW)
#undef GROW
    columns->first_attempt = mem_resize(columns->first_attempt, building->sessions + 1, sizeof(uint32_t));
}

static void grow_attempts(struct columns *columns)
{
    struct building *building = building_of(columns);
    if (columns->attempt_count + 1 <= building->attempts)
        return;
    building->attempts = mem_grow(building->attempts, columns->attempt_count + 1);
#define GROW(field) columns->field = mem_resize(columns->field, building->attempts, sizeof *columns->field);
    BY_ATTEMPT(GROW)
#undef GROW
}

static enum answer answer_of(const struct reply *reply)
{
    if (reply->code >= 500)
        return ANSWER_REFUSED;
    if (reply->code >= 400)
        return ANSWER_DEFERRED;
    return reply->named > NAMED_OTHER ? ANSWER_DROPPED : ANSWER_NONE;
}

static uint16_t small(uint32_t index)
{
    return index >= FACT_ALL ? FACT_ALL - 1 : (uint16_t)index;
}

static uint32_t add_attempt(struct columns *columns, const struct session *session, usec at)
{
    grow_attempts(columns);
    uint32_t i = (uint32_t)columns->attempt_count++;
    columns->session[i] = (uint32_t)columns->session_count;
    columns->transaction[i] = columns->recipient[i] = FACT_ALL;
    columns->sender[i] = columns->address_of[i] = NAME_NONE;
    columns->size[i] = SIZE_NOT_KNOWN;
    columns->at[i] = at == USEC_NONE || at < session->started ? session->started : at;
    columns->answer[i] = ANSWER_NONE;
    columns->named[i] = NAMED_NONE;
    columns->answered_at[i] = columns->reached[i] = session->stage;
    return i;
}

/* A command that was refused for its form never came to the measures of its stage, under any policy. */
static bool is_malformed(const struct reply *reply)
{
    return (reply->code >= 500 && reply->code <= 503) || reply->code == 555 ||
           (reply->code == 552 && reply->stage == STAGE_MAIL) ||
           (reply->code == 452 && reply->stage == STAGE_RCPT);
}

/* What the record answered, and how far the client came or would have come: one that a measure refused is
 * taken to have gone on; one that left by itself is not, nor one that was refused for a reason that is no
 * measure's, since that stays under any policy. */
static void set_answer(struct columns *columns, uint32_t i, enum answer answer, const struct reply *reply)
{
    columns->answer[i] = (uint8_t)answer;
    columns->reached[i] = STAGE_EOM;
    if (!reply)
        return;
    columns->named[i] = reply->named ? reply->named : NAMED_OTHER;
    columns->answered_at[i] = reply->stage;
    if (columns->named[i] == NAMED_OTHER)
        columns->reached[i] = (uint8_t)(reply->stage - (reply->stage > 0 && is_malformed(reply)));
}

static void add_recipient(struct columns *columns, const struct session *session, uint32_t t, uint32_t r)
{
    const struct transaction *transaction = &session->transactions[t];
    const struct recipient *recipient = &transaction->recipients[r];
    uint32_t i = add_attempt(columns, session, recipient->at);
    columns->transaction[i] = small(t);
    columns->recipient[i] = small(r);
    columns->sender[i] = name_of(columns, transaction->mail_from);
    columns->address_of[i] = name_of(columns, recipient->address);
    if (transaction->size >= 0)
        columns->size[i] =
            transaction->size < SIZE_NOT_KNOWN ? (uint32_t)transaction->size : SIZE_NOT_KNOWN - 1;
    if (answer_of(&recipient->reply) != ANSWER_NONE) {
        set_answer(columns, i, answer_of(&recipient->reply), &recipient->reply);
    } else if (answer_of(&transaction->reply) != ANSWER_NONE) {
        set_answer(columns, i, answer_of(&transaction->reply), &transaction->reply);
    } else if (transaction->verdict == VERDICT_ACCEPTED) {
        set_answer(columns, i, ANSWER_ACCEPTED, NULL);
    } else {
        bool last = t + 1 == session->transaction_count;
        columns->reached[i] = last && session->stage > STAGE_RCPT ? session->stage : STAGE_RCPT;
    }
}

/* A session without RCPT is one attempt with unknown recipient. */
static void add_lone(struct columns *columns, const struct session *session)
{
    uint32_t i = add_attempt(columns, session, session->started);
    for (uint32_t t = 0; t < session->transaction_count && columns->sender[i] == NAME_NONE; t++) {
        columns->transaction[i] = small(t);
        columns->sender[i] = name_of(columns, session->transactions[t].mail_from);
    }
    enum answer answer = answer_of(&session->reply);
    if (session->verdict != VERDICT_NONE && answer != ANSWER_NONE)
        set_answer(columns, i, answer, &session->reply);
    else if (columns->reached[i] > STAGE_MAIL)
        columns->reached[i] =
            STAGE_MAIL; /* of a RCPT that could not be read the measures were asked nothing */
}

static void add_facts(struct columns *columns, const struct session *session)
{
    struct building *building = building_of(columns);
    uint32_t kinds = 0;
    size_t first = columns->fact_count;
    for (uint32_t e = 0; e < session->evidence_count; e++) {
        const struct evidence *from = &session->evidence[e];
        if (from->kind == KIND_FATE && from->state != NO)
            continue; /* what became of an accepted message is no evidence of a measure; but one that bounced
                         was not delivered */
        mem_room(columns->fact, building->facts, columns->fact_count + 1);
        columns->fact[columns->fact_count++] = (struct fact){
            .a = from->a,
            .b = from->b,
            .subject = name_of(columns, from->subject),
            .detail = name_of(columns, from->detail),
            .transaction = from->transaction < 0 ? FACT_ALL : small((uint32_t)from->transaction),
            .recipient = from->recipient < 0 ? FACT_ALL : small((uint32_t)from->recipient),
            .kind = from->kind,
            .state = from->state,
            .origin = from->origin,
        };
        kinds |= (uint32_t)1 << from->kind;
    }
    /* a recipient's validity stands in the recipient */
    for (uint32_t t = 0; t < session->transaction_count; t++)
        for (uint32_t r = 0; r < session->transactions[t].recipient_count; r++) {
            enum tri valid = session->transactions[t].recipients[r].valid;
            if (valid == UNKNOWN)
                continue;
            mem_room(columns->fact, building->facts, columns->fact_count + 1);
            columns->fact[columns->fact_count++] = (struct fact){ .subject = NAME_NONE,
                                                                  .detail = NAME_NONE,
                                                                  .transaction = small(t),
                                                                  .recipient = small(r),
                                                                  .kind = KIND_RECIPIENT,
                                                                  .state = (uint8_t)valid,
                                                                  .origin = ORIGIN_LOG };
            kinds |= (uint32_t)1 << KIND_RECIPIENT;
        }
    for (uint32_t t = 0; t < session->transaction_count; t++) {
        struct fact labelled;
        if (!provided_message(columns, session->transactions[t].message_id, &labelled))
            continue;
        labelled.transaction = small(t);
        mem_room(columns->fact, building->facts, columns->fact_count + 1);
        columns->fact[columns->fact_count++] = labelled;
        kinds |= (uint32_t)1 << KIND_LABEL;
    }
    columns->fact_set[columns->session_count] = fact_sets_number(&building->sets, columns, first, kinds);
}

static bool name_is_confirmed(const struct session *session)
{
    for (uint32_t e = 0; e < session->evidence_count; e++)
        if (session->evidence[e].kind == KIND_FCRDNS && session->evidence[e].state != UNKNOWN)
            return session->evidence[e].state == YES;
    return false;
}

void columns_add(struct columns *columns, const struct session *session)
{
    if (session->direction == DIRECTION_OUT) {
        sent_add(columns, session, SENT_BY_OURS);
        return;
    }
    grow_sessions(columns);
    size_t i = columns->session_count;
    columns->id[i] = session->id;
    columns->started[i] = session->started;
    columns->client[i] = address_number(columns, &session->client);
    sent_add(columns, session, session->auth_user.at ? SENT_BY_OURS : columns->client[i]);
    columns->client_name[i] = name_of(columns, session->client_name);
    columns->operator_of[i] = columns->client_name[i] != NAME_NONE && name_is_confirmed(session)
                                  ? operator_of(columns, columns->client_name[i])
                                  : NAME_NONE;
    columns->helo[i] = name_of(columns, session->helo);
    columns->server[i] =
        (uint16_t)names_add(&columns->servers, session->server.at ? session->server : STR(""));
    columns->server_ip[i] = UINT16_MAX;
    if (!ip_is_none(&session->server_address)) {
        char text[IP_TEXT_BYTES];
        size_t len = ip_format(&session->server_address, text);
        columns->server_ip[i] = (uint16_t)names_add(&columns->servers, (struct str){ text, len });
    }
    columns->port[i] = session->server_port;
    columns->flags[i] = (uint8_t)((session->auth_user.at ? SESSION_AUTHENTICATED : 0) |
                                  (session->cut_off ? SESSION_CUT_OFF : 0) |
                                  (session->gap ? SESSION_GAP : 0) | (session->tls ? SESSION_TLS : 0));
    columns->stage[i] = session->stage;
    columns->first_attempt[i] = (uint32_t)columns->attempt_count;
    for (uint32_t t = 0; t < session->transaction_count; t++)
        for (uint32_t r = 0; r < session->transactions[t].recipient_count; r++)
            add_recipient(columns, session, t, r);
    if (columns->attempt_count == columns->first_attempt[i])
        add_lone(columns, session);
    add_facts(columns, session);
    columns->session_count++;
    columns->first_attempt[i + 1] = (uint32_t)columns->attempt_count;
}

void columns_provide(struct columns *columns, const struct provider *provider,
                     const struct provided *provided)
{
    uint32_t client = ip_is_none(&provided->client) ? NAME_NONE : address_number(columns, &provided->client);
    provided_take(columns, &building_of(columns)->providing, provider, provided, client);
}

struct place {
    usec started;
    int64_t id;
    uint32_t session;
};

static int by_start(const void *left, const void *right)
{
    const struct place *a = left, *b = right;
    if (a->started != b->started)
        return a->started < b->started ? -1 : 1;
    return (a->id > b->id) - (a->id < b->id);
}

static void *gather(void *array, const uint32_t *from, size_t count, size_t size)
{
    char *sorted = mem_alloc(count * size);
    for (size_t i = 0; i < count; i++)
        memcpy(sorted + i * size, (char *)array + from[i] * size, size);
    free(array);
    return sorted;
}

/* Puts sessions in order of start; the store hands them over in that order, so there is mostly nothing to do.
 */
static void sort_sessions(struct columns *columns)
{
    size_t count = columns->session_count, sorted = 1;
    while (sorted < count && (columns->started[sorted - 1] < columns->started[sorted] ||
                              (columns->started[sorted - 1] == columns->started[sorted] &&
                               columns->id[sorted - 1] <= columns->id[sorted])))
        sorted++;
    if (sorted >= count)
        return;
    struct place *places = mem_alloc(count * sizeof *places);
    for (size_t i = 0; i < count; i++)
        places[i] = (struct place){ columns->started[i], columns->id[i], (uint32_t)i };
    qsort(places, count, sizeof *places, by_start);
    uint32_t *session_from = mem_alloc(count * sizeof(uint32_t));
    uint32_t *attempt_from = mem_alloc(columns->attempt_count * sizeof(uint32_t));
    uint32_t *first_attempt = mem_alloc((count + 1) * sizeof(uint32_t));
    uint32_t attempts = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t old = session_from[i] = places[i].session;
        first_attempt[i] = attempts;
        for (uint32_t a = columns->first_attempt[old]; a < columns->first_attempt[old + 1]; a++) {
            attempt_from[attempts++] = a;
            columns->session[a] = (uint32_t)i;
        }
    }
    first_attempt[count] = attempts;
#define GATHER_SESSION(field)                                                                                \
    columns->field = gather(columns->field, session_from, count, sizeof *columns->field);
#define GATHER_ATTEMPT(field)                                                                                \
    columns->field = gather(columns->field, attempt_from, attempts, sizeof *columns->field);
    BY_SESSION(GATHER_SESSION)
    BY_ATTEMPT(GATHER_ATTEMPT)
    free(columns->first_attempt);
    columns->first_attempt = first_attempt;
    free(session_from);
    free(attempt_from);
    free(places);
}

/* Numbers the /24 and /64 networks of the addresses. */
static void find_networks(struct columns *columns)
{
    struct names networks = { 0 };
    columns->network = mem_alloc(columns->address_count * sizeof(uint32_t));
    for (size_t i = 0; i < columns->address_count; i++) {
        struct prefix prefix = ip_network(&columns->address[i], 24, 64);
        columns->network[i] = names_add(
            &networks, (struct str){ (const char *)prefix.network.octet, sizeof prefix.network.octet });
    }
    columns->network_count = networks.count;
    names_free(&networks);
}

enum { FACTS_COMPARED = 64 }; /* of a session: more are a flood, not evidence */

/* Pairs of evidence of one kind, subject and place that say yes and no. */
static uint64_t count_contradictions(const struct columns *columns)
{
    uint64_t pairs = 0;
    uint64_t *of_set = mem_zero(columns->fact_set_count, sizeof *of_set);
    for (size_t set = 0; set < columns->fact_set_count; set++) {
        uint32_t from = columns->first_fact[set], to = columns->first_fact[set + 1];
        to = to - from > FACTS_COMPARED ? from + FACTS_COMPARED : to;
        for (uint32_t i = from; i < to; i++)
            for (uint32_t k = from; k < i; k++) {
                const struct fact *a = &columns->fact[i], *b = &columns->fact[k];
                of_set[set] += a->kind == b->kind && a->state + b->state == YES + NO &&
                               a->state != b->state && a->subject == b->subject &&
                               a->transaction == b->transaction && a->recipient == b->recipient;
            }
    }
    for (size_t s = 0; s < columns->session_count; s++)
        pairs += of_set[columns->fact_set[s]];
    free(of_set);
    return pairs;
}

/* What was needed only while sessions came in. */
static void finish_building(struct building *building)
{
    fact_sets_free(&building->sets);
    free(building->operator_by_name);
    free(building->address_slot);
    building->operator_by_name = building->address_slot = NULL;
    building->operators = building->address_slots = 0;
}

void columns_finish(struct columns *columns, usec from, usec to)
{
    sort_sessions(columns);
    find_networks(columns);
    provided_finish(columns, &building_of(columns)->providing);
    size_t count = columns->session_count;
    columns->from = from != USEC_NONE ? from : count ? columns->started[0] : 0;
    columns->to = to != USEC_NONE ? to : count ? columns->started[count - 1] : 0;
    offers_find(columns);
    sent_sort(columns);
    columns->contradictions = count_contradictions(columns);
    finish_building(building_of(columns));
    columns_chain(columns, 0);
    columns->finished = true;
}

uint32_t *columns_in_time(const struct columns *columns)
{
    size_t count = columns->attempt_count;
    uint32_t *order = mem_alloc(count * sizeof *order);
    bool sorted = true;
    usec least = INT64_MAX, most = INT64_MIN;
    for (size_t i = 0; i < count; i++) {
        order[i] = (uint32_t)i;
        sorted = sorted && (i == 0 || columns->at[i - 1] <= columns->at[i]);
        least = columns->at[i] < least ? columns->at[i] : least;
        most = columns->at[i] > most ? columns->at[i] : most;
    }
    if (sorted)
        return order;
    /* a stable radix sort, 16 bits at a time, over as many digits as the span has */
    uint32_t *other = mem_alloc(count * sizeof *other), *bucket = mem_alloc(65537 * sizeof *bucket);
    for (unsigned shift = 0; shift < 64 && ((uint64_t)(most - least) >> shift) != 0; shift += 16) {
        memset(bucket, 0, 65537 * sizeof *bucket);
        for (size_t i = 0; i < count; i++)
            bucket[(((uint64_t)(columns->at[order[i]] - least) >> shift) & 0xffff) + 1]++;
        for (size_t i = 1; i <= 65536; i++)
            bucket[i] += bucket[i - 1];
        for (size_t i = 0; i < count; i++)
            other[bucket[((uint64_t)(columns->at[order[i]] - least) >> shift) & 0xffff]++] = order[i];
        uint32_t *swap = order;
        order = other;
        other = swap;
    }
    free(other);
    free(bucket);
    return order;
}

/* What makes attempts one delivery: operator (else network), sender, recipient in lower case. */
struct chain_key {
    uint32_t client, sender, recipient;
};

/* The newest attempt of each, by a hash of it. */
struct chain_slot {
    uint32_t hash, last; /* last: and one; 0: free */
};

struct chaining {
    struct columns *columns;
    struct names lowered;
    uint32_t *lower; /* by name: its number among these, and one; 0: not asked for yet */
    struct chain_slot *slot;
    size_t slots;
};

static uint32_t lower_name(struct chaining *chaining, uint32_t name)
{
    if (!chaining->lower[name]) {
        char text[512];
        struct str given = names_text(&chaining->columns->names, name);
        chaining->lower[name] =
            names_add(&chaining->lowered,
                      given.len <= sizeof text ? str_lower(given, text, sizeof text) : given) +
            1;
    }
    return chaining->lower[name];
}

static struct chain_key chain_key(struct chaining *chaining, uint32_t attempt)
{
    const struct columns *columns = chaining->columns;
    uint32_t s = columns->session[attempt], operator_name = columns->operator_of[s];
    return (struct chain_key){
        .client =
            operator_name != NAME_NONE ? operator_name * 2 : columns->network[columns->client[s]] * 2 + 1,
        .sender = lower_name(chaining, columns->sender[attempt]),
        .recipient = lower_name(chaining, columns->address_of[attempt]),
    };
}

/* Where the newest attempt with this one's key is, or belongs. */
static struct chain_slot *find_chain(struct chaining *chaining, uint32_t attempt)
{
    struct chain_key key = chain_key(chaining, attempt);
    uint32_t hash = (uint32_t)bytes_hash(&key, sizeof key, 3);
    size_t slot = hash & (chaining->slots - 1);
    for (;; slot = (slot + 1) & (chaining->slots - 1)) {
        struct chain_slot *at = &chaining->slot[slot];
        if (!at->last) {
            at->hash = hash;
            return at;
        }
        if (at->hash != hash)
            continue;
        struct chain_key other = chain_key(chaining, at->last - 1);
        if (memcmp(&other, &key, sizeof key) == 0)
            return at;
    }
}

void columns_chain(struct columns *columns, usec retry_window)
{
    size_t count = columns->attempt_count;
    retry_window = retry_window ? retry_window : 2 * USEC_DAY;
    if (retry_window == columns->retry_window)
        return;
    struct chaining chaining = { .columns = columns, .slots = 64 };
    columns->retry_window = retry_window;
    while (chaining.slots * 3 < count * 4)
        chaining.slots *= 2;
    columns->before = mem_resize(columns->before, count, sizeof(uint32_t));
    columns->after = mem_resize(columns->after, count, sizeof(uint32_t));
    memset(columns->before, 0xff, count * sizeof(uint32_t));
    memset(columns->after, 0xff, count * sizeof(uint32_t));
    chaining.slot = mem_zero(chaining.slots, sizeof *chaining.slot);
    chaining.lower = mem_zero(columns->names.count, sizeof *chaining.lower);
    uint32_t *order = columns_in_time(columns);
    for (size_t k = 0; k < count; k++) {
        uint32_t i = order[k];
        if (columns->sender[i] == NAME_NONE || columns->address_of[i] == NAME_NONE)
            continue;
        struct chain_slot *newest = find_chain(&chaining, i);
        uint32_t last = newest->last - 1;
        bool open = newest->last && columns->answer[last] != ANSWER_ACCEPTED &&
                    columns->answer[last] != ANSWER_REFUSED &&
                    columns->at[i] - columns->at[last] <= retry_window;
        if (open) {
            columns->before[i] = last;
            columns->after[last] = i;
        }
        newest->last = i + 1;
    }
    free(order);
    free(chaining.slot);
    free(chaining.lower);
    names_free(&chaining.lowered);
}
