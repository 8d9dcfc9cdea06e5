/* gnuplot as a child. All three of its streams are served at once, so that neither side can wait for the
 * other; what does not go on is killed with all that it started. Its stdin is a socket because send() alone
 * can be told not to raise SIGPIPE, whatever the threads around us do with signals. */
#define _GNU_SOURCE
#include "report/gnuplot.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>
#include "base/memory.h"

enum {
    PATIENCE_MS = 30 * 1000,
    WHOLE_PATIENCES = 10, /* a trickle of output must not go on for ever either */
    TICK_MS = 50,
    AFTER_EXIT_MS = 200,             /* what a dead child's children may still write */
    PICTURE_MOST = 64 * 1024 * 1024, /* a bar and a row each have a few hundred bytes */
    COMPLAINT_BYTES = 512
};

struct child {
    pid_t pid;
    int in, out, err; /* our ends; -1: closed */
    int status;
    char complaint[COMPLAINT_BYTES];
    size_t complained;
};

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void shut(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* Out of the way of 0, 1 and 2, which may be closed in us and are dup2()'s targets in the child. */
static int lifted(int fd)
{
    if (fd < 0 || fd > 2)
        return fd;
    int high = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    close(fd);
    return high;
}

static int make_streams(int in[2], int out[2], int err[2])
{
    in[0] = in[1] = out[0] = out[1] = err[0] = err[1] = -1;
    int failed = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in) || pipe2(out, O_CLOEXEC) ||
                 pipe2(err, O_CLOEXEC);
    for (int i = 0; i < 2; i++) {
        in[i] = lifted(in[i]);
        out[i] = lifted(out[i]);
        err[i] = lifted(err[i]);
    }
    return failed || in[0] < 0 || in[1] < 0 || out[0] < 0 || out[1] < 0 || err[0] < 0 || err[1] < 0 ? -1 : 0;
}

