/* The audit: what becomes of wanted mail under a policy, and of unwanted; by delivery (semantics.md section
 * 7).
 *
 * A delivery is wanted or unwanted by its label, where the measure that stops it is judged; presumed wanted
 * where the record accepted it and nothing else is known. Of those two each one that the policy may stop or
 * delay is told. */
#ifndef ANALYZE_AUDIT_H
#define ANALYZE_AUDIT_H

#include "analyze/interval.h"
#include "analyze/replay.h"
#include "analyze/wanted.h"

struct harmed {
    int64_t session_id; /* of the attempt that the record accepted, else of the last one */
    usec at;            /* when it is stopped first */
    struct str sender, recipient, client_name;
    struct ip client;
    size_t rule; /* that stops it, or first may */
    enum harm harm;
    bool certain; /* that it is stopped, or comes late */
    bool either;  /* ...but not which of these: `harm` is what the first measure would do */
    bool arrives; /* it is accepted in the end, for certain: only late */
    enum label label;
    enum sign sign;      /* that the label rests on */
    int64_t asn;         /* 0: not known */
    struct str as_name;  /* whose autonomous system that is; at == NULL: not known */
    bool accepted;       /* by the record */
    bool seen_once;      /* its sender sent nothing else in the record */
    double late_minutes; /* NAN: not known */
    uint32_t head;       /* the delivery's first attempt */
};

/* So many, and how many of them the policy stops and how many it only delays: for certain, and at most. */
struct audit_count {
    uint64_t deliveries, stopped_low, stopped_high, late_low, late_high;
    uint64_t by_harm[HARMS]; /* of the certain ones of which it is known */
};

/* Of those that a measure stops (or may), where its own signs do not count. */
struct audit_measure {
    uint64_t wanted, presumed, unwanted; /* in all */
    uint64_t low[LABELS], high[LABELS];  /* stopped by it */
};

/* Wanted or presumed senders of whom the record has one delivery, where the policy puts it off: sign-ups,
 * password resets. */
struct audit_once {
    uint64_t late, lost, told, possible;
    int64_t example; /* a session; 0: none */
};

struct audit {
    uint64_t deliveries,
        accepted; /* in the period, through trusted relays not counted; that the record accepted */
    struct audit_count labels[LABELS];
    uint64_t signs[SIGNS];          /* deliveries by what labels them */
    struct audit_measure *measures; /* by rule */
    struct harmed *harmed;          /* wanted or presumed, in order of time */
    size_t harmed_count;
    struct harmed *gone; /* put off, and the client gave up; not those that are unwanted */
    size_t gone_count;
    uint32_t *others; /* first attempts of deliveries that it may stop and that are neither wanted nor
                         presumed so */
    size_t other_count;
    double *late_minutes; /* of those that come late, in order */
    size_t late_count;
    struct audit_once once;
    struct str notes[8];
    size_t note_count;
    struct arena arena;
};

/* The columns and the policy must last as long as *audit. 0, or -1 with why; audit_free() is due in any case.
 */
int audit_run(struct columns *columns, const struct policy *policy, const struct replay_options *options,
              struct audit *audit, struct why *why);
/* The same on a walk by delivery, which others have made. */
struct walk;
void audit_walked(const struct walk *walk, const struct replay_options *options, struct audit *audit);
void audit_free(struct audit *audit);

/* The share of wanted (or presumed wanted) deliveries that are stopped. */
struct interval audit_rate(const struct audit_count *count);
/* Unwanted among those labelled that a measure stops; and of the unwanted those that it stops: at least and
 * at most. NAN where there is nothing to go by. */
struct interval audit_precision(const struct audit_measure *measure);
struct interval audit_recall(const struct audit_measure *measure);

#endif
