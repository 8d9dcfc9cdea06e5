/* Captures: frames to segments to dialogs, and the dialogs' sessions to the builder. */
#define _GNU_SOURCE /* realpath */
#include "collect/capture/capture.h"

#include <netinet/in.h>
#include <stdlib.h>
#include "base/memory.h"
#include "collect/capture/dns_files.h"
#include "collect/capture/dns_stream.h"
#include "collect/capture/frames.h"
#include "collect/capture/smtp.h"
#include "collect/capture/tcp.h"
#include "collect/state.h"

enum { FILES_KEPT = 4, TICK_PACKETS = 4096, ANSWERS_SHARE = 8, DNS_STREAM_SHARE = 32 /* of the memory */ };

struct capture {
    struct smtp_world world;
    const struct capture_options *options;
    struct servers servers;
    struct tcp *tcp;
    struct dns_stream *dns_stream;
    struct dns_files *dns_files;
    usec told;              /* what time the builder was told last */
    char *path[FILES_KEPT]; /* of captures, the last first: of bytes that wait, some are there only */
    struct open_session **on_the_wire; /* while it is loaded: builder_on_the_wire() */
    size_t wire_count;
};

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
    if (!connection->dialog) {
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
static bool is_session(const struct capture *capture, const struct connection *connection)
{
    bool unanswered = !connection->answered && connection->ending != ENDING_PRESSED;
    return (connection->established != USEC_NONE || unanswered) &&
           is_named(capture, connection->port[SIDE_SERVER]);
}

static void closed(void *state, struct connection *connection)
{
    struct capture *capture = state;
    if (!connection->dialog && !is_session(capture, connection))
        return;
    struct smtp *smtp = dialog_of(capture, connection);
    if (!smtp)
        return;
    tcp_account(capture->tcp, -(ptrdiff_t)smtp_memory(smtp));
    smtp_close(smtp, connection);
}

static void dropped(void *state, struct connection *connection)
{
    (void)state;
    if (connection->dialog != &foreign)
        smtp_drop(connection->dialog);
}

struct capture *capture_new(struct builder *builder, const struct capture_options *options, struct why *why)
{
    struct dns_files *dns_files = dns_files_open(options->dns_paths, options->dns_count, why);
    if (!dns_files)
        return NULL;
    struct capture *capture = mem_zero(1, sizeof *capture);
    struct tcp_consumer consumer = {
        .state = capture, .wants = wants, .bytes = bytes, .lost = lost, .closed = closed, .dropped = dropped
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
    tcp_free(capture->tcp);
    dns_stream_free(capture->dns_stream);
    dns_files_close(capture->dns_files);
    answers_free(capture->world.answers);
    for (size_t i = 0; i < FILES_KEPT; i++)
        free(capture->path[i]);
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

static void keep_path(struct capture *capture, const char *path)
{
    char *place = path ? realpath(path, NULL) : NULL;
    size_t at = 0;
    if (!place)
        return;
    while (at < FILES_KEPT - 1 && capture->path[at] && strcmp(capture->path[at], place) != 0)
        at++;
    free(capture->path[at]);
    memmove(capture->path + 1, capture->path, at * sizeof *capture->path);
    capture->path[0] = place;
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
    keep_path(capture, input->path);
    const struct frames_counts *counts = frames_counts(frames);
    uint64_t ticked = 0;
    while (result == 0 && (got = frames_next(frames, &datagram, broken)) == 1) {
        if (frames_position(frames) <= input->fresh_from) {
            tcp_refill(capture->tcp, &datagram);
            continue;
        }
        dns_files_advance(capture->dns_files, datagram.at, capture->world.answers, capture->dns_stream,
                          &input->dns_broken);
        result = capture_take(capture, &datagram, input->id, frames_offset(frames), why);
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

/* ---- From one run to the next. */

/* Has no dialog yet, and will be a session when it ends as it stands. */
static bool is_wordless(void *state, const struct connection *connection)
{
    return !connection->dialog && is_session(state, connection);
}

void capture_bound(struct capture *capture)
{
    tcp_end_idle(capture->tcp, TCP_KEPT_BYTES_MOST);
}

uint64_t capture_wordless(struct capture *capture)
{
    return tcp_count(capture->tcp, is_wordless, capture);
}

bool capture_wants_again(const struct capture *capture)
{
    return tcp_is_hollow(capture->tcp);
}

static void carry_dialog(void *state, struct connection *connection, struct state_bytes *bytes)
{
    enum { NONE, FOREIGN, SMTP };
    struct capture *capture = state;
    uint8_t kind = connection->dialog == &foreign ? FOREIGN : connection->dialog ? SMTP : NONE;
    carry(bytes, &kind);
    bytes->broken |= kind > SMTP;
    if (kind == FOREIGN)
        connection->dialog = &foreign;
    if (kind != SMTP)
        return;
    if (!bytes->loading) {
        smtp_save(connection->dialog, bytes);
        return;
    }
    struct smtp *smtp = smtp_load(&capture->world, capture->on_the_wire, capture->wire_count, bytes);
    tcp_account(capture->tcp, (ptrdiff_t)smtp_memory(smtp));
    connection->dialog = smtp;
}

static void carry_paths(struct capture *capture, struct state_bytes *state)
{
    for (size_t i = 0; i < FILES_KEPT; i++) {
        struct str path = capture->path[i] ? str_of(capture->path[i]) : (struct str){ NULL, 0 };
        carry(state, &path);
        if (!state->loading || !path.len)
            continue;
        capture->path[i] = mem_zero(path.len + 1, 1);
        memcpy(capture->path[i], path.at, path.len);
    }
}

static void carry_capture(struct capture *capture, struct state_bytes *state)
{
    carry_paths(capture, state);
    servers_carry(&capture->servers, state);
    answers_carry(capture->world.answers, state);
    dns_stream_carry(capture->dns_stream, state);
    tcp_carry(capture->tcp, state, carry_dialog);
}

/* What is not there any more is gone without. */
static void refill_from(struct capture *capture, const char *path)
{
    struct source source;
    struct datagram datagram;
    if (source_open(&source, path, NULL))
        return;
    struct frames *frames = frames_recognise(source_look(&source, 4)) ? frames_open(&source, NULL) : NULL;
    while (frames && tcp_is_hollow(capture->tcp) && frames_next(frames, &datagram, NULL) == 1)
        tcp_refill(capture->tcp, &datagram);
    if (frames)
        frames_close(frames);
    source_close(&source);
}

void capture_save(struct capture *capture, struct state_bytes *state)
{
    carry_capture(capture, state);
}

int capture_load(struct capture *capture, struct state_bytes *state)
{
    capture->on_the_wire = builder_on_the_wire(capture->world.builder, &capture->wire_count);
    carry_capture(capture, state);
    free(capture->on_the_wire);
    capture->on_the_wire = NULL;
    for (size_t i = 0; i < FILES_KEPT && !state->broken && tcp_is_hollow(capture->tcp); i++)
        if (capture->path[i])
            refill_from(capture, capture->path[i]);
    return state->broken ? -1 : 0;
}
