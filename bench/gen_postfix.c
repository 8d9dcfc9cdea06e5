/* Writes a Postfix log of any size for the benchmark, to stdout, and what it holds to a file:
 *     gen_postfix [--seed N] [--rate SESSIONS_A_SECOND] [--rfc3339] BYTES TRUTH > LOG
 * Two mail servers write to one syslog: mx1, whose smtpd faces the world, and mx2, with postscreen before it.
 * What they say is a table of scripts (below), filled in for a client, a sender and recipients drawn anew
 * each time; many sessions run at once, each by a process number of its own, and lines come out in order of
 * time. Who is put off by greylisting comes back in a third of the cases. TRUTH counts, a line each:
 * sessions, recipients, messages, and the sessions that each measure's reply refused. The same arguments give
 * the same bytes. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"

enum {
    SAYS = 12,
    LINES = 60,         /* in one script, its recipients' lines included */
    TEXT_BYTES = 16000, /* of one script */
    RECIPIENTS = 8,
    CLIENTS = 1 << 20,
    USERS = 5000,
    HOSTS = 2,
    ID_BYTES = 16,
    ADDRESS_BYTES = 80
};

/* clang-format off */
/* Who says a line: the session's own smtpd, whose number the process pool gives, or a daemon that all share. */
enum speaker { SMTPD, POSTSCREEN, DNSBLOG, CLEANUP, QMGR, LOCAL, POSTGREY, SPEAKERS };
static const char *const program[SPEAKERS] = {
    [SMTPD] = "postfix/smtpd",     [POSTSCREEN] = "postfix/postscreen", [DNSBLOG] = "postfix/dnsblog",
    [CLEANUP] = "postfix/cleanup", [QMGR] = "postfix/qmgr",             [LOCAL] = "postfix/local",
    [POSTGREY] = "postgrey",
};

/* What a kind of session says: "PROGRAM PAUSE TEXT" a line, with the milliseconds since the line before (give or
 * take), and before a text that is said for each recipient *, for each but the first +. In TEXT: %c name[address], %n name, %a address,
 * %p port, %f sender, %t recipient, %h HELO, %q queue id, %m message id, %r recipients, %d the commands of a session
 * that quit or (%D) was lost, %# a number, %u a user. */
struct script {
    const char *measure; /* that the reply names; NULL: none */
    unsigned weight;
    unsigned host;
    unsigned more;     /* percent of further recipients, after each one */
    bool unnamed;      /* the client has no name */
    bool comes_back;   /* a third do, and then follow the script after this one */
    bool silent;       /* no RCPT is in the record */
    unsigned messages;
    const char *says[SAYS];
};

#define CONNECT "postfix/smtpd 1 connect from %c"
#define REJECT  "postfix/smtpd 700 *NOQUEUE: reject: RCPT from %c: "
#define COMMAND "; from=<%f> to=<%t> proto=ESMTP helo=<%h>"
#define QUIT    "postfix/smtpd 300 disconnect from %c %d"
#define LOST    "postfix/smtpd 2000 lost connection after RCPT from %c", "postfix/smtpd 1 disconnect from %c %D"
#define PASS    "action=pass, reason=triplet found, client_name=%n, client_address=%a, sender=%f, recipient=%t"
#define MESSAGE                                                                                               \
    "postgrey 800 " PASS, "postfix/smtpd 1 %q: client=%c", "postgrey 90 +%q: " PASS, "postfix/cleanup 120 %q: message-id=<%m>", \
        "postfix/qmgr 700 %q: from=<%f>, size=%#, nrcpt=%r (queue active)", QUIT,                             \
        "postfix/local 90 *%q: to=<%t>, relay=local, delay=1.1, delays=0.9/0.01/0/0.19, dsn=2.0.0, status=sent " \
        "(delivered to maildir)",                                                                             \
        "postfix/qmgr 5 %q: removed"
