/* The session builder: dialects tell it what lines say, it puts sessions together and hands them over.
 *
 * A session is found again by keys: the pid of the process that serves it, the client's address and port, a
 * queue id. Keys come back into use, so one always leads to the session that took it last. A session is
 * handed over when it has ended and the fate of its messages is known, when that is long in coming, or when
 * memory must be had; what is said of its messages after that goes through sink->late. All of it is bounded
 * by BUILDER_BYTES_MOST whatever the input: the oldest goes first. */
#ifndef COLLECT_BUILDER_H
#define COLLECT_BUILDER_H

#include "collect/dialect.h"
#include "collect/session.h"
#include "collect/twice.h"

enum { BUILDER_BYTES_MOST = 24 * 1024 * 1024 };

struct builder;
struct state_bytes; /* collect/state.h */

struct builder_counts {
    uint64_t handed_over; /* sessions */
    uint64_t open;        /* sessions that have not been handed over yet */
    uint64_t early;       /* handed over before they had ended, for want of memory or after long silence */
    uint64_t late;        /* evidence through sink->late */
    uint64_t cut;         /* things that were not kept since a session had too many of them */
    size_t bytes, bytes_most; /* of sessions; the tables beside them have a fixed size */
};

/* ---- For who reads lines. */

/* The sink's functions and state are used until builder_free(). The first session gets number
 * `first_session`. */
struct builder *builder_new(const struct sink *sink, int64_t first_session);
void builder_free(struct builder *builder);
/* Log time is now `at`: hands over what has waited long enough. Cheap; call it whenever the stamp's second
 * changes, or for each line. Returns 0, or -1 with the reason of the sink's first failure, now or before. */
int builder_advance(struct builder *builder, usec at, struct why *why);
/* The end of all input: hands over what is open as it stands. As above. */
int builder_finish(struct builder *builder, struct why *why);
const struct builder_counts *builder_counts(struct builder *builder);
/* All that the builder knows, for a run to come. */
void builder_save(struct builder *builder, struct state_bytes *state);
/* Fills a new builder; it hands over as the one that was saved would have, with its numbers. -1: the state is
 * broken, and the builder is good for nothing but builder_free(). */
int builder_load(struct builder *builder, struct state_bytes *state);
/* What is open and has its notes elsewhere, which go from one run to the next by themselves: a connection on
 * the wire. The number that the session was saved with; and, before anything else is done with a builder that
 * was loaded, all such sessions by their numbers, the first at [0], NULL where that is none. The array is the
 * caller's. One that nobody takes up is handed over with a gap. */
uint32_t builder_number(const struct open_session *open);
struct open_session **builder_on_the_wire(struct builder *builder, size_t *count);

/* Asks to be told which session a line was attributed to, both by their offsets: `first_offset` is that of
 * the session's first line, as in the session. A line may belong to several sessions or none, and may be
 * attributed only when a later line is read (a DNSBL's answer logged before the CONNECT that it belongs to).
 * NULL: no more. */
typedef void builder_took_fn(void *state, int32_t input, uint64_t first_offset, uint64_t line_offset);
void builder_watch(struct builder *builder, builder_took_fn *took, void *state);

/* ---- For dialects. Text given to these is copied. Handles last until the next line, or until the session is
 * closed. */

typedef uint64_t session_key;

/* Keys of different kinds never meet, nor do those of different hosts. Never 0. */
enum key_kind { KEY_PROCESS = 1, KEY_CLIENT, KEY_QUEUE_ID, KEY_MESSAGE_ID, KEY_ENVELOPE, KEY_SESSION };
session_key key_of_text(enum key_kind kind, struct str host, struct str text);
/* Of the process that logged the line: host, program tag and pid. */
session_key key_of_process(const struct line *line);
session_key key_of_client(struct str host, const struct ip *client, uint16_t port);

/* A session that is being built. Dialects fill the plain fields of `session` themselves (text through
 * builder_keep()), and use the functions below for what grows. */
