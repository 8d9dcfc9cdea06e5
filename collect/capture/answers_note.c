/* What DNS answered, as evidence for a session. It is worked out when the session ends: a server asks for its
 * client while that waits, so by then it was told. */
#include "collect/capture/answers_inside.h"

#include <stdio.h>
#include "collect/dialect/phrases.h"

enum { REVERSED_BYTES = 80, EVIDENCE_FEW = 256 };

static const usec ttl_least = 30 * USEC_SECOND, /* what asked may keep it for a moment whatever the TTL */
    ttl_most = USEC_DAY;                        /* and the others not for ever (RFC 8767 4) */

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
    struct entry *entry = answers_find(noting->answers, name, type);
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
    struct str data = answer_data(entry);
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
    struct str names = answer_data(pointer), first = { NULL, 0 };
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
    struct str names = noting->pointer ? answer_data(noting->pointer) : (struct str){ NULL, 0 }, name;
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
        struct str addresses = answer_data(entry);
        const struct entry *why = listing.state == YES ? told(noting, question, DNS_TXT) : NULL;
        if (why)
            listing.detail = answer_data(why);
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
