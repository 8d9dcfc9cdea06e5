/* One session told. What strangers wrote is in nearly every line: report/ makes it harmless. */
#include "cli/story.h"

#include <stdlib.h>
#include <string.h>

#include "report/escape.h"
#include "report/explain_text.h"
#include "report/json.h"

static void keep_text(struct arena *arena, struct str *text)
{
    if (text->at)
        *text = arena_str(arena, *text);
}

static void keep_reply(struct arena *arena, struct reply *reply)
{
    keep_text(arena, &reply->enhanced);
    keep_text(arena, &reply->text);
}

static void *keep_array(struct arena *arena, const void *from, size_t count, size_t size)
{
    void *copy = arena_zero(arena, (count + 1) * size);
    if (count)
        memcpy(copy, from, count * size);
    return copy;
}

void story_keep(struct story *story, const struct session *session)
{
    struct arena *arena = &story->arena;
    struct session *kept = &story->session;
    *kept = *session;
    keep_text(arena, &kept->server);
    keep_text(arena, &kept->service);
    keep_text(arena, &kept->client_name);
    keep_text(arena, &kept->helo);
    keep_text(arena, &kept->auth_user);
    keep_reply(arena, &kept->reply);
    kept->transactions =
        keep_array(arena, session->transactions, session->transaction_count, sizeof *kept->transactions);
    for (uint32_t i = 0; i < kept->transaction_count; i++) {
        struct transaction *transaction = &kept->transactions[i];
        keep_text(arena, &transaction->mail_from);
        keep_text(arena, &transaction->queue_id);
        keep_text(arena, &transaction->message_id);
        keep_reply(arena, &transaction->reply);
        transaction->recipients = keep_array(arena, transaction->recipients, transaction->recipient_count,
                                             sizeof *transaction->recipients);
        for (uint32_t j = 0; j < transaction->recipient_count; j++) {
            keep_text(arena, &transaction->recipients[j].address);
            keep_reply(arena, &transaction->recipients[j].reply);
        }
    }
    kept->evidence = keep_array(arena, session->evidence, session->evidence_count, sizeof *kept->evidence);
    for (uint32_t i = 0; i < kept->evidence_count; i++) {
        keep_text(arena, &kept->evidence[i].subject);
        keep_text(arena, &kept->evidence[i].detail);
    }
}

void story_add(struct story *story, const struct evidence *evidence)
{
    struct session *kept = &story->session;
    struct evidence *all = arena_zero(&story->arena, ((size_t)kept->evidence_count + 1) * sizeof *all);
    if (kept->evidence_count)
        memcpy(all, kept->evidence, kept->evidence_count * sizeof *all);
    all[kept->evidence_count] = *evidence;
    keep_text(&story->arena, &all[kept->evidence_count].subject);
    keep_text(&story->arena, &all[kept->evidence_count].detail);
    kept->evidence = all;
    kept->evidence_count++;
}

void story_free(struct story *story)
{
    free(story->lines);
    arena_free(&story->arena);
}

static const char *const state_name[] = { [UNKNOWN] = NULL, [NO] = "no", [YES] = "yes" };
static const char *const hit_name[] = { [UNKNOWN] = "unknown", [NO] = "miss", [YES] = "hit" };

/* As in the views. */
static void json_time(struct json *json, const char *name, usec at)
{
    char text[CLOCK_TEXT_BYTES];
    json_text(json, name,
              at == USEC_NONE ? (struct str){ NULL, 0 } : (struct str){ text, clock_format(at, text) });
}

static void json_ip(struct json *json, const char *name, const struct ip *ip)
{
    char text[IP_TEXT_BYTES];
    json_text(json, name,
              ip_is_none(ip) ? (struct str){ NULL, 0 } : (struct str){ text, ip_format(ip, text) });
}

static void json_reply(struct json *json, const struct reply *reply)
{
    json_object(json, "reply");
    json_flat(json);
    char code[8];
    int length = snprintf(code, sizeof code, "%d", reply->code);
    json_number(json, "code", reply->code ? (struct str){ code, (size_t)length } : (struct str){ NULL, 0 });
    json_text(json, "enhanced", reply->enhanced);
    json_text(json, "text", reply->text);
    json_text(json, "measure",
              reply->named < NAMED_COUNT ? str_of(named_measure[reply->named]) : (struct str){ NULL, 0 });
    json_text(json, "stage", reply->code ? str_of(stage_name[reply->stage]) : (struct str){ NULL, 0 });
    json_end_object(json);
}

