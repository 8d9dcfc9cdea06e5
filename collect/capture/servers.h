/* Which addresses are the site's own mail servers: told by the user, or learnt from who answers on port 25
 * most. A session whose client is one of them, towards a server that is not, goes out. */
#ifndef COLLECT_CAPTURE_SERVERS_H
#define COLLECT_CAPTURE_SERVERS_H

#include "collect/session.h"

enum { SERVERS_SLOTS = 4096 };

struct servers {
    const struct ip *own; /* the user's; else they are learnt */
    size_t own_count;
    struct answering {
        struct ip address;
        uint64_t count;
    } slot[SERVERS_SLOTS]; /* by hash; of two in one slot the busier stays */
};

/* This address has answered a client. */
void servers_answered(struct servers *servers, const struct ip *server);
/* What was learnt, for a run to come, both ways. */
struct state_bytes;
void servers_carry(struct servers *servers, struct state_bytes *state);
enum direction servers_direction(const struct servers *servers, const struct ip *client,
                                 const struct ip *server);

#endif
