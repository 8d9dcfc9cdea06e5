/* The manual's prose, as doc/ has it, in a markup small enough to be read as it stands:
 *
 *     # Heading
 *     A paragraph; its lines are joined, and `this` is set in bold.
 *         four blanks: as it stands
 *     `term`:: what it is, to the end of the paragraph
 *     - a point of a list, to the end of the paragraph or the next point
 */
#ifndef CLI_PROSE_H
#define CLI_PROSE_H

#include "base/str.h"

enum prose { PROSE_HEADING, PROSE_PARAGRAPH, PROSE_LITERAL, PROSE_TERM, PROSE_POINT };

typedef void prose_taker(void *state, enum prose kind, struct str term, struct str block);

/* Calls `take` for each block of `text` in order. Of paragraphs, terms and points the text has its line
 * breaks still; a PROSE_LITERAL is one line without its indent; `term` is only filled for PROSE_TERM. */
void prose_each(struct str text, prose_taker *take, void *state);

#endif
