/* How fast and how small the store is: writes sessions as a busy mail server has them and reads them back.
 *     store_bench [SESSIONS [DATABASE]]
 * prints seconds, the store's own processor time, bytes a session and the most memory that was resident. The
 * sessions are made up as they are handed over; `make up` is what that takes alone. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "schemas/store.h"

enum { SESSIONS = 600000, COMMIT_EVERY = 100000, CLIENTS = 1 << 17, USERS = 5000, TEXT_BYTES = 4096 };

static uint64_t seed = 20260901;

static uint64_t draw(uint64_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (seed * 0x2545F4914F6CDD1Du >> 8) % below;
}

/* A session and room for its texts, used again for each. */
struct made {
    struct session session;
    struct transaction transaction;
    struct recipient recipient[4];
    struct evidence evidence[8];
    char text[TEXT_BYTES], *at;
};

static struct str put(struct made *made, const char *format, ...) __attribute__((format(printf, 2, 3)));
static struct str put(struct made *made, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(made->at, (size_t)(made->text + sizeof made->text - made->at), format, args);
    va_end(args);
    struct str text = { made->at, (size_t)length };
    made->at += length + 1;
    return text;
}

static struct evidence *add_evidence(struct made *made, enum kind kind, enum tri state, usec at)
{
    struct evidence *evidence = &made->evidence[made->session.evidence_count++];
    *evidence = (struct evidence){ .kind = (uint8_t)kind,
                                   .state = (uint8_t)state,
                                   .transaction = WHOLE_SESSION,
                                   .recipient = WHOLE_TRANSACTION,
                                   .at = at };
    return evidence;
}

static struct evidence *add_of_recipient(struct made *made, uint32_t recipient, enum kind kind,
                                         enum tri state)
{
    struct evidence *evidence = add_evidence(made, kind, state, made->recipient[recipient].at);
    evidence->transaction = 0;
    evidence->recipient = (int32_t)recipient;
    evidence->subject = made->recipient[recipient].address;
    return evidence;
}

static void accept(struct made *made)
{
    struct session *session = &made->session;
    made->transaction.queue_id = put(made, "%011" PRIX64, draw((uint64_t)1 << 44));
    made->transaction.message_id =
        put(made, "<%016" PRIx64 ".%" PRIu64 "@mail.example.org>", draw(UINT64_MAX), draw(99999));
    made->transaction.size = (int64_t)draw(90000);
    made->transaction.verdict = session->verdict = VERDICT_ACCEPTED;
    session->stage = STAGE_EOM;
    for (uint32_t r = 0; r < made->transaction.recipient_count; r++) {
        made->recipient[r].reply = (struct reply){ .code = 250, .stage = STAGE_RCPT };
        made->recipient[r].verdict = VERDICT_ACCEPTED;
        made->recipient[r].valid = YES;
        struct evidence *fate = add_of_recipient(made, r, KIND_FATE, YES);
        fate->at += 200000;
        fate->a = (int64_t)draw(3000000);
        fate->detail = STR("2.0.0 (delivered to maildir)");
    }
}

