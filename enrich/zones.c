/* DNS lists as files. */
#include "enrich/zones.h"

#include <assert.h>
#include <stdlib.h>
#include <sysexits.h>
#include "enrich/unpacked.h"
#include "enrich/zone_directives.h"
#include "enrich/zone_parts.h"

enum { LINE_BYTES_MOST = 1024 * 1024, GUESS_BYTES = 64 * 1024 };

struct part {
    struct dataset **set; /* in the order in which they are asked */
    size_t count, capacity;
    struct zone_facts facts;
};

struct zone {
    struct names values, parts;
    struct arena text;
    struct dataset **set;
    size_t count, capacity;
    struct part *part; /* by number in parts */
    size_t parts_capacity;
    struct dataset *by_format[ZONE_FORMATS]; /* of files that are one dataset */
    struct zone_history history;
    bool finished;
};

/* One file on its way in. */
struct reading {
    struct zone *zone;
    const char *origin;
    enum zone_format format;
    struct directing directing;
    uint64_t line, good, wide, bad; /* wide: understood, and not wanted */
    struct why first_skipped;
    char *held; /* what is no whole line yet, or too little to guess by */
    size_t held_len, held_capacity;
    struct why *why;
};

const char *zone_format_name(enum zone_format format)
{
    return zone_formats[format].name;
}

bool zone_format_parse(struct str name, enum zone_format *format)
{
    for (int i = 0; i < ZONE_FORMATS; i++) {
        if (str_eq(name, str_of(zone_formats[i].name))) {
            *format = (enum zone_format)i;
            return true;
        }
    }
    return false;
}

/* ---- Made and given back */

static struct part *add_part(struct zone *zone, struct str name)
{
    size_t number = names_add(&zone->parts, name), before = zone->parts_capacity;
    mem_room(zone->part, zone->parts_capacity, number + 1);
    if (zone->parts_capacity > before)
        memset(zone->part + before, 0, (zone->parts_capacity - before) * sizeof *zone->part);
    return &zone->part[number];
}

struct zone *zone_new(void)
{
    struct zone *zone = mem_zero(1, sizeof *zone);
    values_begin(&zone->values);
    add_part(zone, STR("@"));
    zone->history = (struct zone_history){
        .stamp = USEC_NONE, .expires = USEC_NONE, .serial_stamp = USEC_NONE, .changed = USEC_NONE
    };
    return zone;
}

void zone_free(struct zone *zone)
{
    if (!zone)
        return;
    for (size_t i = 0; i < zone->count; i++) {
        spans_free(&zone->set[i]->v4);
        spans_free(&zone->set[i]->v6);
        domains_free(&zone->set[i]->domains);
        free(zone->set[i]);
    }
    for (size_t i = 0; i < zone->parts.count; i++)
        free(zone->part[i].set);
    free(zone->set);
    free(zone->part);
    names_free(&zone->values);
    names_free(&zone->parts);
    arena_free(&zone->text);
    free(zone);
}

static struct dataset *add_dataset(struct zone *zone, enum zone_format format)
{
    struct dataset *set = mem_zero(1, sizeof *set);
    *set = (struct dataset){
        .format = &zone_formats[format], .zone = zone, .standard = VALUE_STANDARD, .v6 = { .six = true }
    };
    mem_room(zone->set, zone->capacity, zone->count + 1);
    return zone->set[zone->count++] = set;
}

static void connect(struct part *part, struct dataset *set)
{
    for (size_t i = 0; i < part->count; i++)
        if (part->set[i] == set)
            return;
    mem_room(part->set, part->capacity, part->count + 1);
    part->set[part->count++] = set;
}

/* ---- Read */

static void note_skipped(struct reading *r, const char *wrong)
{
    if (r->first_skipped.status == 0)
        why_set(&r->first_skipped, EX_DATAERR, "%s:%llu: %s", r->origin, (unsigned long long)r->line, wrong);
}

