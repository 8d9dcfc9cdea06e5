/* The answers of a DNS list that count, as Postfix and Exim write them, and as policies do. Only config/
 * includes this. */
#ifndef CONFIG_REPLIES_H
#define CONFIG_REPLIES_H

#include "analyze/policy.h"

/* "127.0.0.[2..11]", "127.0.0.[2;4..7]", "127.0.0.2" (postconf(5), reject_rbl_client), added to the networks.
 * False where it is none, or stands for more than can be written. */
bool replies_add(struct arena *arena, struct networks *replies, struct str pattern);
/* One pattern that stands for exactly these, or at == NULL where none does. */
struct str replies_pattern(struct arena *arena, const struct networks *replies);
/* All of them, each alone; no more than `most`, 0 where there are more. */
size_t replies_each(const struct networks *replies, uint32_t *answers, size_t most);

#endif
