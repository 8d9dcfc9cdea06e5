/* What the server enforced, and what that tells about an attempt: which of its measures let it pass, which
 * refused it (semantics.md section 1, "No by inference"). */
#ifndef ANALYZE_RECORD_H
#define ANALYZE_RECORD_H

#include "analyze/columns.h"
#include "analyze/exempt.h"
#include "analyze/judging.h"

struct record;

/* From recorded policies, or with options->assumed from what the columns show: each measure is taken for in
 * force on the days on which it refused or warned. Never NULL. */
struct record *record_new(const struct columns *columns, const struct replay_options *options);
void record_free(struct record *record);
/* The same, told of other columns: a part of them. It must not outlast the one that it is from. */
struct record *record_share(const struct record *record, const struct columns *part);
/* By what of the recorded server's rules attempts are told apart whose evidence and answers, and those of
 * their sessions, are alike. */
uint64_t record_trace(struct record *record, uint32_t attempt);

/* The rules of a policy in the order in which they act: by stage, then as written; with delay-reject what
 * would act before RCPT acts there. */
struct step {
    uint32_t rule; /* index in the policy */
    enum stage stage;
};
void policy_steps(const struct policy *policy, struct step *steps /* rule_count of them */);

/* Whether it lets a later measure of its stage come first. */
bool rule_yields(const struct rule *rule);

/* Sentences on what was assumed, for under the table. */
size_t record_notes(const struct record *record, struct arena *arena, struct str notes[8]);

#endif
