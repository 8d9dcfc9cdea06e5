/* Whose units move: by the sender's domain, the client's autonomous system where that is known, its network.
 */
#include "analyze/moves.h"

#include <stdlib.h>
#include "analyze/judging.h"

const char *const change_name[CHANGES] = { "none", "stopped", "passed", "otherwise" };
const char *const moves_by_name[MOVES_BYS] = { "domain", "asn", "network" };

enum { GROUPS_MOST = 100000, NAME_MOST = 256 };

struct group {
    struct moving moving;
    int64_t session;
    double shows; /* how surely that session moves */
};

struct grouping {
    struct names names;
    struct group *group; /* by number of the name */
    size_t room;
    struct group others;
};

struct moves {
    const struct columns *columns;
    struct grouping by[MOVES_BYS];
};

static void cell_add(struct cell *sum, const struct cell *one)
{
    sum->expected += one->expected;
    sum->low += one->low;
    sum->high += one->high;
}

void moving_add(struct moving *sum, const struct moving *unit)
{
    for (int c = 0; c < CHANGES; c++) {
        cell_add(&sum->change[c], &unit->change[c]);
        for (int l = 0; l < LABELS; l++)
            cell_add(&sum->label[l][c], &unit->label[l][c]);
    }
}

static struct bounded whole(const struct cell *cell)
{
    return (struct bounded){ cell_round(cell), cell->low, cell->high };
}

struct moved moving_round(const struct moving *moving)
{
    struct moved moved;
    for (int c = 0; c < CHANGES; c++) {
        moved.change[c] = whole(&moving->change[c]);
        moved.wanted[c] = whole(&moving->label[LABEL_WANTED][c]);
        moved.presumed[c] = whole(&moving->label[LABEL_PRESUMED][c]);
        moved.unwanted[c] = whole(&moving->label[LABEL_UNWANTED][c]);
    }
    return moved;
}

struct moves *moves_new(const struct columns *columns)
{
    struct moves *moves = mem_zero(1, sizeof *moves);
    moves->columns = columns;
    return moves;
}

void moves_free(struct moves *moves)
{
    for (int by = 0; by < MOVES_BYS; by++) {
        names_free(&moves->by[by].names);
        free(moves->by[by].group);
    }
    free(moves);
}

static struct str domain_name(const struct columns *columns, uint32_t attempt, char text[NAME_MOST])
{
    struct str sender = names_text(&columns->names, columns->sender[attempt]);
    struct str domain = mailbox_domain(sender);
    if (!sender.at)
        return STR("(sender not known)");
    if (sender.len == 0)
        return STR("<>");
    return domain.len && domain.len < NAME_MOST ? str_lower(domain, text, NAME_MOST) : STR("(no domain)");
}

static struct str asn_name(const struct columns *columns, uint32_t attempt, char text[NAME_MOST])
{
    const struct fact *best = judging_system(columns, attempt);
    if (!best)
        return STR("(not known)");
    struct str whose = names_text(&columns->names, best->detail);
    int len =
        snprintf(text, NAME_MOST, "AS%lld%s%.*s", (long long)best->a, whose.len ? " " : "",
                 (int)(whose.len < NAME_MOST / 2 ? whose.len : NAME_MOST / 2), whose.len ? whose.at : "");
    return (struct str){ text, (size_t)len };
}

static struct str network_name(const struct columns *columns, uint32_t attempt, char text[NAME_MOST])
{
    struct prefix prefix = ip_network(&columns->address[columns->client[columns->session[attempt]]], 24, 64);
    return (struct str){ text, prefix_format(&prefix, text) };
}

static struct str (*const name_by[MOVES_BYS])(const struct columns *, uint32_t, char *) = {
    [MOVES_DOMAIN] = domain_name, [MOVES_ASN] = asn_name, [MOVES_NETWORK] = network_name
};

static struct group *group_of(struct grouping *grouping, struct str name)
{
    uint32_t number = names_find(&grouping->names, name);
    if (number == NAME_NONE && grouping->names.count >= GROUPS_MOST)
        return &grouping->others;
    if (number == NAME_NONE) {
        number = names_add(&grouping->names, name);
        mem_room(grouping->group, grouping->room, grouping->names.count);
        grouping->group[number] = (struct group){ .shows = -1 };
    }
    return &grouping->group[number];
}

static double moving_share(const struct moving *moving)
{
    double share = 0;
    for (int c = CHANGE_NONE + 1; c < CHANGES; c++)
        share += moving->change[c].expected;
    return share;
}

void moves_add(struct moves *moves, uint32_t first, const struct moving *unit)
{
    const struct columns *columns = moves->columns;
    for (int by = 0; by < MOVES_BYS; by++) {
        char text[NAME_MOST];
        struct group *group = group_of(&moves->by[by], name_by[by](columns, first, text));
        moving_add(&group->moving, unit);
        if (moving_share(unit) > group->shows) {
            group->shows = moving_share(unit);
            group->session = columns->id[columns->session[first]];
        }
    }
}

static uint64_t all_of(const struct moved *moved, bool high)
{
    uint64_t all = 0;
    for (int c = CHANGE_NONE + 1; c < CHANGES; c++)
        all += high ? moved->change[c].high : moved->change[c].count;
    return all;
}

static int by_moves(const void *left, const void *right)
{
    const struct moves_group *a = left, *b = right;
    for (int high = 0; high < 2; high++) {
        uint64_t x = all_of(&a->moved, high), y = all_of(&b->moved, high);
        if (x != y)
            return x > y ? -1 : 1;
    }
    size_t shorter = a->name.len < b->name.len ? a->name.len : b->name.len;
    int order = memcmp(a->name.at, b->name.at, shorter);
    return order ? order : (a->name.len > b->name.len) - (a->name.len < b->name.len);
}

struct moves_group *moves_groups(const struct moves *moves, enum moves_by by, size_t *count,
                                 struct arena *arena)
{
    const struct grouping *grouping = &moves->by[by];
    struct moves_group *groups = arena_zero(arena, (grouping->names.count + 1) * sizeof *groups);
    *count = grouping->names.count;
    for (uint32_t i = 0; i < *count; i++)
        groups[i] =
            (struct moves_group){ arena_str(arena, names_text(&grouping->names, i)),
                                  moving_round(&grouping->group[i].moving), grouping->group[i].session };
    if (*count)
        qsort(groups, *count, sizeof *groups, by_moves);
    if (grouping->others.session)
        groups[(*count)++] =
            (struct moves_group){ STR("(all others)"), moving_round(&grouping->others.moving),
                                  grouping->others.session };
    return groups;
}
