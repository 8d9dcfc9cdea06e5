/* Colours: a measure has the same one in every graph, table and page. */
#ifndef REPORT_PALETTE_H
#define REPORT_PALETTE_H

#include <stddef.h>
#include <stdint.h>
#include "analyze/tally.h"

struct ink {
    uint32_t rgb; /* 0xrrggbb */
    char glyph;   /* where there are no colours */
};

/* The inks of a tally's rows; `inks` has row_count places. Rows whose name is no measure's (a policy may name
 * the instances of a measure) get what the others leave over. */
void palette_assign(const struct tally *tally, struct ink *inks);
/* Of a measure by itself; one that is named otherwise may have another colour beside others. */
struct ink palette_of(struct str name);
/* What of accepted mail is drawn in: green on white and on black. */
struct ink palette_accepted(void);
/* The nearest of a terminal's 256 colours: one of the 6x6x6 cube. */
unsigned palette_terminal(uint32_t rgb);

#endif
