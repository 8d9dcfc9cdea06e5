/* SpamAssassin's spamd, and spampd, which has it built in (spamd.raw, sub check; spampd.pl, sub
 * process_message). spamd: checking message <1@a.test> for nobody:65534 spamd: clean message (1.3/5.0) for
 * nobody:65534 in 0.4 seconds, 350 bytes. spamd: identified spam (1001.3/5.0) for nobody:65534 in 0.0
 * seconds, 420 bytes. spamd: result: Y 1001 - GTUBE,TVD_SPACE_RATIO
 * scantime=0.0,size=420,user=nobody,...,required_score=5.0,
 * ...,mid=<1@a.test>,autolearn=no
 *     identified spam <1@a.test> (7.20/5.00) from <s@a.test> for <bob@lab.test> in 1.20s, 1234 bytes.
 * Before 3.1 there is no "spamd: ". It knows neither client nor queue id: the Message-ID is all that joins it
 * to a session. The score stands in the second or third line, the symbols in the last, all of one process. */
#include "collect/dialect/filter.h"
#include "collect/dialect/postfix.h"

static bool recognise(struct str program)
{
    return str_eq(program, STR("spamd")) || str_eq(program, STR("spampd"));
}

/* "(1.3/5.0)" */
static bool cut_scores(struct str *rest, int64_t *score, int64_t *threshold)
{
    struct str in = *rest, points;
    if (!cut_char(&in, '(') || !cut_until_char(&in, '/', &points) || !read_score(points, score) ||
        !read_score(in, threshold) || !cut_until_char(&in, ')', &points))
        return false;
    *rest = in;
    return true;
}

/* "checking message <1@a.test> aka <2@a.test> for nobody:65534": this process speaks of that message. */
static enum taken take_message(struct str id, const struct line *line, struct builder *builder)
{
    struct str rest = id;
    int32_t transaction = -1;
    if (!cut_until_char(&rest, ' ', &id))
        return PASSED;
    session_key key = builder_key_known(builder, KEY_MESSAGE_ID, line->host, bare_message_id(id));
    struct open_session *open = key ? builder_find(builder, key, &transaction) : NULL;
    if (!open) {
        builder_release(builder, key_of_process(line)); /* it led to the message before */
        return PASSED;
    }
    builder_took(builder, open, line);
    builder_bind(builder, key_of_process(line), open, transaction, false);
    return TAKEN;
}

/* "(1.3/5.0) for nobody:65534 in 0.4 seconds, 350 bytes." */
static enum taken take_verdict(struct str rest, bool spam, const struct line *line, struct builder *builder)
{
    int64_t score = 0, threshold = 0;
    if (!cut_scores(&rest, &score, &threshold))
        return SKIPPED;
    struct evidence scored =
        scored_evidence(line->at, score, threshold, tri_of(spam), (struct str){ NULL, 0 });
    return builder_add_by_key(builder, key_of_process(line), line, &scored) ? TAKEN : PASSED;
}

/* Gives the score that the line before told its symbols. */
static bool add_symbols(struct builder *builder, const struct line *line, int64_t score, struct str symbols)
{
    int32_t transaction = -1;
    struct open_session *open = builder_find(builder, key_of_process(line), &transaction);
    for (uint32_t i = open ? open->session.evidence_count : 0; i-- > 0;) {
        struct evidence *scored = &open->session.evidence[i];
        if (scored->kind != KIND_SPAM || scored->transaction != transaction || scored->detail.at)
            continue;
        if (scored->a / 1000 != score / 1000)
            break;
        scored->detail = builder_keep(builder, open, symbols);
        builder_took(builder, open, line);
        return true;
    }
    return false;
}

static struct str field(struct str fields, struct str name)
{
    struct str before, value = { NULL, 0 };
    if (cut_until(&fields, name, &before) && !cut_until_char(&fields, ',', &value))
        value = fields;
    return value;
}

/* "Y 1001 - GTUBE,TVD_SPACE_RATIO scantime=0.0,...,mid=<1@a.test>,...": the score in whole points. Blanks and
 * commas of the Message-ID have been replaced. */
static enum taken take_result(struct str rest, const struct line *line, struct builder *builder)
{
    bool spam = cut_prefix(&rest, STR("Y "));
    struct str score, symbols;
    int64_t points = 0, threshold = INT64_MIN;
    if (!spam && !cut_prefix(&rest, STR(". ")))
        return SKIPPED;
    if (!cut_until(&rest, STR(" - "), &score) || !read_score(str_trim(score), &points) ||
        !cut_until_char(&rest, ' ', &symbols))
        return SKIPPED;
    if (add_symbols(builder, line, points, symbols))
        return TAKEN;
    if (!read_score(field(rest, STR(",required_score=")), &threshold))
        threshold = INT64_MIN;
    struct filtered message = { .line = line, .message_id = bare_message_id(field(rest, STR(",mid="))) };
    struct evidence scored = scored_evidence(line->at, points, threshold, tri_of(spam), symbols);
    return str_eq(message.message_id, STR("(unknown)")) ? PASSED : filter_say(builder, &message, &scored);
}

/* spampd: "<1@a.test> (7.20/5.00) from <s@a.test> for <bob@lab.test> in 1.20s, 1234 bytes." */
static enum taken take_spampd(struct str rest, bool spam, const struct line *line, struct builder *builder)
{
    struct filtered message = { .line = line };
    struct str id;
    int64_t score = 0, threshold = 0;
    if (!cut_until_char(&rest, ' ', &id) || !cut_scores(&rest, &score, &threshold))
        return SKIPPED;
    message.message_id = bare_message_id(id);
    if (str_eq(message.message_id, STR("(unknown)")))
        return PASSED;
    struct evidence scored =
        scored_evidence(line->at, score, threshold, tri_of(spam), (struct str){ NULL, 0 });
    return filter_say(builder, &message, &scored);
}

static enum taken take(const struct line *line, struct builder *builder)
{
    struct str rest = line->text;
    cut_prefix(&rest, STR("spamd: "));
    bool spam = cut_prefix(&rest, STR("identified spam "));
    if (spam || cut_prefix(&rest, STR("clean message ")))
        return str_eq(line->program, STR("spampd")) ? take_spampd(rest, spam, line, builder)
                                                    : take_verdict(rest, spam, line, builder);
    if (cut_prefix(&rest, STR("result: ")))
        return take_result(rest, line, builder);
    if (cut_prefix(&rest, STR("checking message ")) || cut_prefix(&rest, STR("processing message ")))
        return str_eq(line->program, STR("spamd")) ? take_message(rest, line, builder) : PASSED;
    return PASSED; /* connections, children, "rules hit for <1@a.test>: ...", "skipped large message" */
}

const struct dialect dialect_spamassassin = {
    .name = "spamassassin",
    .title = "SpamAssassin's spamd and spampd",
    .recognise = recognise,
    .take = take,
};
