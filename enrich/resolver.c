/* Questions to name servers, through c-ares. */
#define _GNU_SOURCE /* fd_set, which <ares.h> wants */
#include "enrich/resolver.h"

#include <ares.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/memory.h"

enum { CLASS_IN = 1, TRIES = 2, MSEC_MOST = 1000 };

struct resolver {
    ares_channel channel;
    struct resolver_settings settings;
    size_t pending;
    uint64_t asked;
    usec next;      /* not before this is the next question asked */
    bool answering; /* an answer is being handed over: what is asked meanwhile waits its turn */
    struct question *first, *last; /* of those */
};

struct question {
    struct question *after;
    char *name; /* where it waits */
    struct resolver *resolver;
    enum dns_type type;
    void (*take)(void *state, const struct dns_answer *answer);
    void *state;
};

struct resolver *resolver_new(const struct resolver_settings *settings, struct why *why)
{
    struct ares_options options = { .timeout = (int)(settings->timeout / 1000), .tries = TRIES };
    struct resolver *resolver = mem_zero(1, sizeof *resolver);
    resolver->settings = *settings;
    int rc = ares_library_init(ARES_LIB_INIT_ALL);
    if (rc == ARES_SUCCESS)
        rc = ares_init_options(&resolver->channel, &options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES);
    if (rc == ARES_SUCCESS && settings->server)
        rc = ares_set_servers_ports_csv(resolver->channel, settings->server);
    if (rc == ARES_SUCCESS)
        return resolver;
    why_set(why, EX_USAGE, "--resolver: \"%s\" is no name server (%s); write its address, or ADDRESS:PORT",
            settings->server ? settings->server : "/etc/resolv.conf", ares_strerror(rc));
    resolver_free(resolver);
    return NULL;
}

void resolver_free(struct resolver *resolver)
{
    if (!resolver)
        return;
    if (resolver->channel)
        ares_destroy(resolver->channel);
    while (resolver->first) {
        struct question *question = resolver->first;
        resolver->first = question->after;
        free(question->name);
        free(question);
    }
    ares_library_cleanup();
    free(resolver);
}

static void answered(void *state, int status, int timeouts, unsigned char *message, int bytes)
{
    (void)timeouts;
    struct question *question = state;
    struct arena arena = { 0 };
    struct dns_answer answer = { .outcome = DNS_NOT_KNOWN };
    bool says = status == ARES_SUCCESS || status == ARES_ENODATA || status == ARES_ENOTFOUND;
    if (says && message && bytes > 0)
        answer = dns_answer_parse(message, (size_t)bytes, question->type, &arena);
    struct resolver *resolver = question->resolver;
    bool within = resolver->answering; /* ares_query() may call at once */
    resolver->pending--;
    resolver->answering = true;
    if (status != ARES_EDESTRUCTION)
        question->take(question->state, &answer);
    resolver->answering = within;
    arena_free(&arena);
    free(question);
}

/* As ARES_GETSOCK_READABLE and _WRITABLE, which shift into the sign. */
static bool readable(unsigned bits, int i)
{
    return bits >> i & 1;
}

static bool writable(unsigned bits, int i)
{
    return bits >> (i + ARES_GETSOCK_MAXNUM) & 1;
}

/* Waits for `most` at the most, or until something has come or timed out. */
static void work(struct resolver *resolver, usec most)
{
    ares_socket_t socket[ARES_GETSOCK_MAXNUM];
    struct pollfd waiting[ARES_GETSOCK_MAXNUM];
    unsigned bits = (unsigned)ares_getsock(resolver->channel, socket, ARES_GETSOCK_MAXNUM);
    nfds_t count = 0;
    for (int i = 0; i < ARES_GETSOCK_MAXNUM; i++)
        if (readable(bits, i) || writable(bits, i))
            waiting[count++] = (struct pollfd){
                .fd = socket[i],
                .events = (short)((readable(bits, i) ? POLLIN : 0) | (writable(bits, i) ? POLLOUT : 0)),
            };
    struct timeval limit = { .tv_sec = most / USEC_SECOND, .tv_usec = most % USEC_SECOND }, left;
    const struct timeval *until = ares_timeout(resolver->channel, &limit, &left);
    int msec = (int)(until->tv_sec * 1000 + (until->tv_usec + 999) / 1000);
    int ready = poll(waiting, count, msec);
    if (ready <= 0)
        ares_process_fd(resolver->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    for (nfds_t i = 0; ready > 0 && i < count; i++)
        if (waiting[i].revents)
            ares_process_fd(resolver->channel,
                            waiting[i].revents & ~POLLOUT ? waiting[i].fd : ARES_SOCKET_BAD,
                            waiting[i].revents & POLLOUT ? waiting[i].fd : ARES_SOCKET_BAD);
}

/* Until the rate lets the next question out and there are not too many under way. */
static void pace(struct resolver *resolver)
{
    usec gap = USEC_SECOND / (resolver->settings.rate ? resolver->settings.rate : 1);
    for (usec now = clock_steady(); now < resolver->next; now = clock_steady())
        work(resolver, resolver->next - now);
    usec now = clock_steady();
    resolver->next = (resolver->next > now - gap ? resolver->next : now) + gap;
}

static void send_off(struct resolver *resolver, struct question *question, const char *name)
{
    while (resolver->pending >= resolver->settings.at_once)
        work(resolver, MSEC_MOST * (usec)1000);
    pace(resolver);
    resolver->pending++;
    resolver->asked++;
    ares_query(resolver->channel, name, CLASS_IN, (int)question->type, answered, question);
}

static void send_waiting(struct resolver *resolver)
{
    while (resolver->first) {
        struct question *question = resolver->first;
        char *name = question->name;
        resolver->first = question->after;
        send_off(resolver, question, name);
        free(name);
    }
}

void resolver_ask(struct resolver *resolver, const char *name, enum dns_type type,
                  void (*take)(void *state, const struct dns_answer *answer), void *state)
{
    struct question *question = mem_zero(1, sizeof *question);
    *question = (struct question){ .resolver = resolver, .type = type, .take = take, .state = state };
    if (!resolver->answering) {
        send_waiting(resolver);
        send_off(resolver, question, name);
        return;
    }
    question->name = memcpy(mem_alloc(strlen(name) + 1), name, strlen(name) + 1);
    if (resolver->first)
        resolver->last->after = question;
    else
        resolver->first = question;
    resolver->last = question;
}

void resolver_wait_for(struct resolver *resolver, const bool *done)
{
    while (!*done && (resolver->pending || resolver->first)) {
        send_waiting(resolver);
        if (resolver->pending)
            work(resolver, MSEC_MOST * (usec)1000);
    }
}

void resolver_wait(struct resolver *resolver)
{
    static const bool never = false;
    resolver_wait_for(resolver, &never);
}

uint64_t resolver_asked(const struct resolver *resolver)
{
    return resolver->asked;
}
