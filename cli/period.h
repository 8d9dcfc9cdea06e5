/* "NAME@FROM..TO": something that holds for a time, as options take it. */
#ifndef CLI_PERIOD_H
#define CLI_PERIOD_H

#include "base/clock.h"
#include "base/str.h"
#include "base/why.h"

/* Cuts the period off; either end may be left out (USEC_NONE), and an @ without .. behind it is part of the
 * name. `option` is what errors call it. 0, or -1 with why. */
int period_cut(const char *option, struct str text, struct str *name, usec *from, usec *to, struct why *why);

#endif
