/* Following: logs that grow are read on as they do, through rotation, until the caller says that it is
 * enough. Only for collect/. */
#ifndef COLLECT_FOLLOW_H
#define COLLECT_FOLLOW_H

#include <sys/stat.h>
#include "collect/merge.h"
#include "collect/run.h"

/* Begins to watch the files and folders of options->paths; what is missing may come, if only the folder is
 * there that it will be in. *follow is the run's from now on. 0, or -1 with why; follow_free() in any case.
 */
int follow_begin(struct run *run, const struct collect_options *options, struct why *why);
void follow_free(struct follow *follow);
/* Whether what was found can be followed: no capture has been named, and not only what is compressed. 0, or
 * -1 with why. */
int follow_check(struct follow *follow, const struct survey *survey, struct why *why);
/* Surveys those of the paths that are there now, and what rotation has made of them while nobody followed: so
 * that nothing was rotated away between the looks at the one and at the other. 0, or -1 with why;
 * survey_free() in any case. */
int follow_survey(struct follow *follow, struct survey *survey, struct why *why);
/* Reads on, with a commit a second after the first new line, until options->stop is readable, and then to the
 * end of what is there. 0, or -1 with why. Sleeps, without a timer, while there is nothing new. */
int follow_on(struct follow *follow, struct why *why);

/* ---- For who reads. */

/* Whether the log that is opened now may grow. */
bool follow_grows(struct follow *follow, const char *path);
/* One that may has been opened. */
void follow_opened(struct follow *follow, const struct reading *reading);
/* One that does not grow has been read whole, as it was when it was found. */
void follow_note_read(struct follow *follow, const struct reading *reading);
bool follow_has_read(const struct follow *follow, const struct stat *status);
/* One has come to its end. Returns whether it stays open. */
bool follow_keeps(struct follow *follow, struct reading *reading);
/* Whether the end was asked for so long ago that what is left has to wait for the next run. */
bool follow_is_over(struct follow *follow);
/* Before a line is taken: whether, since the last byte was read, older lines have come to other files. They
 * have been written before it, so one look at each is enough; what they have is added to `merge`. 0, or -1
 * with why. */
int follow_look(struct follow *follow, struct merge *merge, struct why *why);

#endif
