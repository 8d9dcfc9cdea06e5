/* mxreplay explain: why was X's mail to Y refused? */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "cli/commands.h"
#include "cli/load.h"
#include "cli/say.h"
#include "cli/story.h"
#include "schemas/provided.h"
#include "report/explain_text.h"

struct settings {
    struct common common;
    const char *sender, *recipient, *client, *queue_id;
    usec since, until;
    int most;
};

/* Addresses are copied from complaints and headers as they stand there: <info@example.org>, <> for bounces.
 */
static struct str bare_address(const char *text)
{
    struct str address = str_of(text);
    if (address.len >= 2 && address.at[0] == '<' && address.at[address.len - 1] == '>')
        address = (struct str){ address.at + 1, address.len - 2 };
    return address;
}

static struct store_filter filter_of(const struct settings *settings)
{
    return (struct store_filter){ .from = settings->since,
                                  .to = settings->until,
                                  .sender = bare_address(settings->sender),
                                  .recipient = bare_address(settings->recipient),
                                  .client = str_of(settings->client),
                                  .queue_id = str_of(settings->queue_id) };
}

/* ---- finding */

/* The sessions that match. The first is kept back: if it stays alone, its story is told instead of a list. */
struct finding {
    const struct settings *settings;
    struct story *first;
    uint64_t found;
    struct table *table;
};

static int found(void *state, const struct session *session)
{
    struct finding *finding = state;
    finding->found++;
    if (finding->found == 1) {
        story_keep(finding->first, session);
        return 0;
    }
    if (finding->found == 2) {
        finding->table = table_open(stdout, (enum table_format)finding->settings->common.format,
                                    session_columns, SESSION_COLUMNS);
        session_row(finding->table, &finding->first->session);
    }
    if (finding->settings->most == 0 || finding->found <= (uint64_t)finding->settings->most)
        session_row(finding->table, session);
    return 0;
}

static int list_end(struct finding *finding, struct why *why)
{
    uint64_t most = (uint64_t)finding->settings->most;
    if (table_close(finding->table, why) < 0)
        return -1;
    if (most && finding->found > most)
        say("… and %" PRIu64 " more: narrow it down, or see all with --most=0", finding->found - most);
    const char *policy = finding->settings->common.policy;
    say("Choose one: %s explain%s %" PRId64 "%s%s", program(),
        database_option(&finding->settings->common, &finding->first->arena), finding->first->session.id,
        policy ? " -p " : "", policy ? policy : "");
    return 0;
}

/* ---- telling */

static void take_line(void *state, struct str text)
{
    struct story *story = state;
    mem_room(story->lines, story->line_capacity, story->line_count + 1);
    story->lines[story->line_count++] = arena_str(&story->arena, text);
}

static int trace(struct story *story, struct str path, struct why *why)
{
    return collect_trace(path.at, story->input, story->session.first_offset, story->session.last_offset,
                         take_line, story, why);
}

/* Reads the session's lines again by their place. A path that was typed in another folder is tried from the
 * database's. Where that fails, the evidence has to do: that is no error. */
static void read_lines(struct story *story, struct load *load, const char *database)
{
    struct input *inputs = NULL;
    size_t count = 0;
    struct why why = { 0 }, elsewhere = { 0 };
    if (store_inputs(load->store, &story->arena, &inputs, &count, &why) < 0) {
        story->no_lines = arena_str(&story->arena, str_of(why.text));
        return;
    }
    for (size_t i = 0; i < count; i++)
        if (inputs[i].id == story->session.input)
            story->input = &inputs[i];
    if (!story->input || str_eq(story->input->path, STR("-"))) {
        story->no_lines =
            STR("it came from standard input and cannot be read again; what was stored of it follows");
        return;
    }
    bool on_the_wire = str_eq(story->input->kind, STR("live"));
    if (on_the_wire || str_starts(story->input->kind, STR("capture"))) {
        story->no_lines = on_the_wire
                              ? STR("it was seen on the wire; what was stored of it follows")
                              : STR("it was seen in a capture of packets; what was stored of it follows");
        return;
    }
    struct str path = arena_str(&story->arena, story->input->path);
    int result = trace(story, path, &why);
    const char *slash = strrchr(database, '/');
    if (result < 0 && path.at[0] != '/' && slash)
        result = trace(
            story,
            arena_printf(&story->arena, "%.*s%.*s", (int)(slash + 1 - database), database, STR_ARG(path)),
            &elsewhere);
    if (result < 0)
        story->no_lines = arena_printf(&story->arena, "%s; what was stored of it follows", why.text);
}