static void json_session(struct json *json, const struct session *session)
{
    json_object(json, "session");
    json_count(json, "id", (uint64_t)session->id);
    json_time(json, "started", session->started);
    json_time(json, "ended", session->ended);
    json_ip(json, "client_ip", &session->client);
    json_text(json, "client_name", session->client_name);
    json_text(json, "helo", session->helo);
    json_text(json, "auth_user", session->auth_user);
    json_text(json, "server", session->server);
    json_text(json, "service", session->service);
    json_bool(json, "tls", session->tls);
    json_bool(json, "gap", session->gap);
    json_text(json, "stage", str_of(stage_name[session->stage]));
    json_text(json, "closed", str_of(closed_name[session->closed]));
    json_text(json, "verdict", str_of(verdict_name[session->verdict]));
    json_reply(json, &session->reply);
    json_array(json, "transactions");
    for (uint32_t i = 0; i < session->transaction_count; i++) {
        const struct transaction *transaction = &session->transactions[i];
        json_object(json, NULL);
        json_text(json, "mail_from", transaction->mail_from);
        json_text(json, "queue_id", transaction->queue_id);
        json_text(json, "message_id", transaction->message_id);
        json_text(json, "verdict", str_of(verdict_name[transaction->verdict]));
        json_reply(json, &transaction->reply);
        json_array(json, "recipients");
        for (uint32_t j = 0; j < transaction->recipient_count; j++) {
            const struct recipient *recipient = &transaction->recipients[j];
            json_object(json, NULL);
            json_text(json, "address", recipient->address);
            json_text(json, "verdict", str_of(verdict_name[recipient->verdict]));
            json_reply(json, &recipient->reply);
            json_end_object(json);
        }
        json_end_array(json);
        json_end_object(json);
    }
    json_end_array(json);
    json_end_object(json);
}

static void json_evidence(struct json *json, const struct session *session)
{
    json_array(json, "evidence");
    for (uint32_t i = 0; i < session->evidence_count; i++) {
        const struct evidence *evidence = &session->evidence[i];
        json_object(json, NULL);
        json_flat(json);
        json_text(json, "kind", str_of(kind_name[evidence->kind]));
        json_text(json, "subject", evidence->subject);
        json_text(json, "state", str_of(state_name[evidence->state]));
        json_text(json, "detail", evidence->detail);
        json_text(json, "origin", str_of(origin_name[evidence->origin]));
        json_time(json, "at", evidence->at);
        json_end_object(json);
    }
    json_end_array(json);
}

static void json_verdicts(struct json *json, const struct story *story)
{
    json_text(json, "policy", story->policy->name);
    json_array(json, "attempts");
    for (size_t i = 0; i < story->told.count; i++) {
        const struct attempt_story *attempt = &story->told.attempts[i];
        json_object(json, NULL);
        json_text(json, "sender", attempt->sender);
        json_text(json, "recipient", attempt->recipient);
        json_text(json, "outcome", attempt->outcome);
        json_array(json, "measures");
        for (size_t j = 0; j < story->policy->rule_count; j++) {
            json_object(json, NULL);
            json_flat(json);
            json_text(json, "measure", story->policy->rules[j].name);
            json_text(json, "verdict", str_of(hit_name[attempt->rules[j].hit]));
            json_bool(json, "asked", attempt->rules[j].asked);
            json_text(json, "why", attempt->rules[j].why);
            json_end_object(json);
        }
        json_end_array(json);
        json_end_object(json);
    }
    json_end_array(json);
}

static int print_json(const struct story *story, FILE *to, struct why *why)
{
    struct json json = { .to = to };
    json_object(&json, NULL);
    json_session(&json, &story->session);
    json_array(&json, "lines");
    for (size_t i = 0; i < story->line_count; i++)
        json_text(&json, NULL, story->lines[i]);
    json_end_array(&json);
    json_evidence(&json, &story->session);
    json_verdicts(&json, story);
    json_end_object(&json);
    return printed(to, why);
}

/* Whether a measure that was asked has no verdict. */
static bool is_unknown(const struct story *story)
{
    for (size_t i = 0; i < story->told.count; i++)
        for (size_t j = 0; j < story->policy->rule_count; j++)
            if (story->told.attempts[i].rules[j].hit == UNKNOWN && story->told.attempts[i].rules[j].asked)
                return true;
    return false;
}

int story_print(const struct story *story, bool json, FILE *to, struct why *why)
{
    if (json)
        return print_json(story, to, why);
    explain_session(&story->session, to);
    fputs("\nWhat the log says\n\n", to);
    for (size_t i = 0; i < story->line_count; i++)
        explain_line(to, story->lines[i]);
    if (story->no_lines.at) {
        fputs("  ", to);
        escape_plain(to, story->no_lines);
        fputc('\n', to);
    }
    fputs("\nWhat the record holds\n\n", to);
    if (explain_evidence(&story->session, to, why) < 0)
        return -1;
    fputs("\nUnder the policy ", to);
    escape_plain(to, story->policy->name);
    fprintf(to, "%s\n\n", story->policy_is);
    if (explain_story(story->policy, &story->told, to, why) < 0)
        return -1;
    if (is_unknown(story))
        fputs(story->assumed
                  ? "\nUnknown verdicts become known where mxreplay is told what the server enforced, since\n"
                    "what it then let pass it had asked: mxreplay collect --recorded POLICY\n"
                  : "\nUnknown verdicts become known where the server asks a measure and only warns, since\n"
                    "nothing is cut off by that (Postfix: warn_if_reject)\n",
              to);
    return printed(to, why);
}
