/* A database that is made of arrays. */
#include "tests/lib/array_base.h"

#include <check.h>
#include <stdlib.h>
#include <sysexits.h>

static int find(void *state, struct input *input, struct why *why)
{
    const struct array_base *base = state;
    (void)why;
    for (int i = input->id; i < base->input_count; i++)
        if (base->inputs[i].head_hash == input->head_hash &&
            base->inputs[i].head_bytes == input->head_bytes) {
            *input = base->inputs[i];
            return 1;
        }
    return 0;
}

static int write_input(void *state, struct input *input, struct why *why)
{
    struct array_base *base = state;
    (void)why;
    if (input->id == 0) {
        ck_assert_int_lt(base->input_count, BASE_INPUTS);
        input->id = ++base->input_count;
    }
    struct input *kept = &base->inputs[input->id - 1];
    *kept = *input;
    kept->path = arena_str(&base->text, input->path);
    kept->kind = arena_str(&base->text, input->kind);
    kept->dialects = arena_str(&base->text, input->dialects);
    return 0;
}

static int add_skipped(void *state, const struct skipped *skipped, struct why *why)
{
    struct array_base *base = state;
    size_t i = 0;
    (void)why;
    while (i < base->skipped_count && !(base->skipped[i].input == skipped->input &&
                                        strcmp(base->skipped[i].reason, skipped->reason) == 0 &&
                                        str_eq(base->skipped[i].shape, skipped->shape)))
        i++;
    if (i < base->skipped_count) {
        base->skipped[i].count += skipped->count;
        return 0;
    }
    ck_assert_uint_lt(i, BASE_SHAPES);
    base->skipped[i] = *skipped;
    base->skipped[i].shape = arena_str(&base->text, skipped->shape);
    base->skipped[i].first_text = arena_str(&base->text, skipped->first_text);
    base->skipped_count++;
    return 0;
}

static int commit(void *state, struct why *why)
{
    struct array_base *base = state;
    (void)why;
    base->commits++;
    return 0;
}

/* What was kept, and how many sessions there were then. */
static int keep(void *state, struct str kept, struct why *why)
{
    struct array_base *base = state;
    (void)why;
    base->kept = arena_str(&base->text, kept);
    base->kept_sessions = base->session_count;
    return 0;
}

static int kept(void *state, struct str *bytes, struct why *why)
{
    const struct array_base *base = state;
    (void)why;
    *bytes = base->kept;
    return 0;
}

static int take_back(void *state, struct why *why)
{
    struct array_base *base = state;
    (void)why;
    for (; base->session_count > base->kept_sessions; base->session_count--)
        base->recipients[base->session_count - 1] = 0;
    return 0;
}

static int join(void *state, struct why *why)
{
    (void)state;
    (void)why;
    return 0;
}

static int add_session(void *state, const struct session *session, struct why *why)
{
    struct array_base *base = state;
    if (base->fails_after && base->session_count == base->fails_after)
        return why_set(why, EX_IOERR, "the disk is full");
    ck_assert_uint_lt(base->session_count, BASE_SESSIONS);
    for (uint32_t i = 0; i < session->transaction_count; i++)
        base->recipients[base->session_count] += session->transactions[i].recipient_count;
    base->sessions[base->session_count++] = *session;
    return 0;
}

static int add_late(void *state, int64_t session_id, const struct evidence *evidence, struct why *why)
{
    (void)state;
    (void)session_id;
    (void)evidence;
    (void)why;
    return 0;
}

struct array_base *array_base_new(void)
{
    return mem_zero(1, sizeof(struct array_base));
}

void array_base_free(struct array_base *base)
{
    arena_free(&base->text);
    free(base);
}

struct sink array_base_sink(struct array_base *base)
{
    return (struct sink){ base, add_session, add_late };
}

struct catalogue array_base_catalogue(struct array_base *base)
{
    return (struct catalogue){ base, find, write_input, add_skipped, commit, keep, kept, take_back, join };
}

struct outcome array_base_collect(struct array_base *base, const char *const *paths, size_t count, int year)
{
    struct outcome outcome = { 0 };
    struct collect_options options = { .paths = paths,
                                       .path_count = count,
                                       .year = year,
                                       .first_session = (int64_t)base->session_count + 1,
                                       .quiet = true };
    struct sink sink = array_base_sink(base);
    struct catalogue catalogue = array_base_catalogue(base);
    outcome.result = collect_run(&options, &sink, &catalogue, &outcome.collected, &outcome.why);
    return outcome;
}
