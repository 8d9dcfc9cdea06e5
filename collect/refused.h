/* What a refusal is evidence of, whoever said which measure it belongs to. */
#ifndef COLLECT_REFUSED_H
#define COLLECT_REFUSED_H

#include "collect/session.h"

/* One refusal as a dialect read it, or as it is stored. */
struct refused {
    usec at;
    struct reply reply;         /* code, enhanced, text and stage; nothing kept yet */
    struct str sender, address; /* of the transaction and recipient; at == NULL: not known */
    struct str zone;            /* at == NULL: what the text says */
    int64_t answer;             /* of the zone; 0: not known */
    int32_t transaction;        /* index, or WHOLE_SESSION */
    int32_t recipient;          /* index, or WHOLE_TRANSACTION */
};

enum { REFUSED_MEANS_MOST = 2 };

/* Fills in the evidence that the refusal is when it says that `kind` is in this state (KINDS: none);
 * `subject` where it is not the refusal's own. Whether a recipient is valid stands in the recipient and is
 * none. Texts are the refusal's. Returns how many pieces it is. */
unsigned refused_means(const struct refused *refused, enum kind kind, enum tri state, const char *subject,
                       struct evidence evidence[REFUSED_MEANS_MOST]);
/* Whether the same is among these: of the same kind, state, subject and place, whenever it was seen. */
bool evidence_among(const struct evidence *known, uint32_t count, const struct evidence *evidence);

#endif
