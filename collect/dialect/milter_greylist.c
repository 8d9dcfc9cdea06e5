/* milter-greylist (2.x to 4.6), for Sendmail and Postfix (milter-greylist.c, acl.c, autowhite.c, pending.c):
 *     6AN8sd7S028381: addr mail4.a.test[198.51.100.4] from <s@a.test> to <bob@lab.test> delayed for 00:05:00
 * (ACL 14)
 *     6AN8sd7S028381: addr mail4.a.test[198.51.100.4] from <> to <bob@lab.test> delayed after DATA phase for
 * 00:05:00 (ACL 14)
 *     6AN8sd7S028381: addr mail4.a.test[198.51.100.4] from <s@a.test> to <bob@lab.test> blacklisted (ACL 13)
 *     6AN8sd7S028381: addr 198.51.100.4 from <s@a.test> rcpt <bob@lab.test>: autowhitelisted for another
 * 24:00:00 6AN8sd7S028381: skipping greylist because address 198.51.100.4 is whitelisted, (from=<s@a.test>,
 * rcpt=<bob@lab.test>, addr=mail4.a.test[198.51.100.4]) ACL 12
 * Of a sender all up to its last '=' is taken off (VERP), so it names no transaction. Postfix has no queue id
 * at RCPT: "(unknown id)"; then the client decides, as with policy servers. */
#include "collect/dialect/filter.h"
#include "collect/dialect/policy.h"

static bool recognise(struct str program)
{
    return str_eq(program, STR("milter-greylist"));
}

/* "6AN8sd7S028381: ", "(unknown id): " */
static bool cut_id(struct str *rest, struct str *id)
{
    *id = (struct str){ NULL, 0 };
    return cut_prefix(rest, STR("(unknown id): ")) || filter_cut_id(rest, id);
}

/* "00:05:00" */
static usec read_clock(struct str text)
{
    uint64_t hours = 0, minutes = 0, seconds = 0;
    if (!cut_number(&text, &hours) || !cut_char(&text, ':') || !cut_number(&text, &minutes) ||
        !cut_char(&text, ':') || !cut_number(&text, &seconds) || hours > 100000 || minutes > 59 ||
        seconds > 59)
        return -1;
    return (usec)hours * USEC_HOUR + (usec)minutes * USEC_MINUTE + (usec)seconds * USEC_SECOND;
}

/* "mail4.a.test[198.51.100.4]", "198.51.100.4"; a host has no blank in it. */
static bool read_client(struct str text, struct ip *client)
{
    struct str name, address;
    if (cut_until_char(&text, '[', &name))
        return cut_until_char(&text, ']', &address) && ip_parse(address, client);
    return ip_parse(text, client);
}

/* "<bob@lab.test>" */
static struct str bare(struct str address)
{
    if (address.len >= 2 && address.at[0] == '<' && address.at[address.len - 1] == '>')
        return (struct str){ address.at + 1, address.len - 2 };
    return address;
}

static enum taken say(struct builder *builder, const struct question *question, struct evidence said)
{
    said.subject = question->recipient;
    if (!question->queue_id.at) {
        policy_say(builder, question, &said);
        return TAKEN;
    }
    const struct filtered message = { .line = question->line, .queue_id = question->queue_id };
    return filter_say(builder, &message, &said);
}

/* "mail4.a.test[198.51.100.4] from <s@a.test> to <bob@lab.test> delayed for 00:05:00 (ACL 14)": blanks of the
 * addresses have been replaced, but for those of the recipient that is put off. */
static enum taken take_put_off(struct str rest, struct question *question, struct builder *builder)
{
    struct str client, sender, before, after;
    struct evidence said = evidence_of(KIND_GREYLIST, YES, question->line->at);
    said.a = -1;
    if (!cut_until(&rest, STR(" from "), &client) || !read_client(client, &question->client) ||
        !cut_until_char(&rest, ' ', &sender))
        return SKIPPED;
    if (cut_prefix(&rest, STR("to "))) {
        if (str_split_last(rest, STR(" delayed "), &before, &after)) {
            if (!str_eq(before, STR("(multiple recipients)")))
                question->recipient = bare(before);
            said.detail = str_range(after.at - STR("delayed ").len, after.at + after.len);
            cut_prefix(&after, STR("after DATA phase "));
            if (cut_prefix(&after, STR("for ")))
                said.a = read_clock(after);
            return say(builder, question, said);
        }
        return str_find(rest, STR(" blacklisted")) ? PASSED : SKIPPED; /* what it answered the server tells */
    }
    if (cut_prefix(&rest, STR("rcpt ")) && cut_until(&rest, STR(": "), &before)) {
        question->recipient = bare(before);
        said.state = NO;
        said.detail = rest;
        return str_starts(rest, STR("autowhitelisted for ")) ? say(builder, question, said) : PASSED;
    }
    return SKIPPED;
}

/* "address 198.51.100.4 is whitelisted, (from=<s@a.test>, rcpt=<bob@lab.test>, addr=a[198.51.100.4]) ACL 12"
 */
static enum taken take_skipped(struct str rest, struct question *question, struct builder *builder)
{
    struct str why, before, client, look;
    struct evidence said = evidence_of(KIND_GREYLIST, NO, question->line->at);
    said.a = -1;
    if (!cut_until(&rest, STR("(from="), &why) || !str_split_last(rest, STR("addr="), &before, &client) ||
        !read_client(client, &question->client))
        return SKIPPED;
    look = before;
    if (!cut_until(&look, STR(", rcpt="), &before))
        return SKIPPED;
    question->recipient = bare(str_range(look.at, look.at + look.len - (str_ends(look, STR(", ")) ? 2 : 0)));
    if (str_eq(question->recipient, STR("(nil)"))) /* at the end of a message: all of them */
        question->recipient = (struct str){ NULL, 0 };
    said.detail = str_ends(why, STR(", ")) ? (struct str){ why.at, why.len - 2 } : why;
    return say(builder, question, said);
}

static enum taken take(const struct line *line, struct builder *builder)
{
    struct str rest = line->text;
    struct question question = { .line = line };
    if (!cut_id(&rest, &question.queue_id))
        return PASSED; /* of itself: dumps, peers, "addr ... autowhitelisted entry expired" */
    if (cut_prefix(&rest, STR("addr ")))
        return take_put_off(rest, &question, builder);
    if (cut_prefix(&rest, STR("skipping greylist because ")) ||
        cut_prefix(&rest, STR("Skipping greylist because ")))
        return take_skipped(rest, &question, builder);
    return PASSED; /* testmode, debugging */
}

const struct dialect dialect_milter_greylist = {
    .name = "milter-greylist",
    .title = "milter-greylist",
    .recognise = recognise,
    .take = take,
};
