/* The screen of `mxreplay tune`. */
#ifndef REPORT_TUNE_SCREEN_H
#define REPORT_TUNE_SCREEN_H

#include "analyze/trial.h"
#include "analyze/tuning.h"
#include "report/screen.h"

enum tune_page { TUNE_TABLE, TUNE_HELP, TUNE_COMPARE };

struct tune_shown {
    struct tuning *tuning;
    const struct figures *now;    /* the newest there are; NULL: none yet */
    const struct figures *loaded; /* of the policy as it was loaded; NULL: none yet */
    bool fresh;                   /* `now` is of the policy that is shown */
    struct str name;              /* of the policy */
    enum tune_page page;
    size_t place, knob;         /* which measure, and which of its knobs, the keys are for */
    size_t scroll;              /* first line of the other pages; put right where it is too much */
    struct str message;         /* at == NULL: none; may be anybody's text */
    bool is_error;              /* the message says why something was not done */
    struct str question, typed; /* what is asked, and the answer so far; at == NULL: nothing is asked */
    struct str verdict;         /* for the comparison, a sentence; at == NULL: it is not there yet */
};

enum { TUNE_ROWS_LEAST = 10, TUNE_COLUMNS_LEAST = 40 };

/* Draws it all on a blank screen. */
void tune_draw(struct screen *screen, struct tune_shown *shown);

#endif
