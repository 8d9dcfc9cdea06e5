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

enum { TICK_PACKETS = 4096 };

struct capture {
    struct smtp_world world;
    struct servers servers;
    struct tcp *tcp;
    struct dns_stream *dns_stream;
    struct dns_files *dns_files;
};

/* The input of packets whose connections have been handed over by an earlier run. */
enum { KNOWN = -1 };

/* SMTP, submission (RFC 6409), submission over TLS (RFC 8314), and what providers open where 25 is closed. */
static bool wants(void *state, uint16_t port)
{
    (void)state;
    return port == 25 || port == 587 || port == 465 || port == 2525;
}

static struct smtp *dialog_of(struct capture *capture, struct connection *connection)
{
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
    struct smtp *smtp = dialog_of(capture, connection);
    if (!smtp)
        return bytes.len;
    size_t before = smtp_memory(smtp), took = smtp_bytes(smtp, connection, from, bytes, at, must);
    tcp_account(capture->tcp, (ptrdiff_t)(smtp_memory(smtp) - before));
    return took;
}

static void lost(void *state, struct connection *connection, enum side from, uint64_t count, usec at)
{
    struct smtp *smtp = dialog_of(state, connection);
    if (smtp)
        smtp_lost(smtp, connection, from, count, at);
}

/* A connection in which nothing was said is a session too; a SYN to which nobody answered is none. */
static void closed(void *state, struct connection *connection)
{
    struct capture *capture = state;
    if (connection->established == USEC_NONE && !connection->dialog)
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
    capture->world.builder = builder;
    capture->world.servers = &capture->servers;
    capture->world.answers = answers_new(0);
    capture->servers.own = options->own;
    capture->servers.own_count = options->own_count;
    capture->tcp = tcp_new(&consumer, 0);
    capture->dns_stream = dns_stream_new(capture->world.answers);
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

int capture_read(struct capture *capture, struct capture_input *input, struct why *broken, struct why *why)
{
    struct datagram datagram;
    usec told = USEC_NONE;
    int got = 0, result = 0;
    input->first = input->last = USEC_NONE;
    struct frames *frames = frames_open(input->source, broken);
    if (!frames)
        return 1;
    const struct frames_counts *counts = frames_counts(frames);
    uint64_t ticked = 0;
    while (result == 0 && (got = frames_next(frames, &datagram, broken)) == 1) {
        if (told == USEC_NONE || datagram.at < told || datagram.at - told >= USEC_SECOND) {
            told = datagram.at;
            result = builder_advance(capture->world.builder, told, why);
        }
        dns_files_advance(capture->dns_files, datagram.at, capture->world.answers, capture->dns_stream,
                          &input->dns_broken);
        if (datagram.protocol == IPPROTO_UDP)
            answers_take_udp(capture->world.answers, &datagram);
        else if (!dns_stream_take(capture->dns_stream, &datagram))
            tcp_take(capture->tcp, &datagram, frames_offset(frames) < input->fresh_from ? KNOWN : input->id,
                     frames_offset(frames));
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
