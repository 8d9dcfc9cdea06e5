/* Bytes of an input, and what survey.c makes of inputs before they are read. */
#define _GNU_SOURCE
#include <archive.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/progress.h"
#include "collect/source.h"
#include "collect/survey.h"
#include "tests/lib/inputs.h"

/* 300 KB that do not compress to nothing. */
static struct str some_text(struct arena *arena)
{
    enum { BYTES = 300000 };
    char *text = arena_alloc(arena, BYTES);
    unsigned seed = 1;
    for (int i = 0; i < BYTES; i++) {
        seed = seed * 1103515245u + 12345u;
        text[i] = "abcdefghijklmno\n"[seed >> 16 & 15];
    }
    return (struct str){ text, BYTES };
}

struct got {
    struct str bytes;
    struct why why; /* status 0: read to the end */
};

static struct got read_source(struct source *source, struct arena *arena, size_t step)
{
    char *all = arena_alloc(arena, 1000000);
    struct got got = { { all, 0 }, { 0 } };
    ssize_t n = 0;
    while ((n = source_read(source, all + got.bytes.len, step, &got.why)) > 0)
        got.bytes.len += (size_t)n;
    if (n < 0) {
        struct why again = { 0 };
        ck_assert_int_lt(source_read(source, all, 1, &again), 0); /* and it stays so */
        ck_assert_str_eq(again.text, got.why.text);
    }
    return got;
}

static struct got read_path(const char *name, struct arena *arena, size_t step)
{
    struct source source;
    ck_assert_int_eq(source_open(&source, input_path(name), NULL), 0);
    struct got got = read_source(&source, arena, step);
    source_close(&source);
    return got;
}

static int plain(struct archive *archive)
{
    return archive_write_add_filter_none(archive);
}

static const struct form {
    const char *compression;
    int (*filter)(struct archive *);
} forms[] = {
    { NULL, plain },
    { "gzip", archive_write_add_filter_gzip },
    { "bzip2", archive_write_add_filter_bzip2 },
    { "compress", archive_write_add_filter_compress },
    { "xz", archive_write_add_filter_xz },
    { "lzma", archive_write_add_filter_lzma },
    { "lzip", archive_write_add_filter_lzip },
    { "zstd", archive_write_add_filter_zstd },
    { "lz4", archive_write_add_filter_lz4 },
};
enum { FORMS = sizeof forms / sizeof *forms };

/* What an empty log is compressed to has no byte in it, and is not damaged. */
START_TEST(nothing_compressed)
{
    struct arena arena = { 0 };
    const char *compression = forms[_i].compression ? forms[_i].compression : "";
    if (strcmp(compression, "compress") == 0) /* what the program itself writes; libarchive fails at these */
        input_write("mail.log", STR("\x1F\x9D\x90"));
    else if (strcmp(compression, "lz4") == 0)
        input_write("mail.log", STR("\x04\x22\x4D\x18\x64\x40\xA7\0\0\0\0\x05\x5D\xCC\x02"));
    else
        input_compress("mail.log", forms[_i].filter, STR(""));
    struct got got = read_path("mail.log", &arena, 1000);
    ck_assert_msg(got.why.status == 0, "%s", got.why.text);
    ck_assert_uint_eq(got.bytes.len, 0);
    arena_free(&arena);
}
END_TEST

