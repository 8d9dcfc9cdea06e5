/* What a parameter's value is: -o of the service before main.cf before Postfix's default, and $names replaced
 * (postconf(5); postfix util/mac_expand.c). */
#include <stdlib.h>
#include <sysexits.h>

#include "config/postfix.h"
#include "config/values.h"

enum { DEPTH_MOST = 40, VALUE_MOST = 256 * 1024, WORK_MOST = 1000000 };

/* What holds where nothing is said, as `postconf -d` of Postfix 3.7 has it, of the parameters that are asked
 * for here. */
static const struct {
    const char *name, *value;
} defaults[] = {
    { "anvil_rate_time_unit", "60s" },
    { "compatibility_level", "0" },
    { "invalid_hostname_reject_code", "501" },
    { "maps_rbl_reject_code", "554" },
    { "multi_recipient_bounce_reject_code", "550" },
    { "non_fqdn_reject_code", "504" },
    { "plaintext_reject_code", "450" },
    { "postscreen_access_list", "permit_mynetworks" },
    { "postscreen_bare_newline_action", "ignore" },
    { "postscreen_bare_newline_enable", "no" },
    { "postscreen_bare_newline_ttl", "30d" },
    { "postscreen_denylist_action",
      "${postscreen_blacklist_action?{$postscreen_blacklist_action}:{ignore}}" },
    { "postscreen_dnsbl_action", "ignore" },
    { "postscreen_dnsbl_allowlist_threshold",
      "${postscreen_dnsbl_whitelist_threshold?{$postscreen_dnsbl_whitelist_threshold}:{0}}" },
    { "postscreen_dnsbl_max_ttl", "${postscreen_dnsbl_ttl?{$postscreen_dnsbl_ttl}:{1}}h" },
    { "postscreen_dnsbl_threshold", "1" },
    { "postscreen_greet_action", "ignore" },
    { "postscreen_greet_ttl", "1d" },
    { "postscreen_greet_wait", "${stress?{2}:{6}}s" },
    { "postscreen_non_smtp_command_action", "drop" },
    { "postscreen_non_smtp_command_enable", "no" },
    { "postscreen_non_smtp_command_ttl", "30d" },
    { "postscreen_pipelining_action", "enforce" },
    { "postscreen_pipelining_enable", "no" },
    { "postscreen_pipelining_ttl", "30d" },
    { "relay_domains_reject_code", "554" },
    { "smtpd_client_event_limit_exceptions", "${smtpd_client_connection_limit_exceptions:$mynetworks}" },
    { "smtpd_delay_reject", "yes" },
    { "smtpd_helo_required", "no" },
    { "smtpd_reject_unlisted_recipient", "yes" },
    { "smtpd_reject_unlisted_sender", "no" },
    { "smtpd_relay_before_recipient_restrictions", "${{$compatibility_level} <level {3.6} ? {no} : {yes}}" },
    { "smtpd_relay_restrictions", "${{$compatibility_level} <level {1} ? {} : {permit_mynetworks, "
                                  "permit_sasl_authenticated, defer_unauth_destination}}" },
    { "unknown_address_reject_code", "450" },
    { "unknown_client_reject_code", "450" },
    { "unknown_hostname_reject_code", "450" },
    { "unknown_local_recipient_reject_code", "550" },
};

const struct setting *postfix_setting(const struct postfix *postfix, struct str name)
{
    for (size_t i = 0; i < postfix->override_count; i++)
        if (str_eq(postfix->override[i].name, name))
            return &postfix->override[i];
    for (size_t i = 0; i < postfix->setting_count; i++)
        if (str_eq(postfix->setting[i].name, name))
            return &postfix->setting[i];
    return NULL;
}

struct place postfix_place(const struct postfix *postfix, const char *name)
{
    const struct setting *setting = postfix_setting(postfix, str_of(name));
    return setting ? setting->place : (struct place){ "main.cf", 0 };
}

/* ---- Expansion. */

struct out {
    char *at;
    size_t len, room;
};

static void put(struct out *out, struct str text)
{
    if (!text.len)
        return;
    mem_room(out->at, out->room, out->len + text.len);
    memcpy(out->at + out->len, text.at, text.len);
    out->len += text.len;
}

static int expand_into(struct postfix *postfix, struct str text, struct out *out);

/* The value of $name, expanded. */
static int put_named(struct postfix *postfix, struct str name, struct out *out)
{
    const struct setting *setting = postfix_setting(postfix, name);
    if (setting)
        return expand_into(postfix, str_trim(setting->value), out);
    for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++)
        if (str_eq(str_of(defaults[i].name), name))
            return expand_into(postfix, str_of(defaults[i].value), out);
    return 0;
}

