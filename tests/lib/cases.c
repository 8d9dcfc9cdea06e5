/* Golden sessions of a dialect. */
#define _GNU_SOURCE
#include "tests/lib/cases.h"

#include <check.h>
#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/memory.h"
#include "collect/builder.h"
#include "collect/programs.h"
#include "collect/state.h"
#include "collect/untagged.h"
#include "tests/lib/session_text.h"
#include "tests/lib/shapes.h"

static const char *place;
static char names[32][64];
static int name_count;

struct str case_file(const char *path, struct arena *arena)
{
    char text[4096];
    FILE *in = fopen(path, "r");
    ck_assert_msg(in != NULL, "%s is missing: tests run in the top folder", path);
    size_t len = 0, n = 0;
    char *all = arena_alloc(arena, 1 << 20);
    while ((n = fread(text, 1, sizeof text, in)) > 0) {
        ck_assert_uint_lt(len + n, 1 << 20);
        memcpy(all + len, text, n);
        len += n;
    }
    fclose(in);
    return (struct str){ all, len };
}

struct line case_line(struct str text)
{
    struct str stamp, tag, pid;
    struct line line = { .host = STR("mx"), .input = 1 };
    char when[64];
    ck_assert(cut_until_char(&text, ' ', &stamp));
    snprintf(when, sizeof when, "2026-11-23T%.*sZ", STR_ARG(stamp));
    ck_assert_msg(clock_parse(str_of(when), &line.at), "%s", when);
    if (cut_char(&text, '@'))
        ck_assert(cut_until_char(&text, ' ', &line.host));
    line.text = text;
    if (untagged_program(text, &line.program))
        return line;
    ck_assert(cut_until(&text, STR(": "), &tag));
    uint64_t number = 0;
    line.program = tag;
    if (cut_until_char(&tag, '[', &line.program)) {
        ck_assert(cut_until_char(&tag, ']', &pid) && str_number(pid, &number));
        line.pid = (uint32_t)number;
    }
    line.text = text;
    return line;
}

struct run {
    struct builder *builder;
    struct programs programs;
    const char *name;
    uint64_t number;
};

static void take(struct run *run, struct str text)
{
    enum taken expected = TAKEN;
    struct str whole = text;
    if (cut_prefix(&text, STR("? ")))
        expected = SKIPPED;
    else if (cut_prefix(&text, STR("- ")))
        expected = PASSED;
    struct line line = case_line(text);
    line.number = run->number;
    line.offset = run->number * 100;
    /* Exactly its bytes, so that the sanitizer sees a look behind them. */
    char *bytes = malloc(line.text.len ? line.text.len : 1);
    memcpy(bytes, line.text.at, line.text.len);
    line.text.at = bytes;
    const struct dialect *dialect = programs_dialect_of(&run->programs, &line);
    ck_assert_msg(dialect != NULL, "%s: no dialect takes %.*s", run->name, STR_ARG(whole));
    ck_assert_int_eq(builder_advance(run->builder, line.at, NULL), 0);
    enum taken taken = dialect->take(&line, run->builder);
    ck_assert_msg(taken == expected, "%s: taken as %d: %.*s", run->name, (int)taken, STR_ARG(whole));
    free(bytes);
}

/* As if each line were read by another run than the one before. */
static void change_builders(struct run *run, const struct sink *sink)
{
    struct state_bytes saved = { 0 };
    state_begin(&saved);
    builder_save(run->builder, &saved);
    struct state_bytes state = state_load(state_end(&saved));
    builder_free(run->builder);
    run->builder = builder_new(sink, 1);
    ck_assert_int_eq(builder_load(run->builder, &state), 0);
    ck_assert_uint_eq(state.rest.len, 0);
    state_free(&saved);
}

static void run_case(const char *name, struct str about, struct str lines, struct str expected, bool changing)
{
    char *found = NULL;
    size_t found_len = 0;
    FILE *to = open_memstream(&found, &found_len);
    struct sink sink = session_text_sink(to);
    struct run run = { .builder = builder_new(&sink, 1), .name = name };
    struct str line;
    programs_begin(&run.programs, dialects);
    while (lines.len && cut_until_char(&lines, '\n', &line)) {
        run.number++;
        take(&run, line);
        if (changing)
            change_builders(&run, &sink);
    }
    ck_assert_int_eq(builder_finish(run.builder, NULL), 0);
    builder_free(run.builder);
    fclose(to);
    if (getenv("SHOW_CASES"))
        printf("# %.*s\n%s\n", STR_ARG(about), found);
    else
        ck_assert_msg(str_eq((struct str){ found, found_len }, expected),
                      "%s: %s%.*s\n--- expected\n%.*s--- found\n%s", name,
                      changing ? "kept after each line: " : "", STR_ARG(about), STR_ARG(expected), found);
    free(found);
}

static void skip_blank(struct str *rest)
{
    while (rest->len && rest->at[0] == '\n')
        *rest = str_skip(*rest, 1);
}

START_TEST(cases_of_a_file)
{
    const char *name = names[_i];
    struct arena arena = { 0 };
    char path[512];
    snprintf(path, sizeof path, "%s/%s", place, name);
    struct str rest = case_file(path, &arena), about, lines, expected;
    int count = 0;
    for (skip_blank(&rest); rest.len; skip_blank(&rest)) {
        ck_assert_msg(cut_prefix(&rest, STR("# ")), "%s: no # at: %.*s", name,
                      (int)(rest.len < 60 ? rest.len : 60), rest.at);
        ck_assert(cut_until_char(&rest, '\n', &about));
        const char *begin = rest.at;
        ck_assert_msg(cut_until(&rest, STR("\n=\n"), &lines), "%s: %.*s: no =", name, STR_ARG(about));
        lines = str_range(begin, lines.at + lines.len + 1);
        begin = rest.at;
        if (rest.len == 0 || rest.at[0] == '\n') { /* no session */
            expected = (struct str){ rest.at, 0 };
        } else if (!cut_until(&rest, STR("\n\n"), &expected)) {
            expected = rest;
            rest = str_skip(rest, rest.len);
        } else {
            expected = str_range(begin, rest.at - 1);
        }
        run_case(name, about, lines, expected, false);
        run_case(name, about, lines, expected, true);
        count++;
    }
    ck_assert_int_gt(count, 0);
    arena_free(&arena);
}
END_TEST

START_TEST(shapes)
{
    char path[512];
    snprintf(path, sizeof path, "%s/shapes.table", place);
    shapes_check(path);
}
END_TEST

int cases_main(const char *folder_of_cases)
{
    const char *slash = strrchr(folder_of_cases, '/');
    place = folder_of_cases;
    DIR *folder = opendir(place);
    for (struct dirent *entry = folder ? readdir(folder) : NULL; entry && name_count < 32;
         entry = readdir(folder))
        if (str_ends(str_of(entry->d_name), STR(".case")))
            snprintf(names[name_count++], sizeof names[0], "%.63s", entry->d_name);
    if (folder)
        closedir(folder);
    if (name_count == 0) {
        fprintf(stderr, "%s: no cases there: tests run in the top folder\n", place);
        return EXIT_FAILURE;
    }
    Suite *suite = suite_create(slash + 1);
    TCase *tcase = tcase_create("cases");
    tcase_set_timeout(tcase, 120); /* the machine may be busy */
    tcase_add_loop_test(tcase, cases_of_a_file, 0, name_count);
    char table[512];
    snprintf(table, sizeof table, "%s/shapes.table", place);
    if (access(table, R_OK) == 0)
        tcase_add_test(tcase, shapes);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    if (getenv("SHOW_CASES"))
        srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
