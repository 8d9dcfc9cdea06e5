/* rspamd: one line a message, in the midst of a task's others.
 *     <1f2e3d>; task; rspamd_task_write_log: id: <m@x>, qid: <6760916E5B2>, ip: 192.0.2.1, from: <a@b>,
 * (default: F (no action): [1.20/15.00] [SYMBOL_A(1.00){x;},SYMBOL_B(0.20){}], len: 470, time: 81.3ms, ...
 * What it answered as a milter is told by smtpd or cleanup. */
#include "collect/dialect/postfix.h"

static bool recognise(struct str program)
{
    return str_eq(program, STR("rspamd")) || str_eq(program, STR("postfix/rspamd"));
}

static bool cut_score(struct str *rest, char end, int64_t *score)
{
    struct str text;
    return cut_until_char(rest, end, &text) && read_score(text, score);
}

static enum taken take(const struct line *line, struct builder *builder)
{
    struct str rest = line->text, before, queue_id;
    struct evidence scored = evidence_of(KIND_SPAM, UNKNOWN, line->at);
    if (!cut_until(&rest, STR("rspamd_task_write_log: "), &before) ||
        !cut_until(&rest, STR(", qid: <"), &before) || !cut_until_char(&rest, '>', &queue_id))
        return PASSED;
    if (!cut_until(&rest, STR("): ["), &before) || !cut_score(&rest, '/', &scored.a) ||
        !cut_score(&rest, ']', &scored.b))
        return SKIPPED;
    if (cut_prefix(&rest, STR(" [")))
        cut_until(&rest, STR("], len: "), &scored.detail);
    scored.state = (uint8_t)tri_of(scored.a >= scored.b);
    return builder_add_by_key(builder, key_of_text(KEY_QUEUE_ID, line->host, queue_id), line, &scored)
               ? TAKEN
               : PASSED;
}

const struct dialect dialect_rspamd = {
    .name = "rspamd",
    .title = "rspamd, spam scanning",
    .recognise = recognise,
    .take = take,
};
