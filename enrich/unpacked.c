/* The bytes of a file, whatever it is compressed with: libarchive with its filters that start no program. */
#define _GNU_SOURCE
#include "enrich/unpacked.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>
#include "base/memory.h"

enum { BLOCK_BYTES = 1024 * 1024 };

struct unpacked {
    struct archive *archive;
    const char *path;
    int fd;
    bool ended;
};

void unpacked_close(struct unpacked *in)
{
    if (!in)
        return;
    if (in->archive)
        archive_read_free(in->archive);
    if (in->fd > STDIN_FILENO)
        close(in->fd);
    free(in);
}

static int failed(const struct unpacked *in, struct why *why)
{
    const char *text = archive_error_string(in->archive);
    return why_set(why, archive_errno(in->archive) == EIO ? EX_IOERR : EX_DATAERR,
                   "%s: cannot be read to its end: %s", in->path, text ? text : "damaged");
}

static int open_archive(struct unpacked *in, struct why *why)
{
    struct archive_entry *entry = NULL;
    in->archive = archive_read_new();
    if (!in->archive)
        return why_set(why, EX_OSERR, "out of memory");
    archive_read_support_filter_gzip(in->archive);
    archive_read_support_filter_bzip2(in->archive);
    archive_read_support_filter_xz(in->archive);
    archive_read_support_filter_zstd(in->archive);
    archive_read_support_filter_lz4(in->archive);
    archive_read_support_format_raw(in->archive);
    archive_read_support_format_empty(in->archive); /* raw wants a byte */
    int result = archive_read_open_fd(in->archive, in->fd, BLOCK_BYTES);
    if (result == ARCHIVE_OK)
        result = archive_read_next_header(in->archive, &entry);
    in->ended = result == ARCHIVE_EOF;
    return result == ARCHIVE_OK || in->ended ? 0 : failed(in, why);
}

struct unpacked *unpacked_open(const char *path, usec *changed, struct why *why)
{
    struct stat status;
    bool is_stdin = strcmp(path, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status)) {
        why_set(why, errno == EACCES ? EX_NOPERM : EX_NOINPUT, "%s: cannot be read: %s", path,
                strerror(errno));
        return NULL;
    }
    struct unpacked *in = mem_zero(1, sizeof *in);
    *in = (struct unpacked){ .path = is_stdin ? "stdin" : path, .fd = fd };
    *changed = S_ISREG(status.st_mode) ? status.st_mtim.tv_sec * USEC_SECOND : USEC_NONE;
    if (S_ISDIR(status.st_mode))
        why_set(why, EX_NOINPUT, "%s: is a folder; name its files", path);
    else if (open_archive(in, why) == 0)
        return in;
    unpacked_close(in);
    return NULL;
}

int unpacked_next(struct unpacked *in, struct str *bytes, struct why *why)
{
    const void *block = NULL;
    la_int64_t offset = 0;
    if (in->ended)
        return 0;
    int result = archive_read_data_block(in->archive, &block, &bytes->len, &offset);
    bytes->at = block;
    if (result == ARCHIVE_EOF)
        return 0;
    return result >= ARCHIVE_WARN ? 1 : failed(in, why);
}
