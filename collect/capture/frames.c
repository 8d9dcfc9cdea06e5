/* Frames of a capture taken apart down to IP. Every length in a packet is a stranger's word: a piece knows
 * how many bytes there are, and nothing is taken off that is not there. */
#define _GNU_SOURCE
#include "collect/capture/frames.h"

#include <netinet/in.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <sysexits.h>
#include "base/memory.h"
#include "collect/capture/fragments.h"

enum { BLOCK_BYTES = 256 * 1024 };

/* ---- Pieces. */

static bool cut_bytes(struct piece *rest, size_t n)
{
    if (rest->len < n)
        return false;
    rest->at += n;
    rest->len -= n;
    rest->whole -= n;
    return true;
}

static void limit(struct piece *piece, size_t whole)
{
    if (whole < piece->whole)
        piece->whole = whole;
    if (piece->whole < piece->len)
        piece->len = piece->whole;
}

static unsigned two_bytes(const uint8_t *at)
{
    return (unsigned)at[0] << 8 | at[1];
}

static uint32_t four_bytes(const uint8_t *at)
{
    return (uint32_t)two_bytes(at) << 16 | two_bytes(at + 2);
}

/* ---- Link layers. Each leaves the packet in *rest and tells its EtherType; 0: none of ours, -1: bad. */

enum { ETHER_IPV4 = 0x0800, ETHER_IPV6 = 0x86dd, ETHER_PPPOE = 0x8864, PPP_IPV4 = 0x0021, PPP_IPV6 = 0x0057 };

static int pppoe(struct piece *rest)
{
    /* RFC 2516 4: version, type, code, session, length; then PPP's protocol (RFC 1661 2). */
    if (rest->len < 8 || rest->at[1] != 0)
        return rest->len < 8 ? -1 : 0;
    size_t length = two_bytes(rest->at + 4);
    unsigned protocol = two_bytes(rest->at + 6);
    cut_bytes(rest, 8);
    if (length >= 2)
        limit(rest, length - 2);
    return protocol == PPP_IPV4 ? ETHER_IPV4 : protocol == PPP_IPV6 ? ETHER_IPV6 : 0;
}

/* Tags of VLANs (IEEE 802.1Q), of providers around them (802.1ad, and what was used before it), PPPoE. */
static int behind_tags(struct piece *rest, int type)
{
    while (type == 0x8100 || type == 0x88a8 || type == 0x9100 || type == 0x9200) {
        if (rest->len < 4)
            return -1;
        type = (int)two_bytes(rest->at + 2);
        cut_bytes(rest, 4);
    }
    return type == ETHER_PPPOE ? pppoe(rest) : type;
}

static int ethernet(struct piece *rest)
{
    if (rest->len < 14)
        return -1;
    int type = (int)two_bytes(rest->at + 12);
    cut_bytes(rest, 14);
    return behind_tags(rest, type);
}

static int cooked(struct piece *rest)
{
    if (rest->len < 16)
        return -1;
    int type = (int)two_bytes(rest->at + 14);
    cut_bytes(rest, 16);
    return behind_tags(rest, type);
}

static int cooked2(struct piece *rest)
{
    if (rest->len < 20)
        return -1;
    int type = (int)two_bytes(rest->at);
    cut_bytes(rest, 20);
    return behind_tags(rest, type);
}

static int raw(struct piece *rest)
{
    if (rest->len < 1)
        return -1;
    unsigned version = rest->at[0] >> 4;
    return version == 4 ? ETHER_IPV4 : version == 6 ? ETHER_IPV6 : -1;
}

/* BSD's loopback: the address family, in the byte order of whoever captured (DLT_NULL) or the network's
 * (DLT_LOOP). Each system has another number for IPv6. */
static int loopback(struct piece *rest)
{
    if (rest->len < 4)
        return -1;
    uint32_t family = four_bytes(rest->at);
    if (family > 0xffff)
        family = family >> 24 | (family >> 8 & 0xff00);
    cut_bytes(rest, 4);
    return family == 2                                                    ? ETHER_IPV4
           : family == 10 || family == 24 || family == 28 || family == 30 ? ETHER_IPV6
                                                                          : 0;
}

static const struct link {
    int number; /* libpcap's DLT_ */
    int (*strip)(struct piece *rest);
} links[] = {
    { DLT_EN10MB, ethernet }, { DLT_LINUX_SLL, cooked }, { DLT_LINUX_SLL2, cooked2 },
    { DLT_RAW, raw },         { DLT_IPV4, raw },         { DLT_IPV6, raw },
    { DLT_NULL, loopback },   { DLT_LOOP, loopback },    { DLT_PPP_ETHER, pppoe },
};