static void refuse(struct made *made, struct str client)
{
    struct session *session = &made->session;
    unsigned kind = (unsigned)draw(100);
    for (uint32_t r = 0; r < made->transaction.recipient_count; r++) {
        struct recipient *recipient = &made->recipient[r];
        struct reply *reply = &recipient->reply;
        *reply = (struct reply){ .code = 554, .stage = STAGE_RCPT, .enhanced = STR("5.7.1") };
        recipient->verdict = VERDICT_REJECTED;
        if (!session->client_name.at) {
            reply->named = NAMED_NO_RDNS;
            reply->code = 450;
            reply->enhanced = STR("4.7.1");
            reply->text =
                put(made, "Client host rejected: cannot find your reverse hostname, [%.*s]", STR_ARG(client));
            recipient->verdict = VERDICT_DEFERRED;
        } else if (kind < 55) {
            reply->named = NAMED_DNSBL;
            reply->text = put(made,
                              "Service unavailable; Client host [%.*s] blocked using zen.spamhaus.org; "
                              "https://www.spamhaus.org/query/ip/%.*s",
                              STR_ARG(client), STR_ARG(client));
            if (r == 0)
                add_evidence(made, KIND_DNSBL, YES, recipient->at)->subject = STR("zen.spamhaus.org");
        } else if (kind < 75) {
            reply->named = NAMED_RECIPIENT;
            reply->text =
                put(made, "<%.*s>: Recipient address rejected: User unknown in local recipient table",
                    STR_ARG(recipient->address));
            recipient->valid = NO;
            add_of_recipient(made, r, KIND_RECIPIENT, NO);
        } else if (kind < 88) {
            reply->named = NAMED_HELO;
            reply->text = put(made, "<%.*s>: Helo command rejected: need fully-qualified hostname",
                              STR_ARG(session->helo));
            if (r == 0)
                add_evidence(made, KIND_HELO, NO, recipient->at)->subject = STR("fqdn");
        } else {
            reply->named = NAMED_GREYLIST;
            reply->code = 450;
            reply->enhanced = STR("4.2.0");
            reply->text = put(made,
                              "<%.*s>: Recipient address rejected: Greylisted, see "
                              "http://postgrey.schweikert.ch/help/example.org.html",
                              STR_ARG(recipient->address));
            recipient->verdict = VERDICT_DEFERRED;
            struct evidence *grey = add_of_recipient(made, r, KIND_GREYLIST, YES);
            grey->detail = STR("new");
            grey->at -= 1500;
        }
    }
    session->stage = STAGE_RCPT;
    session->verdict = made->transaction.verdict = made->recipient[0].verdict;
    session->reply = made->recipient[0].reply;
}

static void make(struct made *made, int64_t id)
{
    static const struct str lost_text = STR_INIT("mx1");
    made->at = made->text;
    uint64_t client = draw(draw(3) ? CLIENTS : 2000);
    struct session *session = &made->session;
    *session = (struct session){ .id = id,
                                 .input = 1,
                                 .first_offset = (uint64_t)id * 630 - draw(600),
                                 .started = 1790000000 * USEC_SECOND + id * 40000 - (int64_t)draw(3000000),
                                 .client = ip_from_v4((uint32_t)(0xcb000000u + client * 97)),
                                 .server = lost_text,
                                 .service = STR("postfix/smtpd"),
                                 .stage = STAGE_CONNECT,
                                 .closed = CLOSED_QUIT,
                                 .evidence = made->evidence };
    session->last_offset = session->first_offset + 400 + draw(2000);
    session->ended = session->started + 200000 + (int64_t)draw(4000000);
    char address[IP_TEXT_BYTES];
    struct str text = { address, ip_format(&session->client, address) };
    bool named = draw(100) < 70;
    if (named)
        session->client_name =
            put(made, "mail%" PRIu64 ".host-%" PRIu64 ".example.net", client % 50, client / 7);
    add_evidence(made, KIND_RDNS, named ? YES : NO, session->started);
    if (named)
        add_evidence(made, KIND_FCRDNS, YES, session->started);
    if (draw(100) < 10)
        return;
    usec at = session->started + 100000 + (int64_t)draw(900000);
    session->helo = draw(3) && named ? session->client_name : put(made, "pc-%" PRIx64, draw(100000));
    made->transaction =
        (struct transaction){ .mail_from = put(made, "%s%" PRIu64 "@list%" PRIu64 ".example.com",
                                               draw(2) ? "news" : "john.smith", draw(10000000), draw(3000)),
                              .size = -1,
                              .at = at,
                              .recipients = made->recipient,
                              .recipient_count = draw(100) < 15 ? 2 : 1 };
    session->transactions = &made->transaction;
    session->transaction_count = 1;
    for (uint32_t r = 0; r < made->transaction.recipient_count; r++)
        made->recipient[r] =
            (struct recipient){ .address = put(made, "user%" PRIu64 "@example.org", draw(USERS)),
                                .at = at + r * 700 };
    if (draw(100) < 22)
        accept(made);
    else
        refuse(made, text);
}

