/* The first test of every engine (semantics.md section 3): replaying what the server enforced, by session,
 * gives the record, low = high. It is done on real logs, with the policy written by hand from the server's
 * main.cf, under another name, so that nothing can take a short cut; and then one piece of evidence is
 * changed in a copy of the database, which must change that session and no other. */
#define _POSIX_C_SOURCE 200809L
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "analyze/policy.h"
#include "analyze/replay.h"
#include "collect/collect.h"
#include "schemas/store.h"

static const struct lab {
    const char *name, *log, *policy;
    uint64_t sessions; /* as many as its truth.tsv has rows */
} lab_runs[] = {
    { "postfix-smtpd", "sample-logs/labs/postfix-smtpd/mail.log", "tests/replay/postfix-smtpd.yaml", 589 },
    { "postfix-greylist", "sample-logs/labs/postfix-greylist/mail.log", "tests/replay/postfix-greylist.yaml",
      1156 },
    /* the same with traditional stamps, in whole seconds */
    { "postfix-smtpd.trad", "sample-logs/labs/postfix-smtpd/mail.trad.log.gz",
      "tests/replay/postfix-smtpd.yaml", 589 },
    { "postfix-greylist.trad", "sample-logs/labs/postfix-greylist/mail.trad.log.gz",
      "tests/replay/postfix-greylist.yaml", 1156 },
};
enum { FLIPPED_LABS = 2, LABS = sizeof lab_runs / sizeof *lab_runs };

static char folder[] = "/tmp/test_recorded.XXXXXX";

static const char *in_folder(const char *name, char path[256])
{
    snprintf(path, 256, "%s/%s", folder, name);
    return path;
}

static struct str file_text(const char *path, struct arena *arena)
{
    char *text = arena_alloc(arena, 65536);
    FILE *in = fopen(path, "r");
    ck_assert_msg(in != NULL, "%s", path);
    size_t len = fread(text, 1, 65536, in);
    fclose(in);
    ck_assert_uint_lt(len, 65536);
    return (struct str){ text, len };
}

/* What `collect --recorded` does. */
static void collect_lab(const struct lab *lab)
{
    struct why why = { 0 };
    struct store *store = NULL;
    struct arena arena = { 0 };
    struct collected collected = { 0 };
    char path[256];
    ck_assert_msg(store_open(in_folder(lab->name, path), STORE_WRITE, &store, &why) == 0, "%s", why.text);
    struct sink sink = store_sink(store);
    struct catalogue catalogue = store_catalogue(store);
    struct collect_options options = {
        .paths = &lab->log, .path_count = 1, .first_session = store_next_session(store), .quiet = true
    };
    ck_assert_msg(collect_run(&options, &sink, &catalogue, &collected, &why) == 0, "%s", why.text);
    struct recorded_policy recorded = {
        .name = str_of(lab->name), .yaml = file_text(lab->policy, &arena), .from = USEC_NONE, .to = USEC_NONE
    };
    ck_assert_msg(store_add_recorded(store, &recorded, &why) == 0, "%s", why.text);
    ck_assert_msg(store_close(store, &why) == 0, "%s", why.text);
    arena_free(&arena);
}

static void make_databases(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    for (int i = 0; i < LABS; i++)
        collect_lab(&lab_runs[i]);
}

static void remove_databases(void)
{
    for (int i = 0; i < LABS; i++) {
        static const char *const ends[] = { "", "-wal", "-shm", ".copy", ".copy-wal", ".copy-shm" };
        for (size_t k = 0; k < sizeof ends / sizeof *ends; k++) {
            char path[256], name[64];
            snprintf(name, sizeof name, "%s%s", lab_runs[i].name, ends[k]);
            remove(in_folder(name, path));
        }
    }
    rmdir(folder);
}

/* A database and what is replayed on it. */
struct bench {
    struct columns *columns;
    struct policy recorded, renamed;
    struct in_force in_force;
    struct replay_options options;
};

static int take(void *state, const struct session *session)
{
    columns_add(state, session);
    return 0;
}

