/* The syntax of Exim's configuration (Exim's specification, chapter 6, "The Exim run time configuration
 * file", and chapter 44, access control lists): a backslash at the end of a line continues it, macros are
 * replaced as text, .include and .ifdef are minded, ACLs are verbs with conditions. */
#include "config/exim.h"

#include <stdlib.h>
#include <sysexits.h>

enum { INCLUDES_MOST = 30, LINE_MOST = 64 * 1024, NESTED_MOST = 100, LINES_MOST = 200000 };

const char *const exim_verb_names[VERBS] = {
    "accept", "defer", "deny", "discard", "drop", "require", "warn"
};

/* What is being read; .include makes one inside the other. */
struct reading {
    struct exim *exim;
    bool acls, other; /* in "begin acl"; in another section */
    int depth;        /* of includes */
    size_t lines;     /* of all files */
    int nested, off;  /* .ifdef: how many are open, and from which on nothing counts; 0: all does */
    bool taken[NESTED_MOST + 1];
};

static bool is_name_char(char c)
{
    return is_alnum(c) || c == '_' || c == '-';
}

/* ---- Macros: names that begin with a capital, replaced wherever they stand. The longest name that fits, as
 * Exim wants names that begin with others' defined first. */

static const struct exim_option *macro_at(const struct exim *exim, struct str text)
{
    const struct exim_option *found = NULL;
    for (size_t i = 0; i < exim->macro_count; i++)
        if (str_starts(text, exim->macro[i].name) && (!found || exim->macro[i].name.len > found->name.len))
            found = &exim->macro[i];
    return found;
}

static struct str replace_macros(struct exim *exim, struct str line)
{
    char *text = NULL;
    size_t len = 0, room = 0;
    for (size_t i = 0; exim->macro_count && i < line.len && len < LINE_MOST;) {
        struct str rest = str_skip(line, i);
        bool capital = rest.at[0] >= 'A' && rest.at[0] <= 'Z';
        const struct exim_option *macro = capital ? macro_at(exim, rest) : NULL;
        struct str piece = macro ? macro->value : (struct str){ rest.at, 1 };
        if (piece.len) {
            mem_room(text, room, len + piece.len);
            memcpy(text + len, piece.at, piece.len);
            len += piece.len;
        }
        i += macro ? macro->name.len : 1;
    }
    struct str replaced =
        exim->macro_count ? arena_str(&exim->draft->arena, (struct str){ text, len }) : line;
    free(text);
    return replaced;
}

static void set(struct exim_option **options, size_t *count, size_t *room, struct exim_option new)
{
    for (size_t i = 0; i < *count; i++)
        if (str_eq((*options)[i].name, new.name)) {
            (*options)[i] = new;
            return;
        }
    mem_room(*options, *room, *count + 1);
    (*options)[(*count)++] = new;
}

/* "NAME = value" or "NAME == value" where the name begins with a capital. */
static bool take_macro(struct exim *exim, struct str line, struct place place)
{
    size_t end = 0;
    while (end < line.len && is_name_char(line.at[end]))
        end++;
    struct str name = { line.at, end }, rest = str_trim(str_skip(line, end));
    if (!end || line.at[0] < 'A' || line.at[0] > 'Z' || !cut_char(&rest, '='))
        return false;
    cut_char(&rest, '=');
    set(&exim->macro, &exim->macro_count, &exim->macro_room,
        (struct exim_option){ name, replace_macros(exim, str_trim(rest)), place });
    return true;
}

/* ---- ACLs. */

static bool verb_of(struct str word, enum exim_verb *verb)
{
    for (*verb = 0; *verb < VERBS; (*verb)++)
        if (str_eq(word, str_of(exim_verb_names[*verb])))
            return true;
    return false;
}

static void add_condition(struct exim_acl *acl, struct str text, struct place place)
{
    struct exim_statement *statement = &acl->statement[acl->count - 1];
    struct exim_condition condition = { .place = place };
    text = str_trim(text);
    while (cut_char(&text, '!')) {
        condition.negated = !condition.negated;
        text = str_trim(text);
    }
    condition.value = text;
    if (!cut_until_char(&condition.value, '=', &condition.name)) {
        condition.name = text; /* "endpass" */
        condition.value = STR("");
    }
    condition.name = str_trim(condition.name);
    condition.value = str_trim(condition.value);
    /* "set acl_m0 = ..." */
    if (str_starts(condition.name, STR("set ")))
        condition.name = STR("set");
    mem_room(statement->condition, statement->room, statement->count + 1);
    statement->condition[statement->count++] = condition;
}

