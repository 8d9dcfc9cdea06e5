/* Pieces of a connection. A log without pid and port has a client's address, and what it makes of that are
 * sessions that may be too many: a second look-up of the name, a refusal long after the one before. A capture
 * shows the connection whole. */
#include "collect/piece.h"

/* As far as clocks and stamps of whole seconds may be apart (matching.c has the same). */
static const usec tolerance = 2 * USEC_SECOND;

/* ---- Whether it is one. */

static usec last_of(const struct session *session)
{
    return session->ended == USEC_NONE || session->ended < session->started ? session->started
                                                                            : session->ended;
}

static bool lies_in(const struct session *piece, const struct session *whole)
{
    return piece->started >= whole->started - tolerance &&
           (whole->ended == USEC_NONE || last_of(piece) <= whole->ended + tolerance);
}

/* What the client does shows in a dialog, and what the server answers; what the server looks up does not. */
static bool is_in_dialog(const struct evidence *evidence)
{
    switch ((enum kind)evidence->kind) {
    case KIND_EARLY_TALKER:
    case KIND_PIPELINING:
    case KIND_BARE_NEWLINE:
    case KIND_NON_SMTP:
    case KIND_VRFY:
    case KIND_AUTH:
    case KIND_RATE:
        return true;
    default:
        return false;
    }
}

static bool alike(const struct evidence *a, const struct evidence *b)
{
    return a->kind == b->kind && a->state == b->state;
}

/* The capture has seen it too, or TLS hid it. */
static bool is_seen(const struct evidence *evidence, const struct session *whole)
{
    if (evidence->kind == KIND_AUTH && whole->tls)
        return true;
    for (uint32_t i = 0; i < whole->evidence_count; i++)
        if (whole->evidence[i].origin == ORIGIN_CAPTURE && alike(evidence, &whole->evidence[i]))
            return true;
    return false;
}

/* A name that leads back and one that does not are two clients', or two look-ups: of the latter nobody knows
 * of which connection. */
static bool is_denied(const struct evidence *evidence, const struct session *whole)
{
    for (uint32_t i = 0; i < whole->evidence_count; i++) {
        const struct evidence *other = &whole->evidence[i];
        if (other->kind == evidence->kind && other->origin == evidence->origin &&
            (evidence->kind == KIND_RDNS || evidence->kind == KIND_FCRDNS) && other->state != evidence->state)
            return true;
    }
    return false;
}

/* A refusal of the connection, HELO or another command that has no place in a transaction. */
static bool reply_is_said(const struct session *piece, const struct session *whole)
{
    const struct reply *reply = &piece->reply, *said = &whole->reply;
    if (reply->code == 0 || reply->stage >= STAGE_MAIL)
        return true; /* those of transactions are compared there */
    return said->code / 100 == reply->code / 100 && said->stage == reply->stage;
}

static bool helo_is_said(const struct session *piece, const struct session *whole)
{
    bool refused = piece->reply.stage == STAGE_HELO && piece->reply.code >= 400;
    return !piece->helo.at || piece->tls || whole->tls || refused ||
           (whole->helo.at && str_eq_nocase(piece->helo, whole->helo));
}

static bool has_recipient(const struct places *places, int32_t recipient)
{
    for (uint32_t r = 0; r < places->recipients; r++)
        if (places->recipient[r] == recipient)
            return true;
    return false;
}

/* Whether another piece of the log has this: the same recipient, or the transaction and one of the two tells
 * of no recipient. */
static bool is_taken(const struct places *places, const struct taken_places *taken, size_t taken_count)
{
    for (size_t i = 0; i < taken_count; i++)
        for (uint32_t t = 0; t < taken[i].count; t++) {
            const struct places *other = &taken[i].places[t];
            if (other->transaction != places->transaction)
                continue;
            if (other->recipients == 0 || places->recipients == 0)
                return true;
            for (uint32_t r = 0; r < places->recipients; r++)
                if (has_recipient(other, places->recipient[r]))
                    return true;
        }
    return false;
}

static uint32_t recipients_of(const struct session *session)
{
    uint32_t count = 0;
    for (uint32_t t = 0; t < session->transaction_count; t++)
        count += session->transactions[t].recipient_count;
    return count;
}

