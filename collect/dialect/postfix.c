/* Postfix: which of its programs a line is of. The tag is syslog_name/program: "postfix/smtpd",
 * "postfix/submission/smtpd", "postfix-mx2/smtpd", "mx-in/smtpd"; what counts is the program's name behind
 * the last slash. */
#include "collect/dialect/postfix.h"

typedef enum taken take_fn(const struct line *line, struct builder *builder);

static enum taken pass(const struct line *line, struct builder *builder)
{
    (void)line;
    (void)builder;
    return PASSED;
}

/* In order of how often they speak. */
static const struct program {
    struct str name;
    take_fn *take;
} programs[] = {
    { STR_INIT("smtpd"), take_smtpd },
    { STR_INIT("qmgr"), take_qmgr },
    { STR_INIT("cleanup"), take_cleanup },
    { STR_INIT("postscreen"), take_postscreen },
    { STR_INIT("dnsblog"), take_dnsblog },
    { STR_INIT("local"), take_delivery },
    { STR_INIT("virtual"), take_delivery },
    { STR_INIT("lmtp"), take_delivery },
    { STR_INIT("smtp"), take_delivery },
    { STR_INIT("pipe"), take_delivery },
    { STR_INIT("relay"), take_delivery },
    { STR_INIT("error"), take_delivery },
    { STR_INIT("retry"), take_delivery },
    { STR_INIT("discard"), take_delivery },
    { STR_INIT("bounce"), take_bounce },
    { STR_INIT("defer"), take_bounce },
    { STR_INIT("trace"), take_bounce },
    { STR_INIT("tlsproxy"), take_tlsproxy },
    { STR_INIT("nqmgr"), take_qmgr },
    { STR_INIT("oqmgr"), take_qmgr },
    { STR_INIT("pickup"), pass },
    { STR_INIT("anvil"), pass },
    { STR_INIT("scache"), pass },
    { STR_INIT("master"), pass },
    { STR_INIT("postfix-script"), pass },
    { STR_INIT("trivial-rewrite"), pass },
    { STR_INIT("verify"), pass },
    { STR_INIT("flush"), pass },
    { STR_INIT("showq"), pass },
    { STR_INIT("proxymap"), pass },
    { STR_INIT("proxywrite"), pass },
    { STR_INIT("tlsmgr"), pass },
    { STR_INIT("spawn"), pass },
    { STR_INIT("postlogd"), pass },
    { STR_INIT("postlog"), pass },
    { STR_INIT("postdrop"), pass },
    { STR_INIT("postqueue"), pass },
    { STR_INIT("postsuper"), pass },
    { STR_INIT("postmap"), pass },
    { STR_INIT("postalias"), pass },
    { STR_INIT("postcat"), pass },
    { STR_INIT("postkick"), pass },
    { STR_INIT("postmulti"), pass },
    { STR_INIT("postconf"), pass },
    { STR_INIT("sendmail"), pass },
    { STR_INIT("qmqpd"), pass },
};

/* Behind the last slash; *instance is what stands before it. */
static struct str program_name(struct str tag, struct str *instance)
{
    const char *slash = str_find_last(tag, '/');
    *instance = slash ? str_range(tag.at, slash) : (struct str){ tag.at, 0 };
    return slash ? str_range(slash + 1, tag.at + tag.len) : tag;
}

static take_fn *find_program(struct str tag, struct str *instance)
{
    struct str name = program_name(tag, instance);
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++)
        if (str_eq(name, programs[i].name))
            return programs[i].take;
    return NULL;
}

/* Other dialects' programs, which some sites have log as "postfix/postgrey" and the like. */
static bool is_companion(struct str name)
{
    return str_starts(name, STR("polic")) || str_eq(name, STR("postgrey")) || str_eq(name, STR("opendkim")) ||
           str_eq(name, STR("opendmarc"));
}

/* A bare "smtpd" is OpenBSD's, "postfix/whatever" is a delivery agent of the site's own (pipe with
 * syslog_name). */
static bool recognise(struct str tag)
{
    struct str instance;
    struct str name = program_name(tag, &instance);
    if (find_program(tag, &instance))
        return instance.len || str_starts(tag, STR("postfix"));
    return str_starts(tag, STR("postfix")) && !is_companion(name);
}

enum { REPEATS_MOST = 1000 };

/* rsyslog's "message repeated 3 times: [ text]" ($RepeatedMsgReduction): the line was there as often as it
 * says. */
static enum taken take_repeated(take_fn *program, const struct line *line, struct builder *builder)
{
    struct line again = *line;
    uint64_t times = 0;
    cut_prefix(&again.text, STR("message repeated "));
    if (!cut_number(&again.text, &times) || !cut_prefix(&again.text, STR(" times: [")) ||
        again.text.len == 0 || again.text.at[again.text.len - 1] != ']')
        return SKIPPED;
    again.text.len--;
    cut_char(&again.text, ' ');
    enum taken taken = PASSED;
    for (uint64_t i = 0; i < times && i < REPEATS_MOST; i++)
        taken = program(&again, builder);
    return taken;
}

static enum taken take(const struct line *line, struct builder *builder)
{
    struct str instance;
    take_fn *program = find_program(line->program, &instance);
    if (!program)
        program = take_delivery;
    if (str_starts(line->text, STR("message repeated ")))
        return take_repeated(program, line, builder);
    return program(line, builder);
}

const struct dialect dialect_postfix = {
    .name = "postfix",
    .title = "Postfix smtpd, postscreen, cleanup, qmgr and delivery agents",
    .recognise = recognise,
    .take = take,
    .conclude = postfix_conclude,
    .carry_notes = postfix_carry_notes,
};
