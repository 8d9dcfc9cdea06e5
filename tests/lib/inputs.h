/* Inputs for the collector's tests: a folder of their own with files in it, and a log whose sessions are
 * known. */
#ifndef TESTS_LIB_INPUTS_H
#define TESTS_LIB_INPUTS_H

#include <check.h>
#include "base/clock.h"
#include "base/memory.h"
#include "base/str.h"

struct archive;

/* The path of a file in the folder; of those returned, the last 16 are good. */
const char *input_path(const char *name);
void input_write(const char *name, struct str bytes);
/* With a filter of libarchive's: archive_write_add_filter_gzip, ... */
void input_compress(const char *name, int (*filter)(struct archive *archive), struct str bytes);
struct str input_read(const char *name, struct arena *arena);
/* A file from anywhere, unpacked where it is compressed; at most 16 MB. */
struct str input_unpacked(const char *path, struct arena *arena);
void input_set_time(const char *name, usec modified);

/* A log of sessions [from, to), two lines each. Session i: from 10.0.(i / 250).(i % 250), begins i seconds
 * after LOG_BEGINS and ends a second later, by smtpd process 1000 + i % 50. */
#define LOG_BEGINS (1795392000 * USEC_SECOND) /* 2026-11-23T00:00:00Z */
struct str log_of(unsigned from, unsigned to, struct arena *arena);
/* Writes one of its lines at `at`; returns its end. */
char *log_line(char *at, unsigned second, unsigned session, const char *word);
/* Lines [from, to) of a log, from 0. */
struct str log_part(struct str log, size_t from, size_t to);

/* Makes the folder, runs the tests, removes it. Returns the exit status. */
int inputs_main(Suite *suite);

#endif
