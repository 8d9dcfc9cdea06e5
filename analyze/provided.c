/* Evidence from elsewhere in columns: facts of a client's address or of a name. */
#include "analyze/provided.h"

#include <stdio.h>
#include <stdlib.h>

enum { NAME_BYTES_MOST = 1024 }; /* of a mailbox or a host: longer ones are nobody's */

/* The key of what evidence is of: the kind of name and the name in lower case. */
static struct str about_key(enum about about, struct str name, char key[NAME_BYTES_MOST + 1])
{
    size_t len = name.len < NAME_BYTES_MOST ? name.len : NAME_BYTES_MOST;
    key[0] = (char)about;
    for (size_t i = 0; i < len; i++)
        key[i + 1] = ascii_lower(name.at[i]);
    return (struct str){ key, len + 1 };
}

uint32_t columns_about(const struct columns *columns, enum about about, struct str name)
{
    char key[NAME_BYTES_MOST + 1];
    return name.len && columns->first_of_about ? names_find(&columns->abouts, about_key(about, name, key))
                                               : NAME_NONE;
}

static uint32_t add_about(struct columns *columns, enum about about, struct str name)
{
    char key[NAME_BYTES_MOST + 1];
    return names_add(&columns->abouts, about_key(about, name, key));
}

void provided_take(struct columns *columns, struct providing_columns *taking, const struct provider *provider,
                   const struct provided *provided, uint32_t client)
{
    struct str subject = provider->subject.at ? provider->subject : provided->name;
    bool of_client = !ip_is_none(&provided->client);
    mem_room(taking->piece, taking->room, taking->count + 1);
    taking->piece[taking->count++] = (struct piece){
        .of_client = of_client,
        .key = of_client ? client : add_about(columns, (enum about)provider->about, provided->name),
        .fact = { .fact = { .a = provided->a,
                            .b = provided->b,
                            .subject = subject.at ? names_add(&columns->names, subject) : NAME_NONE,
                            .detail = provided->detail.at ? names_add(&columns->names, provided->detail)
                                                          : NAME_NONE,
                            .transaction = FACT_ALL,
                            .recipient = FACT_ALL,
                            .kind = provider->kind,
                            .state = provided->state,
                            .origin = provider->origin },
                  .at = provided->at,
                  .from = provider->from,
                  .to = provider->to,
                  .domain = of_client && provided->name.at
                                ? add_about(columns, ABOUT_SENDER_DOMAIN, provided->name)
                                : NAME_NONE },
    };
    columns->provided_of[provider->kind] |= (uint8_t)(1u << (of_client ? ABOUT_CLIENT : provider->about));
}

bool provided_message(const struct columns *columns, struct str id, struct fact *fact)
{
    char key[NAME_BYTES_MOST + 1];
    bool bracketed = id.len > 2 && id.at[0] == '<' && id.at[id.len - 1] == '>';
    if (!(columns->provided_of[KIND_LABEL] >> ABOUT_MESSAGE_ID & 1) || id.len == 0)
        return false;
    id = bracketed ? (struct str){ id.at + 1, id.len - 2 } : id;
    uint32_t about = names_find(&columns->abouts, about_key(ABOUT_MESSAGE_ID, id, key));
    *fact = (struct fact){ .a = about,
                           .subject = NAME_NONE,
                           .detail = NAME_NONE,
                           .recipient = FACT_ALL,
                           .kind = KIND_LABEL,
                           .state = UNKNOWN,
                           .origin = ORIGIN_LIST };
    return about != NAME_NONE;
}

/* Puts those of clients (or of names) in order of key behind what is there; the place of each key's first. */
static uint32_t *place(struct columns *columns, const struct providing_columns *taken, bool of_client,
                       size_t keys)
{
    uint32_t *first = mem_zero(keys + 2, sizeof *first);
    for (size_t i = 0; i < taken->count; i++)
        if (taken->piece[i].of_client == of_client)
            first[taken->piece[i].key + 2]++;
    first[0] = first[1] = (uint32_t)columns->provided_count;
    for (size_t key = 2; key < keys + 2; key++)
        first[key] += first[key - 1];
    for (size_t i = 0; i < taken->count; i++)
        if (taken->piece[i].of_client == of_client)
            columns->provided[first[taken->piece[i].key + 1]++] = taken->piece[i].fact;
    columns->provided_count = first[keys];
    return first;
}

void provided_finish(struct columns *columns, struct providing_columns *taken)
{
    if (taken->count) {
        columns->provided = mem_alloc(taken->count * sizeof *columns->provided);
        columns->first_of_client = place(columns, taken, true, columns->address_count);
        columns->first_of_about = place(columns, taken, false, columns->abouts.count);
    }
    free(taken->piece);
    *taken = (struct providing_columns){ 0 };
}