static void take_acl_line(struct exim *exim, struct str line, struct place place)
{
    struct str rest;
    struct exim_acl *acl = exim->acl_count ? &exim->acl[exim->acl_count - 1] : NULL;
    enum exim_verb verb;
    size_t end = 0;
    while (end < line.len && is_name_char(line.at[end]))
        end++;
    if (end && end < line.len && line.at[end] == ':' && !str_trim(str_skip(line, end + 1)).len) {
        mem_room(exim->acl, exim->acl_room, exim->acl_count + 1);
        exim->acl[exim->acl_count++] = (struct exim_acl){ .name = { line.at, end } };
        return;
    }
    if (!acl) {
        draft_unmapped(exim->draft, place, line, "it stands in no ACL; begin one with NAME:");
        return;
    }
    struct str plain = { line.at, end };
    if (verb_of(plain, &verb) &&
        !(str_trim(str_skip(line, end)).len && str_trim(str_skip(line, end)).at[0] == '=')) {
        mem_room(acl->statement, acl->room, acl->count + 1);
        acl->statement[acl->count++] = (struct exim_statement){ .verb = verb, .place = place };
        rest = str_skip(line, end);
        if (str_trim(rest).len)
            add_condition(acl, rest, place);
        return;
    }
    if (!acl->count)
        draft_unmapped(exim->draft, place, line, "it belongs to no verb; write accept, deny, ... before it");
    else
        add_condition(acl, line, place);
}

/* ---- Lines. */

static int read_file(struct reading *reading, const struct config_file *file);

static bool is_defined(const struct exim *exim, struct str name)
{
    for (size_t i = 0; i < exim->macro_count; i++)
        if (str_eq(exim->macro[i].name, name))
            return true;
    return false;
}

/* .ifdef, .ifndef, .elifdef, .elifndef, .else, .endif. False: it is none of them. */
static int take_conditional(struct reading *reading, struct str word, struct str rest, struct place place)
{
    bool negated = str_ends(word, STR("ndef")), off = reading->off > 0;
    struct str name = STR("");
    cut_token(&rest, &name);
    bool holds = is_defined(reading->exim, name) != negated;
    if (str_eq(word, STR(".ifdef")) || str_eq(word, STR(".ifndef"))) {
        if (++reading->nested > NESTED_MOST)
            return why_set(reading->exim->why, EX_DATAERR, "%s:%zu: too many .ifdef inside each other",
                           place.file, place.line);
        reading->taken[reading->nested] = holds;
        if (!off && !holds)
            reading->off = reading->nested;
        return 1;
    }
    bool otherwise = str_eq(word, STR(".else"));
    if (otherwise || str_eq(word, STR(".elifdef")) || str_eq(word, STR(".elifndef"))) {
        if (!reading->nested)
            return why_set(reading->exim->why, EX_DATAERR, "%s:%zu: %.*s without .ifdef; take it away",
                           place.file, place.line, STR_ARG(word));
        if (off && reading->off < reading->nested)
            return 1;
        bool now = !reading->taken[reading->nested] && (otherwise || holds);
        reading->off = now ? 0 : reading->nested;
        reading->taken[reading->nested] = reading->taken[reading->nested] || now;
        return 1;
    }
    if (!str_eq(word, STR(".endif")))
        return 0;
    if (!reading->nested)
        return why_set(reading->exim->why, EX_DATAERR, "%s:%zu: .endif without .ifdef; take it away",
                       place.file, place.line);
    if (reading->off == reading->nested)
        reading->off = 0;
    reading->nested--;
    return 1;
}

static int take_include(struct reading *reading, struct str word, struct str rest, struct place place)
{
    struct str path;
    bool maybe = str_eq(word, STR(".include_if_exists"));
    if (!cut_quoted(&rest, &path))
        return 0;
    if (reading->depth >= INCLUDES_MOST)
        return why_set(reading->exim->why, EX_DATAERR, "%s:%zu: files include each other without end",
                       place.file, place.line);
    const struct config_file *file = files_named(reading->exim->files, place.file, path);
    if (!file && !maybe)
        draft_unmapped(reading->exim->draft, place,
                       arena_printf(&reading->exim->draft->arena, ".include %.*s", STR_ARG(path)),
                       "it could not be read; give the file beside this one");
    if (!file)
        return 0;
    reading->depth++;
    int result = read_file(reading, file);
    reading->depth--;
    return result;
}