/* As if the record went on for `silence` after its last line. */
static void bench_open(struct bench *bench, const char *name, usec silence)
{
    struct why why = { 0 };
    struct store *store = NULL;
    struct arena arena = { 0 };
    struct store_filter all = { .from = USEC_NONE, .to = USEC_NONE };
    struct recorded_policy *stored = NULL;
    struct input *inputs = NULL;
    size_t count = 0;
    char path[256];
    ck_assert_msg(store_open(in_folder(name, path), STORE_READ, &store, &why) == 0, "%s", why.text);
    *bench = (struct bench){ .columns = columns_new() };
    ck_assert_msg(store_recorded(store, &arena, &stored, &count, &why) == 0 && count == 1, "%s", why.text);
    ck_assert_msg(policy_read(&bench->recorded, "recorded", stored[0].yaml, &why) == 0, "%s", why.text);
    ck_assert_msg(policy_read(&bench->renamed, "renamed", stored[0].yaml, &why) == 0, "%s", why.text);
    bench->renamed.name = STR("another-name");
    ck_assert_msg(store_each(store, &all, take, bench->columns, &why) == 0, "%s", why.text);
    ck_assert_msg(store_inputs(store, &arena, &inputs, &count, &why) == 0 && count >= 1, "%s", why.text);
    columns_finish(bench->columns, inputs[0].first, inputs[0].last + silence);
    ck_assert_msg(store_close(store, &why) == 0, "%s", why.text);
    arena_free(&arena);
    bench->in_force = (struct in_force){ &bench->recorded, USEC_NONE, USEC_NONE };
    bench->options = (struct replay_options){ .unit = UNIT_SESSION,
                                              .from = USEC_NONE,
                                              .to = USEC_NONE,
                                              .assume_resend = NAN,
                                              .in_force = &bench->in_force,
                                              .in_force_count = 1 };
}

static void bench_close(struct bench *bench)
{
    columns_free(bench->columns);
    policy_free(&bench->recorded);
    policy_free(&bench->renamed);
}

static void run(struct bench *bench, const struct policy *policy, struct tally *tally)
{
    struct why why = { 0 };
    ck_assert_msg(replay_run(bench->columns, policy, &bench->options, tally, &why) == 0, "%s", why.text);
}

static const struct row *row_called(const struct tally *tally, struct str name)
{
    for (size_t i = 0; i < tally->row_count; i++)
        if (str_eq(tally->rows[i].name, name))
            return &tally->rows[i];
    return NULL;
}

static uint64_t count_of(const struct tally *tally, const char *name)
{
    const struct row *row = row_called(tally, str_of(name));
    return row ? row->count : 0;
}

/* Both tallies have the same units in the same rows, and the second one for certain. */
static bool same(const struct tally *record, const struct tally *replay)
{
    bool equal = record->units == replay->units;
    for (size_t i = 0; equal && i < record->row_count; i++) {
        const struct row *row = row_called(replay, record->rows[i].name);
        equal = row ? row->count == record->rows[i].count : record->rows[i].count == 0;
    }
    for (size_t i = 0; equal && i < replay->row_count; i++) {
        const struct row *row = &replay->rows[i], *theirs = row_called(record, row->name);
        equal = row->low == row->count && row->high == row->count && row->basis == BASIS_EXACT &&
                (theirs || row->count == 0);
    }
    return equal;
}

static void print_tally(const char *what, const struct tally *tally)
{
    fprintf(stderr, "%-10s", what);
    for (size_t i = 0; i < tally->row_count; i++) {
        const struct row *row = &tally->rows[i];
        fprintf(stderr, " %.*s %llu", STR_ARG(row->name), (unsigned long long)row->count);
        if (row->low != row->count || row->high != row->count)
            fprintf(stderr, " [%llu, %llu]", (unsigned long long)row->low, (unsigned long long)row->high);
    }
    fputc('\n', stderr);
}

/* For who has to find out why: the sessions whose replay is not their record, each with what may have become
 * of its attempts. */
struct telling {
    struct bench *bench;
    int told;
};