/* The name says nothing: only the content does. */
START_TEST(each_compression)
{
    static const size_t steps[] = { 1000, 70000, 400000 };
    struct arena arena = { 0 };
    struct str text = some_text(&arena);
    input_compress("mail.log", forms[_i].filter, text);
    for (size_t s = 0; s < sizeof steps / sizeof *steps; s++) {
        struct got got = read_path("mail.log", &arena, steps[s]);
        ck_assert_int_eq(got.why.status, 0);
        ck_assert(str_eq(got.bytes, text));
    }
    struct source source;
    ck_assert_int_eq(source_open(&source, input_path("mail.log"), NULL), 0);
    if (forms[_i].compression)
        ck_assert_str_eq(source.compression, forms[_i].compression);
    else
        ck_assert_ptr_null(source.compression);
    /* looked at twice, then read, then gone back to */
    struct str look = source_look(&source, 100);
    ck_assert_uint_ge(look.len, 100);
    look = source_look(&source, 100000);
    ck_assert_uint_ge(look.len, 100000);
    ck_assert(memcmp(look.at, text.at, look.len) == 0);
    struct got got = read_source(&source, &arena, 4096);
    ck_assert(str_eq(got.bytes, text));
    ck_assert_uint_eq(source.consumed, source.size);
    if (forms[_i].compression) {
        ck_assert(!source_seek(&source, 10));
    } else {
        ck_assert(source_seek(&source, 299990));
        got = read_source(&source, &arena, 4096);
        ck_assert(str_eq(got.bytes, str_skip(text, 299990)));
    }
    source_close(&source);
    arena_free(&arena);
}
END_TEST

/* Cut anywhere: what is handed over is a beginning of the text, and that it is not all of it is told. */
START_TEST(truncated)
{
    if (!forms[_i].compression)
        return;
    struct arena arena = { 0 };
    struct str text = some_text(&arena);
    input_compress("whole", forms[_i].filter, text);
    struct str whole = input_read("whole", &arena);
    size_t most = 0;
    for (size_t cut = 16; cut + 16 < whole.len; cut += whole.len / 7) {
        input_write("cut", (struct str){ whole.at, whole.len - cut });
        struct got got = read_path("cut", &arena, 100000);
        ck_assert_uint_le(got.bytes.len, text.len);
        ck_assert(str_starts(text, got.bytes));
        /* .Z files do not tell where they end */
        if (strcmp(forms[_i].compression, "compress") == 0)
            continue;
        ck_assert_int_eq(got.why.status, EX_DATAERR);
        ck_assert_str_eq(got.why.text, "truncated");
        most = got.bytes.len > most ? got.bytes.len : most;
    }
    if (strcmp(forms[_i].compression, "gzip") == 0)
        ck_assert_uint_gt(most, text.len - 100); /* to the last byte */
    arena_free(&arena);
}
END_TEST

START_TEST(damaged)
{
    if (!forms[_i].compression || strcmp(forms[_i].compression, "compress") == 0)
        return;
    struct arena arena = { 0 };
    struct str text = some_text(&arena);
    input_compress("whole", forms[_i].filter, text);
    struct str whole = input_read("whole", &arena);
    char *bytes = memcpy(arena_alloc(&arena, whole.len), whole.at, whole.len);
    for (size_t i = whole.len / 2; i < whole.len / 2 + 40; i++)
        bytes[i] = (char)~bytes[i];
    input_write("damaged", (struct str){ bytes, whole.len });
    struct got got = read_path("damaged", &arena, 100000);
    /* libarchive writes zstd without a checksum. */
    ck_assert(got.why.status == EX_DATAERR || strcmp(forms[_i].compression, "zstd") == 0);
    ck_assert_msg(got.why.status == 0 || strncmp(got.why.text, "damaged", 7) == 0 ||
                      strcmp(got.why.text, "truncated") == 0,
                  "%s", got.why.text);
    arena_free(&arena);
}
END_TEST

