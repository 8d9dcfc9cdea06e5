/* mxreplay policy: checks policies, and shows those that come with mxreplay. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <string.h>
#include <sysexits.h>

#include "analyze/policy.h"
#include "base/nearest.h"
#include "cli/commands.h"
#include "cli/say.h"
#include "report/table.h"

struct settings {
    struct common common;
    bool complete;
};

static const char *const words[] = { "check", "show", NULL };

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

static int show(const struct settings *settings, char **names, struct why *why)
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
        result = policy_write(&policy, stdout, why);
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
    const char *near = nearest_word(str_of(operands[0]), words, 2);
    return why_set(why, EX_USAGE, "policy does not know \"%s\"; %s%s?", operands[0],
                   near ? "did you mean policy " : "is it policy check or policy show", near ? near : "");
}

static const struct option_row options[] = {
    { .name = "complete",
      .type = OPTION_FLAG,
      .at = offsetof(struct settings, complete),
      .help = "show every parameter, also those left at their defaults" },
    { .name = NULL },
};

static const char manual[] =
#include "doc/policy.txt.inc"
    ;

const struct command policy_command = {
    .name = "policy",
    .operands = "check POLICY… | show [POLICY]",
    .summary = "Checks a policy, or shows one that comes with mxreplay",
    .manual = manual,
    .options = options,
    .takes = TAKES_FORMAT,
    .settings_bytes = sizeof(struct settings),
    .least = 1,
    .missing = "policy what? mxreplay policy show, or mxreplay policy check FILE",
    .complete = COMPLETE_POLICY,
    .words = words,
    .run = run,
};
