/* mxreplay audit: who would be hurt. */
#include <inttypes.h>
#include <string.h>
#include <sysexits.h>

#include "cli/commands.h"
#include "cli/fail_if.h"
#include "cli/load.h"
#include "cli/say.h"
#include "report/audit_page.h"

struct settings {
    struct common common;
    int show, by, most, exemptions, lets_by;
    const char *review;
};

/* What --fail-if asks about. */
static int test(const struct audit *audit, const struct common *common, struct why *why)
{
    double stopped = 0, by_harm[HARMS] = { 0 }, wanted = (double)audit->labels[LABEL_WANTED].stopped_low,
           certain = wanted + (double)audit->labels[LABEL_PRESUMED].stopped_low;
    for (size_t i = 0; i < audit->harmed_count; i++) {
        const struct harmed *harmed = &audit->harmed[i];
        stopped += !harmed->arrives;
        by_harm[harmed->harm] += harmed->certain && !harmed->either;
    }
    const struct figure figures[] = {
        { STR("stopped"), stopped },         { STR("certain"), certain },
        { STR("wanted"), wanted },           { STR("told"), by_harm[HARM_TOLD] },
        { STR("late"), by_harm[HARM_LATE] }, { STR("lost"), by_harm[HARM_LOST] },
    };
    int result = fail_if_any(&common->fail_if, figures, sizeof figures / sizeof figures[0],
                             (double)audit->accepted, why);
    return result == 0 && common->strict && stopped > 0 ? 1 : result;
}

static int review(const struct audit_page *page, const struct settings *settings, struct why *why)
{
    size_t rows = 0;
    struct arena arena = { 0 };
    if (audit_review(page, settings->review, &rows, why) < 0)
        return -1;
    say("%zu sessions to label in %s; then: %s enrich%s --labels %s", rows, settings->review, program(),
        database_option(&settings->common, &arena), settings->review);
    arena_free(&arena);
    return 0;
}

static int run(const void *given, char **operands, struct why *why)
{
    (void)operands;
    const struct settings *settings = given;
    const struct common *common = &settings->common;
    struct load load = { 0 };
    struct audit audit = { 0 };
    struct exemptions exemptions = { 0 };
    int result = -1;
    if (!common->policy || strcmp(common->policy, "recorded") == 0)
        return why_set(why, EX_USAGE, "which policy? mxreplay audit -p talk-2009, or a file: -p policy.yaml");
    if (fail_if_check(&common->fail_if, why) < 0 || load_all(&load, common, common->policy, why) < 0 ||
        audit_run(load.columns, load.policy, &load.options, &audit, why) < 0)
        goto done;
    say_if_empty(common, audit.deliveries);
    int failed = test(&audit, common, why);
    enum table_format format = (enum table_format)common->format;
    bool cures = !settings->review && (format == TABLE_JSON || settings->show == AUDIT_EXEMPTIONS ||
                                       (settings->show == AUDIT_ALL && format != TABLE_CSV));
    if (failed < 0 ||
        exemptions_find(load.columns, load.policy, &load.options, &audit,
                        cures ? (size_t)settings->exemptions : 0, settings->lets_by, &exemptions, why) < 0)
        goto done;
    const struct audit_page page = { load.policy, &audit, &exemptions, (enum hurt_by)settings->by,
                                     (size_t)settings->most };
    if (settings->review && review(&page, settings, why) < 0)
        goto done;
    if (!settings->review &&
        audit_page_print(&page, (enum audit_part)settings->show, format, stdout, why) < 0)
        goto done;
    if (audit.harmed_count && !settings->review)
        say("\nWhy one of them: %s explain%s %" PRId64 " -p %s", program(),
            database_option(common, &load.arena), audit.harmed[0].session_id, common->policy);
    result = failed;
done:
    exemptions_free(&exemptions);
    audit_free(&audit);
    load_free(&load);
    return result;
}

#define AT(member) offsetof(struct settings, member)
static const struct option_row options[] = {
    { .name = "show",
      .type = OPTION_WORD,
      .at = AT(show),
      .argument = "WHAT",
      .help =
          "all, or hurt, rates, measures, delays, gone or exemptions alone (CSV has one table: hurt, unless "
          "told)",
      .fallback = "all",
      .words = audit_part_name,
      .word_count = AUDIT_PARTS },
    { .name = "by",
      .type = OPTION_WORD,
      .at = AT(by),
      .argument = "WHAT",
      .help = "whom it hurts, by sender's domain, recipient, or the client's asn or network",
      .fallback = "domain",
      .words = hurt_by_name,
      .word_count = HURT_KINDS },
    { .name = "most",
      .type = OPTION_NUMBER,
      .at = AT(most),
      .argument = "N",
      .help = "rows of these to show, the most hurt first; 0: all",
      .fallback = "40" },
    { .name = "exemptions",
      .type = OPTION_NUMBER,
      .at = AT(exemptions),
      .argument = "N",
      .help = "how many exemptions to look for; 0: none",
      .fallback = "10" },
    { .name = "lets-by",
      .type = OPTION_NUMBER,
      .at = AT(lets_by),
      .argument = "N",
      .help = "how many that are not wanted an exemption may let by for each that it is for",
      .fallback = "1" },
    { .name = "review",
      .type = OPTION_TEXT,
      .at = AT(review),
      .argument = "FILE",
      .help = "writes whom it hurts as CSV to be labelled, for enrich --labels, instead",
      .complete = COMPLETE_FILE },
    { .name = "fail-if",
      .type = OPTION_TEXTS,
      .at = AT(common.fail_if),
      .argument = "TEST",
      .help = "exit 1 if it holds: 'lost>0', 'certain>=1%' (of stopped, certain, wanted, told, late, lost)" },
    { .name = NULL },
};

static const char manual[] =
#include "doc/audit.txt.inc"
    ;

const struct command audit_command = {
    .name = "audit",
    .summary = "Lists whose mail a policy would have stopped",
    .manual = manual,
    .options = options,
    .takes = TAKES_DATABASE | TAKES_PROGRESS | TAKES_FORMAT | TAKES_POLICY | TAKES_PERIOD | TAKES_REPLAY |
             TAKES_STRICT,
    .settings_bytes = sizeof(struct settings),
    .run = run,
};
