/* Why something failed: a message that a postmaster understands, with place and cure, and the exit
 * status that goes with it (sysexits.h). Functions that can fail return -1 and fill one of these. */
#ifndef BASE_WHY_H
#define BASE_WHY_H

struct why {
    int status; /* EX_DATAERR, EX_NOINPUT, EX_IOERR, ...; 0: nothing went wrong yet */
    char text[1024];
};

/* Fills *why (which may be NULL) and returns -1, so that `return why_set(...)` reads well.
 * Control characters in the text are escaped: half of what we quote was written by strangers. */
int why_set(struct why *why, int status, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Puts a place or a context in front of what is there: "mail.log.3.gz: " */
void why_prefix(struct why *why, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
