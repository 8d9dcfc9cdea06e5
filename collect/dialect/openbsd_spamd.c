/* OpenBSD's spamd (spamd.c, grey.c): a server of its own, which tells clients that it does not know to come
 * back later, and keeps those on its lists busy. Whom it lets through it never sees: they go to the server
 * behind it. No line has the client's port:
 *     198.51.100.4: connected (2/1), lists: spews1 nixspam
 *     (GREY) 198.51.100.4: <s@a.test> -> <bob@lab.test>
 *     (BLACK) 198.51.100.4: <s@a.test> -> <bob@lab.test>
 *     198.51.100.4: Subject: x
 *     new entry 198.51.100.4 from <s@a.test> to <bob@lab.test>, helo mail4.a.test
 *     198.51.100.4: disconnected after 404 seconds. lists: spews1 nixspam
 * Recipients are named with -v only, the HELO name where debug messages are logged. It says 250 to all
 * commands; the greylisted are told 451 at DATA, the listed 450 (-5: 550, which no line tells) behind the
 * message. Its tag is SpamAssassin's too, hence `says`. */
#include "collect/builder.h"
#include "collect/dialect.h"

enum { LOOK_MOST = 64, LISTS_MOST = 16 };

static bool recognise(struct str program)
{
    return str_eq(program, STR("spamd")) || str_eq(program, STR("spamlogd"));
}

/* "198.51.100.4: " */
static bool cut_client(struct str *rest, struct ip *client)
{
    struct str in = *rest, address;
    if (!in.len || (!is_digit(in.at[0]) && !is_alpha(in.at[0]) && in.at[0] != ':') ||
        !cut_until(&in, STR(": "), &address) || !ip_parse(address, client))
        return false;
    *rest = in;
    return true;
}

static bool says(struct str text)
{
    static const struct str words[] = {
        STR_INIT("(GREY) "),    STR_INIT("(BLACK) "),
        STR_INIT("new entry "), STR_INIT("new greytrap entry "),
        STR_INIT("new TRAP "),  STR_INIT("new WHITE "),
        STR_INIT("Trapping "),  STR_INIT("whitelisting "),
        STR_INIT("listening "), STR_INIT("queueing "),
        STR_INIT("sync_trap "), STR_INIT("got suffix "),
        STR_INIT("inbound "),   STR_INIT("outbound "),
        STR_INIT("Listening "), STR_INIT("scan of "),
    };
    struct ip client;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (str_starts(text, words[i]))
            return true;
    return cut_client(&text, &client);
}

/* ---- Sessions. */

static void reach(struct open_session *open, enum stage stage)
{
    if (open->session.stage < stage)
        open->session.stage = (uint8_t)stage;
}

static bool is_ours(const struct open_session *open, const struct line *line)
{
    return !open->ended && str_eq(open->session.service, line->program) &&
           str_eq(open->session.server, line->host);
}

/* Of the client's sessions that are open, the one that began nearest to `started`; USEC_NONE: the newest. */
static struct open_session *find_session(struct builder *builder, const struct line *line,
                                         const struct ip *client, usec started)
{
    struct open_session *best = NULL;
    usec distance = 0;
    int looked = 0;
    for (struct open_session *open = builder_of_client(builder, client, NULL); open && looked < LOOK_MOST;
         open = builder_of_client(builder, client, open), looked++) {
        if (!is_ours(open, line))
            continue;
        if (started == USEC_NONE)
            return open;
        usec apart = open->session.started - started;
        apart = apart < 0 ? -apart : apart;
        if (!best || apart < distance) {
            best = open;
            distance = apart;
        }
    }
    return best;
}

static struct open_session *begin(struct builder *builder, const struct line *line, const struct ip *client)
{
    struct open_session *open = builder_open(builder, 0, line);
    builder_set_client(builder, open, client, 0);
    reach(open, STAGE_BANNER);
    return open;
}