static uint32_t contradictions_of(const struct session *session)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < session->evidence_count; i++)
        count += session->evidence[i].kind == KIND_CONTRADICTION;
    return count;
}

bool piece_fits(const struct session *piece, const struct session *whole, const struct taken_places *taken,
                size_t taken_count, struct arena *arena)
{
    struct places *places = NULL;
    if (!lies_in(piece, whole) || !reply_is_said(piece, whole) || !helo_is_said(piece, whole))
        return false;
    if (piece->closed != CLOSED_UNKNOWN && whole->closed != CLOSED_UNKNOWN && piece->closed != whole->closed)
        return false;
    for (uint32_t i = 0; i < piece->evidence_count; i++)
        if (is_denied(&piece->evidence[i], whole) ||
            (is_in_dialog(&piece->evidence[i]) && !is_seen(&piece->evidence[i], whole)))
            return false;
    struct session joined = session_joined(piece, whole, 0, arena, &places);
    if (joined.transaction_count != whole->transaction_count ||
        recipients_of(&joined) != recipients_of(whole) ||
        contradictions_of(&joined) != contradictions_of(whole))
        return false; /* something that is not in the dialog */
    for (uint32_t t = 0; t < piece->transaction_count; t++)
        if (is_taken(&places[t], taken, taken_count))
            return false;
    return true;
}

/* ---- Both in one. */

/* The one that names a measure, then the one that came first. */
static struct reply first_of(const struct reply *whole, const struct reply *piece)
{
    bool named = whole->named > NAMED_OTHER, piece_named = piece->named > NAMED_OTHER;
    if (piece->code == 0 || whole->code == 0 || named != piece_named)
        return whole->code == 0 || (piece->code && piece_named && !named) ? *piece : *whole;
    return piece->stage < whole->stage ? *piece : *whole;
}

/* The look-ups of a connection that were made twice are told once. */
static bool is_told(const struct session *session, uint32_t count, const struct evidence *evidence)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct evidence *other = &session->evidence[i];
        if (alike(other, evidence) && other->origin == evidence->origin &&
            other->transaction == evidence->transaction && other->recipient == evidence->recipient &&
            other->a == evidence->a && other->b == evidence->b && str_eq(other->subject, evidence->subject) &&
            str_eq(other->detail, evidence->detail))
            return true;
    }
    return false;
}

/* session_joined() puts the piece's evidence first. */
static void order_evidence(struct session *joined, uint32_t of_piece, struct arena *arena)
{
    struct evidence *evidence = arena_alloc(arena, (joined->evidence_count + 1) * sizeof *evidence);
    struct session ordered = { .evidence = evidence };
    for (uint32_t i = of_piece; i < joined->evidence_count; i++)
        evidence[ordered.evidence_count++] = joined->evidence[i];
    uint32_t of_whole = ordered.evidence_count;
    for (uint32_t i = 0; i < of_piece; i++)
        if (!is_told(&ordered, of_whole, &joined->evidence[i]))
            evidence[ordered.evidence_count++] = joined->evidence[i];
    joined->evidence = evidence;
    joined->evidence_count = ordered.evidence_count;
}

struct session piece_joined(const struct session *piece, const struct session *whole, struct arena *arena,
                            struct places **places)
{
    struct session both = session_joined(piece, whole, 0, arena, places), joined = *whole;
    order_evidence(&both, piece->evidence_count, arena);
    joined.started = piece->started < whole->started ? piece->started : whole->started;
    joined.client_name = whole->client_name.at ? whole->client_name : piece->client_name;
    joined.helo = whole->helo.at ? whole->helo : piece->helo;
    joined.auth_user = whole->auth_user.at ? whole->auth_user : piece->auth_user;
    joined.stage = both.stage;
    joined.closed = both.closed;
    joined.tls = both.tls;
    joined.cut_off = both.cut_off;
    joined.reply = first_of(&whole->reply, &piece->reply);
    joined.transactions = both.transactions;
    joined.transaction_count = both.transaction_count;
    joined.evidence = both.evidence;
    joined.evidence_count = both.evidence_count;
    joined.verdict = both.verdict;
    return joined;
}
