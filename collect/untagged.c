/* Programs that log without a host and without a tag. */
#include "collect/untagged.h"

#include "base/leads.h"

static const struct words {
    struct str begin, program;
    bool numbered; /* a digit follows */
} words[] = {
    /* qmail-send.c: what multilog or splogger stamps */
    { STR_INIT("new msg "), STR_INIT("qmail-send"), true },
    { STR_INIT("info msg "), STR_INIT("qmail-send"), true },
    { STR_INIT("end msg "), STR_INIT("qmail-send"), true },
    { STR_INIT("bounce msg "), STR_INIT("qmail-send"), true },
    { STR_INIT("starting delivery "), STR_INIT("qmail-send"), true },
    { STR_INIT("delivery "), STR_INIT("qmail-send"), true },
    { STR_INIT("double bounce: "), STR_INIT("qmail-send"), false },
    { STR_INIT("triple bounce: "), STR_INIT("qmail-send"), false },
    { STR_INIT("status: "), STR_INIT("qmail-send"), false },
    { STR_INIT("warning: "), STR_INIT("qmail-send"), false },
    { STR_INIT("alert: "), STR_INIT("qmail-send"), false },
    /* patches of qmail-smtpd */
    { STR_INIT("CHKUSER "), STR_INIT("chkuser"), false },
    { STR_INIT("simscan:"), STR_INIT("simscan"), false },
};

/* What Exim writes into its mainlog (log_file_path), behind a message's id or not: "[pid] " stands there with
 * log_selector = +pid, else one of these. */
static const struct str exim_words[] = {
    STR_INIT("H="),
    STR_INIT("SMTP "),
    STR_INIT("no host name found for "),
    STR_INIT("no IP address found for "),
    STR_INIT("no MAIL in "),
    STR_INIT("rejected "),
    STR_INIT("refused connection from "),
    STR_INIT("Connection from "),
    STR_INIT("connection from "),
    STR_INIT("unexpected disconnection "),
    STR_INIT("unexpected EOF "),
    STR_INIT("unqualified "),
    STR_INIT("too many "),
    STR_INIT("TLS "),
    STR_INIT("DNS list lookup "),
    STR_INIT("Start queue run"),
    STR_INIT("End queue run"),
    STR_INIT("exim "),
    STR_INIT("Exim "),
    STR_INIT("cwd="),
    STR_INIT("ETRN "),
    STR_INIT("VRFY "),
    STR_INIT("EXPN "),
    STR_INIT("U="),
    STR_INIT("notquit "),
    STR_INIT("whitelisted "),
    STR_INIT("Warning: "),
    STR_INIT("Failed to "),
    STR_INIT("daemon "),
    STR_INIT("SIGHUP "),
    STR_INIT("SIGTERM "),
    STR_INIT("pid "),
    STR_INIT("Message is frozen"),
    STR_INIT("incomplete transaction "),
    STR_INIT(" DS H="),
    STR_INIT("F="),
    STR_INIT("temporarily re"),
    STR_INIT("ridiculously long message header"),
    STR_INIT("overlong message header"),
    STR_INIT("Message abandoned: "),
    STR_INIT("ignoring AUTH="),
    STR_INIT("getsockopt() failed from "),
    STR_INIT("SSL_write"),
    STR_INIT("SSL channel closed on write"),
    STR_INIT("SSL verify denied "),
    STR_INIT("ident connection to "),
    STR_INIT("host name alias list truncated"),
    STR_INIT("spool directory space check failed"),
    STR_INIT("log directory space check failed"),
    STR_INIT("no immediate delivery: "),
    STR_INIT("listen backlog "),
    STR_INIT("socket bind() "),
    STR_INIT("notify triggered queue run"),
    STR_INIT("DKIM: "),
    STR_INIT("local_scan() "),
};

static struct leads exim_leads = { .filled = ONCE_FLAG_INIT }, leads = { .filled = ONCE_FLAG_INIT };

static void fill_exim_leads(void)
{
    leads_fill(&exim_leads, exim_words, sizeof *exim_words, sizeof exim_words / sizeof *exim_words);
}

