/* A database that is made of arrays: what the collector hands over, to be looked at. */
#ifndef TESTS_LIB_ARRAY_BASE_H
#define TESTS_LIB_ARRAY_BASE_H

#include "base/memory.h"
#include "collect/collect.h"

enum { BASE_INPUTS = 128, BASE_SESSIONS = 4096, BASE_SHAPES = 300 };

struct array_base {
    struct arena text;
    struct input inputs[BASE_INPUTS]; /* by id - 1 */
    int input_count;
    struct session sessions[BASE_SESSIONS]; /* without transactions, evidence and text */
    uint32_t recipients[BASE_SESSIONS];     /* of each */
    size_t session_count;
    struct skipped skipped[BASE_SHAPES]; /* counts added up */
    size_t skipped_count;
    unsigned commits;
    struct str kept;
    size_t kept_sessions; /* that were there before */
    size_t fails_after; /* sessions, "the disk is full"; 0: never */
};

struct array_base *array_base_new(void);
void array_base_free(struct array_base *base);
struct sink array_base_sink(struct array_base *base);
struct catalogue array_base_catalogue(struct array_base *base);

/* How a run of the collector ended. */
struct outcome {
    int result;
    struct why why;
    struct collected collected;
};
struct outcome array_base_collect(struct array_base *base, const char *const *paths, size_t count, int year);

#endif
