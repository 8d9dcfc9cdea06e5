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
/* The address in "MAIL FROM:<address> SIZE=9" behind the colon. */
struct str smtp_path(struct str argument);
/* The id that the server gave the message, in its reply to the end of data; at == NULL: not told. */
struct str smtp_queue_id(struct str text);
/* The user's name in a SASL response (RFC 4616; LOGIN; RFC 2195), nothing else of it: writes it to `user`,
 * returns its length. `step`: 0 for the first response. */
enum { SMTP_USER_BYTES = 256 };
size_t smtp_auth_user(struct str mechanism, unsigned step, struct str response, char user[SMTP_USER_BYTES]);

#endif
