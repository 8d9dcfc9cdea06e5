/* Runs on databases, and the chance with which tests vary them. */
#ifndef TESTS_LIB_RUNS_H
#define TESTS_LIB_RUNS_H

#include <stdint.h>
#include "schemas/store.h"

/* How often each of these is tried: $AGAIN, or as often as usual. */
unsigned seeds(unsigned usual);
/* The same state gives the same numbers. */
extern uint64_t random_state;
/* 0 to most - 1; any for 0. */
uint64_t random_below(uint64_t most);

/* Whatever fails in these fails the test. */
struct store *open_store(const char *database);
void close_store(struct store *store);
void collect_paths(struct store *store, const char *const *paths, size_t count, uint64_t commit_bytes);
/* The first number that a query gives. */
int64_t number(const char *database, const char *sql);
void execute(const char *database, const char *sql);
/* `check` finds nothing. */
void expect_sound(const char *database);

#endif
