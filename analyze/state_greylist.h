/* Greylisting's state, for measures that are greylisting under another name. */
#ifndef ANALYZE_STATE_GREYLIST_H
#define ANALYZE_STATE_GREYLIST_H

#include "analyze/measure/parameters.h"
#include "analyze/state.h"

/* A measure's parameters seen as greylisting's. */
typedef struct greylist_parameters greylist_view(const void *parameters);

void *greylist_begin(const struct judging *judging, greylist_view *view);
void greylist_end(void *given);
enum tri greylist_ask(void *given, const struct asking *asking);
void greylist_retry(void *given, const struct asking *asking);
void greylist_forget(void *given, size_t attempts, bool named);
void greylist_again(void *given, const struct judging *judging);

#endif