static int tell_session(void *state, const struct session *session)
{
    struct telling *telling = state;
    struct bench *bench = telling->bench;
    struct tally record, replay;
    struct replay_options whole = bench->options;
    struct session_story story = { 0 };
    struct arena arena = { 0 };
    struct why why = { 0 };
    bench->options.from = session->started;
    bench->options.to = session->started + 1;
    run(bench, NULL, &record);
    run(bench, &bench->renamed, &replay);
    bench->options = whole;
    if (!same(&record, &replay) && telling->told++ < 40) {
        fprintf(stderr, "session %lld:\n", (long long)session->id);
        print_tally("  record", &record);
        print_tally("  replay", &replay);
        if (replay_explain(bench->columns, &bench->renamed, &bench->options, session->id, &story, &arena,
                           &why) == 0)
            for (size_t i = 0; i < story.count; i++)
                fprintf(stderr, "    <%.*s> <%.*s>: %.*s\n", STR_ARG(story.attempts[i].sender),
                        STR_ARG(story.attempts[i].recipient), STR_ARG(story.attempts[i].outcome));
    }
    tally_free(&record);
    tally_free(&replay);
    arena_free(&arena);
    return 0;
}

static void tell_differences(struct bench *bench, const char *name)
{
    struct telling telling = { bench, 0 };
    struct store *store = NULL;
    struct why why = { 0 };
    struct store_filter all = { .from = USEC_NONE, .to = USEC_NONE };
    char path[256];
    ck_assert_msg(store_open(in_folder(name, path), STORE_READ, &store, &why) == 0, "%s", why.text);
    store_each(store, &all, tell_session, &telling, &why);
    store_close(store, NULL);
}

static void check_law(const struct lab *lab, enum unit unit, usec silence)
{
    struct bench bench;
    struct tally record, replay;
    bench_open(&bench, lab->name, silence);
    bench.options.unit = unit;
    run(&bench, NULL, &record);
    run(&bench, &bench.renamed, &replay);
    bool law = same(&record, &replay);
    if (!law) {
        print_tally("record", &record);
        print_tally("replay", &replay);
        tell_differences(&bench, lab->name);
    }
    ck_assert_msg(law, "%s: the replay of what was enforced is not the record", lab->name);
    if (unit == UNIT_SESSION)
        ck_assert_uint_eq(replay.units, lab->sessions);
    ck_assert_uint_gt(count_of(&replay, "greylist"), 0);
    ck_assert_uint_gt(count_of(&replay, "accepted"), 0);
    tally_free(&record);
    tally_free(&replay);
    bench_close(&bench);
}

START_TEST(by_session_it_is_the_record)
{
    check_law(&lab_runs[_i], UNIT_SESSION, 0);
}
END_TEST

START_TEST(by_recipient_too)
{
    check_law(&lab_runs[_i], UNIT_RECIPIENT, 0);
}
END_TEST

/* By delivery it is so for chains whose retry window closed within the record: here all of them, after three
 * days in which nobody came. */
START_TEST(by_delivery_when_all_windows_have_closed)
{
    check_law(&lab_runs[_i], UNIT_DELIVERY, 3 * USEC_DAY);
}
END_TEST

/* What is changed in the copy: of one session, one piece of evidence. */
struct flip {
    int64_t session;
    struct evidence evidence;
    struct sink sink;
    struct why why;
};

static int copy_session(void *state, const struct session *session)
{
    struct flip *flip = state;
    struct session copy = *session;
    struct evidence *evidence = NULL;
    if (session->id == flip->session) {
        evidence = mem_alloc((session->evidence_count + 1) * sizeof *evidence);
        copy.evidence = evidence;
        copy.evidence_count = 0;
        for (uint32_t i = 0; i < session->evidence_count; i++)
            if (session->evidence[i].kind != flip->evidence.kind)
                evidence[copy.evidence_count++] = session->evidence[i];
        evidence[copy.evidence_count] = flip->evidence;
        evidence[copy.evidence_count++].at = session->started;
    }
    int result = flip->sink.session(flip->sink.state, &copy, &flip->why);
    free(evidence);
    return result;
}