static const struct link *link_of(int number)
{
    for (size_t i = 0; i < sizeof links / sizeof *links; i++)
        if (links[i].number == number)
            return &links[i];
    return NULL;
}

bool frames_knows(int link)
{
    return link_of(link) != NULL;
}

/* ---- IP. */

struct framing {
    const struct link *link;
    struct fragments *fragments;
    struct frames_counts counts;
};

enum outcome { OTHER, BAD, PENDING, WHOLE };

static enum outcome ipv4(struct framing *framing, struct piece rest, struct datagram *datagram)
{
    /* RFC 791 3.1 */
    if (rest.len < 20 || rest.at[0] >> 4 != 4)
        return BAD;
    const uint8_t *header = rest.at;
    size_t header_bytes = (size_t)(header[0] & 15) * 4, total = two_bytes(header + 2);
    /* A card that cuts segments itself leaves 0 there; else what is beyond the length is Ethernet's padding.
     */
    if (total)
        limit(&rest, total);
    if (header_bytes < 20 || !cut_bytes(&rest, header_bytes))
        return BAD;
    datagram->from = ip_from_v4(four_bytes(header + 12));
    datagram->to = ip_from_v4(four_bytes(header + 16));
    datagram->protocol = header[9];
    datagram->payload = rest;
    unsigned place = two_bytes(header + 6);
    size_t offset = (size_t)(place & 0x1fff) * 8;
    bool more = place & 0x2000;
    if (!more && offset == 0)
        return WHOLE;
    struct fragment_key key = { datagram->from, datagram->to, two_bytes(header + 4), header[9] };
    return fragments_add(framing->fragments, &key, datagram->at, offset, !more, header[9], rest,
                         &datagram->payload, &datagram->protocol)
               ? WHOLE
               : PENDING;
}

/* Takes the extension headers off (RFC 8200 4) up to what the packet carries, or its fragment header. */
static enum outcome ipv6_extensions(struct framing *framing, struct piece rest, uint8_t next, bool again,
                                    struct datagram *datagram)
{
    for (;;) {
        size_t bytes = 0;
        switch (next) {
        case IPPROTO_HOPOPTS:
        case IPPROTO_ROUTING:
        case IPPROTO_DSTOPTS:
        case 135: /* mobility (RFC 6275), HIP (RFC 7401), Shim6 (RFC 5533) */
        case 139:
        case 140:
            if (rest.len < 8)
                return BAD;
            bytes = ((size_t)rest.at[1] + 1) * 8;
            break;
        case IPPROTO_AH: /* RFC 4302 2.2 */
            if (rest.len < 8)
                return BAD;
            bytes = ((size_t)rest.at[1] + 2) * 4;
            break;
        case IPPROTO_FRAGMENT: {
            if (rest.len < 8 || again)
                return BAD;
            unsigned place = two_bytes(rest.at + 2);
            bool more = place & 1;
            struct fragment_key key = { datagram->from, datagram->to, four_bytes(rest.at + 4), 0 };
            next = rest.at[0];
            cut_bytes(&rest, 8);
            if ((place & 0xfff8) == 0 && !more)
                continue; /* a lone one (RFC 6946) */
            if (!fragments_add(framing->fragments, &key, datagram->at, place & 0xfff8, !more, next, rest,
                               &rest, &next))
                return PENDING;
            return ipv6_extensions(framing, rest, next, true, datagram);
        }
        default:
            datagram->protocol = next;
            datagram->payload = rest;
            return WHOLE;
        }
        next = rest.at[0];
        if (!cut_bytes(&rest, bytes))
            return BAD;
    }
}

static enum outcome ipv6(struct framing *framing, struct piece rest, struct datagram *datagram)
{
    /* RFC 8200 3 */
    if (rest.len < 40 || rest.at[0] >> 4 != 6)
        return BAD;
    const uint8_t *header = rest.at;
    size_t length = two_bytes(header + 4);
    memcpy(datagram->from.octet, header + 8, 16);
    memcpy(datagram->to.octet, header + 24, 16);
    cut_bytes(&rest, 40);
    if (length) /* 0: a jumbogram (RFC 2675), or left so by the card */
        limit(&rest, length);
    return ipv6_extensions(framing, rest, header[6], false, datagram);
}

struct framing *framing_new(int link)
{
    struct framing *framing = mem_zero(1, sizeof *framing);
    framing->link = link_of(link);
    framing->fragments = fragments_new();
    return framing;
}

void framing_free(struct framing *framing)
{
    fragments_free(framing->fragments);
    free(framing);
}