static void take_line(struct reading *reading, struct str line, struct place place)
{
    struct exim *exim = reading->exim;
    struct str rest = line, word, name;
    if (str_starts(line, STR("begin ")) || str_starts(line, STR("begin\t"))) {
        cut_token(&rest, &word);
        cut_token(&rest, &word);
        reading->acls = str_eq(word, STR("acl"));
        reading->other = !reading->acls;
        return;
    }
    if (take_macro(exim, line, place))
        return;
    line = str_trim(replace_macros(exim, line));
    if (!line.len)
        return;
    if (reading->acls) {
        take_acl_line(exim, line, place);
        return;
    }
    if (reading->other)
        return;
    rest = line;
    if (cut_until_char(&rest, '=', &name)) {
        set(&exim->option, &exim->option_count, &exim->option_room,
            (struct exim_option){ str_trim(name), str_trim(rest), place });
        return;
    }
    bool no = str_starts(line, STR("no_")) || str_starts(line, STR("not_"));
    name = no ? str_skip(line, line.at[2] == '_' ? 3 : 4) : line;
    set(&exim->option, &exim->option_count, &exim->option_room,
        (struct exim_option){ name, no ? STR("false") : STR("true"), place });
}

/* A logical line: what a backslash at its end continues is joined without the blanks that begin the next. */
static bool next_logical(struct exim *exim, struct config_lines *lines, struct str *line, size_t *number)
{
    struct str part;
    char *text = NULL;
    size_t len = 0, room = 0;
    bool more = true, any = false;
    while (more && config_line_next(lines, &part)) {
        struct str trimmed = str_trim(part);
        if (trimmed.len && trimmed.at[0] == '#' && any)
            continue; /* a comment between */
        if (!any)
            *number = lines->number;
        any = true;
        more = trimmed.len && trimmed.at[0] != '#' && trimmed.at[trimmed.len - 1] == '\\';
        trimmed.len -= more;
        if (len + trimmed.len > LINE_MOST)
            trimmed.len = 0;
        if (!trimmed.len)
            continue;
        mem_room(text, room, len + trimmed.len);
        memcpy(text + len, trimmed.at, trimmed.len);
        len += trimmed.len;
    }
    *line = any ? arena_str(&exim->draft->arena, (struct str){ text ? text : "", len }) : STR("");
    free(text);
    return any;
}

static int read_file(struct reading *reading, const struct config_file *file)
{
    struct config_lines lines = config_lines(file);
    struct str line, word;
    size_t number = 0;
    while (next_logical(reading->exim, &lines, &line, &number)) {
        struct str rest = line;
        struct place place = { file->name, number };
        if (++reading->lines > LINES_MOST)
            return why_set(reading->exim->why, EX_DATAERR,
                           "%s:%zu: more lines than any server's configuration has", file->name, number);
        if (!line.len || line.at[0] == '#')
            continue;
        if (line.at[0] == '.' && cut_token(&rest, &word)) {
            int conditional = take_conditional(reading, word, rest, place);
            if (conditional < 0)
                return -1;
            bool include = str_starts(word, STR(".include"));
            rest = replace_macros(reading->exim, rest);
            if (!conditional && include && !reading->off && take_include(reading, word, rest, place))
                return -1;
            continue;
        }
        if (!reading->off)
            take_line(reading, line, place);
    }
    return 0;
}

int exim_read(struct exim *exim, const struct config_file *file)
{
    struct reading reading = { .exim = exim };
    if (read_file(&reading, file))
        return -1;
    if (reading.nested)
        return why_set(exim->why, EX_DATAERR, "%s: an .ifdef has no .endif; write one behind what it is for",
                       file->name);
    return 0;
}

void exim_close(struct exim *exim)
{
    for (size_t i = 0; i < exim->acl_count; i++) {
        for (size_t k = 0; k < exim->acl[i].count; k++)
            free(exim->acl[i].statement[k].condition);
        free(exim->acl[i].statement);
    }
    free(exim->acl);
    free(exim->option);
    free(exim->macro);
}

const struct exim_option *exim_find(const struct exim *exim, struct str name)
{
    for (size_t i = 0; i < exim->option_count; i++)
        if (str_eq(exim->option[i].name, name))
            return &exim->option[i];
    return NULL;
}

struct str exim_option(const struct exim *exim, const char *name, const char *fallback)
{
    const struct exim_option *option = exim_find(exim, str_of(name));
    return option ? option->value : str_of(fallback);
}

bool exim_is_true(const struct exim *exim, const char *name, bool fallback)
{
    struct str value = exim_option(exim, name, fallback ? "true" : "false");
    return str_eq_nocase(value, STR("true")) || str_eq_nocase(value, STR("yes"));
}

const struct exim_acl *exim_acl_called(const struct exim *exim, struct str name)
{
    for (size_t i = 0; i < exim->acl_count; i++)
        if (str_eq(exim->acl[i].name, name))
            return &exim->acl[i];
    return NULL;
}
