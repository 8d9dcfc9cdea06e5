/* Captures: frames to segments to dialogs, and the dialogs' sessions to the builder. */
#include "collect/capture/capture.h"

#include <netinet/in.h>
#include <stdlib.h>
#include "base/memory.h"
#include "collect/capture/dns_files.h"
#include "collect/capture/dns_stream.h"
#include "collect/capture/frames.h"
#include "collect/capture/smtp.h"
#include "collect/capture/tcp.h"

enum { TICK_PACKETS = 4096, ANSWERS_SHARE = 8, DNS_STREAM_SHARE = 32 /* of the memory */ };

struct capture {
    struct smtp_world world;
    const struct capture_options *options;
    struct servers servers;
    struct tcp *tcp;
    struct dns_stream *dns_stream;
    struct dns_files *dns_files;
    usec told; /* what time the builder was told last */
};

/* The input of packets whose connections have been handed over by an earlier run. */
enum { KNOWN = -1 };

/* SMTP, submission (RFC 6409), submission over TLS (RFC 8314), and what providers open where 25 is closed. */
static const uint16_t usual_ports[] = { 25, 587, 465, 2525 };

const uint16_t *capture_ports(const struct capture_options *options, size_t *count)
{
    *count = options->port_count ? options->port_count : sizeof usual_ports / sizeof *usual_ports;
    return options->port_count ? options->ports : usual_ports;
}

static bool is_named(const struct capture *capture, uint16_t port)
{
    size_t count = 0;
    const uint16_t *ports = capture_ports(capture->options, &count);
    for (size_t i = 0; i < count; i++)
        if (ports[i] == port)
            return true;
    return false;
}

static enum wanted wants(void *state, uint16_t port)
{
    const struct capture *capture = state;
    if (is_named(capture, port))
        return WANTED;
    return capture->options->any_port ? WANTED_WHOLE : UNWANTED;
}

/* The dialog of connections that turned out to be another protocol's. */
static char foreign;

/* Whether a server's first words are those of SMTP (RFC 5321 4.2, 4.3.1). */
static bool is_smtp_banner(struct str bytes)
{
    static const struct str word = STR_INIT("SMTP");
    struct str line = bytes;
    cut_until_char(&bytes, '\n', &line);
    for (size_t i = 0; str_starts(line, STR("220")) && i + word.len <= line.len; i++)
        if (str_eq_nocase((struct str){ line.at + i, word.len }, word))
            return true;
    return false;
}

static struct smtp *dialog_of(struct capture *capture, struct connection *connection)
{
    if (connection->dialog == &foreign)
        return NULL;
    if (!connection->dialog && connection->input != KNOWN) {
        connection->dialog = smtp_new(&capture->world, connection);
        tcp_account(capture->tcp, (ptrdiff_t)smtp_memory(connection->dialog));
    }
    return connection->dialog;
}

static size_t bytes(void *state, struct connection *connection, enum side from, struct str bytes, usec at,
                    bool must)
{
    struct capture *capture = state;
    if (!connection->dialog && !is_named(capture, connection->port[SIDE_SERVER])) {
        if (from == SIDE_CLIENT && !must) { /* the server's word tells */
            connection->waited = at;
            return 0;
        }
        if (from == SIDE_CLIENT || !is_smtp_banner(bytes))
            connection->dialog = &foreign;
    }
    struct smtp *smtp = dialog_of(capture, connection);
    if (!smtp)
        return bytes.len;
    size_t before = smtp_memory(smtp), took = smtp_bytes(smtp, connection, from, bytes, at, must);
    tcp_account(capture->tcp, (ptrdiff_t)(smtp_memory(smtp) - before));
    return took;
}

static void lost(void *state, struct connection *connection, enum side from, uint64_t count, usec at)
{
    struct capture *capture = state;
    if (!connection->dialog && !is_named(capture, connection->port[SIDE_SERVER]))
        connection->dialog = &foreign; /* whatever it was */
    struct smtp *smtp = dialog_of(capture, connection);
    if (smtp)
        smtp_lost(smtp, connection, from, count, at);
}

/* A connection in which nothing was said is a session too, and so is a SYN to which nobody answered:
 * nolisting is replayed on those. One that was answered and did not become a connection (a port scan, a
 * refusal) is none. */