static void skip_line(struct reading *r, const char *wrong)
{
    r->bad++;
    note_skipped(r, wrong);
}

/* A name without what stands behind a # or ; at its beginning or after a blank. */
static struct str without_remark(struct str line)
{
    for (size_t i = 0; i < line.len; i++)
        if (is_remark(line.at[i]) && (i == 0 || is_space(line.at[i - 1])))
            line.len = i;
    return line;
}

/* "ip4set:name subzone subzone ..." */
static int begin_dataset(struct reading *r, struct str line)
{
    struct directing *directing = &r->directing;
    enum zone_format format = ZONE_GUESS;
    char text[DOMAIN_BYTES];
    line = without_remark(line);
    struct str title = cut_word(&line), type = title, name;
    cut_until_char(&title, ':', &type);
    if (!zone_format_parse(type, &format) || !zone_formats[format].take)
        return why_set(r->why, EX_DATAERR,
                       "%s:%llu: \"%.*s\" is no kind of dataset that can be in a combined file; possible: "
                       "ip4set, ip4tset, ip4trie, ip6tset, ip6trie, dnset, generic, list",
                       r->origin, (unsigned long long)r->line, STR_ARG(type));
    struct dataset *set = add_dataset(r->zone, format);
    memcpy(set->put, directing->file->put, sizeof set->put);
    set->most = directing->file->most;
    directing->set = set;
    if (line.len == 0)
        skip_line(r, "no zone is named for the dataset: write @ for the zone itself");
    while (line.len) {
        struct str word = cut_word(&line);
        if (str_eq(word, STR("@")))
            connect(&r->zone->part[ZONE_BASE], set);
        else if (domain_clean(word, text, &name) && name.len)
            connect(add_part(r->zone, name), set);
        else
            skip_line(r, "no domain");
    }
    return 0;
}

static int take_directive(struct reading *r, struct str line)
{
    struct str rest = { 0 };
    bool remark = !cut_char(&line, '$');
    if (remark)
        line = str_skip(line, 2);
    switch (directive_take(&r->directing, line, &rest)) {
    case DIRECTIVE_TAKEN:
        return 0;
    case DIRECTIVE_DATASET:
        if (r->format == ZONE_COMBINED)
            return begin_dataset(r, rest);
        skip_line(r, "$DATASET is for combined files");
        return 0;
    case DIRECTIVE_BAD:
        break;
    }
    if (!remark) /* "#$Id$" is a remark, whatever rbldnsd says of it */
        skip_line(r, "no directive that is known, or its values are wrong");
    return 0;
}

/* What a `$` begins, also behind a mark that makes it a remark for other programs. */
static bool is_directive(struct str line)
{
    return *line.at == '$' || (line.len > 1 && line.at[1] == '$' && (is_remark(*line.at) || *line.at == ':'));
}

static int take_line(struct reading *r, struct str line)
{
    const char *wrong = NULL;
    r->line++;
    line = str_trim(line);
    if (line.len == 0)
        return 0;
    if (is_directive(line))
        return take_directive(r, line);
    if (is_remark(*line.at))
        return 0;
    struct dataset *set = r->directing.set;
    if (!set->format->take)
        return why_set(
            r->why, EX_DATAERR,
            "%s:%llu: no dataset has begun yet: in a combined file entries stand below a line like "
            "\"$DATASET ip4set @\"",
            r->origin, (unsigned long long)r->line);
    switch (set->format->take(set, &r->zone->values, line, &wrong)) {
    case LINE_ENTRY:
        set->entries++;
        r->zone->history.entries++;
        r->good++;
        break;
    case LINE_OTHER:
        r->good++;
        break;
    case LINE_WIDE:
        r->wide++;
        note_skipped(r, "a range wider than $MAXRANGE4 allows");
        break;
    case LINE_BAD:
        skip_line(r, wrong);
    }
    return 0;
}

