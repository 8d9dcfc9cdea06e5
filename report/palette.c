/* Colours that people with any kind of colour vision tell apart. The first are Okabe and Ito's and Paul
 * Tol's; the others were searched for in CIELAB so that the least distance of any two, seen with normal,
 * protan, deutan and tritan eyes (Machado et al. 2009), is as large as it gets, and each stands out from
 * white and from black. Green is accepted and nothing else is green. */
#include "report/palette.h"

#include "base/memory.h"

static const struct {
    struct str name;
    struct ink ink;
} known[] = {
    { STR_INIT("accepted"), { 0x009e73, '=' } },
    { STR_INIT("no-rdns"), { 0x0072b2, 'r' } },
    { STR_INIT("dnsbl"), { 0xe69f00, 'b' } },
    { STR_INIT("early-talker"), { 0xd55e00, 'e' } },
    { STR_INIT("greylist"), { 0xddcc77, 'g' } },
    { STR_INIT("fcrdns"), { 0x899ee4, 'f' } },
    { STR_INIT("helo"), { 0x88ccee, 'h' } },
    { STR_INIT("recipient"), { 0x7d471e, 'u' } },
    { STR_INIT("sender-domain"), { 0xcc79a7, 'd' } },
    { STR_INIT("spf"), { 0x7f1fc0, 's' } },
    { STR_INIT("relay"), { 0xa68f4b, 'y' } },
    { STR_INIT("pipelining"), { 0xbf6bf0, 'p' } },
    { STR_INIT("spam"), { 0x575269, 'x' } },
    { STR_INIT("virus"), { 0x8c1d48, 'v' } },
    { STR_INIT("null-sender-many"), { 0xfebda3, 'n' } },
    { STR_INIT("after-220"), { 0x6162fe, 'a' } },
    { STR_INIT("dictionary"), { 0xda05b7, 'k' } },
    { STR_INIT("other"), { 0x6b7078, 'o' } },
    { STR_INIT("abandoned"), { 0xb4b8be, '-' } },
    { STR_INIT("nothing-attempted"), { 0xe3e6ea, '.' } },
    { STR_INIT("relayed"), { 0x9aa0a8, '>' } },
};

/* For rows of any other name: what the other rows of the tally use least, looked for from the place on that
 * the name's hash says, so that a name mostly keeps its colour, too. The first three are nobody's. */
static const struct ink spare[] = {
    { 0x73207e, 'A' }, { 0xa25b23, 'B' }, { 0x726142, 'C' }, { 0x6162fe, 'D' },
    { 0xfebda3, 'E' }, { 0xda05b7, 'F' }, { 0xbf6bf0, 'G' }, { 0xa68f4b, 'H' },
    { 0x7f1fc0, 'I' }, { 0x899ee4, 'J' }, { 0x8c1d48, 'K' }, { 0x7d471e, 'L' },
    { 0x575269, 'M' }, { 0xcc79a7, 'N' }, { 0x88ccee, 'O' }, { 0xddcc77, 'P' },
};

enum { KNOWN = sizeof known / sizeof *known, SPARE = sizeof spare / sizeof *spare };

static const struct ink *find_known(struct str name)
{
    for (size_t i = 0; i < KNOWN; i++)
        if (str_eq(known[i].name, name))
            return &known[i].ink;
    return NULL;
}

/* The place in `spare` that a name would like: the same in each run, so no seeded hash. */
static size_t place_of(struct str name)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < name.len; i++)
        hash = (hash ^ (unsigned char)name.at[i]) * 16777619u;
    return hash % SPARE;
}

void palette_assign(const struct tally *tally, struct ink *inks)
{
    unsigned used[SPARE] = { 0 };
    for (size_t i = 0; i < tally->row_count; i++) {
        const struct ink *ink = find_known(tally->rows[i].name);
        inks[i] = ink ? *ink : (struct ink){ 0 };
        for (size_t k = 0; ink && k < SPARE; k++)
            used[k] += spare[k].rgb == ink->rgb;
    }
    for (size_t i = 0; i < tally->row_count; i++) {
        if (inks[i].glyph)
            continue;
        size_t best = place_of(tally->rows[i].name);
        for (size_t step = 0, at = best; step < SPARE; step++, at = (at + 1) % SPARE)
            best = used[at] < used[best] ? at : best;
        inks[i] = spare[best];
        used[best]++;
    }
}

struct ink palette_of(struct str name)
{
    const struct ink *ink = find_known(name);
    return ink ? *ink : spare[place_of(name)];
}

struct ink palette_accepted(void)
{
    return known[0].ink;
}

static unsigned cube_level(uint32_t byte)
{
    return byte < 48 ? 0 : byte < 115 ? 1 : (unsigned)(byte - 35) / 40;
}

unsigned palette_terminal(uint32_t rgb)
{
    return 16 + 36 * cube_level(rgb >> 16 & 0xff) + 6 * cube_level(rgb >> 8 & 0xff) + cube_level(rgb & 0xff);
}