static double seconds(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int count(void *state, const struct session *session)
{
    *(uint64_t *)state += session->evidence_count + session->transaction_count;
    return 0;
}

static _Noreturn void give_up(const struct why *why)
{
    fprintf(stderr, "store_bench: %s\n", why->text);
    exit(why->status);
}

static void read_back(const char *path, bool any_order, const char *title)
{
    struct why why = { 0 };
    struct store *store = NULL;
    uint64_t things = 0;
    struct store_filter filter = { .any_order = any_order };
    double from = seconds(CLOCK_MONOTONIC);
    if (store_open(path, STORE_READ, &store, &why) != 0 ||
        store_each(store, &filter, count, &things, &why) != 0)
        give_up(&why);
    store_close(store, NULL);
    printf("%-28s %8.2f s\n", title, seconds(CLOCK_MONOTONIC) - from);
}

int main(int argc, char **argv)
{
    int64_t sessions = argc > 1 ? strtoll(argv[1], NULL, 10) : SESSIONS;
    const char *path = argc > 2 ? argv[2] : "store_bench.db";
    struct why why = { 0 };
    struct store *store = NULL;
    static struct made made;
    struct rusage usage;
    struct stat status;

    double from = seconds(CLOCK_MONOTONIC);
    for (int64_t id = 1; id <= sessions; id++)
        make(&made, id);
    printf("%-28s %8.2f s\n", "make up", seconds(CLOCK_MONOTONIC) - from);

    getrusage(RUSAGE_SELF, &usage);
    long resident = usage.ru_maxrss;
    unlink(path);
    if (store_open(path, STORE_WRITE, &store, &why) != 0)
        give_up(&why);
    struct sink sink = store_sink(store);
    struct catalogue catalogue = store_catalogue(store);
    struct input input = { .path = STR("bench.log"), .kind = STR("log"), .dialects = STR("postfix") };
    from = seconds(CLOCK_MONOTONIC);
    double own = seconds(CLOCK_PROCESS_CPUTIME_ID) - seconds(CLOCK_THREAD_CPUTIME_ID);
    double mine = seconds(CLOCK_THREAD_CPUTIME_ID);
    if (catalogue.write(catalogue.state, &input, &why) != 0)
        give_up(&why);
    for (int64_t id = 1; id <= sessions; id++) {
        make(&made, id);
        if (sink.session(sink.state, &made.session, &why) != 0 ||
            (id % COMMIT_EVERY == 0 && catalogue.commit(catalogue.state, &why) != 0))
            give_up(&why);
    }
    double handed = seconds(CLOCK_THREAD_CPUTIME_ID) - mine;
    if (store_close(store, &why) != 0)
        give_up(&why);
    own = seconds(CLOCK_PROCESS_CPUTIME_ID) - seconds(CLOCK_THREAD_CPUTIME_ID) - own;
    getrusage(RUSAGE_SELF, &usage);
    stat(path, &status);
    printf("%-28s %8.2f s\n%-28s %8.2f s\n%-28s %8.2f s\n", "write", seconds(CLOCK_MONOTONIC) - from,
           "  make up and hand over, cpu", handed, "  the store's thread, cpu", own);
    printf("%-28s %8.1f\n%-28s %8.1f MiB\n", "bytes a session", (double)status.st_size / (double)sessions,
           "memory of the store", (double)(usage.ru_maxrss - resident) / 1024);
    read_back(path, true, "read, any order");
    read_back(path, false, "read, in order of start");
    return 0;
}