/* A copy of the lab's database in which one session's evidence of this kind is this. */
static void copy_flipped(const struct lab *lab, const char *copy, struct flip *flip)
{
    struct why why = { 0 };
    struct store *from = NULL, *to = NULL;
    struct arena arena = { 0 };
    struct recorded_policy *stored = NULL;
    struct input *inputs = NULL;
    struct store_filter all = { .from = USEC_NONE, .to = USEC_NONE };
    size_t count = 0;
    char path[256];
    remove(in_folder(copy, path));
    ck_assert_msg(store_open(in_folder(lab->name, path), STORE_READ, &from, &why) == 0, "%s", why.text);
    ck_assert_msg(store_open(in_folder(copy, path), STORE_WRITE, &to, &why) == 0, "%s", why.text);
    struct catalogue catalogue = store_catalogue(to);
    ck_assert_msg(store_inputs(from, &arena, &inputs, &count, &why) == 0, "%s", why.text);
    for (size_t i = 0; i < count; i++) {
        inputs[i].id = 0;
        ck_assert_msg(catalogue.write(catalogue.state, &inputs[i], &why) == 0, "%s", why.text);
    }
    ck_assert_msg(store_recorded(from, &arena, &stored, &count, &why) == 0 && count == 1, "%s", why.text);
    ck_assert_msg(store_add_recorded(to, stored, &why) == 0, "%s", why.text);
    flip->sink = store_sink(to);
    ck_assert_msg(store_each(from, &all, copy_session, flip, &why) == 0, "%s%s", why.text, flip->why.text);
    ck_assert_msg(store_close(to, &why) == 0, "%s", why.text);
    store_close(from, NULL);
    arena_free(&arena);
}

/* Sessions to try it on: accepted, or refused by a measure; if asked for, only those after which nobody else
 * came from their network. */
enum { SESSIONS_MOST = 2048, PICKED_MOST = 8 };

struct picking {
    enum named named; /* NAMED_NONE: accepted */
    bool last;
    struct candidate {
        int64_t id;
        usec started;
        struct ip network;
        bool fits, last;
    } candidates[SESSIONS_MOST];
    size_t count;
};

static int note_session(void *state, const struct session *session)
{
    struct picking *picking = state;
    struct candidate *new = &picking->candidates[picking->count];
    ck_assert_uint_lt(picking->count++, SESSIONS_MOST);
    *new = (struct candidate){ session->id, session->started, ip_network(&session->client, 24, 64).network,
                               session->transaction_count == 1 && !session->auth_user.at, true };
    /* of several recipients the greylist may have seen another one */
    if (picking->named != NAMED_NONE)
        new->fits = new->fits && session->transactions[0].recipient_count == 1;
    new->fits = new->fits && (picking->named == NAMED_NONE ? session->verdict == VERDICT_ACCEPTED
                                                           : session->verdict != VERDICT_ACCEPTED &&
                                                                 session->reply.named == picking->named);
    for (size_t i = 0; i + 1 < picking->count; i++)
        if (ip_eq(&picking->candidates[i].network, &new->network))
            picking->candidates[i].last = false;
    return 0;
}

/* The candidates that fit come first then; returns how many, at most PICKED_MOST and spread over the log. */
static size_t pick(const struct lab *lab, struct picking *picking)
{
    struct store *store = NULL;
    struct why why = { 0 };
    struct store_filter all = { .from = USEC_NONE, .to = USEC_NONE };
    size_t fitting = 0, picked = 0;
    char path[256];
    ck_assert_msg(store_open(in_folder(lab->name, path), STORE_READ, &store, &why) == 0, "%s", why.text);
    ck_assert_msg(store_each(store, &all, note_session, picking, &why) == 0, "%s", why.text);
    store_close(store, NULL);
    for (size_t i = 0; i < picking->count; i++)
        if (picking->candidates[i].fits && (picking->candidates[i].last || !picking->last))
            picking->candidates[fitting++] = picking->candidates[i];
    size_t step = fitting > PICKED_MOST ? fitting / PICKED_MOST : 1;
    for (size_t i = 0; i < fitting && picked < PICKED_MOST; i += step)
        picking->candidates[picked++] = picking->candidates[i];
    ck_assert_uint_gt(picked, 0);
    return picked;
}

