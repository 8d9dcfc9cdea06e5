/* The builder's memory, from one run to the next: after builder_load() a builder goes on as the one that was
 * saved would have, to the byte where memory is bounded. What is open keeps the order of its lists; a
 * session's keys and its place among those of its client come with it. */
#include <stdlib.h>
#include "base/memory.h"
#include "collect/building.h"
#include "collect/session_state.h"
#include "collect/state.h"

enum { BYTES_MOST = SESSION_BYTES_MOST + BLOCK_BYTES }; /* of one session: building_alloc() */

/* Which run is loaded by which: texts are copied into the session that is being loaded. */
struct loading {
    struct builder *builder;
    struct building *building;
};

/* What was taken once is taken again, however the blocks fall: the bound is held by what is put back in the
 * end. */
static void *hold(struct loading *loading, size_t bytes)
{
    loading->building->bytes = 0;
    return building_alloc(&loading->builder->pool, loading->building, bytes);
}

static struct str keep(void *owner, struct str text)
{
    char *copy = hold(owner, text.len);
    memcpy(copy, text.at, text.len);
    return (struct str){ copy, text.len };
}

/* An array as large as building.c would have made it for `count` elements. */
static void *hold_array(void *loading, enum session_part part, size_t count, size_t size)
{
    static const size_t least[] = { [PART_TRANSACTIONS] = TRANSACTIONS_LEAST,
                                    [PART_RECIPIENTS] = RECIPIENTS_LEAST,
                                    [PART_EVIDENCE] = EVIDENCE_LEAST };
    size_t capacity = least[part];
    while (capacity < count)
        capacity *= 2;
    return count ? memset(hold(loading, capacity * size), 0, capacity * size) : NULL;
}

/* A dialect by its name: where its functions lie is another place in each run. */
static const struct dialect *carry_dialect(struct state_bytes *state, const struct dialect *dialect)
{
    struct str name = dialect ? str_of(dialect->name) : (struct str){ NULL, 0 };
    carry(state, &name);
    for (size_t i = 0; name.at && dialects[i]; i++)
        if (str_eq(str_of(dialects[i]->name), name))
            return dialects[i];
    return NULL;
}

/* Nobody has seen how it went on. */
static void conclude_unseen(struct builder *builder, struct open_session *open)
{
    (void)builder;
    open->session.gap = true;
}

/* Who opened it must stand in its dialect's row; or it is a connection on the wire, for whoever takes it up.
 */
static void carry_conclude(struct state_bytes *state, struct open_session *open)
{
    const struct dialect *whose = NULL;
    for (size_t i = 0; open->conclude && dialects[i] && !whose; i++)
        if (dialects[i]->conclude == open->conclude)
            whose = dialects[i];
    bool on_the_wire = !state->loading && open->conclude && !whose;
    carry(state, &on_the_wire);
    whose = carry_dialect(state, whose);
    if (!state->loading)
        return;
    open->conclude = whose ? whose->conclude : on_the_wire ? conclude_unseen : NULL;
}

static void carry_notes(struct state_bytes *state, struct open_session *open, struct loading *loading)
{
    const struct dialect *keeper = carry_dialect(state, open->keeper);
    if (!keeper)
        return;
    state->broken |= !keeper->carry_notes;
    if (state->broken)
        return;
    if (state->loading)
        loading->building->bytes = 0; /* as in hold() */
    keeper->carry_notes(loading->builder, open, state);
}

static void carry_open(struct state_bytes *state, struct open_session *open, struct loading *loading)
{
    carry_session(state, &open->session, hold_array);
    carry_conclude(state, open);
    carry(state, &open->ended);
    carry(state, &open->transaction);
    carry(state, &open->flags);
    carry(state, &open->peer);
    carry_time(state, &open->marked);
    state->broken |= open->transaction >= (int64_t)open->session.transaction_count;
    carry_notes(state, open, loading);
}

static void carry_keys(struct state_bytes *state, struct keys *keys, struct key_list *list,
                       struct building *building)
{
    uint32_t number = list->first;
    for (size_t left = carry_count(state, list->count); left; left--) {
        uint64_t key = state->loading ? 0 : keys->entry[number].key;
        carry_bytes(state, &key, sizeof key);
        if (state->loading) {
            number = keys_find(keys, key) ? KEY_NONE : keys_add(keys, list, key, building);
            state->broken |= number == KEY_NONE;
        }
        if (state->broken)
            return;
        struct key_entry *entry = &keys->entry[number];
        carry(state, &entry->session_id);
        carry(state, &entry->transaction);
        state->broken |= building && entry->transaction >= (int64_t)building->open.session.transaction_count;
        carry(state, &entry->awaits);
        number = entry->after;
    }
}

