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

/* Whether a scanner's list has a symbol: rspamd writes "NAME(1.20){options;},NAME(0.00){}", amavis "NAME=1.2,
 * NAME=0.1", SpamAssassin "NAME,NAME". What stands in braces are a message's own words. */
static bool lists(struct str symbols, struct str wanted)
{
    size_t begin = 0, depth = 0;
    for (size_t i = 0; i <= symbols.len; i++) {
        char c = i < symbols.len ? symbols.at[i] : ',';
        if (depth == 0 && memchr(",( ={", c, 5)) {
            if (str_eq((struct str){ symbols.at + begin, i - begin }, wanted))
                return true;
            begin = i + 1;
        }
        depth += c == '{';
        depth -= c == '}' && depth > 0;
        begin = c == '}' ? i + 1 : begin;
    }
    return false;
}

static bool list_one(struct str symbols, const struct texts *wanted)
{
    for (size_t i = 0; i < wanted->count; i++)
        if (lists(symbols, wanted->text[i]))
            return true;
    return false;
}

/* Whether all of the one are among the other. */
static bool within(const struct texts *some, const struct texts *all)
{
    for (size_t i = 0, k = 0; i < some->count; i++) {
        for (k = 0; k < all->count && !str_eq(some->text[i], all->text[k]);)
            k++;
        if (k == all->count)
            return false;
    }
    return true;
}

/* Whoever passed them has a score below ours, and none of our symbols. */
static bool passed_lower(const void *recorded, const void *ours)
{
    const struct spam_parameters *theirs = recorded, *mine = ours;
    return theirs->score <= mine->score;
}

static bool passed_symbols(const void *recorded, const void *ours)
{
    const struct spam_parameters *theirs = recorded, *mine = ours;
    return within(&mine->symbols, &theirs->symbols);
}

/* Whomever they refused we would. */
static bool refused_higher(const void *recorded, const void *ours)
{
    const struct spam_parameters *theirs = recorded, *mine = ours;
    return theirs->score >= mine->score && within(&theirs->symbols, &mine->symbols);
}

/* Of a scanner that says no score it may still be known on which side of its own threshold that was. */
static enum tri over(const struct fact *fact, int64_t score)
{
    if (fact->a != INT64_MIN)
        return tri_of(fact->a >= score);
    if (fact->b == INT64_MIN || fact->state == UNKNOWN)
        return UNKNOWN;
    return fact->state == YES ? (fact->b >= score ? YES : UNKNOWN) : (fact->b <= score ? NO : UNKNOWN);
}

static enum tri judge_spam(const struct judging *judging, uint32_t attempt)
{
    const struct spam_parameters *ours = judging->rule->parameters;
    const struct fact *fact = NULL;
    enum tri high = UNKNOWN, listed = ours->symbols.count ? UNKNOWN : NO;
    while ((fact = judging_fact(judging, attempt, KIND_SPAM, fact))) {
        struct str symbols = judging_name(judging, fact->detail);
        high = high == UNKNOWN ? over(fact, (int64_t)round(ours->score * 1000)) : high;
        if (symbols.at && ours->symbols.count && listed != YES)
            listed = tri_of(list_one(symbols, &ours->symbols));
    }
    if (high == UNKNOWN && judging_passed(judging, attempt, passed_lower))
        high = NO;
    if (listed == UNKNOWN && judging_passed(judging, attempt, passed_symbols))
        listed = NO;
    enum tri hit = tri_or(high, listed);
    return hit == UNKNOWN && judging_refused(judging, attempt, refused_higher) ? YES : hit;
}

static bool spam_looks_farther(const void *given)
{
    return ((const struct spam_parameters *)given)->symbols.count > 0;
}

const struct measure measure_spam = {
    .name = "spam",
    .title = "Spam by content",
    .named = NAMED_SPAM,
    .stage = STAGE_EOM,
    .kind = KIND_SPAM,
    .reply = REPLY_5XX,
    .in_chain = true,
    .seconds = 0.5,
    .parameters = spam_table,
    .parameters_size = sizeof(struct spam_parameters),
    .looks_farther = spam_looks_farther,
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
    .seconds = 0.1,
    .parameters = virus_table,
    .parameters_size = sizeof(uint32_t),
    .judge = judge_virus,
};
