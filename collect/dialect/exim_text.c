/* How Exim writes clients, addresses, ids. Everything is read from the left: the client writes much of what
 * stands behind its address. */
#include "collect/dialect/exim.h"

enum { OLD_ID_BYTES = 16, NEW_ID_BYTES = 23 };

/* "[198.51.100.21]:33785" */
static bool cut_bracketed(struct str *rest, struct ip *address, uint16_t *port)
{
    struct str in = *rest, text;
    uint64_t number = 0;
    if (!cut_char(&in, '[') || !cut_until_char(&in, ']', &text) || !ip_parse(text, address))
        return false;
    struct str behind = in;
    *port = 0;
    if (cut_char(&behind, ':') && cut_number(&behind, &number) && number <= UINT16_MAX) {
        *port = (uint16_t)number;
        in = behind;
    }
    *rest = in;
    return true;
}

/* "(helo) [address]": a HELO name may hold anything where helo_accept_junk_hosts lets it, so it ends at the
 * first ")" behind which an address stands. */
static bool cut_helo_and_address(struct str *rest, struct exim_host *host)
{
    struct str in = *rest;
    if (!cut_char(&in, '('))
        return false;
    const char *end = in.at + in.len;
    for (const char *at = str_find(in, STR(") [")); at; at = str_find(str_range(at + 1, end), STR(") ["))) {
        struct str behind = str_range(at + 2, end);
        if (!cut_bracketed(&behind, &host->address, &host->port))
            continue;
        host->helo = str_range(in.at, at);
        *rest = behind;
        return true;
    }
    return false;
}

bool cut_exim_host(struct str *rest, struct exim_host *host)
{
    struct str in = *rest, behind;
    size_t name = 0;
    uint64_t pid = 0;
    *host = (struct exim_host){ 0 };
    if (in.len && in.at[0] != '(' && in.at[0] != '[') {
        while (name < in.len && in.at[name] != ' ' && in.at[name] != '(')
            name++;
        if (name == in.len || in.at[name] != ' ')
            return false;
        host->name = (struct str){ in.at, name };
        in = str_skip(in, name + 1);
    }
    if (!cut_helo_and_address(&in, host) && !cut_bracketed(&in, &host->address, &host->port))
        return false;
    behind = in;
    if (cut_prefix(&behind, STR(" I=")) && cut_bracketed(&behind, &host->interface, &host->interface_port))
        in = behind;
    behind = in;
    if (cut_prefix(&behind, STR(" TFO"))) { /* TCP Fast Open: receive.c, add_host_info_for_log() */
        cut_char(&behind, '*');
        in = behind;
    }
    behind = in;
    if (cut_prefix(&behind, STR(" U="))) { /* RFC 1413: up to the next blank */
        while (behind.len && behind.at[0] != ' ' && behind.at[0] != ':')
            behind = str_skip(behind, 1);
        in = behind;
    }
    behind = in;
    if (cut_prefix(&behind, STR(" Ci=")) && cut_number(&behind, &pid) && pid <= UINT32_MAX) {
        host->pid = (uint32_t)pid;
        in = behind;
    }
    *rest = in;
    return true;
}

bool cut_exim_path(struct str *rest, struct str *path)
{
    struct str in = *rest;
    if (!cut_char(&in, '<'))
        return false;
    const char *close = in.len ? memchr(in.at, '>', in.len) : NULL;
    if (!close)
        return false;
    size_t end = (size_t)(close - in.at);
    if (!memchr(in.at, '"', end) && !memchr(in.at, '\\', end)) {
        *path = (struct str){ in.at, end };
        *rest = str_skip(in, end + 1);
        return true;
    }
    bool quoted = false;
    end = 0;
    for (; end < in.len && (quoted || in.at[end] != '>'); end++) {
        if (in.at[end] == '\\' && end + 1 < in.len)
            end++;
        else if (in.at[end] == '"')
            quoted = !quoted;
    }
    if (end >= in.len) /* a quote that does not close is none */
        end = (size_t)(close - in.at);
    *path = (struct str){ in.at, end };
    *rest = str_skip(in, end + 1);
    return true;
}

/* A clause's value: up to a blank, or in quotes in which \ stands before quotes. */
static struct str cut_value(struct str *rest)
{
    struct str in = *rest;
    size_t end = 0;
    if (in.len && in.at[0] == '"') {
        for (end = 1; end < in.len && in.at[end] != '"'; end++)
            if (in.at[end] == '\\' && end + 1 < in.len)
                end++;
        if (end > in.len)
            end = in.len;
        *rest = str_skip(in, end + 1);
        return (struct str){ in.at + 1, end - 1 };
    }
    while (end < in.len && in.at[end] != ' ')
        end++;
    *rest = str_skip(in, end);
    return (struct str){ in.at, end };
}

