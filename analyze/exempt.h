/* Who is not judged. What an exemption asks may not be known of a client; then it may be exempt, and a
 * measure that would hit may not. */
#ifndef ANALYZE_EXEMPT_H
#define ANALYZE_EXEMPT_H

#include "analyze/judging.h"

/* Whether a rule is for this attempt: exemptions, `when`. */
enum tri rule_applies(const struct columns *columns, const struct policy *policy, const struct rule *rule,
                      uint32_t attempt);
/* Whether that may be unknown for some attempt. */
bool rule_may_wonder(const struct policy *policy, const struct rule *rule);
/* Whether it rests on more than on who logged in. */
bool rule_is_selective(const struct policy *policy, const struct rule *rule);
/* Whether they are the same lists, not only like ones. */
bool exempt_is(const struct exempt *exempt, const struct exempt *other);
/* Whether two rules, each of its policy, exempt the same. */
bool rules_exempt_alike(const struct policy *policy, const struct rule *rule, const struct policy *other,
                        const struct rule *others);

/* Whether two rules, each of its policy, give the same verdict from evidence wherever both are asked. */
bool rules_judge_alike(const struct policy *policy, const struct rule *rule, const struct policy *other,
                       const struct rule *others);

/* What is not known where rule_applies() is unknown: "the client's autonomous system", and the kind of
 * evidence that would tell it (KINDS: none). */
struct wanting {
    const char *what;
    enum kind kind;
};
struct wanting rule_wants(const struct columns *columns, const struct policy *policy, const struct rule *rule,
                          uint32_t attempt);

bool exempt_is_empty(const struct exempt *exempt);

#endif
