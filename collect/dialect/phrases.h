/* What the words of a refusal mean, whoever's they are: an MTA's own, a filter's, or the site's. Where an
 * MTA's words are known to a letter (postfix_phrases.c) its own table comes first; this one knows the usual
 * words. */
#ifndef COLLECT_DIALECT_PHRASES_H
#define COLLECT_DIALECT_PHRASES_H

#include "collect/builder.h"
#include "collect/refused.h"
#include "collect/zone.h"

struct saying {
    struct str says;     /* in lower case; any case is found */
    uint8_t named;       /* enum named */
    uint8_t kind;        /* enum kind of the evidence that it is; KINDS: none */
    uint8_t state;       /* enum tri, of that */
    uint8_t stages;      /* SAID_... : where it has this meaning */
    const char *subject; /* of the evidence; NULL: what the kind asks for */
    struct str also;     /* must follow, if any */
};

/* The meaning of a reply's text, without its codes and without the address that it may begin with; `stage` is
 * that of the command which was refused. What stands furthest to the left counts, since strangers write the
 * rest (HELO names, addresses); within a name or an address no words are found. Never NULL: what is no
 * measure's is NAMED_OTHER's. */
const struct saying *saying_of(struct str text, enum stage stage);
/* Notes the refusal in the session: the reply where it belongs, the measure that `saying` names, the evidence
 * that this is. */
void refused_note(struct builder *builder, struct open_session *open, const struct refused *refused,
                  const struct saying *saying);
/* Adds evidence, unless the session has the same already. */
void evidence_once(struct builder *builder, struct open_session *open, const struct evidence *evidence);

#endif
