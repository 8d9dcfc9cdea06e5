/* Sessions that a log and a capture have, in the database: one session, under the log's number. */
#ifndef SCHEMAS_JOINING_H
#define SCHEMAS_JOINING_H

#include "schemas/pack.h"

/* Looks what is new through for sessions that another record has too, and joins them: for the end of a run,
 * when all is handed over. Reads what is new, and of what was there before the times around it. After
 * packer_flush(). Returns an SQLite result code. */
int joining_run(struct packer *packer);
/* What stood for open sessions has gone: puts back what was joined with it, as it was before. */
int joining_take_back(struct packer *packer);

#endif
