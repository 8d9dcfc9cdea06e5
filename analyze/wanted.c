/* Labels of wanted and unwanted mail.
 *
 * Signs of a client (dictionary, relay) are collected first and then hold for all that the address ever sent
 * in the record. The client, not its network: a provider's network has thousands of senders, and one that
 * tries out names says nothing of the next. */
#include "analyze/wanted.h"

#include <stdlib.h>
#include <string.h>
#include "analyze/judging.h"
#include "analyze/lists.h"
#include "analyze/measure/parameters.h"
#include "analyze/provided.h"

const char *const harm_name[HARMS] = { "told", "late", "lost" };
const char *const label_name[LABELS] = {
    [LABEL_NONE] = "none",
    [LABEL_WANTED] = "wanted",
    [LABEL_UNWANTED] = "unwanted",
    [LABEL_PRESUMED] = "presumed",
};

const struct sign_row sign_rows[SIGNS] = {
    [SIGN_SESSION_WANTED] = { LABEL_WANTED, NAMED_NONE, "session", "labelled wanted" },
    [SIGN_SESSION_UNWANTED] = { LABEL_UNWANTED, NAMED_NONE, "session", "labelled unwanted" },
    [SIGN_MESSAGE_WANTED] = { LABEL_WANTED, NAMED_NONE, "message-id", "its message id is labelled wanted" },
    [SIGN_MESSAGE_UNWANTED] = { LABEL_UNWANTED, NAMED_NONE, "message-id",
                                "its message id is labelled unwanted" },
    [SIGN_SENDER_WANTED] = { LABEL_WANTED, NAMED_NONE, "sender", "its sender is labelled wanted" },
    [SIGN_SENDER_UNWANTED] = { LABEL_UNWANTED, NAMED_NONE, "sender", "its sender is labelled unwanted" },
    [SIGN_CLIENT_WANTED] = { LABEL_WANTED, NAMED_NONE, "client", "its client is labelled wanted" },
    [SIGN_CLIENT_UNWANTED] = { LABEL_UNWANTED, NAMED_NONE, "client", "its client is labelled unwanted" },
    [SIGN_AUTHENTICATED] = { LABEL_WANTED, NAMED_NONE, "authenticated", "the client logged in" },
    [SIGN_CORRESPONDENT] = { LABEL_WANTED, NAMED_NONE, "correspondent",
                             "the recipient wrote to this sender before" },
    [SIGN_VIRUS] = { LABEL_UNWANTED, NAMED_VIRUS, "virus", "a virus was found" },
    [SIGN_SCORE] = { LABEL_UNWANTED, NAMED_SPAM, "score", "its score is over the site's threshold" },
    [SIGN_TRAP] = { LABEL_UNWANTED, NAMED_NONE, "trap", "it went to a spam trap" },
    [SIGN_DICTIONARY] = { LABEL_UNWANTED, NAMED_DICTIONARY, "dictionary", "the client tried out recipients" },
    [SIGN_RELAY] = { LABEL_UNWANTED, NAMED_RELAY, "relay", "the client tried to relay" },
    [SIGN_ACCEPTED] = { LABEL_PRESUMED, NAMED_NONE, "accepted", "the server accepted it" },
};

/* ---- What a user says. */

static const struct {
    enum about about;
    enum sign wanted; /* and `unwanted` is the next */
} user_keys[] = {
    { ABOUT_SESSION, SIGN_SESSION_WANTED },
    { ABOUT_MESSAGE_ID, SIGN_MESSAGE_WANTED },
    { ABOUT_SENDER, SIGN_SENDER_WANTED },
    { ABOUT_CLIENT, SIGN_CLIENT_WANTED },
};

static unsigned user_signs(const struct columns *columns, uint32_t attempt)
{
    unsigned signs = 0;
    for (size_t i = 0; columns->provided_of[KIND_LABEL] && i < sizeof user_keys / sizeof *user_keys; i++) {
        const struct fact *fact = provided_about(columns, attempt, KIND_LABEL, user_keys[i].about);
        if (fact && fact->state != UNKNOWN)
            signs |= 1u << (user_keys[i].wanted + (fact->state == NO));
    }
    return signs;
}

/* ---- Who wrote to whom. */

enum { PAIR_BYTES_MOST = 1024 };

struct pairs {
    struct names names; /* of both addresses */
    usec *first;        /* by number: when the first such mail left */
    size_t room;
};

