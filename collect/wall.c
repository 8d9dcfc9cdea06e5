/* A zone's clock as a list of when it was set. The C library is asked for it once, so that it costs nothing
 * later: TZ belongs to the whole process, and localtime() takes a lock. */
#define _GNU_SOURCE /* tm_gmtoff */
#include "collect/wall.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>
#include "base/memory.h"

/* Between these years; before and after, the clock stays as it is there. */
enum { YEAR_FIRST = 1990, YEAR_LAST = 2100 };

/* No clock has been set twice within less: Morocco's and Egypt's go back for the month of Ramadan. */
#define STEP (10 * USEC_DAY)

/* From `from` on, the clock is ahead of UTC by this. */
struct setting {
    usec from, ahead;
};

struct wall {
    struct arena arena;
    struct str name;
    struct setting *settings; /* the first one is from the beginning of time */
    size_t count, capacity;
};

static void add_setting(struct wall *wall, usec from, usec ahead)
{
    mem_room(wall->settings, wall->capacity, wall->count + 1);
    wall->settings[wall->count++] = (struct setting){ from, ahead };
}

/* ---- What the C library says. */

static usec ahead_at(usec at)
{
    time_t seconds = (time_t)(at / USEC_SECOND);
    struct tm tm;
    return localtime_r(&seconds, &tm) ? tm.tm_gmtoff * USEC_SECOND : 0;
}

/* The second at which the clock is set, somewhere behind `before` and not after `after`. */
static usec find_setting(usec before, usec after)
{
    usec ahead = ahead_at(before);
    while (after - before > USEC_SECOND) {
        usec middle = before + (after - before) / (2 * USEC_SECOND) * USEC_SECOND;
        if (ahead_at(middle) == ahead)
            before = middle;
        else
            after = middle;
    }
    return after;
}

static void add_settings(struct wall *wall)
{
    usec at = clock_days(YEAR_FIRST, 1, 1) * USEC_DAY, end = clock_days(YEAR_LAST + 1, 1, 1) * USEC_DAY;
    tzset();
    usec ahead = ahead_at(at);
    add_setting(wall, INT64_MIN, ahead);
    for (; at < end; at += STEP)
        if (ahead_at(at + STEP) != ahead) {
            ahead = ahead_at(at + STEP);
            add_setting(wall, find_setting(at, at + STEP), ahead);
        }
}

/* ---- Zones by their names. */

static const char *zones_folder(void)
{
    const char *folder = getenv("TZDIR");
    return folder && *folder ? folder : "/usr/share/zoneinfo";
}

/* The C library takes a name that it does not know for UTC: so the file is looked at. */
static bool is_zone(const char *name)
{
    char path[512], magic[4] = "";
    int len = snprintf(path, sizeof path, "%s/%s", zones_folder(), name);
    if (name[0] == '/' || strstr(name, "..") || len < 0 || (size_t)len >= sizeof path)
        return false;
    FILE *file = fopen(path, "re");
    bool is = file && fread(magic, sizeof magic, 1, file) == 1 && memcmp(magic, "TZif", sizeof magic) == 0;
    if (file)
        fclose(file);
    return is;
}

static void add_settings_of(struct wall *wall, const char *name)
{
    const char *before = getenv("TZ");
    if (before)
        before = arena_str(&wall->arena, str_of(before)).at;
    setenv("TZ", name, 1);
    add_settings(wall);
    if (before)
        setenv("TZ", before, 1);
    else
        unsetenv("TZ");
    tzset();
}

/* "Europe/Berlin", where TZ or the link /etc/localtime tells; else "local". */
static struct str local_name(struct arena *arena)
{
    static const char folder[] = "zoneinfo/";
    char link[512];
    const char *tz = getenv("TZ"), *name = NULL;
    if (tz) {
        name = *tz == ':' ? tz + 1 : tz;
        if (!*name)
            name = "UTC";
    } else {
        ssize_t len = readlink("/etc/localtime", link, sizeof link - 1);
        link[len > 0 ? len : 0] = '\0';
        name = len > 0 ? strstr(link, folder) : NULL;
        if (name)
            name += sizeof folder - 1;
        else if (access("/etc/localtime", F_OK) != 0)
            name = "UTC"; /* tzset(3) */
    }
    return name && (strcmp(name, "UTC") == 0 || is_zone(name)) ? arena_str(arena, str_of(name))
                                                               : STR("local");
}

