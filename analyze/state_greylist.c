/* Greylisting's state (semantics.md section 5), where some of what came before is not known.
 *
 * For each key there is a list of the attempts that reached the greylist, certainly or possibly, and until
 * when it is certainly and possibly known. An attempt whose sender or recipient is not known is possibly one
 * of every key of its client: such stand in a list of the client's. Retries that the record does not show are
 * remembered by network and by operator, since they may have come from any address of these. */
#include <stdlib.h>

#include "analyze/passes.h"
#include "analyze/signature.h"
#include "analyze/state_greylist.h"

#define NONE UINT32_MAX

/* One attempt that reached the greylist. */
struct reach {
    usec at;
    uint32_t before; /* the one before it in its list, or NONE */
    bool certain;
};

struct key {
    uint32_t client, sender, recipient; /* NAME_NONE where it is no part of the key */
    uint32_t server;
};

/* What is known of a key, or in `wild` and `any` of all keys of a client. */
struct triplet {
    struct key key;
    uint32_t last;        /* newest reach, or NONE */
    usec certainly_known; /* until; USEC_NONE: not */
    usec possibly_known;
    uint32_t round; /* in which it is used; 0: not */
};

/* When retries began to be possible, by network or operator and what is known of sender and recipient. */
struct ghost {
    struct key key; /* client: network * 2 or operator * 2 + 1 */
    usec since;
    uint32_t round; /* as above */
};

/* Auto-allowing, by client address. */
struct client {
    uint32_t certain, possible;       /* passes counted */
    usec last_certain, last_possible; /* when last */
    uint32_t round;
};

struct greylist {
    struct judging judging;
    struct greylist_parameters parameters;
    const struct greylist_parameters *ours; /* these */
    greylist_view *view;                    /* of recorded parameters */
    bool named;     /* whoever is asked about has a sender and a recipient that are known */
    uint32_t round; /* what is of an earlier one is forgotten */
    struct triplet *triplet;
    size_t triplets, triplet_slots, triplet_room; /* slots in use, and those that there are */
    struct ghost *ghost;
    size_t ghosts, ghost_slots, ghost_room;
    uint32_t *haunted; /* networks, and operators after these, of which there are ghosts */
    size_t haunted_count, haunted_room;
    struct bits haunted_net, haunted_operator; /* of which there are any: most have none */
    struct reach *reach;
    size_t reaches, reach_room;
    struct client *client;                  /* by address */
    struct passes *passes;                  /* keys that retries may have passed newly; NULL: no auto-allow */
    struct names norms;                     /* senders and recipients, normalised */
    uint32_t *sender_norm, *recipient_norm; /* memo by name + 1 */
    uint32_t *sender_at, *recipient_at;     /* the same by attempt, which lie one after the other; NULL: it is
                                               asked about each but once */
    uint32_t *net_operators;                /* by network: head of its list of operators, or NONE */
    struct net_operator {
        uint32_t operator_name, next;
    } * net_operator;
    size_t net_operator_count, net_operator_room;
};

/* Key parts that stand for no one in particular. */
#define WILD (UINT32_MAX - 1)
#define ANY  (UINT32_MAX - 2)

static size_t key_hash(const struct key *key)
{
    uint64_t who = (uint64_t)key->client << 32 | key->server;
    return (size_t)signature_mix(who, (uint64_t)key->sender << 32 | key->recipient);
}