void provided_free(struct columns *columns)
{
    free(columns->provided);
    free(columns->first_of_client);
    free(columns->first_of_about);
    names_free(&columns->abouts);
}

/* ---- Which are for an attempt. */

static struct str name_about(const struct columns *columns, uint32_t attempt, enum about about)
{
    switch (about) {
    case ABOUT_SENDER_DOMAIN:
        return mailbox_domain(names_text(&columns->names, columns->sender[attempt]));
    case ABOUT_SENDER:
        return names_text(&columns->names, columns->sender[attempt]);
    case ABOUT_RECIPIENT:
        return names_text(&columns->names, columns->address_of[attempt]);
    case ABOUT_HELO:
        return names_text(&columns->names, columns->helo[columns->session[attempt]]);
    case ABOUT_CLIENT:
    case ABOUT_MESSAGE_ID:
    case ABOUT_SESSION:
    case ABOUTS:
        break;
    }
    return (struct str){ NULL, 0 };
}

/* Message ids are not kept, but for those that evidence is of: see provided_message(). */
static uint32_t message_about(const struct columns *columns, uint32_t attempt)
{
    uint32_t s = columns->session[attempt];
    const struct fact *end = NULL;
    for (const struct fact *fact = session_facts(columns, s, &end); fact < end; fact++)
        if (fact->kind == KIND_LABEL && fact_holds(columns, fact, attempt))
            return (uint32_t)fact->a;
    return NAME_NONE;
}

static uint32_t about_of(const struct columns *columns, uint32_t attempt, enum about about)
{
    char digits[24];
    if (about == ABOUT_MESSAGE_ID)
        return message_about(columns, attempt);
    if (about != ABOUT_SESSION)
        return columns_about(columns, about, name_about(columns, attempt, about));
    int len = snprintf(digits, sizeof digits, "%lld", (long long)columns->id[columns->session[attempt]]);
    return columns_about(columns, about, (struct str){ digits, (size_t)len });
}

struct span_of {
    const struct provided_fact *fact, *end;
};

static struct span_of facts_about(const struct columns *columns, uint32_t attempt, enum about about)
{
    const uint32_t *first = columns->first_of_client;
    uint32_t key = columns->client[columns->session[attempt]];
    if (about != ABOUT_CLIENT) {
        key = about_of(columns, attempt, about);
        first = columns->first_of_about;
    }
    if (key == NAME_NONE)
        return (struct span_of){ NULL, NULL };
    return (struct span_of){ columns->provided + first[key], columns->provided + first[key + 1] };
}

static bool is_for(const struct columns *columns, uint32_t attempt, enum kind kind,
                   const struct provided_fact *fact)
{
    usec started = columns->started[columns->session[attempt]];
    return fact->fact.kind == kind && (fact->from == USEC_NONE || started >= fact->from) &&
           (fact->to == USEC_NONE || started < fact->to) &&
           (fact->domain == NAME_NONE ||
            fact->domain == columns_about(columns, ABOUT_SENDER_DOMAIN,
                                          name_about(columns, attempt, ABOUT_SENDER_DOMAIN)));
}

const struct fact *provided_about(const struct columns *columns, uint32_t attempt, enum kind kind,
                                  enum about about)
{
    const struct fact *found = NULL;
    if (!(columns->provided_of[kind] >> about & 1))
        return NULL;
    struct span_of span = facts_about(columns, attempt, about);
    for (const struct provided_fact *fact = span.fact; fact < span.end; fact++)
        if (is_for(columns, attempt, kind, fact))
            found = &fact->fact;
    return found;
}

const struct fact *provided_next(const struct columns *columns, uint32_t attempt, enum kind kind,
                                 const struct fact *after)
{
    const struct provided_fact *last = (const struct provided_fact *)(const void *)after;
    bool begun = !last;
    for (unsigned about = 0; about < ABOUTS; about++) {
        if (!(columns->provided_of[kind] >> about & 1))
            continue;
        struct span_of span = facts_about(columns, attempt, (enum about)about);
        bool here = !begun && last >= span.fact && last < span.end;
        if (!begun && !here)
            continue;
        for (const struct provided_fact *fact = here ? last + 1 : span.fact; fact < span.end; fact++)
            if (is_for(columns, attempt, kind, fact))
                return &fact->fact;
        begun = true;
    }
    return NULL;
}

const struct provided_fact *provided_of_fact(const struct columns *columns, const struct fact *fact)
{
    const struct provided_fact *provided = (const struct provided_fact *)(const void *)fact;
    bool is_one = columns->provided_count && provided >= columns->provided &&
                  provided < columns->provided + columns->provided_count;
    return is_one ? provided : NULL;
}
