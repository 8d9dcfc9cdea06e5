/* What stands around tables: paragraphs, and numbers that are no counts. */
#ifndef REPORT_WORDS_H
#define REPORT_WORDS_H

#include <stdint.h>
#include <stdio.h>
#include "analyze/tally.h"
#include "base/str.h"
#include "report/table.h"

enum { TEXT_COLUMNS = 78, NUMBER_BYTES = 48 };

/* A paragraph: in lines of TEXT_COLUMNS, in Markdown as one line, escaped. It may be anybody's text. */
void words_put(FILE *to, enum table_format format, struct str text);
void words_say(FILE *to, enum table_format format, const char *words, ...)
    __attribute__((format(printf, 3, 4)));

/* With so many digits behind the point, halves away from zero, in every locale: "3.25", "-0.5". What is not
 * finite is empty. Returns `text`. */
const char *number_text(double number, unsigned places, char text[NUMBER_BYTES]);

/* "412", or "412 [398, 431]" where it is not exact; in `arena`. */
struct str bounded_text(const struct bounded *bounded, struct arena *arena);

#endif
