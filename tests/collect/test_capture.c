/* Captures of known truth (tests/lib/capture_maker.c): the streams are put together byte for byte but for
 * what is lost, and that is told to the byte; the sessions are those of the dialogs. MXREPLAY_SEEDS=N tries
 * so many captures. */
#define _GNU_SOURCE
#include <check.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include "collect/capture/capture.h"
#include "collect/capture/frames.h"
#include "collect/capture/tcp.h"
#include "tests/lib/capture_maker.h"
#include "tests/lib/inputs.h"

static unsigned seeds(void)
{
    const char *asked = getenv("MXREPLAY_SEEDS");
    return asked ? (unsigned)strtoul(asked, NULL, 10) : 300;
}

/* ---- Streams. */

/* One connection as tcp.c tells it. */
struct heard {
    const struct made_dialog *made;
    uint64_t place[2];
    struct made_range lost[2][MADE_LOST_MOST];
    size_t lost_count[2];
    bool differs, closed;
};

struct listener {
    const struct made_capture *made;
    struct heard heard[MADE_DIALOGS_MOST];
    unsigned seed;
};

static enum wanted wants(void *state, uint16_t port)
{
    (void)state;
    return port == 25 ? WANTED : UNWANTED;
}

static struct heard *heard_of(struct listener *listener, struct connection *connection)
{
    for (size_t i = 0; i < listener->made->dialogs; i++)
        if (listener->made->dialog[i].client_port == connection->port[SIDE_CLIENT]) {
            listener->heard[i].made = &listener->made->dialog[i];
            return &listener->heard[i];
        }
    ck_abort_msg("seed %u: a connection that there was not", listener->seed);
    return NULL;
}

static size_t hear(void *state, struct connection *connection, enum side from, struct str bytes, usec at,
                   bool must)
{
    struct heard *heard = heard_of(state, connection);
    struct str whole = heard->made->stream[from];
    (void)at;
    /* Now and then the consumer wants the other side first. */
    size_t n = !must && bytes.len > 3 && bytes.at[0] == 'D' ? bytes.len / 2 : bytes.len;
    heard->differs |=
        heard->place[from] + n > whole.len || memcmp(whole.at + heard->place[from], bytes.at, n) != 0;
    heard->place[from] += n;
    return n;
}

static void miss(void *state, struct connection *connection, enum side from, uint64_t count, usec at)
{
    struct heard *heard = heard_of(state, connection);
    struct made_range *last =
        heard->lost_count[from] ? &heard->lost[from][heard->lost_count[from] - 1] : NULL;
    (void)at;
    ck_assert_uint_lt(heard->lost_count[from], MADE_LOST_MOST);
    if (last && last->to == heard->place[from])
        last->to += count;
    else
        heard->lost[from][heard->lost_count[from]++] =
            (struct made_range){ heard->place[from], heard->place[from] + count };
    heard->place[from] += count;
}

static void part(void *state, struct connection *connection)
{
    heard_of(state, connection)->closed = true;
}

/* Reads the file as collect does. */
static void read_capture(const struct made_capture *made, struct tcp *tcp)
{
    struct source source;
    struct datagram datagram;
    struct why why = { 0 };
    int got = 0;
    input_write("made.pcap", made->file);
    ck_assert_msg(source_open(&source, input_path("made.pcap"), &why) == 0, "%s", why.text);
    struct frames *frames = frames_open(&source, &why);
    ck_assert_msg(frames != NULL, "%s: %s", made->link, why.text);
    while ((got = frames_next(frames, &datagram, &why)) == 1)
        tcp_take(tcp, &datagram, 1, frames_offset(frames));
    ck_assert_msg(got == 0, "%s", why.text);
    ck_assert_uint_eq(frames_counts(frames)->packets, made->packets);
    ck_assert_uint_eq(frames_counts(frames)->bad, 0);
    ck_assert_uint_eq(frames_position(frames), made->file.len);
    frames_close(frames);
    source_close(&source);
}

static bool same_ranges(const struct heard *heard, enum side side)
{
    const struct made_dialog *made = heard->made;
    if (heard->lost_count[side] != made->lost_count[side])
        return false;
    for (size_t i = 0; i < made->lost_count[side]; i++)
        if (heard->lost[side][i].from != made->lost[side][i].from ||
            heard->lost[side][i].to != made->lost[side][i].to)
            return false;
    return true;
}

static void say_streams(unsigned seed, const char *link, const struct heard *heard)
{
    fprintf(stderr, "seed %u, %s, port %u%s%s\n", seed, link,
            heard->made ? (unsigned)heard->made->client_port : 0u, heard->closed ? "" : ", not closed",
            heard->differs ? ", bytes differ" : "");
    for (enum side side = SIDE_CLIENT; side <= SIDE_SERVER && heard->made; side++) {
        const struct made_dialog *made = heard->made;
        fprintf(stderr, "  side %d: %llu of %zu bytes; lost:", (int)side,
                (unsigned long long)heard->place[side], made->stream[side].len);
        for (size_t i = 0; i < heard->lost_count[side]; i++)
            fprintf(stderr, " %llu-%llu", (unsigned long long)heard->lost[side][i].from,
                    (unsigned long long)heard->lost[side][i].to);
        fprintf(stderr, "; expected:");
        for (size_t i = 0; i < made->lost_count[side]; i++)
            fprintf(stderr, " %llu-%llu", (unsigned long long)made->lost[side][i].from,
                    (unsigned long long)made->lost[side][i].to);
        fprintf(stderr, "\n");
    }
}

