/* Phrases out of any bytes: no crash, a reason for each refusal; what is taken is written so that it is taken
 * again and is the same; and what it fits is found without reading past any end. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>

#include "collect/phrasebook.h"

static void expect(bool truth, const char *what)
{
    if (truth)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct phrasebook book = { 0 }, again = { 0 };
    struct why why = { 0 };
    size_t unfilled = 0, len = 0;
    struct str text = { (const char *)bytes, size };
    if (phrasebook_parse(&book, "phrases.yaml", text, &unfilled, &why)) {
        expect(why.status != 0 && why.text[0] != '\0', "refused without a word");
        phrasebook_free(&book);
        return 0;
    }
    char *written = NULL;
    FILE *to = open_memstream(&written, &len);
    expect(to != NULL, "out of memory");
    for (size_t i = 0; i < book.count; i++)
        phrase_write(&book.phrase[i], to);
    fclose(to);
    expect(phrasebook_parse(&again, "written.yaml", (struct str){ written, len }, &unfilled, &why) == 0,
           why.text);
    expect(unfilled == 0 && phrasebook_same(&book, &again), "written differently");

    /* The file's own bytes as a reply, and each phrase's pattern as one that it must fit. */
    struct session session = { .helo = str_skip(text, size / 2),
                               .reply = { 554, NAMED_OTHER, STAGE_RCPT, 0, { 0 }, text } };
    struct naming_effect effect;
    phrasebook_name(&book, &session, &effect);
    for (size_t i = 0; i < book.count; i++) {
        const struct site_phrase *phrase = &book.phrase[i];
        struct reply reply = { .code = phrase->code ? phrase->code : 550,
                               .stage = phrase->stage == STAGES ? STAGE_RCPT : phrase->stage,
                               .text = phrase->pattern };
        struct session other = { .id = 1 };
        expect(phrasebook_find(&book, &other, &reply, (struct str){ NULL, 0 }, (struct str){ NULL, 0 }) !=
                   NULL,
               "a pattern does not fit itself");
    }
    free(written);
    phrasebook_free(&book);
    phrasebook_free(&again);
    return 0;
}
