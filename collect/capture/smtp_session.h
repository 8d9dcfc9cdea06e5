/* What a dialog makes of its session. For smtp.c only. */
#ifndef COLLECT_CAPTURE_SMTP_SESSION_H
#define COLLECT_CAPTURE_SMTP_SESSION_H

#include "collect/builder.h"

/* A reply, its lines joined. */
struct answer {
    int16_t code;
    struct str text; /* behind the code */
    usec at;
};

/* Which command it answers. */
struct asked {
    enum stage stage;
    int32_t transaction, recipient; /* indices, or WHOLE_... */
};

/* Notes a refusal: the reply, the measure that it names, the evidence that this is. `early`: the client had
 * spoken before the banner. */
void smtp_refused(struct builder *builder, struct open_session *open, const struct answer *answer,
                  const struct asked *asked, bool early);
#endif
