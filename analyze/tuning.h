/* Tuning a policy by hand: its measures switched on and off, put in another order and turned (knobs.h), with
 * every step taken back and made again. What the policy does is told by trials (trial.h); how it is shown is
 * not known here. */
#ifndef ANALYZE_TUNING_H
#define ANALYZE_TUNING_H

#include "analyze/knobs.h"

struct tuning;
/* `loaded` must last as long as the tuning; `zones`: the DNS lists that the record shows, which are copied.
 */
struct tuning *tuning_new(const struct policy *loaded, const struct texts *zones);
void tuning_free(struct tuning *tuning);

/* The measures, those that are off too, in the order in which they act. */
struct tuned {
    const struct rule *rule, *given; /* as it is, and as it was loaded */
    enum stage stage;                /* at which it acts, delay-reject minded */
    bool off;
};
size_t tuning_count(const struct tuning *tuning);
struct tuned tuning_at(const struct tuning *tuning, size_t place);
/* The knobs of one of them; they last until the next step. */
struct knobs tuning_knobs(struct tuning *tuning, size_t place);
/* Where the measure of this name stands; tuning_count() where there is none. */
size_t tuning_place(const struct tuning *tuning, struct str name);
bool tuning_delays_reject(const struct tuning *tuning);

/* Steps. Each returns 0, or -1 with why it is not possible, and then nothing has changed. */
int tuning_switch(struct tuning *tuning, size_t place, struct why *why);
/* Before (-1) or behind (1) its neighbour of the same stage. *place follows it. */
int tuning_move(struct tuning *tuning, size_t *place, int by, struct why *why);
int tuning_turn(struct tuning *tuning, size_t place, const struct knob *knob, int by, struct why *why);
int tuning_delay_reject(struct tuning *tuning, struct why *why);
/* Back to the policy as it was loaded: a step like the others. */
int tuning_reset(struct tuning *tuning, struct why *why);
int tuning_undo(struct tuning *tuning, struct why *why);
int tuning_redo(struct tuning *tuning, struct why *why);
/* "greylist: delay 5m -> 10m": what the last step was. Lasts as long as the tuning; may be anybody's text. */
struct str tuning_last(const struct tuning *tuning);

/* Whether anything differs from the loaded policy; and from what tuning_saved() was told of last. */
bool tuning_is_changed(const struct tuning *tuning);
bool tuning_is_saved(const struct tuning *tuning);
void tuning_saved(struct tuning *tuning);
/* What differs from the loaded policy, a line each, in `arena`; returns their number. */
size_t tuning_changes(const struct tuning *tuning, struct arena *arena, struct str **lines);

/* A policy to be tried: without what is off. It must not outlast the tuning; attempted_free() frees it. */
struct attempted {
    struct policy *policy;
    struct str key; /* two of one key do the same; with the policy's arena */
};
struct attempted tuning_attempt(const struct tuning *tuning);
void attempted_free(struct attempted *attempted);

/* Writes it, with a remark on what was changed, and what is off as a remark in its place. `name` is what it
 * is called; at == NULL: as it was loaded. 0, or -1 with why. */
int tuning_write(const struct tuning *tuning, struct str name, FILE *to, struct why *why);

#endif
