/* A list of addresses and @domains. Maps of Postfix have the key before a blank, those of Exim and of
 * sendmail's aliases before a colon; what is quoted may hold both. */
#include "enrich/addresses.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sysexits.h>

#include "collect/session.h"
#include "enrich/text_file.h"

enum { ADDRESS_BYTES_MOST = 512 };

/* The key at the beginning of a line; at == NULL where it is no map's and no list's line. */
static struct str key_of(struct str line)
{
    bool quoted = false;
    size_t len = 0;
    if (line.at[0] == '/' || line.at[0] == '!' || line.at[0] == '^')
        return (struct str){ NULL, 0 }; /* a regular expression: it cannot be asked for what it holds */
    for (; len < line.len; len++) {
        char c = line.at[len];
        if (c == '"')
            quoted = !quoted;
        else if (!quoted && (c == ' ' || c == '\t' || c == ',' || c == ':'))
            break;
    }
    struct str key = { line.at, len };
    if (key.len > 2 && key.at[0] == '<' && key.at[key.len - 1] == '>')
        key = (struct str){ key.at + 1, key.len - 2 };
    return key.len && key.len < ADDRESS_BYTES_MOST ? key : (struct str){ NULL, 0 };
}

static bool add(struct addresses *addresses, struct str key, enum bare bare)
{
    char text[ADDRESS_BYTES_MOST];
    struct str domain = mailbox_domain(key);
    if (!domain.len) {
        if (bare == BARE_IS_SKIPPED || domain.at)
            return false;
        domain = key;
    }
    names_add(&addresses->domain, str_lower(domain, text, sizeof text));
    if (domain.at != key.at)
        names_add(&addresses->name, str_lower(key, text, sizeof text));
    return true;
}

int addresses_read(struct addresses *addresses, const char *path, enum bare bare, struct why *why)
{
    struct text_file file;
    struct str line;
    int more;
    if (text_file_open(&file, path, why) < 0)
        return -1;
    addresses->changed = file.changed;
    while ((more = text_file_next(&file, &line, why)) > 0) {
        struct str key = key_of(line);
        if (key.len && add(addresses, key, bare))
            continue;
        if (!addresses->skipped++)
            addresses->first_skipped = file.line;
    }
    text_file_close(&file);
    if (more == 0 && addresses->domain.count == 0)
        return why_set(why, EX_DATAERR,
                       bare == BARE_IS_DOMAIN
                           ? "%s: names no domain; write one a line: example.org"
                           : "%s: holds no address; write one a line: someone@example.org, or "
                             "@example.org where all of a domain are valid",
                       path);
    return more;
}

void addresses_free(struct addresses *addresses)
{
    names_free(&addresses->name);
    names_free(&addresses->domain);
}

static bool has(const struct names *names, struct str text)
{
    return names_find(names, text) != NAME_NONE;
}

enum tri addresses_hold(const struct addresses *addresses, struct str given)
{
    char text[ADDRESS_BYTES_MOST], plain[ADDRESS_BYTES_MOST];
    if (given.len == 0 || given.len >= ADDRESS_BYTES_MOST)
        return UNKNOWN;
    struct str address = str_lower(given, text, sizeof text), domain = mailbox_domain(address);
    if (!domain.len || !has(&addresses->domain, domain))
        return UNKNOWN;
    if (has(&addresses->name, address) ||
        has(&addresses->name, str_range(domain.at - 1, domain.at + domain.len)))
        return YES;
    const char *plus = memchr(address.at, '+', (size_t)(domain.at - address.at));
    if (!plus || plus == address.at)
        return NO;
    size_t local = (size_t)(plus - address.at);
    memcpy(plain, address.at, local);
    memcpy(plain + local, domain.at - 1, domain.len + 1);
    return tri_of(has(&addresses->name, (struct str){ plain, local + 1 + domain.len }));
}

bool addresses_hold_domain(const struct addresses *addresses, struct str given)
{
    char text[ADDRESS_BYTES_MOST];
    if (given.len == 0 || given.len >= ADDRESS_BYTES_MOST)
        return false;
    struct str domain = mailbox_domain(str_lower(given, text, sizeof text));
    if (domain.len && has(&addresses->domain, domain))
        return true;
    for (size_t i = 0; i < domain.len; i++)
        if (domain.at[i] == '.' && has(&addresses->domain, str_skip(domain, i)))
            return true;
    return false;
}
