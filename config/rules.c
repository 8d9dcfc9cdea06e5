/* What exports ask of a rule. */
#include "config/server.h"

bool rule_is(const struct rule *rule, const char *measure)
{
    return strcmp(rule->measure->name, measure) == 0;
}

enum stage rule_stage(const struct policy *policy, const struct rule *rule)
{
    bool late = policy->delay_reject && !rule->moved && rule->at < STAGE_RCPT;
    return late ? STAGE_RCPT : rule->at;
}

enum reply_class rule_reply(const struct rule *rule)
{
    return rule->reply == REPLY_DEFAULT ? rule->measure->reply : rule->reply;
}