START_TEST(streams_are_whole_but_for_what_is_lost)
{
    unsigned equal = 0, marked = 0, other = 0;
    for (unsigned seed = 0; seed < seeds(); seed++) {
        struct arena arena = { 0 };
        struct made_capture made;
        capture_make(&made, seed, seed % 2, &arena);
        struct listener listener = { .made = &made, .seed = seed };
        struct tcp_consumer consumer = { &listener, wants, hear, miss, part, part };
        struct tcp *tcp = tcp_new(&consumer, 0);
        read_capture(&made, tcp);
        tcp_finish(tcp);
        ck_assert_uint_eq(tcp_counts(tcp)->bad, 0);
        for (size_t i = 0; i < made.dialogs; i++) {
            struct heard *heard = &listener.heard[i];
            bool good = heard->made && heard->closed && !heard->differs;
            for (enum side side = SIDE_CLIENT; side <= SIDE_SERVER && good; side++)
                good = heard->place[side] == heard->made->stream[side].len && same_ranges(heard, side);
            *(!good ? &other : heard->made->damaged ? &marked : &equal) += 1;
            if (!good)
                say_streams(seed, made.link, heard);
        }
        tcp_free(tcp);
        arena_free(&arena);
    }
    fprintf(stderr, "streams: equal %u, marked %u, other %u\n", equal, marked, other);
    ck_assert_uint_gt(equal, 0);
    ck_assert_uint_gt(marked, 0);
    ck_assert_uint_eq(other, 0);
}
END_TEST

/* ---- Sessions. */

struct kept {
    struct arena arena;
    struct {
        struct str text;
        struct str *item; /* as struct made_item has them */
        size_t items;
        uint16_t port;
        bool gap;
    } session[64];
    size_t count;
};

enum { ITEMS_MOST = 200 };

static void keep_items(struct kept *kept, const struct session *session)
{
    struct str *item = arena_zero(&kept->arena, ITEMS_MOST * sizeof *item);
    size_t count = 0;
    item[count++] = arena_printf(&kept->arena, "helo=%.*s", STR_ARG(session->helo));
    for (uint32_t i = 0; i < session->transaction_count; i++) {
        const struct transaction *transaction = &session->transactions[i];
        item[count++] = arena_printf(&kept->arena, "mail <%.*s>", STR_ARG(transaction->mail_from));
        for (uint32_t j = 0; j < transaction->recipient_count; j++) {
            const struct recipient *recipient = &transaction->recipients[j];
            const char *measure = named_measure[recipient->reply.named];
            item[count++] = arena_printf(&kept->arena, " rcpt <%.*s> %d%s%s", STR_ARG(recipient->address),
                                         recipient->reply.code, measure ? " " : "", measure ? measure : "");
        }
        if (transaction->verdict == VERDICT_ACCEPTED)
            item[count++] = arena_printf(&kept->arena, " id=%.*s size=%lld: accepted",
                                         STR_ARG(transaction->queue_id), (long long)transaction->size);
        ck_assert_uint_lt(count, ITEMS_MOST - 40);
    }
    const char *closed = closed_name[session->closed];
    item[count++] = str_of(closed ? closed : "?");
    kept->session[kept->count].item = item;
    kept->session[kept->count].items = count;
}

/* Whether all that is not damaged is there, in order, and nothing else but where something is damaged: that
 * may come to anything. */
static bool same_but_for_damage(const struct made_item *wanted, size_t left, const struct str *item,
                                size_t items, bool slack)
{
    for (; left && (wanted->damaged || wanted->text.len == 0); left--, wanted++)
        slack |= wanted->damaged;
    if (left == 0)
        return slack || items == 0;
    for (size_t at = 0; at < (slack ? items : items > 0); at++)
        if (str_eq(item[at], wanted->text) &&
            same_but_for_damage(wanted + 1, left - 1, item + at + 1, items - at - 1, false))
            return true;
    return false;
}

static unsigned whole_items(const struct made_dialog *made)
{
    unsigned count = 0;
    for (size_t i = 0; i < made->items; i++)
        count += !made->item[i].damaged && made->item[i].text.len;
    return count;
}

