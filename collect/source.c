/* Bytes of an input. What it is compressed with is told by its first bytes, never by its name. Plain files
 * are read straight into the caller's block. (Mapping them is no faster, and a file that is truncated
 * meanwhile would end the program.) gzip is inflated here, since libarchive drops up to 64 KiB before a
 * truncation; everything else is libarchive's, with the one filter that the first bytes ask for: some of its
 * others start programs.
 *
 * What is compressed and longer than the first block is unpacked by a thread of its own: from then on the
 * parts are its, but for what is said otherwise. */
#define _GNU_SOURCE
#include "collect/source.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>
#include <zlib.h>
#include "base/memory.h"
#include "collect/ahead.h"

enum { RAW_BYTES = 64 * 1024, GZIP_HEADER_BYTES = 10 };

struct compression {
    struct str magic;
    const char *name;
    int (*filter)(struct archive *archive); /* NULL: gzip */
};

static const struct compression compressions[] = {
    { STR_INIT("\x1F\x8B"), "gzip", NULL },
    { STR_INIT("\x1F\x9D"), "compress", archive_read_support_filter_compress },
    { STR_INIT("BZh"), "bzip2", archive_read_support_filter_bzip2 },
    { STR_INIT("\3757zXZ"), "xz", archive_read_support_filter_xz },
    { STR_INIT("\x28\xB5\x2F\xFD"), "zstd", archive_read_support_filter_zstd },
    { STR_INIT("\x04\x22\x4D\x18"), "lz4", archive_read_support_filter_lz4 },
    { STR_INIT("LZIP"), "lzip", archive_read_support_filter_lzip },
    { STR_INIT("\x5D\0\0"), "lzma", archive_read_support_filter_lzma },
};

struct source_parts {
    int fd;
    const struct compression *compression; /* NULL: none */
    size_t raw_at, raw_len;                /* what of raw[] has not been taken yet */
    bool raw_ended;
    char *look; /* what was looked at and not read since */
    size_t look_at, look_len;
    z_stream gzip;
    bool whole_member; /* gzip: one has ended */
    struct archive *archive;
    const char *block; /* libarchive's */
    size_t block_len;
    bool ended;
    struct why failed;   /* to be told when what came before it has been handed over */
    struct ahead *ahead; /* the reader's; NULL: nobody reads ahead */
    _Atomic uint64_t consumed;
    char raw[RAW_BYTES];
};

static ssize_t read_retrying(struct source_parts *parts, char *to, size_t size, struct why *why)
{
    ssize_t got = 0;
    do
        got = read(parts->fd, to, size);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return why_set(why, EX_IOERR, "cannot be read: %s", strerror(errno));
    parts->consumed += (uint64_t)got;
    return got;
}

/* Sees to it that raw bytes are there. Returns whether there are any, or -1. */
static int fill_raw(struct source_parts *parts, struct why *why)
{
    if (parts->raw_len == 0 && !parts->raw_ended) {
        ssize_t got = read_retrying(parts, parts->raw, RAW_BYTES, why);
        if (got < 0)
            return -1;
        parts->raw_at = 0;
        parts->raw_len = (size_t)got;
        parts->raw_ended = got == 0;
    }
    return parts->raw_len > 0;
}

static ssize_t take(char *to, size_t size, const char *from, size_t *at, size_t *len)
{
    size_t n = size < *len ? size : *len;
    memcpy(to, from + *at, n);
    *at += n;
    *len -= n;
    return (ssize_t)n;
}

static ssize_t read_plain(struct source_parts *parts, char *to, size_t size, struct why *why)
{
    if (parts->raw_len)
        return take(to, size, parts->raw, &parts->raw_at, &parts->raw_len);
    return read_retrying(parts, to, size, why);
}

/* A gzip file is one member after the other (RFC 1952 2.2); what follows the last and is none, usually
 * padding, counts for nothing, as with gzip -d. */
static ssize_t read_gzip(struct source_parts *parts, char *to, size_t size, struct why *why)
{
    z_stream *gzip = &parts->gzip;
    gzip->next_out = (Bytef *)to;
    gzip->avail_out = (uInt)(size < UINT32_MAX ? size : UINT32_MAX);
    while (gzip->avail_out && !parts->ended) {
        int more = fill_raw(parts, why);
        if (more < 0)
            break;
        bool padding = parts->whole_member && gzip->total_in < GZIP_HEADER_BYTES;
        if (more == 0) {
            parts->ended = true;
            if (!padding)
                why_set(why, EX_DATAERR, "truncated");
            break;
        }
        gzip->next_in = (Bytef *)parts->raw + parts->raw_at;
        gzip->avail_in = (uInt)parts->raw_len;
        int result = inflate(gzip, Z_NO_FLUSH);
        if (result == Z_DATA_ERROR && padding) {
            parts->ended = true;
            break;
        }
        parts->raw_at += parts->raw_len - gzip->avail_in;
        parts->raw_len = gzip->avail_in;
        if (result == Z_STREAM_END) {
            parts->whole_member = true;
            inflateReset(gzip);
        } else if (result != Z_OK && result != Z_BUF_ERROR) {
            why_set(why, EX_DATAERR, "damaged (gzip: %s)", gzip->msg ? gzip->msg : "invalid");
            break;
        }
    }
    ssize_t got = (char *)gzip->next_out - to;
    return got == 0 && why->status ? -1 : got;
}