#define TESTED        "postfix/postscreen 1 CONNECT from [%a]:%p to [192.0.2.2]:25"
#define TESTED_REJECT "postfix/postscreen 900 *NOQUEUE: reject: RCPT from [%a]:%p: "
#define TESTED_QUIT   "postfix/postscreen 300 DISCONNECT [%a]:%p"
#define TESTED_COMMAND "; from=<%f>, to=<%t>, proto=ESMTP, helo=<%h>"

/* The mix: three quarters are refused, most of these for what their address tells. */
static const struct script scripts[] = {
    { .measure = "no-rdns", .weight = 60, .more = 22, .unnamed = true,
      .says = { CONNECT, REJECT "450 4.7.1 Client host rejected: cannot find your reverse hostname, [%a]" COMMAND, LOST } },
    { .measure = "no-rdns", .weight = 190, .more = 14, .unnamed = true,
      .says = { CONNECT, REJECT "450 4.7.1 Client host rejected: cannot find your reverse hostname, [%a]" COMMAND, QUIT } },
    { .measure = "dnsbl", .weight = 40, .more = 20,
      .says = { CONNECT, REJECT "554 5.7.1 Service unavailable; Client host [%a] blocked using zen.spamhaus.org; "
                                "https://www.spamhaus.org/query/ip/%a" COMMAND, LOST } },
    { .measure = "dnsbl", .weight = 260, .more = 20,
      .says = { CONNECT, REJECT "554 5.7.1 Service unavailable; Client host [%a] blocked using bl.spamcop.net; "
                                "Blocked - see https://www.spamcop.net/bl.shtml?%a" COMMAND, QUIT } },
    { .measure = "helo", .weight = 60, .more = 10,
      .says = { CONNECT, REJECT "504 5.5.2 <%h>: Helo command rejected: need fully-qualified hostname" COMMAND, LOST } },
    { .measure = "recipient", .weight = 80, .more = 50,
      .says = { CONNECT, REJECT "550 5.1.1 <%t>: Recipient address rejected: User unknown in local recipient "
                                "table" COMMAND, QUIT } },
    { .measure = "sender-domain", .weight = 30, .more = 5,
      .says = { CONNECT, REJECT "450 4.1.8 <%f>: Sender address rejected: Domain not found" COMMAND, QUIT } },
    { .measure = "relay", .weight = 15, .more = 5,
      .says = { CONNECT, REJECT "554 5.7.1 <%t>: Relay access denied" COMMAND, LOST } },
    { .measure = "greylist", .weight = 60, .more = 15, .comes_back = true,
      .says = { CONNECT, "postgrey 800 *action=greylist, reason=new, client_name=%n, client_address=%a, sender=%f, recipient=%t",
                REJECT "450 4.2.0 <%t>: Recipient address rejected: Greylisted, see "
                       "http://postgrey.schweikert.ch/help/mx.example.html" COMMAND, QUIT } },
    { .messages = 1, /* of who was greylisted: not drawn by weight */
      .says = { CONNECT, MESSAGE } },
    { .weight = 30, .more = 15, .messages = 1, .says = { CONNECT, MESSAGE } },
    { .weight = 75, .unnamed = true, .silent = true,
      .says = { CONNECT, "postfix/smtpd 2000 lost connection after CONNECT from %c",
                "postfix/smtpd 1 disconnect from %c commands=0/0" } },
    { .weight = 30, .silent = true,
      .says = { CONNECT, "postfix/smtpd 2000 lost connection after AUTH from %c",
                "postfix/smtpd 1 disconnect from %c ehlo=1 auth=0/1 commands=1/2" } },
    { .measure = "early-talker", .weight = 20, .host = 1, .more = 5,
      .says = { TESTED, "postfix/postscreen 200 PREGREET 14 after 0.21 from [%a]:%p: EHLO %h\\r\\n",
                TESTED_REJECT "550 5.5.1 Protocol error" TESTED_COMMAND,
                "postfix/postscreen 200 HANGUP after 1.2 from [%a]:%p in tests after SMTP handshake", TESTED_QUIT } },
    { .measure = "dnsbl", .weight = 30, .host = 1, .more = 5,
      .says = { TESTED, "postfix/dnsblog 60 addr %a listed by domain zen.spamhaus.org as 127.0.0.4",
                "postfix/postscreen 6000 DNSBL rank 3 for [%a]:%p",
                TESTED_REJECT "550 5.7.1 Service unavailable; client [%a] blocked using zen.spamhaus.org" TESTED_COMMAND,
                TESTED_QUIT } },
    { .measure = "after-220", .weight = 15, .host = 1, .more = 5,
      .says = { TESTED, TESTED_REJECT "450 4.3.2 Service currently unavailable" TESTED_COMMAND,
                "postfix/postscreen 200 PASS NEW [%a]:%p", TESTED_QUIT } },
    { .weight = 18, .host = 1, .more = 15, .messages = 1,
      .says = { TESTED, "postfix/postscreen 1 PASS OLD [%a]:%p", CONNECT, MESSAGE } },
};
/* clang-format on */
enum { SCRIPTS = sizeof scripts / sizeof *scripts };

