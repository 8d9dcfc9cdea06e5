/* What Exchange's logs share: rows of comma-separated values (RFC 4180) under "#Fields:", a line each. */
#ifndef COLLECT_DIALECT_EXCHANGE_H
#define COLLECT_DIALECT_EXCHANGE_H

#include "collect/builder.h"

struct saying;

enum { EXCHANGE_FIELDS = 40, EXCHANGE_ROOM = 2048, EXCHANGE_HOST_BYTES = 64 };

/* A row, without its first field, the time. */
struct exchange_row {
    size_t count; /* of all fields there are, the time included */
    struct str field[EXCHANGE_FIELDS];
    size_t used;
    char room[EXCHANGE_ROOM]; /* for fields that had quotes in them */
};

/* The part of a name that all logs of a server have, in lower case: "MX01", "mx01.example.org". */
struct str exchange_host(struct str name, char room[EXCHANGE_HOST_BYTES]);
/* What leads to a message of the server; `id` is its InternalId. */
session_key exchange_message_key(struct str server, struct str id);
/* That the server's protocol log is read too: then its message tracking log tells of no session by itself. */
session_key exchange_protocol_flag(struct str server);
/* Fills client and port from "192.0.2.1:25" or "[2001:db8::1]:25". */
bool exchange_endpoint(struct str text, struct ip *ip, uint16_t *port);

/* "MX01\Default Frontend MX01": a server's name and that of one of its receive connectors. */
bool exchange_connector(struct str id, struct str *server, struct str *name);

/* dialog_style.meaning */
const struct saying *exchange_meaning(struct open_session *open, const struct reply *reply);
enum taken exchange_take_protocol(const struct line *line, struct exchange_row *row, struct builder *builder);
enum taken exchange_take_tracking(const struct line *line, struct exchange_row *row, struct builder *builder);

/* dialect.h */
void exchange_carry_notes(struct builder *builder, struct open_session *open, struct state_bytes *state);

extern const struct dialect dialect_exchange;

#endif