/* Takes a text in { } off the front, whose inside is *inside. */
static bool cut_braced(struct str *rest, struct str *inside)
{
    struct str trimmed = str_trim(*rest);
    int depth = 0;
    if (!trimmed.len || trimmed.at[0] != '{')
        return false;
    for (size_t i = 0; i < trimmed.len; i++) {
        depth += trimmed.at[i] == '{' ? 1 : trimmed.at[i] == '}' ? -1 : 0;
        if (depth)
            continue;
        *inside = str_trim(str_range(trimmed.at + 1, trimmed.at + i));
        *rest = str_skip(trimmed, i + 1);
        return true;
    }
    return false;
}

/* "{then}:{else}", "{then}" or "then". */
static int put_choice(struct postfix *postfix, struct str rest, bool truth, struct out *out)
{
    struct str yes = { NULL, 0 }, no = { NULL, 0 };
    if (!cut_braced(&rest, &yes)) {
        yes = rest;
        rest.len = 0;
    }
    rest = str_trim(rest);
    if (cut_char(&rest, ':') && !cut_braced(&rest, &no))
        no = rest;
    return expand_into(postfix, truth ? yes : no, out);
}

/* "3.6" as a number that can be compared. */
static uint64_t level_of(struct str text)
{
    uint64_t level = 0, part = 0;
    for (int i = 0; i < 3; i++) {
        part = 0;
        cut_number(&text, &part);
        level = level * 10000 + (part < 10000 ? part : 9999);
        cut_char(&text, '.');
    }
    return level;
}

static int compare(struct str a, struct str b, bool levels)
{
    uint64_t m = 0, n = 0;
    if (levels || (str_number(a, &m) && str_number(b, &n))) {
        m = levels ? level_of(a) : m;
        n = levels ? level_of(b) : n;
        return (m > n) - (m < n);
    }
    int order = memcmp(a.at ? a.at : "", b.at ? b.at : "", a.len < b.len ? a.len : b.len);
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

/* "{a} <level {b} ? {then} : {else}", or "{a} ? ...", which asks whether `a` is empty. */
static int put_comparison(struct postfix *postfix, struct str inside, struct out *out)
{
    static const struct {
        struct str sign;
        bool less, equal, more;
    } operators[] = {
        { STR_INIT("=="), false, true, false }, { STR_INIT("!="), true, false, true },
        { STR_INIT("<="), true, true, false },  { STR_INIT(">="), false, true, true },
        { STR_INIT("<"), true, false, false },  { STR_INIT(">"), false, false, true },
    };
    struct str left, right, a, b;
    if (!cut_braced(&inside, &left) || postfix_expand(postfix, left, &a))
        return postfix->why->status ? -1 : 0;
    inside = str_trim(inside);
    bool truth = a.len > 0;
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
        if (!cut_prefix(&inside, operators[i].sign))
            continue;
        bool levels = cut_prefix(&inside, STR("level"));
        if (!cut_braced(&inside, &right))
            return 0;
        if (postfix_expand(postfix, right, &b))
            return -1;
        int order = compare(a, b, levels);
        truth = order < 0 ? operators[i].less : order > 0 ? operators[i].more : operators[i].equal;
        break;
    }
    inside = str_trim(inside);
    return cut_char(&inside, '?') ? put_choice(postfix, str_trim(inside), truth, out) : 0;
}

/* What stands in ${ }. */
static int put_bracketed(struct postfix *postfix, struct str inside, struct out *out)
{
    inside = str_trim(inside);
    if (inside.len && inside.at[0] == '{')
        return put_comparison(postfix, inside, out);
    size_t end = 0;
    while (end < inside.len && inside.at[end] != '?' && inside.at[end] != ':')
        end++;
    struct str name = str_trim((struct str){ inside.at, end });
    if (end == inside.len)
        return put_named(postfix, name, out);
    struct out value = { 0 };
    int result = put_named(postfix, name, &value);
    bool set = value.len > 0;
    free(value.at);
    if (result)
        return -1;
    bool asks_set = inside.at[end] == '?';
    struct str rest = str_trim(str_skip(inside, end + 1));
    return put_choice(postfix, rest, set == asks_set, out);
}

/* The place behind the bracket that closes the one at `open`, or the end. */
static size_t closing(struct str text, size_t open)
{
    char opens = text.at[open], closes = opens == '{' ? '}' : ')';
    int depth = 0;
    for (size_t i = open; i < text.len; i++) {
        depth += text.at[i] == opens ? 1 : text.at[i] == closes ? -1 : 0;
        if (depth == 0)
            return i;
    }
    return text.len;
}

