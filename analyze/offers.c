/* When each server offered TLS, from who used it. */
#include "analyze/offers.h"

#include <stdlib.h>

struct offer *columns_offer(const struct columns *columns, uint16_t server, uint16_t port)
{
    for (struct offer *offer = columns->offers[server]; offer; offer = offer->next)
        if (offer->port == port)
            return offer;
    return NULL;
}

/* That it was offered is known between the first and the last session that used it. Who logs in uses it where
 * strangers need not be offered it. */
void offers_find(struct columns *columns)
{
    columns->offers = mem_zero(columns->servers.count + 1, sizeof *columns->offers);
    for (size_t s = 0; s < columns->session_count; s++) {
        uint16_t server = columns->server[s], port = columns->port[s];
        if ((columns->flags[s] & (SESSION_TLS | SESSION_AUTHENTICATED)) != SESSION_TLS)
            continue;
        struct offer *offer = columns_offer(columns, server, port);
        if (!offer) {
            offer = mem_alloc(sizeof *offer);
            *offer = (struct offer){ columns->offers[server], port, columns->started[s], 0 };
            columns->offers[server] = offer;
        }
        offer->to = columns->started[s];
    }
}

void offers_free(struct columns *columns)
{
    for (size_t i = 0; columns->offers && i < columns->servers.count; i++)
        for (struct offer *offer = columns->offers[i], *next; offer; offer = next) {
            next = offer->next;
            free(offer);
        }
    free(columns->offers);
}
