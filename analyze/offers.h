/* When each server offered TLS. Only columns.c fills it; columns.h has what is asked of it. */
#ifndef ANALYZE_OFFERS_H
#define ANALYZE_OFFERS_H

#include "analyze/columns.h"

/* Once sessions are in order. */
void offers_find(struct columns *columns);
void offers_free(struct columns *columns);

#endif
