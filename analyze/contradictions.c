/* Evidence that contradicts other evidence of the same session. */
#include "analyze/contradictions.h"

#include <stdlib.h>

#include "analyze/judging.h"
#include "analyze/provided.h"

enum { FACTS_COMPARED = 64 }; /* of one kind about one attempt: more are a flood, not evidence */

/* What does not change within a session: others (put off, then passed) may be both. */
static const enum kind lasting[] = { KIND_RDNS,          KIND_FCRDNS,    KIND_DNSBL,
                                     KIND_SENDER_DOMAIN, KIND_RECIPIENT, KIND_RELAY };

struct finding {
    const struct columns *columns;
    struct contradictions *found;
    struct names keys; /* of rows */
    size_t session;
    bool any, added;
};

static struct str subject_text(const struct columns *columns, uint32_t subject)
{
    return subject == NAME_NONE ? (struct str){ NULL, 0 } : names_text(&columns->names, subject);
}

static void find_pair(struct finding *finding, enum kind kind, uint32_t subject, const struct fact *yes,
                      const struct fact *no)
{
    struct contradictions *found = finding->found;
    const struct columns *columns = finding->columns;
    const uint32_t key[] = { (uint32_t)kind, yes->origin, no->origin, subject };
    uint32_t number = names_add(&finding->keys, (struct str){ (const char *)key, sizeof key });
    if (number == found->count) {
        mem_room(found->row, found->room, found->count + 1);
        found->row[found->count++] = (struct contradiction_row){ .kind = (uint8_t)kind,
                                                                 .yes = yes->origin,
                                                                 .no = no->origin,
                                                                 .subject = subject_text(columns, subject),
                                                                 .first = columns->id[finding->session],
                                                                 .last = SIZE_MAX };
    }
    struct contradiction_row *row = &found->row[number];
    row->sessions += row->last != finding->session;
    row->last = finding->session;
    finding->any = true;
    finding->added |= provided_of_fact(columns, yes) || provided_of_fact(columns, no);
}

/* Who is asked for and by which domain are many: these stand together. */
static uint32_t subject_of(enum kind kind, const struct fact *fact)
{
    return kind == KIND_DNSBL || kind == KIND_SENDER_DOMAIN ? fact->subject : NAME_NONE;
}

static void compare_attempt(struct finding *finding, uint32_t attempt, enum kind kind)
{
    const struct judging bare = { .columns = finding->columns };
    const struct fact *facts[FACTS_COMPARED], *fact = NULL;
    size_t count = 0;
    while (count < FACTS_COMPARED && (fact = judging_fact(&bare, attempt, kind, fact)))
        if (fact->state != UNKNOWN)
            facts[count++] = fact;
    for (size_t i = 1; i < count; i++)
        for (size_t k = 0; k < i; k++) {
            const struct fact *a = facts[i], *b = facts[k];
            if (a->state == b->state || a->subject != b->subject ||
                (kind == KIND_SENDER_DOMAIN && a->detail != b->detail))
                continue;
            find_pair(finding, kind, subject_of(kind, a), a->state == YES ? a : b, a->state == YES ? b : a);
        }
}

/* What collecting a log and a capture found is there already, a piece for each of the two. */
static void take_told(struct finding *finding)
{
    static const struct fact log = { .origin = ORIGIN_LOG }, capture = { .origin = ORIGIN_CAPTURE };
    const struct columns *columns = finding->columns;
    const struct fact *end, *fact = session_facts(columns, finding->session, &end);
    for (; fact < end; fact++)
        if (fact->kind == KIND_CONTRADICTION)
            find_pair(finding, KIND_CONTRADICTION, fact->subject, &log, &capture);
}

static void compare_session(struct finding *finding)
{
    const struct columns *columns = finding->columns;
    size_t s = finding->session;
    for (size_t i = 0; i < sizeof lasting / sizeof *lasting; i++) {
        if (!session_has(columns, s, lasting[i]) && !columns->provided_of[lasting[i]])
            continue;
        for (uint32_t a = columns->first_attempt[s]; a < columns->first_attempt[s + 1]; a++)
            compare_attempt(finding, a, lasting[i]);
    }
    if (session_has(columns, s, KIND_CONTRADICTION))
        take_told(finding);
}

static int by_sessions(const void *left, const void *right)
{
    const struct contradiction_row *a = left, *b = right;
    if (a->sessions != b->sessions)
        return a->sessions < b->sessions ? 1 : -1;
    return (a->first > b->first) - (a->first < b->first);
}

void contradictions_find(const struct columns *columns, struct contradictions *found)
{
    struct finding finding = { .columns = columns, .found = found };
    for (size_t s = 0; s < columns->session_count; s++) {
        finding.session = s;
        finding.any = finding.added = false;
        compare_session(&finding);
        found->sessions += finding.any;
        found->added += finding.added;
    }
    if (found->count)
        qsort(found->row, found->count, sizeof *found->row, by_sessions);
    names_free(&finding.keys);
}

void contradictions_free(struct contradictions *found)
{
    free(found->row);
    *found = (struct contradictions){ 0 };
}
