/* What DNS answered meanwhile: one entry for each name and type, with its last answer. */
#define _GNU_SOURCE
#include "collect/capture/answers_inside.h"

#include <stdlib.h>
#include <sys/random.h>
#include "base/memory.h"
#include "collect/state.h"

enum {
    DNS_PORT = 53,
    ENTRY_OVERHEAD = 16,
    ADDRESSES_MOST = 16, /* of one name: a host that has more is none that sends mail */
    NAMES_MOST = 8,
    TEXT_MOST = 200,
    V4_LABELS = 4,
    V6_LABELS = 32
};

static const usec patience = 60 * USEC_SECOND; /* no resolver waits longer for an answer */

/* ---- Entries. */

static uint64_t hash_of(const struct answers *answers, struct str name, unsigned type)
{
    return bytes_hash(name.at, name.len, answers->seed + type);
}

static struct str name_of(const struct entry *entry)
{
    return (struct str){ entry->bytes, entry->name_len };
}

static size_t size_of(const struct entry *entry)
{
    return ENTRY_OVERHEAD + sizeof *entry + entry->name_len + entry->data_len;
}

static void link_last(struct answers *answers, struct entry *entry)
{
    entry->before = answers->last;
    entry->after = NULL;
    *(answers->last ? &answers->last->after : &answers->first) = entry;
    answers->last = entry;
}

static void unlink_entry(struct answers *answers, struct entry *entry)
{
    *(entry->before ? &entry->before->after : &answers->first) = entry->after;
    *(entry->after ? &entry->after->before : &answers->last) = entry->before;
}

static void forget(struct answers *answers, struct entry *entry)
{
    struct entry **place = &answers->slot[entry->hash % ENTRY_SLOTS];
    while (*place != entry)
        place = &(*place)->same_slot;
    *place = entry->same_slot;
    unlink_entry(answers, entry);
    answers->counts.bytes -= size_of(entry);
    free(entry);
}

struct entry *answers_find(struct answers *answers, struct str name, unsigned type)
{
    uint64_t hash = hash_of(answers, name, type);
    for (struct entry *entry = answers->slot[hash % ENTRY_SLOTS]; entry; entry = entry->same_slot)
        if (entry->hash == hash && entry->type == type && str_eq(name_of(entry), name)) {
            unlink_entry(answers, entry);
            link_last(answers, entry);
            return entry;
        }
    return NULL;
}

static struct entry *remember(struct answers *answers, struct str name, unsigned type, struct str data)
{
    struct entry *entry = answers_find(answers, name, type);
    if (entry)
        forget(answers, entry);
    entry = mem_zero(1, sizeof *entry + name.len + data.len);
    entry->hash = hash_of(answers, name, type);
    entry->type = (uint16_t)type;
    entry->name_len = (uint16_t)name.len;
    entry->data_len = (uint16_t)data.len;
    if (name.len)
        memcpy(entry->bytes, name.at, name.len);
    if (data.len)
        memcpy(entry->bytes + name.len, data.at, data.len);
    struct entry **place = &answers->slot[entry->hash % ENTRY_SLOTS];
    entry->same_slot = *place;
    *place = entry;
    link_last(answers, entry);
    answers->counts.bytes += size_of(entry);
    if (answers->counts.bytes > answers->counts.bytes_most)
        answers->counts.bytes_most = answers->counts.bytes;
    while (answers->counts.bytes > answers->bytes_most && answers->first != entry)
        forget(answers, answers->first);
    return entry;
}

/* ---- Names that are made of addresses. */

static bool is_hex_digit(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f');
}

/* Takes four numbers or 32 nibbles off the front of a name: what is left is the zone. */
static bool cut_reversed(struct str *name)
{
    struct str rest = *name, label;
    size_t labels = 0;
    for (; labels < V4_LABELS; labels++) {
        uint64_t number = 0;
        struct str in = rest;
        if (!cut_number(&in, &number) || number > 255 || !cut_char(&in, '.'))
            break;
        rest = in;
    }
    struct str v4 = rest;
    bool is_v4 = labels == V4_LABELS;
    rest = *name;
    for (labels = 0; labels < V6_LABELS; labels++)
        if (rest.len < 2 || !is_hex_digit(rest.at[0]) || rest.at[1] != '.' ||
            !cut_until_char(&rest, '.', &label))
            break;
    if (labels == V6_LABELS)
        *name = rest;
    else if (is_v4)
        *name = v4;
    return labels == V6_LABELS || is_v4;
}

static bool is_reverse_zone(struct str zone)
{
    return str_eq(zone, STR("in-addr.arpa")) || str_eq(zone, STR("ip6.arpa"));
}