struct open_session {
    /* Called once, before the session is handed over: the last words of the dialect that opened it, as in its
     * row; may be NULL. */
    void (*conclude)(struct builder *builder, struct open_session *open);
    /* For the dialect: what it must remember from line to line, here and below. */
    struct str peer;              /* the client as the dialect's lines call it */
    void *notes;                  /* by builder_notes() */
    const struct dialect *keeper; /* whose notes they are */
    struct session session;
    /* From the session's client on to here, and to the client's next session behind it (collect/building.h),
     * is what is looked at when a line's session is sought: it lies together. */
    usec marked; /* when something happened that the dialect must remember */
    uint32_t flags;
    int32_t transaction; /* the one that is under way, or -1 */
    bool ended;          /* by builder_close() */
};

/* Begins a session with this line as its first; `key` leads to it from now on (0: none). What was open under
 * the key is closed as it stands. Fills started, input, offsets, server and service from the line. */
struct open_session *builder_open(struct builder *builder, session_key key, const struct line *line);
/* Whatever is open under the key ends as it stands: the process does something else now. */
void builder_abandon(struct builder *builder, session_key key);
/* Fills client and port and makes the session one of that client's. */
void builder_set_client(struct builder *builder, struct open_session *open, const struct ip *client,
                        uint16_t port);
/* What `key` leads to, or NULL where there is none or it has been handed over. *transaction (may be NULL):
 * what was given when it was bound, else -1. */
struct open_session *builder_find(struct builder *builder, session_key key, int32_t *transaction);
/* Whether the key leads to a session at all, be it handed over. */
bool builder_knows(const struct builder *builder, session_key key);
/* The next older session of the client that has not ended, after `newer` (NULL: the newest), or NULL. */
struct open_session *builder_of_client(struct builder *builder, const struct ip *client,
                                       struct open_session *newer);
/* Makes a further key lead to the session, in the name of one of its transactions (or -1). `awaits`: the
 * session is kept for a while after its end until builder_release() for this key. */
void builder_bind(struct builder *builder, session_key key, struct open_session *open, int32_t transaction,
                  bool awaits);
/* The key has done its duty (a queue id that was removed): it leads nowhere from now on. */
void builder_release(struct builder *builder, session_key key);
/* Nothing more is awaited for one transaction. */
void builder_unawait(struct builder *builder, struct open_session *open, int32_t transaction);
/* Joins a transaction to the one before it, of which it turned out to be a part: recipients, evidence, keys.
 */
void builder_join_transaction(struct builder *builder, struct open_session *open, uint32_t index);
/* Gives each of its recipients a transaction of its own; none can be added to these afterwards. */
void builder_split_transaction(struct builder *builder, struct open_session *open, uint32_t index);
/* Takes out a transaction that there was not, with what was said of it. */
void builder_drop_transaction(struct builder *builder, struct open_session *open, uint32_t index);
/* The line belongs to the session. builder_open() has done it for the first. */
void builder_took(struct builder *builder, struct open_session *open, const struct line *line);
/* The session has ended with this line (CLOSED_UNKNOWN: leave what is known of how). Only keys that await
 * something lead to it from now on; the handle must not be used any more. */
void builder_close(struct builder *builder, struct open_session *open, const struct line *line,
                   enum closed closed);

/* The log does not tell when this session ends: it is taken to have ended with this line unless more is heard
 * of it in the next minutes. It is found as before until then. */
void builder_rest(struct builder *builder, struct open_session *open, const struct line *line);

/* A copy of the text that lasts as long as the session; over-long text is cut. */
struct str builder_keep(struct builder *builder, struct open_session *open, struct str text);
/* Zeroed memory that lasts as long as the session; at most 256 bytes. */
void *builder_memory(struct builder *builder, struct open_session *open, size_t bytes);
/* The dialect's notes on the session, made and zeroed with the first call; NULL where the session has all the
 * memory it may have, or notes of another dialect: lines of two programs may lead to one session, by a queue
 * id or the client's port, and what those notes are only their keeper knows. They go from one run to the next
 * by the keeper's carry_notes(). */
