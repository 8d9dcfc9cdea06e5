/* mxreplay overlap: what each measure and each DNS list catches, alone and together. */
#include <string.h>
#include <sysexits.h>

#include "cli/commands.h"
#include "cli/load.h"
#include "cli/say.h"
#include "report/overlap_text.h"
#include "report/upset.h"

struct settings {
    struct common common;
    int show, most;
    const char *out, *of;
    struct option_texts only;
};

static bool is_wanted(const struct option_texts *only, struct str name, bool *found)
{
    for (size_t i = 0; i < only->count; i++)
        if (str_eq(str_of(only->text[i]), name)) {
            found[i] = true;
            return true;
        }
    return false;
}

/* Leaves of the policy the measures that are to be compared. */
static int keep_only(struct policy *policy, const struct option_texts *only, struct why *why)
{
    size_t kept = 0;
    bool *found = arena_zero(&policy->arena, (only->count + 1) * sizeof *found);
    for (size_t r = 0; r < policy->rule_count && only->count; r++)
        if (is_wanted(only, policy->rules[r].name, found))
            policy->rules[kept++] = policy->rules[r];
    for (size_t i = 0; i < only->count; i++)
        if (!found[i])
            return why_set(why, EX_USAGE, "--only: policy %.*s has no measure \"%s\"", STR_ARG(policy->name),
                           only->text[i]);
    policy->rule_count = only->count ? kept : policy->rule_count;
    return 0;
}

static const struct overlap_group *find_group(const struct overlap *overlap, const char *name,
                                              struct why *why)
{
    for (size_t g = 0; g < overlap->group_count; g++)
        if (!name || str_eq(overlap->groups[g].name, str_of(name)))
            return &overlap->groups[g];
    why_set(
        why, EX_USAGE,
        "--of: \"%s\" is none of this policy's; write measures, or a dnsbl measure's name that has several "
        "zones",
        name);
    return NULL;
}

static int run(const void *given, char **operands, struct why *why)
{
    (void)operands;
    const struct settings *settings = given;
    const struct common *common = &settings->common;
    struct load load = { 0 };
    struct overlap overlap = { 0 };
    int result = -1;
    if (!common->policy || strcmp(common->policy, "recorded") == 0)
        return why_set(why, EX_USAGE,
                       "which policy? mxreplay overlap -p talk-2009, or a file: -p policy.yaml");
    if (load_all(&load, common, common->policy, why) < 0 ||
        keep_only(load.policy, &settings->only, why) < 0 ||
        overlap_run(load.columns, load.policy, &load.options, settings->only.count > 0, &overlap, why) < 0)
        goto done;
    say_if_empty(common, overlap.units);
    if (settings->out) {
        const struct overlap_group *group = find_group(&overlap, settings->of, why);
        result = group ? upset_file(&overlap, group, settings->out, NULL, why) : -1;
        if (result == 0 && strcmp(settings->out, "-") != 0)
            say("%s", settings->out);
    } else {
        result = overlap_print(&overlap, (enum overlap_part)settings->show, (size_t)settings->most,
                               (enum table_format)common->format, stdout, why);
    }
done:
    overlap_free(&overlap);
    load_free(&load);
    return result;
}

#define AT(member) offsetof(struct settings, member)
static const struct option_row options[] = {
    { .name = "only",
      .type = OPTION_TEXTS,
      .at = AT(only),
      .argument = "MEASURE",
      .help = "compare only these, by their names (may be given again): fewer leave out less" },
    { .name = "show",
      .type = OPTION_WORD,
      .at = AT(show),
      .argument = "WHAT",
      .help = "all, or shares, pairs, combinations or order alone (CSV has one table: shares, unless told)",
      .fallback = "all",
      .words = overlap_part_name,
      .word_count = OVERLAP_PARTS },
    { .name = "most",
      .type = OPTION_NUMBER,
      .at = AT(most),
      .argument = "N",
      .help = "combinations to show, the most frequent first; 0: all",
      .fallback = "20" },
    { .letter = 'o',
      .name = "output",
      .type = OPTION_TEXT,
      .at = AT(out),
      .argument = "FILE",
      .help = "draws the combinations instead: FILE.svg or FILE.png (- is standard output)",
      .complete = COMPLETE_FILE },
    { .name = "of",
      .type = OPTION_TEXT,
      .at = AT(of),
      .argument = "NAME",
      .help = "draws those of a dnsbl measure's zones, by its name, instead of the measures'" },
    { .name = NULL },
};

static const char manual[] =
#include "doc/overlap.txt.inc"
    ;

const struct command overlap_command = {
    .name = "overlap",
    .summary = "Tells what each measure and DNS list catches alone and together",
    .manual = manual,
    .options = options,
    .takes = TAKES_DATABASE | TAKES_PROGRESS | TAKES_FORMAT | TAKES_POLICY | TAKES_PERIOD | TAKES_REPLAY,
    .settings_bytes = sizeof(struct settings),
    .run = run,
};
