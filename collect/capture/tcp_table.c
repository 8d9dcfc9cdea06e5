/* The connections: where they are found, and in which order they go. */
#define _GNU_SOURCE
#include "collect/capture/tcp_inside.h"

#include <stdlib.h>
#include <sys/random.h>
#include "base/memory.h"

enum { SLOTS_LEAST = 1024, SEGMENT_OVERHEAD = 48 };

/* ---- Memory. */

void tcp_account(struct tcp *tcp, ptrdiff_t bytes)
{
    tcp->counts.bytes += (size_t)bytes;
    if (tcp->counts.bytes > tcp->counts.bytes_most)
        tcp->counts.bytes_most = tcp->counts.bytes;
}

void tcp_segment_free(struct tcp *tcp, struct tracked *tracked, struct segment *segment)
{
    size_t bytes = SEGMENT_OVERHEAD + sizeof *segment + segment->len;
    tracked->bytes -= bytes;
    tcp->hollow -= segment->hollow != 0;
    tcp_account(tcp, -(ptrdiff_t)bytes);
    free(segment);
}

struct segment *tcp_segment_new(struct tcp *tcp, struct tracked *tracked, const uint8_t *at, uint32_t len,
                                uint32_t whole)
{
    struct segment *segment = mem_alloc(sizeof *segment + len);
    size_t bytes = SEGMENT_OVERHEAD + sizeof *segment + len;
    *segment = (struct segment){ .len = len, .whole = whole };
    if (len)
        memcpy(segment->bytes, at, len);
    tracked->bytes += bytes;
    tcp_account(tcp, (ptrdiff_t)bytes);
    return segment;
}

/* ---- Finding connections. */

void tcp_list_add(struct list *list, struct tracked *tracked)
{
    tracked->before = list->last;
    tracked->after = NULL;
    *(list->last ? &list->last->after : &list->first) = tracked;
    list->last = tracked;
}

void tcp_list_remove(struct list *list, struct tracked *tracked)
{
    *(tracked->before ? &tracked->before->after : &list->first) = tracked->after;
    *(tracked->after ? &tracked->after->before : &list->last) = tracked->before;
}

static uint64_t hash_of(const struct tcp *tcp, const struct ip *client, uint16_t client_port,
                        const struct ip *server, uint16_t server_port)
{
    uint64_t hash = bytes_hash(client->octet, sizeof client->octet, tcp->seed ^ client_port);
    return bytes_hash(server->octet, sizeof server->octet, hash ^ (uint64_t)server_port << 16);
}

static struct tracked **slot_of(const struct tcp *tcp, const struct connection *connection)
{
    return &tcp->slot[hash_of(tcp, &connection->address[SIDE_CLIENT], connection->port[SIDE_CLIENT],
                              &connection->address[SIDE_SERVER], connection->port[SIDE_SERVER]) &
                      (tcp->slots - 1)];
}

struct tracked *tcp_find(const struct tcp *tcp, const struct ip *client, uint16_t client_port,
                         const struct ip *server, uint16_t server_port)
{
    struct tracked *tracked =
        tcp->slot[hash_of(tcp, client, client_port, server, server_port) & (tcp->slots - 1)];
    for (; tracked; tracked = tracked->same_slot) {
        const struct connection *connection = &tracked->connection;
        if (connection->port[SIDE_CLIENT] == client_port && connection->port[SIDE_SERVER] == server_port &&
            ip_eq(&connection->address[SIDE_CLIENT], client) &&
            ip_eq(&connection->address[SIDE_SERVER], server))
            return tracked;
    }
    return NULL;
}

static void grow(struct tcp *tcp)
{
    struct tracked **old = tcp->slot;
    size_t slots = tcp->slots;
    tcp->slots = slots ? slots * 2 : SLOTS_LEAST;
    tcp->slot = mem_zero(tcp->slots, sizeof(struct tracked *));
    tcp_account(tcp, (ptrdiff_t)((tcp->slots - slots) * sizeof(struct tracked *)));
    for (size_t i = 0; i < slots; i++)
        for (struct tracked *tracked = old[i], *next = NULL; tracked; tracked = next) {
            next = tracked->same_slot;
            struct tracked **slot = slot_of(tcp, &tracked->connection);
            tracked->same_slot = *slot;
            *slot = tracked;
        }
    free(old);
}

struct list *tcp_list_of(struct tcp *tcp, const struct tracked *tracked)
{
    if (tracked->closed)
        return &tcp->list[CLOSED];
    return tracked->connection.established == USEC_NONE ? &tcp->list[BEGUN] : &tcp->list[OPEN];
}

void tcp_track(struct tcp *tcp, struct tracked *tracked)
{
    if (tcp->count >= tcp->slots)
        grow(tcp);
    struct tracked **slot = slot_of(tcp, &tracked->connection);
    tracked->same_slot = *slot;
    *slot = tracked;
    tcp_list_add(tcp_list_of(tcp, tracked), tracked);
    tcp->count++;
    tcp_account(tcp, sizeof *tracked);
}

void tcp_forget(struct tcp *tcp, struct list *list, struct tracked *tracked)
{
    struct tracked **slot = slot_of(tcp, &tracked->connection);
    while (*slot != tracked)
        slot = &(*slot)->same_slot;
    *slot = tracked->same_slot;
    tcp_list_remove(list, tracked);
    tcp->count--;
    tcp_account(tcp, -(ptrdiff_t)sizeof *tracked);
    free(tracked);
}

/* ---- All of them. */

struct tcp *tcp_new(const struct tcp_consumer *consumer, size_t bytes_most)
{
    struct tcp *tcp = mem_zero(1, sizeof *tcp);
    tcp->consumer = *consumer;
    tcp->bytes_most = bytes_most ? bytes_most : TCP_BYTES_MOST;
    if (getrandom(&tcp->seed, sizeof tcp->seed, GRND_NONBLOCK) < 0)
        tcp->seed = (uintptr_t)tcp;
    grow(tcp);
    return tcp;
}

static void list_free(struct tcp *tcp, const struct list *list)
{
    for (struct tracked *tracked = list->first, *after = NULL; tracked; tracked = after) {
        after = tracked->after;
        if (tracked->connection.dialog)
            tcp->consumer.dropped(tcp->consumer.state, &tracked->connection);
        for (enum side side = SIDE_CLIENT; side <= SIDE_SERVER; side++)
            for (struct segment *segment = tracked->half[side].waiting, *behind = NULL; segment;
                 segment = behind) {
                behind = segment->next;
                free(segment);
            }
        free(tracked);
    }
}

void tcp_free(struct tcp *tcp)
{
    for (size_t i = 0; i < TCP_LISTS; i++)
        list_free(tcp, &tcp->list[i]);
    free(tcp->slot);
    free(tcp);
}
