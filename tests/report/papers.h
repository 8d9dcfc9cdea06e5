/* What the tests of this room hold printed things against: golden files, what markup must look like, and a
 * corpus of texts as spammers would write them. */
#ifndef TESTS_REPORT_PAPERS_H
#define TESTS_REPORT_PAPERS_H

#include <check.h>
#include <ctype.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/str.h"

/* Hostile in one of the outputs or in several. */
static const struct str hostile[] = {
    STR_INIT("\033]0;owned\007\033[2J\033[31m"), /* a terminal's title, screen and colour */
    STR_INIT("\x9b"
             "31mred"), /* the same with a C1 byte */
    STR_INIT("\xc2\x9b"
             "31mred"),             /* and with C1 in UTF-8 */
    STR_INIT("=cmd|' /C calc'!A0"), /* formulas */
    STR_INIT("+1+1"),
    STR_INIT("-1+1"),
    STR_INIT("@SUM(1)"),
    STR_INIT("\t=1"),
    STR_INIT("\r=1"),
    STR_INIT("\xef\xbc\x9d"
             "1"),             /* full-width = */
    STR_INIT("a,b\"c\"\r\nd"), /* ends of fields and of records */
    STR_INIT("</script><script>alert(1)</script>"),
    STR_INIT("\"><img src=x onerror=alert(1)>"),
    STR_INIT("&lt;b&gt; &#0; &nosuch;"),
    STR_INIT("]]> <!-- <![CDATA["),
    STR_INIT("'; system('touch owned'); '"), /* gnuplot */
    STR_INIT("\"; system(\"touch owned\"); \""),
    STR_INIT("`touch owned` $(touch owned) @owned"),
    STR_INIT("\nsystem 'touch owned'\n!touch owned\n"),
    STR_INIT("E\nE\nEOD\nexit"), /* the end of its inline data */
    STR_INIT("{/Bold x} {/Symbol a} x^2_3"),
    STR_INIT("x\\"),
    STR_INIT("%s%n%1$n"),
    STR_INIT("a | b\n| c |"), /* Markdown */
    STR_INIT("[text](javascript:alert(1)) ![x](http://x.test/y.png)"),
    STR_INIT("www.evil.test http://evil.test @everyone **x** _y_ `z` <b>"),
    STR_INIT("\xff\xfe\xc0\x80\xed\xa0\x80\xf4\x90\x80\x80"), /* no UTF-8 */
    STR_INIT("cut \xe6\xbc"),                                 /* ends inside a character */
    STR_INIT("\xe2\x80\xae"
             "gpj.exe"), /* right to left */
    STR_INIT("zero\xe2\x80\x8b"
             "width\xef\xbb\xbf\xef\xbf\xbe"),
    STR_INIT("nul\0inside"),
    STR_INIT("\xf0\x9f\x92\xa9\xe6\xbc\xa2\xe5\xad\x97 e\xcc\x81"), /* wide and combining: harmless */
    STR_INIT(""),
};
enum { HOSTILE = sizeof hostile / sizeof *hostile };

/* A folder of a test's own, and away with it. */
static inline int papers_unlink(const char *path, const struct stat *is, int type, struct FTW *at)
{
    (void)is, (void)type, (void)at;
    return remove(path);
}

static inline void folder_remove(const char *path)
{
    ck_assert_int_eq(nftw(path, papers_unlink, 8, FTW_DEPTH | FTW_PHYS), 0);
}

/* Compares with a file beside the tests; MXREPLAY_GOLDEN=write makes it anew, to be read by a human before it
 * is committed. */
static inline void ck_golden(const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "tests/report/golden/%s", name);
    const char *mode = getenv("MXREPLAY_GOLDEN");
    if (mode && strcmp(mode, "write") == 0) {
        FILE *to = fopen(path, "w");
        ck_assert_ptr_nonnull(to);
        fputs(text, to);
        fclose(to);
        return;
    }
    FILE *from = fopen(path, "r");
    ck_assert_msg(from != NULL, "%s is missing", path);
    char *wanted = NULL;
    size_t len = 0;
    FILE *copy = open_memstream(&wanted, &len);
    for (int c; (c = getc(from)) != EOF;)
        putc(c, copy);
    fclose(copy);
    fclose(from);
    ck_assert_msg(strcmp(wanted, text) == 0, "%s differs\n--- expected\n%s\n--- found\n%s\n", path, wanted,
                  text);
    free(wanted);
}

