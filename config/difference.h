/* What a server's lines enforce and what was asked for, in words. Only config/ includes this. */
#ifndef CONFIG_DIFFERENCE_H
#define CONFIG_DIFFERENCE_H

#include "config/config.h"

/* Says each way in which `has` is not `asked`: rules that are missing, other parameters, exemptions, stages,
 * replies, another order. Nothing is said where a replay of both must be the same; names, titles and costs
 * are mxreplay's own. `hint` (may be NULL) says what a server has in place of a measure. */
void policy_differences(const struct policy *asked, const struct policy *has, const char *server,
                        const char *(*hint)(const char *measure), struct exported *exported);

#endif
