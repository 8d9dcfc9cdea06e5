/* How Postfix's programs write clients, queue ids, addresses and replies. */
#include "collect/dialect/postfix.h"

bool cut_peer(struct str *rest, struct peer *peer)
{
    struct str after = *rest;
    if (!cut_until_char(&after, '[', &peer->name) || !cut_until_char(&after, ']', &peer->address))
        return false;
    uint64_t port = 0;
    peer->port = 0;
    if (after.len > 1 && after.at[0] == ':' && is_digit(after.at[1])) {
        after = str_skip(after, 1);
        if (cut_number(&after, &port) && port <= UINT16_MAX)
            peer->port = (uint16_t)port;
    }
    peer->text = str_range(rest->at, after.at);
    *rest = after;
    return true;
}

struct ip peer_address(const struct peer *peer)
{
    struct ip ip = { { 0 } };
    if (!ip_parse(peer->address, &ip)) /* "unknown[unknown]": gone before it was asked (smtpd_peer.c) */
        ip = (struct ip){ { 0 } };
    return ip;
}

/* Short ones are upper-case hexadecimal, long ones have no vowels (postfix global/mail_queue.h). */
enum { HEX = 1, LONG = 2 };

static int queue_id_kind(char c)
{
    static const uint32_t vowels =
        1u << ('A' & 31) | 1u << ('E' & 31) | 1u << ('I' & 31) | 1u << ('O' & 31) | 1u << ('U' & 31);
    if (is_digit(c))
        return HEX | LONG;
    if (!is_alpha(c))
        return 0;
    return (c >= 'A' && c <= 'F' ? HEX : 0) | (vowels >> (c & 31) & 1 ? 0 : LONG);
}

bool cut_queue_id(struct str *rest, struct str *queue_id)
{
    int kind = HEX | LONG;
    size_t i = 0;
    while (i < rest->len && i < 24 && (kind & queue_id_kind(rest->at[i])))
        kind &= queue_id_kind(rest->at[i++]);
    if (i < 5 || (!(kind & HEX) && i < 10) || i + 1 >= rest->len || rest->at[i] != ':' ||
        rest->at[i + 1] != ' ')
        return false;
    *queue_id = (struct str){ rest->at, i };
    *rest = str_skip(*rest, i + 2);
    return true;
}

/* The end of a quoted local part that begins at rest: behind its closing quote; 0 where it has none. */
static size_t quoted_len(struct str rest)
{
    for (size_t i = 1; i < rest.len; i++) {
        if (rest.at[i] == '\\')
            i++;
        else if (rest.at[i] == '"')
            return i + 1;
    }
    return 0;
}

bool cut_address(struct str *rest, struct str *address)
{
    struct str after = *rest;
    size_t quoted = after.len && after.at[0] == '"' ? quoted_len(after) : 0;
    after = str_skip(after, quoted);
    struct str unquoted;
    if (!cut_until_char(&after, '>', &unquoted))
        return false;
    *address = str_range(rest->at, unquoted.at + unquoted.len);
    *rest = after;
    return true;
}

/* The same, but only an address that needs no guess: what is not quoted has no blank, quote or bracket. */
static bool cut_plain_address(struct str *rest, struct str *address)
{
    size_t i = rest->len && rest->at[0] == '"' ? quoted_len(*rest) : 0;
    for (; i < rest->len && rest->at[i] != '>'; i++) {
        /* ' ', '"', '<' and '\\', of which only the last is above 63 */
        static const uint64_t bad = 1ull << ' ' | 1ull << '"' | 1ull << '<';
        unsigned char c = (unsigned char)rest->at[i];
        if (c == '\\' || (c < 64 && bad >> c & 1))
            return false;
    }
    if (i >= rest->len)
        return false;
    *address = (struct str){ rest->at, i };
    *rest = str_skip(*rest, i + 1);
    return true;
}

/* HELO names are "neutered" by smtpd: they have none of " <>()\";@" (postfix smtpd.c); postscreen's are one
 * word. */
static bool cut_word(struct str *rest, struct str *word)
{
    size_t i = 0;
    while (i < rest->len && rest->at[i] != '>' && rest->at[i] != ' ' && rest->at[i] != '<')
        i++;
    if (i == rest->len || rest->at[i] != '>')
        return false;
    *word = (struct str){ rest->at, i };
    *rest = str_skip(*rest, i + 1);
    return true;
}

/* smtpd separates by blanks, postscreen by commas too. */
static bool cut_field(struct str *rest, struct str name)
{
    struct str after = *rest;
    cut_char(&after, ',');
    if (!cut_char(&after, ' ') || !cut_prefix(&after, name))
        return false;
    *rest = after;
    return true;
}

/* The whole of `text` (behind the semicolon) as a trailer. */
static bool read_trailer(struct str text, struct trailer *trailer, struct str *after, bool guess)
{
    bool (*cut)(struct str *, struct str *) = guess ? cut_address : cut_plain_address;
    *trailer = (struct trailer){ 0 };
    if (cut_field(&text, STR("from=<")) && !cut(&text, &trailer->from))
        return false;
    if (cut_field(&text, STR("to=<")) && !cut(&text, &trailer->to))
        return false;
    if (cut_field(&text, STR("proto="))) {
        size_t i = 0;
        while (i < text.len && is_alpha(text.at[i]))
            i++;
        trailer->proto = (struct str){ text.at, i };
        text = str_skip(text, i);
    }
    if (cut_field(&text, STR("helo=<")) && !cut_word(&text, &trailer->helo))
        return false;
    if (cut_field(&text, STR("sasl_username=<"))) { /* the last, and anything: up to the end */
        if (text.len && text.at[text.len - 1] == '>')
            trailer->user = (struct str){ text.at, text.len - 1 };
        text = str_skip(text, text.len);
    }
    if (after && cut_prefix(&text, STR(": "))) {
        *after = text;
        return true;
    }
    return str_trim(text).len == 0;
}

