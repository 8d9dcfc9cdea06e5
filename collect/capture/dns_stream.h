/* DNS over TCP (RFC 7766): messages with their length before them, out of the two streams of a connection. */
#ifndef COLLECT_CAPTURE_DNS_STREAM_H
#define COLLECT_CAPTURE_DNS_STREAM_H

#include "collect/capture/answers.h"
#include "collect/capture/tcp.h"

struct dns_stream;

/* Connections to port 53, whose messages go to `answers`, in `bytes_most` of memory. */
struct dns_stream *dns_stream_new(struct answers *answers, size_t bytes_most);
void dns_stream_free(struct dns_stream *stream);
/* Takes a datagram of protocol TCP, if it is to or from port 53. Returns whether it is. */
bool dns_stream_take(struct dns_stream *stream, const struct datagram *datagram);

/* What is under way, for a run to come, both ways (collect/state.h); into a new one. */
struct state_bytes;
void dns_stream_carry(struct dns_stream *stream, struct state_bytes *state);

#endif