static const char *const foreign[] = {
    "dovecot: imap-login: Login: user=<%u>, method=PLAIN, rip=%a, lip=192.0.2.1, mpid=%#, TLS, session=<%m>",
    "dovecot: imap(%u)<%#><%m>: Disconnected: Logged out in=%# out=%# deleted=0 expunged=0",
    "CRON[%#]: (root) CMD (  [ -x /usr/lib/php/sessionclean ] && /usr/lib/php/sessionclean)",
    "sshd[%#]: Failed password for invalid user admin from %a port %p ssh2",
};

/* The scripts' lines, taken apart. */
struct step {
    enum speaker speaker;
    unsigned pause_ms;
    bool each_recipient, but_first;
    const char *text; /* NULL: the script's end */
};
static struct step steps[SCRIPTS][SAYS + 1];

static void steps_prepare(void)
{
    for (size_t s = 0; s < SCRIPTS; s++)
        for (size_t i = 0; i < SAYS && scripts[s].says[i]; i++) {
            const char *text = scripts[s].says[i];
            struct step *step = &steps[s][i];
            while (strncmp(text, program[step->speaker], strcspn(text, " ")) != 0)
                step->speaker++;
            text = strchr(text, ' ') + 1;
            step->pause_ms = (unsigned)strtoul(text, NULL, 10);
            text = strchr(text, ' ') + 1;
            step->but_first = *text == '+';
            step->each_recipient = step->but_first || *text == '*';
            step->text = text + step->each_recipient;
        }
}

static uint64_t state;

static uint64_t draw(void)
{
    /* xorshift64*, Vigna 2016 */
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * UINT64_C(2685821657736338717);
}

static unsigned draw_below(unsigned n)
{
    return (unsigned)((draw() >> 32) * n >> 32);
}

static uint64_t mixed(uint64_t n)
{
    n = (n ^ n >> 31) * UINT64_C(0x7fb5d329728ea185);
    n = (n ^ n >> 27) * UINT64_C(0x81dadef4bc2dd44d);
    return n ^ n >> 33;
}

/* Who a session is: enough to say all its lines, and to come back with later. */
struct party {
    const struct script *script;
    uint32_t client; /* number: address and name follow from it */
    uint16_t port;
    unsigned recipients;
    uint32_t user[RECIPIENTS];
    char sender[ADDRESS_BYTES];
};

struct said {
    usec at;
    uint32_t from, len;
};

/* A party on its way through its script: all lines are written when it begins. */
struct act {
    struct party party;
    struct act *next_free;
    unsigned count, at;
    int process;  /* in the host's pool; -1: none */
    bool waiting; /* has yet to begin, at line[0].at */
    struct said line[LINES];
    size_t used;
    char text[TEXT_BYTES];
};

/* smtpd processes of a host: each serves a hundred clients, then another number takes over. */
struct process {
    uint32_t pid, served;
    int next_free;
};

