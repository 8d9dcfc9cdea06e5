/* How texts stand in the database (see session.sql): escaped, so that any bytes come back, and replies with
 * marks in place of what is the session's own, so that they are few. */
#ifndef SCHEMAS_TEXT_H
#define SCHEMAS_TEXT_H

#include "base/memory.h"
#include "base/str.h"

/* As it is stored: `text` itself where nothing is to be escaped, else a copy in `arena`. */
struct str text_escaped(struct arena *arena, struct str text);
static inline struct str text_escape(struct arena *arena, struct str text)
{
    return text.len ? text_escaped(arena, text) : text;
}
/* The other way round: always a copy in `arena`. */
struct str text_unescape(struct arena *arena, struct str stored);

/* The session's own texts that its replies quote, as they are stored; not known: at == NULL. */
enum quoted { QUOTED_CLIENT, QUOTED_NAME, QUOTED_HELO, QUOTED_SENDER, QUOTED_RECIPIENT, QUOTED };
struct quotes {
    struct str text[QUOTED];
};

/* `text`, as stored, with marks for the quotes: itself where there are none, else a copy in `arena`. */
struct str text_mark(struct arena *arena, struct str text, const struct quotes *quotes);
/* The other way round: `marked` itself or a copy in `arena`. */
struct str text_unmark(struct arena *arena, struct str marked, const struct quotes *quotes);

#endif