/* Takes the whole lines, and holds what is left. */
static int take_lines(struct reading *r, struct str text)
{
    struct str line;
    while (cut_until_char(&text, '\n', &line))
        if (take_line(r, line))
            return -1;
    if (text.len > LINE_BYTES_MOST)
        return why_set(r->why, EX_DATAERR,
                       "%s:%llu: a line of more than %d bytes: this is no list in a text file", r->origin,
                       (unsigned long long)r->line + 1, LINE_BYTES_MOST);
    if (text.len)
        memmove(r->held, text.at, text.len); /* text.at may be r->held's own */
    r->held_len = text.len;
    return 0;
}

static void hold(struct reading *r, struct str text)
{
    mem_room(r->held, r->held_capacity, r->held_len + text.len);
    if (text.len)
        memcpy(r->held + r->held_len, text.at, text.len);
    r->held_len += text.len;
}

/* Finds the dataset that lines of this format go to. */
static void begin_format(struct reading *r, enum zone_format format)
{
    struct zone *zone = r->zone;
    r->format = zone->history.format = format;
    if (!zone->by_format[format]) {
        zone->by_format[format] = add_dataset(zone, format);
        if (format != ZONE_COMBINED)
            connect(&zone->part[ZONE_BASE], zone->by_format[format]);
    }
    struct dataset *set = zone->by_format[format];
    set->standard = VALUE_STANDARD; /* a default lasts to the end of its file */
    r->directing = (struct directing){ &zone->history, &zone->text, set, set };
}

static int take_bytes(struct reading *r, struct str bytes, bool last)
{
    if (r->format == ZONE_GUESS) {
        hold(r, bytes);
        if (!last && r->held_len < GUESS_BYTES)
            return 0;
        enum zone_format format = zone_guess((struct str){ r->held, r->held_len });
        if (format == ZONE_GUESS)
            return why_set(r->why, EX_DATAERR,
                           "%s: holds no address and no domain: what format it has cannot be "
                           "told; name it if it is a list that lists nothing",
                           r->origin);
        begin_format(r, format);
        bytes = STR("");
    }
    if (r->held_len) { /* a line that began in the bytes before */
        hold(r, bytes);
        bytes = (struct str){ r->held, r->held_len };
    } else {
        mem_room(r->held, r->held_capacity, bytes.len);
    }
    if (take_lines(r, bytes))
        return -1;
    return last && r->held_len ? take_line(r, (struct str){ r->held, r->held_len }) : 0;
}

/* A file that is mostly something else than it is said to be would be a list of nearly nothing. */
static int judge(struct reading *r)
{
    struct zone_history *history = &r->zone->history;
    history->skipped += r->bad + r->wide;
    if (history->first_skipped.status == 0)
        history->first_skipped = r->first_skipped;
    if (r->bad <= r->good + r->wide)
        return 0;
    return why_set(
        r->why, EX_DATAERR,
        "%s; so it is with %llu lines, and %llu could be read as %s. If it is of another format, name "
        "that: list, ip4set, ip4tset, ip4trie, ip6tset, ip6trie, dnset, generic, combined",
        r->first_skipped.text, (unsigned long long)r->bad, (unsigned long long)r->good,
        zone_format_name(r->format));
}

static void begin_reading(struct reading *r, struct zone *zone, const char *origin, enum zone_format format,
                          struct why *why)
{
    assert(!zone->finished);
    *r = (struct reading){ .zone = zone, .origin = origin, .format = format, .why = why };
    if (format != ZONE_GUESS)
        begin_format(r, format);
}

int zone_read_text(struct zone *zone, const char *origin, struct str text, enum zone_format format,
                   struct why *why)
{
    struct reading r;
    begin_reading(&r, zone, origin, format, why);
    int result = take_bytes(&r, text, true) ? -1 : judge(&r);
    free(r.held);
    return result;
}

