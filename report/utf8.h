/* UTF-8 as it comes from strangers: decoded so that nothing is lost, and measured as a terminal shows it. */
#ifndef REPORT_UTF8_H
#define REPORT_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/memory.h"
#include "base/str.h"

/* What utf8_next() gives for a byte that is no part of valid UTF-8: UTF8_BYTE + the byte. */
enum { UTF8_BYTE = 0x110000 };

/* Takes the next character off *rest; false at the end. Overlong forms, surrogates and what lies past
 * U+10FFFF are invalid (RFC 3629), and come a byte at a time. */
bool utf8_next(struct str *rest, uint32_t *code);
/* The columns that a character takes in a terminal: 0 (combining), 1 or 2 (East Asian wide). */
unsigned utf8_width(uint32_t code);
/* Whether a character must not reach an eye or a terminal as it is: control characters (escape sequences
 * begin with one), what turns the direction of writing or is not seen at all, and what is no character. */
bool utf8_is_hidden(uint32_t code);
/* Spells a hidden character out, with a NUL: "\x1b", "\u202e", "\xff" for a byte; returns the length. */
enum { SPELLED_BYTES = 12 };
size_t utf8_spell(uint32_t code, char text[SPELLED_BYTES]);

/* A copy in which everything hidden is spelled out. It is valid UTF-8 on one line. */
struct str text_visible(struct arena *arena, struct str text);
/* The columns that a visible text takes. */
size_t text_width(struct str visible);
/* The text, or where it is wider than `width`, what of it fits with "…" behind. */
struct str text_fit(struct arena *arena, struct str visible, size_t width);
/* Takes the next line of at most `width` columns off *rest, broken at a blank where there is one; false at
 * the end. */
bool text_wrap(struct str *rest, size_t width, struct str *line);
/* A count with a comma after each three digits, as graphs and pages show it: "10,038". */
enum { GROUPED_BYTES = 28 };
size_t text_grouped(uint64_t count, char text[GROUPED_BYTES]);

#endif