/* "PLAIN:alice", "PLAIN:alice:a@b.test" with the sender of MAIL's AUTH= (+smtp_mailauth). */
static void read_login(struct str value, struct exim_clauses *clauses)
{
    if (!cut_until_char(&value, ':', &clauses->authenticator)) {
        clauses->authenticator = value;
        return;
    }
    if (!cut_until_char(&value, ':', &clauses->user))
        clauses->user = value;
}

void cut_exim_clauses(struct str *rest, struct exim_clauses *clauses)
{
    static const struct str others[] = {
        STR_INIT("CV="),     STR_INIT("DN="), STR_INIT("SNI="), STR_INIT("PRX="),
        STR_INIT("RESUMED"), STR_INIT("DS"),  STR_INIT("L*"),   STR_INIT("L-"),
        STR_INIT("L."),      STR_INIT("L "),  STR_INIT("K "),
    };
    *clauses = (struct exim_clauses){ 0 };
    for (;;) {
        struct str in = *rest;
        bool known = false;
        while (cut_char(&in, ' '))
            ;
        if (cut_prefix(&in, STR("X="))) {
            clauses->tls = cut_value(&in);
        } else if (cut_prefix(&in, STR("A="))) {
            read_login(cut_value(&in), clauses);
        } else if (str_starts(in, STR("F=<"))) {
            in = str_skip(in, 2);
            if (!cut_exim_path(&in, &clauses->sender))
                return;
        } else {
            for (size_t i = 0; i < sizeof others / sizeof *others && !known; i++)
                known = in.len && in.at[0] == others[i].at[0] && str_starts(in, others[i]);
            if (!known)
                return;
            if (in.len > 2 && (in.at[2] == '=' || in.at[3 < in.len ? 3 : 2] == '=')) {
                struct str key;
                cut_until_char(&in, '=', &key);
            }
            cut_value(&in);
        }
        *rest = in;
    }
}

static bool read_id(struct str text, size_t bytes, struct str *id, uint32_t *pid)
{
    size_t second = bytes == OLD_ID_BYTES ? 13 : 18;
    uint64_t number = 0;
    if (text.len < bytes || (text.len > bytes && text.at[bytes] != ' ') || text.at[6] != '-' ||
        text.at[second] != '-')
        return false;
    if (!are_digits62(text.at, 6) || !are_digits62(text.at + 7, second - 7) ||
        !are_digits62(text.at + second + 1, bytes - second - 1))
        return false;
    for (size_t i = 7; i < second; i++) /* 11 digits at the most: no more than 2^66, and no pid is that */
        number = number * 62 + digit62[(unsigned char)text.at[i]] - 1;
    *id = (struct str){ text.at, bytes };
    *pid = number <= UINT32_MAX ? (uint32_t)number : 0;
    return true;
}

bool cut_exim_id(struct str *rest, struct str *id, uint32_t *pid)
{
    if (!read_id(*rest, OLD_ID_BYTES, id, pid) && !read_id(*rest, NEW_ID_BYTES, id, pid))
        return false;
    *rest = str_skip(*rest, id->len + 1);
    return true;
}

usec exim_duration(struct str rest)
{
    struct str before;
    uint64_t number = 0;
    usec length = 0;
    if (!cut_until(&rest, STR(" D="), &before))
        return -1;
    size_t end = 0;
    while (end < rest.len && rest.at[end] != ' ')
        end++;
    rest.len = end;
    if (rest.len == 0 || !is_digit(rest.at[0]))
        return -1;
    /* "1d2h3m4s" or "0.001s" (readconf_printtime(), string_timediff()) */
    while (cut_number(&rest, &number) && rest.len) {
        usec unit = rest.at[0] == 'd'   ? USEC_DAY
                    : rest.at[0] == 'h' ? USEC_HOUR
                    : rest.at[0] == 'm' ? USEC_MINUTE
                                        : USEC_SECOND;
        if (number > 1000000)
            return -1;
        length += (usec)number * unit;
        if (rest.at[0] == '.') {
            usec part = USEC_SECOND / 10;
            for (rest = str_skip(rest, 1); rest.len && is_digit(rest.at[0]);
                 rest = str_skip(rest, 1), part /= 10)
                length += part * (rest.at[0] - '0');
        }
        rest = str_skip(rest, 1);
    }
    return length;
}