/* The last place of `mark` in the text, or NULL. */
static const char *find_last(struct str text, struct str mark)
{
    const char *last = NULL, *end = text.at + text.len;
    for (const char *at = str_find(text, mark); at; at = str_find(str_range(at + 1, end), mark))
        last = at;
    return last;
}

/* Postfix before 3.5 writes addresses without their quotes; then blanks in them leave more than one reading.
 * What stands at the end cannot be forged; of the rest the sender is taken to be short. */
static bool guess_trailer(struct str text, struct str *reply, struct trailer *trailer)
{
    static const struct marks {
        struct str proto, to;
    } all_marks[] = { { STR_INIT("> proto="), STR_INIT("> to=<") },
                      { STR_INIT(">, proto="), STR_INIT(">, to=<") } };
    struct str rest = text, before;
    *trailer = (struct trailer){ 0 };
    if (!cut_until(&rest, STR("; from=<"), &before))
        return false;
    for (size_t i = 0; i < sizeof all_marks / sizeof *all_marks; i++) {
        const char *end = find_last(rest, all_marks[i].proto);
        struct trailer tail;
        if (!end)
            continue;
        *reply = before;
        if (read_trailer(str_range(end + 1, rest.at + rest.len), &tail, NULL, true))
            *trailer = tail;
        struct str addresses = str_range(rest.at, end);
        if (cut_until(&addresses, all_marks[i].to, &trailer->from))
            trailer->to = addresses;
        else
            trailer->from = addresses;
        return true;
    }
    return false;
}

bool split_trailer(struct str text, struct str *reply, struct trailer *trailer, struct str *after)
{
    const char *end = text.at + text.len;
    if (after)
        *after = (struct str){ NULL, 0 };
    for (struct str rest = text; rest.len;) {
        const char *at = memchr(rest.at, ';', rest.len);
        if (!at)
            break;
        if (read_trailer(str_range(at + 1, end), trailer, after, false)) {
            *reply = str_range(text.at, at);
            return true;
        }
        rest = str_range(at + 1, end);
    }
    return guess_trailer(text, reply, trailer);
}

static bool is_enhanced(struct str word)
{
    uint64_t number;
    struct str rest = word;
    if (rest.len < 5 || (rest.at[0] != '2' && rest.at[0] != '4' && rest.at[0] != '5'))
        return false;
    return cut_number(&rest, &number) && cut_char(&rest, '.') && cut_number(&rest, &number) &&
           cut_char(&rest, '.') && cut_number(&rest, &number) && rest.len == 0;
}

static struct str first_word(struct str text)
{
    const char *blank = text.len ? memchr(text.at, ' ', text.len) : NULL;
    return blank ? str_range(text.at, blank) : text;
}

void read_reply(struct str text, int16_t otherwise, struct reply *reply)
{
    *reply = (struct reply){ .code = otherwise };
    bool coded = text.len >= 3 && text.at[0] >= '2' && text.at[0] <= '5' && is_digit(text.at[1]) &&
                 is_digit(text.at[2]) && (text.len == 3 || text.at[3] == ' ' || text.at[3] == '-');
    if (coded) {
        reply->code = (int16_t)((text.at[0] - '0') * 100 + (text.at[1] - '0') * 10 + (text.at[2] - '0'));
        text = str_skip(text, 4);
    }
    struct str word = first_word(text);
    if (is_enhanced(word)) {
        reply->enhanced = word;
        text = str_skip(text, word.len + 1);
        if (!coded && reply->code / 100 != word.at[0] - '0')
            reply->code = word.at[0] == '4' ? 451 : 550;
    }
    reply->text = str_trim(text);
}

/* The next character of a mailbox, without what quoting adds, in lower case; -1 at the end. */
static int mailbox_char(struct str *rest)
{
    while (rest->len && (rest->at[0] == '"' || rest->at[0] == '\\'))
        *rest = str_skip(*rest, 1);
    if (!rest->len)
        return -1;
    int c = (unsigned char)ascii_lower(rest->at[0]);
    *rest = str_skip(*rest, 1);
    return c;
}

bool same_address(struct str a, struct str b)
{
    if (str_eq(a, b))
        return true;
    int c = 0, d = 0;
    do {
        c = mailbox_char(&a);
        d = mailbox_char(&b);
    } while (c == d && c != -1);
    return c == d;
}

bool read_score(struct str text, int64_t *score)
{
    bool below = cut_char(&text, '-');
    uint64_t whole = 0;
    if (!cut_number(&text, &whole) || whole > 1000000)
        return false;
    int64_t all = (int64_t)whole * 1000, unit = 100;
    if (cut_char(&text, '.'))
        for (size_t i = 0; i < text.len && is_digit(text.at[i]) && unit; i++, unit /= 10)
            all += unit * (text.at[i] - '0');
    *score = below ? -all : all;
    return true;
}