struct host {
    const char *name;
    struct process *process;
    size_t count, capacity;
    int idle; /* the first of a list, -1: none */
    uint32_t last_pid;
    uint32_t daemon[SPEAKERS];
};

static struct host hosts[HOSTS] = { { .name = "mx1", .idle = -1, .last_pid = 2100 },
                                    { .name = "mx2", .idle = -1, .last_pid = 1300 } };
static struct act *free_acts;
static uint64_t serial;

static struct {
    uint64_t sessions, recipients, messages, lines, foreign, bytes;
    uint64_t began[SCRIPTS];
} truth;

/* ---- the acts that are under way, soonest line first: a heap ---- */

static struct {
    struct act **act;
    size_t count, capacity;
} heap;

static usec due(const struct act *act)
{
    return act->line[act->at].at;
}

static void heap_sink(size_t i)
{
    struct act *act = heap.act[i];
    usec at = due(act);
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= heap.count)
            break;
        if (child + 1 < heap.count && due(heap.act[child + 1]) < due(heap.act[child]))
            child++;
        if (at <= due(heap.act[child]))
            break;
        heap.act[i] = heap.act[child];
        i = child;
    }
    heap.act[i] = act;
}

static void heap_add(struct act *act)
{
    mem_room(heap.act, heap.capacity, heap.count + 1);
    size_t i = heap.count++;
    for (; i && due(act) < due(heap.act[(i - 1) / 2]); i = (i - 1) / 2)
        heap.act[i] = heap.act[(i - 1) / 2];
    heap.act[i] = act;
}

static struct act *heap_take(void)
{
    struct act *act = heap.act[0];
    heap.act[0] = heap.act[--heap.count];
    if (heap.count)
        heap_sink(0);
    return act;
}

static struct act *act_new(void)
{
    struct act *act = free_acts;
    if (act)
        free_acts = act->next_free;
    else
        act = mem_alloc(sizeof *act);
    act->count = act->at = 0;
    act->used = 0;
    act->process = -1;
    act->waiting = false;
    return act;
}

static int process_take(struct host *host)
{
    int i = host->idle;
    if (i < 0) {
        mem_room(host->process, host->capacity, host->count + 1);
        i = (int)host->count++;
        host->process[i] = (struct process){ .served = 100 };
    } else {
        host->idle = host->process[i].next_free;
    }
    struct process *process = &host->process[i];
    if (++process->served > 100) {
        host->last_pid = 300 + (host->last_pid + 1 + draw_below(9) - 300) % 32400;
        process->pid = host->last_pid;
        process->served = 1;
    }
    return i;
}

/* ---- writing ---- */

static char *put(char *to, const char *text)
{
    size_t len = strlen(text);
    memcpy(to, text, len);
    return to + len;
}

static char *put_number(char *to, uint64_t n)
{
    char digits[20];
    unsigned count = 0;
    do
        digits[count++] = (char)('0' + n % 10);
    while (n /= 10);
    while (count)
        *to++ = digits[--count];
    return to;
}

/* A name of two to four syllables that belongs to `n`. */
static char *put_name(char *to, uint64_t n)
{
    /* two letters each */
    static const char syllables[] = "babebodadedidofafefigagohahehikakekikolalelilolumamemimomunaneni"
                                    "nonupapepiporarerirorusasesisosutatetitotuvavevivowawewiyayozazo";
    n = mixed(n);
    unsigned count = 2 + (unsigned)(n % 3);
    for (unsigned i = 0; i < count; i++)
        memcpy(to + 2 * i, syllables + 2 * (n >> (8 + 6 * i) & 63), 2);
    return to + 2 * count;
}

static char *put_domain(char *to, uint64_t n)
{
    to = put_name(to, n);
    to = put_number(to, n % 100);
    return put(to, ".example");
}

static char *put_hex(char *to, uint64_t n, unsigned digits)
{
    while (digits--)
        *to++ = "0123456789ABCDEF"[n >> 4 * digits & 15];
    return to;
}

