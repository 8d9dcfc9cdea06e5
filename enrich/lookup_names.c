/* The look-ups of clients and names: DNS lists, PTR with forward confirmation, senders' domains, HELO. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "enrich/lookup.h"

/* One that is being asked about, until the last of its answers has come. */
struct one {
    struct looking *looking;
    struct ip client;
    char name[DNS_NAME_BYTES];    /* that is asked about */
    char forward[DNS_NAME_BYTES]; /* the PTR's name that leads back, else the first */
    unsigned waiting;             /* answers that are still to come */
    bool found, failed;
    uint32_t ttl;
};

static struct one *one_new(struct looking *looking, const struct ip *client, struct str name)
{
    struct one *one = mem_zero(1, sizeof *one);
    one->looking = looking;
    one->client = client ? *client : (struct ip){ 0 };
    snprintf(one->name, sizeof one->name, "%.*s", STR_ARG(name));
    one->ttl = UINT32_MAX;
    return one;
}

static void last_for(struct one *one, const struct dns_answer *answer)
{
    one->ttl = answer->ttl < one->ttl ? answer->ttl : one->ttl;
}

static enum tri state_of(enum dns_outcome outcome)
{
    return outcome == DNS_FOUND ? YES : outcome == DNS_NOT_KNOWN ? UNKNOWN : NO;
}

/* ---- dnsbl (RFC 5782 2.1): each A record is an answer. */

static void take_listing(void *state, const struct dns_answer *answer)
{
    struct one *one = state;
    static const struct str no_name = { NULL, 0 };
    if (answer->outcome != DNS_FOUND)
        looking_say(one->looking, 0, &one->client, no_name, state_of(answer->outcome), 0, answer->ttl,
                    no_name, 0);
    for (size_t i = 0; i < answer->count; i++)
        looking_say(one->looking, 0, &one->client, no_name, YES, ip_v4(&answer->record[i].ip), answer->ttl,
                    no_name, (unsigned)i);
    free(one);
}

static void ask_dnsbl(struct looking *looking, const struct ip *client, struct str name)
{
    char question[REVERSED_BYTES];
    reversed_name(client, looking->subject, looking->subject, question);
    resolver_ask(looking->resolver, question, DNS_A, take_listing, one_new(looking, client, name));
}

const struct lookup_row lookup_dnsbl = {
    .name = "dnsbl",
    .has_subject = true,
    .of_clients = true,
    .about = ABOUT_CLIENT,
    .provider = { { KIND_DNSBL, NULL } },
    .providers = 1,
    .ask = ask_dnsbl,
};

/* ---- rdns and fcrdns: a PTR, and whether one of its names has the address. */

enum { NAMES_CONFIRMED_MOST = 10 }; /* RFC 7208 4.6.4 has the same limit */

static void end_rdns(struct one *one)
{
    static const struct str no_name = { NULL, 0 };
    enum tri confirmed = one->found ? YES : one->failed ? UNKNOWN : NO;
    looking_say(one->looking, 0, &one->client, no_name, YES, 0, one->ttl, str_of(one->forward), 0);
    looking_say(one->looking, 1, &one->client, no_name, confirmed, 0, one->ttl,
                one->found ? str_of(one->forward) : no_name, 0);
    free(one);
}

struct forward {
    struct one *one;
    char name[DNS_NAME_BYTES];
};

static void take_forward(void *state, const struct dns_answer *answer)
{
    struct forward *forward = state;
    struct one *one = forward->one;
    last_for(one, answer);
    one->failed |= answer->outcome == DNS_NOT_KNOWN;
    for (size_t i = 0; i < answer->count && !one->found; i++)
        if (ip_eq(&answer->record[i].ip, &one->client)) {
            one->found = true;
            memcpy(one->forward, forward->name, sizeof one->forward);
        }
    free(forward);
    if (--one->waiting == 0)
        end_rdns(one);
}

