/* An operator's retries may come from every network in which one of its clients was seen under its name. */
#include "analyze/haunts.h"

#include <stdlib.h>

#define NONE UINT32_MAX

struct link {
    uint32_t operator_name, next;
};

struct haunts {
    const struct columns *columns;
    usec *network, *operator_since; /* by network, by name: since when; USEC_NONE: not */
    uint32_t *operators;            /* by network: head of the list of its operators, or NONE */
    struct link *link;
    size_t links, room;
};

static void add_operator(struct haunts *haunts, uint32_t network, uint32_t operator_name)
{
    for (uint32_t i = haunts->operators[network]; i != NONE; i = haunts->link[i].next)
        if (haunts->link[i].operator_name == operator_name)
            return;
    mem_room(haunts->link, haunts->room, haunts->links + 1);
    haunts->link[haunts->links] = (struct link){ operator_name, haunts->operators[network] };
    haunts->operators[network] = (uint32_t)haunts->links++;
}

struct haunts *haunts_new(const struct columns *columns)
{
    struct haunts *haunts = mem_zero(1, sizeof *haunts);
    haunts->columns = columns;
    haunts->network = mem_alloc(columns->network_count * sizeof *haunts->network);
    haunts->operators = mem_alloc(columns->network_count * sizeof *haunts->operators);
    haunts->operator_since = mem_alloc(columns->names.count * sizeof *haunts->operator_since);
    for (size_t i = 0; i < columns->network_count; i++) {
        haunts->network[i] = USEC_NONE;
        haunts->operators[i] = NONE;
    }
    for (size_t i = 0; i < columns->names.count; i++)
        haunts->operator_since[i] = USEC_NONE;
    for (size_t s = 0; s < columns->session_count; s++)
        if (columns->operator_of[s] != NAME_NONE)
            add_operator(haunts, columns->network[columns->client[s]], columns->operator_of[s]);
    return haunts;
}

void haunts_free(struct haunts *haunts)
{
    free(haunts->network);
    free(haunts->operator_since);
    free(haunts->operators);
    free(haunts->link);
    free(haunts);
}

/* The walk goes on in time: the first is the earliest. */
void haunts_add(struct haunts *haunts, uint32_t attempt)
{
    const struct columns *columns = haunts->columns;
    uint32_t s = columns->session[attempt], operator_name = columns->operator_of[s];
    usec *network = &haunts->network[columns->network[columns->client[s]]];
    if (*network == USEC_NONE)
        *network = columns->at[attempt];
    if (operator_name != NAME_NONE && haunts->operator_since[operator_name] == USEC_NONE)
        haunts->operator_since[operator_name] = columns->at[attempt];
}

usec haunts_since(const struct haunts *haunts, uint32_t attempt)
{
    const struct columns *columns = haunts->columns;
    uint32_t network = columns->network[columns->client[columns->session[attempt]]];
    usec since = haunts->network[network];
    for (uint32_t i = haunts->operators[network]; i != NONE; i = haunts->link[i].next) {
        usec other = haunts->operator_since[haunts->link[i].operator_name];
        since = since == USEC_NONE || (other != USEC_NONE && other < since) ? other : since;
    }
    return since;
}
