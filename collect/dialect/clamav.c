/* clamav-milter (clamfi.c), with LogInfected or LogClean Full:
 *     Message 6760916E5B2 from <s@a.test> to <bob@lab.test> with subject 'x' message-id '<1@a.test>' date 'y'
 * infected by Eicar-Test-Signature
 *     Clean message 6760916E5B2 from <s@a.test> to <bob@lab.test> with subject ...
 * With Basic, and in clamd's own lines ("instream(local): Eicar-Test-Signature FOUND"), nothing tells which
 * message it was. Quotes in the headers have been replaced by blanks. */
#include "collect/dialect/filter.h"

static bool recognise(struct str program)
{
    return str_eq(program, STR("clamav-milter")) || str_eq(program, STR("clamd"));
}

static enum taken take(const struct line *line, struct builder *builder)
{
    struct str rest = line->text, before, id;
    struct filtered message = { .line = line };
    struct evidence virus = evidence_of(KIND_VIRUS, NO, line->at);
    bool clean = cut_prefix(&rest, STR("Clean message "));
    if ((!clean && !cut_prefix(&rest, STR("Message "))) || !cut_until_char(&rest, ' ', &id) ||
        str_eq(id, STR("from")))
        return PASSED;
    if (!str_eq(id, STR("UNKNOWN")))
        message.queue_id = id;
    if (cut_until(&rest, STR("' message-id '"), &before) && cut_until_char(&rest, '\'', &id))
        message.message_id = bare_message_id(id);
    if (!clean) {
        if (!str_split_last(rest, STR("' infected by "), &before, &virus.detail))
            return SKIPPED;
        virus.state = YES;
    }
    return filter_say(builder, &message, &virus);
}

const struct dialect dialect_clamav = {
    .name = "clamav",
    .title = "clamav-milter, virus scanning",
    .recognise = recognise,
    .take = take,
};