void *builder_notes(struct builder *builder, struct open_session *open, const struct dialect *keeper,
                    size_t bytes);
/* Those that are there, or NULL. */
static inline void *builder_notes_of(const struct open_session *open, const struct dialect *keeper)
{
    return open->keeper == keeper ? open->notes : NULL;
}
/* Adds one and returns it, with -1s and `at` filled in; NULL where the session has too many already (it is
 * then marked as one with a gap). The pointer lasts until the next one is added. */
struct transaction *builder_add_transaction(struct builder *builder, struct open_session *open, usec at);
struct recipient *builder_add_recipient(struct builder *builder, struct open_session *open,
                                        int32_t transaction, struct str address, usec at);
/* Adds evidence; subject and detail are copied. */
void builder_add_evidence(struct builder *builder, struct open_session *open,
                          const struct evidence *evidence);
/* A reply that refused something: the first that names a measure becomes the session's, else the first. Its
 * text must be the session's already. */
void builder_refused(struct open_session *open, const struct reply *reply);
/* The key under which a message is known by its queue id or Message-ID, when `host` says something of it: its
 * own, or, where `host` is not the server's (a scanner on another machine, a log without hosts), that of the
 * only server which knows it. 0 where none does, or several. */
session_key builder_key_known(const struct builder *builder, enum key_kind kind, struct str host,
                              struct str text);
/* Adds evidence to the session that the key leads to, through sink->late where that has been handed over;
 * evidence->transaction is filled in from the key. False where nothing is known of the key. */
bool builder_add_by_key(struct builder *builder, session_key key, const struct line *line,
                        const struct evidence *evidence);

/* Keeps the evidence of a line that came before the session that it belongs to, for whoever adopts it under
 * `key`. The oldest is forgotten when there are many. Long texts are cut. */
void builder_stash(struct builder *builder, session_key key, const struct line *line,
                   const struct evidence *evidence);
/* Whether anything waits to be adopted. */
bool builder_has_stash(const struct builder *builder);
/* Adds all that was stashed under `key` no longer than `within` before `at` (the session's first line) to the
 * session. Returns how many. */
size_t builder_adopt(struct builder *builder, session_key key, struct open_session *open, usec at,
                     usec within);

/* A line that comes in parts, each a line of the log: keeps this one behind those that were kept under `key`
 * before. */
void builder_hold(struct builder *builder, session_key key, const struct line *line, struct str text);
bool builder_holds(struct builder *builder, session_key key);
void builder_drop_held(struct builder *builder, session_key key);
/* All that was kept, which is no longer kept then, and where its first part stands (input and offset of
 * *first). The text lasts until the next builder_hold(). False where there is nothing. */
bool builder_unhold(struct builder *builder, session_key key, struct line *first, struct str *text);

/* Some servers write an event into two logs, or twice into one; `said` is what builder_event() makes of a
 * hash of all that makes it this event, and of the time that both have: what is of one second is kept in one
 * place, which is in the processor's cache then. */
static inline uint64_t builder_event(uint64_t hash, usec at)
{
    return twice_place(hash, at / USEC_SECOND);
}
/* One of the questions below will be asked soon: what answers it is fetched meanwhile. */
void builder_announce(const struct builder *builder, uint64_t said);
/* Whether another input has said this, as often as this one does now. */
bool builder_heard(struct builder *builder, uint64_t said, int32_t input);
/* The same for what stands twice in one input: true each second time. */
bool builder_heard_in_turn(struct builder *builder, uint64_t said);

/* What a server has shown once of how it is set up, for lines that leave that open: a few flags by key. */
void builder_learn(struct builder *builder, session_key key);
bool builder_has_learnt(const struct builder *builder, session_key key);

static inline struct evidence evidence_of(enum kind kind, enum tri state, usec at)
{
    return (struct evidence){ .kind = (uint8_t)kind,
                              .state = (uint8_t)state,
                              .origin = ORIGIN_LOG,
                              .transaction = WHOLE_SESSION,
                              .recipient = WHOLE_TRANSACTION,
                              .at = at };
}

#endif