/* The session that a line is about; its beginning may not be in the record. */
static struct open_session *session_of(struct builder *builder, const struct line *line,
                                       const struct ip *client, usec started)
{
    struct open_session *open = find_session(builder, line, client, started);
    if (open) {
        builder_took(builder, open, line);
        return open;
    }
    open = begin(builder, line, client);
    open->session.gap = true;
    if (started != USEC_NONE)
        open->session.started = started;
    return open;
}

static bool is_listed(const struct session *session)
{
    return session->evidence_count && session->evidence[0].kind == KIND_DNSBL;
}

static struct reply refusal(struct builder *builder, struct open_session *open, bool listed, enum stage stage)
{
    struct reply reply = { .code = 451, .named = NAMED_GREYLIST, .stage = (uint8_t)stage };
    if (listed) {
        reply.code = 450;
        reply.named = NAMED_DNSBL;
    } else {
        reply.text = builder_keep(builder, open, STR("Temporary failure, please try again later."));
    }
    return reply;
}

/* "spews1 nixspam ...": whoever is on a list gets nothing through, whatever it asks for. */
static void note_lists(struct builder *builder, struct open_session *open, struct str lists, usec at)
{
    struct str name;
    lists = str_trim(lists);
    if (is_listed(&open->session) || !lists.len)
        return;
    for (int i = 0; i < LISTS_MOST && lists.len; i++) {
        if (!cut_until_char(&lists, ' ', &name)) {
            name = lists;
            lists = str_skip(lists, lists.len);
        }
        struct evidence listed = evidence_of(KIND_DNSBL, YES, at);
        listed.subject = name;
        if (name.len && !str_eq(name, STR("...")))
            builder_add_evidence(builder, open, &listed);
    }
    struct reply reply = refusal(builder, open, true, STAGE_CONNECT);
    builder_refused(open, &reply);
    open->session.verdict = VERDICT_DEFERRED;
}

/* ---- Lines. */

static enum taken take_connected(struct str rest, const struct ip *client, const struct line *line,
                                 struct builder *builder)
{
    struct str before;
    struct open_session *open = begin(builder, line, client);
    if (cut_until(&rest, STR("), lists: "), &before))
        note_lists(builder, open, rest, line->at);
    return TAKEN;
}

/* "404 seconds. lists: spews1" */
static enum taken take_disconnected(struct str rest, const struct ip *client, const struct line *line,
                                    struct builder *builder)
{
    uint64_t seconds = 0;
    if (!cut_number(&rest, &seconds) || seconds > 1000000 || !cut_prefix(&rest, STR(" seconds.")))
        return SKIPPED;
    struct open_session *open = session_of(builder, line, client, line->at - (usec)seconds * USEC_SECOND);
    if (cut_prefix(&rest, STR(" lists: ")))
        note_lists(builder, open, rest, open->session.started);
    builder_close(builder, open, line, CLOSED_UNKNOWN);
    return TAKEN;
}

static struct str bare(struct str address)
{
    if (address.len && address.at[0] == '<') {
        address = str_skip(address, 1);
        if (str_ends(address, STR(">")))
            address.len--;
    }
    return address;
}

static bool has_recipient(const struct transaction *transaction, struct str recipient)
{
    uint32_t count = transaction->recipient_count;
    for (uint32_t i = count; i-- > 0 && count - i <= LOOK_MOST;)
        if (str_eq(transaction->recipients[i].address, recipient))
            return true;
    return false;
}