static int put_reference(struct postfix *postfix, struct str text, size_t *at, struct out *out)
{
    size_t i = *at + 1;
    if (i < text.len && (text.at[i] == '{' || text.at[i] == '(')) {
        size_t end = closing(text, i);
        *at = end < text.len ? end + 1 : end;
        return put_bracketed(postfix, str_range(text.at + i + 1, text.at + end), out);
    }
    size_t end = i;
    while (end < text.len && (is_alnum(text.at[end]) || text.at[end] == '_'))
        end++;
    *at = end;
    return end == i ? 0 : put_named(postfix, str_range(text.at + i, text.at + end), out);
}

static int expand_into(struct postfix *postfix, struct str text, struct out *out)
{
    int result = 0;
    if (postfix->depth >= DEPTH_MOST || out->len > VALUE_MOST || ++postfix->work > WORK_MOST)
        return why_set(postfix->why, EX_DATAERR,
                       "main.cf: \"%.*s\" refers to itself, or to too much; write out what it stands for",
                       (int)(text.len < 60 ? text.len : 60), text.at);
    postfix->depth++;
    for (size_t i = 0; result == 0 && i < text.len;) {
        if (text.at[i] == '$' && i + 1 < text.len && text.at[i + 1] == '$') {
            put(out, STR("$"));
            i += 2;
        } else if (text.at[i] == '$') {
            result = put_reference(postfix, text, &i, out);
        } else {
            const char *next = memchr(text.at + i, '$', text.len - i);
            size_t end = next ? (size_t)(next - text.at) : text.len;
            put(out, (struct str){ text.at + i, end - i });
            i = end;
        }
    }
    postfix->depth--;
    return result;
}

int postfix_expand(struct postfix *postfix, struct str text, struct str *value)
{
    struct out out = { 0 };
    int result = expand_into(postfix, text, &out);
    *value = result ? STR("") : arena_str(&postfix->draft->arena, (struct str){ out.at, out.len });
    free(out.at);
    return result;
}

int postfix_value(struct postfix *postfix, const char *name, struct str *value)
{
    struct out out = { 0 };
    int result = put_named(postfix, str_of(name), &out);
    *value = result
                 ? STR("")
                 : str_trim(arena_str(&postfix->draft->arena, (struct str){ out.at ? out.at : "", out.len }));
    free(out.at);
    return result;
}

/* ---- Lists and plain values. */

static void add_item(struct items *items, struct str text, struct place place)
{
    mem_room(items->item, items->room, items->count + 1);
    items->item[items->count++] = (struct item){ text, place };
}

/* A word with $name in it is many; they stand in its line. */
static int add_words(struct postfix *postfix, struct items *items, struct str word, struct place place)
{
    struct str value, item;
    if (!memchr(word.at, '$', word.len)) {
        add_item(items, word, place);
        return 0;
    }
    if (postfix_expand(postfix, word, &value))
        return -1;
    while (postfix_cut_item(&value, &item))
        add_item(items, item, place);
    return 0;
}

int postfix_items(struct postfix *postfix, const char *name, struct items *items)
{
    const struct setting *setting = postfix_setting(postfix, str_of(name));
    struct str rest, item;
    struct place place = { "main.cf", 0 };
    *items = (struct items){ 0 };
    if (!setting) {
        if (postfix_value(postfix, name, &rest))
            return -1;
        while (postfix_cut_item(&rest, &item))
            add_item(items, item, place);
        return 0;
    }
    rest = setting->value;
    place = setting->place;
    const char *counted = rest.at;
    while (postfix_cut_item(&rest, &item)) {
        for (; counted < item.at; counted++)
            place.line += *counted == '\n';
        if (add_words(postfix, items, item, place)) {
            free(items->item);
            return -1;
        }
    }
    return 0;
}

bool postfix_is_yes(struct postfix *postfix, const char *name)
{
    struct str value;
    return postfix_value(postfix, name, &value) == 0 && str_eq_nocase(value, STR("yes"));
}

bool postfix_seconds(struct postfix *postfix, const char *name, char unit, usec *length)
{
    struct str value;
    return postfix_value(postfix, name, &value) == 0 && config_time(value, unit, length);
}

bool postfix_number(struct postfix *postfix, const char *name, int64_t *number)
{
    struct str value;
    uint64_t digits = 0;
    if (postfix_value(postfix, name, &value))
        return false;
    bool minus = cut_char(&value, '-');
    if (!str_number(value, &digits) || digits > INT32_MAX)
        return false;
    *number = minus ? -(int64_t)digits : (int64_t)digits;
    return true;
}
