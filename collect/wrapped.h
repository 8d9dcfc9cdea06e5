/* What the runtime of containers puts before each line that a program writes:
 *
 *     postfix-1  | Nov 23 09:07:12 mx postfix/smtpd[15649]: text           docker compose logs, in colour or
 * not [pod/mail-0/postfix] Nov 23 09:07:12 mx postfix/smtpd[15649]: text   kubectl logs --prefix
 *     2026-11-23T09:07:12.057203123Z Nov 23 09:07:12 mx postfix/smtpd…     docker logs -t, and behind the
 * above 2026-11-23T09:07:12.057203123Z stdout F Nov 23 09:07:12 mx postf…    Kubernetes' CRI, Podman's
 * k8s-file
 *     {"log":"Nov 23 09:07:12 mx postfix/smtpd[15649]: text\n","stream":"stdout","time":"2026-11-23T…"}
 *
 * Each is known by looking at the line alone. */
#ifndef COLLECT_WRAPPED_H
#define COLLECT_WRAPPED_H

#include <stdbool.h>
#include <stddef.h>
#include "base/clock.h"
#include "base/str.h"
#include "collect/syslog.h"

enum { WRAPPED_NAME_BYTES = 128 };

struct wrapping {
    usec at;                /* when the line was written; USEC_NONE: it does not tell */
    struct str name;        /* of the container, or of its pod; empty where it does not tell */
    unsigned char is_error; /* it came by stderr */
    bool is_part;           /* the line goes on in the next one of the same stream */
};

/* Takes a container's or pod's name off the front of a line. */
bool wrapped_cut_name(struct str *rest, struct str *name);
/* Takes a runtime's stamp off the front, where behind it there is what CRI puts there, or another stamp.
 * `stamps` remembers the last one. */
bool wrapped_cut_stamp(struct syslog *stamps, struct str *rest, struct wrapping *wrapping);
/* Takes a line of Docker's json-file apart, or of one like it (Fluent Bit, Vector); the text is put into
 * `to`, its name may be a view of the line. Returns the text's length, be it more than `room`; -1 where it is
 * none. */
long wrapped_json(struct syslog *stamps, struct str line, char *to, size_t room, struct wrapping *wrapping);
/* The name of the pod or container whose log lies at `path`, by the folders in which Kubernetes and Docker
 * keep them, copied to `name`; empty elsewhere. */
struct str wrapped_name_of(const char *path, char name[WRAPPED_NAME_BYTES]);

#endif