static char *put_address(char *to, uint32_t client)
{
    uint64_t n = mixed(client);
    if (n % 20 == 0) {
        to = put(to, "2001:db8:");
        return to + sprintf(to, "%x:%x::%x", (unsigned)(n >> 8 & 0xffff) | 1,
                            (unsigned)(n >> 24 & 0xffff) | 1, (unsigned)(n >> 40 & 0xffff) | 1);
    }
    to = put(to, "10.");
    to = put_number(to, n >> 8 & 255);
    *to++ = '.';
    to = put_number(to, n >> 16 & 255);
    *to++ = '.';
    return put_number(to, 1 + (n >> 24 & 255) % 254);
}

static char *put_client_name(char *to, uint32_t client)
{
    uint64_t n = mixed(client);
    to = put(to, n & 1 << 6 ? "mx" : "dsl");
    to = put_number(to, n >> 40 & 4095);
    *to++ = '.';
    return put_domain(to, 70000 + (n >> 20) % 4000);
}

static char *put_user(char *to, uint32_t user)
{
    to = put_name(to, user);
    to = put_number(to, user % 90);
    return put(to, user % 3 ? "@firm.example" : "@town.example");
}

static char *put_text(char *to, const char *text, const struct party *party, uint32_t user,
                      const char *queue_id)
{
    for (const char *mark; (mark = strchr(text, '%')); text = mark + 2) {
        memcpy(to, text, (size_t)(mark - text));
        to += mark - text;
        switch (mark[1]) {
        case 'c':
            to = party->script->unnamed ? put(to, "unknown") : put_client_name(to, party->client);
            *to++ = '[';
            to = put_address(to, party->client);
            *to++ = ']';
            break;
        case 'n':
            to = put_client_name(to, party->client);
            break;
        case 'a':
            to = put_address(to, party->client);
            break;
        case 'p':
            to = put_number(to, party->port);
            break;
        case 'f':
            to = put(to, party->sender);
            break;
        case 't':
            to = put_user(to, user);
            break;
        case 'h':
            if (party->client % 4)
                to = put_client_name(to, party->client);
            else
                to = put_name(to, party->client);
            break;
        case 'q':
            to = put(to, queue_id);
            break;
        case 'm':
            to = put_hex(to, draw(), 16);
            *to++ = '@';
            to = put_name(to, party->client);
            break;
        case 'r':
            to = put_number(to, party->recipients);
            break;
        case '#':
            to = put_number(to, 300 + draw_below(90000));
            break;
        case 'u':
            to = put_user(to, draw_below(USERS));
            break;
        default: { /* d, D */
            bool quit = mark[1] == 'd';
            unsigned taken = party->script->messages ? party->recipients : 0;
            unsigned more = 2 + (quit ? 1U : 0U) + (taken ? 1U : 0U);
            to = put(to, "ehlo=1 mail=1 rcpt=");
            to = put_number(to, taken);
            if (!taken)
                to = put_number(put(to, "/"), party->recipients);
            to = put(to, taken ? " data=1 quit=1" : quit ? " quit=1" : "");
            to = put_number(put(to, " commands="), more + taken);
            if (!taken)
                to = put_number(put(to, "/"), more + party->recipients);
        }
        }
    }
    return put(to, text);
}

