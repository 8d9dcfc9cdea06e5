/* Programs that log without a host and without a tag. */
#include "collect/untagged.h"

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

/* "22078 < EHLO x": recordio.c */
static bool is_recorded(struct str text)
{
    uint64_t pid;
    return cut_number(&text, &pid) && text.len > 1 && text.at[0] == ' ' &&
           (text.at[1] == '<' || text.at[1] == '>' || str_starts(text, STR(" [EOF]")));
}

bool untagged_program(struct str text, struct str *program)
{
    if (!text.len)
        return false;
    if (is_digit(text.at[0])) {
        *program = STR("recordio");
        return is_recorded(text);
    }
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (text.at[0] == words[i].begin.at[0] && str_starts(text, words[i].begin)) {
            struct str behind = str_skip(text, words[i].begin.len);
            if (words[i].numbered && (!behind.len || !is_digit(behind.at[0])))
                return false;
            *program = words[i].program;
            return true;
        }
    return false;
}
