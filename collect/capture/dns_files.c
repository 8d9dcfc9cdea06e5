/* Captures of DNS that lie apart from those of SMTP. */
#include "collect/capture/dns_files.h"

#include <inttypes.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sysexits.h>
#include "base/memory.h"

struct dns_file {
    struct source source;
    struct frames *frames; /* NULL: read to its end */
    struct datagram next;
};

struct dns_files {
    size_t count;
    struct dns_file file[];
};

/* Reads the next datagram of a file. -1 with why where it cannot be read on. */
static int read_on(struct dns_file *file, struct why *why)
{
    int got = frames_next(file->frames, &file->next, why);
    if (got == 1)
        return 0;
    if (got < 0)
        why_prefix(why, "%s: packet %" PRIu64 ": ", file->source.path,
                   frames_counts(file->frames)->packets + 1);
    frames_close(file->frames);
    file->frames = NULL;
    return got;
}

static int open_file(struct dns_file *file, const char *path, struct why *why)
{
    if (source_open(&file->source, path, why))
        return -1;
    if (!frames_recognise(source_look(&file->source, 4)))
        return why_set(why, EX_DATAERR,
                       "%s: not a packet capture; --dns-file takes one, as tcpdump -w writes it", path);
    file->frames = frames_open(&file->source, why);
    if (!file->frames) {
        why_prefix(why, "%s: ", path);
        return -1;
    }
    return read_on(file, why);
}

struct dns_files *dns_files_open(const char *const *paths, size_t count, struct why *why)
{
    struct dns_files *files = mem_zero(1, sizeof *files + count * sizeof *files->file);
    for (; files->count < count; files->count++)
        if (open_file(&files->file[files->count], paths[files->count], why)) {
            files->count++;
            dns_files_close(files);
            return NULL;
        }
    return files;
}

void dns_files_close(struct dns_files *files)
{
    if (!files)
        return;
    for (size_t i = 0; i < files->count; i++) {
        if (files->file[i].frames)
            frames_close(files->file[i].frames);
        source_close(&files->file[i].source);
    }
    free(files);
}

void dns_files_advance(struct dns_files *files, usec upto, struct answers *answers, struct dns_stream *stream,
                       struct why *why)
{
    for (size_t i = 0; i < files->count; i++) {
        struct dns_file *file = &files->file[i];
        while (file->frames && file->next.at <= upto) {
            if (file->next.protocol == IPPROTO_UDP)
                answers_take_udp(answers, &file->next);
            else
                dns_stream_take(stream, &file->next);
            read_on(file, why);
        }
    }
}