bool framing_take(struct framing *framing, usec at, struct piece frame, struct datagram *datagram)
{
    if (frame.whole < frame.len)
        frame.whole = frame.len;
    *datagram = (struct datagram){ .at = at };
    int type = framing->link ? framing->link->strip(&frame) : 0;
    enum outcome outcome = type < 0 ? BAD : OTHER;
    if (type == ETHER_IPV4)
        outcome = ipv4(framing, frame, datagram);
    else if (type == ETHER_IPV6)
        outcome = ipv6(framing, frame, datagram);
    framing->counts.packets++;
    if (outcome == WHOLE && datagram->protocol != IPPROTO_TCP && datagram->protocol != IPPROTO_UDP)
        outcome = OTHER;
    framing->counts.bad += outcome == BAD;
    framing->counts.other += outcome == OTHER;
    return outcome == WHOLE;
}

const struct frames_counts *framing_counts(struct framing *framing)
{
    framing->counts.fragments = fragments_lost(framing->fragments);
    return &framing->counts;
}

/* ---- The file. */

/* libpcap wants a FILE, which reads from the source here, a block at a time. How far libpcap has got in it is
 * counted by packets where the file's form tells how long they are; else it is asked of the FILE. */
struct frames {
    struct source *source;
    struct framing *framing;
    pcap_t *pcap;
    FILE *file;          /* pcap's */
    size_t header_bytes; /* before each packet; 0: not known */
    uint32_t snapshot;   /* bytes of a packet that libpcap hands over at most */
    uint64_t fed;        /* bytes that the FILE has had */
    uint64_t position, offset;
    usec first, last;
    struct why failed; /* the source's trouble, which libpcap cannot tell */
    size_t tail_len;
    char tail[FRAMES_TAIL_BYTES]; /* of what was fed */
    char buffer[BLOCK_BYTES];     /* the FILE's */
};

static ssize_t feed(void *state, char *to, size_t size)
{
    struct frames *frames = state;
    ssize_t got = source_read(frames->source, to, size, &frames->failed);
    if (got <= 0)
        return 0; /* the error is told when libpcap complains */
    size_t n = (size_t)got < FRAMES_TAIL_BYTES ? (size_t)got : FRAMES_TAIL_BYTES;
    size_t kept = frames->tail_len + n > FRAMES_TAIL_BYTES ? FRAMES_TAIL_BYTES - n : frames->tail_len;
    memmove(frames->tail, frames->tail + frames->tail_len - kept, kept);
    memcpy(frames->tail + kept, to + got - n, n);
    frames->tail_len = kept + n;
    frames->fed += (uint64_t)got;
    return got;
}

/* For ftello() alone. */
static int tell(void *state, off64_t *offset, int whence)
{
    struct frames *frames = state;
    if (whence != SEEK_CUR || *offset != 0)
        return -1;
    *offset = (off64_t)frames->fed;
    return 0;
}

bool frames_recognise(struct str bytes)
{
    static const char magic[][5] = { "\xD4\xC3\xB2\xA1", "\xA1\xB2\xC3\xD4", "\x4D\x3C\xB2\xA1",
                                     "\xA1\xB2\x3C\x4D", "\x34\xCD\xB2\xA1", "\xA1\xB2\xCD\x34",
                                     "\x0A\x0D\x0D\x0A" };
    for (size_t i = 0; i < sizeof magic / sizeof *magic; i++)
        if (bytes.len >= 4 && memcmp(bytes.at, magic[i], 4) == 0)
            return true;
    return false;
}

/* Of a capture that begins so, what stands before each packet: the classic forms have it (pcap-savefile(5)).
 */
static size_t packet_header_bytes(struct str bytes)
{
    static const char classic[][5] = { "\xD4\xC3\xB2\xA1", "\xA1\xB2\xC3\xD4", "\x4D\x3C\xB2\xA1",
                                       "\xA1\xB2\x3C\x4D" };
    for (size_t i = 0; i < sizeof classic / sizeof *classic; i++)
        if (bytes.len >= 4 && memcmp(bytes.at, classic[i], 4) == 0)
            return 16;
    return 0;
}

/* pcapng's stamps have 64 bits, in whatever resolution the file says. */
static usec time_of(const struct pcap_pkthdr *header)
{
    const usec latest = 253402300799; /* the end of year 9999 */
    usec seconds = header->ts.tv_sec < 0 ? 0 : header->ts.tv_sec > latest ? latest : header->ts.tv_sec;
    return seconds * USEC_SECOND + header->ts.tv_usec % USEC_SECOND;
}

