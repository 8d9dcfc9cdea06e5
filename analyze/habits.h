/* Retry habits: whether a client comes back after a 4xx, from what it did in the record (semantics.md section
 * 5). */
#ifndef ANALYZE_HABITS_H
#define ANALYZE_HABITS_H

#include "analyze/columns.h"

enum habit { HABIT_UNKNOWN, HABIT_RETRIES, HABIT_GIVES_UP };

struct habits;
struct habits *habits_new(const struct columns *columns);
void habits_free(struct habits *habits);
/* Of the client of an attempt: of its address, or of its network. */
enum habit habit_of(const struct habits *habits, uint32_t attempt, bool by_address);

#endif
