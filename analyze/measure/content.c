/* spam and virus: what a scanner said at the end of the message. */
#include "analyze/judging.h"
#include "analyze/measure/parameters.h"

#include <math.h>

static const struct parameter spam_table[] = {
    { "score", PARAMETER_NUMBER, offsetof(struct spam_parameters, score), "15", NULL,
      "turned away from this score on" },
    { "symbols", PARAMETER_TEXTS, offsetof(struct spam_parameters, symbols), NULL, NULL,
      "turned away as well when one of these symbols was hit" },
    { 0 },
};

static bool passed_lower(const void *recorded, const void *ours)
{
    const struct spam_parameters *theirs = recorded, *mine = ours;
    return theirs->score <= mine->score && mine->symbols.count == 0;
}

static bool refused_higher(const void *recorded, const void *ours)
{
    const struct spam_parameters *theirs = recorded, *mine = ours;
    return theirs->score >= mine->score && theirs->symbols.count == 0;
}

static bool is_of_symbol(char c)
{
    return is_alpha(c) || is_digit(c) || c == '_';
}

/* "R_SPF_FAIL(1.00){...},BAYES_99=3.5": a whole symbol, in whatever brackets and with whatever score. */
static bool has_symbol(struct str symbols, struct str symbol)
{
    for (size_t i = 0; symbol.len && i + symbol.len <= symbols.len; i++) {
        const char *after = symbols.at + i + symbol.len, *end = symbols.at + symbols.len;
        if ((i == 0 || !is_of_symbol(symbols.at[i - 1])) && (after == end || !is_of_symbol(*after)) &&
            str_eq((struct str){ symbols.at + i, symbol.len }, symbol))
            return true;
    }
    return false;
}

static enum tri judge_spam(const struct judging *judging, uint32_t attempt)
{
    const struct spam_parameters *ours = judging->rule->parameters;
    const struct fact *fact = NULL;
    while ((fact = judging_fact(judging, attempt, KIND_SPAM, fact))) {
        if (fact->a == INT64_MIN)
            continue;
        struct str symbols = judging_name(judging, fact->detail);
        for (size_t i = 0; i < ours->symbols.count; i++)
            if (has_symbol(symbols, ours->symbols.text[i]))
                return YES;
        if ((double)fact->a >= round(ours->score * 1000))
            return YES;
        return ours->symbols.count && !symbols.at ? UNKNOWN : NO; /* the log may not have them */
    }
    if (judging_refused(judging, attempt, refused_higher))
        return YES;
    return judging_passed(judging, attempt, passed_lower) ? NO : UNKNOWN;
}

const struct measure measure_spam = {
    .name = "spam",
    .title = "Spam by content",
    .named = NAMED_SPAM,
    .stage = STAGE_EOM,
    .kind = KIND_SPAM,
    .reply = REPLY_5XX,
    .in_chain = true,
    .parameters = spam_table,
    .parameters_size = sizeof(struct spam_parameters),
    .judge = judge_spam,
};

static const struct parameter virus_table[] = { { 0 } };

static enum tri judge_virus(const struct judging *judging, uint32_t attempt)
{
    return judging_conclude(judging, attempt, KIND_VIRUS, NULL, NULL, NO);
}

const struct measure measure_virus = {
    .name = "virus",
    .title = "Viruses",
    .named = NAMED_VIRUS,
    .stage = STAGE_EOM,
    .kind = KIND_VIRUS,
    .reply = REPLY_5XX,
    .in_chain = true,
    .parameters = virus_table,
    .parameters_size = sizeof(uint32_t),
    .judge = judge_virus,
};
