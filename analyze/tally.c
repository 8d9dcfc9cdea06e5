/* Tallies: the words for their kinds, and exact percentages. */
#include "analyze/tally.h"

#include <stdio.h>

const char *const unit_name[UNITS] = {
    [UNIT_DELIVERY] = "delivery",
    [UNIT_SESSION] = "session",
    [UNIT_RECIPIENT] = "recipient",
    [UNIT_MESSAGE] = "message",
};

const char *const unit_plural[UNITS] = {
    [UNIT_DELIVERY] = "deliveries",
    [UNIT_SESSION] = "sessions",
    [UNIT_RECIPIENT] = "recipients",
    [UNIT_MESSAGE] = "messages",
};

const char *const basis_name[BASES] = {
    [BASIS_EXACT] = "exact",
    [BASIS_ESTIMATED] = "estimated",
    [BASIS_GUESSED] = "guessed",
};

void tally_free(struct tally *tally)
{
    /* The tally may itself lie in its arena: nothing is written to it after the arena is gone. */
    struct arena arena = tally->arena;
    *tally = (struct tally){ 0 };
    arena_free(&arena);
}

/* Not ISO C, but in both compilers that we support: a count times 20,000 needs more than 64 bits. */
__extension__ typedef unsigned __int128 wide;

void percent_format(uint64_t count, uint64_t of, char text[16])
{
    wide hundredths = of ? ((wide)count * 20000 + of) / ((wide)of * 2) : 0;
    /* More than all of it is no percentage that we print; keep it inside the text all the same. */
    wide most = (wide)99999999999999;
    uint64_t shown = (uint64_t)(hundredths < most ? hundredths : most);
    snprintf(text, 16, "%llu.%02u", (unsigned long long)(shown / 100), (unsigned)(shown % 100));
}

void tally_note(struct tally *tally, struct str sentence)
{
    if (tally->note_count == tally->note_room) {
        struct str *more = arena_alloc(&tally->arena, (tally->note_room + 8) * sizeof *more);
        if (tally->note_count)
            memcpy(more, tally->notes, tally->note_count * sizeof *more);
        tally->notes = more;
        tally->note_room += 8;
    }
    tally->notes[tally->note_count++] = arena_str(&tally->arena, sentence);
}