static la_ssize_t feed_archive(struct archive *archive, void *state, const void **block)
{
    struct source_parts *parts = state;
    struct why why = { 0 };
    int more = fill_raw(parts, &why);
    if (more < 0) {
        archive_set_error(archive, EIO, "%s", why.text);
        return ARCHIVE_FATAL;
    }
    *block = parts->raw + parts->raw_at;
    la_ssize_t len = (la_ssize_t)parts->raw_len;
    parts->raw_len = 0;
    return len;
}

/* libarchive has other words for a truncation with each filter, some of them misleading: so what fails at the
 * end of the raw bytes wanted more of them, unless it says that they are bad. */
static ssize_t archive_failed(const struct source_parts *parts, struct why *why)
{
    const char *text = archive_error_string(parts->archive);
    if (parts->raw_ended && !(text && (strstr(text, "orrupt") || strstr(text, " failed"))))
        return why_set(why, EX_DATAERR, "truncated");
    if (archive_errno(parts->archive) == EIO)
        return why_set(why, EX_IOERR, "%s", text ? text : "cannot be read");
    return why_set(why, EX_DATAERR, "damaged (%s: %s)", parts->compression->name, text ? text : "invalid");
}

static int open_archive(struct source_parts *parts, struct why *why)
{
    struct archive_entry *entry = NULL;
    parts->archive = archive_read_new();
    if (!parts->archive)
        return why_set(why, EX_OSERR, "out of memory");
    parts->compression->filter(parts->archive);
    archive_read_support_format_raw(parts->archive);
    archive_read_support_format_empty(parts->archive); /* raw wants a byte */
    int result = archive_read_open(parts->archive, parts, NULL, feed_archive, NULL);
    if (result == ARCHIVE_OK)
        result = archive_read_next_header(parts->archive, &entry);
    parts->ended = result == ARCHIVE_EOF;
    return result == ARCHIVE_OK || parts->ended ? 0 : (int)archive_failed(parts, why);
}

static ssize_t read_archive(struct source_parts *parts, char *to, size_t size, struct why *why)
{
    if (!parts->archive && open_archive(parts, why))
        return -1;
    if (parts->ended)
        return 0;
    while (parts->block_len == 0) {
        const void *block = NULL;
        la_int64_t offset = 0;
        int result = archive_read_data_block(parts->archive, &block, &parts->block_len, &offset);
        if (result == ARCHIVE_EOF)
            return 0;
        if (result < ARCHIVE_WARN) {
            parts->block_len = 0;
            return archive_failed(parts, why);
        }
        parts->block = block;
    }
    size_t at = 0;
    ssize_t got = take(to, size, parts->block, &at, &parts->block_len);
    parts->block += at;
    return got;
}

/* Reads what comes next, what was looked at left aside. A failure with bytes before it waits for the next
 * call. */
static ssize_t read_next(struct source_parts *parts, char *to, size_t size)
{
    if (parts->failed.status)
        return -1;
    if (!parts->compression)
        return read_plain(parts, to, size, &parts->failed);
    if (parts->compression->filter)
        return read_archive(parts, to, size, &parts->failed);
    return read_gzip(parts, to, size, &parts->failed);
}

static ssize_t read_ahead(void *state, char *to, size_t size, struct why *why)
{
    struct source_parts *parts = state;
    ssize_t got = read_next(parts, to, size);
    if (got < 0)
        *why = parts->failed;
    return got;
}

ssize_t source_read(void *state, char *to, size_t size, struct why *why)
{
    struct source *source = state;
    struct source_parts *parts = source->parts;
    if (parts->look_len)
        return take(to, size, parts->look, &parts->look_at, &parts->look_len);
    if (parts->look) {
        free(parts->look);
        parts->look = NULL;
    }
    if (parts->compression && !parts->ahead && !parts->raw_ended && parts->consumed > RAW_BYTES)
        parts->ahead = ahead_begin(read_ahead, parts);
    ssize_t got = parts->ahead ? ahead_read(parts->ahead, to, size, why) : read_next(parts, to, size);
    if (got < 0 && why && !parts->ahead)
        *why = parts->failed;
    source->consumed = parts->consumed;
    return got;
}

