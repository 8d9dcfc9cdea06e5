/* The other pages of `mxreplay tune`: the keys, and what is changed. */
#ifndef REPORT_TUNE_PAGES_H
#define REPORT_TUNE_PAGES_H

#include "report/tune_screen.h"

/* Fills the screen between its first line and its last two. */
void tune_page_draw(struct screen *screen, struct tune_shown *shown);

#endif