static void fill_leads(void)
{
    leads_fill(&leads, &words->begin, sizeof *words, sizeof words / sizeof *words);
}

/* "1xVPn9-00073A-2L ", "1rAbCd-00000007l2x-1aBc " of 4.97 and later. */
static bool is_exim_id(struct str text)
{
    const char *at = text.at;
    if (text.len > 17 && at[16] == ' ')
        return at[6] == '-' && at[13] == '-' && are_digits62(at, 6) && are_digits62(at + 7, 6) &&
               are_digits62(at + 14, 2);
    return text.len > 23 && at[23] == ' ' && at[6] == '-' && at[18] == '-' && are_digits62(at, 6) &&
           are_digits62(at + 7, 11) && are_digits62(at + 19, 4);
}

static bool is_exim(struct str text)
{
    struct str in = text, mechanism;
    uint64_t pid = 0;
    if (cut_char(&in, '[') && cut_number(&in, &pid) && cut_char(&in, ']') && cut_char(&in, ' '))
        return true;
    in = text;
    if (cut_char(&in, '[') && cut_until_char(&in, ']', &mechanism)) /* "[192.0.2.1] SSL verify error: …" */
        return str_starts(in, STR(" SSL verify ")) || str_starts(in, STR(" after QUIT, client "));
    call_once(&exim_leads.filled, fill_exim_leads);
    for (uint8_t row = exim_leads.first[(unsigned char)text.at[0]]; row; row = exim_leads.next[row])
        if (str_starts(text, exim_words[row - 1]))
            return true;
    in = text;
    return cut_until_char(&in, ' ', &mechanism) && str_starts(in, STR("authenticator failed for "));
}

/* Each of Haraka's formats begins with the level, which is in capitals (logger.js). */
static bool is_haraka(struct str text)
{
    struct str level;
    if (is_alnum(text.at[0]) && text.at[0] != 'l')
        return false;
    if (cut_char(&text, '['))
        return cut_until_char(&text, ']', &level) && level.len && level.at[0] >= 'A' && level.at[0] <= 'Z' &&
               str_starts(text, STR(" ["));
    if (cut_prefix(&text, STR("level=")))
        return cut_until_char(&text, ' ', &level) && str_starts(text, STR("uuid="));
    return cut_prefix(&text, STR("{\"level\":\"")) && cut_until_char(&text, ',', &level) &&
           str_starts(text, STR("\"uuid\":"));
}

/* "22078 < EHLO x": recordio.c */
static bool is_recorded(struct str text)
{
    uint64_t pid;
    return cut_number(&text, &pid) && text.len > 1 && text.at[0] == ' ' &&
           (text.at[1] == '<' || text.at[1] == '>' || str_starts(text, STR(" [EOF]")));
}

/* "#20924(normal) <de2607>; task; ...": rspamd's own log (logger_file.c). */
static bool is_rspamd(struct str text)
{
    uint64_t pid;
    struct str worker;
    return cut_char(&text, '#') && cut_number(&text, &pid) && cut_char(&text, '(') &&
           cut_until(&text, STR(") "), &worker);
}

bool untagged_program(struct str text, struct str *program)
{
    if (!text.len)
        return false;
    if (is_exim_id(text)) { /* none of the others begins so, and it is what most lines without a tag are */
        *program = STR("exim");
        return true;
    }
    if (text.at[0] == '#' && is_rspamd(text)) {
        *program = STR("rspamd");
        return true;
    }
    if (is_digit(text.at[0]) && is_recorded(text)) {
        *program = STR("recordio");
        return true;
    }
    if (is_haraka(text)) {
        *program = STR("haraka");
        return true;
    }
    if (is_exim(text)) {
        *program = STR("exim");
        return true;
    }
    call_once(&leads.filled, fill_leads);
    for (uint8_t row = leads.first[(unsigned char)text.at[0]]; row; row = leads.next[row]) {
        const struct words *known = &words[row - 1];
        if (!str_starts(text, known->begin))
            continue;
        struct str behind = str_skip(text, known->begin.len);
        if (known->numbered && (!behind.len || !is_digit(behind.at[0])))
            return false;
        *program = known->program;
        return true;
    }
    return false;
}