int zone_read(struct zone *zone, const char *path, enum zone_format format, struct why *why)
{
    struct reading r;
    struct str bytes = { 0 };
    usec changed = USEC_NONE;
    struct unpacked *in = unpacked_open(path, &changed, why);
    if (!in)
        return -1;
    if (changed != USEC_NONE && (zone->history.changed == USEC_NONE || changed > zone->history.changed))
        zone->history.changed = changed;
    begin_reading(&r, zone, strcmp(path, "-") == 0 ? "stdin" : path, format, why);
    int got = 0, result = 0;
    while (result == 0 && (got = unpacked_next(in, &bytes, why)) == 1)
        result = take_bytes(&r, bytes, false);
    if (got < 0)
        result = -1;
    if (result == 0)
        result = take_bytes(&r, STR(""), true) ? -1 : judge(&r);
    free(r.held);
    unpacked_close(in);
    return result;
}

/* ---- Finished */

void zone_finish(struct zone *zone)
{
    zone->history.bytes = zone->values.text.bytes + zone->text.bytes +
                          zone->values.capacity * sizeof *zone->values.name +
                          zone->values.slots * sizeof *zone->values.slot;
    for (size_t i = 0; i < zone->count; i++) {
        struct dataset *set = zone->set[i];
        spans_finish(&set->v4, set->format->rule);
        spans_finish(&set->v6, set->format->rule);
        if (set->own == VALUE_NONE)
            set->own = VALUE_STANDARD;
        zone->history.bytes += spans_bytes(&set->v4) + spans_bytes(&set->v6) + domains_bytes(&set->domains);
    }
    for (size_t i = 0; i < zone->parts.count; i++) {
        struct part *part = &zone->part[i];
        for (size_t k = 0; k < part->count; k++) {
            const struct dataset *set = part->set[k];
            part->facts.asks_v4 = part->facts.asks_v4 || set->format->v4 || set->has_v4;
            part->facts.asks_v6 = part->facts.asks_v6 || set->format->v6 || set->has_v6;
            part->facts.asks_names = part->facts.asks_names || set->format->names;
            part->facts.entries += set->entries;
        }
    }
    zone->finished = true;
}

size_t zone_parts(const struct zone *zone)
{
    return zone->parts.count;
}

struct str zone_part_name(const struct zone *zone, size_t part)
{
    return names_text(&zone->parts, (uint32_t)part);
}

size_t zone_part_find(const struct zone *zone, struct str name)
{
    char text[DOMAIN_BYTES];
    struct str clean;
    if (name.len == 0)
        return ZONE_BASE;
    uint32_t part = domain_clean(name, text, &clean) ? names_find(&zone->parts, clean) : NAME_NONE;
    return part == NAME_NONE ? ZONE_NO_PART : part;
}

const struct zone_facts *zone_facts(const struct zone *zone, size_t part)
{
    return &zone->part[part].facts;
}

const struct zone_history *zone_history(const struct zone *zone)
{
    return &zone->history;
}

/* ---- Asked */

struct asking {
    const struct zone *zone;
    struct zone_answer *answers;
    size_t count, room;
};

/* Whether two answers without a text have none in either dataset: $= could make one. */
static bool says_nothing(const struct zone_answer *a, const struct zone_answer *b)
{
    return a->text.len == 0 && a->of->put[SUBSTITUTE_BASE].len == 0 && b->of->put[SUBSTITUTE_BASE].len == 0;
}

static void answer(struct asking *asking, const struct dataset *set, uint32_t value, struct str entry,
                   const struct ip *ip)
{
    struct zone_answer new = { .of = set, .entry = entry, .ip = ip ? *ip : (struct ip){ { 0 } } };
    values_get(&asking->zone->values, value == VALUE_OWN ? set->own : value, &new.a, &new.text);
    if (asking->count == asking->room || (new.a == 0 && new.text.len == 0))
        return;
    for (size_t i = 0; i < asking->count; i++) {
        const struct zone_answer *old = &asking->answers[i];
        if (old->a == new.a && str_eq(old->text, new.text) && (old->of == set || says_nothing(&new, old)))
            return;
    }
    asking->answers[asking->count++] = new;
}

