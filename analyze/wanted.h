/* Whom the recipients want to hear from, and whom not (semantics.md section 7): what there is to go by is
 * taken down for each attempt as a set of signs, and the strongest of them labels it. A sign that rests on a
 * measure is passed over where that measure itself is judged: so the label is asked for again for each. */
#ifndef ANALYZE_WANTED_H
#define ANALYZE_WANTED_H

#include "analyze/columns.h"

/* What becomes of wanted mail. told: refused for good (5xx); late: put off and accepted later; lost: put off
 * or dropped, and not back. */
enum harm { HARM_TOLD, HARM_LATE, HARM_LOST, HARMS };
extern const char *const harm_name[HARMS];

enum label {
    LABEL_NONE, /* nothing is known of it */
    LABEL_WANTED,
    LABEL_UNWANTED,
    LABEL_PRESUMED, /* wanted, for all that the record tells: to be reported apart */
    LABELS
};
extern const char *const label_name[LABELS]; /* "none", "wanted", "unwanted", "presumed" */

/* What a label rests on, strongest first. What a user says of one session outweighs what the same says of a
 * sender; where a delivery's attempts were labelled both ways it is wanted. */
enum sign {
    SIGN_SESSION_WANTED,
    SIGN_SESSION_UNWANTED,
    SIGN_MESSAGE_WANTED,
    SIGN_MESSAGE_UNWANTED,
    SIGN_SENDER_WANTED,
    SIGN_SENDER_UNWANTED,
    SIGN_CLIENT_WANTED,
    SIGN_CLIENT_UNWANTED,
    SIGN_AUTHENTICATED,
    SIGN_CORRESPONDENT, /* the recipient wrote to this sender before */
    SIGN_VIRUS,
    SIGN_SCORE,      /* over the site's own threshold */
    SIGN_TRAP,       /* to a spam trap */
    SIGN_DICTIONARY, /* the client's address tried out recipients, at whatever time */
    SIGN_RELAY,      /* or tried to relay */
    SIGN_ACCEPTED,   /* the record accepted it, and shows no bounce */
    SIGNS
};

struct sign_row {
    enum label label;
    enum named measure; /* that it rests on; NAMED_NONE: none */
    const char *name;   /* for machines: "authenticated" */
    const char *words;  /* for people: "the client logged in" */
};
extern const struct sign_row sign_rows[SIGNS];

/* Labels for all attempts. The columns must be finished, and last as long. */
struct wanted {
    const struct columns *columns;
    uint16_t *signs; /* by attempt: a bit for each enum sign */
};

/* `own`: networks of ours beside the private ones, whose mail is what our recipients wrote (a policy's
 * exempt.networks); NULL: none. */
struct wanted wanted_new(const struct columns *columns, const struct networks *own);
void wanted_free(struct wanted *wanted);

/* The label that a set of signs gives where the measure `judged` is (NAMED_NONE: none in particular); *sign,
 * unless NULL, is what it rests on, SIGNS where nothing does. */
enum label signs_label(uint16_t signs, enum named judged, enum sign *sign);
/* Of an attempt; and of a delivery, all of whose attempts speak for it. `head`: the first of the chain. */
enum label wanted_attempt(const struct wanted *wanted, uint32_t attempt, enum named judged, enum sign *sign);
enum label wanted_delivery(const struct wanted *wanted, uint32_t head, enum named judged, enum sign *sign);
/* The signs of a delivery together. */
uint16_t wanted_signs(const struct wanted *wanted, uint32_t head);

#endif
