/* The session builder. A session is in one of three lists: of open ones, oldest activity first, of those that
 * have gone quiet, and of those that have ended and wait for the fate of their messages. From each the first
 * goes when time or memory is short. */
#include "collect/builder.h"

#include <stdlib.h>
#include "base/memory.h"
#include "collect/building.h"

/* Postfix gives a silent client 300 s (smtpd_timeout), but a message of many megabytes may take its time. */
static const usec open_most = USEC_HOUR;
/* Most messages are delivered within a second; a deferred one's fate comes late. */
static const usec wait_most = 60 * USEC_SECOND;
/* A log that does not tell when a session ends may tell more of it after a long silence: a client has five
 * minutes for its next command (RFC 5321 4.5.3.2). */
static const usec rest_most = 5 * USEC_MINUTE;
/* A clock that goes back further than this was set: what was seen "later" is not waited for. */
static const usec back_most = 10 * USEC_MINUTE;
/* Of a session's first block: as much as is in use with one message to one recipient. */
enum { FETCHED_BYTES = 1280 };

struct builder *builder_new(const struct sink *sink, int64_t first_session)
{
    struct builder *builder = mem_zero(1, sizeof *builder);
    builder->sink = *sink;
    builder->next_session = first_session;
    builder->now = USEC_NONE;
    builder->client = mem_zero(CLIENT_SLOTS, sizeof(struct building *));
    keys_new(&builder->keys);
    stash_new(&builder->stash);
    return builder;
}

/* ---- Lists. */

void building_list_add(struct building_list *list, struct building *building)
{
    building->list = list;
    building->before = list->last;
    building->after = NULL;
    if (list->last)
        list->last->after = building;
    else
        list->first = building;
    list->last = building;
    list->count++;
}

static void list_remove(struct building *building)
{
    struct building_list *list = building->list;
    if (building->before)
        building->before->after = building->after;
    else
        list->first = building->after;
    if (building->after)
        building->after->before = building->before;
    else
        list->last = building->before;
    list->count--;
}

static struct building **client_slot(struct builder *builder, const struct ip *client)
{
    return &builder->client[bytes_hash(client->octet, sizeof client->octet, KEY_CLIENT) & (CLIENT_SLOTS - 1)];
}

static void client_remove(struct builder *builder, struct building *building)
{
    if (!building->has_client)
        return;
    if (building->client_newer)
        building->client_newer->client_older = building->client_older;
    else
        *client_slot(builder, &building->open.session.client) = building->client_older;
    if (building->client_older)
        building->client_older->client_newer = building->client_newer;
    building->has_client = false;
}

void building_client_add(struct builder *builder, struct building *building)
{
    struct building **slot = client_slot(builder, &building->open.session.client);
    building->client_newer = NULL;
    building->client_older = *slot;
    if (*slot)
        (*slot)->client_newer = building;
    *slot = building;
    building->has_client = true;
}

/* ---- Handing over. */

static void forget_keys(struct builder *builder, struct building *building, int64_t session_id)
{
    for (uint32_t number = building->keys.first, after = KEY_NONE; number; number = after) {
        after = builder->keys.entry[number].after;
        if (builder->keys.entry[number].awaits)
            keys_hand_over(&builder->keys, &building->keys, number, session_id);
        else
            keys_remove(&builder->keys, &building->keys, number);
    }
}

static void hand_over(struct builder *builder, struct building *building)
{
    struct session *session = &building->open.session;
    if (building->list == &builder->open)
        builder->counts.early++;
    if (building->open.conclude)
        building->open.conclude(builder, &building->open);
    session_conclude(session);
    session->id = builder->next_session++;
    if (builder->failed.status == 0)
        builder->sink.session(builder->sink.state, session, &builder->failed);
    builder->counts.handed_over++;
    forget_keys(builder, building, session->id);
    client_remove(builder, building);
    list_remove(building);
    building_free(&builder->pool, building);
}

