/* A small formula over named figures: "stopped - 50*wanted_lost - 5*wanted_told". */
#ifndef ANALYZE_FORMULA_H
#define ANALYZE_FORMULA_H

#include <stddef.h>
#include "base/memory.h"
#include "base/str.h"
#include "base/why.h"

struct formula_step;
struct formula {
    struct formula_step *steps; /* as on a stack */
    size_t count, room;
};

/* Reads numbers, names out of `names`, + - * / and parentheses, with the usual precedence. 0, or -1 with why
 * (EX_USAGE): what is wrong, at which character, and the cure. Names are letters, digits, _ and dots. */
int formula_read(struct formula *formula, struct str text, const char *const *names, size_t count,
                 struct why *why);
void formula_free(struct formula *formula);
/* Its value where the names have these values; not finite where it divides by nothing. */
double formula_value(const struct formula *formula, const double *values);

#endif