static void closed(void *state, struct connection *connection)
{
    struct capture *capture = state;
    bool unanswered = !connection->answered && connection->ending != ENDING_PRESSED;
    if (!connection->dialog && ((connection->established == USEC_NONE && !unanswered) ||
                                !is_named(capture, connection->port[SIDE_SERVER])))
        return;
    struct smtp *smtp = dialog_of(capture, connection);
    if (!smtp)
        return;
    tcp_account(capture->tcp, -(ptrdiff_t)smtp_memory(smtp));
    smtp_close(smtp, connection);
}

struct capture *capture_new(struct builder *builder, const struct capture_options *options, struct why *why)
{
    struct dns_files *dns_files = dns_files_open(options->dns_paths, options->dns_count, why);
    if (!dns_files)
        return NULL;
    struct capture *capture = mem_zero(1, sizeof *capture);
    struct tcp_consumer consumer = {
        .state = capture, .wants = wants, .bytes = bytes, .lost = lost, .closed = closed
    };
    uint64_t memory = options->bytes_most ? options->bytes_most : TCP_BYTES_MOST;
    capture->options = options;
    capture->told = USEC_NONE;
    capture->world.builder = builder;
    capture->world.headers = options->headers;
    capture->world.servers = &capture->servers;
    capture->world.answers = answers_new(memory / ANSWERS_SHARE);
    capture->servers.own = options->own;
    capture->servers.own_count = options->own_count;
    capture->dns_stream = dns_stream_new(capture->world.answers, memory / DNS_STREAM_SHARE);
    capture->tcp = tcp_new(&consumer, memory - memory / ANSWERS_SHARE - memory / DNS_STREAM_SHARE);
    capture->dns_files = dns_files;
    return capture;
}

void capture_free(struct capture *capture)
{
    if (!capture)
        return;
    capture_finish(capture);
    tcp_free(capture->tcp);
    dns_stream_free(capture->dns_stream);
    dns_files_close(capture->dns_files);
    answers_free(capture->world.answers);
    free(capture);
}

int capture_take(struct capture *capture, const struct datagram *datagram, int32_t input, uint64_t offset,
                 struct why *why)
{
    usec at = datagram->at;
    if (capture->told == USEC_NONE || at < capture->told || at - capture->told >= USEC_SECOND) {
        capture->told = at;
        if (builder_advance(capture->world.builder, at, why))
            return -1;
    }
    if (datagram->protocol == IPPROTO_UDP)
        answers_take_udp(capture->world.answers, datagram);
    else if (!dns_stream_take(capture->dns_stream, datagram))
        tcp_take(capture->tcp, datagram, input, offset);
    return 0;
}

int capture_advance(struct capture *capture, usec now, struct why *why)
{
    tcp_advance(capture->tcp, now);
    capture->told = now;
    return builder_advance(capture->world.builder, now, why);
}

bool capture_is_open(const struct capture *capture)
{
    return tcp_is_open(capture->tcp);
}

const struct tcp_counts *capture_counts(const struct capture *capture)
{
    return tcp_counts(capture->tcp);
}

int capture_read(struct capture *capture, struct capture_input *input, struct why *broken, struct why *why)
{
    struct datagram datagram;
    int got = 0, result = 0;
    input->first = input->last = USEC_NONE;
    capture->told = USEC_NONE;
    struct frames *frames = frames_open(input->source, broken);
    if (!frames)
        return 1;
    const struct frames_counts *counts = frames_counts(frames);
    uint64_t ticked = 0;
    while (result == 0 && (got = frames_next(frames, &datagram, broken)) == 1) {
        dns_files_advance(capture->dns_files, datagram.at, capture->world.answers, capture->dns_stream,
                          &input->dns_broken);
        result =
            capture_take(capture, &datagram, frames_offset(frames) < input->fresh_from ? KNOWN : input->id,
                         frames_offset(frames), why);
        if (input->tick && counts->packets - ticked >= TICK_PACKETS) {
            ticked = counts->packets;
            input->tick(input->tick_state, frames_position(frames), counts->packets);
        }
    }
    struct str tail = frames_tail(frames);
    input->position = frames_position(frames);
    input->packets = counts->packets;
    input->other = counts->other;
    input->bad = counts->bad;
    input->first = frames_first(frames);
    input->last = frames_last(frames);
    input->tail_bytes = tail.len;
    input->tail_hash = bytes_hash(tail.at, tail.len, 0);
    frames_close(frames);
    return result < 0 ? -1 : got < 0;
}

void capture_finish(struct capture *capture)
{
    tcp_finish(capture->tcp);
}
