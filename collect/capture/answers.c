/* What DNS answered meanwhile: one entry for each name and type, with its last answer. What an answer is good
 * for is worked out when a session ends: a server asks for its client while that waits, so by then it was
 * told. */
#define _GNU_SOURCE
#include "collect/capture/answers.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include "base/memory.h"
#include "collect/capture/dns.h"
#include "collect/dialect/phrases.h"

enum {
    DNS_PORT = 53,
    ASKED_SLOTS = 1 << 13, /* questions that wait; who comes last has the slot */
    ENTRY_SLOTS = 1 << 14,
    ENTRY_OVERHEAD = 16,
    ADDRESSES_MOST = 16, /* of one name: a host that has more is none that sends mail */
    NAMES_MOST = 8,
    TEXT_MOST = 200,
    ZONES_MOST = 64,
    REVERSED_BYTES = 80,
    EVIDENCE_FEW = 256,
    V4_LABELS = 4,
    V6_LABELS = 32
};

static const usec patience = 60 * USEC_SECOND;  /* no resolver waits longer for an answer */
static const usec ttl_least = 30 * USEC_SECOND, /* what asked may keep it for a moment whatever the TTL */
    ttl_most = USEC_DAY;                        /* and the others not for ever (RFC 8767 4) */

/* What an answer said. */
enum said {
    SAID_FAILED,  /* servfail, refused, truncated: nothing is known */
    SAID_NO_NAME, /* NXDOMAIN: there is none of any type (RFC 8020) */
    SAID_NO_DATA, /* the name has none of this type */
    SAID_DATA
};

struct entry {
    struct entry *same_slot, *before, *after; /* before and after: by when they were told or used */
    uint64_t hash;
    usec at;
    uint32_t ttl; /* seconds; the shortest of its records */
    uint16_t type, name_len, data_len;
    uint8_t said; /* enum said */
    bool null_mx, spf;
    char bytes[]; /* the name, then the data: addresses of 4 or 16 bytes; of PTR, names that end with NUL;
                     text */
};

struct asked {
    uint64_t hash;
    usec at;
};

/* Zones of DNS lists that were asked, by how often: made-up ones do not push out those that are asked always.
 */
struct zone {
    uint64_t count;
    uint8_t len; /* 0: free */
    char name[255];
};

struct answers {
    struct entry *slot[ENTRY_SLOTS];
    struct entry *first, *last; /* first: to go next */
    uint64_t seed;
    size_t bytes_most;
    struct answers_counts counts;
    struct asked asked[ASKED_SLOTS];
    struct zone zone[ZONES_MOST];
    /* Of the message that is being taken. */
    struct dns_message message;
    struct dns_name name;
};

/* ---- Entries. */

static uint64_t hash_of(const struct answers *answers, struct str name, unsigned type)
{
    return bytes_hash(name.at, name.len, answers->seed + type);
}

static struct str name_of(const struct entry *entry)
{
    return (struct str){ entry->bytes, entry->name_len };
}

