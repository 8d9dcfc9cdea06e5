/* The bytes of a file, whatever it is compressed with. */
#ifndef ENRICH_UNPACKED_H
#define ENRICH_UNPACKED_H

#include "base/clock.h"
#include "base/str.h"
#include "base/why.h"

struct unpacked;

/* "-" is stdin. *changed is when the file was written, USEC_NONE where it is none. NULL with why: "PATH: ..."
 */
struct unpacked *unpacked_open(const char *path, usec *changed, struct why *why);
/* The next bytes, which last until the next call. 1, 0 at the end, or -1 with why. A file that was cut off is
 * an error: half a list would say that the other half is not listed. */
int unpacked_next(struct unpacked *in, struct str *bytes, struct why *why);
void unpacked_close(struct unpacked *in);

#endif
