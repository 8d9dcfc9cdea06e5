/* Captures of DNS that lie apart from those of SMTP: read along with these, by time. */
#ifndef COLLECT_CAPTURE_DNS_FILES_H
#define COLLECT_CAPTURE_DNS_FILES_H

#include "collect/capture/answers.h"
#include "collect/capture/dns_stream.h"

struct dns_files;

/* Opens them all; the paths must last. NULL with why. */
struct dns_files *dns_files_open(const char *const *paths, size_t count, struct why *why);
void dns_files_close(struct dns_files *files);
/* Takes what was captured up to `upto`. Where one of them cannot be read on, *why says so, what came before
 * has been taken, and the others go on. */
void dns_files_advance(struct dns_files *files, usec upto, struct answers *answers, struct dns_stream *stream,
                       struct why *why);

#endif