/* Writes the lines of a party's whole script, from `at` on. */
static void act_begin(struct act *act, usec at)
{
    const struct party *party = &act->party;
    struct host *host = &hosts[party->script->host];
    char queue_id[ID_BYTES] = "";
    if (party->script->messages) {
        /* The time's microseconds and an i-node, which is some other file's once this one is removed. */
        char *end = put_hex(queue_id, (uint64_t)at % 1000000, 5);
        *put_hex(end, 0x100000 + serial++ % 40000, 6) = '\0';
    }
    act->waiting = false;
    act->process = process_take(host);
    act->count = act->at = 0;
    act->used = 0;
    for (const struct step *step = steps[party->script - scripts]; step->text; step++) {
        for (unsigned i = step->but_first; i < (step->each_recipient ? party->recipients : 1); i++) {
            at += step->pause_ms * (250 + draw_below(1750));
            uint32_t pid =
                step->speaker == SMTPD ? host->process[act->process].pid : host->daemon[step->speaker];
            char *from = act->text + act->used, *to = from;
            to = put(to, host->name);
            *to++ = ' ';
            to = put(to, program[step->speaker]);
            *to++ = '[';
            to = put_number(to, pid);
            to = put(to, "]: ");
            to = put_text(to, step->text, party, party->user[i], queue_id);
            *to++ = '\n';
            act->line[act->count++] = (struct said){ at, (uint32_t)act->used, (uint32_t)(to - from) };
            act->used += (size_t)(to - from);
        }
    }
    truth.sessions++;
    truth.messages += party->script->messages;
    truth.recipients += party->script->silent ? 0 : party->recipients;
    truth.began[party->script - scripts]++;
}

static const struct script *script_draw(void)
{
    static unsigned total;
    if (!total)
        for (size_t i = 0; i < SCRIPTS; i++)
            total += scripts[i].weight;
    unsigned n = draw_below(total);
    const struct script *script = scripts;
    while (n >= script->weight)
        n -= script++->weight;
    return script;
}

static void party_draw(struct party *party)
{
    party->script = script_draw();
    /* Few clients come often: the square of a uniform draw. */
    uint64_t u = draw() >> 32;
    party->client = (uint32_t)((u * u >> 32) * CLIENTS >> 32);
    party->port = (uint16_t)(1024 + draw_below(64000));
    party->recipients = 1;
    party->user[0] = draw_below(USERS);
    while (party->recipients < RECIPIENTS && draw_below(100) < party->script->more)
        party->user[party->recipients++] = draw_below(USERS);
    char *to = party->sender;
    if (draw_below(50)) {
        to = put_name(to, draw());
        to = put_number(to, draw_below(100000));
        *to++ = '@';
        to = put_domain(to, draw_below(60000));
    }
    *to = '\0';
}

/* ---- the log ---- */

static char out[1 << 20];
static size_t out_used;
static bool rfc3339;

static void out_flush(void)
{
    if (fwrite(out, 1, out_used, stdout) != out_used) {
        perror("gen_postfix: stdout");
        exit(EXIT_FAILURE);
    }
    out_used = 0;
}

static void out_line(usec at, const char *text, size_t len)
{
    static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
    static int64_t second = -1;
    static char stamp[CLOCK_TEXT_BYTES];
    static size_t stamp_len;
    if (at / USEC_SECOND != second) {
        second = at / USEC_SECOND;
        stamp_len = clock_format(second * USEC_SECOND, stamp); /* 2026-10-01T00:00:00.000000Z */
        if (!rfc3339) {
            char full[CLOCK_TEXT_BYTES];
            memcpy(full, stamp, sizeof full);
            const char *month = months[(full[5] - '0') * 10 + full[6] - '0' - 1];
            stamp_len = (size_t)sprintf(stamp, "%s %c%c %.8s", month, full[8] == '0' ? ' ' : full[8], full[9],
                                        full + 11);
        } else {
            memcpy(stamp + stamp_len - 1, "+00:00", 6);
            stamp_len += 5;
        }
    }
    if (out_used + stamp_len + 1 + len > sizeof out)
        out_flush();
    char *to = out + out_used;
    memcpy(to, stamp, stamp_len);
    if (rfc3339) {
        unsigned micro = (unsigned)(at % USEC_SECOND);
        for (unsigned i = 25; i > 19; i--, micro /= 10)
            to[i] = (char)('0' + micro % 10);
    }
    to[stamp_len] = ' ';
    memcpy(to + stamp_len + 1, text, len);
    out_used += stamp_len + 1 + len;
    truth.bytes += stamp_len + 1 + len;
    truth.lines++;
}

