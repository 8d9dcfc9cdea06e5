/* Zone files of each format: the first byte says which. Whatever is in them, what they answer for addresses
 * and names that are near what is listed is in bounds, without repetition, and not changed by asking. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "enrich/zones.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_at(const struct zone_answer *answers, size_t count)
{
    char text[ZONE_TEXT_BYTES];
    assert(count <= ZONE_ANSWERS_MOST);
    for (size_t i = 0; i < count; i++) {
        assert(answers[i].a || answers[i].text.len);
        size_t len = zone_answer_text(&answers[i], text);
        assert(len < sizeof text && text[len] == '\0');
        for (size_t k = 0; k < i; k++)
            assert(answers[k].of != answers[i].of || answers[k].a != answers[i].a ||
                   !str_eq(answers[k].text, answers[i].text));
    }
}

static void ask(const struct zone *zone, struct str word)
{
    struct zone_answer answers[ZONE_ANSWERS_MOST], again[ZONE_ANSWERS_MOST];
    struct ip ip;
    for (size_t part = 0; part < zone_parts(zone); part++) {
        look_at(answers, zone_ask_name(zone, part, word, answers, ZONE_ANSWERS_MOST));
        if (!ip_parse(word, &ip))
            continue;
        for (int step = -1; step <= 1; step++) {
            struct ip near = ip;
            near.octet[15] = (uint8_t)(near.octet[15] + step);
            size_t count = zone_ask(zone, part, &near, answers, ZONE_ANSWERS_MOST);
            look_at(answers, count);
            assert(zone_ask(zone, part, &near, again, 1) == (count ? 1 : 0));
            assert(count == 0 || again[0].a == answers[0].a);
        }
    }
}

/* Up to what cannot be in an address or a name. */
static size_t word_len(struct str text)
{
    size_t len = 0;
    while (len < text.len && (is_alnum(text.at[len]) || strchr(".:", text.at[len])) && text.at[len])
        len++;
    return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct why why = { 0 };
    if (size == 0)
        return 0;
    /* A copy of its own, so that what is read beyond it is seen. */
    char *text = malloc(size);
    memcpy(text, data + 1, size - 1);
    struct str all = { text, size - 1 }, rest = all, word;
    struct zone *zone = zone_new();
    if (zone_read_text(zone, "fuzz", all, (enum zone_format)(data[0] % ZONE_FORMATS), &why) == 0) {
        zone_finish(zone);
        for (unsigned words = 0; words < 200 && rest.len; words++) {
            size_t len = word_len(rest);
            word = (struct str){ rest.at, len };
            rest = str_skip(rest, len + 1);
            ask(zone, word);
        }
    } else {
        assert(why.status && why.text[0]);
    }
    zone_free(zone);
    free(text);
    return 0;
}
