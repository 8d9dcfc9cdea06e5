/* Whose message a filter speaks of. What comes before its session is known (a milter's line before Exim's
 * "<=" or Sendmail's "from=", another machine's clock that is ahead) waits under the bare id, whatever the
 * hosts. */
#include "collect/dialect/filter.h"

/* From a filter's word to the server's: scanning takes seconds, clocks differ by as much. */
static const usec wait_most = 10 * USEC_MINUTE;

static session_key key_of_message(const struct builder *builder, const struct filtered *message)
{
    session_key key = 0;
    if (message->queue_id.len)
        key = builder_key_known(builder, KEY_QUEUE_ID, message->line->host, message->queue_id);
    if (!key && message->message_id.len)
        key = builder_key_known(builder, KEY_MESSAGE_ID, message->line->host, message->message_id);
    return key;
}

static session_key waiting_key(enum key_kind kind, struct str id)
{
    return key_of_text(kind, STR(""), id);
}

bool filter_cut_id(struct str *rest, struct str *queue_id)
{
    size_t i = 0;
    while (i < rest->len && i < 24 && (is_alpha(rest->at[i]) || is_digit(rest->at[i])))
        i++;
    struct str id = { rest->at, i }, in = str_skip(*rest, i);
    if (i < 5 || !cut_prefix(&in, STR(": ")))
        return false;
    *queue_id = id;
    *rest = in;
    return true;
}

bool filter_knows(const struct builder *builder, const struct filtered *message)
{
    return key_of_message(builder, message) != 0;
}

enum taken filter_say(struct builder *builder, const struct filtered *message,
                      const struct evidence *evidence)
{
    session_key key = key_of_message(builder, message);
    if (key && builder_add_by_key(builder, key, message->line, evidence))
        return TAKEN;
    if (message->queue_id.len)
        builder_stash(builder, waiting_key(KEY_QUEUE_ID, message->queue_id), message->line, evidence);
    else if (message->message_id.len)
        builder_stash(builder, waiting_key(KEY_MESSAGE_ID, message->message_id), message->line, evidence);
    return PASSED;
}

struct evidence scored_evidence(usec at, int64_t score, int64_t threshold, enum tri over, struct str symbols)
{
    struct evidence scored = evidence_of(KIND_SPAM, over, at);
    scored.a = score;
    scored.b = threshold;
    scored.detail = symbols;
    return scored;
}

struct evidence result_evidence(enum kind kind, usec at, struct str domain, const char *result)
{
    enum tri state = strcmp(result, "temperror") == 0 ? UNKNOWN : tri_of(strcmp(result, "pass") == 0);
    struct evidence said = evidence_of(kind, state, at);
    said.subject = domain;
    said.detail = str_of(result);
    return said;
}

struct str bare_message_id(struct str text)
{
    text = str_trim(text);
    if (text.len >= 2 && text.at[0] == '<' && text.at[text.len - 1] == '>')
        text = (struct str){ text.at + 1, text.len - 2 };
    return text;
}

struct str address_domain(struct str address)
{
    const char *at = str_find_last(address, '@');
    return at ? str_range(at + 1, address.at + address.len) : address;
}

static void adopt(struct builder *builder, struct open_session *open, int32_t transaction, session_key key,
                  usec at)
{
    uint32_t from = open->session.evidence_count;
    if (!builder_has_stash(builder) || !builder_adopt(builder, key, open, at, wait_most))
        return;
    for (uint32_t i = from; i < open->session.evidence_count; i++)
        open->session.evidence[i].transaction = transaction;
}

void filter_adopt(struct builder *builder, struct open_session *open, int32_t transaction,
                  struct str queue_id, usec at)
{
    adopt(builder, open, transaction, waiting_key(KEY_QUEUE_ID, queue_id), at);
}

static session_key key_of_transaction(const struct open_session *open, int32_t transaction, struct str *id)
{
    *id = bare_message_id(open->session.transactions[transaction].message_id);
    return id->len ? key_of_text(KEY_MESSAGE_ID, open->session.server, *id) : 0;
}

void filter_know(struct builder *builder, struct open_session *open, int32_t transaction, bool awaits,
                 bool again, usec at)
{
    struct str id;
    session_key key = key_of_transaction(open, transaction, &id);
    if (!key)
        return;
    if (!again || !builder_knows(builder, key))
        builder_bind(builder, key, open, transaction, awaits);
    adopt(builder, open, transaction, waiting_key(KEY_MESSAGE_ID, id), at);
}

void filter_forget(struct builder *builder, struct open_session *open, int32_t transaction)
{
    struct str id;
    int32_t whose = -1;
    session_key key = key_of_transaction(open, transaction, &id);
    if (key && builder_find(builder, key, &whose) == open && whose == transaction)
        builder_release(builder, key);
}
