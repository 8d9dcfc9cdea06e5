/* What columns keep of mail that was sent. Only columns.c fills it; columns.h has what is asked of it. */
#ifndef ANALYZE_SENT_H
#define ANALYZE_SENT_H

#include "analyze/columns.h"

/* Takes down what of a session was accepted. `client` is the number of its address, or SENT_BY_OURS. */
void sent_add(struct columns *columns, const struct session *session, uint32_t client);
/* After the last: puts it in order. */
void sent_sort(struct columns *columns);

#endif
