/* helo: what the client calls itself. Syntax and dots are judged from the name; whether it resolves only from
 * what the record shows. No HELO at all is "required", not unknown. */
#include "analyze/judging.h"
#include "analyze/lists.h"
#include "analyze/measure/parameters.h"

static const char *const literal_words[] = { "accept", "reject", NULL };

static const struct parameter parameters[] = {
    { "require", PARAMETER_BOOL, offsetof(struct helo_parameters, require), "true", NULL,
      "a client must say HELO" },
    { "syntax", PARAMETER_BOOL, offsetof(struct helo_parameters, syntax), "false", NULL,
      "the name must be a host name or an address" },
    { "fqdn", PARAMETER_BOOL, offsetof(struct helo_parameters, fqdn), "false", NULL,
      "the name must have a dot and not be a bare address" },
    { "resolves", PARAMETER_BOOL, offsetof(struct helo_parameters, resolves), "false", NULL,
      "the name must have an A, AAAA or MX record" },
    { "address-literal", PARAMETER_WORD, offsetof(struct helo_parameters, address_literal), "accept",
      literal_words, "whether [192.0.2.1] will do (RFC 5321 4.1.3)" },
    { "own-name", PARAMETER_TEXTS, offsetof(struct helo_parameters, own_name), NULL, NULL,
      "names that are ours and no client's" },
    { 0 },
};

/* "[192.0.2.1]" or "[IPv6:2001:db8::1]". */
static bool is_literal(struct str helo, bool *valid)
{
    struct ip ip;
    if (helo.len < 2 || helo.at[0] != '[')
        return false;
    *valid = helo.at[helo.len - 1] == ']' && ip_parse((struct str){ helo.at + 1, helo.len - 2 }, &ip);
    return true;
}

/* A host name as Postfix's valid_hostname() takes it (postfix util/valid_hostname.c): labels of letters,
 * digits, hyphens inside and underscores, of at most 63 bytes; not all digits and dots. A trailing dot is
 * allowed. */
static bool is_host_name(struct str name)
{
    size_t label = 0;
    bool letters = false;
    if (name.len == 0 || name.len > 255)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        if (c == '.') {
            if (label == 0 || name.at[i - 1] == '-')
                return false;
            label = 0;
            continue;
        }
        bool high = (unsigned char)c >= 0x80; /* RFC 6531: an U-label */
        if (!is_digit(c))
            letters = true;
        if (!(is_alpha(c) || is_digit(c) || high || c == '_' || (c == '-' && label > 0)) || ++label > 63)
            return false;
    }
    return letters && name.at[name.len - 1] != '-';
}

static bool asked_resolves(const void *recorded, const void *ours)
{
    (void)ours;
    return ((const struct helo_parameters *)recorded)->resolves;
}

/* The recorded server asked for whatever we would: it tells of names that were not logged. */
static bool as_strict(const void *recorded, const void *ours)
{
    const struct helo_parameters *theirs = recorded, *mine = ours;
    return theirs->require >= mine->require && theirs->syntax >= mine->syntax && theirs->fqdn >= mine->fqdn &&
           theirs->resolves >= mine->resolves && theirs->address_literal >= mine->address_literal &&
           (mine->own_name.count == 0 || texts_equal(&theirs->own_name, &mine->own_name));
}

static enum tri judge(const struct judging *judging, uint32_t attempt)
{
    const struct helo_parameters *ours = judging->rule->parameters;
    struct str helo = judging_helo(judging, attempt);
    if (helo.len == 0) {
        enum tri said = judging_subject(judging, attempt, KIND_HELO, STR("required"));
        if (said == NO)
            return tri_of(ours->require);
        return judging_passed(judging, attempt, as_strict) ? NO : UNKNOWN; /* not logged, or cut off before */
    }
    struct ip ip;
    bool literal_valid = false, literal = is_literal(helo, &literal_valid), bare = ip_parse(helo, &ip);
    enum tri hit = NO;
    if (literal && ours->address_literal)
        return YES;
    if (ours->syntax)
        hit = tri_or(hit, tri_of(literal ? !literal_valid : !bare && !is_host_name(helo)));
    if (ours->fqdn)
        hit = tri_or(hit, tri_of(literal ? !literal_valid
                                         : bare || !is_host_name(helo) || !memchr(helo.at, '.', helo.len)));
    if (ours->own_name.count)
        hit = tri_or(hit, tri_of(texts_hold(&ours->own_name, helo)));
    if (ours->resolves && hit != YES) {
        enum tri resolves =
            literal ? YES
                    : judging_conclude(judging, attempt, KIND_HELO, &STR("resolves"), asked_resolves, YES);
        hit = tri_or(hit, tri_not(resolves));
    }
    return hit;
}

static bool looks_farther(const void *given)
{
    (void)given;
    return true; /* at the name */
}

static double look_ups(const void *given)
{
    return ((const struct helo_parameters *)given)->resolves;
}

const struct measure measure_helo = {
    .name = "helo",
    .title = "Bad HELO",
    .named = NAMED_HELO,
    .stage = STAGE_HELO,
    .kind = KIND_HELO,
    .reply = REPLY_5XX,
    .look_ups_of = look_ups,
    .parameters = parameters,
    .parameters_size = sizeof(struct helo_parameters),
    .looks_farther = looks_farther,
    .judge = judge,
};