static void out_foreign(usec at)
{
    static const struct script nobody;
    struct party party = { .script = &nobody, .client = draw_below(CLIENTS), .port = 40000 };
    char text[1000], *to = put(text, hosts[draw_below(HOSTS)].name);
    *to++ = ' ';
    to = put_text(to, foreign[draw_below(sizeof foreign / sizeof *foreign)], &party, 0, "");
    *to++ = '\n';
    out_line(at, text, (size_t)(to - text));
    truth.foreign++;
}

/* Writes the first act's next line, or lets it begin, and looks what follows. */
static void step_on(void)
{
    struct act *act = heap.act[0];
    if (act->waiting) {
        heap_take();
        act_begin(act, act->line[0].at);
        heap_add(act);
        return;
    }
    const struct said *said = &act->line[act->at++];
    usec now = said->at;
    out_line(now, act->text + said->from, said->len);
    if (draw_below(100) < 5)
        out_foreign(now);
    if (act->at < act->count) {
        heap_sink(0);
        return;
    }
    act->at--;
    heap_take();
    struct host *host = &hosts[act->party.script->host];
    host->process[act->process].next_free = host->idle;
    host->idle = act->process;
    if (act->party.script->comes_back && draw_below(3) == 0) {
        act->party.script++; /* comes back */
        act->waiting = true;
        act->count = 1;
        act->at = 0;
        act->line[0].at = now + (usec)(330 + draw_below(3000)) * USEC_SECOND;
        heap_add(act);
        return;
    }
    act->next_free = free_acts;
    free_acts = act;
}

static void generate(uint64_t bytes, double rate)
{
    usec next = clock_days(2026, 10, 1) * USEC_DAY;
    for (size_t i = 0; i < HOSTS; i++)
        for (size_t speaker = 0; speaker < SPEAKERS; speaker++)
            hosts[i].daemon[speaker] = 600 + 10 * (uint32_t)speaker + draw_below(10);
    while (truth.bytes + out_used < bytes || heap.count) {
        if (truth.bytes < bytes && (!heap.count || next <= due(heap.act[0]))) {
            struct act *act = act_new();
            party_draw(&act->party);
            act_begin(act, next);
            heap_add(act);
            next += (usec)(2e6 / rate * (double)draw_below(1000) / 1000);
        } else {
            step_on();
        }
    }
    out_flush();
}

static int usage(void)
{
    fputs("usage: gen_postfix [--seed N] [--rate SESSIONS_A_SECOND] [--rfc3339] BYTES TRUTH > LOG\n", stderr);
    return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    uint64_t seed = 1;
    double rate = 20;
    int i = 1;
    for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
        if (strcmp(argv[i], "--rfc3339") == 0)
            rfc3339 = true;
        else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc)
            seed = strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--rate") == 0 && i + 1 < argc)
            rate = strtod(argv[++i], NULL);
        else
            return usage();
    }
    if (argc - i != 2 || !(rate > 0))
        return usage();
    state = mixed(seed + 1) | 1;
    steps_prepare();
    generate(strtoull(argv[i], NULL, 10), rate);
    FILE *to = fopen(argv[i + 1], "w");
    if (!to) {
        perror(argv[i + 1]);
        return EXIT_FAILURE;
    }
    fprintf(to,
            "bytes\t%" PRIu64 "\nlines\t%" PRIu64 "\nforeign\t%" PRIu64 "\nsessions\t%" PRIu64
            "\nrecipients\t%" PRIu64 "\nmessages\t%" PRIu64 "\n",
            truth.bytes, truth.lines, truth.foreign, truth.sessions, truth.recipients, truth.messages);
    for (size_t s = 0; s < SCRIPTS; s++) {
        const char *measure = scripts[s].measure;
        uint64_t count = 0;
        bool first = measure != NULL;
        for (size_t other = 0; measure && other < SCRIPTS; other++)
            if (scripts[other].measure && strcmp(scripts[other].measure, measure) == 0) {
                count += truth.began[other];
                first = first && other >= s;
            }
        if (first)
            fprintf(to, "refused %s\t%" PRIu64 "\n", measure, count);
    }
    return fclose(to) == 0 && fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