/* cat a.gz b.gz > c.gz is a gzip file; and tapes pad theirs. */
START_TEST(gzip_members)
{
    static const char zeros[600];
    struct arena arena = { 0 };
    input_compress("a", archive_write_add_filter_gzip, STR("first\n"));
    input_compress("b", archive_write_add_filter_gzip, STR("second\n"));
    struct str a = input_read("a", &arena), b = input_read("b", &arena);
    for (size_t padding = 0; padding <= sizeof zeros; padding += 200) {
        struct str all = arena_printf(&arena, "%*s", (int)(a.len + b.len + padding), "");
        memcpy((char *)all.at, a.at, a.len);
        memcpy((char *)all.at + a.len, b.at, b.len);
        memcpy((char *)all.at + a.len + b.len, zeros, padding);
        input_write("c", all);
        struct got got = read_path("c", &arena, 1000);
        ck_assert_int_eq(got.why.status, 0);
        ck_assert(str_eq(got.bytes, STR("first\nsecond\n")));
        if (padding == 0) {
            input_write("c", (struct str){ all.at, all.len - 9 });
            got = read_path("c", &arena, 1000);
            ck_assert_str_eq(got.why.text, "truncated");
        }
    }
    arena_free(&arena);
}
END_TEST

START_TEST(missing)
{
    struct source source;
    struct why why = { 0 };
    ck_assert_int_eq(source_open(&source, input_path("nothing"), &why), -1);
    ck_assert_int_eq(why.status, EX_NOINPUT);
    ck_assert_ptr_nonnull(strstr(why.text, "nothing: No such file"));
}
END_TEST

/* A pipe: plain or compressed, and its bytes one by one. */
START_TEST(piped)
{
    struct arena arena = { 0 };
    struct str text = some_text(&arena);
    input_compress("piped", forms[_i].filter, text);
    struct str bytes = input_read("piped", &arena);
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        for (size_t i = 0; i < 20; i++)
            if (write(ends[1], bytes.at + i, 1) != 1)
                _exit(1);
        for (size_t i = 20; i < bytes.len;) {
            ssize_t n = write(ends[1], bytes.at + i, bytes.len - i);
            if (n < 0)
                _exit(1);
            i += (size_t)n;
        }
        _exit(0);
    }
    close(ends[1]);
    char name[32];
    snprintf(name, sizeof name, "/dev/fd/%d", ends[0]);
    struct source source;
    ck_assert_int_eq(source_open(&source, name, NULL), 0);
    ck_assert(source.stream);
    ck_assert_uint_ge(source_look(&source, 1000).len, 1000);
    struct source moved = source;
    struct got got = read_source(&moved, &arena, 5000);
    ck_assert_int_eq(got.why.status, 0);
    ck_assert(str_eq(got.bytes, text));
    ck_assert(!source_seek(&moved, 0));
    source_close(&moved);
    close(ends[0]);
    arena_free(&arena);
}
END_TEST

/* Nothing is known before. */
static int find_none(void *state, struct input *input, struct why *why)
{
    (void)state;
    (void)input;
    (void)why;
    return 0;
}
static const struct catalogue empty_catalogue = { .find = find_none };
static struct progress silent;

static int survey_one(struct survey *survey, const char *path, int year, struct why *why)
{
    const struct survey_wishes wishes = { .year = year };
    return survey_inputs(survey, &path, 1, &wishes, &empty_catalogue, &silent, why);
}

static const char *const one_line = "Nov 23 09:07:12 mx postfix/smtpd[1]: connect from a.test[192.0.2.1]\n";

