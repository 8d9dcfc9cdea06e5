/* Which session a line of Exim's is of. With log_selector = +pid or +incoming_port the log tells; the default
 * does neither, and then address, HELO name, sender and time must do: two sessions of one client at once are
 * told apart only by what one would not be told twice. The process that took a message in stands in the
 * message's id. */
#include "collect/dialect/exim.h"
#include "collect/state.h"

enum { LOOKED_AT_MOST = 16, FIT_MOST = 3 };

/* Lines of one process, or of one port. */
static const usec sure_most = 10 * USEC_MINUTE;
/* Of one client, where the log tells no more: within a transaction, after the connection, and of another
 * transaction. */
static const usec going_on_most = 30 * USEC_SECOND, fresh_most = 60 * USEC_SECOND,
                  other_most = 5 * USEC_SECOND;
/* Two lines that both say how it ended. */
static const usec end_most = 3 * USEC_SECOND;
/* None of these, but for the sure ones, is longer. */
static const usec silence_most = 60 * USEC_SECOND;

struct exim_notes {
    uint32_t pid; /* of the process that serves it; 0: not known */
};

void exim_carry_notes(struct builder *builder, struct open_session *open, struct state_bytes *state)
{
    struct exim_notes *notes = builder_notes(builder, open, &dialect_exim, sizeof *notes);
    state->broken |= notes == NULL;
    if (notes)
        carry(state, &notes->pid);
}

static session_key key_of_pid(const struct exim_line *exim, uint32_t pid)
{
    struct line line = *exim->line;
    line.pid = pid;
    return key_of_process(&line);
}

static uint32_t pid_of(const struct open_session *open)
{
    const struct exim_notes *notes = builder_notes_of(open, &dialect_exim);
    return notes ? notes->pid : 0;
}

/* Of the process that serves the client. */
static uint32_t pid_told(const struct exim_line *exim, const struct exim_host *host)
{
    return exim->id_pid ? exim->id_pid : host->pid ? host->pid : exim->pid;
}

static void bind_pid(struct builder *builder, struct open_session *open, const struct exim_line *exim,
                     uint32_t pid)
{
    struct exim_notes *notes = builder_notes_of(open, &dialect_exim);
    if (!pid || (notes && notes->pid == pid))
        return;
    if (!notes && !(notes = builder_notes(builder, open, &dialect_exim, sizeof *notes)))
        return;
    notes->pid = pid;
    builder_bind(builder, key_of_pid(exim, pid), open, -1, false);
}

static void note_host(struct builder *builder, struct open_session *open, const struct exim_line *exim,
                      const struct exim_host *host)
{
    struct session *session = &open->session;
    usec at = exim->line->at;
    open->marked = at;
    if (host->port && !session->client_port) {
        builder_set_client(builder, open, &session->client, host->port);
        builder_bind(builder, key_of_client(exim->line->host, &session->client, host->port), open, -1, false);
    }
    if (!ip_is_none(&host->interface)) {
        session->server_address = host->interface;
        session->server_port = host->interface_port;
    }
    if (host->name.at && !session->client_name.at) {
        struct evidence rdns = evidence_of(KIND_RDNS, YES, at), fcrdns = evidence_of(KIND_FCRDNS, YES, at);
        session->client_name = builder_keep(builder, open, host->name);
        builder_add_evidence(builder, open, &rdns); /* Exim takes no name that does not lead back (host.c) */
        builder_add_evidence(builder, open, &fcrdns);
    }
    if (host->helo.at && !str_eq(host->helo, session->helo))
        session->helo = builder_keep(builder, open, host->helo);
    if (host->helo.at)
        exim_reach(open, STAGE_HELO);
}

struct open_session *exim_begin(struct builder *builder, const struct exim_line *exim,
                                const struct exim_host *host)
{
    struct open_session *open = builder_open(builder, 0, exim->first ? exim->first : exim->line);
    if (exim->first)
        builder_took(builder, open, exim->line);
    builder_set_client(builder, open, &host->address, 0);
    open->flags |= EXIM_FRESH;
    bind_pid(builder, open, exim, pid_told(exim, host));
    note_host(builder, open, exim, host);
    return open;
}

bool exim_has_begun(const struct open_session *open, const struct exim_line *exim)
{
    const struct session *session = &open->session;
    return dialect_exim.recognise(session->service) && str_eq(session->server, exim->line->host);
}

/* A line of the same process, or port: it is of this session unless that is over. */
static bool goes_on(const struct open_session *open, const struct exim_line *exim,
                    const struct exim_host *host)
{
    return open && !open->ended && ip_eq(&open->session.client, &host->address) &&
           exim_has_begun(open, exim) && open->marked >= exim->line->at - sure_most &&
           (exim->is_last || !(open->flags & EXIM_END_SAID));
}

static bool same_text(struct str a, struct str b)
{
    return a.at && b.at && str_eq_nocase(a, b);
}

/* Whether the session was told all of this before. */
static bool was_refused(const struct session *session, struct str sender, struct str recipient)
{
    for (uint32_t i = session->transaction_count; i-- > 0;) {
        const struct transaction *transaction = &session->transactions[i];
        if (!same_text(transaction->mail_from, sender))
            continue;
        if (!recipient.at && transaction->reply.code)
            return true;
        for (uint32_t n = 0; recipient.at && n < transaction->recipient_count; n++)
            if (transaction->recipients[n].reply.code >= 400 &&
                same_text(transaction->recipients[n].address, recipient))
                return true;
    }
    return false;
}

