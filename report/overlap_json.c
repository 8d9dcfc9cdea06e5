/* The overlap as JSON: all of it. */
#include <inttypes.h>
#include "report/json.h"
#include "report/overlap_text.h"
#include "report/words.h"

static void json_share(struct json *json, const char *name, double share)
{
    char text[NUMBER_BYTES];
    json_number(json, name, str_of(number_text(share, 6, text)));
}

static void json_whole(struct json *json, const char *name, int64_t count)
{
    char text[NUMBER_BYTES];
    int len = snprintf(text, sizeof text, "%" PRId64, count);
    json_number(json, name, (struct str){ text, (size_t)len });
}

static void json_counted(struct json *json, const char *name, const struct counted *counted)
{
    json_object(json, name);
    json_whole(json, "count", counted->count);
    json_whole(json, "low", counted->low);
    json_whole(json, "high", counted->high);
    json_end_object(json);
}

static void json_members(struct json *json, const char *name, const struct overlap_group *group,
                         uint64_t members)
{
    json_array(json, name);
    for (; members; members &= members - 1)
        json_text(json, NULL, group->names[__builtin_ctzll(members)]);
    json_end_array(json);
}

static void json_group(struct json *json, const struct overlap_group *group)
{
    json_object(json, NULL);
    json_text(json, "group", group->name);
    json_count(json, "known", group->shares->known);
    json_count(json, "left_out", group->shares->left_out);
    json_counted(json, "whole", &group->shares->whole);
    json_members(json, "apart", group, group->game.apart);
    json_array(json, "members");
    for (size_t m = 0; m < group->count; m++) {
        const struct share *share = &group->shares->share[m];
        json_flat(json);
        json_object(json, NULL);
        json_text(json, "name", group->names[m]);
        if (group->game.weight)
            json_whole(json, "weight", group->game.weight[m]);
        json_counted(json, "hits", &share->hits);
        json_counted(json, "unique", &share->unique);
        json_counted(json, "marginal", &share->marginal);
        json_object(json, "shapley");
        json_share(json, "count", share->shapley);
        json_share(json, "low", share->shapley_low);
        json_share(json, "high", share->shapley_high);
        json_end_object(json);
        json_array(json, "pair_hits");
        for (size_t other = 0; other < group->count; other++)
            json_count(json, NULL, group->shares->hit[m][other]);
        json_end_array(json);
        json_array(json, "pair_both");
        for (size_t other = 0; other < group->count; other++)
            json_count(json, NULL, group->shares->both[m][other]);
        json_end_array(json);
        json_end_object(json);
    }
    json_end_array(json);
    json_array(json, "combinations");
    for (size_t i = 0; i < group->game.patterns; i++) {
        json_flat(json);
        json_object(json, NULL);
        json_members(json, "hit", group, group->game.pattern[i].hit);
        json_members(json, "unknown", group, group->game.pattern[i].unknown);
        json_count(json, "units", group->game.pattern[i].units);
        json_end_object(json);
    }
    json_end_array(json);
    json_array(json, "drop");
    for (size_t i = 0; i < group->drop_count; i++) {
        json_flat(json);
        json_object(json, NULL);
        json_text(json, "name", group->names[group->drops[i].member]);
        json_count(json, "lost", group->drops[i].loss.count);
        json_count(json, "lost_together", group->drops[i].together.count);
        json_count(json, "lost_together_high", group->drops[i].together.high);
        json_end_object(json);
    }
    json_end_array(json);
    json_end_object(json);
}

void overlap_json(const struct overlap *overlap, FILE *to)
{
    const struct overlap_group *measures = &overlap->groups[0];
    struct json json = { .to = to };
    json_object(&json, NULL);
    json_text(&json, "policy", overlap->policy);
    json_text(&json, "unit", str_of(unit_name[overlap->unit]));
    json_count(&json, "units", overlap->units);
    json_count(&json, "base", overlap->base);
    json_array(&json, "groups");
    for (size_t g = 0; g < overlap->group_count; g++)
        json_group(&json, &overlap->groups[g]);
    json_end_array(&json);
    json_array(&json, "order");
    for (size_t i = 0; i < overlap->stage_count; i++) {
        const struct overlap_stage *stage = &overlap->stages[i];
        json_flat(&json);
        json_object(&json, NULL);
        json_text(&json, "stage", str_of(stage_name[stage->stage]));
        json_share(&json, "units", stage->units);
        json_count(&json, "unknown", stage->unknown);
        json_array(&json, "now");
        for (size_t k = 0; k < stage->count; k++)
            json_text(&json, NULL, measures->names[stage->now[k]]);
        json_end_array(&json);
        json_array(&json, "best");
        for (size_t k = 0; k < stage->count; k++)
            json_text(&json, NULL, measures->names[stage->best[k]]);
        json_end_array(&json);
        json_share(&json, "cost", stage->cost_now);
        json_share(&json, "best_cost", stage->cost_best);
        json_bool(&json, "exact", stage->exact);
        json_bool(&json, "guessed", stage->guessed);
        json_end_object(&json);
    }
    json_end_array(&json);
    json_array(&json, "notes");
    for (size_t i = 0; i < overlap->note_count; i++)
        json_text(&json, NULL, overlap->notes[i]);
    json_end_array(&json);
    json_end_object(&json);
}