static bool key_eq(const struct key *a, const struct key *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

static void grow_triplets(struct greylist *state)
{
    size_t old_slots = state->triplet_slots;
    struct triplet *old = state->triplet;
    state->triplet_room = state->triplet_slots = old_slots ? old_slots * 2 : 1024;
    state->triplet = mem_zero(state->triplet_slots, sizeof *state->triplet);
    for (size_t i = 0; i < old_slots; i++) {
        if (old[i].round != state->round)
            continue;
        size_t slot = key_hash(&old[i].key) & (state->triplet_slots - 1);
        while (state->triplet[slot].round == state->round)
            slot = (slot + 1) & (state->triplet_slots - 1);
        state->triplet[slot] = old[i];
    }
    free(old);
}

/* What is known of a key; made when it is new. Lasts until the next call. */
static struct triplet *triplet_of(struct greylist *state, const struct key *key)
{
    if (state->triplets * 2 >= state->triplet_slots)
        grow_triplets(state);
    size_t slot = key_hash(key) & (state->triplet_slots - 1);
    while (state->triplet[slot].round == state->round && !key_eq(&state->triplet[slot].key, key))
        slot = (slot + 1) & (state->triplet_slots - 1);
    struct triplet *triplet = &state->triplet[slot];
    if (triplet->round != state->round) {
        *triplet = (struct triplet){ *key, NONE, USEC_NONE, USEC_NONE, state->round };
        state->triplets++;
    }
    return triplet;
}

static void grow_ghosts(struct greylist *state)
{
    size_t old_slots = state->ghost_slots;
    struct ghost *old = state->ghost;
    state->ghost_room = state->ghost_slots = old_slots ? old_slots * 2 : 256;
    state->ghost = mem_zero(state->ghost_slots, sizeof *state->ghost);
    for (size_t i = 0; i < old_slots; i++) {
        if (old[i].round != state->round)
            continue;
        size_t slot = key_hash(&old[i].key) & (state->ghost_slots - 1);
        while (state->ghost[slot].round == state->round)
            slot = (slot + 1) & (state->ghost_slots - 1);
        state->ghost[slot] = old[i];
    }
    free(old);
}

/* The ghost of a key, or where it belongs. */
static struct ghost *ghost_find(const struct greylist *state, const struct key *key)
{
    if (!state->ghost_slots)
        return NULL;
    size_t slot = key_hash(key) & (state->ghost_slots - 1);
    while (state->ghost[slot].round == state->round && !key_eq(&state->ghost[slot].key, key))
        slot = (slot + 1) & (state->ghost_slots - 1);
    return &state->ghost[slot];
}

/* Takes down that retries under a key are possible from `since` on. */
static void ghost_add(struct greylist *state, const struct key *key, usec since)
{
    if (state->ghosts * 2 >= state->ghost_slots)
        grow_ghosts(state);
    struct ghost *ghost = ghost_find(state, key);
    if (ghost->round == state->round)
        return; /* the walk goes on in time: the first was the earliest */
    *ghost = (struct ghost){ *key, since, state->round };
    state->ghosts++;
}

/* postgrey's do_sender_substitutions and RFC 6647 2.4: a BATV tag (prvs=tag=), +extension and, in senders,
 * numbers that stand alone say nothing about who it is. */
static struct str normalise(struct str address, bool sender, char *to, size_t size)
{
    size_t n = 0, from = 0;
    const char *at = str_find_last(address, '@');
    size_t local = at ? (size_t)(at - address.at) : address.len;
    if (address.len >= size)
        return address;
    struct str tag = str_range(address.at, address.at + local);
    struct str before;
    if (tag.len > 5 && str_eq_nocase((struct str){ tag.at, 5 }, STR("prvs="))) {
        struct str rest = str_skip(tag, 5);
        if (cut_until_char(&rest, '=', &before) && rest.len)
            from = (size_t)(rest.at - address.at);
    }
    bool in_word = false;
    while (from < local && address.at[from] != '+') {
        size_t end = from;
        while (end < local && is_digit(address.at[end]))
            end++;
        bool word_after = end < local && (is_alpha(address.at[end]) || address.at[end] == '_');
        if (sender && end > from && !in_word && !word_after) {
            to[n++] = '#';
            from = end;
            continue;
        }
        char c = address.at[from++];
        in_word = is_alpha(c) || is_digit(c) || c == '_';
        to[n++] = ascii_lower(c);
    }
    for (from = local; from < address.len; from++)
        to[n++] = ascii_lower(address.at[from]);
    return (struct str){ to, n };
}

static uint32_t norm_of(struct greylist *state, uint32_t name, bool sender)
{
    if (name == NAME_NONE)
        return NAME_NONE;
    uint32_t *memo = sender ? &state->sender_norm[name] : &state->recipient_norm[name];
    if (!*memo) {
        char text[1024];
        struct str address = judging_name(&state->judging, name);
        *memo = names_add(&state->norms,
                          state->ours->normalise ? normalise(address, sender, text, sizeof text) : address) +
                1;
    }
    return *memo - 1;
}

static uint32_t sender_norm_at(struct greylist *state, uint32_t attempt)
{
    uint32_t name = state->judging.columns->sender[attempt];
    if (!state->sender_at || name == NAME_NONE)
        return norm_of(state, name, true);
    if (!state->sender_at[attempt])
        state->sender_at[attempt] = norm_of(state, name, true) + 1;
    return state->sender_at[attempt] - 1;
}

static uint32_t recipient_norm_at(struct greylist *state, uint32_t attempt)
{
    uint32_t name = state->judging.columns->address_of[attempt];
    if (!state->recipient_at || name == NAME_NONE)
        return norm_of(state, name, false);
    if (!state->recipient_at[attempt])
        state->recipient_at[attempt] = norm_of(state, name, false) + 1;
    return state->recipient_at[attempt] - 1;
}

static void forget_norms(struct greylist *state)
{
    size_t names = state->judging.columns->names.count;
    names_free(&state->norms);
    memset(state->sender_norm, 0, names * sizeof *state->sender_norm);
    memset(state->recipient_norm, 0, names * sizeof *state->recipient_norm);
    free(state->sender_at);
    free(state->recipient_at);
    state->sender_at = state->recipient_at = NULL;
}

static void add_operator(struct greylist *state, uint32_t network, uint32_t operator_name)
{
    for (uint32_t i = state->net_operators[network]; i != NONE; i = state->net_operator[i].next)
        if (state->net_operator[i].operator_name == operator_name)
            return;
    mem_room(state->net_operator, state->net_operator_room, state->net_operator_count + 1);
    state->net_operator[state->net_operator_count] =
        (struct net_operator){ operator_name, state->net_operators[network] };
    state->net_operators[network] = (uint32_t)state->net_operator_count++;
}

static void make_passes(struct greylist *state)
{
    const struct columns *columns = state->judging.columns;
    size_t places =
        columns->network_count > columns->names.count ? columns->network_count : columns->names.count;
    if (state->ours->auto_allow)
        state->passes = passes_new((uint32_t)places * 2, state->ours->auto_allow);
}

void *greylist_begin(const struct judging *judging, greylist_view *view)
{
    const struct columns *columns = judging->columns;
    struct greylist *state = mem_zero(1, sizeof *state);
    state->judging = *judging;
    state->view = view;
    state->parameters = view(judging->rule->parameters);
    state->ours = &state->parameters;
    state->client = mem_alloc(columns->address_count * sizeof *state->client);
    memset(state->client, 0, columns->address_count * sizeof *state->client);
    state->round = 1;
    make_passes(state);
    state->haunted_net = bits_new(columns->network_count);
    state->haunted_operator = bits_new(columns->names.count);
    state->sender_norm = mem_zero(columns->names.count, sizeof(uint32_t));
    state->recipient_norm = mem_zero(columns->names.count, sizeof(uint32_t));
    state->net_operators = mem_alloc(columns->network_count * sizeof(uint32_t));
    memset(state->net_operators, 0xff, columns->network_count * sizeof(uint32_t));
    for (size_t s = 0; s < columns->session_count; s++)
        if (columns->operator_of[s] != NAME_NONE)
            add_operator(state, columns->network[columns->client[s]], columns->operator_of[s]);
    return state;
}

static void forget_haunted(struct greylist *state)
{
    size_t networks = state->judging.columns->network_count;
    for (size_t i = 0; i < state->haunted_count; i++) {
        uint32_t which = state->haunted[i];
        if (which < networks)
            bits_clear(&state->haunted_net, which);
        else
            bits_clear(&state->haunted_operator, which - networks);
        if (state->passes)
            passes_forget(state->passes, which < networks ? which * 2 : (which - (uint32_t)networks) * 2 + 1);
    }
    state->haunted_count = 0;
    if (state->passes)
        passes_forget_all(state->passes);
}

/* How many keys an attempt has at most: its own, and where some are wild, what that takes; of ghosts that for
 * its network and its operator. */
enum { SLOTS_LEAST = 64, KEYS_NAMED = 1, KEYS_WILD = 3, GHOSTS_NAMED = 2, GHOSTS_WILD = 4 };

/* As few slots as do: those of a client that has few attempts stay where they are quick to get at. */
static size_t slots_for(size_t keys, size_t room)
{
    size_t slots = SLOTS_LEAST;
    while (slots < keys * 2)
        slots *= 2;
    return slots < room ? slots : room;
}

void greylist_forget(void *given, size_t attempts, bool named)
{
    struct greylist *state = given;
    state->named = named;
    forget_haunted(state);
    if (state->round == UINT32_MAX) { /* begin the count anew */
        memset(state->client, 0, state->judging.columns->address_count * sizeof *state->client);
        memset(state->triplet, 0, state->triplet_room * sizeof *state->triplet);
        memset(state->ghost, 0, state->ghost_room * sizeof *state->ghost);
        state->round = 0;
    }
    state->round++;
    state->triplets = state->ghosts = state->reaches = 0;
    state->triplet_slots = slots_for(attempts * (named ? KEYS_NAMED : KEYS_WILD), state->triplet_room);
    state->ghost_slots = slots_for(attempts * (named ? GHOSTS_NAMED : GHOSTS_WILD), state->ghost_room);
}

void greylist_again(void *given, const struct judging *judging)
{
    struct greylist *state = given;
    bool normalised = state->ours->normalise;
    forget_haunted(state);
    if (state->passes)
        passes_free(state->passes);
    state->passes = NULL;
    state->judging = *judging;
    state->parameters = state->view(judging->rule->parameters);
    make_passes(state);
    if (state->ours->normalise == normalised) {
        size_t attempts = judging->columns->attempt_count;
        state->sender_at = state->sender_at ? state->sender_at : mem_zero(attempts, sizeof(uint32_t));
        state->recipient_at =
            state->recipient_at ? state->recipient_at : mem_zero(attempts, sizeof(uint32_t));
        return;
    }
    forget_norms(state);
}

void greylist_end(void *given)
{
    struct greylist *state = given;
    free(state->triplet);
    free(state->ghost);
    free(state->haunted);
    bits_free(&state->haunted_net);
    bits_free(&state->haunted_operator);
    free(state->reach);
    free(state->client);
    if (state->passes)
        passes_free(state->passes);
    free(state->sender_at);
    free(state->recipient_at);
    free(state->sender_norm);
    free(state->recipient_norm);
    free(state->net_operators);
    free(state->net_operator);
    names_free(&state->norms);
    free(state);
}

/* The key of an attempt; `wild` where a part that the key has is not known. */
static struct key key_of(struct greylist *state, uint32_t attempt, bool *wild)
{
    const struct columns *columns = state->judging.columns;
    const struct greylist_parameters *ours = state->ours;
    uint32_t s = columns->session[attempt], address = columns->client[s];
    struct key key = { NAME_NONE, NAME_NONE, NAME_NONE, ours->scope ? columns->server[s] : 0 };
    *wild = false;
    if (ours->key & (1u << KEY_CLIENT))
        key.client = address * 2;
    else if (ours->key & (1u << KEY_CLIENT_NET | 1u << KEY_CLIENT_NET6))
        key.client = columns->network[address] * 2 + 1;
    if (ours->key & (1u << KEY_SENDER)) {
        key.sender = sender_norm_at(state, attempt);
        *wild = key.sender == NAME_NONE;
    }
    if (ours->key & (1u << KEY_RECIPIENT)) {
        key.recipient = recipient_norm_at(state, attempt);
        *wild = *wild || key.recipient == NAME_NONE;
    }
    return key;
}

static struct key with(struct key key, uint32_t sender, uint32_t recipient)
{
    key.sender = sender;
    key.recipient = recipient;
    return key;
}

/* The newest time at which retries under `key` may have begun, of those that this attempt's client can have
 * made: the earliest, or USEC_NONE. */
static usec ghost_since(const struct greylist *state, uint32_t attempt, uint32_t sender, uint32_t recipient)
{
    const struct columns *columns = state->judging.columns;
    uint32_t s = columns->session[attempt], network = columns->network[columns->client[s]];
    usec since = USEC_NONE;
    struct key key = { network * 2, sender, recipient, 0 };
    const struct ghost *ghost = bits_get(&state->haunted_net, network) ? ghost_find(state, &key) : NULL;
    if (ghost && ghost->round == state->round)
        since = ghost->since;
    for (uint32_t i = state->net_operators[network]; i != NONE; i = state->net_operator[i].next) {
        if (!bits_get(&state->haunted_operator, state->net_operator[i].operator_name))
            continue;
        key.client = state->net_operator[i].operator_name * 2 + 1;
        ghost = ghost_find(state, &key);
        if (ghost && ghost->round == state->round && (since == USEC_NONE || ghost->since < since))
            since = ghost->since;
    }
    return since;
}

static usec earlier(usec a, usec b)
{
    return a == USEC_NONE ? b : b == USEC_NONE ? a : a < b ? a : b;
}

/* Retries that may be of this key: of its very sender and recipient, or of ones that are not known. */
static usec retries_since(const struct greylist *state, uint32_t attempt, const struct key *key, bool wild)
{
    if (wild)
        return ghost_since(state, attempt, ANY, ANY);
    usec since = ghost_since(state, attempt, key->sender, key->recipient);
    return state->named ? since : earlier(since, ghost_since(state, attempt, WILD, WILD));
}

/* Whether an attempt of the list possibly reached in [from, to]. */
static bool reached_in(const struct greylist *state, uint32_t last, usec from, usec to)
{
    for (uint32_t i = last; i != NONE && state->reach[i].at >= from; i = state->reach[i].before)
        if (state->reach[i].at <= to)
            return true;
    return false;
}

static bool reached_between(const struct greylist *state, uint32_t last, usec after, usec before)
{
    for (uint32_t i = last; i != NONE && state->reach[i].at > after; i = state->reach[i].before)
        if (state->reach[i].at < before)
            return true;
    return false;
}

/* An attempt certainly reached at a in [now - window, now - delay], and none possibly did that could have
 * opened a window which had run out by now: in (a - delay, a) and before now - window. */
static bool window_certain(const struct greylist *state, uint32_t last, uint32_t wild_last, usec retries,
                           usec now)
{
    usec delay = state->ours->delay, oldest = now - state->ours->retry_window;
    for (uint32_t i = last; i != NONE && state->reach[i].at >= oldest; i = state->reach[i].before) {
        usec at = state->reach[i].at;
        if (!state->reach[i].certain || at > now - delay)
            continue;
        if (at - delay >= oldest)
            return true;
        usec until = at < oldest ? at : oldest;
        bool ghosts = retries != USEC_NONE && retries < until;
        if (!ghosts && !reached_between(state, last, at - delay, until) &&
            !reached_between(state, wild_last, at - delay, until))
            return true;
    }
    return false;
}

static void add_reach(struct greylist *state, struct triplet *triplet, usec now, bool certain)
{
    mem_room(state->reach, state->reach_room, state->reaches + 1);
    state->reach[state->reaches] = (struct reach){ now, triplet->last, certain };
    triplet->last = (uint32_t)state->reaches++;
}

static usec later(usec a, usec b)
{
    return a == USEC_NONE || b > a ? b : a;
}

/* What the recorded greylist decided: NO passed, YES put off, UNKNOWN it does not tell. */
static enum tri find_recorded(const struct greylist *state, const struct asking *asking)
{
    struct asked asked[ASKED_MOST];
    size_t count = judging_asked(asking->judging, asking->judged, asked);
    for (size_t i = 0; i < count; i++) {
        const struct greylist_parameters viewed = state->view(asked[i].parameters);
        const struct greylist_parameters *theirs = &viewed, *ours = state->ours;
        bool equal = parameters_equal(&measure_greylist, theirs, ours);
        if (asked[i].status == ASKED_REFUSED && equal)
            return YES;
        if (asked[i].status != ASKED_PASSED)
            continue;
        bool fits = theirs->delay >= ours->delay && theirs->retry_window <= ours->retry_window &&
                    theirs->lifetime <= ours->lifetime && theirs->key == ours->key &&
                    theirs->scope == ours->scope && theirs->normalise == ours->normalise &&
                    !theirs->auto_allow && !ours->auto_allow;
        if (equal || fits)
            return NO;
    }
    return UNKNOWN;
}

/* The same, where it stands. */
static enum tri recorded(const struct greylist *state, const struct asking *asking)
{
    if (!asking->as_recorded)
        return UNKNOWN;
    if (!asking->recorded)
        return find_recorded(state, asking);
    if (!*asking->recorded)
        *asking->recorded = (uint8_t)(1 + find_recorded(state, asking));
    return (enum tri)(*asking->recorded - 1);
}

/* How many keys retries may have passed newly by now, from the client's address. */
static uint32_t passes_of_retries(const struct greylist *state, uint32_t network, usec now)
{
    usec until = now - state->ours->delay;
    if (!state->passes)
        return 0;
    passes_start(state->passes);
    uint32_t count = passes_count(state->passes, network * 2, until);
    for (uint32_t i = state->net_operators[network]; i != NONE; i = state->net_operator[i].next)
        if (bits_get(&state->haunted_operator, state->net_operator[i].operator_name))
            count = passes_count(state->passes, state->net_operator[i].operator_name * 2 + 1, until);
    return count;
}

static const struct triplet nobody = { .last = NONE,
                                       .certainly_known = USEC_NONE,
                                       .possibly_known = USEC_NONE };

/* Counts a key's first pass for auto-allowing, at most one in an interval. */
static void count_pass(const struct greylist *state, uint32_t *passes, usec *last, usec now)
{
    if (*last != USEC_NONE && now - *last < state->ours->auto_interval)
        return;
    *last = now;
    ++*passes;
}

enum tri greylist_ask(void *given, const struct asking *asking)
{
    struct greylist *state = given;
    const struct columns *columns = state->judging.columns;
    const struct greylist_parameters *ours = state->ours;
    uint32_t attempt = asking->attempt, address = columns->client[columns->session[attempt]];
    usec now = columns->at[attempt], oldest = now - ours->retry_window, newest = now - ours->delay;
    struct client *client = &state->client[address];
    if (client->round != state->round)
        *client = (struct client){ 0, 0, USEC_NONE, USEC_NONE, state->round };

    uint32_t retried = passes_of_retries(state, columns->network[address], now);
    bool allowed_surely = ours->auto_allow && client->certain >= ours->auto_allow;
    bool allowed_maybe = ours->auto_allow && client->possible + retried >= ours->auto_allow;
    if (allowed_surely)
        return NO;

    bool wild = false;
    struct key key = key_of(state, attempt, &wild);
    struct key wild_key = with(key, WILD, WILD), any_key = with(key, ANY, ANY);
    usec retries = retries_since(state, attempt, &key, wild);
    struct triplet wilds = nobody; /* a wild pass may have been this key's */
    if (!state->named)
        wilds = *triplet_of(state, &wild_key);
    struct triplet own = *triplet_of(state, wild ? &any_key : &key);

    bool known_surely = !wild && own.certainly_known != USEC_NONE && now <= own.certainly_known;
    bool known_maybe = (own.possibly_known != USEC_NONE && now <= own.possibly_known) ||
                       (!wild && wilds.possibly_known != USEC_NONE && now <= wilds.possibly_known) ||
                       (retries != USEC_NONE && retries + ours->delay <= now);
    bool window_surely = !wild && window_certain(state, own.last, wilds.last, retries, now);
    bool window_maybe =
        reached_in(state, own.last, oldest, newest) || reached_in(state, wilds.last, oldest, newest);

    bool surely = known_surely || window_surely;
    bool maybe = surely || known_maybe || window_maybe || allowed_maybe;
    enum tri by_record = recorded(state, asking);
    enum tri verdict = by_record != UNKNOWN ? by_record : surely ? NO : maybe ? UNKNOWN : YES;

    /* What it did to the state. */
    bool opens_surely = asking->certain && !allowed_maybe && !wild;
    struct triplet *triplet = triplet_of(state, wild ? &wild_key : &key);
    add_reach(state, triplet, now, opens_surely);
    if (verdict != YES) {
        usec until = now + ours->lifetime;
        bool never_known = triplet->possibly_known == USEC_NONE && retries == USEC_NONE;
        triplet->possibly_known = later(triplet->possibly_known, until);
        if (surely && opens_surely)
            triplet->certainly_known = later(triplet->certainly_known, until);
        if (ours->auto_allow) {
            if (!known_surely)
                count_pass(state, &client->possible, &client->last_possible, now);
            if (surely && !known_surely && never_known && !wild && asking->certain && !allowed_maybe &&
                wilds.possibly_known == USEC_NONE)
                count_pass(state, &client->certain, &client->last_certain, now);
        }
        if (!state->named) { /* for the wild ones that come */
            triplet = triplet_of(state, &any_key);
            triplet->possibly_known = later(triplet->possibly_known, until);
        }
    }
    if (!state->named)
        add_reach(state, triplet_of(state, &any_key), now, false);
    return verdict;
}

static void haunt(struct greylist *state, struct bits *bits, uint32_t which, uint32_t listed)
{
    if (bits_get(bits, which))
        return;
    bits_set(bits, which);
    mem_room(state->haunted, state->haunted_room, state->haunted_count + 1);
    state->haunted[state->haunted_count++] = listed;
}

void greylist_retry(void *given, const struct asking *asking)
{
    struct greylist *state = given;
    const struct columns *columns = state->judging.columns;
    uint32_t attempt = asking->attempt, s = columns->session[attempt];
    uint32_t network = columns->network[columns->client[s]], operator_name = columns->operator_of[s];
    usec now = columns->at[attempt];
    bool wild = false;
    struct key key = key_of(state, attempt, &wild);
    key.server = 0;
    if (wild)
        key = with(key, WILD, WILD);
    key.client = network * 2;
    haunt(state, &state->haunted_net, network, network);
    ghost_add(state, &key, now);
    struct key any = with(key, ANY, ANY);
    if (!state->named)
        ghost_add(state, &any, now);
    if (operator_name != NAME_NONE) {
        haunt(state, &state->haunted_operator, operator_name,
              (uint32_t)columns->network_count + operator_name);
        key.client = any.client = operator_name * 2 + 1;
        ghost_add(state, &key, now);
        if (!state->named)
            ghost_add(state, &any, now);
    }
    if (state->passes) { /* keys that are not known may be another's each */
        uint32_t recipient = wild ? attempt : key.recipient;
        passes_add(state->passes, network * 2, key.sender, recipient, now);
        if (operator_name != NAME_NONE)
            passes_add(state->passes, operator_name * 2 + 1, key.sender, recipient, now);
    }
}

static struct greylist_parameters as_given(const void *parameters)
{
    return *(const struct greylist_parameters *)parameters;
}

static void *begin(const struct judging *judging)
{
    return greylist_begin(judging, as_given);
}

/* A key without the client is everybody's. */
static bool by_client(const void *parameters)
{
    const uint32_t client = 1u << KEY_CLIENT | 1u << KEY_CLIENT_NET | 1u << KEY_CLIENT_NET6;
    return ((const struct greylist_parameters *)parameters)->key & client;
}

const struct state state_greylist = {
    .begin = begin,
    .end = greylist_end,
    .ask = greylist_ask,
    .retry = greylist_retry,
    .by_client = by_client,
    .forget = greylist_forget,
    .again = greylist_again,
};
