/* The SMTP dialog of one connection (RFC 5321, 1870, 2920, 3030, 3207, 4954, 6531): commands and replies
 * paired, even when pipelined or sent early, and what they say made into a session, through the builder.
 * Contents of messages and passwords are passed over, never kept. */
#ifndef COLLECT_CAPTURE_SMTP_H
#define COLLECT_CAPTURE_SMTP_H

#include "collect/builder.h"
#include "collect/capture/answers.h"
#include "collect/capture/servers.h"
#include "collect/capture/tcp.h"

/* What all dialogs share. */
struct smtp_world {
    struct builder *builder;
    struct servers *servers;
    struct answers *answers; /* what DNS said; may be NULL */
    bool headers;            /* Message-ID, Subject and the domain of From are kept */
};

struct smtp;

struct smtp *smtp_new(struct smtp_world *world, const struct connection *connection);
/* As tcp_consumer.bytes and .lost. */
size_t smtp_bytes(struct smtp *smtp, const struct connection *connection, enum side from, struct str bytes,
                  usec at, bool must);
void smtp_lost(struct smtp *smtp, const struct connection *connection, enum side from, uint64_t count,
               usec at);
/* The dialog for a run to come, in which its session is found by the number that the builder gave it when it
 * was saved; `on_the_wire` is what builder_on_the_wire() has then. smtp_load() returns a dialog even where
 * the state turns out to be broken. */
struct state_bytes;
void smtp_save(struct smtp *smtp, struct state_bytes *state);
struct smtp *smtp_load(struct smtp_world *world, struct open_session **on_the_wire, size_t count,
                       struct state_bytes *state);
/* Frees the dialog; its session stays with the builder, and nothing more is said of it. */
void smtp_drop(struct smtp *smtp);
/* The connection has ended: hands the session over and frees the dialog. */
void smtp_close(struct smtp *smtp, const struct connection *connection);
/* What it takes of memory, now. */
size_t smtp_memory(const struct smtp *smtp);

#endif