static void take_pointer(void *state, const struct dns_answer *answer)
{
    struct one *one = state;
    static const struct str no_name = { NULL, 0 };
    last_for(one, answer);
    if (answer->outcome != DNS_FOUND) {
        for (unsigned p = 0; p < LOOKUP_PROVIDERS; p++)
            looking_say(one->looking, p, &one->client, no_name, state_of(answer->outcome), 0, answer->ttl,
                        no_name, 0);
        free(one);
        return;
    }
    size_t count = answer->count < NAMES_CONFIRMED_MOST ? answer->count : NAMES_CONFIRMED_MOST;
    one->waiting = (unsigned)count;
    snprintf(one->forward, sizeof one->forward, "%.*s", STR_ARG(answer->record[0].text));
    for (size_t i = 0; i < count; i++) {
        struct forward *forward = mem_zero(1, sizeof *forward);
        forward->one = one;
        snprintf(forward->name, sizeof forward->name, "%.*s", STR_ARG(answer->record[i].text));
        resolver_ask(one->looking->resolver, forward->name, ip_is_v4(&one->client) ? DNS_A : DNS_AAAA,
                     take_forward, forward);
    }
}

static void ask_rdns(struct looking *looking, const struct ip *client, struct str name)
{
    char question[REVERSED_BYTES];
    reversed_name(client, STR("in-addr.arpa"), STR("ip6.arpa"), question);
    resolver_ask(looking->resolver, question, DNS_PTR, take_pointer, one_new(looking, client, name));
}

const struct lookup_row lookup_rdns = {
    .name = "rdns",
    .of_clients = true,
    .about = ABOUT_CLIENT,
    .provider = { { KIND_RDNS, NULL }, { KIND_FCRDNS, NULL } },
    .providers = 2,
    .ask = ask_rdns,
};

/* ---- sender-domain and helo: MX, or else an address (RFC 5321 5.1); null MX (RFC 7505). */

static void end_name(struct one *one, enum tri exists, enum tri null_mx)
{
    struct str name = str_of(one->name);
    looking_say(one->looking, 0, NULL, name, exists, 0, one->ttl, name, 0);
    if (one->looking->row->providers > 1)
        looking_say(one->looking, 1, NULL, name, null_mx, 0, one->ttl, name, 0);
    free(one);
}

static void take_address(void *state, const struct dns_answer *answer)
{
    struct one *one = state;
    last_for(one, answer);
    one->found |= answer->outcome == DNS_FOUND;
    one->failed |= answer->outcome == DNS_NOT_KNOWN;
    if (--one->waiting == 0)
        end_name(one,
                 one->found    ? YES
                 : one->failed ? UNKNOWN
                               : NO,
                 one->found || !one->failed ? NO : UNKNOWN);
}

static void take_mx(void *state, const struct dns_answer *answer)
{
    struct one *one = state;
    last_for(one, answer);
    if (answer->outcome == DNS_NO_DATA) {
        one->waiting = 2;
        resolver_ask(one->looking->resolver, one->name, DNS_A, take_address, one);
        resolver_ask(one->looking->resolver, one->name, DNS_AAAA, take_address, one);
        return;
    }
    bool null = answer->count == 1 && answer->record[0].text.len == 0;
    end_name(one, state_of(answer->outcome), answer->outcome == DNS_NOT_KNOWN ? UNKNOWN : tri_of(null));
}

static void ask_name(struct looking *looking, const struct ip *client, struct str name)
{
    struct one *one = one_new(looking, client, name);
    resolver_ask(looking->resolver, one->name, DNS_MX, take_mx, one);
}

const struct lookup_row lookup_sender_domain = {
    .name = "sender-domain",
    .of_names = true,
    .about = ABOUT_SENDER_DOMAIN,
    .provider = { { KIND_SENDER_DOMAIN, "exists" }, { KIND_SENDER_DOMAIN, "null-mx" } },
    .providers = 2,
    .ask = ask_name,
};

const struct lookup_row lookup_helo = {
    .name = "helo",
    .of_names = true,
    .about = ABOUT_HELO,
    .provider = { { KIND_HELO, "resolves" } },
    .providers = 1,
    .ask = ask_name,
};
