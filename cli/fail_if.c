/* NAME OPERATOR NUMBER[%] */
#include "cli/fail_if.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "base/memory.h"
#include "base/nearest.h"
#include "cli/say.h"

enum { NUMBER_MAX = 40 };

enum operator{ AT_LEAST, AT_MOST, UNEQUAL, ABOVE, BELOW, EQUAL, OPERATORS };
/* The longer ones first: ">=" begins with ">". */
static const struct str operator_text[OPERATORS] = {
    [AT_LEAST] = STR_INIT(">="), [AT_MOST] = STR_INIT("<="), [UNEQUAL] = STR_INIT("!="),
    [ABOVE] = STR_INIT(">"),     [BELOW] = STR_INIT("<"),    [EQUAL] = STR_INIT("="),
};

struct test {
    struct str name;
    enum operator operator;
    double number;
    bool percent;
};

static bool cut_decimal(struct str *rest, double *number)
{
    char digits[NUMBER_MAX];
    size_t n = 0;
    while (n + 1 < sizeof digits && n < rest->len && (is_digit(rest->at[n]) || rest->at[n] == '.')) {
        digits[n] = rest->at[n];
        n++;
    }
    digits[n] = '\0';
    char *end = NULL;
    *number = strtod(digits, &end);
    if (n == 0 || *end)
        return false;
    *rest = str_skip(*rest, n);
    return true;
}

static int parse(const char *text, struct test *test, struct why *why)
{
    size_t n = strcspn(text, "<>=!");
    struct str rest = str_of(text + n);
    test->name = str_trim((struct str){ text, n });
    test->operator= 0;
    while (test->operator < OPERATORS && !cut_prefix(&rest, operator_text[test->operator]))
        test->operator++;
    cut_prefix(&rest, STR("=")); /* == is what programmers write */
    rest = str_trim(rest);
    if (test->name.len == 0 || test->operator== OPERATORS || !cut_decimal(&rest, &test->number))
        goto bad;
    test->percent = cut_char(&rest, '%');
    if (rest.len == 0)
        return 0;
bad:
    return why_set(why, EX_USAGE,
                   "--fail-if: \"%s\" is not a test; write 'accepted>1000' or 'greylist>=2.5%%'", text);
}

int fail_if_check(const struct option_texts *tests, struct why *why)
{
    struct test test;
    for (size_t i = 0; i < tests->count; i++)
        if (parse(tests->text[i], &test, why) < 0)
            return -1;
    return 0;
}

static bool holds(const struct test *test, double value)
{
    switch (test->operator) {
    case AT_LEAST:
        return value >= test->number;
    case AT_MOST:
        return value <= test->number;
    case UNEQUAL:
        return value < test->number || value > test->number;
    case ABOVE:
        return value > test->number;
    case BELOW:
        return value < test->number;
    case EQUAL:
        return value >= test->number && value <= test->number;
    case OPERATORS:
        break;
    }
    abort();
}

static int no_figure(struct str name, const struct figure *figures, size_t count, struct why *why)
{
    struct arena arena = { 0 };
    const char **names = arena_zero(&arena, (count + 1) * sizeof *names);
    struct str all = STR("");
    for (size_t i = 0; i < count; i++) {
        names[i] = arena_str(&arena, figures[i].name).at;
        if (!memchr(names[i], '.', figures[i].name.len))
            all = arena_printf(&arena, "%.*s%s%s", STR_ARG(all), all.len ? ", " : "", names[i]);
    }
    const char *near = nearest_word(name, names, count);
    if (near)
        why_set(why, EX_USAGE, "--fail-if: there is no figure \"%.*s\"; did you mean %s?", STR_ARG(name),
                near);
    else
        why_set(why, EX_USAGE, "--fail-if: there is no figure \"%.*s\"; there are %.*s", STR_ARG(name),
                STR_ARG(all));
    arena_free(&arena);
    return -1;
}

int fail_if_any(const struct option_texts *tests, const struct figure *figures, size_t count,
                double percent_of, struct why *why)
{
    int held = 0;
    for (size_t i = 0; i < tests->count; i++) {
        struct test test;
        if (parse(tests->text[i], &test, why) < 0)
            return -1;
        size_t at = 0;
        while (at < count && !str_eq(figures[at].name, test.name))
            at++;
        if (at == count)
            return no_figure(test.name, figures, count, why);
        double value = figures[at].value;
        if (test.percent)
            value = percent_of > 0 ? value / percent_of * 100 : 0;
        if (!holds(&test, value))
            continue;
        held = 1;
        say("--fail-if %s: it is %.10g%s", tests->text[i], value, test.percent ? "%" : "");
    }
    return held;
}
