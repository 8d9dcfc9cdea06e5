/* A policy in the making, and what is told of each thing that it was made from. Only config/ includes this.
 */
#ifndef CONFIG_DRAFT_H
#define CONFIG_DRAFT_H

#include "analyze/measure.h"
#include "analyze/measure/parameters.h"
#include "config/config.h"

struct place {
    const char *file;
    size_t line;
};

/* Comments as they grow, a line each. */
struct remark {
    char *text;
    size_t len, room;
};

/* A rule as it is made: what policy.h's has, and what is needed until it is done. */
struct draft_rule {
    struct rule rule;
    void *parameters;        /* the same as the rule's, to be filled */
    const char *suffix;      /* what it is called where there are several of its kind: "resolves" */
    bool says_4xx, says_5xx; /* its replies, of all that were merged into it */
    struct remark remark;
};

struct draft {
    struct arena arena;
    bool delay_reject;
    struct draft_rule *rules;
    size_t rule_count, rule_room;
    struct finding *findings;
    size_t finding_count, finding_room;
    struct remark head, pending; /* comments: above the policy, and above the rule that comes next */
    bool apart;                  /* the next rule is not merged into the one before */
    bool full;                   /* a list had more entries than are taken, and that was said */
};

void draft_close(struct draft *draft);

/* A rule with the measure's defaults, at the end; who it exempts is copied. The pointer lasts until the next
 * one is begun. */
struct draft_rule *draft_add(struct draft *draft, const char *measure, const struct exempt *exempt);
/* The last rule, if it is of this measure and exempts and warns the same and acts at the same stage: what
 * comes next may become part of it. Else NULL. */
struct draft_rule *draft_last(struct draft *draft, const char *measure, const struct exempt *exempt,
                              bool warn, enum stage stage);
/* Makes the rule act at `stage`, under the draft's delay_reject; and the stage at which it acts. */
void draft_act_at(const struct draft *draft, struct draft_rule *rule, enum stage stage);
enum stage draft_stage(const struct draft *draft, const struct draft_rule *rule);
/* Says what a rule answers: "450" or "4xx". Of several that differ, the record decides. */
void draft_reply(struct draft_rule *rule, struct str code);

/* Notes that something is in the policy: in the rule's comments, or with rule == NULL in those of the next.
 */
void draft_mapped(struct draft *draft, struct draft_rule *rule, struct place place, struct str what);
/* The same, but not all of it. */
void draft_partly(struct draft *draft, struct draft_rule *rule, struct place place, struct str what,
                  const char *why, ...) __attribute__((format(printf, 5, 6)));
/* Notes that something is not in it. */
void draft_unmapped(struct draft *draft, struct place place, struct str what, const char *why, ...)
    __attribute__((format(printf, 4, 5)));
/* A sentence for the head of the policy. */
void draft_remark(struct draft *draft, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Who is exempt, as it grows along a list. The lists must have been empty, or made by these. A list has no
 * more than a few thousand entries; that there are more is said in the policy. */
void exempt_add_network(struct draft *draft, struct exempt *exempt, const struct prefix *network);
void exempt_add_text(struct draft *draft, struct texts *texts, struct str text);
bool exempts_equal(const struct exempt *a, const struct exempt *b);
/* Whether a policy takes these as they are. */
bool is_domain_text(struct str text);
bool is_recipient_text(struct str text);

/* Zones with weights. False where the name is none. */
bool weights_add(struct draft *draft, struct weights *weights, struct str zone, int32_t weight,
                 const struct networks *replies);

/* Adds zones that let go. One list is enough to be refused, so these must outweigh all of them: called again
 * when zones are added. */
void friends_outweigh(struct draft *draft, struct dnsbl_parameters *dnsbl, const struct weights *friends);

/* The policy, its text and the findings. */
int draft_finish(struct draft *draft, const char *name, struct imported *imported, struct why *why);

#endif