/* How well a line without pid and port fits a session of its client: from 0, not at all, to FIT_MOST. */
static int fit(const struct open_session *open, const struct exim_line *exim, const struct exim_host *host,
               struct str sender, struct str recipient)
{
    const struct session *session = &open->session;
    usec silence = exim->line->at - open->marked;
    uint32_t pid = pid_told(exim, host);
    /* Most are over: that is seen before anything else of them is looked at. */
    if (open->ended || silence < -USEC_MINUTE || silence > silence_most || !exim_has_begun(open, exim))
        return 0;
    if ((pid && pid_of(open) && pid != pid_of(open)) ||
        (host->port && session->client_port && host->port != session->client_port))
        return 0;
    if (open->flags & EXIM_END_SAID)
        return exim->is_last && silence <= end_most;
    if (exim->is_last)
        return silence <= going_on_most ? 2 : 0;
    if (host->helo.at && session->helo.at && !str_eq(host->helo, session->helo))
        return 0;
    if (sender.at && was_refused(session, sender, recipient))
        return 0;
    if (open->flags & EXIM_FRESH)
        return silence <= fresh_most ? 2 : 0;
    if (open->transaction >= 0) {
        const struct transaction *under_way = &session->transactions[open->transaction];
        if (!under_way->queue_id.at && !under_way->reply.code && same_text(under_way->mail_from, sender))
            return silence <= going_on_most ? FIT_MOST : 0;
    }
    return silence <= other_most ? 1 : 0;
}

static struct open_session *search(struct builder *builder, const struct exim_line *exim,
                                   const struct exim_host *host, struct str sender, struct str recipient)
{
    struct open_session *best = NULL, *open = NULL;
    int best_fit = 0;
    for (int i = 0; i < LOOKED_AT_MOST && best_fit < FIT_MOST; i++) {
        open = builder_of_client(builder, &host->address, open);
        if (!open)
            break;
        int fits = fit(open, exim, host, sender, recipient);
        if (fits > best_fit || (fits == 2 && best_fit == 2)) { /* of fresh ones the oldest */
            best = open;
            best_fit = fits;
        }
    }
    return best;
}

struct open_session *exim_session(struct builder *builder, const struct exim_line *exim,
                                  const struct exim_host *host, struct str sender, struct str recipient)
{
    struct open_session *open = NULL;
    uint32_t pid = pid_told(exim, host);
    if (pid)
        open = builder_find(builder, key_of_pid(exim, pid), NULL);
    if (!goes_on(open, exim, host) && host->port)
        open = builder_find(builder, key_of_client(exim->line->host, &host->address, host->port), NULL);
    if (!goes_on(open, exim, host))
        open = search(builder, exim, host, sender, recipient);
    if (!open) {
        open = exim_begin(builder, exim, host);
        open->flags &= ~(uint32_t)EXIM_FRESH;
    } else {
        if (exim->first)
            builder_took(builder, open, exim->first);
        builder_took(builder, open, exim->line);
        open->flags &= ~(uint32_t)EXIM_FRESH;
        bind_pid(builder, open, exim, pid_told(exim, host));
        note_host(builder, open, exim, host);
    }
    if (!(open->flags & EXIM_COUNTED))
        builder_rest(builder, open, exim->line);
    return open;
}

void exim_end(struct open_session *open, const struct exim_line *exim, enum closed closed)
{
    if (open->session.closed == CLOSED_UNKNOWN && closed != CLOSED_UNKNOWN) {
        open->session.closed = (uint8_t)closed;
        open->session.cut_off |= closed == CLOSED_DROPPED;
    }
    open->flags |= EXIM_END_SAID;
    open->session.ended = exim->line->at;
}

/* ---- What the session holds. */

int32_t exim_transaction(struct builder *builder, struct open_session *open, const struct exim_line *exim,
                         struct str sender)
{
    struct session *session = &open->session;
    int32_t index = -1;
    session_key key = exim->id.at ? key_of_text(KEY_QUEUE_ID, exim->line->host, exim->id) : 0;
    if (key && builder_find(builder, key, &index) != open)
        index = -1;
    if (index < 0 && open->transaction >= 0) {
        const struct transaction *under_way = &session->transactions[open->transaction];
        if (!under_way->queue_id.at && !under_way->reply.code &&
            (!sender.at || !under_way->mail_from.at || str_eq_nocase(sender, under_way->mail_from)))
            index = open->transaction;
    }
    if (index < 0) {
        if (!builder_add_transaction(builder, open, exim->line->at))
            return -1;
        index = (int32_t)session->transaction_count - 1;
    }
    open->transaction = index;
    struct transaction *transaction = &session->transactions[index];
    if (sender.at && !transaction->mail_from.at)
        transaction->mail_from = builder_keep(builder, open, sender);
    if (key && !transaction->queue_id.at)
        transaction->queue_id = builder_keep(builder, open, exim->id);
    exim_reach(open, STAGE_MAIL);
    return index;
}

void exim_note_clauses(struct builder *builder, struct open_session *open, usec at,
                       const struct exim_clauses *clauses)
{
    struct session *session = &open->session;
    session->tls |= clauses->tls.at != NULL;
    if (clauses->authenticator.at && !session->auth_user.at) {
        struct str user = clauses->user.at ? clauses->user : clauses->authenticator;
        struct evidence auth = evidence_of(KIND_AUTH, YES, at);
        session->auth_user = builder_keep(builder, open, user);
        auth.subject = user;
        builder_add_evidence(builder, open, &auth);
    }
}