START_TEST(what_is_no_log)
{
    static char tar[1024] = "mail.log", noise[70000], nuls[5000];
    memcpy(tar + 257, "ustar", 5);
    memcpy(tar + 512, one_line, strlen(one_line));
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (char)(i * 7919 >> 3);
    static const struct {
        struct str bytes;
        const char *says;
    } cases[] = {
        { { tar, sizeof tar }, "a tar archive; unpack it first" },
        { STR_INIT("SQLite format 3\0\1\2\3"), "a database" },
        { STR_INIT("PK\3\4......"), "a ZIP archive" },
        { { noise, sizeof noise }, "a binary file" },
        { { nuls, sizeof nuls }, "a binary file" },
        { STR_INIT("192.0.2.1 - - [23/Nov/2026:09:07:12 +0000] \"GET / HTTP/1.1\" 200 1\n"),
          "not a log that mxreplay" },
        { STR_INIT("just a text\nof two lines\n"), "not a log that mxreplay" },
        { STR_INIT("x"), "not a log that mxreplay" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct survey survey;
        struct why why = { 0 };
        input_write("some.file", cases[i].bytes);
        ck_assert_int_eq(survey_one(&survey, input_path("some.file"), 0, &why), -1);
        survey_free(&survey);
        ck_assert_int_eq(why.status, EX_DATAERR);
        ck_assert_msg(strstr(why.text, "some.file: ") && strstr(why.text, cases[i].says), "%s", why.text);
    }
}
END_TEST

START_TEST(what_is_a_log)
{
    struct arena arena = { 0 };
    static char hole[100], flood[2000000];
    memset(flood, 'x', sizeof flood);
    struct str begins[] = { STR(""),
                            STR("-- Journal begins at Mon 2026-11-23 --\n"),
                            { hole, sizeof hole },
                            STR("\r\n\r\n"),
                            { flood, sizeof flood } };
    for (size_t i = 0; i < sizeof begins / sizeof *begins; i++) {
        struct survey survey;
        struct why why = { 0 };
        size_t gap = i == 4;
        char *bytes = arena_alloc(&arena, begins[i].len + 1 + strlen(one_line));
        memcpy(bytes, begins[i].at, begins[i].len);
        if (gap)
            bytes[begins[i].len] = '\n';
        memcpy(bytes + begins[i].len + gap, one_line, strlen(one_line));
        input_write("mail.log", (struct str){ bytes, begins[i].len + gap + strlen(one_line) });
        ck_assert_msg(survey_one(&survey, input_path("mail.log"), 2026, &why) == 0, "%zu: %s", i, why.text);
        ck_assert_uint_eq(survey.count, 1);
        ck_assert_int_eq(survey.found[0].first, 1795424832 * USEC_SECOND);
        survey_free(&survey);
    }
    arena_free(&arena);
}
END_TEST

START_TEST(empty)
{
    struct survey survey;
    input_write("mail.log", STR(""));
    ck_assert_int_eq(survey_one(&survey, input_path("mail.log"), 0, NULL), 0);
    ck_assert_uint_eq(survey.count, 1);
    ck_assert(survey.found[0].empty);
    survey_free(&survey);
    input_compress("mail.log", archive_write_add_filter_gzip, STR(""));
    ck_assert_int_eq(survey_one(&survey, input_path("mail.log"), 0, NULL), 0);
    ck_assert(survey.found[0].empty && !survey.found[0].damage);
    survey_free(&survey);
    input_write("mail.log", STR("\x1F\x8B\x08"));
    ck_assert_int_eq(survey_one(&survey, input_path("mail.log"), 0, NULL), 0);
    ck_assert(!survey.found[0].empty && survey.found[0].damage);
    ck_assert_str_eq(survey.found[0].damage->text, "truncated");
    survey_free(&survey);
}
END_TEST

static void make_folder(const char *name, const char *const *files)
{
    mkdir(input_path(name), 0700);
    for (; *files; files++) {
        char path[100];
        snprintf(path, sizeof path, "%s/%s", name, *files);
        input_write(path, strstr(*files, "text") ? STR("no log\n") : str_of(one_line));
    }
}

static void expect_names(const char *name, const char *expected)
{
    struct survey survey;
    struct why why = { 0 };
    char names[400] = "";
    size_t len = 0;
    ck_assert_msg(survey_one(&survey, input_path(name), 2026, &why) == 0, "%s", why.text);
    for (size_t i = 0; i < survey.count; i++) {
        len +=
            (size_t)snprintf(names + len, sizeof names - len, "%s ", strrchr(survey.found[i].path, '/') + 1);
    }
    survey_free(&survey);
    ck_assert_str_eq(names, expected);
}

START_TEST(folders)
{
    struct survey survey;
    struct why why = { 0 };
    make_folder("var", (const char *const[]){ "mail.log", "mail.log.1", "mail.err", "mail.info", "mail.warn",
                                              "syslog", "auth.log", ".mail.log.swp", "mail-text", NULL });
    expect_names("var", "mail.log mail.log.1 ");
    make_folder("info", (const char *const[]){ "mail.err", "mail.info", "mail.warn.1", "syslog", NULL });
    expect_names("info", "mail.info ");
    make_folder("plain", (const char *const[]){ "2026-11-01", "2026-11-02", "text", NULL });
    make_folder("plain/mailman", (const char *const[]){ NULL });
    expect_names("plain", "2026-11-01 2026-11-02 ");
    make_folder("texts", (const char *const[]){ "text", NULL });
    ck_assert_int_eq(survey_one(&survey, input_path("texts"), 0, &why), -1);
    survey_free(&survey);
    ck_assert_int_eq(why.status, EX_NOINPUT);
    ck_assert_ptr_nonnull(strstr(why.text, "none of the files in this folder is a log"));
    make_folder("nothing", (const char *const[]){ NULL });
    ck_assert_int_eq(survey_one(&survey, input_path("nothing"), 0, &why), -1);
    survey_free(&survey);
    ck_assert_ptr_nonnull(strstr(why.text, "no files in this folder"));
}
END_TEST

/* Many servers' sets in one folder; what editors leave, and what is there twice. */
START_TEST(folders_in_folders)
{
    make_folder("many", (const char *const[]){ "text", NULL });
    make_folder("many/mx1", (const char *const[]){ "mail.log", "mail.log~", "#mail.log#", "mail.log.bak",
                                                   ".mail.log", "syslog", NULL });
    make_folder("many/mx2", (const char *const[]){ NULL });
    make_folder("many/mx2/deep", (const char *const[]){ "maillog", "messages", NULL });
    make_folder("many/mx3", (const char *const[]){ "log-2026-11-01", "log-2026-11-02", "text", NULL });
    expect_names("many", "mail.log maillog log-2026-11-01 log-2026-11-02 ");
    /* Not below a folder that has its own. */
    make_folder("own", (const char *const[]){ "mail.log", NULL });
    make_folder("own/old", (const char *const[]){ "mail.log.9", NULL });
    expect_names("own", "mail.log ");
    /* Links: to a file, to a folder, and to the folder itself. */
    char target[512];
    make_folder("links", (const char *const[]){ NULL });
    make_folder("links/a", (const char *const[]){ "mail.log", NULL });
    snprintf(target, sizeof target, "%s", input_path("links/a/mail.log"));
    ck_assert_int_eq(link(target, input_path("links/a/mail.log.1")), 0);
    ck_assert_int_eq(symlink("mail.log", input_path("links/a/mail.log.2")), 0);
    ck_assert_int_eq(symlink("a", input_path("links/b")), 0);
    ck_assert_int_eq(symlink(".", input_path("links/c")), 0);
    ck_assert_int_eq(symlink("nowhere", input_path("links/d")), 0);
    expect_names("links", "mail.log ");
}
END_TEST

START_TEST(patterns)
{
    struct survey survey;
    struct why why = { 0 };
    make_folder("glob",
                (const char *const[]){ "mail.log", "mail.log.1", "mail.log.10", "syslog", "od[d", NULL });
    make_folder("glob/sub", (const char *const[]){ "mail.log", NULL });
    expect_names("glob/mail.log*", "mail.log mail.log.1 mail.log.10 ");
    expect_names("glob/mail.log.?", "mail.log.1 ");
    expect_names("glob/s*", "mail.log syslog "); /* a folder, too */
    expect_names("glob/od[d", "od[d ");          /* there is a file of that name */
    ck_assert_int_eq(survey_one(&survey, input_path("glob/maillog*"), 0, &why), -1);
    survey_free(&survey);
    ck_assert_int_eq(why.status, EX_NOINPUT);
    ck_assert_ptr_nonnull(strstr(why.text, "glob/maillog*: no such file, and none that matches"));
}
END_TEST

/* Sets of files without years: stamps of their lines, the files' times, --year, and when the first line of
 * each was. */
static const struct set {
    struct set_file {
        const char *name, *stamps[4], *modified, *first;
    } files[3];
    int year;
} sets[] = {
    /* clang-format off */
    /* the file's time tells, whether it is that of the last line or later */
    { { { "mail.log", { "Nov 20 00:00:00 ", "Nov 23 00:00:00 " }, "2024-11-23", "2024-11-20" } }, 0 },
    { { { "mail.log", { "Nov 20 00:00:00 ", "Nov 23 00:00:00 " }, "2025-06-01", "2024-11-20" } }, 0 },
    /* a clock that is ahead of the file's time by hours */
    { { { "mail.log", { "Nov 23 00:00:00 ", "Nov 23 12:00:00 " }, "2024-11-23", "2024-11-23" } }, 0 },
    /* copied on a day of the year that lies in the middle of it */
    { { { "mail.log", { "Nov 20 00:00:00 ", "Nov 30 00:00:00 " }, "2026-11-25", "2025-11-20" } }, 0 },
    /* over the turn of the year inside */
    { { { "mail.log", { "Dec 30 00:00:00 ", "Jan  2 00:00:00 " }, "2026-01-02", "2025-12-30" } }, 0 },
    /* over two turns */
    { { { "mail.log", { "Dec 30 00:00:00 ", "Jun  1 00:00:00 ", "Dec 31 00:00:00 ", "Jan  2 00:00:00 " },
          "2026-01-02", "2024-12-30" } }, 0 },
    /* a leap day, and a file that was copied years later */
    { { { "mail.log", { "Feb 29 00:00:00 ", "Mar  1 00:00:00 " }, "2026-11-25", "2024-02-29" } }, 0 },
    /* a set over the turn, by the files' times, in whatever order it is given */
    { { { "mail.log", { "Jan  2 00:00:00 ", "Jan  5 00:00:00 " }, "2026-01-05", "2026-01-02" },
        { "mail.log.1", { "Dec 26 00:00:00 ", "Jan  1 00:00:00 " }, "2026-01-01", "2025-12-26" },
        { "mail.log.2", { "Dec 19 00:00:00 ", "Dec 25 00:00:00 " }, "2025-12-25", "2025-12-19" } }, 0 },
    /* the same with --year, where the files' times do not count */
    { { { "mail.log", { "Jan  2 00:00:00 ", "Jan  5 00:00:00 " }, "2030-01-05", "2022-01-02" },
        { "mail.log.1", { "Dec 26 00:00:00 ", "Jan  1 00:00:00 " }, "2030-01-01", "2021-12-26" },
        { "mail.log.2", { "Dec 19 00:00:00 ", "Dec 25 00:00:00 " }, "2030-12-25", "2021-12-19" } }, 2021 },
    /* a year in months: all of that year */
    { { { "a.log", { "Jan  1 00:00:00 ", "Apr 30 00:00:00 " }, "2030-01-05", "2021-01-01" },
        { "b.log", { "May  1 00:00:00 ", "Aug 31 00:00:00 " }, "2030-01-01", "2021-05-01" },
        { "c.log", { "Sep  1 00:00:00 ", "Dec 31 00:00:00 " }, "2030-12-25", "2021-09-01" } }, 2021 },
    /* with --year, stamps that tell theirs keep it */
    { { { "a.log", { "2024-11-20T00:00:00Z ", "2024-11-21T00:00:00Z " }, "2030-01-05", "2024-11-20" },
        { "b.log", { "May  1 00:00:00 ", "Aug 31 00:00:00 " }, "2030-01-01", "2021-05-01" } }, 2021 },
    /* clang-format on */
};

static void write_set_file(const struct set_file *file, bool compressed)
{
    char text[1000];
    size_t len = 0;
    for (size_t i = 0; i < 4 && file->stamps[i]; i++)
        len += (size_t)snprintf(text + len, sizeof text - len,
                                "%smx postfix/smtpd[1]: connect from a.test[192.0.2.1]\n", file->stamps[i]);
    if (compressed)
        input_compress(file->name, archive_write_add_filter_gzip, (struct str){ text, len });
    else
        input_write(file->name, (struct str){ text, len });
    usec modified = 0;
    ck_assert(clock_parse(str_of(file->modified), &modified));
    input_set_time(file->name, modified);
}

START_TEST(years_of_files)
{
    const struct set *set = &sets[_i];
    for (int compressed = 0; compressed < 2; compressed++) {
        size_t count = 0;
        char paths[3][128];
        const char *given[3];
        for (; count < 3 && set->files[count].name; count++) {
            write_set_file(&set->files[count], compressed);
            snprintf(paths[count], sizeof paths[0], "%s", input_path(set->files[count].name));
            given[count] = paths[count];
        }
        struct survey survey;
        struct why why = { 0 };
        const struct survey_wishes wishes = { .year = set->year };
        ck_assert_msg(survey_inputs(&survey, given, count, &wishes, &empty_catalogue, &silent, &why) == 0,
                      "%s", why.text);
        ck_assert_uint_eq(survey.count, count);
        for (size_t i = 0; i < count; i++) {
            size_t j = 0;
            while (strcmp(survey.found[i].path, paths[j]) != 0)
                j++;
            usec first = 0;
            char text[CLOCK_TEXT_BYTES];
            ck_assert(clock_parse(str_of(set->files[j].first), &first));
            clock_format(survey.found[i].first, text);
            ck_assert_msg(survey.found[i].first == first, "%s: %s, not %s", set->files[j].name, text,
                          set->files[j].first);
            ck_assert(i == 0 || survey.found[i - 1].first <= first);
        }
        survey_free(&survey);
    }
}
END_TEST

/* A plain file larger than what is looked at: the turns of the year lie where samples are taken. */
START_TEST(years_of_a_long_file)
{
    FILE *to = fopen(input_path("long.log"), "w");
    for (usec day = clock_days(2021, 3, 1); day < clock_days(2026, 2, 1); day++) {
        int64_t year = 0;
        unsigned month = 0, date = 0;
        clock_date(day, &year, &month, &date);
        for (unsigned hour = 0; hour < 24; hour++)
            fprintf(to, "%.3s %2u %02u:00:00 mx postfix/smtpd[1]: connect from a.test[192.0.2.1]\n",
                    &"JanFebMarAprMayJunJulAugSepOctNovDec"[(month - 1) * 3], date, hour);
    }
    fclose(to);
    input_set_time("long.log", clock_days(2026, 3, 1) * USEC_DAY);
    struct survey survey;
    ck_assert_int_eq(survey_one(&survey, input_path("long.log"), 0, NULL), 0);
    ck_assert_int_eq(survey.found[0].year, 2021);
    ck_assert_int_eq(survey.found[0].first, clock_days(2021, 3, 1) * USEC_DAY);
    survey_free(&survey);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("source");
    TCase *t = tcase_create("source");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, each_compression, 0, FORMS);
    tcase_add_loop_test(t, nothing_compressed, 0, FORMS);
    tcase_add_loop_test(t, truncated, 0, FORMS);
    tcase_add_loop_test(t, damaged, 0, FORMS);
    tcase_add_loop_test(t, piped, 0, FORMS);
    tcase_add_test(t, gzip_members);
    tcase_add_test(t, missing);
    tcase_add_test(t, what_is_no_log);
    tcase_add_test(t, what_is_a_log);
    tcase_add_test(t, empty);
    tcase_add_test(t, folders);
    tcase_add_test(t, folders_in_folders);
    tcase_add_test(t, patterns);
    tcase_add_loop_test(t, years_of_files, 0, sizeof sets / sizeof *sets);
    tcase_add_test(t, years_of_a_long_file);
    suite_add_tcase(suite, t);
    return inputs_main(suite);
}
