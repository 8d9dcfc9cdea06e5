/* mxreplay policy: checks policies, and shows those that come with mxreplay; import and export are in
 * policy_config.c. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <string.h>
#include <sysexits.h>

#include "analyze/measure.h"
#include "base/nearest.h"
#include "cli/commands.h"
#include "cli/policy.h"
#include "cli/say.h"
#include "report/table.h"

static const char *const words[] = { "check", "show", "import", "export", NULL };

static int check(char **names, struct why *why)
{
    if (!names[0])
        return why_set(why, EX_USAGE, "policy check: which file? mxreplay policy check policy.yaml");
    for (; *names; names++) {
        struct policy policy;
        if (policy_load(&policy, *names, why) < 0)
            return -1;
        say("%s: policy %.*s, %zu %s, no mistakes", *names, STR_ARG(policy.name), policy.rule_count,
            policy.rule_count == 1 ? "measure" : "measures");
        policy_free(&policy);
    }
    return 0;
}

/* What a shipped policy says of itself in the first sentence of its first comment: "# strict: all that can
 * ..." */
static struct str about(const char *yaml)
{
    struct str rest = str_of(yaml), line = { 0 }, name = { 0 }, sentence = { 0 };
    if (!cut_until_char(&rest, '\n', &line) || !cut_prefix(&line, STR("#")))
        return (struct str){ NULL, 0 };
    cut_until(&line, STR(": "), &name);
    return cut_until(&line, STR(". "), &sentence) ? sentence : str_trim(line);
}

static int list(const struct common *common, struct why *why)
{
    static const struct column columns[] = {
        { .name = "policy", .title = STR_INIT("Policy") },
        { .name = "about", .title = STR_INIT("What it is"), .most = 100 },
    };
    struct table *table = table_open(stdout, (enum table_format)common->format, columns, 2);
    for (const struct shipped_policy *policy = shipped_policies; policy->name; policy++) {
        table_cell(table, str_of(policy->name));
        table_cell(table, about(policy->yaml));
    }
    return table_close(table, why);
}

static int show(const struct policy_settings *settings, char **names, struct why *why)
{
    if (!names[0])
        return list(&settings->common, why);
    if (names[1])
        return why_set(why, EX_USAGE, "policy show: one at a time");
    struct policy policy;
    if (policy_load(&policy, names[0], why) < 0)
        return -1;
    int result = 0;
    if (settings->complete)
        result = policy_write(&policy, true, stdout, why);
    else
        fwrite(policy.yaml.at, 1, policy.yaml.len, stdout);
    policy_free(&policy);
    return result;
}

static int run(const void *given, char **operands, struct why *why)
{
    if (strcmp(operands[0], "check") == 0)
        return check(operands + 1, why);
    if (strcmp(operands[0], "show") == 0)
        return show(given, operands + 1, why);
    if (strcmp(operands[0], "import") == 0)
        return policy_import(given, operands + 1, why);
    if (strcmp(operands[0], "export") == 0)
        return policy_export(given, operands + 1, why);
    const char *near = nearest_word(str_of(operands[0]), words, 4);
    return why_set(why, EX_USAGE, "policy does not know \"%s\"; %s%s?", operands[0],
                   near ? "did you mean policy " : "is it policy check, show, import or export",
                   near ? near : "");
}

static const struct option_row options[] = {
    { .name = "complete",
      .type = OPTION_FLAG,
      .at = offsetof(struct policy_settings, complete),
      .help = "show every parameter, also those left at their defaults" },
    { .name = "server",
      .type = OPTION_TEXT,
      .at = offsetof(struct policy_settings, server),
      .argument = "NAME",
      .help = "import: whose configuration it is, where its looks do not tell" },
    { .name = "postgrey",
      .type = OPTION_TEXT,
      .at = offsetof(struct policy_settings, postgrey),
      .argument = "OPTIONS",
      .help = "import: postgrey's command line, such as \"--delay=60 --lookup-by-host\"" },
    { .name = "postfix",
      .type = OPTION_FLAG,
      .at = offsetof(struct policy_settings, to_postfix),
      .help = "export: the lines for Postfix" },
    { .name = "exim",
      .type = OPTION_FLAG,
      .at = offsetof(struct policy_settings, to_exim),
      .help = "export: the lines for Exim" },
    { .name = "opensmtpd",
      .type = OPTION_FLAG,
      .at = offsetof(struct policy_settings, to_opensmtpd),
      .help = "export: the lines for OpenSMTPD" },
    { .name = NULL },
};

/* ---- the manual's list of measures, out of their tables */

enum { NAME_WIDTH = 18, TEXT_WIDTH = 48 }; /* with man's margins less than 80 */

struct telling {
    prose_taker *take;
    void *state;
    struct arena arena;
};

/* "  delay           how long a new triplet is put off (5m)", on as many lines as it takes. */
static void tell_line(struct telling *telling, const char *name, struct str text)
{
    do {
        size_t end = text.len;
        if (end > TEXT_WIDTH)
            for (end = TEXT_WIDTH; end && text.at[end] != ' ';)
                end--;
        end = end ? end : text.len;
        struct str line = arena_printf(&telling->arena, "%-*s%.*s", NAME_WIDTH, name, (int)end, text.at);
        telling->take(telling->state, PROSE_LITERAL, STR(""), line);
        text = str_trim(str_skip(text, end));
        name = "";
    } while (text.len);
}

static void tell_parameter(struct telling *telling, const struct parameter *parameter)
{
    struct arena *arena = &telling->arena;
    struct str text = arena_printf(arena, "%s", parameter->help);
    for (size_t i = 0; parameter->words && parameter->words[i]; i++)
        text = arena_printf(arena, "%.*s%s%s", STR_ARG(text), i ? ", " : ": ", parameter->words[i]);
    if (parameter->fallback)
        text = arena_printf(arena, "%.*s (%s)", STR_ARG(text), parameter->fallback);
    tell_line(telling, arena_printf(arena, "  %s", parameter->name).at, text);
}

static void tell_measures(prose_taker *take, void *state)
{
    static const char *const replies[] = { "", "4xx", "5xx", "drop" };
    struct telling telling = { .take = take, .state = state };
    take(state, PROSE_HEADING, STR(""), STR("Measures"));
    take(state, PROSE_PARAGRAPH, STR(""),
         STR("In the order of the dialog, with the stage at which each acts and its reply; below it what can "
             "be set, "
             "in brackets what holds when it is not."));
    for (size_t i = 0; measures[i]; i++) {
        const struct measure *measure = measures[i];
        tell_line(&telling, measure->name,
                  arena_printf(&telling.arena, "%s; %s, %s", measure->title, stage_name[measure->stage],
                               replies[measure->reply]));
        for (const struct parameter *p = measure->parameters; p->name; p++)
            tell_parameter(&telling, p);
    }
    arena_free(&telling.arena);
}

static const char manual[] =
#include "doc/policy.txt.inc"
    ;

const struct command policy_command = {
    .name = "policy",
    .operands = "check POLICY… | show [POLICY] | import FILE… | export --SERVER POLICY",
    .summary = "Checks or shows a policy, or makes one of a server's configuration and back",
    .manual = manual,
    .more = tell_measures,
    .options = options,
    .takes = TAKES_FORMAT | TAKES_STRICT,
    .settings_bytes = sizeof(struct policy_settings),
    .least = 1,
    .missing = "policy what? mxreplay policy show, or mxreplay policy check FILE",
    .complete = COMPLETE_POLICY,
    .words = words,
    .run = run,
};
