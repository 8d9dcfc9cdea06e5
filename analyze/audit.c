/* The false positives: deliveries that the record accepted and the replay stops or delays. */
#include "analyze/walk.h"

const char *const harm_name[HARMS] = { "told", "late", "lost" };

static uint32_t last_of(const struct columns *columns, uint32_t attempt)
{
    while (columns->after[attempt] != NO_ATTEMPT)
        attempt = columns->after[attempt];
    return attempt;
}

/* The attempt at which the first rule may stop it, and that rule; NO_ATTEMPT where none does. */
static uint32_t first_stop(const struct walk *walk, uint32_t head, uint32_t *rule)
{
    for (uint32_t a = head; a != NO_ATTEMPT; a = walk->columns->after[a]) {
        outcomes stopped = walk->attempt[a] & (OUTCOME(RULES_MOST) - 1);
        for (size_t k = 0; k < walk->policy->rule_count; k++)
            if (stopped >> walk->steps[k].rule & 1) {
                *rule = walk->steps[k].rule;
                return a;
            }
        if (walk->attempt[a] == OUTCOME(OUTCOME_ACCEPTED))
            break;
    }
    return NO_ATTEMPT;
}

/* The delivery comes late when it may be accepted after all; the sender is told by a 5xx; else it is lost. */
static enum harm harm_of(const struct walk *walk, uint32_t attempt, uint32_t rule, outcomes delivery)
{
    const struct rule *by = &walk->policy->rules[rule];
    enum reply_class reply = by->reply != REPLY_DEFAULT ? by->reply : by->measure->reply;
    if (by->reply == REPLY_DEFAULT && walk->columns->named[attempt] == by->measure->named)
        reply = walk->columns->answer[attempt] == ANSWER_REFUSED ? REPLY_5XX : REPLY_4XX;
    if (reply == REPLY_5XX)
        return HARM_TOLD;
    return (delivery & OUTCOME(OUTCOME_ACCEPTED)) ? HARM_LATE : HARM_LOST;
}

int replay_audit(struct columns *columns, const struct policy *policy, const struct replay_options *options,
                 uint64_t *accepted, int (*take)(void *state, const struct harmed *harmed), void *state,
                 struct why *why)
{
    struct replay_options by_delivery = *options;
    struct walk walk;
    int result = 0;
    by_delivery.unit = UNIT_DELIVERY;
    columns_chain(columns, options->retry_window);
    if (walk_run(&walk, columns, policy, &by_delivery, why) < 0)
        return -1;
    *accepted = 0;
    for (uint32_t head = 0; head < columns->attempt_count && result == 0; head++) {
        uint32_t s = columns->session[head], rule = 0;
        usec started = columns->started[s];
        if (columns->before[head] != NO_ATTEMPT || (options->from != USEC_NONE && started < options->from) ||
            (options->to != USEC_NONE && started >= options->to))
            continue;
        uint32_t last = last_of(columns, head);
        if (columns->answer[last] != ANSWER_ACCEPTED)
            continue;
        ++*accepted;
        outcomes delivery = walk.delivery[head];
        if (delivery == OUTCOME(OUTCOME_ACCEPTED)) /* at the recorded attempt, or before it */
            continue;
        uint32_t stopped = first_stop(&walk, head, &rule);
        if (stopped == NO_ATTEMPT)
            continue;
        bool surely = (walk.attempt[stopped] & (OUTCOME(RULES_MOST) - 1)) == walk.attempt[stopped];
        struct harmed harmed = {
            .session_id = columns->id[columns->session[last]],
            .at = columns->at[stopped],
            .sender = names_text(&columns->names, columns->sender[head]),
            .recipient = names_text(&columns->names, columns->address_of[head]),
            .client_name = names_text(&columns->names, columns->client_name[columns->session[last]]),
            .client = columns->address[columns->client[columns->session[last]]],
            .rule = rule,
            .harm = harm_of(&walk, stopped, rule, delivery),
            .certain = surely && (delivery & (delivery - 1)) == 0,
        };
        result = take(state, &harmed);
    }
    walk_free(&walk);
    return result;
}