/* Without -p, the policy that the server enforced then; where that is not recorded, the talk's. */
static int choose_policy(struct story *story, struct load *load, struct why *why)
{
    story->policy_is = "";
    for (size_t i = 0; i < load->options.in_force_count && !load->policy; i++) {
        const struct in_force *in_force = &load->options.in_force[i];
        if ((in_force->from == USEC_NONE || in_force->from <= story->session.started) &&
            (in_force->to == USEC_NONE || story->session.started < in_force->to)) {
            story->policy = in_force->policy;
            story->policy_is = ", which the server enforced";
        }
    }
    if (!story->policy && !load->policy) {
        if (load_named_policy(load, "talk-2009", why) < 0)
            return -1;
        story->policy_is = " (what the server enforced is not recorded; another: -p)";
    }
    if (load->policy)
        story->policy = load->policy;
    return 0;
}

static bool is_printable(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.at[i] < ' ' || (unsigned char)text.at[i] > '~')
            return false;
    return true;
}

/* Who was told to come back: whether they did is another session's story. */
static void say_the_others(struct story *story, const struct settings *settings)
{
    const struct session *session = &story->session;
    for (size_t t = 0; session->verdict == VERDICT_DEFERRED && t < session->transaction_count; t++) {
        const struct transaction *transaction = &session->transactions[t];
        if (!transaction->mail_from.at || !transaction->recipient_count)
            continue;
        struct str from = transaction->mail_from.len ? transaction->mail_from : STR("<>");
        struct str to = transaction->recipients[0].address;
        if (!to.len || !is_printable(from) || !is_printable(to))
            continue;
        say("\nWhether they came back: %s explain%s --sender %.*s --recipient %.*s", program(),
            database_option(&settings->common, &story->arena), STR_ARG(shell_word(&story->arena, from)),
            STR_ARG(shell_word(&story->arena, to)));
        return;
    }
}

static int add_provided(void *state, const struct evidence *evidence)
{
    story_add(state, evidence);
    return 0;
}

static int tell(struct story *story, struct load *load, const struct settings *settings, struct why *why)
{
    enum table_format format = (enum table_format)settings->common.format;
    if (format != TABLE_TEXT && format != TABLE_JSON)
        return why_set(why, EX_USAGE,
                       "--format: one session's story is no table; leave it out, or write json");
    if (load_options(load, &settings->common, why) < 0 || choose_policy(story, load, why) < 0 ||
        load_sessions(load, &settings->common, why) < 0 ||
        store_provided_for(load->store, story->session.id, add_provided, story, why) < 0 ||
        replay_explain(load->columns, story->policy, &load->options, story->session.id, &story->told,
                       &story->arena, why) < 0)
        return -1;
    read_lines(story, load, database_path(&settings->common));
    story->assumed = load->options.assumed;
    if (story_print(story, format == TABLE_JSON, stdout, why) < 0)
        return -1;
    say_the_others(story, settings);
    return 0;
}

