/* What a report tells beside the replay, counted in one pass: when they came, who came most, what they tried,
 * how they waited. Of units in the period, as a policy would have them, or as the record has them. */
#ifndef ANALYZE_CENSUS_H
#define ANALYZE_CENSUS_H

#include "analyze/replay.h"

struct wall;

/* Whom units are counted by. */
enum top_by { TOP_NETWORK, TOP_SYSTEM, TOP_COUNTRY, TOP_DOMAIN, TOP_RECIPIENT, TOPS };
extern const char *const top_name[TOPS]; /* "networks", "systems", "countries", "domains", "recipients" */

struct top_row {
    struct str name; /* "192.0.2.0/24", "AS64496 Example", "DE", "example.org", "a@example.net" */
    uint64_t units, stopped_low, stopped_high, accepted; /* accepted: for certain */
};

struct top {
    struct top_row *rows; /* those with most units first */
    size_t count;
    uint64_t kinds, units; /* how many there are in all, and units of which it is known */
};

/* What is tried where nobody is to be found, or nothing is to be had. */
enum abuse { ABUSE_DICTIONARY, ABUSE_RELAY, ABUSE_VRFY, ABUSE_AUTH, ABUSE_BACKSCATTER, ABUSES };
extern const char *const abuse_name[ABUSES]; /* "dictionary", ... */

struct abuse_network {
    struct str name;
    uint64_t tries, sessions;
};

struct abuse_count {
    uint64_t tries, sessions, networks;
    struct abuse_network *top; /* those that tried most first */
    size_t top_count;
};

/* Null senders: bounces, or what looks like them. */
struct backscatter {
    uint64_t bounces;    /* recipients of null senders */
    bool shows_sent;     /* the record shows what ours sent; else `unsent` is not known */
    uint64_t unsent;     /* of these, to who sent nothing in the record */
    uint64_t invalid;    /* to who is not there */
    uint64_t accepted;   /* that the record accepted */
    struct top_row *top; /* recipients that got most; units alone is filled */
    size_t top_count;
};

enum { WAITS = 10, EARLINESS = 9 };
extern const double wait_minutes[WAITS];          /* up to which a wait is of this kind; the last: INFINITY */
extern const double earliness_seconds[EARLINESS]; /* the same, of the first word */

/* Deliveries that greylisting (the policy's, or the server's) put off at first. */
struct put_off {
    uint64_t all;
    uint64_t back;           /* came again; of these */
    uint64_t accepted;       /* were accepted then */
    uint64_t never;          /* did not, within the retry window */
    uint64_t open;           /* the record ends before that closes */
    uint64_t unseen;         /* the server took or refused them at once: the record cannot show it */
    uint64_t by_wait[WAITS]; /* those accepted, by how late */
    double median, ninety, ninety_nine; /* minutes; NAN where there are none */
    bool is_asked;                      /* there is a greylisting to speak of */
};

/* A time in which nothing came though much should have. */
struct silence {
    usec from, to;
    double expected; /* sessions, by what usually comes at these hours */
};

struct census {
    uint64_t week[7][24], week_stopped[7][24]; /* units by the hour in which they began, from Monday 0:00 on;
                                                  stopped for certain */
    struct top tops[TOPS];
    struct abuse_count abuse[ABUSES];
    struct backscatter backscatter;
    uint64_t early[EARLINESS], early_unknown; /* sessions that spoke first, by when */
    uint64_t early_asked;                     /* sessions of which it is known whether they did */
    struct put_off put_off;
    struct silence *silences; /* the longest first */
    size_t silence_count;
    uint64_t sessions, units, gap_sessions, cut_off_sessions, tls_sessions;
    struct arena arena;
};

/* `walk` NULL: of what the record says. `wall`: whose hours they are; NULL: UTC's. At most `most` rows of
 * each top. */
struct walk;
void census_make(const struct columns *columns, const struct walk *walk, const struct replay_options *options,
                 const struct wall *wall, size_t most, struct census *census);
void census_free(struct census *census);

#endif
