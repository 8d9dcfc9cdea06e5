/* What DNS answered meanwhile, as evidence for the sessions of the same capture: PTR and the addresses of
 * that name, DNS lists, MX and SPF records of senders' domains, addresses of HELO names. An answer counts
 * only where its question was seen before: anyone can send packets from port 53. */
#ifndef COLLECT_CAPTURE_ANSWERS_H
#define COLLECT_CAPTURE_ANSWERS_H

#include "collect/builder.h"
#include "collect/capture/frames.h"

/* Memory of answers: some 100,000 of them; beyond it those go that were told or used longest ago. */
enum {
    ANSWERS_BYTES_MOST = 24 * 1024 * 1024,
    ANSWERS_KEPT_BYTES_MOST = 8 * 1024 * 1024 /* from one run to the next */
};

struct answers;

struct answers_counts {
    uint64_t questions, answers; /* taken */
    uint64_t unasked;            /* answers to nobody's question */
    uint64_t bad;                /* no DNS message, or broken */
    size_t bytes, bytes_most;
};

/* Who asks whom: one exchange is between the same two. */
struct answers_parties {
    struct ip asking, asked;
    uint16_t asking_port;
};

/* `bytes_most` of memory; 0: ANSWERS_BYTES_MOST. */
struct answers *answers_new(size_t bytes_most);
void answers_free(struct answers *answers);
/* Takes one message, captured at `at`; `from_server`: it came from port 53. */
void answers_take(struct answers *answers, const struct answers_parties *parties, bool from_server,
                  struct str message, usec at);
/* Takes a UDP datagram (RFC 768), if it is to or from port 53. Returns whether it is. */
bool answers_take_udp(struct answers *answers, const struct datagram *datagram);
/* Adds to the session what was answered about its client, its HELO name and its senders: what came before
 * `until` and, with its TTL, held while the session went on. */
void answers_note(struct answers *answers, struct builder *builder, struct open_session *open, usec until);
/* All that may still be of use, for a run to come, both ways (collect/state.h); into new ones. */
struct state_bytes;
void answers_carry(struct answers *answers, struct state_bytes *state);
const struct answers_counts *answers_counts(const struct answers *answers);

#endif