static struct str data_of(const struct entry *entry)
{
    return (struct str){ entry->bytes + entry->name_len, entry->data_len };
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

static struct entry *find(struct answers *answers, struct str name, unsigned type)
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
    struct entry *entry = find(answers, name, type);
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

/* "9.113.0.203" or 32 nibbles, as RFC 5782 2.1 and 2.4 have it in front of a list's zone, RFC 1035 3.5 and
 * RFC 3596 2.5 of the reverse one. */
static struct str reversed(const struct ip *ip, char text[REVERSED_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    size_t len = 0;
    if (ip_is_v4(ip)) {
        len = (size_t)snprintf(text, REVERSED_BYTES, "%u.%u.%u.%u", ip->octet[15], ip->octet[14],
                               ip->octet[13], ip->octet[12]);
    } else {
        for (size_t i = 16; i-- > 0;) {
            text[len++] = digits[ip->octet[i] & 15];
            text[len++] = '.';
            text[len++] = digits[ip->octet[i] >> 4];
            text[len++] = '.';
        }
        len--;
    }
    return (struct str){ text, len };
}

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
    struct entry *known = said == SAID_FAILED ? find(answers, name, message->type) : NULL;
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

/* ---- What it means for a session. */

/* One session that is being told. */
struct noting {
    struct answers *answers;
    struct builder *builder;
    struct open_session *open;
    usec from, until;
    const struct entry *pointer; /* what was said of the client's name, or NULL */
};

/* What was answered, if it was so while the session went on. */
static struct entry *told(const struct noting *noting, struct str name, unsigned type)
{
    struct entry *entry = find(noting->answers, name, type);
    if (!entry || entry->at > noting->until)
        return NULL;
    usec ttl = entry->ttl * USEC_SECOND;
    ttl = ttl < ttl_least ? ttl_least : ttl > ttl_most ? ttl_most : ttl;
    return entry->at + ttl >= noting->from ? entry : NULL;
}

/* Whether there are any: of the types that were asked for. */
static enum tri there_is(const struct entry *entry)
{
    return !entry || entry->said == SAID_FAILED ? UNKNOWN : tri_of(entry->said == SAID_DATA);
}

/* What a reply has told already is not told again; but a session of thousands of messages is not gone through
 * for each of them. */
static void add_once(const struct noting *noting, const struct evidence *evidence)
{
    if (noting->open->session.evidence_count < EVIDENCE_FEW)
        evidence_once(noting->builder, noting->open, evidence);
    else
        builder_add_evidence(noting->builder, noting->open, evidence);
}

static void add(const struct noting *noting, enum kind kind, enum tri state, const struct entry *entry,
                struct str subject, struct str detail, int32_t transaction)
{
    struct evidence evidence = evidence_of(kind, state, entry->at);
    evidence.origin = ORIGIN_CAPTURE;
    evidence.subject = subject;
    evidence.detail = detail;
    evidence.transaction = transaction;
    add_once(noting, &evidence);
}

static enum tri has_address(const struct entry *entry, const struct ip *ip)
{
    enum tri has = there_is(entry);
    if (has != YES)
        return has;
    struct str data = data_of(entry);
    size_t bytes = ip_is_v4(ip) ? 4 : 16;
    for (; data.len >= bytes; data = str_skip(data, bytes))
        if (memcmp(data.at, ip->octet + 16 - bytes, bytes) == 0)
            return YES;
    return NO;
}

/* PTR, and whether one of its names leads back (RFC 8601 2.7.3: "iprev"). */
static void note_names(struct noting *noting)
{
    struct session *session = &noting->open->session;
    const struct ip *client = &session->client;
    bool is_v4 = ip_is_v4(client);
    char text[REVERSED_BYTES + sizeof ".in-addr.arpa"];
    struct str name = reversed(client, text), label = { NULL, 0 };
    const char *zone = is_v4 ? ".in-addr.arpa" : ".ip6.arpa";
    memcpy(text + name.len, zone, strlen(zone));
    name.len += strlen(zone);
    const struct entry *pointer = told(noting, name, DNS_PTR), *last = pointer;
    enum tri has = there_is(pointer), back = has == NO ? NO : UNKNOWN;
    noting->pointer = pointer;
    if (!pointer)
        return;
    size_t open_names = 0;
    struct str names = data_of(pointer), first = { NULL, 0 };
    while (has == YES && back != YES && cut_until_char(&names, '\0', &label)) {
        const struct entry *address = told(noting, label, is_v4 ? DNS_A : DNS_AAAA);
        enum tri leads = has_address(address, client);
        if (!first.at)
            first = label;
        open_names += leads == UNKNOWN;
        if (leads == YES) {
            back = YES;
            first = label;
        }
        if (address)
            last = address;
    }
    if (has == YES && back != YES && open_names == 0)
        back = NO;
    add(noting, KIND_RDNS, has, pointer, (struct str){ NULL, 0 }, (struct str){ NULL, 0 }, WHOLE_SESSION);
    add(noting, KIND_FCRDNS, back, last, (struct str){ NULL, 0 }, (struct str){ NULL, 0 }, WHOLE_SESSION);
    if (back == YES && !session->client_name.at)
        session->client_name = builder_keep(noting->builder, noting->open, first);
}

/* A client whose name is made of its own address: to ask for that looks like a question to a list. */
static bool is_own_name(const struct noting *noting, struct str question)
{
    struct str names = noting->pointer ? data_of(noting->pointer) : (struct str){ NULL, 0 }, name;
    while (cut_until_char(&names, '\0', &name))
        if (str_eq(name, question))
            return true;
    return false;
}

static void note_lists(const struct noting *noting)
{
    const struct ip *client = &noting->open->session.client;
    char text[REVERSED_BYTES + sizeof noting->answers->zone[0].name + 1];
    size_t len = reversed(client, text).len;
    text[len++] = '.';
    for (size_t i = 0; i < ZONES_MOST; i++) {
        const struct zone *zone = &noting->answers->zone[i];
        if (!zone->len)
            continue;
        memcpy(text + len, zone->name, zone->len);
        struct str question = { text, len + zone->len }, subject = { zone->name, zone->len };
        const struct entry *entry = told(noting, question, DNS_A);
        if (!entry || is_own_name(noting, question))
            continue;
        struct evidence listing = evidence_of(KIND_DNSBL, there_is(entry), entry->at);
        listing.origin = ORIGIN_CAPTURE;
        listing.subject = subject;
        listing.b = entry->ttl;
        struct str addresses = data_of(entry);
        const struct entry *why = listing.state == YES ? told(noting, question, DNS_TXT) : NULL;
        if (why)
            listing.detail = data_of(why);
        do {
            if (addresses.len >= 4) {
                const unsigned char *at = (const unsigned char *)addresses.at;
                listing.a = (int64_t)at[0] << 24 | at[1] << 16 | at[2] << 8 | at[3];
            }
            builder_add_evidence(noting->builder, noting->open, &listing);
            addresses = str_skip(addresses, 4);
        } while (addresses.len);
    }
}

/* Whether a name leads anywhere: MX, or an address (RFC 5321 5.1). *entry: which answer tells. */
static enum tri leads_somewhere(const struct noting *noting, struct str name, const struct entry **entry)
{
    static const unsigned types[] = { DNS_MX, DNS_A, DNS_AAAA };
    enum tri all = NO;
    *entry = NULL;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        const struct entry *found = told(noting, name, types[i]);
        enum tri there = there_is(found);
        if (found && (there == YES || found->said == SAID_NO_NAME)) {
            *entry = found;
            return there;
        }
        if (found && !*entry)
            *entry = found;
        all = tri_or(all, there);
    }
    return all;
}

/* A name as DNS has it; false where it is too long to be one. */
static bool fold(struct str name, struct dns_name *to)
{
    if (name.len && name.at[name.len - 1] == '.')
        name.len--;
    if (name.len == 0 || name.len > 255)
        return false;
    for (size_t i = 0; i < name.len; i++)
        to->text[i] = ascii_lower(name.at[i]);
    to->len = name.len;
    return true;
}

static void note_helo(const struct noting *noting)
{
    const struct entry *entry = NULL;
    struct dns_name *name = &noting->answers->name;
    struct str helo = noting->open->session.helo;
    if (!helo.at || !fold(helo, name))
        return;
    enum tri resolves = leads_somewhere(noting, dns_name_text(name), &entry);
    if (resolves != UNKNOWN)
        add(noting, KIND_HELO, resolves, entry, STR("resolves"), (struct str){ NULL, 0 }, WHOLE_SESSION);
}

/* RFC 7208 4.5: without a record that begins so there is no SPF; what one says is not asked here. */
static void note_spf(const struct noting *noting, struct str domain, int32_t transaction)
{
    const struct entry *text = told(noting, domain, DNS_TXT);
    enum tri has = there_is(text) == UNKNOWN ? UNKNOWN : tri_of(text->spf);
    if (has == UNKNOWN)
        return;
    add(noting, KIND_SENDER_DOMAIN, has, text, STR("spf"), domain, transaction);
    if (has == NO)
        add(noting, KIND_SPF, NO, text, domain, STR("none"), transaction);
}

static void note_sender(const struct noting *noting, struct str sender, int32_t transaction)
{
    struct dns_name *name = &noting->answers->name;
    const char *at = sender.at ? str_find_last(sender, '@') : NULL;
    if (!at || !fold(str_range(at + 1, sender.at + sender.len), name))
        return;
    struct str domain = dns_name_text(name);
    const struct entry *entry = NULL, *exchange = told(noting, domain, DNS_MX);
    enum tri exists = leads_somewhere(noting, domain, &entry), has_exchange = there_is(exchange);
    if (exists != UNKNOWN)
        add(noting, KIND_SENDER_DOMAIN, exists, entry, STR("exists"), domain, transaction);
    if (has_exchange != UNKNOWN) {
        add(noting, KIND_SENDER_DOMAIN, has_exchange, exchange, STR("mx"), domain, transaction);
        add(noting, KIND_SENDER_DOMAIN, tri_of(exchange->null_mx), exchange, STR("null-mx"), domain,
            transaction);
    }
    note_spf(noting, domain, transaction);
}

void answers_note(struct answers *answers, struct builder *builder, struct open_session *open, usec until)
{
    struct session *session = &open->session;
    struct noting noting = { answers, builder, open, session->started, until, NULL };
    if (answers->counts.answers == 0)
        return;
    note_names(&noting);
    note_lists(&noting);
    note_helo(&noting);
    for (uint32_t i = 0; i < session->transaction_count; i++)
        note_sender(&noting, session->transactions[i].mail_from, (int32_t)i);
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