/* Makes room; `keep` is in use. */
static void evict(struct builder *builder, const struct building *keep)
{
    if (builder->pool.bytes > builder->counts.bytes_most)
        builder->counts.bytes_most = builder->pool.bytes;
    while (builder->pool.used > POOL_BYTES_MOST) {
        struct building *oldest = builder->ended.first;
        if (!oldest || oldest == keep)
            oldest = builder->resting.first;
        if (!oldest || oldest == keep)
            oldest = builder->open.first;
        if (oldest && oldest == keep)
            oldest = oldest->after;
        if (!oldest)
            return;
        oldest->open.session.gap |= oldest->list == &builder->open;
        hand_over(builder, oldest);
    }
}

static void unawait(struct key_entry *entry)
{
    if (entry->awaits && entry->building)
        entry->building->awaited--;
    entry->awaits = false;
}

/* What has ended and awaits nothing any more goes at once. */
static void hand_over_done(struct builder *builder, struct building *building)
{
    if (building && building->open.ended && building->awaited == 0)
        hand_over(builder, building);
}

/* The process and the client's port may be another session's from now on. */
static void end(struct builder *builder, struct building *building)
{
    building->open.ended = true;
    building->seen = builder->now;
    client_remove(builder, building);
    list_remove(building);
    building_list_add(&builder->ended, building);
    for (uint32_t number = building->keys.first, after = KEY_NONE; number; number = after) {
        after = builder->keys.entry[number].after;
        if (!builder->keys.entry[number].awaits)
            keys_remove(&builder->keys, &building->keys, number);
    }
    hand_over_done(builder, building);
}

static int outcome(const struct builder *builder, struct why *why)
{
    if (builder->failed.status == 0)
        return 0;
    if (why)
        *why = builder->failed;
    return -1;
}

/* What has rested for minutes is in no cache any more. */
static void fetch(const struct building *building)
{
    enum { LINE_BYTES = 64 };
    for (size_t i = 0; building && i < FETCHED_BYTES; i += LINE_BYTES)
        __builtin_prefetch((const char *)building + i);
}

int builder_advance(struct builder *builder, usec at, struct why *why)
{
    if (at == USEC_NONE || (at <= builder->now && at > builder->now - back_most))
        return outcome(builder, why);
    builder->now = at;
    while (builder->resting.first && builder->resting.first->seen < at - rest_most) {
        fetch(builder->resting.first->after);
        end(builder, builder->resting.first);
    }
    while (builder->ended.first && builder->ended.first->seen < at - wait_most)
        hand_over(builder, builder->ended.first);
    /* Open ones are in order of their start; one that is old but not silent goes to the end of the list, one
     * a call. */
    struct building *head = builder->open.first;
    for (; head && head->seen < at - open_most; head = builder->open.first)
        hand_over(builder, head);
    if (head && head->open.session.started < at - open_most && head != builder->open.last) {
        list_remove(head);
        building_list_add(&builder->open, head);
    }
    return outcome(builder, why);
}

int builder_finish(struct builder *builder, struct why *why)
{
    while (builder->ended.first)
        hand_over(builder, builder->ended.first);
    while (builder->resting.first)
        hand_over(builder, builder->resting.first);
    while (builder->open.first)
        hand_over(builder, builder->open.first);
    return outcome(builder, why);
}

void builder_free(struct builder *builder)
{
    if (!builder)
        return;
    struct building_list *lists[] = { &builder->open, &builder->resting, &builder->ended };
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        while (lists[i]->first) {
            struct building *building = lists[i]->first;
            list_remove(building);
            building_free(&builder->pool, building);
        }
    pool_free(&builder->pool);
    keys_free(&builder->keys);
    stash_free(&builder->stash);
    held_free(&builder->held);
    twice_free(&builder->twice);
    free(builder->client);
    free(builder);
}

const struct builder_counts *builder_counts(struct builder *builder)
{
    builder->counts.open = builder->open.count + builder->resting.count + builder->ended.count;
    builder->counts.bytes = builder->pool.bytes;
    return &builder->counts;
}

void builder_watch(struct builder *builder, builder_took_fn *took, void *state)
{
    builder->took = took;
    builder->took_state = state;
}

/* ---- Keys. */

