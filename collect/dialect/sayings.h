/* The tables of usual words, and what their rows are made of. Only phrases.c and the tables include this. */
#ifndef COLLECT_DIALECT_SAYINGS_H
#define COLLECT_DIALECT_SAYINGS_H

#include "collect/dialect/phrases.h"

/* Where words have their meaning. */
enum { EARLY = 1, MAIL = 2, RCPT = 4, LATE = 8, ANY = 15 };

#define SAYS(text) STR_INIT(text)
#define NO_MORE                                                                                              \
    {                                                                                                        \
        NULL, 0                                                                                              \
    }
/* A row without more that must follow. */
#define ROW(text, ...)                                                                                       \
    {                                                                                                        \
        SAYS(text), __VA_ARGS__, NO_MORE                                                                     \
    }

/* What most rows are: what is named, evidence, state, where, its subject. */
#define NO_NAME    NAMED_NO_RDNS, KIND_RDNS, NO, ANY, NULL
#define FORGED     NAMED_FCRDNS, KIND_FCRDNS, NO, ANY, NULL
#define LISTED     NAMED_DNSBL, KIND_DNSBL, YES, ANY, NULL
#define GREY       NAMED_GREYLIST, KIND_GREYLIST, YES, ANY, NULL
#define EARLY_TALK NAMED_EARLY_TALKER, KIND_EARLY_TALKER, YES, ANY, NULL
#define AHEAD      NAMED_PIPELINING, KIND_PIPELINING, YES, ANY, NULL
#define BAD_HELO   NAMED_HELO, KINDS, UNKNOWN, ANY, NULL
#define RELAY      NAMED_RELAY, KIND_RELAY, YES, ANY, NULL
#define NO_USER    NAMED_RECIPIENT, KIND_RECIPIENT, NO, RCPT | LATE, NULL
#define BAD_SPF    NAMED_SPF, KIND_SPF, NO, ANY, NULL
#define SPAM       NAMED_SPAM, KIND_SPAM, YES, LATE, NULL
#define VIRUS      NAMED_VIRUS, KIND_VIRUS, YES, ANY, NULL
#define RATE_CONN  NAMED_RATE, KIND_RATE, YES, ANY, "connection"
#define RATE       NAMED_RATE, KIND_RATE, YES, ANY, "rate"
#define BAD_DOMAIN NAMED_SENDER_DOMAIN, KINDS, UNKNOWN, ANY, NULL
/* Of a client about which nothing but its address is known yet. */
#define LISTED_EARLY NAMED_DNSBL, KIND_DNSBL, YES, EARLY, NULL
/* Words that are about the client before there is a message. */
#define LISTED_CLIENT NAMED_DNSBL, KIND_DNSBL, YES, EARLY | MAIL | RCPT, NULL
#define NAME_OR_NOT   NAMED_NO_RDNS, KINDS, UNKNOWN, ANY, NULL /* none, or not the right one */

/* In lower case; each ends with a row that says nothing. */
extern const struct saying sayings[];       /* programs', and English ones of any site */
extern const struct saying sayings_sites[]; /* of large sites, appliances, and in other languages */

#endif
