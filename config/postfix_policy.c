/* check_policy_service: which measure answers there is told by the server's name and port, and by the service
 * of master.cf that it leads to. */
#include "config/postfix.h"
#include "config/postgrey.h"

/* The arguments of the service that a name such as "unix:private/policyd-spf" leads to. */
static struct str service_behind(const struct postfix *postfix, struct str server)
{
    struct str name = server, before;
    const char *slash = str_find_last(server, '/');
    if (slash)
        name = str_range(slash + 1, server.at + server.len);
    else
        cut_until_char(&name, ':', &before);
    for (size_t i = 0; i < postfix->service_count; i++)
        if (str_eq(postfix->service[i].name, name))
            return postfix->service[i].arguments;
    return STR("");
}

static bool names(struct str server, struct str behind, const char *what)
{
    return str_find(server, str_of(what)) || str_find(behind, str_of(what));
}

static bool at_port(struct str server, const char *port)
{
    return str_ends(server, str_of(port));
}

/* ---- policyd-spf.conf(5): which results are refused. */

static const struct {
    const char *value;
    uint32_t on;
} refusals[] = {
    { "Fail", 1U << SPF_FAIL },
    { "Softfail", 1U << SPF_FAIL | 1U << SPF_SOFTFAIL },
    { "SPF_Not_Pass", 1U << SPF_FAIL | 1U << SPF_SOFTFAIL | 1U << SPF_NEUTRAL },
    { "False", 0 },
    { "No_Check", 0 },
};

static void read_spf_conf(struct postfix *postfix, struct draft_rule *rule, const struct config_file *file)
{
    struct config_lines lines = config_lines(file);
    struct spf_parameters *spf = rule->parameters;
    struct str line, before;
    while (config_line_next(&lines, &line)) {
        struct str value = line, name;
        struct place place = { file->name, lines.number };
        if (cut_until_char(&value, '#', &before))
            value = before;
        if (!cut_until_char(&value, '=', &name))
            continue;
        name = str_trim(name);
        value = str_trim(value);
        struct str all = str_trim(line);
        if (str_eq_nocase(name, STR("PermError_reject")) && str_eq_nocase(value, STR("True"))) {
            spf->on |= 1U << SPF_PERMERROR;
            draft_mapped(postfix->draft, rule, place, all);
        } else if (str_eq_nocase(name, STR("Mail_From_reject"))) {
            size_t i = 0, count = sizeof refusals / sizeof *refusals;
            while (i < count && !str_eq_nocase(str_of(refusals[i].value), value))
                i++;
            if (i < count) {
                spf->on = refusals[i].on;
                draft_mapped(postfix->draft, rule, place, all);
            } else {
                draft_unmapped(postfix->draft, place, all, "not one of policyd-spf.conf(5)'s");
            }
        } else if (str_eq_nocase(name, STR("HELO_reject")) && !str_eq_nocase(value, STR("Fail")) &&
                   !str_eq_nocase(value, STR("False"))) {
            draft_unmapped(postfix->draft, place, all,
                           "spf judges the sender's domain, not the name in HELO");
        } else if (str_starts(name, STR("Reject_Not_Pass")) || str_find(name, STR("hitelist"))) {
            draft_unmapped(postfix->draft, place, all, "write whom it is for as exempt");
        }
    }
}

static void take_spf(struct walk *walk)
{
    const struct config_file *file = files_called(walk->postfix->files, "policyd-spf.conf");
    struct draft_rule *rule = walk_rule(walk, "spf", false, STR("550"));
    if (file)
        read_spf_conf(walk->postfix, rule, file);
}

void postfix_policy_service(struct walk *walk, struct str server)
{
    struct draft *draft = walk->postfix->draft;
    struct str inside = postfix_unbrace(server), name = inside, behind;
    if (!postfix_cut_item(&inside, &name))
        name = server;
    behind = service_behind(walk->postfix, name);
    if (names(name, behind, "spf")) {
        take_spf(walk);
    } else if (walk->stage < STAGE_RCPT && (names(name, behind, "grey") || at_port(name, ":10023"))) {
        draft_unmapped(draft, walk->place, walk->all,
                       "greylisting asks for a recipient, and there is none yet");
    } else if (names(name, behind, "postgrey") || at_port(name, ":10023")) {
        struct draft_rule *rule = walk_rule(walk, "greylist", false, STR(""));
        postgrey_read(walk->postfix->files, draft, walk->postfix->postgrey, rule);
    } else {
        draft_unmapped(
            draft, walk->place, walk->all,
            "what answers there is not known; if it is greylisting or SPF, write greylist: or spf: here");
    }
}
