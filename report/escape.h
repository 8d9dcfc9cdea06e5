/* Strangers wrote half of what we print (HELO, senders, replies that quote them). Whatever goes out goes
 * through one of these, and comes out as data: no markup, no formula, no command, no escape sequence. All but
 * JSON and CSV, which are for machines, show what is hidden as text_visible() does. All write UTF-8. */
#ifndef REPORT_ESCAPE_H
#define REPORT_ESCAPE_H

#include <stdio.h>
#include "base/str.h"

/* For terminals and plain text. */
void escape_plain(FILE *to, struct str text);
/* For the text and the attributes (in double quotes) of HTML and XML. */
void escape_html(FILE *to, struct str text);
/* For a paragraph or a cell of a table (GitHub flavour). Nothing becomes a link, a mention or a pipe. */
void escape_markdown(FILE *to, struct str text);
/* A text field after RFC 4180, in quotes where it must be. A spreadsheet would run what begins with = + - @
 * or a control character: those get a ' in front. Line ends and tabs stay, other hidden characters are
 * spelled out. */
void escape_csv(FILE *to, struct str text);
/* A string after RFC 8259 with its quotes. Hidden characters are \u escapes, invalid bytes U+FFFD. */
void escape_json(FILE *to, struct str text);
/* A string for gnuplot with its double quotes. All but letters, digits and blanks are octal escapes: gnuplot
 * looks for `commands` and @macros in a line before it looks for strings, and misreads '' at the start of a
 * single-quoted one. */
void escape_gnuplot(FILE *to, struct str text);

#endif