usec frames_first_time(struct str bytes)
{
    char text[PCAP_ERRBUF_SIZE] = "";
    struct pcap_pkthdr *header = NULL;
    const u_char *packet = NULL;
    usec first = USEC_NONE;
    FILE *file = fmemopen((void *)bytes.at, bytes.len, "r");
    pcap_t *pcap = file ? pcap_fopen_offline(file, text) : NULL;
    if (pcap && pcap_next_ex(pcap, &header, &packet) == 1)
        first = time_of(header);
    if (pcap)
        pcap_close(pcap);
    else if (file)
        fclose(file);
    return first;
}

/* What libpcap's words mean for who has the file. */
static int failed(const struct frames *frames, const char *text, struct why *why)
{
    if (frames->failed.status) {
        if (why)
            *why = frames->failed;
        return -1;
    }
    if (strstr(text, "truncated"))
        return why_set(why, EX_DATAERR, "truncated");
    if (strstr(text, "different from the type") || strstr(text, "different from the snapshot"))
        return why_set(
            why, EX_DATAERR,
            "captured on interfaces of different kinds at once, which libpcap does not read (%s); "
            "split it by interface, for example with tshark -r FILE -Y 'frame.interface_id == 0' -w "
            "PART",
            text);
    return why_set(why, EX_DATAERR, "damaged (libpcap: %s)", text);
}

struct frames *frames_open(struct source *source, struct why *why)
{
    struct frames *frames = mem_zero(1, sizeof *frames);
    char text[PCAP_ERRBUF_SIZE] = "";
    frames->source = source;
    frames->first = frames->last = USEC_NONE;
    frames->header_bytes = packet_header_bytes(source_look(source, 4));
    frames->file = fopencookie(frames, "r", (cookie_io_functions_t){ .read = feed, .seek = tell });
    if (!frames->file) {
        why_set(why, EX_OSERR, "out of memory");
        frames_close(frames);
        return NULL;
    }
    setvbuf(frames->file, frames->buffer, _IOFBF, BLOCK_BYTES);
    frames->pcap = pcap_fopen_offline(frames->file, text);
    if (!frames->pcap) {
        fclose(frames->file);
        failed(frames, text, why);
        frames_close(frames);
        return NULL;
    }
    frames->position = (uint64_t)ftello(frames->file);
    frames->snapshot = (uint32_t)pcap_snapshot(frames->pcap);
    int link = pcap_datalink(frames->pcap);
    frames->framing = framing_new(link);
    if (!frames->framing->link) {
        const char *name = pcap_datalink_val_to_name(link);
        why_set(why, EX_DATAERR,
                "captured on a link of type %s (%d), which mxreplay does not know; it reads Ethernet, Linux "
                "\"any\" (cooked), raw IP, BSD loopback and PPPoE",
                name ? name : "?", link);
        frames_close(frames);
        return NULL;
    }
    return frames;
}

void frames_close(struct frames *frames)
{
    if (frames->pcap)
        pcap_close(frames->pcap); /* and its FILE */
    if (frames->framing)
        framing_free(frames->framing);
    free(frames);
}

int frames_next(struct frames *frames, struct datagram *datagram, struct why *why)
{
    struct pcap_pkthdr *header = NULL;
    const u_char *bytes = NULL;
    for (;;) {
        frames->offset = frames->position;
        int got = pcap_next_ex(frames->pcap, &header, &bytes);
        if (got != 1) {
            frames->position = frames->fed;
            if (got == PCAP_ERROR_BREAK)
                return frames->failed.status ? failed(frames, "", why) : 0;
            return failed(frames, pcap_geterr(frames->pcap), why);
        }
        if (frames->header_bytes && header->caplen < frames->snapshot) /* libpcap cuts what is longer */
            frames->position += frames->header_bytes + header->caplen;
        else
            frames->position = (uint64_t)ftello(frames->file);
        usec at = time_of(header);
        if (frames->first == USEC_NONE)
            frames->first = at;
        frames->last = at;
        if (framing_take(frames->framing, at, (struct piece){ bytes, header->caplen, header->len }, datagram))
            return 1;
    }
}

uint64_t frames_offset(const struct frames *frames)
{
    return frames->offset;
}

uint64_t frames_position(const struct frames *frames)
{
    return frames->position;
}

struct str frames_tail(const struct frames *frames)
{
    return (struct str){ frames->tail, frames->tail_len };
}

usec frames_first(const struct frames *frames)
{
    return frames->first;
}

usec frames_last(const struct frames *frames)
{
    return frames->last;
}

const struct frames_counts *frames_counts(const struct frames *frames)
{
    return framing_counts(frames->framing);
}
