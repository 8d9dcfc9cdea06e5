/* Listening to an interface. What is none of ours never leaves the kernel: the filter wants the ports of
 * SMTP, DNS, and the fragments that have no ports in them. */
#define _GNU_SOURCE
#include "collect/capture/tap.h"

#include <inttypes.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include "base/memory.h"
#include "collect/capture/capture.h"

enum {
    RING_BYTES = 64 * 1024 * 1024,
    SNAPSHOT_BYTES = 256 * 1024, /* what cards put together (LRO) is longer than a packet */
    PATIENCE_MS = 100,           /* until the kernel hands over a block that is not full */
    TAKE_MOST = 4096
};

struct tap {
    pcap_t *pcap;
    int descriptor;
    uint32_t last_dropped, last_by_card; /* libpcap counts in 32 bits */
    struct tap_counts counts;
};

/* ---- The filter, see pcap-filter(7). */

static struct str ports_filter(const struct capture_options *options, struct arena *arena)
{
    struct str text = options->any_port ? STR("tcp") : STR("tcp port 53");
    size_t count = 0;
    const uint16_t *ports = capture_ports(options, &count);
    for (size_t i = 0; i < count && !options->any_port; i++)
        text = arena_printf(arena, "%.*s or tcp port %u", STR_ARG(text), ports[i]);
    return arena_printf(arena, "%.*s or udp port 53 or (ip[6:2] & 0x1fff != 0) or (ip6[6] == 44)",
                        STR_ARG(text));
}

/* Each "vlan" moves what stands behind it by one tag: the second is for QinQ. Where the link knows no VLANs,
 * there are none. */
static int set_filter(struct tap *tap, const struct capture_options *options, struct why *why)
{
    struct arena arena = { 0 };
    struct bpf_program filter = { 0 };
    struct str plain = ports_filter(options, &arena);
    const char *tagged = arena_printf(&arena, "%.*s or (vlan and (%.*s)) or (vlan and (%.*s))",
                                      STR_ARG(plain), STR_ARG(plain), STR_ARG(plain))
                             .at;
    int result = pcap_compile(tap->pcap, &filter, tagged, 1, PCAP_NETMASK_UNKNOWN);
    if (result)
        result = pcap_compile(tap->pcap, &filter, arena_str(&arena, plain).at, 1, PCAP_NETMASK_UNKNOWN);
    if (result == 0) {
        result = pcap_setfilter(tap->pcap, &filter);
        pcap_freecode(&filter);
    }
    arena_free(&arena);
    return result == 0 ? 0 : why_set(why, EX_OSERR, "the kernel's filter: %s", pcap_geterr(tap->pcap));
}

/* ---- Opening. */

static int refused(const struct tap *tap, const char *interface, int result, struct why *why)
{
    const char *said = pcap_geterr(tap->pcap);
    switch (result) {
    case PCAP_ERROR_NO_SUCH_DEVICE:
        return why_set(why, EX_NOINPUT,
                       "%s: there is no such interface; `ip -brief link` lists them, \"any\" is all",
                       interface);
    case PCAP_ERROR_PERM_DENIED:
    case PCAP_ERROR_PROMISC_PERM_DENIED:
        return why_set(
            why, EX_NOPERM,
            "%s: to listen to packets takes root, or CAP_NET_RAW (setcap cap_net_raw=ep); what is not "
            "needed after that is given up",
            interface);
    case PCAP_ERROR_IFACE_NOT_UP:
        return why_set(why, EX_UNAVAILABLE, "%s: the interface is down; ip link set %s up", interface,
                       interface);
    default:
        return why_set(why, EX_OSERR, "%s: %s%s%s", interface, pcap_statustostr(result), said[0] ? ": " : "",
                       said);
    }
}

static int activate(struct tap *tap, const struct tap_options *options, struct why *why)
{
    uint64_t ring = options->ring_bytes ? options->ring_bytes : RING_BYTES;
    pcap_set_snaplen(tap->pcap, SNAPSHOT_BYTES);
    pcap_set_promisc(tap->pcap, options->promiscuous);
    pcap_set_timeout(tap->pcap, PATIENCE_MS);
    pcap_set_buffer_size(tap->pcap, ring < INT32_MAX ? (int)ring : INT32_MAX);
    int result = pcap_activate(tap->pcap); /* above 0: a warning, such as no promiscuous mode on "any" */
    if (result < 0)
        return refused(tap, options->interface, result, why);
    if (!frames_knows(pcap_datalink(tap->pcap)))
        return why_set(why, EX_DATAERR,
                       "%s: a link of a type that mxreplay does not know (%s); \"any\" may do",
                       options->interface, pcap_datalink_val_to_name(pcap_datalink(tap->pcap)));
    char said[PCAP_ERRBUF_SIZE] = "";
    tap->descriptor = pcap_get_selectable_fd(tap->pcap);
    if (pcap_setnonblock(tap->pcap, 1, said) || tap->descriptor < 0)
        return why_set(why, EX_OSERR, "%s: cannot be waited for: %s", options->interface, said);
    return set_filter(tap, options->capture, why);
}

struct tap *tap_open(const struct tap_options *options, struct why *why)
{
    char said[PCAP_ERRBUF_SIZE] = "";
    struct tap *tap = mem_zero(1, sizeof *tap);
    tap->pcap = pcap_create(options->interface, said);
    if (!tap->pcap)
        why_set(why, EX_NOINPUT, "%s: %s", options->interface, said);
    if (tap->pcap && activate(tap, options, why) == 0)
        return tap;
    tap_close(tap);
    return NULL;
}

void tap_close(struct tap *tap)
{
    if (tap && tap->pcap)
        pcap_close(tap->pcap);
    free(tap);
}

int tap_descriptor(const struct tap *tap)
{
    return tap->descriptor;
}

int tap_link(const struct tap *tap)
{
    return pcap_datalink(tap->pcap);
}

/* ---- Packets. */

struct taker {
    void (*take)(void *state, usec at, struct piece frame);
    void *state;
};

/* NOLINTNEXTLINE(readability-non-const-parameter): libpcap wants it so */
static void hand_on(u_char *user, const struct pcap_pkthdr *header, const u_char *bytes)
{
    const struct taker *taker = (const struct taker *)(const void *)user;
    usec at = (usec)header->ts.tv_sec * USEC_SECOND + header->ts.tv_usec;
    taker->take(taker->state, at, (struct piece){ bytes, header->caplen, header->len });
}

int tap_take(struct tap *tap, void (*take)(void *state, usec at, struct piece frame), void *state,
             struct why *why)
{
    struct taker taker = { take, state };
    int took = pcap_dispatch(tap->pcap, TAKE_MOST, hand_on, (u_char *)&taker);
    if (took < 0)
        return why_set(why, EX_UNAVAILABLE, "%s; what was seen before that is kept", pcap_geterr(tap->pcap));
    return took;
}

struct tap_counts tap_counts(struct tap *tap)
{
    struct pcap_stat now;
    if (pcap_stats(tap->pcap, &now) == 0) {
        tap->counts.dropped += now.ps_drop - tap->last_dropped;
        tap->counts.dropped_by_card += now.ps_ifdrop - tap->last_by_card;
        tap->last_dropped = now.ps_drop;
        tap->last_by_card = now.ps_ifdrop;
    }
    return tap->counts;
}