static void count_zone(struct answers *answers, struct str zone)
{
    struct zone *least = &answers->zone[0];
    if (zone.len == 0 || zone.len > sizeof least->name || is_reverse_zone(zone))
        return;
    for (size_t i = 0; i < ZONES_MOST; i++) {
        struct zone *known = &answers->zone[i];
        if (str_eq((struct str){ known->name, known->len }, zone)) {
            known->count++;
            return;
        }
        if (known->count < least->count)
            least = known;
    }
    least->count++; /* as if it had been asked as often as the one that it takes the place of */
    least->len = (uint8_t)zone.len;
    memcpy(least->name, zone.at, zone.len);
}

/* ---- Messages. */

static uint64_t exchange_of(const struct answers *answers, const struct answers_parties *parties)
{
    const struct dns_message *message = &answers->message;
    uint64_t hash = bytes_hash(parties->asking.octet, sizeof parties->asking.octet, answers->seed);
    hash = bytes_hash(parties->asked.octet, sizeof parties->asked.octet, hash + parties->asking_port);
    return hash_of(answers, dns_name_text(&message->name), message->type) ^ (hash + message->id);
}

static bool is_wanted(unsigned type)
{
    return type == DNS_A || type == DNS_AAAA || type == DNS_PTR || type == DNS_MX || type == DNS_TXT;
}

/* What is collected of the answer's records, with room for names of the longest. */
struct collecting {
    size_t len, count;
    uint32_t ttl;
    bool null_mx, spf, soa;
    char data[NAMES_MOST * (DNS_NAME_BYTES + 1)];
};

static void collect_record(struct answers *answers, struct collecting *all, const struct dns_record *record)
{
    struct dns_message *message = &answers->message;
    size_t address_bytes = record->type == DNS_A ? 4 : 16;
    if (record->type != message->type)
        return;
    if (all->count == 0 || record->ttl < all->ttl)
        all->ttl = record->ttl;
    switch ((enum dns_type)record->type) {
    case DNS_A:
    case DNS_AAAA:
        if (record->data.len != address_bytes || all->count >= ADDRESSES_MOST)
            return;
        memcpy(all->data + all->len, record->data.at, address_bytes);
        all->len += address_bytes;
        break;
    case DNS_PTR:
        if (all->count >= NAMES_MOST || !dns_data_name(message, record, 0, &answers->name))
            return;
        memcpy(all->data + all->len, answers->name.text, answers->name.len);
        all->len += answers->name.len;
        all->data[all->len++] = '\0';
        break;
    case DNS_MX:
        if (!dns_data_name(message, record, 2, &answers->name))
            return;
        all->null_mx |= answers->name.len == 0; /* RFC 7505 3 */
        break;
    case DNS_TXT:
        all->spf |= dns_text_starts(record->data, STR("v=spf1"));
        if (all->count == 0)
            all->len = dns_text(record->data, all->data, TEXT_MOST);
        break;
    }
    all->count++;
}

/* An empty answer means something where it comes from who knows: the zone's own server, one that has asked
 * all of them, or with the zone's SOA (RFC 2308 2.2). Else it sends one on to another server. */
static enum said said_by(const struct dns_message *message, const struct collecting *all)
{
    if (message->rcode == DNS_NXDOMAIN)
        return SAID_NO_NAME;
    if (message->rcode != DNS_NOERROR || message->truncated)
        return SAID_FAILED;
    if (all->count)
        return SAID_DATA;
    return message->authoritative || message->recursive || all->soa ? SAID_NO_DATA : SAID_FAILED;
}

static void take_answer(struct answers *answers, usec at)
{
    enum { TYPE_SOA = 6 };
    struct dns_message *message = &answers->message;
    struct collecting all = { .len = 0 };
    struct dns_record record;
    struct str name = dns_name_text(&message->name), zone = name;
    while (dns_next(message, &record)) {
        if (record.answer)
            collect_record(answers, &all, &record);
        else if (record.type == TYPE_SOA)
            all.soa = true;
        if (record.type == TYPE_SOA && all.count == 0)
            all.ttl = record.ttl; /* RFC 2308 5 */
    }
    enum said said = said_by(message, &all);
    struct entry *known = said == SAID_FAILED ? answers_find(answers, name, message->type) : NULL;
    if (known && at - known->at < patience)
        return; /* another server, or an earlier try, did know */
    if (message->type == DNS_A && said != SAID_FAILED && cut_reversed(&zone))
        count_zone(answers, zone);
    struct entry *entry = remember(answers, name, message->type, (struct str){ all.data, all.len });
    entry->at = at;
    entry->ttl = all.ttl;
    entry->said = (uint8_t)said;
    entry->null_mx = all.null_mx && all.count == 1;
    entry->spf = all.spf;
}

void answers_take(struct answers *answers, const struct answers_parties *parties, bool from_server,
                  struct str message, usec at)
{
    if (!dns_begin(&answers->message, message)) {
        answers->counts.bad++;
        return;
    }
    if (!is_wanted(answers->message.type) || answers->message.response != from_server)
        return;
    uint64_t hash = exchange_of(answers, parties);
    struct asked *asked = &answers->asked[hash % ASKED_SLOTS];
    if (!from_server) {
        *asked = (struct asked){ hash, at };
        answers->counts.questions++;
        return;
    }
    if (asked->hash != hash || at - asked->at > patience || at < asked->at - USEC_SECOND) {
        answers->counts.unasked++;
        return;
    }
    asked->hash = 0;
    answers->counts.answers++;
    take_answer(answers, at);
}

