/* Knobs: what of a measure can be turned by hand, and by which steps. They come from the measure's own table
 * of parameters (measure.h), so a new measure has its knobs without a change here. */
#ifndef ANALYZE_KNOBS_H
#define ANALYZE_KNOBS_H

#include "analyze/measure.h"

/* A parameter is a knob; of one that is a set of words each word is one, and of weights each zone. Behind
 * them stand the keys that every measure takes. */
enum knob_kind { KNOB_PARAMETER, KNOB_WORD, KNOB_ZONE, KNOB_REPLY, KNOB_AT, KNOB_WARN };

struct knob {
    enum knob_kind kind;
    const struct parameter *parameter; /* of the first three */
    uint32_t word;                     /* its place in the parameter's words */
    struct str zone;                   /* its name: may be anybody's text */
};

struct knobs {
    struct knob *knob;
    size_t count;
};

/* The knobs of a rule. Zones are those of `given` (the same rule, as it was at first), of the rule itself,
 * and for what is asked of DNS lists these others. In `arena`; zone names are not copied. */
struct knobs knobs_of(const struct rule *rule, const struct rule *given, const struct texts *others,
                      struct arena *arena);
bool knobs_equal(const struct knob *a, const struct knob *b);

/* "delay", "key client/24", "zen.example": what it is called. And how it stands: "5m", "on", "off", "2". In
 * `arena`; may be anybody's text. */
struct str knob_name(const struct knob *knob, struct arena *arena);
struct str knob_value(const struct knob *knob, const struct rule *rule, struct arena *arena);
/* Whether it stands alike for both rules. */
bool knob_same(const struct knob *knob, const struct rule *a, const struct rule *b);
/* Whether it can be turned at all: lists of texts cannot. */
bool knob_turns(const struct knob *knob);

/* Turns it a step up (`by` 1) or down (-1): durations and large numbers along a ladder, small numbers and
 * weights by one, words around, yes to no. With 0 what is on goes off, and comes on again as it was at first.
 * `given` is the rule as it was at first: a zone that comes back has its filter of replies again. New
 * parameters are made in `arena`. Returns 0, or -1 with why, which a postmaster can read, and then the rule
 * is as before. */
int knob_turn(const struct knob *knob, struct rule *rule, const struct rule *given, int by,
              struct arena *arena, struct why *why);

/* "delay 5m, key client/24 sender recipient", "2 zones, threshold 1": what is most worth knowing of a rule's
 * parameters, in `arena`; may be anybody's text. */
struct str knobs_summary(const struct rule *rule, struct arena *arena);

#endif
