/* Which addresses are the site's own mail servers. */
#include "collect/capture/servers.h"

#include "collect/state.h"

static size_t slot_of(const struct ip *address)
{
    return bytes_hash(address->octet, sizeof address->octet, 0x73657276) % SERVERS_SLOTS;
}

void servers_answered(struct servers *servers, const struct ip *server)
{
    struct answering *slot = &servers->slot[slot_of(server)];
    if (ip_eq(&slot->address, server))
        slot->count++;
    else if (slot->count)
        slot->count--;
    else
        *slot = (struct answering){ *server, 1 };
}

static uint64_t answers_of(const struct servers *servers, const struct ip *address)
{
    const struct answering *slot = &servers->slot[slot_of(address)];
    return ip_eq(&slot->address, address) ? slot->count : 0;
}

static bool is_own(const struct servers *servers, const struct ip *address)
{
    for (size_t i = 0; i < servers->own_count; i++)
        if (ip_eq(&servers->own[i], address))
            return true;
    return false;
}

/* A site's MX answers most of what its capture shows; the hosts to which it connects itself answer seldom. */
enum direction servers_direction(const struct servers *servers, const struct ip *client,
                                 const struct ip *server)
{
    bool out = servers->own_count ? is_own(servers, client) && !is_own(servers, server)
                                  : answers_of(servers, client) > answers_of(servers, server);
    return out ? DIRECTION_OUT : DIRECTION_IN;
}

void servers_carry(struct servers *servers, struct state_bytes *state)
{
    size_t used = 0;
    uint32_t at = 0;
    for (size_t i = 0; i < SERVERS_SLOTS; i++)
        used += servers->slot[i].count != 0;
    for (size_t left = carry_count(state, used); left && !state->broken; left--, at++) {
        while (!state->loading && servers->slot[at].count == 0)
            at++;
        carry(state, &at);
        state->broken |= at >= SERVERS_SLOTS;
        if (state->broken)
            return;
        carry_bytes(state, &servers->slot[at].address, sizeof servers->slot[at].address);
        carry(state, &servers->slot[at].count);
    }
}