session_key key_of_text(enum key_kind kind, struct str host, struct str text)
{
    return bytes_hash(text.at, text.len, bytes_hash(host.at, host.len, (uint64_t)kind)) | 1;
}

session_key key_of_process(const struct line *line)
{
    uint64_t seed = bytes_hash(line->host.at, line->host.len, (uint64_t)line->pid << 8);
    return bytes_hash(line->program.at, line->program.len, seed ^ KEY_PROCESS) | 1;
}

session_key key_of_client(struct str host, const struct ip *client, uint16_t port)
{
    uint64_t seed = bytes_hash(host.at, host.len, (uint64_t)port << 8 | KEY_CLIENT);
    return bytes_hash(client->octet, sizeof client->octet, seed) | 1;
}

struct open_session *builder_find(struct builder *builder, session_key key, int32_t *transaction)
{
    uint32_t number = keys_find(&builder->keys, key);
    const struct key_entry *entry = &builder->keys.entry[number];
    if (transaction)
        *transaction = number ? entry->transaction : -1;
    return number && entry->building ? &entry->building->open : NULL;
}

bool builder_knows(const struct builder *builder, session_key key)
{
    return keys_find(&builder->keys, key) != KEY_NONE;
}

static struct key_list *list_of(struct builder *builder, const struct key_entry *entry)
{
    return entry->building ? &entry->building->keys : &builder->keys.handed_over;
}

void builder_release(struct builder *builder, session_key key)
{
    uint32_t number = keys_find(&builder->keys, key);
    if (!number)
        return;
    struct key_entry *entry = &builder->keys.entry[number];
    struct building *building = entry->building;
    unawait(entry);
    keys_remove(&builder->keys, list_of(builder, entry), number);
    hand_over_done(builder, building);
}

void builder_bind(struct builder *builder, session_key key, struct open_session *open, int32_t transaction,
                  bool awaits)
{
    struct building *building = building_of(open);
    uint32_t number = keys_find(&builder->keys, key);
    if (number) { /* in use before: a queue id or a pid that came back, or the same once more */
        struct key_entry *old = &builder->keys.entry[number];
        unawait(old);
        keys_remove(&builder->keys, list_of(builder, old), number);
    }
    number = keys_add(&builder->keys, &building->keys, key, building);
    if (!number) {
        builder->counts.cut++;
        return;
    }
    builder->keys.entry[number].transaction = transaction;
    builder->keys.entry[number].awaits = awaits;
    building->awaited += awaits;
}

void builder_unawait(struct builder *builder, struct open_session *open, int32_t transaction)
{
    struct building *building = building_of(open);
    for (uint32_t number = building->keys.first; number; number = builder->keys.entry[number].after)
        if (builder->keys.entry[number].transaction == transaction)
            unawait(&builder->keys.entry[number]);
}

/* ---- Sessions. */

static void take_line(struct builder *builder, struct building *building, int32_t input, uint64_t offset)
{
    struct session *session = &building->open.session;
    if (input != session->input || offset > session->last_offset)
        session->last_offset = offset;
    if (builder->took)
        builder->took(builder->took_state, session->input, session->first_offset, offset);
}

void builder_abandon(struct builder *builder, session_key key)
{
    struct open_session *old = builder_find(builder, key, NULL);
    if (old && !old->ended)
        end(builder, building_of(old));
}

static struct str host_name(const struct serving *host)
{
    return (struct str){ host->name, host->len };
}

/* Remembers which hosts have sessions. One whose name is longer than HOST_BYTES is not looked for from
 * others.
 */
static void meet_host(struct builder *builder, struct str name)
{
    if (str_eq(host_name(&builder->hosts[builder->host]), name) || name.len > HOST_BYTES || name.len == 0)
        return;
    for (builder->host = 0; builder->host < HOSTS_MOST; builder->host++)
        if (str_eq(host_name(&builder->hosts[builder->host]), name))
            return;
    builder->host = builder->host_next++ % HOSTS_MOST;
    struct serving *host = &builder->hosts[builder->host];
    host->len = (uint8_t)name.len;
    memcpy(host->name, name.at, name.len);
}