/* The flipped session goes from one row to another; nothing else moves. */
static void check_flip(const struct lab *lab, const struct tally *before, const struct candidate *session,
                       struct evidence evidence, const char *from, const char *to)
{
    struct bench bench;
    struct tally after, unit;
    char copy[64];
    struct flip flip = { .session = session->id, .evidence = evidence };
    snprintf(copy, sizeof copy, "%s.copy", lab->name);
    copy_flipped(lab, copy, &flip);
    bench_open(&bench, copy, 0);
    run(&bench, &bench.renamed, &after);
    ck_assert_uint_eq(after.units, before->units);
    for (size_t i = 0; i < after.row_count; i++) {
        const struct row *now = &after.rows[i], *then = row_called(before, now->name);
        uint64_t expected = then ? then->count : 0;
        if (str_eq(now->name, str_of(from)))
            expected--;
        if (str_eq(now->name, str_of(to)))
            expected++;
        ck_assert_msg(now->count == expected && now->low == expected && now->high == expected,
                      "%s, session %lld: %.*s is %llu [%llu, %llu], not %llu", lab->name,
                      (long long)session->id, STR_ARG(now->name), (unsigned long long)now->count,
                      (unsigned long long)now->low, (unsigned long long)now->high,
                      (unsigned long long)expected);
    }
    bench.options.from = session->started;
    bench.options.to = session->started + 1;
    run(&bench, &bench.renamed, &unit);
    ck_assert_uint_ge(count_of(&unit, to), 1);
    tally_free(&after);
    tally_free(&unit);
    bench_close(&bench);
}

static struct evidence session_evidence(enum kind kind, enum tri state)
{
    return (struct evidence){ .kind = (uint8_t)kind,
                              .state = (uint8_t)state,
                              .origin = ORIGIN_LOG,
                              .transaction = WHOLE_SESSION,
                              .recipient = WHOLE_TRANSACTION };
}

static void check_flips(const struct lab *lab, enum named named, bool last, struct evidence evidence,
                        const char *to)
{
    static struct picking picking;
    struct bench bench;
    struct tally before;
    picking = (struct picking){ .named = named, .last = last };
    size_t count = pick(lab, &picking);
    bench_open(&bench, lab->name, 0);
    run(&bench, &bench.renamed, &before);
    const char *from = named == NAMED_NONE ? "accepted" : named_measure[named];
    for (size_t i = 0; i < count; i++)
        check_flip(lab, &before, &picking.candidates[i], evidence, from, to);
    tally_free(&before);
    bench_close(&bench);
}

static struct evidence listing(void)
{
    struct evidence listed = session_evidence(KIND_DNSBL, YES);
    listed.subject = STR("bl.second.test");
    listed.a = 0x7f000002;
    return listed;
}

/* What acts after greylisting changes nothing that greylisting saw, so any accepted session will do. */
START_TEST(a_flip_behind_the_greylist)
{
    check_flips(&lab_runs[_i], NAMED_NONE, false, session_evidence(KIND_PIPELINING, YES), "pipelining");
}
END_TEST

/* What acts before it keeps an attempt from it; that changes nothing for those whom it never saw. */
START_TEST(a_flip_before_the_greylist)
{
    check_flips(&lab_runs[_i], NAMED_RECIPIENT, false, session_evidence(KIND_RDNS, NO), "no-rdns");
    check_flips(&lab_runs[_i], NAMED_RECIPIENT, false, listing(), "dnsbl");
}
END_TEST

/* Nor after the last of a network: what it accepted then is refused, and nobody else notices. */
START_TEST(a_flip_after_which_nobody_came)
{
    check_flips(&lab_runs[1], NAMED_NONE, true, session_evidence(KIND_RDNS, NO), "no-rdns");
    check_flips(&lab_runs[1], NAMED_NONE, true, listing(), "dnsbl");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("recorded");
    TCase *cases = tcase_create("labs");
    tcase_set_timeout(cases, 120);
    tcase_add_unchecked_fixture(cases, make_databases, remove_databases);
    tcase_add_loop_test(cases, by_session_it_is_the_record, 0, LABS);
    tcase_add_loop_test(cases, by_recipient_too, 0, LABS);
    tcase_add_loop_test(cases, by_delivery_when_all_windows_have_closed, 0, LABS);
    tcase_add_loop_test(cases, a_flip_behind_the_greylist, 0, FLIPPED_LABS);
    tcase_add_loop_test(cases, a_flip_before_the_greylist, 0, FLIPPED_LABS);
    tcase_add_test(cases, a_flip_after_which_nobody_came);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