/* The address without a BATV tag, which mail that leaves may have (prvs=tag=address). */
static struct str untagged(struct str address)
{
    const struct str mark = STR("prvs=");
    bool tagged = address.len > mark.len && str_eq_nocase((struct str){ address.at, mark.len }, mark);
    struct str rest = str_skip(address, tagged ? mark.len : 0), tag;
    return tagged && cut_until_char(&rest, '=', &tag) && rest.len ? rest : address;
}

/* at == NULL: no pair of addresses. */
static struct str pair_key(struct str from, struct str to, char text[PAIR_BYTES_MOST])
{
    from = untagged(from);
    to = untagged(to);
    if (from.len == 0 || to.len == 0 || from.len + to.len + 1 > PAIR_BYTES_MOST)
        return (struct str){ NULL, 0 };
    for (size_t i = 0; i < from.len; i++)
        text[i] = ascii_lower(from.at[i]);
    text[from.len] = '\0';
    for (size_t i = 0; i < to.len; i++)
        text[from.len + 1 + i] = ascii_lower(to.at[i]);
    return (struct str){ text, from.len + 1 + to.len };
}

static struct pairs pairs_find(const struct columns *columns, const struct networks *own)
{
    struct pairs pairs = { 0 };
    char text[PAIR_BYTES_MOST];
    for (size_t i = 0; i < columns->sent_count; i++) {
        const struct sent *sent = &columns->sent[i];
        bool ours =
            sent->client == SENT_BY_OURS || (own && networks_hold(own, &columns->address[sent->client]));
        struct str key = ours ? pair_key(names_text(&columns->names, sent->sender),
                                         names_text(&columns->names, sent->recipient), text)
                              : (struct str){ NULL, 0 };
        if (!key.at)
            continue;
        size_t known = pairs.names.count;
        uint32_t pair = names_add(&pairs.names, key);
        mem_room(pairs.first, pairs.room, pairs.names.count);
        if (pair == known || sent->at < pairs.first[pair])
            pairs.first[pair] = sent->at;
    }
    return pairs;
}

static bool wrote_before(const struct pairs *pairs, const struct columns *columns, uint32_t attempt)
{
    char text[PAIR_BYTES_MOST];
    struct str key = pair_key(names_text(&columns->names, columns->address_of[attempt]),
                              names_text(&columns->names, columns->sender[attempt]), text);
    uint32_t pair = key.at ? names_find(&pairs->names, key) : NAME_NONE;
    return pair != NAME_NONE && pairs->first[pair] < columns->at[attempt];
}

/* ---- What the content and the recipient tell. */

static bool is_over(const struct judging *judging, uint32_t attempt)
{
    const struct fact *fact = NULL;
    while ((fact = judging_fact(judging, attempt, KIND_SPAM, fact)))
        if (fact->state == YES ||
            (fact->a != INT64_MIN && fact->b != INT64_MIN && fact->b && fact->a >= fact->b))
            return true;
    return judging->columns->named[attempt] == NAMED_SPAM;
}

static bool has_virus(const struct judging *judging, uint32_t attempt)
{
    return judging->columns->named[attempt] == NAMED_VIRUS ||
           judging_state(judging, attempt, KIND_VIRUS) == YES;
}

static bool was_delivered(const struct judging *judging, uint32_t attempt)
{
    return judging->columns->answer[attempt] == ANSWER_ACCEPTED &&
           !judging_fact(judging, attempt, KIND_FATE, NULL);
}

/* ---- What clients did at any time. */

static bool tried_to_relay(const struct judging *judging, uint32_t attempt)
{
    const struct columns *columns = judging->columns;
    return columns->named[attempt] == NAMED_RELAY ||
           (columns->answer[attempt] != ANSWER_ACCEPTED && !judging_authenticated(judging, attempt) &&
            judging_state(judging, attempt, KIND_RELAY) == YES);
}

static bool is_invalid(const struct judging *judging, uint32_t attempt)
{
    return judging->columns->named[attempt] == NAMED_RECIPIENT ||
           judging_state(judging, attempt, KIND_RECIPIENT) == NO;
}

/* An attempt with an invalid recipient. */
struct miss {
    uint32_t network, client, attempt;
    usec at;
};

static int by_network(const void *left, const void *right)
{
    const struct miss *a = left, *b = right;
    if (a->network != b->network)
        return a->network < b->network ? -1 : 1;
    if (a->at != b->at)
        return a->at < b->at ? -1 : 1;
    return (a->attempt > b->attempt) - (a->attempt < b->attempt);
}

