/* gnuplot as a child: a script in, a picture out, and never a hang. Data are part of the script; no shell, no
 * file and no start-up file of the user's is between. */
#ifndef REPORT_GNUPLOT_H
#define REPORT_GNUPLOT_H

#include <stddef.h>
#include "base/str.h"
#include "base/why.h"

struct gnuplot {
    const char *program;   /* NULL: $GNUPLOT, else gnuplot in PATH */
    const char *templates; /* a folder of the user's own templates (chart.h); NULL: those that come with
                              mxreplay */
    unsigned patience_ms;  /* without progress for so long it counts as hanging; 0: 30 s */
};

struct picture_bytes {
    char *at; /* the caller's, to free() */
    size_t len;
};

/* Runs `script` and catches what it draws on stdout. 0, or -1 with why and the cure: not found
 * (EX_UNAVAILABLE), died, was killed, does not go on, drew nothing or too much (EX_SOFTWARE). `gnuplot` may
 * be NULL. */
int gnuplot_run(const struct gnuplot *gnuplot, struct str script, struct picture_bytes *picture,
                struct why *why);

#endif