static void ask_spans(struct asking *asking, const struct dataset *set, const struct spans *spans, address at,
                      const struct ip *ip)
{
    const uint32_t *values = NULL;
    uint32_t found = spans_find(spans, at);
    size_t count = spans_values(spans, &found, &values);
    for (size_t i = 0; i < count; i++)
        answer(asking, set, values[i], (struct str){ NULL, 0 }, ip);
}

/* The values of one name; one exclusion among them outweighs all. */
static void answer_domain(struct asking *asking, const struct dataset *set, const struct domain_value *first,
                          struct str entry)
{
    const struct domains *domains = &set->domains;
    for (const struct domain_value *value = first; value; value = domains_next(domains, value))
        if (value->value == VALUE_NONE)
            return;
    for (const struct domain_value *value = first; value; value = domains_next(domains, value))
        answer(asking, set, value->value, entry, NULL);
}

/* The name itself, else (in a dnset) the longest name that it is below. */
static void ask_domains(struct asking *asking, const struct dataset *set, struct str clean)
{
    struct str entry, label;
    const struct domain_value *found = domains_find(&set->domains, clean, false, &entry);
    while (!found && cut_until_char(&clean, '.', &label))
        found = domains_find(&set->domains, clean, true, &entry);
    answer_domain(asking, set, found, entry);
}

/* "1.2.0.192", or the 32 digits of an IPv6 address (RFC 5782 2.1, 2.4). */
static struct str reversed(const struct ip *ip, char text[DOMAIN_BYTES])
{
    static const char digits[16] = "0123456789abcdef";
    if (ip_is_v4(ip)) {
        struct ip turned = ip_from_v4(__builtin_bswap32(ip_v4(ip)));
        return (struct str){ text, ip_format(&turned, text) };
    }
    char *to = text;
    for (int i = 15; i >= 0; i--) {
        *to++ = digits[ip->octet[i] & 15];
        *to++ = '.';
        *to++ = digits[ip->octet[i] >> 4];
        *to++ = '.';
    }
    return (struct str){ text, (size_t)(to - 1 - text) };
}

static address address_of(const struct ip *ip)
{
    address all = 0;
    for (int i = 0; i < 16; i++)
        all = all << 8 | ip->octet[i];
    return all;
}

size_t zone_ask(const struct zone *zone, size_t part, const struct ip *ip, struct zone_answer answers[],
                size_t room)
{
    struct asking asking = { zone, answers, 0, room };
    char text[DOMAIN_BYTES];
    bool v4 = ip_is_v4(ip);
    const bool six_to_four = ip->octet[0] == 0x20 && ip->octet[1] == 0x02; /* RFC 3056: 2002:V4::/48 */
    struct ip in_v4 = *ip;
    assert(zone->finished);
    if (six_to_four) {
        uint32_t inner = 0;
        for (int i = 2; i < 6; i++)
            inner = inner << 8 | ip->octet[i];
        in_v4 = ip_from_v4(inner);
    }
    for (size_t i = 0; i < zone->part[part].count; i++) {
        const struct dataset *set = zone->part[part].set[i];
        if (set->v4.count && (v4 || six_to_four))
            ask_spans(&asking, set, &set->v4, ip_v4(&in_v4), &in_v4);
        if (set->v6.count && !v4)
            ask_spans(&asking, set, &set->v6, address_of(ip), ip);
        if (set->domains.count)
            ask_domains(&asking, set, reversed(ip, text));
    }
    return asking.count;
}

size_t zone_ask_name(const struct zone *zone, size_t part, struct str name, struct zone_answer answers[],
                     size_t room)
{
    struct asking asking = { zone, answers, 0, room };
    char text[DOMAIN_BYTES];
    struct str clean;
    assert(zone->finished);
    if (!domain_clean(name, text, &clean))
        return 0;
    for (size_t i = 0; i < zone->part[part].count; i++)
        if (zone->part[part].set[i]->domains.count)
            ask_domains(&asking, zone->part[part].set[i], clean);
    return asking.count;
}
