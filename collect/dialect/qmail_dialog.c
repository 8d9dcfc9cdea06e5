/* recordio's lines: "14320 < EHLO a.test\r ", "14320 > 250 ok\r ", "14320 < half a li+" where a packet ended
 * within one, "14320 > [EOF]". The whole dialog, message bodies too. */
#include "collect/dialect/dialog.h"
#include "collect/dialect/phrases.h"
#include "collect/dialect/qmail.h"
#include "collect/state.h"

enum { PART_BYTES = 100 };

struct recorded {
    struct dialog dialog;
    uint8_t from_client, from_server; /* bytes of a line whose rest follows */
    char client[PART_BYTES], server[PART_BYTES];
};

/* "ok 1795424810 qp 14791" */
static void accepted(struct builder *builder, struct open_session *open, int32_t transaction,
                     const struct reply *reply)
{
    struct str rest = reply->text, before;
    if (cut_until(&rest, STR(" qp "), &before))
        open->session.transactions[transaction].queue_id = builder_keep(builder, open, rest);
}

/* qmail-smtpd knows domains only, so it says nothing of whether there is such a user. */
static const struct dialog_style recordio = { .has_bodies = true, .accepted = accepted };

/* ---- Lines. */

/* The line, once it is whole: pieces end in "+", the last one in a blank. Long ones lose their end. */
static bool join(struct str *text, char *part, uint8_t *used, size_t size)
{
    bool more = text->len && text->at[text->len - 1] == '+';
    struct str piece = { text->at, text->len - (text->len ? 1 : 0) };
    if (!more && *used == 0) {
        *text = piece;
        return true;
    }
    size_t room = size - *used, n = piece.len < room ? piece.len : room;
    memcpy(part + *used, piece.at, n);
    *used = (uint8_t)(*used + n);
    *text = (struct str){ part, *used };
    if (more)
        return false;
    *used = 0;
    return true;
}

void qmail_carry_notes(struct builder *builder, struct open_session *open, struct state_bytes *state)
{
    struct recorded *recorded = builder_notes(builder, open, &dialect_qmail, sizeof *recorded);
    dialog_carry(builder, open, state);
    if (!recorded)
        return;
    carry_enum(state, &recorded->from_client, PART_BYTES + 1);
    carry_enum(state, &recorded->from_server, PART_BYTES + 1);
    carry_bytes(state, recorded->client, recorded->from_client);
    carry_bytes(state, recorded->server, recorded->from_server);
}

enum taken take_recordio(const struct line *line, struct builder *builder)
{
    struct str rest = line->text;
    uint64_t pid = 0;
    if (!cut_number(&rest, &pid) || !cut_char(&rest, ' '))
        return SKIPPED;
    bool from_client = str_starts(rest, STR("<"));
    if (!from_client && !str_starts(rest, STR(">")))
        return PASSED;
    struct open_session *open = qmail_session(builder, line, pid);
    struct recorded *recorded = open ? builder_notes(builder, open, &dialect_qmail, sizeof *recorded) : NULL;
    if (!recorded)
        return PASSED;
    rest = str_skip(rest, 2);
    if (str_starts(rest, STR("[EOF]")) || recorded->dialog.is_opaque)
        return TAKEN;
    open->flags |= DIALOG_KNOWN;
    if (!join(&rest, from_client ? recorded->client : recorded->server,
              from_client ? &recorded->from_client : &recorded->from_server,
              from_client ? sizeof recorded->client : sizeof recorded->server))
        return TAKEN;
    if (rest.len && rest.at[rest.len - 1] == '\r')
        rest.len--;
    if (from_client) {
        if (!recorded->dialog.greeted) {
            struct evidence early = evidence_of(KIND_EARLY_TALKER, YES, line->at);
            early.a =
                line->at > open->session.started ? line->at - open->session.started : 0; /* at the latest */
            early.b = -1;
            evidence_once(builder, open, &early);
        }
        dialog_client(&recordio, builder, open, rest, line);
    } else {
        dialog_server(&recordio, builder, open, rest, line);
    }
    return TAKEN;
}