/* Those whose invalid recipient makes a network reach the measure's limit, as it is unless told otherwise. */
static void find_dictionaries(const struct judging *judging, struct bits *clients)
{
    const struct columns *columns = judging->columns;
    struct arena arena = { 0 };
    const struct dictionary_parameters *limit = parameters_default(measure_find(STR("dictionary")), &arena);
    struct miss *misses = NULL;
    size_t count = 0, room = 0, oldest = 0;
    for (uint32_t a = 0; a < columns->attempt_count; a++) {
        uint32_t client = columns->client[columns->session[a]];
        if (columns->named[a] == NAMED_DICTIONARY)
            bits_set(clients, client);
        if (columns->recipient[a] == FACT_ALL || !is_invalid(judging, a))
            continue;
        mem_room(misses, room, count + 1);
        misses[count++] = (struct miss){ columns->network[client], client, a, columns->at[a] };
    }
    if (count)
        qsort(misses, count, sizeof *misses, by_network);
    for (size_t i = 0; i < count; i++) {
        while (misses[oldest].network != misses[i].network ||
               misses[oldest].at <= misses[i].at - limit->window)
            oldest++;
        if ((double)(i - oldest + 1) >= limit->unknown)
            bits_set(clients, misses[i].client);
    }
    free(misses);
    arena_free(&arena);
}

/* ---- All of it. */

struct wanted wanted_new(const struct columns *columns, const struct networks *own)
{
    struct wanted wanted = { columns, mem_zero(columns->attempt_count + 1, sizeof *wanted.signs) };
    const struct judging judging = { .columns = columns };
    struct pairs pairs = pairs_find(columns, own);
    struct bits dictionary = bits_new(columns->address_count), relay = bits_new(columns->address_count);
    find_dictionaries(&judging, &dictionary);
    for (uint32_t a = 0; a < columns->attempt_count; a++)
        if (tried_to_relay(&judging, a))
            bits_set(&relay, columns->client[columns->session[a]]);
    for (uint32_t a = 0; a < columns->attempt_count; a++) {
        uint32_t client = columns->client[columns->session[a]];
        const bool holds[SIGNS] = {
            [SIGN_AUTHENTICATED] = judging_authenticated(&judging, a),
            [SIGN_CORRESPONDENT] = pairs.names.count && wrote_before(&pairs, columns, a),
            [SIGN_VIRUS] = has_virus(&judging, a),
            [SIGN_SCORE] = is_over(&judging, a),
            [SIGN_TRAP] = judging_state(&judging, a, KIND_TRAP) == YES,
            [SIGN_DICTIONARY] = bits_get(&dictionary, client),
            [SIGN_RELAY] = bits_get(&relay, client),
            [SIGN_ACCEPTED] = was_delivered(&judging, a),
        };
        unsigned signs = user_signs(columns, a);
        for (unsigned sign = SIGN_AUTHENTICATED; sign < SIGNS; sign++)
            signs |= holds[sign] ? 1u << sign : 0;
        wanted.signs[a] = (uint16_t)signs;
    }
    bits_free(&dictionary);
    bits_free(&relay);
    names_free(&pairs.names);
    free(pairs.first);
    return wanted;
}

void wanted_free(struct wanted *wanted)
{
    free(wanted->signs);
    *wanted = (struct wanted){ 0 };
}

enum label signs_label(uint16_t signs, enum named judged, enum sign *sign)
{
    for (unsigned left = signs; left; left &= left - 1) {
        unsigned strongest = (unsigned)__builtin_ctz(left);
        const struct sign_row *row = &sign_rows[strongest];
        if (judged != NAMED_NONE && row->measure == judged)
            continue;
        if (sign)
            *sign = (enum sign)strongest;
        return row->label;
    }
    if (sign)
        *sign = SIGNS;
    return LABEL_NONE;
}

enum label wanted_attempt(const struct wanted *wanted, uint32_t attempt, enum named judged, enum sign *sign)
{
    return signs_label(wanted->signs[attempt], judged, sign);
}

uint16_t wanted_signs(const struct wanted *wanted, uint32_t head)
{
    unsigned signs = 0;
    for (uint32_t a = head; a != NO_ATTEMPT; a = wanted->columns->after[a])
        signs |= wanted->signs[a];
    return (uint16_t)signs;
}

enum label wanted_delivery(const struct wanted *wanted, uint32_t head, enum named judged, enum sign *sign)
{
    return signs_label(wanted_signs(wanted, head), judged, sign);
}
