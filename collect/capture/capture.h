/* Captures: packets in, sessions out, through the same builder as the logs' lines. One for all captures of a
 * run, so that a connection goes on from one file of a set into the next. */
#ifndef COLLECT_CAPTURE_CAPTURE_H
#define COLLECT_CAPTURE_CAPTURE_H

#include "collect/builder.h"
#include "collect/capture/tcp.h"
#include "collect/collect.h"
#include "collect/source.h"

struct capture;

/* One capture that is being read. */
struct capture_input {
    struct source *source; /* at its beginning */
    const char *path;      /* where it may be read again; NULL: nowhere */
    int32_t id;
    /* Packets that end before this place or there were taken in an earlier run; 0: none were. */
    uint64_t fresh_from;
    void (*tick)(void *state, uint64_t position, uint64_t packets); /* now and then; may be NULL */
    void *tick_state;
    /* Filled in: */
    uint64_t position, packets, other, bad;
    usec first, last;
    uint64_t tail_hash, tail_bytes;
    struct why dns_broken; /* a capture of DNS could not be read on; it is gone without */
};

/* The options' arrays must last. NULL with why: a capture of DNS cannot be opened. */
struct capture *capture_new(struct builder *builder, const struct capture_options *options, struct why *why);
/* What is open is dropped. */
void capture_free(struct capture *capture);
/* Reads it to its end. Returns 0; 1 where it could not be read on, with the reason in `broken` and what came
 * before it kept; -1 with why for the sink's failure. */
int capture_read(struct capture *capture, struct capture_input *input, struct why *broken, struct why *why);
/* The ports that the options want, or the usual ones. They last as long as the options. */
const uint16_t *capture_ports(const struct capture_options *options, size_t *count);
/* For packets that come one by one, as they do from an interface: takes one that lies at `offset` of its
 * input; and tells how late it is, be it that none has come. 0, or -1 with why for the sink's failure. */
int capture_take(struct capture *capture, const struct datagram *datagram, int32_t input, uint64_t offset,
                 struct why *why);
int capture_advance(struct capture *capture, usec now, struct why *why);
/* Whether there are connections that have not ended. */
bool capture_is_open(const struct capture *capture);
const struct tcp_counts *capture_counts(const struct capture *capture);
/* Ends connections until what is kept of them for a run to come is not too much. */
void capture_bound(struct capture *capture);
/* How many connections will be sessions if they end as they stand, though nothing was said in them so far. */
uint64_t capture_wordless(struct capture *capture);
/* What is open, and what it has learnt, for a run to come: saved after the builder, whose sessions they are;
 * loaded into a new one, with a builder that has been loaded just before. -1: the state is broken, and the
 * capture is good for nothing but capture_free(). */
struct state_bytes;
void capture_save(struct capture *capture, struct state_bytes *state);
int capture_load(struct capture *capture, struct state_bytes *state);
/* Whether bytes that had come, and waited, are still missing: of the inputs that were read before, any may
 * have them. */
bool capture_wants_again(const struct capture *capture);
/* The end of all inputs: connections that are open are handed over as they stand. */
void capture_finish(struct capture *capture);

#endif