/* "+01:00", "-0330", "+01" */
static bool parse_ahead(struct str text, usec *ahead)
{
    bool behind = text.len && text.at[0] == '-';
    uint64_t hours = 0, minutes = 0;
    if (text.len < 3 || (!cut_char(&text, '+') && !cut_char(&text, '-')) ||
        !str_number((struct str){ text.at, 2 }, &hours))
        return false;
    text = str_skip(text, 2);
    if (text.len) {
        cut_char(&text, ':');
        if (text.len != 2 || !str_number(text, &minutes))
            return false;
    }
    *ahead = (behind ? -1 : 1) * ((usec)hours * USEC_HOUR + (usec)minutes * USEC_MINUTE);
    return hours < 24 && minutes < 60;
}

struct wall *wall_new(struct str zone, struct why *why)
{
    struct wall *wall = mem_zero(1, sizeof *wall);
    usec ahead = 0;
    wall->name = arena_str(&wall->arena, zone);
    if (str_eq(zone, STR("local")))
        wall->name = local_name(&wall->arena);
    if (str_eq(wall->name, STR("UTC")) || parse_ahead(wall->name, &ahead)) {
        add_setting(wall, INT64_MIN, ahead);
    } else if (str_eq(wall->name, STR("local"))) {
        add_settings(wall);
    } else if (is_zone(wall->name.at)) {
        add_settings_of(wall, wall->name.at);
    } else {
        wall_free(wall);
        why_set(
            why, EX_USAGE,
            "\"%.*s\" is not a time zone%s; write a name like Europe/Berlin, an offset like +01:00, UTC, or "
            "local for this machine's",
            STR_ARG(zone), is_zone("Europe/Berlin") ? "" : " (the names come with the package tzdata)");
        return NULL;
    }
    if (wall->count == 1 && wall->settings[0].ahead == 0)
        wall->name = STR("UTC"); /* Etc/UTC, +00:00, ... */
    return wall;
}

void wall_free(struct wall *wall)
{
    if (!wall)
        return;
    free(wall->settings);
    arena_free(&wall->arena);
    free(wall);
}

struct str wall_name(const struct wall *wall)
{
    return wall->name;
}

usec wall_shown(const struct wall *wall, usec at)
{
    size_t low = 0, high = wall ? wall->count : 0;
    if (!wall || at == USEC_NONE)
        return at;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (wall->settings[middle].from <= at)
            low = middle;
        else
            high = middle;
    }
    return at + wall->settings[low].ahead;
}

/* ---- From what it shows to when that was. */

/* What the clock shows when it is set: before, and after. */
static usec shown_before(const struct wall *wall, size_t i)
{
    return i == 0 ? INT64_MIN : wall->settings[i].from + wall->settings[i - 1].ahead;
}

static usec shown_after(const struct wall *wall, size_t i)
{
    if (i == wall->count)
        return INT64_MAX;
    return i == 0 ? INT64_MIN : wall->settings[i].from + wall->settings[i].ahead;
}

/* The last setting after which the clock may have shown this, or, where it jumped over it, before. */
static size_t setting_of(const struct wall *wall, usec shown)
{
    size_t low = 0, high = wall->count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (shown_after(wall, middle) <= shown)
            low = middle;
        else
            high = middle;
    }
    return low;
}

bool wall_is_double(const struct wall *wall, usec shown, usec *first, usec *second)
{
    size_t i = setting_of(wall, shown);
    *first = *second = shown - wall->settings[i].ahead;
    if (shown >= shown_before(wall, i))
        return false;
    *first = shown - wall->settings[i - 1].ahead;
    return true;
}

usec wall_time(const struct wall *wall, struct wall_span *span, usec shown, usec last)
{
    usec first = 0, second = 0;
    size_t i = setting_of(wall, shown);
    if (wall_is_double(wall, shown, &first, &second)) {
        usec apart = second - first;
        return last != USEC_NONE && first < last - apart / 2 ? second : first;
    }
    usec before = shown_before(wall, i), after = shown_after(wall, i);
    *span = (struct wall_span){ before > after ? before : after, shown_after(wall, i + 1),
                                wall->settings[i].ahead };
    return second;
}