/* Bytes that a terminal would obey, or that are no UTF-8; NULL where there are none. `also` may occur. */
static inline const char *obeyed(const char *text, size_t len, const char *also)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if ((c < 0x20 && !strchr(also, c)) || (c == 0 && len) || c == 0x7f)
            return text + i;
        if (c < 0x80)
            continue;
        unsigned follow = c >= 0xc2 && c <= 0xdf   ? 1
                          : c >= 0xe0 && c <= 0xef ? 2
                          : c >= 0xf0 && c <= 0xf4 ? 3
                                                   : 9;
        if (follow == 9 || i + follow >= len)
            return text + i;
        for (unsigned k = 1; k <= follow; k++)
            if (((unsigned char)text[i + k] & 0xc0) != 0x80)
                return text + i;
        unsigned char d = (unsigned char)text[i + 1];
        if ((c == 0xe0 && d < 0xa0) || (c == 0xed && d >= 0xa0) || (c == 0xf0 && d < 0x90) ||
            (c == 0xf4 && d >= 0x90))
            return text + i; /* overlong, surrogate, past U+10FFFF */
        if (c == 0xc2 && d < 0xa0)
            return text + i; /* C1 */
        if (c == 0xe2 && d == 0x80 && (unsigned char)text[i + 2] >= 0xaa &&
            (unsigned char)text[i + 2] <= 0xae)
            return text + i; /* turns the direction of writing */
        i += follow;
    }
    return NULL;
}

#define ck_assert_harmless(text, len, also)                                                                  \
    do {                                                                                                     \
        const char *bad_ = obeyed((text), (len), (also));                                                    \
        ck_assert_msg(bad_ == NULL, "byte %02x at %zu of: %s", bad_ ? (unsigned)(unsigned char)*bad_ : 0u,   \
                      bad_ ? (size_t)(bad_ - (text)) : 0, (text));                                           \
    } while (0)

/* Whether markup is well formed: tags nest, attributes are quoted, & and < stand only where they may. `html`
 * knows the elements that have no end. Returns what is wrong, or NULL. A small checker of our own, so that
 * the tests need no XML library; what it lets pass is well formed, and it refuses some things that would be
 * (single-quoted and unquoted attributes are taken only where gnuplot writes them). */
static inline const char *malformed(const char *text, bool html)
{
    static char wrong[160];
    char stack[64][32];
    size_t depth = 0;
    for (const char *at = text; *at;) {
        if (*at == '&') {
            size_t n = strspn(at + 1, "#abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
            if (n == 0 || at[n + 1] != ';')
                return snprintf(wrong, sizeof wrong, "bare & at: %.60s", at), wrong;
            at += n + 2;
            continue;
        }
        if (*at != '<') {
            at++;
            continue;
        }
        if (strncmp(at, "<?xml", 5) == 0 || strncmp(at, "<!DOCTYPE", 9) == 0) {
            at = strchr(at, '>');
            if (!at)
                return "declaration without an end";
            at++;
            continue;
        }
        bool end = at[1] == '/';
        const char *name = at + 1 + end;
        size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:-");
        if (len == 0 || len > 31)
            return snprintf(wrong, sizeof wrong, "bare < at: %.60s", at), wrong;
        const char *p = name + len;
        bool closed = false;
        for (;;) {
            p += strspn(p, " \t\r\n");
            if (*p == '>')
                break;
            if (p[0] == '/' && p[1] == '>') {
                closed = true;
                p++;
                break;
            }
            size_t attribute = strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:-");
            if (attribute == 0)
                return snprintf(wrong, sizeof wrong, "no attribute at: %.60s", p), wrong;
            p += attribute;
            p += strspn(p, " ");
            if (*p != '=')
                return snprintf(wrong, sizeof wrong, "attribute without a value at: %.60s", p), wrong;
            p++;
            p += strspn(p, " ");
            char quote = *p;
            if (quote != '"' && quote != '\'')
                return snprintf(wrong, sizeof wrong, "value without quotes at: %.60s", p), wrong;
            for (p++; *p != quote; p++)
                if (*p == '\0' || *p == '<')
                    return snprintf(wrong, sizeof wrong, "value that does not end at: %.60s", name), wrong;
            p++;
        }
        at = p + 1;
        char tag[32];
        snprintf(tag, sizeof tag, "%.*s", (int)len, name);
        if (end) {
            if (depth == 0 || strcmp(stack[depth - 1], tag) != 0)
                return snprintf(wrong, sizeof wrong, "</%s> inside <%s>", tag, depth ? stack[depth - 1] : ""),
                       wrong;
            depth--;
        } else if (!closed && !(html && (strcmp(tag, "meta") == 0 || strcmp(tag, "br") == 0))) {
            if (depth == 64)
                return "too deep";
            memcpy(stack[depth++], tag, sizeof tag);
            if (html && strcmp(tag, "style") == 0) { /* no markup in it */
                at = strstr(at, "</style>");
                if (!at)
                    return "style without an end";
            }
        }
    }
    return depth ? snprintf(wrong, sizeof wrong, "<%s> is not closed", stack[depth - 1]), wrong : NULL;
}

#endif
