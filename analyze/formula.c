/* Formulas: recursive descent to steps for a stack.
 *
 *     sum     = product { ("+" | "-") product }
 *     product = factor { ("*" | "/") factor }
 *     factor  = "-" factor | "+" factor | "(" sum ")" | number | name */
#include "analyze/formula.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include "base/nearest.h"

enum { DEPTH_MOST = 100, STEPS_MOST = 1000, NAME_MOST = 40, SHOWN_MOST = 200 };

enum operation { OP_NUMBER, OP_NAME, OP_ADD, OP_SUBTRACT, OP_MULTIPLY, OP_DIVIDE, OP_NEGATE };

struct formula_step {
    enum operation op;
    size_t name;
    double number;
};

struct parsing {
    struct formula *formula;
    struct str whole, rest;
    const char *const *names;
    size_t count, depth;
    struct why *why;
};

static int fail(const struct parsing *parsing, const char *what)
{
    size_t at = parsing->whole.len - parsing->rest.len + 1, shown = parsing->whole.len;
    shown = shown < SHOWN_MOST ? shown : SHOWN_MOST;
    return why_set(parsing->why, EX_USAGE, "\"%.*s%s\": at character %zu: %s", (int)shown, parsing->whole.at,
                   shown < parsing->whole.len ? "..." : "", at, what);
}

static int add(struct parsing *parsing, struct formula_step step)
{
    struct formula *formula = parsing->formula;
    if (formula->count == STEPS_MOST)
        return fail(parsing, "it is too long");
    mem_room(formula->steps, formula->room, formula->count + 1);
    formula->steps[formula->count++] = step;
    return 0;
}

static char next(struct parsing *parsing)
{
    while (parsing->rest.len && (parsing->rest.at[0] == ' ' || parsing->rest.at[0] == '\t'))
        parsing->rest = str_skip(parsing->rest, 1);
    return parsing->rest.len ? parsing->rest.at[0] : '\0';
}

static bool in_name(char c)
{
    return is_alnum(c) || c == '_' || c == '.';
}

static int read_name(struct parsing *parsing)
{
    char name[NAME_MOST + 1], said[NAME_MOST + 80];
    size_t len = 0;
    while (len < parsing->rest.len && in_name(parsing->rest.at[len]))
        len++;
    struct str typed = { parsing->rest.at, len };
    for (size_t i = 0; i < parsing->count; i++)
        if (str_eq(typed, str_of(parsing->names[i]))) {
            parsing->rest = str_skip(parsing->rest, len);
            return add(parsing, (struct formula_step){ .op = OP_NAME, .name = i });
        }
    snprintf(name, sizeof name, "%.*s", (int)(len < NAME_MOST ? len : NAME_MOST), typed.at);
    const char *near = nearest_word(str_of(name), parsing->names, parsing->count);
    snprintf(said, sizeof said, "there is no column %s; %s%s%s", name,
             near ? "did you mean " : "see the manual", near ? near : "", near ? "?" : "");
    return fail(parsing, said);
}

/* Digits with a point, without the locale's say in it. */
static int read_number(struct parsing *parsing)
{
    double number = 0, scale = 1;
    size_t digits = 0;
    bool point = false;
    for (char c; parsing->rest.len; parsing->rest = str_skip(parsing->rest, 1)) {
        c = parsing->rest.at[0];
        if (c == '.' && !point) {
            point = true;
            continue;
        }
        if (!is_digit(c))
            break;
        digits++;
        if (point)
            number += (c - '0') * (scale /= 10);
        else
            number = number * 10 + (c - '0');
    }
    if (!digits)
        return fail(parsing, "a number is wanted here; write 0.5");
    return add(parsing, (struct formula_step){ .op = OP_NUMBER, .number = number });
}

static int read_sum(struct parsing *parsing);

static int read_factor(struct parsing *parsing)
{
    char c = next(parsing);
    int result = 0;
    if (++parsing->depth > DEPTH_MOST)
        return fail(parsing, "it is nested too deeply");
    if (c == '-' || c == '+') {
        parsing->rest = str_skip(parsing->rest, 1);
        result = read_factor(parsing);
        if (result == 0 && c == '-')
            result = add(parsing, (struct formula_step){ .op = OP_NEGATE });
    } else if (c == '(') {
        parsing->rest = str_skip(parsing->rest, 1);
        result = read_sum(parsing);
        if (result == 0 && next(parsing) != ')')
            result = fail(parsing, "a parenthesis is not closed; write )");
        else if (result == 0)
            parsing->rest = str_skip(parsing->rest, 1);
    } else if (is_digit(c) || c == '.') {
        result = read_number(parsing);
    } else if (is_alpha(c) || c == '_') {
        result = read_name(parsing);
    } else {
        result = fail(parsing, "a column, a number or ( is wanted here");
    }
    parsing->depth--;
    return result;
}

static int read_product(struct parsing *parsing)
{
    int result = read_factor(parsing);
    for (char c; result == 0 && ((c = next(parsing)) == '*' || c == '/');) {
        parsing->rest = str_skip(parsing->rest, 1);
        result = read_factor(parsing);
        if (result == 0)
            result = add(parsing, (struct formula_step){ .op = c == '*' ? OP_MULTIPLY : OP_DIVIDE });
    }
    return result;
}

static int read_sum(struct parsing *parsing)
{
    int result = read_product(parsing);
    for (char c; result == 0 && ((c = next(parsing)) == '+' || c == '-');) {
        parsing->rest = str_skip(parsing->rest, 1);
        result = read_product(parsing);
        if (result == 0)
            result = add(parsing, (struct formula_step){ .op = c == '+' ? OP_ADD : OP_SUBTRACT });
    }
    return result;
}

int formula_read(struct formula *formula, struct str text, const char *const *names, size_t count,
                 struct why *why)
{
    *formula = (struct formula){ 0 };
    struct parsing parsing = { formula, text, text, names, count, 0, why };
    int result = read_sum(&parsing);
    if (result == 0 && next(&parsing) != '\0')
        result = fail(&parsing, "+ - * or / is wanted here");
    else if (result == 0 && parsing.rest.len)
        result = fail(&parsing, "a character that has no meaning");
    if (result < 0)
        formula_free(formula);
    return result;
}

void formula_free(struct formula *formula)
{
    free(formula->steps);
    *formula = (struct formula){ 0 };
}

double formula_value(const struct formula *formula, const double *values)
{
    double stack[STEPS_MOST + 1] = { 0 };
    size_t top = 0;
    for (size_t i = 0; i < formula->count; i++) {
        const struct formula_step *step = &formula->steps[i];
        if (step->op == OP_NUMBER || step->op == OP_NAME) {
            stack[top++] = step->op == OP_NUMBER ? step->number : values[step->name];
            continue;
        }
        if (step->op == OP_NEGATE) {
            stack[top - 1] = -stack[top - 1];
            continue;
        }
        double right = stack[--top], left = stack[top - 1];
        stack[top - 1] = step->op == OP_ADD        ? left + right
                         : step->op == OP_SUBTRACT ? left - right
                         : step->op == OP_MULTIPLY ? left * right
                                                   : left / right;
    }
    return stack[0];
}
