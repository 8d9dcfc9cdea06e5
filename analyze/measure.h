/* A measure: one way in which a server turns mail away (semantics.md section 4). One file and one row in
 * measure/table.c. */
#ifndef ANALYZE_MEASURE_H
#define ANALYZE_MEASURE_H

#include "analyze/policy.h"
#include "base/bits.h"
#include "collect/session.h"

struct columns;

/* A key that a measure takes in a policy, and where it goes in the measure's parameters. */
enum parameter_type {
    PARAMETER_BOOL,     /* bool */
    PARAMETER_DURATION, /* usec */
    PARAMETER_NUMBER,   /* double */
    PARAMETER_COUNT,    /* uint32_t */
    PARAMETER_WORD,     /* uint32_t: the place in `words` */
    PARAMETER_WORDS,    /* uint32_t: a bit for each of `words` that is given; one word or a list */
    PARAMETER_TEXTS,    /* struct texts: one text or a list */
    PARAMETER_WEIGHTS   /* struct weights: a mapping of names to integers, or to {weight: n, replies:
                           [127.0.0.2, ...]} */
};

/* A zone, its weight and the answers that count (IPv4 prefixes; none: any). */
struct weight {
    struct str name;
    int32_t weight;
    struct networks replies;
};

struct weights {
    struct weight *weight;
    size_t count;
};

struct parameter {
    const char *name;
    enum parameter_type type;
    size_t at; /* offsetof in the measure's parameters */
    const char
        *fallback; /* what stands for it when it is not given, written as in a policy; NULL: zero, empty */
    const char *const *words; /* for WORD and WORDS; ends with NULL */
    const char *help;         /* half a sentence for the manual */
};

struct arena;
struct judging; /* judging.h: what a judge may look at */
struct state;   /* state.h: a measure that acts by what it saw before */

/* Why, for explain, where no evidence of the measure's kind says it: for a hit, a miss, and what is not
 * known. NULL: in general words. */
struct reasons {
    const char *hit, *miss, *unknown;
};

struct measure {
    const char *name;          /* "no-rdns" */
    const char *title;         /* "No reverse DNS" */
    const char *title_by_unit; /* where units are the record's own, not deliveries; NULL: the same */
    enum named named;          /* what a reply that names it is recorded as */
    enum stage stage;          /* where it acts unless moved */
    enum reply_class reply;
    bool guards;    /* who drops it relays for everybody, or bounces to whom never wrote */
    bool in_chain;  /* what it judges is known for a whole chain of attempts from any of them */
    enum kind kind; /* of evidence that it is judged by; KINDS: none of its own */
    const struct parameter *parameters; /* ends with a row without name */
    size_t parameters_size;
    size_t remember_at; /* offsetof `remember` in the parameters (usec); 0: the measure has none */
    /* What asking costs where a rule does not say (semantics.md section 8): look-ups, or `look_ups_of` its
     * parameters; or seconds of scanning a message. None: it asks nobody. */
    double look_ups, seconds;
    double (*look_ups_of)(const void *parameters);
    /* Whether it stops nothing with these parameters, and its hits are counted aside; NULL: it does. */
    bool (*only_counts)(const void *parameters);
    struct reasons reasons;
    /* A sentence for under the table, or at == NULL; may be NULL. */
    struct str (*note)(const struct judging *judging, struct arena *arena);
    /* What the parameter tables cannot say ("lifetime must be longer than retry-window"): 0, or -1 with why;
     * may be NULL. */
    int (*check)(const void *parameters, struct why *why);
    /* Whether this client would be turned away, from evidence observed and inferred: YES is a hit. Rules that
     * hold for every measure (recorded refusals, exemptions, `when`, reach) are judging.c's and not asked of
     * it. */
    enum tri (*judge)(const struct judging *judging, uint32_t attempt);
    /* Whether with these parameters it looks at more of an attempt than evidence and answers: at names, at
     * addresses, at times, or at what of a piece of evidence digest.c does not list. NULL: it does not. */
    bool (*looks_farther)(const void *parameters);
    /* NULL for measures without state. */
    const struct state *state;
};

/* Whether a rule stops nothing: `warn: true`, or a measure that only counts. */
bool rule_warns(const struct rule *rule);

extern const struct measure *const measures[]; /* ends with NULL */
const struct measure *measure_find(struct str name);
/* The rows that others than their own file speak of. */
extern const struct measure measure_dnsbl, measure_helo, measure_sender_domain, measure_spf,
    measure_recipient, measure_greylist;

/* Parameters with every fallback filled in, in `arena`; and whether two sets of them, or one of each, are the
 * same. */
void *parameters_default(const struct measure *measure, struct arena *arena);
bool parameters_equal(const struct measure *measure, const void *a, const void *b);
bool parameter_equal(const struct parameter *parameter, const void *a, const void *b);
/* "delay: 5m": one of them as a policy has it, on one line, in `arena`. */
struct str parameter_text(struct arena *arena, const struct parameter *parameter, const void *parameters);

#endif
