/* Frames of a capture taken apart down to IP: link layers, VLAN tags, IPv4 options, IPv6 extension headers,
 * fragments. libpcap reads the file, whatever its form (pcap in microseconds or nanoseconds, either byte
 * order, pcapng); decompression is source.h's. */
#ifndef COLLECT_CAPTURE_FRAMES_H
#define COLLECT_CAPTURE_FRAMES_H

#include "base/clock.h"
#include "base/ip.h"
#include "collect/source.h"

/* Bytes of a packet: `len` of them were captured, `whole` were on the wire. */
struct piece {
    const uint8_t *at;
    size_t len, whole;
};

/* What one IP packet carried, put together from its fragments. */
struct datagram {
    usec at; /* of the last fragment */
    struct ip from, to;
    uint8_t protocol;     /* IPPROTO_TCP, IPPROTO_UDP; others are passed over */
    struct piece payload; /* lasts until the next datagram */
};

enum { FRAMES_TAIL_BYTES = 4096 }; /* as LINES_TAIL_BYTES: an input that grew is known by it */

struct frames_counts {
    uint64_t packets;
    uint64_t other;     /* ARP, ICMP, ...: nothing of ours */
    uint64_t bad;       /* cut off within a header, or nonsense */
    uint64_t fragments; /* that could not be put together */
};

struct frames;

/* Begins to read a capture from the source, which must not have been read before, only looked at. Both last
 * until frames_close(); the source is the caller's. NULL with why where it is no capture that can be read. */
struct frames *frames_open(struct source *source, struct why *why);
void frames_close(struct frames *frames);
/* The next TCP or UDP datagram. Returns 1, 0 at the end, -1 with why: truncated, damaged. */
int frames_next(struct frames *frames, struct datagram *datagram, struct why *why);
/* Where the last packet read begins in the uncompressed input, and how far that has been read. */
uint64_t frames_offset(const struct frames *frames);
uint64_t frames_position(const struct frames *frames);
/* The last bytes before the position, once all has been read. As long as that lasts. */
struct str frames_tail(const struct frames *frames);
/* The time of the first and of the last packet; USEC_NONE where there is none. */
usec frames_first(const struct frames *frames);
usec frames_last(const struct frames *frames);
const struct frames_counts *frames_counts(const struct frames *frames);

/* Whether frames of a link can be taken apart; libpcap's DLT_ number. */
bool frames_knows(int link);
/* Whether an input that begins so is a capture. */
bool frames_recognise(struct str first_bytes);
/* The time of its first packet; USEC_NONE where these bytes do not hold it. */
usec frames_first_time(struct str first_bytes);

/* Frames that come one by one, without a file. framing_take() returns whether one yields a datagram (now). */
struct framing;
struct framing *framing_new(int link);
void framing_free(struct framing *framing);
bool framing_take(struct framing *framing, usec at, struct piece frame, struct datagram *datagram);
const struct frames_counts *framing_counts(struct framing *framing);

#endif
