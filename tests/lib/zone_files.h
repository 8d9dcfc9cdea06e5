/* Random zone files of each of rbldnsd's formats. */
#ifndef TESTS_LIB_ZONE_FILES_H
#define TESTS_LIB_ZONE_FILES_H

#include <stddef.h>
#include <stdint.h>

enum { ZONE_FILE_BYTES = 64 * 1024, ZONE_COMBINED_KIND = 7, ZONE_KINDS, ZONE_BELOW = 3 };

struct text {
    char bytes[ZONE_FILE_BYTES];
    size_t len;
};

/* Random numbers, of which all here is made. */
void any_begin(uint64_t seed);
unsigned any(unsigned below);
/* Few addresses, so that entries meet: of 198.18.0.0/15 (RFC 2544) four /24s. */
uint32_t any_v4(void);
/* Of 2001:db8::/32 a few networks that differ in their third and fourth group, and few hosts. */
void any_v6(unsigned group[8]);

/* What names in the files are, and what combined files call the zones in them. */
extern const char *const zone_domains[];
extern const unsigned zone_domain_count;
extern const char *const zone_below[ZONE_BELOW];

/* Writes a file; ZONE_COMBINED_KIND is the one of all others. Returns the format's name. */
const char *zone_file_write(unsigned kind, struct text *text);

#endif