/* A sender and a recipient that were asked for: a transaction goes on while its sender is the same. */
static void note_envelope(struct builder *builder, struct open_session *open, struct str sender,
                          struct str recipient, bool listed, usec at)
{
    struct session *session = &open->session;
    int32_t index = open->transaction;
    if (index < 0 || !str_eq(session->transactions[index].mail_from, sender)) {
        struct transaction *begun = builder_add_transaction(builder, open, at);
        if (!begun)
            return;
        begun->mail_from = builder_keep(builder, open, sender);
        begun->reply = refusal(builder, open, listed, listed ? STAGE_EOM : STAGE_DATA);
        builder_refused(open, &begun->reply);
        index = open->transaction = (int32_t)session->transaction_count - 1;
    }
    if (has_recipient(&session->transactions[index], recipient))
        return; /* "new entry" says it again */
    struct recipient *asked = builder_add_recipient(builder, open, index, recipient, at);
    reach(open, STAGE_RCPT);
    if (!asked)
        return;
    asked->reply = (struct reply){ .code = 250, .stage = STAGE_RCPT };
    if (listed)
        return;
    struct evidence grey = evidence_of(KIND_GREYLIST, YES, at);
    grey.transaction = index;
    grey.recipient = (int32_t)session->transactions[index].recipient_count - 1;
    grey.subject = recipient;
    grey.a = -1;
    builder_add_evidence(builder, open, &grey);
}

/* "198.51.100.4: <s@a.test> -> <bob@lab.test>": addresses end at the first blank (setlog). */
static enum taken take_envelope(struct str rest, bool listed, const struct line *line,
                                struct builder *builder)
{
    struct ip client;
    struct str sender;
    if (!cut_client(&rest, &client) || !cut_until(&rest, STR(" -> "), &sender))
        return SKIPPED;
    struct open_session *open = session_of(builder, line, &client, USEC_NONE);
    note_envelope(builder, open, bare(sender), bare(rest), listed, line->at);
    return TAKEN;
}

/* "198.51.100.4 from <s@a.test> to <bob@lab.test>, helo mail4.a.test", by the process that keeps the table.
 */
static enum taken take_entry(struct str rest, const struct line *line, struct builder *builder)
{
    struct str address, sender, recipient;
    struct ip client;
    if (!cut_until(&rest, STR(" from "), &address) || !ip_parse(address, &client) ||
        !cut_until(&rest, STR(" to "), &sender) || !cut_until(&rest, STR(", helo "), &recipient))
        return SKIPPED;
    struct open_session *open = find_session(builder, line, &client, USEC_NONE);
    if (!open)
        return PASSED;
    builder_took(builder, open, line);
    if (rest.len)
        open->session.helo = builder_keep(builder, open, rest);
    note_envelope(builder, open, bare(sender), bare(recipient), false, line->at);
    return TAKEN;
}

/* What a client says of its message: headers, the first lines of the body. */
static enum taken take_message(const struct ip *client, const struct line *line, struct builder *builder)
{
    struct open_session *open = find_session(builder, line, client, USEC_NONE);
    if (!open)
        return PASSED;
    builder_took(builder, open, line);
    reach(open, STAGE_DATA);
    return TAKEN;
}

static enum taken take(const struct line *line, struct builder *builder)
{
    struct str rest = line->text;
    struct ip client;
    if (cut_client(&rest, &client)) {
        if (cut_prefix(&rest, STR("connected (")))
            return take_connected(rest, &client, line, builder);
        if (cut_prefix(&rest, STR("disconnected after ")))
            return take_disconnected(rest, &client, line, builder);
        return take_message(&client, line, builder);
    }
    if (cut_prefix(&rest, STR("(GREY) ")))
        return take_envelope(rest, false, line, builder);
    if (cut_prefix(&rest, STR("(BLACK) ")))
        return take_envelope(rest, true, line, builder);
    if (cut_prefix(&rest, STR("new entry ")) || cut_prefix(&rest, STR("new greytrap entry ")))
        return take_entry(rest, line, builder);
    return PASSED; /* whitelisting, trapping, peers, spamlogd's "inbound 198.51.100.4" */
}

const struct dialect dialect_openbsd_spamd = {
    .name = "openbsd-spamd",
    .title = "OpenBSD spamd, greylisting and tarpit",
    .recognise = recognise,
    .says = says,
    .take = take,
};