static void carry_building(struct state_bytes *state, struct builder *builder, struct building *building)
{
    struct loading loading = { builder, building };
    state->keep = keep;
    state->owner = &loading;
    carry_open(state, &building->open, &loading);
    state->keep = NULL;
    state->owner = NULL;
    carry_keys(state, &builder->keys, &building->keys, building);
    carry_time(state, &building->seen);
    carry(state, &building->awaited);
    uint64_t bytes = building->bytes, room = (uint64_t)(building->end - building->at);
    uint8_t slip = (uint8_t)((uintptr_t)building->at & 7);
    carry(state, &bytes);
    carry(state, &room);
    carry(state, &slip);
    state->broken |= bytes > BYTES_MOST || room > BYTES_MOST || slip > 7;
    if (state->loading && !state->broken)
        building_account(&builder->pool, building, (size_t)bytes, (size_t)room, slip);
}

static void carry_list(struct state_bytes *state, struct builder *builder, struct building_list *list,
                       uint32_t *number)
{
    struct building *building = list->first;
    for (size_t left = carry_count(state, list->count); left && !state->broken; left--) {
        if (state->loading) {
            building = building_new(&builder->pool);
            building_list_add(list, building);
        }
        building->number = ++*number;
        carry_building(state, builder, building);
        building = building->after;
    }
}

/* The sessions of each client, slot by slot, oldest first, by their numbers. */
static void save_clients(struct state_bytes *state, struct builder *builder)
{
    for (size_t i = 0; i < CLIENT_SLOTS; i++) {
        struct building *building = builder->client[i];
        while (building && building->client_older)
            building = building->client_older;
        for (; building; building = building->client_newer)
            carry(state, &building->number);
    }
    uint32_t end = 0;
    carry(state, &end);
}

static void load_clients(struct state_bytes *state, struct builder *builder)
{
    size_t count = builder->open.count + builder->resting.count, known = 0;
    struct building **numbered = mem_zero(count + 1, sizeof *numbered);
    for (struct building *building = builder->open.first; building; building = building->after)
        numbered[known++] = building;
    for (struct building *building = builder->resting.first; building; building = building->after)
        numbered[known++] = building;
    for (uint32_t number = 0;;) {
        carry(state, &number);
        if (number == 0)
            break;
        struct building *building = number <= count ? numbered[number - 1] : NULL;
        state->broken |= !building || building->has_client;
        if (state->broken)
            break;
        building_client_add(builder, building);
    }
    free(numbered);
}

static void carry_hosts(struct state_bytes *state, struct builder *builder)
{
    carry(state, &builder->host);
    carry(state, &builder->host_next);
    state->broken |= builder->host >= HOSTS_MOST;
    for (size_t i = 0; i < HOSTS_MOST && !state->broken; i++) {
        struct serving *host = &builder->hosts[i];
        carry(state, &host->len);
        state->broken |= host->len > HOST_BYTES;
        if (!state->broken && host->len)
            carry_bytes(state, host->name, host->len);
    }
}

static void carry_builder(struct state_bytes *state, struct builder *builder)
{
    uint32_t number = 0;
    carry_time(state, &builder->now);
    carry_number(state, &builder->next_session);
    state->broken |= builder->next_session < 1;
    carry_list(state, builder, &builder->open, &number);
    carry_list(state, builder, &builder->resting, &number);
    carry_list(state, builder, &builder->ended, &number);
    if (state->loading)
        load_clients(state, builder);
    else
        save_clients(state, builder);
    carry_keys(state, &builder->keys, &builder->keys.handed_over, NULL);
    stash_carry(&builder->stash, state);
    held_carry(&builder->held, state);
    twice_carry(&builder->twice, state);
    for (size_t i = 0; i < LEARNT_MOST; i++)
        carry(state, &builder->learnt[i]);
    carry(state, &builder->learnt_next);
    carry_hosts(state, builder);
}

uint32_t builder_number(const struct open_session *open)
{
    return ((const struct building *)open)->number;
}

/* It ends with its connection, and awaits nothing else. */
static bool is_on_the_wire(const struct building *building)
{
    return building->open.conclude == conclude_unseen && !building->open.ended && building->awaited == 0;
}

struct open_session **builder_on_the_wire(struct builder *builder, size_t *count)
{
    struct open_session **sessions = mem_zero(builder->open.count + 1, sizeof *sessions);
    *count = 0;
    for (struct building *building = builder->open.first; building; building = building->after)
        sessions[(*count)++] = is_on_the_wire(building) ? &building->open : NULL;
    return sessions;
}

void builder_save(struct builder *builder, struct state_bytes *state)
{
    carry_builder(state, builder);
}

int builder_load(struct builder *builder, struct state_bytes *state)
{
    carry_builder(state, builder);
    return state->broken ? -1 : 0;
}
