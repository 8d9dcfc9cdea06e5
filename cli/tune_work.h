/* What `mxreplay tune` works out while its keys are minded: policies are tried by a thread of their own, what
 * was asked last first. What it found out is kept. */
#ifndef CLI_TUNE_WORK_H
#define CLI_TUNE_WORK_H

#include "analyze/trial.h"
#include "analyze/tuning.h"

struct work;
/* All must last as long as the work; nobody else may touch the columns meanwhile. `first` is the loaded
 * policy, tried before all others; it is the work's from now on. */
struct work *work_start(struct columns *columns, const struct replay_options *options,
                        const struct policy *loaded, struct attempted first);
/* Ends it. Returns false where it is in the middle of something that takes long: then it goes on until the
 * program ends, and what it was given must stay. */
bool work_stop(struct work *work);
/* A descriptor that is readable once something is done; work_heard() makes it wait again. */
int work_done(const struct work *work);
void work_heard(struct work *work);

/* What a policy of this key does, or NULL: not known yet. It stays until the next call. */
const struct figures *work_known(struct work *work, struct str key);
/* What the loaded policy does, or NULL: not known yet. It stays. */
const struct figures *work_first(struct work *work);
/* To be tried next, in place of what was asked before. It is the work's from now on. */
void work_ask(struct work *work, struct attempted attempted);
/* What changes between the loaded policy and this one, as a sentence (report/compare_table.h): asks for it,
 * and tells whether the answer to the newest question is there; then it lasts until the next question. */
void work_compare(struct work *work, struct attempted attempted);
struct str work_verdict(struct work *work);
/* Whether something could not be tried since the last call, and why. */
bool work_failed(struct work *work, struct why *why);

#endif