session_key builder_key_known(const struct builder *builder, enum key_kind kind, struct str host,
                              struct str text)
{
    session_key found = key_of_text(kind, host, text);
    if (builder_knows(builder, found))
        return found;
    found = key_of_text(kind, STR(""), text);
    bool several = false, known = host.len && builder_knows(builder, found);
    for (size_t i = 0; i < HOSTS_MOST && builder->hosts[i].len; i++) {
        session_key key = key_of_text(kind, host_name(&builder->hosts[i]), text);
        if (!builder_knows(builder, key))
            continue;
        several |= known;
        known = true;
        found = key;
    }
    return known && !several ? found : 0;
}

struct open_session *builder_open(struct builder *builder, session_key key, const struct line *line)
{
    meet_host(builder, line->host);
    builder_abandon(builder, key);
    evict(builder, NULL);
    struct building *building = building_new(&builder->pool);
    struct open_session *open = &building->open;
    open->transaction = -1;
    open->session = (struct session){ .input = line->input,
                                      .first_offset = line->offset,
                                      .last_offset = line->offset,
                                      .started = line->at,
                                      .ended = USEC_NONE };
    open->session.server = building_keep(&builder->pool, building, line->host);
    open->session.service = building_keep(&builder->pool, building, line->program);
    building->seen = builder->now;
    building_list_add(&builder->open, building);
    if (key)
        builder_bind(builder, key, open, -1, false);
    take_line(builder, building, line->input, line->offset);
    return open;
}

void builder_set_client(struct builder *builder, struct open_session *open, const struct ip *client,
                        uint16_t port)
{
    struct building *building = building_of(open);
    client_remove(builder, building);
    open->session.client = *client;
    open->session.client_port = port;
    building_client_add(builder, building);
}

struct open_session *builder_of_client(struct builder *builder, const struct ip *client,
                                       struct open_session *newer)
{
    struct building *building = newer ? building_of(newer)->client_older : *client_slot(builder, client);
    while (building && !ip_eq(&building->open.session.client, client))
        building = building->client_older;
    return building ? &building->open : NULL;
}

void builder_took(struct builder *builder, struct open_session *open, const struct line *line)
{
    struct building *building = building_of(open);
    building->seen = builder->now;
    take_line(builder, building, line->input, line->offset);
    if (building->list == &builder->resting && building != builder->resting.last) {
        list_remove(building);
        building_list_add(&builder->resting, building);
    }
    evict(builder, building);
}

void builder_rest(struct builder *builder, struct open_session *open, const struct line *line)
{
    struct building *building = building_of(open);
    open->session.ended = line->at;
    if (building->list != &builder->open)
        return;
    list_remove(building);
    building_list_add(&builder->resting, building);
}

void builder_close(struct builder *builder, struct open_session *open, const struct line *line,
                   enum closed closed)
{
    if (open->ended)
        return;
    open->session.ended = line->at;
    if (closed != CLOSED_UNKNOWN)
        open->session.closed = (uint8_t)closed;
    end(builder, building_of(open));
}

struct str builder_keep(struct builder *builder, struct open_session *open, struct str text)
{
    return building_keep(&builder->pool, building_of(open), text);
}

void *builder_memory(struct builder *builder, struct open_session *open, size_t bytes)
{
    void *memory = building_alloc(&builder->pool, building_of(open), bytes);
    return memory ? memset(memory, 0, bytes) : NULL;
}

void *builder_notes(struct builder *builder, struct open_session *open, const struct dialect *keeper,
                    size_t bytes)
{
    if (!open->notes && (open->notes = builder_memory(builder, open, bytes)))
        open->keeper = keeper;
    return builder_notes_of(open, keeper);
}

struct transaction *builder_add_transaction(struct builder *builder, struct open_session *open, usec at)
{
    struct transaction *transaction = building_add_transaction(&builder->pool, building_of(open));
    if (transaction)
        transaction->at = at;
    else
        builder->counts.cut++;
    return transaction;
}