/* In the words of the maker's truth. */
static int keep(void *state, const struct session *session, struct why *why)
{
    struct kept *kept = state;
    char *text = NULL;
    size_t len = 0;
    enum tri early = UNKNOWN;
    FILE *to = open_memstream(&text, &len);
    (void)why;
    for (uint32_t i = 0; i < session->evidence_count; i++) {
        ck_assert_int_eq(session->evidence[i].origin, ORIGIN_CAPTURE);
        if (session->evidence[i].kind == KIND_EARLY_TALKER)
            early = (enum tri)session->evidence[i].state;
    }
    fprintf(to, "helo=%.*s%s\n", STR_ARG(session->helo), early == YES ? " early" : "");
    for (uint32_t i = 0; i < session->transaction_count; i++) {
        const struct transaction *transaction = &session->transactions[i];
        fprintf(to, "mail <%.*s>", STR_ARG(transaction->mail_from));
        if (transaction->verdict == VERDICT_ACCEPTED)
            fprintf(to, " id=%.*s size=%lld: accepted", STR_ARG(transaction->queue_id),
                    (long long)transaction->size);
        for (uint32_t j = 0; j < transaction->recipient_count; j++) {
            const struct recipient *recipient = &transaction->recipients[j];
            const char *measure = named_measure[recipient->reply.named];
            fprintf(to, " rcpt <%.*s> %d%s%s", STR_ARG(recipient->address), recipient->reply.code,
                    measure ? " " : "", measure ? measure : "");
        }
        fprintf(to, "\n");
    }
    const char *closed = closed_name[session->closed];
    fprintf(to, "%s%s", closed ? closed : "?", session->verdict == VERDICT_ACCEPTED ? " accepted" : "");
    fclose(to);
    ck_assert_uint_lt(kept->count, 64);
    keep_items(kept, session);
    kept->session[kept->count].text = arena_str(&kept->arena, (struct str){ text, len });
    kept->session[kept->count].port = session->client_port;
    kept->session[kept->count++].gap = session->gap;
    free(text);
    return 0;
}

static int no_late(void *state, int64_t session, const struct evidence *evidence, struct why *why)
{
    (void)state;
    (void)session;
    (void)evidence;
    (void)why;
    ck_abort_msg("late evidence");
    return 0;
}

START_TEST(sessions_are_those_of_the_dialogs)
{
    unsigned equal = 0, marked = 0, other = 0, around = 0;
    for (unsigned seed = getenv("ONE") ? (unsigned)atoi(getenv("ONE")) : 0; seed < seeds(); seed++) {
        struct kept kept = { 0 };
        struct made_capture made;
        struct source source;
        struct why why = { 0 }, broken = { 0 };
        capture_make(&made, seed, seed % 2, &kept.arena);
        struct sink sink = { &kept, keep, no_late };
        struct builder *builder = builder_new(&sink, 1);
        struct capture_options options = { .own = NULL };
        struct capture *capture = capture_new(builder, &options, &why);
        input_write("made.pcap", made.file);
        ck_assert_msg(source_open(&source, input_path("made.pcap"), &why) == 0, "%s", why.text);
        struct capture_input input = { .source = &source, .id = 1 };
        ck_assert_int_eq(capture_read(capture, &input, &broken, &why), 0);
        source_close(&source);
        capture_finish(capture);
        capture_free(capture);
        ck_assert_int_eq(builder_finish(builder, &why), 0);
        builder_free(builder);
        ck_assert_uint_eq(input.position, made.file.len);
        ck_assert_uint_eq(kept.count, made.dialogs);
        for (size_t i = 0; i < made.dialogs; i++)
            for (size_t j = 0; j < kept.count; j++) {
                if (kept.session[j].port != made.dialog[i].client_port)
                    continue;
                const struct made_dialog *dialog = &made.dialog[i];
                const struct str *item = kept.session[j].item;
                size_t items = kept.session[j].items;
                bool gap = kept.session[j].gap, same = str_eq(kept.session[j].text, dialog->session);
                bool good = dialog->damaged
                                ? gap && same_but_for_damage(dialog->item, dialog->items, item, items, false)
                                : same && !gap;
                *(!good ? &other : dialog->damaged ? &marked : &equal) += 1;
                around += made.dialog[i].damaged ? whole_items(&made.dialog[i]) : 0;
                for (size_t k = 0; !good && k < made.dialog[i].items; k++)
                    fprintf(stderr, "  %s%.*s\n", made.dialog[i].item[k].damaged ? "(damaged) " : "",
                            STR_ARG(made.dialog[i].item[k].text));
                if (!good)
                    fprintf(stderr, "seed %u, port %u%s, expected:\n%.*s\nfound%s:\n%.*s\n", seed,
                            kept.session[j].port, made.dialog[i].damaged ? ", damaged" : "",
                            STR_ARG(made.dialog[i].session), kept.session[j].gap ? ", with a gap" : "",
                            STR_ARG(kept.session[j].text));
            }
        arena_free(&kept.arena);
    }
    fprintf(stderr, "sessions: equal %u, marked %u, other %u; %u items around damage\n", equal, marked, other,
            around);
    ck_assert_uint_gt(equal, 0);
    ck_assert_uint_gt(marked, 0);
    ck_assert_uint_gt(around, marked);
    ck_assert_uint_eq(other, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("capture");
    TCase *made = tcase_create("made");
    tcase_set_timeout(made, 500);
    tcase_add_test(made, streams_are_whole_but_for_what_is_lost);
    tcase_add_test(made, sessions_are_those_of_the_dialogs);
    suite_add_tcase(suite, made);
    return inputs_main(suite);
}
