/* Lists of a policy: who is in them. A list may be a file with a hundred thousand entries, and is asked about
 * every attempt, so what is long is sorted once. */
#ifndef ANALYZE_LISTS_H
#define ANALYZE_LISTS_H

#include "analyze/policy.h"

/* Makes a list that has just been read quick to look into; the memory is the arena's. */
void networks_index(struct networks *networks, struct arena *arena);
void texts_index(struct texts *texts, struct arena *arena);
/* Puts them in order and takes out what stands twice. */
void numbers_sort(struct numbers *numbers);

bool networks_hold(const struct networks *networks, const struct ip *ip);
bool numbers_hold(const struct numbers *numbers, uint32_t number);
/* Texts are compared without case. */
bool texts_hold(const struct texts *texts, struct str text);
/* Whether an address is in a list of addresses and @domains. */
bool texts_hold_address(const struct texts *texts, struct str address);
/* Whether a domain is in a list of domains (written with or without @ or . before them), or below one. */
bool texts_hold_domain(const struct texts *texts, struct str domain);
/* The same, but not below one. */
bool texts_hold_exactly(const struct texts *texts, struct str domain);

bool networks_equal(const struct networks *a, const struct networks *b);
bool numbers_equal(const struct numbers *a, const struct numbers *b);
bool texts_equal(const struct texts *a, const struct texts *b);

#endif