bool answers_take_udp(struct answers *answers, const struct datagram *datagram)
{
    enum { HEADER_BYTES = 8 };
    const uint8_t *at = datagram->payload.at;
    if (datagram->payload.len < HEADER_BYTES)
        return false;
    uint16_t from = (uint16_t)(at[0] << 8 | at[1]), to = (uint16_t)(at[2] << 8 | at[3]);
    if (from != DNS_PORT && to != DNS_PORT)
        return false;
    bool from_server = from == DNS_PORT;
    struct answers_parties parties = { from_server ? datagram->to : datagram->from,
                                       from_server ? datagram->from : datagram->to, from_server ? to : from };
    answers_take(answers, &parties, from_server,
                 (struct str){ (const char *)at + HEADER_BYTES, datagram->payload.len - HEADER_BYTES },
                 datagram->at);
    return true;
}

/* ---- From one run to the next. */

/* The one of those that are kept which was told or used longest ago. */
static struct entry *first_kept(const struct answers *answers, size_t *count)
{
    struct entry *first = NULL;
    size_t bytes = 0;
    *count = 0;
    for (struct entry *entry = answers->last; entry; entry = entry->before) {
        bytes += size_of(entry);
        if (bytes > ANSWERS_KEPT_BYTES_MOST)
            break;
        first = entry;
        ++*count;
    }
    return first;
}

static void carry_entry(struct answers *answers, struct entry *old, struct state_bytes *state)
{
    struct entry head = { .said = SAID_FAILED };
    struct str name = { NULL, 0 }, data = { NULL, 0 };
    if (old) {
        head = *old;
        name = name_of(old);
        data = answer_data(old);
    }
    carry(state, &head.type);
    carry(state, &name);
    carry(state, &data);
    carry_number(state, &head.at);
    carry(state, &head.ttl);
    carry(state, &head.said);
    carry(state, &head.null_mx);
    carry(state, &head.spf);
    state->broken |= head.said > SAID_DATA || name.len > UINT16_MAX || data.len > UINT16_MAX;
    if (old || state->broken)
        return;
    struct entry *entry = remember(answers, name, head.type, data);
    entry->at = head.at;
    entry->ttl = head.ttl;
    entry->said = head.said;
    entry->null_mx = head.null_mx;
    entry->spf = head.spf;
}

static void carry_entries(struct answers *answers, struct state_bytes *state)
{
    size_t count = 0;
    struct entry *entry = state->loading ? NULL : first_kept(answers, &count);
    for (size_t left = carry_count(state, count); left && !state->broken; left--) {
        carry_entry(answers, entry, state);
        entry = entry ? entry->after : NULL;
    }
}

/* Questions that wait for their answer; with them what their hashes began with, which is each run's own. */
static void carry_asked(struct answers *answers, struct state_bytes *state)
{
    size_t used = 0;
    uint32_t at = 0;
    for (size_t i = 0; i < ASKED_SLOTS; i++)
        used += answers->asked[i].hash != 0;
    size_t left = carry_count(state, used);
    if (left)
        carry_bytes(state, &answers->seed, sizeof answers->seed);
    for (; left && !state->broken; left--, at++) {
        while (!state->loading && answers->asked[at].hash == 0)
            at++;
        carry(state, &at);
        state->broken |= at >= ASKED_SLOTS;
        if (state->broken)
            return;
        carry_bytes(state, &answers->asked[at].hash, sizeof answers->asked[at].hash);
        carry_number(state, &answers->asked[at].at);
    }
}

void answers_carry(struct answers *answers, struct state_bytes *state)
{
    carry(state, &answers->counts.answers);
    carry_asked(answers, state);
    carry_entries(answers, state);
    for (size_t i = 0; i < ZONES_MOST && !state->broken; i++) {
        struct zone *zone = &answers->zone[i];
        carry(state, &zone->count);
        carry(state, &zone->len);
        if (zone->len)
            carry_bytes(state, zone->name, zone->len);
    }
}

/* ---- All of it. */

struct answers *answers_new(size_t bytes_most)
{
    struct answers *answers = mem_zero(1, sizeof *answers);
    answers->bytes_most = bytes_most ? bytes_most : ANSWERS_BYTES_MOST;
    if (getrandom(&answers->seed, sizeof answers->seed, GRND_NONBLOCK) < 0)
        answers->seed = (uintptr_t)answers;
    return answers;
}

void answers_free(struct answers *answers)
{
    if (!answers)
        return;
    for (struct entry *entry = answers->first, *after = NULL; entry; entry = after) {
        after = entry->after;
        free(entry);
    }
    free(answers);
}

const struct answers_counts *answers_counts(const struct answers *answers)
{
    return &answers->counts;
}