struct str source_look(struct source *source, size_t size)
{
    struct source_parts *parts = source->parts;
    if (parts->look_len < size)
        parts->look = mem_resize(parts->look, size, 1);
    while (parts->look_len < size) {
        ssize_t got = read_next(parts, parts->look + parts->look_len, size - parts->look_len);
        if (got <= 0)
            break;
        parts->look_len += (size_t)got;
    }
    return (struct str){ parts->look, parts->look_len };
}

bool source_seek(struct source *source, uint64_t position)
{
    struct source_parts *parts = source->parts;
    if (source->compression || source->stream || position > source->size ||
        lseek(parts->fd, (off_t)position, SEEK_SET) < 0)
        return false;
    parts->consumed = position;
    source->consumed = position;
    parts->raw_len = parts->look_len = 0;
    parts->raw_ended = false;
    return true;
}

uint64_t source_position(const struct source *source)
{
    return source->parts->consumed - source->parts->raw_len - source->parts->look_len;
}

size_t source_copy(const struct source *source, uint64_t position, char *to, size_t size)
{
    ssize_t got = 0;
    do
        got = pread(source->parts->fd, to, size, (off_t)position);
    while (got < 0 && errno == EINTR);
    return got > 0 ? (size_t)got : 0;
}

struct source_file source_file(const struct source *source)
{
    struct stat status;
    if (fstat(source->parts->fd, &status) != 0)
        return (struct source_file){ 0 };
    return (struct source_file){ (uint64_t)status.st_dev, (uint64_t)status.st_ino, status.st_nlink != 0 };
}

void source_name(const struct source *source, char name[SOURCE_NAME_BYTES])
{
    snprintf(name, SOURCE_NAME_BYTES, "/proc/self/fd/%d", source->parts->fd);
}

static const struct compression *recognise(struct str raw)
{
    for (size_t i = 0; i < sizeof compressions / sizeof *compressions; i++)
        if (str_starts(raw, compressions[i].magic))
            return &compressions[i];
    return NULL;
}

static int open_failed(const char *path, struct why *why)
{
    if (errno == EACCES || errno == EPERM)
        return why_set(why, EX_NOPERM,
                       "%s: permission denied; on most systems root and the group adm may read mail logs",
                       path);
    return why_set(why, EX_NOINPUT, "%s: %s", path, strerror(errno));
}

int source_open(struct source *source, const char *path, struct why *why)
{
    struct stat status;
    bool is_stdin = strcmp(path, "-") == 0;
    int fd = is_stdin ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0 || fstat(fd, &status) < 0) {
        open_failed(path, why);
        if (fd >= 0)
            close(fd);
        return -1;
    }
    struct source_parts *parts = mem_zero(1, sizeof *parts);
    parts->fd = fd;
    *source = (struct source){ .path = path, .stream = is_stdin || !S_ISREG(status.st_mode), .parts = parts };
    source->size = source->stream ? 0 : (uint64_t)status.st_size;
    source->modified =
        source->stream ? clock_now() : status.st_mtim.tv_sec * USEC_SECOND + status.st_mtim.tv_nsec / 1000;
    posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    /* A pipe may hand over its first bytes one by one: the longest magic must be there. */
    while (parts->raw_len < 8 && !parts->raw_ended) {
        ssize_t got = read_retrying(parts, parts->raw + parts->raw_len, RAW_BYTES - parts->raw_len, why);
        if (got < 0) {
            why_prefix(why, "%s: ", path);
            source_close(source);
            return -1;
        }
        parts->raw_len += (size_t)got;
        parts->raw_ended = got == 0;
    }
    parts->compression = recognise((struct str){ parts->raw, parts->raw_len });
    source->compression = parts->compression ? parts->compression->name : NULL;
    if (parts->compression && !parts->compression->filter &&
        inflateInit2(&parts->gzip, 16 + MAX_WBITS) != Z_OK) {
        source_close(source);
        return why_set(why, EX_OSERR, "%s: out of memory", path);
    }
    return 0;
}

void source_close(struct source *source)
{
    struct source_parts *parts = source->parts;
    if (!parts)
        return;
    ahead_end(parts->ahead);
    if (parts->archive)
        archive_read_free(parts->archive);
    if (parts->compression && !parts->compression->filter)
        inflateEnd(&parts->gzip);
    close(parts->fd);
    free(parts->look);
    free(parts);
    *source = (struct source){ 0 };
}