static int asked_for(const struct settings *settings, char **operands, struct store_filter *filter,
                     struct why *why)
{
    *filter = filter_of(settings);
    bool narrowed = settings->sender || settings->recipient || settings->client || settings->queue_id ||
                    settings->since != USEC_NONE || settings->until != USEC_NONE;
    uint64_t id = 0;
    if (!operands[0])
        return narrowed
                   ? 0
                   : why_set(
                         why, EX_USAGE,
                         "which session? explain NUMBER, or what the complaint tells: --sender, --recipient, "
                         "--client, --queue-id, --since, --until");
    if (!str_number(str_of(operands[0]), &id) || id == 0 || id > INT64_MAX)
        return why_set(why, EX_USAGE,
                       "\"%s\" is not a session's number; find sessions with --sender, --recipient, "
                       "--client or --queue-id",
                       operands[0]);
    filter->id = (int64_t)id;
    return 0;
}

/* A domain alone, or the part before the @, is no address. */
static bool half(const char *address)
{
    return address && *address && !strchr(address, '@') && strcmp(address, "<>") != 0;
}

static void nobody(const struct settings *settings, struct why *why)
{
    const char *path = database_path(&settings->common);
    if (half(settings->sender) || half(settings->recipient))
        why_set(why, EX_NOINPUT, "no such session in %s; an address is wanted, or @%s for all of a domain",
                path, half(settings->sender) ? settings->sender : settings->recipient);
    else
        why_set(why, EX_NOINPUT, "no such session in %s; what it holds: mxreplay status -d %s", path, path);
}

static int run(const void *given, char **operands, struct why *why)
{
    const struct settings *settings = given;
    struct store_filter filter;
    if (asked_for(settings, operands, &filter, why) < 0)
        return -1;
    struct load load = { 0 };
    struct story story = { 0 };
    struct finding finding = { .settings = settings, .first = &story };
    int result = -1;
    if (settings->common.policy && strcmp(settings->common.policy, "recorded") != 0 &&
        load_named_policy(&load, settings->common.policy, why) < 0)
        goto done;
    if (database_open(&settings->common, &load.store, why) < 0 ||
        store_each(load.store, &filter, found, &finding, why) < 0)
        goto done;
    if (finding.found == 0)
        nobody(settings, why);
    else if (finding.found == 1)
        result = tell(&story, &load, settings, why);
    else
        result = list_end(&finding, why);
done:
    story_free(&story);
    load_free(&load);
    return result;
}

#define AT(member) offsetof(struct settings, member)
static const struct option_row options[] = {
    { .name = "sender",
      .type = OPTION_TEXT,
      .at = AT(sender),
      .argument = "ADDRESS",
      .help = "who sent it; @domain for all of a domain, <> for bounces" },
    { .name = "recipient",
      .type = OPTION_TEXT,
      .at = AT(recipient),
      .argument = "ADDRESS",
      .help = "who was to get it; @domain for all of a domain" },
    { .name = "client",
      .type = OPTION_TEXT,
      .at = AT(client),
      .argument = "ADDRESS",
      .help = "the client's address, or a network: 192.0.2.0/24" },
    { .name = "queue-id",
      .type = OPTION_TEXT,
      .at = AT(queue_id),
      .argument = "ID",
      .help = "the message's queue id" },
    { .name = "since",
      .type = OPTION_TIME,
      .at = AT(since),
      .argument = "TIME",
      .help = "began at this time (UTC) or later: 2026-11-23 or 2026-11-23T09:07" },
    { .name = "until",
      .type = OPTION_TIME,
      .at = AT(until),
      .argument = "TIME",
      .help = "began before this time" },
    { .name = "most",
      .type = OPTION_NUMBER,
      .at = AT(most),
      .argument = "N",
      .help = "rows of the list when several match; 0: all",
      .fallback = "50" },
    { .name = NULL },
};

static const char manual[] =
#include "doc/explain.txt.inc"
    ;

const struct command explain_command = {
    .name = "explain",
    .operands = "[SESSION]",
    .summary = "Tells a session's story: log, evidence, verdicts and why",
    .manual = manual,
    .options = options,
    .takes = TAKES_DATABASE | TAKES_FORMAT | TAKES_POLICY | TAKES_PROGRESS,
    .settings_bytes = sizeof(struct settings),
    .most = 1,
    .run = run,
};