struct recipient *builder_add_recipient(struct builder *builder, struct open_session *open,
                                        int32_t transaction, struct str address, usec at)
{
    struct recipient *recipient =
        building_add_recipient(&builder->pool, building_of(open), &open->session.transactions[transaction]);
    if (!recipient) {
        builder->counts.cut++;
        return NULL;
    }
    recipient->address = builder_keep(builder, open, address);
    recipient->at = at;
    return recipient;
}

void builder_add_evidence(struct builder *builder, struct open_session *open, const struct evidence *evidence)
{
    struct evidence *kept = building_add_evidence(&builder->pool, building_of(open));
    if (!kept) {
        builder->counts.cut++;
        return;
    }
    *kept = *evidence;
    kept->subject = builder_keep(builder, open, evidence->subject);
    kept->detail = builder_keep(builder, open, evidence->detail);
}

void builder_refused(struct open_session *open, const struct reply *reply)
{
    struct reply *first = &open->session.reply;
    if (first->named == NAMED_NONE || (first->named == NAMED_OTHER && reply->named > NAMED_OTHER))
        *first = *reply;
}

bool builder_add_by_key(struct builder *builder, session_key key, const struct line *line,
                        const struct evidence *evidence)
{
    uint32_t number = keys_find(&builder->keys, key);
    if (!number)
        return false;
    const struct key_entry *entry = &builder->keys.entry[number];
    struct evidence placed = *evidence;
    placed.transaction = entry->transaction;
    if (entry->building) {
        builder_add_evidence(builder, &entry->building->open, &placed);
        builder_took(builder, &entry->building->open, line);
        return true;
    }
    builder->counts.late++;
    if (builder->failed.status == 0)
        builder->sink.late(builder->sink.state, entry->session_id, &placed, &builder->failed);
    return true;
}

/* ---- Lines that came before their session. */

void builder_stash(struct builder *builder, session_key key, const struct line *line,
                   const struct evidence *evidence)
{
    stash_put(&builder->stash, key, line->input, line->offset, evidence);
}

void builder_hold(struct builder *builder, session_key key, const struct line *line, struct str text)
{
    held_add(&builder->held, key, line->input, line->offset, text);
}

bool builder_holds(struct builder *builder, session_key key)
{
    return held_has(&builder->held, key);
}

void builder_drop_held(struct builder *builder, session_key key)
{
    held_take(&builder->held, key);
}

bool builder_unhold(struct builder *builder, session_key key, struct line *first, struct str *text)
{
    const struct held_part *part = held_take(&builder->held, key);
    if (!part)
        return false;
    first->input = part->input;
    first->offset = part->offset;
    *text = (struct str){ part->text, part->len };
    return true;
}

bool builder_has_stash(const struct builder *builder)
{
    return builder->stash.count != 0;
}

size_t builder_adopt(struct builder *builder, session_key key, struct open_session *open, usec at,
                     usec within)
{
    size_t adopted = 0;
    struct stashed stashed;
    while (stash_take(&builder->stash, key, &stashed)) {
        if (stashed.evidence.at < at - within || stashed.evidence.at > at + within)
            continue;
        builder_add_evidence(builder, open, &stashed.evidence);
        if (stashed.input == open->session.input && stashed.offset < open->session.first_offset)
            open->session.first_offset = stashed.offset;
        take_line(builder, building_of(open), stashed.input, stashed.offset);
        adopted++;
    }
    return adopted;
}

/* ---- What is said twice. */

void builder_announce(const struct builder *builder, uint64_t said)
{
    twice_announce(&builder->twice, said);
}

bool builder_heard(struct builder *builder, uint64_t said, int32_t input)
{
    return twice_in_inputs(&builder->twice, said, input);
}

bool builder_heard_in_turn(struct builder *builder, uint64_t said)
{
    return twice_in_turn(&builder->twice, said);
}

/* ---- What servers have shown. */

bool builder_has_learnt(const struct builder *builder, session_key key)
{
    for (size_t i = 0; i < LEARNT_MOST; i++)
        if (builder->learnt[i] == key)
            return true;
    return false;
}

void builder_learn(struct builder *builder, session_key key)
{
    if (!builder_has_learnt(builder, key))
        builder->learnt[builder->learnt_next++ % LEARNT_MOST] = key;
}