/* posix_spawn() and not fork(): the caller may have threads and a great deal of memory. 0, or an errno. */
static int spawn(const char *program, struct child *child)
{
    int in[2], out[2], err[2], error = ENOMEM;
    bool have_actions = false, have_attributes = false;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    char *arguments[] = { (char *)program, "-d", NULL }; /* -d: not the user's start-up files */
    sigset_t none, usual;
    sigemptyset(&none);
    sigemptyset(&usual);
    sigaddset(&usual, SIGPIPE);
    sigaddset(&usual, SIGCHLD);
    if (make_streams(in, out, err)) {
        error = errno ? errno : EMFILE;
        goto done;
    }
    have_actions = posix_spawn_file_actions_init(&actions) == 0;
    have_attributes = posix_spawnattr_init(&attributes) == 0;
    if (!have_actions || !have_attributes || posix_spawn_file_actions_adddup2(&actions, in[1], 0) ||
        posix_spawn_file_actions_adddup2(&actions, out[1], 1) ||
        posix_spawn_file_actions_adddup2(&actions, err[1], 2) || posix_spawnattr_setpgroup(&attributes, 0) ||
        posix_spawnattr_setsigmask(&attributes, &none) ||
        posix_spawnattr_setsigdefault(&attributes, &usual) ||
        posix_spawnattr_setflags(&attributes,
                                 POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        goto done;
    error = posix_spawnp(&child->pid, program, &actions, &attributes, arguments, environ);
    if (error == 0) {
        child->in = in[0], child->out = out[0], child->err = err[0];
        in[0] = out[0] = err[0] = -1;
        fcntl(child->out, F_SETFL, O_NONBLOCK);
        fcntl(child->err, F_SETFL, O_NONBLOCK);
    }
done:
    if (have_attributes)
        posix_spawnattr_destroy(&attributes);
    if (have_actions)
        posix_spawn_file_actions_destroy(&actions);
    for (int i = 0; i < 2; i++) {
        shut(&in[i]);
        shut(&out[i]);
        shut(&err[i]);
    }
    return error;
}

/* Whether the child has ended. It stays a zombie until finish(), so that its number is not somebody else's
 * when the group is killed. */
static bool has_ended(struct child *child)
{
    siginfo_t info = { 0 };
    if (waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG | WNOWAIT))
        return errno == ECHILD; /* SIGCHLD is ignored: what it drew has to tell */
    return info.si_pid == child->pid;
}

/* Ends it and all that it started. */
static void finish(struct child *child)
{
    kill(-child->pid, SIGKILL);
    while (waitpid(child->pid, &child->status, 0) < 0 && errno == EINTR)
        ;
    shut(&child->in);
    shut(&child->out);
    shut(&child->err);
}

/* The next piece of the script; returns whether something moved. A child that has closed its stdin or died is
 * found out by its end, not here. */
static bool feed(struct child *child, struct str *script)
{
    ssize_t sent = send(child->in, script->at, script->len, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0)
        *script = str_skip(*script, (size_t)sent);
    bool later = sent < 0 && (errno == EAGAIN || errno == EINTR);
    if (script->len == 0 || (sent < 0 && !later))
        shut(&child->in);
    return sent > 0;
}

static bool take_picture(struct child *child, struct picture_bytes *picture, size_t *room)
{
    enum { STEP = 64 * 1024 };
    mem_room(picture->at, *room, picture->len + STEP);
    ssize_t got = read(child->out, picture->at + picture->len, *room - picture->len);
    if (got > 0)
        picture->len += (size_t)got;
    else if (got == 0 || (errno != EAGAIN && errno != EINTR))
        shut(&child->out);
    return got > 0;
}

static bool take_complaint(struct child *child)
{
    char piece[1024];
    ssize_t got = read(child->err, piece, sizeof piece);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
        shut(&child->err);
    for (ssize_t i = 0; i < got && child->complained + 1 < sizeof child->complaint; i++)
        child->complaint[child->complained++] = piece[i];
    return got > 0;
}

enum ending { ENDED, HANGING, TOO_MUCH };

/* Serves the streams until the child is done. */
static enum ending serve(struct child *child, struct str script, unsigned patience_ms,
                         struct picture_bytes *picture)
{
    size_t room = 0;
    int64_t begun = now_ms(), moved = begun;
    if (script.len == 0)
        shut(&child->in);
    while (child->out >= 0 || child->err >= 0 || !has_ended(child)) {
        struct pollfd polled[] = { { child->in, POLLOUT, 0 },
                                   { child->out, POLLIN, 0 },
                                   { child->err, POLLIN, 0 } };
        poll(polled, 3, TICK_MS);
        bool progress = false;
        if (child->in >= 0 && polled[0].revents)
            progress = feed(child, &script);
        if (child->out >= 0 && polled[1].revents)
            progress = take_picture(child, picture, &room) || progress;
        if (child->err >= 0 && polled[2].revents)
            progress = take_complaint(child) || progress;
        int64_t now = now_ms();
        if (progress)
            moved = now;
        if (picture->len > PICTURE_MOST)
            return TOO_MUCH;
        if (has_ended(child) && now - moved > AFTER_EXIT_MS)
            return ENDED; /* only its children hold the streams still */
        if (now - moved > patience_ms || now - begun > (int64_t)patience_ms * WHOLE_PATIENCES)
            return HANGING;
    }
    return ENDED;
}

/* What gnuplot complained of, on one line: it echoes the script with a ^ under the fault, and the last line
 * says what the fault is. */
static const char *last_words(struct child *child)
{
    while (child->complained && strchr(" \t\r\n", child->complaint[child->complained - 1]))
        child->complained--;
    child->complaint[child->complained] = '\0';
    const char *line = strrchr(child->complaint, '\n');
    line = line ? line + 1 : child->complaint;
    return line + strspn(line, " \t\r");
}

static int not_started(const char *program, bool named, int error, struct why *why)
{
    if (named)
        return why_set(why, EX_UNAVAILABLE,
                       "$GNUPLOT: cannot run \"%s\": %s; name a gnuplot that is there, or unset it", program,
                       strerror(error));
    if (error == ENOENT)
        return why_set(
            why, EX_UNAVAILABLE,
            "gnuplot is not installed, and graphs are drawn by it; install it (on Debian: apt-get install "
            "gnuplot-nox), or name one in $GNUPLOT");
    return why_set(why, EX_UNAVAILABLE, "cannot run %s: %s", program, strerror(error));
}

static int judge(struct child *child, enum ending ending, const char *program, unsigned patience_ms,
                 bool empty, struct why *why)
{
    const char *words = last_words(child);
    const char *colon = *words ? ": " : "";
    if (ending == HANGING)
        return why_set(why, EX_SOFTWARE,
                       "%s hangs: nothing came from it for %u s, and it was ended%s%s; see whether "
                       "`%s --version` answers, or set $GNUPLOT to another one",
                       program, (patience_ms + 999) / 1000, colon, words, program);
    if (ending == TOO_MUCH)
        return why_set(why, EX_SOFTWARE,
                       "%s wrote more than %d MiB and was ended; set $GNUPLOT to a real gnuplot", program,
                       PICTURE_MOST / 1024 / 1024);
    if (WIFSIGNALED(child->status))
        return why_set(
            why, EX_SOFTWARE,
            "%s was killed by signal %d (%s)%s%s; see whether there is memory enough, and draw again",
            program, WTERMSIG(child->status), strsignal(WTERMSIG(child->status)), colon, words);
    if (WEXITSTATUS(child->status))
        return why_set(why, EX_SOFTWARE,
                       "%s failed with status %d%s%s; version 5.4 or later is wanted (`%s --version`)",
                       program, WEXITSTATUS(child->status), colon, words, program);
    if (empty)
        return why_set(why, EX_SOFTWARE,
                       "%s drew nothing%s%s; see whether $GNUPLOT or PATH lead to a real gnuplot", program,
                       colon, words);
    return 0;
}

int gnuplot_run(const struct gnuplot *gnuplot, struct str script, struct picture_bytes *picture,
                struct why *why)
{
    const char *named = getenv("GNUPLOT"), *program = gnuplot ? gnuplot->program : NULL;
    bool by_name = !program && named && *named;
    if (!program)
        program = by_name ? named : "gnuplot";
    unsigned patience_ms = gnuplot && gnuplot->patience_ms ? gnuplot->patience_ms : PATIENCE_MS;
    struct child child = { .in = -1, .out = -1, .err = -1 };
    *picture = (struct picture_bytes){ 0 };
    int error = spawn(program, &child);
    if (error)
        return not_started(program, by_name, error, why);
    enum ending ending = serve(&child, script, patience_ms, picture);
    finish(&child);
    if (judge(&child, ending, program, patience_ms, picture->len == 0, why)) {
        free(picture->at);
        *picture = (struct picture_bytes){ 0 };
        return -1;
    }
    return 0;
}
