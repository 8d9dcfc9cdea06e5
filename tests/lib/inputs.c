/* Inputs for the collector's tests. */
#define _GNU_SOURCE
#include "tests/lib/inputs.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static char folder[] = "/tmp/mxreplay-inputs-XXXXXX";

const char *input_path(const char *name)
{
    static char path[16][128];
    static unsigned turn;
    char *at = path[turn++ % 16];
    snprintf(at, sizeof path[0], "%s/%s", folder, name);
    return at;
}

void input_write(const char *name, struct str bytes)
{
    FILE *to = fopen(input_path(name), "wb");
    ck_assert_ptr_nonnull(to);
    ck_assert_uint_eq(fwrite(bytes.at, 1, bytes.len, to), bytes.len);
    ck_assert_int_eq(fclose(to), 0);
}

void input_compress(const char *name, int (*filter)(struct archive *archive), struct str bytes)
{
    struct archive *to = archive_write_new();
    struct archive_entry *entry = archive_entry_new();
    ck_assert_int_eq(filter(to), ARCHIVE_OK);
    archive_write_set_format_raw(to);
    ck_assert_int_eq(archive_write_open_filename(to, input_path(name)), ARCHIVE_OK);
    archive_entry_set_filetype(entry, AE_IFREG);
    ck_assert_int_eq(archive_write_header(to, entry), ARCHIVE_OK);
    ck_assert_int_eq(archive_write_data(to, bytes.at, bytes.len), (la_ssize_t)bytes.len);
    ck_assert_int_eq(archive_write_close(to), ARCHIVE_OK);
    archive_write_free(to);
    archive_entry_free(entry);
}

struct str input_read(const char *name, struct arena *arena)
{
    struct stat status;
    FILE *from = fopen(input_path(name), "rb");
    ck_assert(from && fstat(fileno(from), &status) == 0);
    size_t size = (size_t)status.st_size;
    char *bytes = arena_alloc(arena, size);
    ck_assert_uint_eq(fread(bytes, 1, size, from), size);
    fclose(from);
    return (struct str){ bytes, size };
}

struct str input_unpacked(const char *path, struct arena *arena)
{
    enum { BYTES_MOST = 16 * 1024 * 1024 };
    struct archive *from = archive_read_new();
    struct archive_entry *entry = NULL;
    char *bytes = arena_alloc(arena, BYTES_MOST);
    size_t len = 0;
    archive_read_support_filter_all(from);
    archive_read_support_format_raw(from);
    ck_assert_int_eq(archive_read_open_filename(from, path, 65536), ARCHIVE_OK);
    ck_assert_int_eq(archive_read_next_header(from, &entry), ARCHIVE_OK);
    for (ssize_t got = 1; got > 0; len += (size_t)got)
        ck_assert_int_ge(got = archive_read_data(from, bytes + len, BYTES_MOST - len), 0);
    ck_assert_uint_lt(len, BYTES_MOST);
    archive_read_free(from);
    return (struct str){ bytes, len };
}

void input_set_time(const char *name, usec modified)
{
    struct timespec times[2] = { { .tv_sec = modified / USEC_SECOND }, { .tv_sec = modified / USEC_SECOND } };
    ck_assert_int_eq(utimensat(AT_FDCWD, input_path(name), times, 0), 0);
}

char *log_line(char *at, unsigned second, unsigned session, const char *word)
{
    return at + sprintf(at, "Nov 23 %02u:%02u:%02u mx postfix/smtpd[%u]: %s from unknown[10.0.%u.%u]\n",
                        second / 3600, second / 60 % 60, second % 60, 1000 + session % 50, word,
                        session / 250, session % 250);
}

struct str log_of(unsigned from, unsigned to, struct arena *arena)
{
    char *text = arena_alloc(arena, (size_t)(to - from) * 160 + 1), *end = text;
    *end = '\0';
    for (unsigned i = from; i <= to; i++) {
        if (i < to)
            end = log_line(end, i, i, "connect");
        if (i > from)
            end = log_line(end, i, i - 1, "disconnect");
    }
    return str_range(text, end);
}

struct str log_part(struct str log, size_t from, size_t to)
{
    const char *at = log.at, *begin = log.at;
    for (size_t line = 0; line < to; line++) {
        if (line == from)
            begin = at;
        at = (const char *)memchr(at, '\n', (size_t)(log.at + log.len - at)) + 1;
    }
    return str_range(begin, at);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *at)
{
    (void)status;
    (void)type;
    (void)at;
    return remove(path);
}

int inputs_main(Suite *suite)
{
    if (!mkdtemp(folder))
        return EXIT_FAILURE;
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
