/* The worker. One lock guards what both threads look at; it is never held while something is worked out. */
#define _GNU_SOURCE
#include "cli/tune_work.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "analyze/compare.h"
#include "report/compare_table.h"

enum { KNOWN_MOST = 1000, END_MSEC = 300 };

struct known {
    char *key;
    size_t key_len;
    struct figures figures;
};

struct work {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wanted;
    int done[2]; /* a pipe */

    /* under the lock */
    bool stop, heard;
    struct attempted loaded_one;      /* the loaded policy, until it is tried */
    struct attempted asked, compared; /* no policy: nothing */
    struct known **known;             /* the oldest first */
    size_t known_count, known_room;
    const struct figures *shown, *first;
    struct str verdict;
    struct why why;

    /* the thread's alone */
    struct columns *columns;
    const struct replay_options *options;
    const struct policy *loaded;
    struct trial *trial;
    struct attempted *kept; /* all that were tried: the trial looks at them */
    size_t kept_count, kept_room;
    struct arena verdicts;
};

static void tell(struct work *work)
{
    if (!work->heard)
        return;
    work->heard = false;
    ssize_t written = write(work->done[1], "", 1);
    (void)written;
}

/* ---- What is known. */

static struct known *find(const struct work *work, struct str key)
{
    for (size_t i = work->known_count; i-- > 0;) {
        struct known *known = work->known[i];
        if (str_eq((struct str){ known->key, known->key_len }, key))
            return known;
    }
    return NULL;
}

static void forget(struct known *known)
{
    figures_free(&known->figures);
    free(known->key);
    free(known);
}

static void keep(struct work *work, struct str key, const struct figures *figures)
{
    if (work->known_count >= KNOWN_MOST)
        for (size_t i = 0; i < work->known_count; i++) {
            struct known *old = work->known[i];
            if (&old->figures == work->shown || &old->figures == work->first)
                continue;
            forget(old);
            work->known_count--;
            memmove(&work->known[i], &work->known[i + 1], (work->known_count - i) * sizeof *work->known);
            break;
        }
    struct known *known = mem_zero(1, sizeof *known);
    known->key = mem_alloc(key.len + 1);
    memcpy(known->key, key.at, key.len);
    known->key_len = key.len;
    known->figures = *figures;
    mem_room(work->known, work->known_room, work->known_count + 1);
    work->known[work->known_count++] = known;
    if (!work->first)
        work->first = &known->figures;
}

/* ---- The thread. */

/* The policy stays: the trial looks at it as long as it lasts. */
static void try_it(struct work *work, const struct attempted *attempted)
{
    struct figures figures;
    struct why why = { 0 };
    int result = trial_run(work->trial, attempted->policy, &figures, &why);
    mem_room(work->kept, work->kept_room, work->kept_count + 1);
    work->kept[work->kept_count++] = *attempted;
    pthread_mutex_lock(&work->lock);
    if (result < 0)
        work->why = why;
    else if (find(work, attempted->key))
        figures_free(&figures);
    else
        keep(work, attempted->key, &figures);
    tell(work);
    pthread_mutex_unlock(&work->lock);
}

static void compare(struct work *work, struct attempted *attempted)
{
    struct comparison comparison = { 0 };
    struct why why = { 0 };
    struct arena arena = { 0 };
    struct policy ours = *attempted->policy, loaded = *work->loaded;
    loaded.name = STR("the loaded policy");
    ours.name = STR("This policy");
    int result = compare_run(work->columns, &loaded, &ours, work->options, &comparison, &why);
    struct str verdict = result == 0 ? compare_verdict(&comparison, &arena) : str_of(why.text);
    pthread_mutex_lock(&work->lock);
    arena_reset(&work->verdicts);
    work->verdict = arena_str(&work->verdicts, verdict);
    tell(work);
    pthread_mutex_unlock(&work->lock);
    comparison_free(&comparison);
    arena_free(&arena);
}

/* What is to be done next; under the lock, which is let go of while it waits. */
enum job { JOB_STOP, JOB_TRY, JOB_COMPARE };

static enum job next_job(struct work *work, struct attempted *attempted)
{
    for (;;) {
        if (work->stop)
            return JOB_STOP;
        struct attempted *slots[] = { &work->loaded_one, &work->asked, &work->compared };
        for (int i = 0; i < 3; i++)
            if (slots[i]->policy) {
                *attempted = *slots[i];
                *slots[i] = (struct attempted){ 0 };
                return i < 2 ? JOB_TRY : JOB_COMPARE;
            }
        pthread_cond_wait(&work->wanted, &work->lock);
    }
}

static void *run(void *given)
{
    struct work *work = given;
    work->trial = trial_new(work->columns, work->options, work->loaded);
    for (;;) {
        struct attempted attempted = { 0 };
        pthread_mutex_lock(&work->lock);
        enum job job = next_job(work, &attempted);
        pthread_mutex_unlock(&work->lock);
        if (job == JOB_STOP)
            return NULL;
        if (job == JOB_TRY) {
            try_it(work, &attempted);
        } else {
            compare(work, &attempted);
            attempted_free(&attempted);
        }
    }
}

/* ---- Who asks. */

struct work *work_start(struct columns *columns, const struct replay_options *options,
                        const struct policy *loaded, struct attempted first)
{
    struct work *work = mem_zero(1, sizeof *work);
    sigset_t all, before;
    work->columns = columns;
    work->options = options;
    work->loaded = loaded;
    work->heard = true;
    work->loaded_one = first;
    pthread_mutex_init(&work->lock, NULL);
    pthread_cond_init(&work->wanted, NULL);
    if (pipe2(work->done, O_CLOEXEC | O_NONBLOCK) < 0)
        abort();
    sigfillset(&all); /* signals are for the other thread */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&work->thread, NULL, run, work);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed)
        abort();
    return work;
}

bool work_stop(struct work *work)
{
    struct timespec until;
    pthread_mutex_lock(&work->lock);
    work->stop = true;
    pthread_cond_signal(&work->wanted);
    pthread_mutex_unlock(&work->lock);
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += END_MSEC * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    if (pthread_timedjoin_np(work->thread, NULL, &until) != 0)
        return false;
    attempted_free(&work->loaded_one);
    attempted_free(&work->asked);
    attempted_free(&work->compared);
    trial_free(work->trial);
    for (size_t i = 0; i < work->kept_count; i++)
        attempted_free(&work->kept[i]);
    for (size_t i = 0; i < work->known_count; i++)
        forget(work->known[i]);
    free(work->kept);
    free(work->known);
    arena_free(&work->verdicts);
    close(work->done[0]);
    close(work->done[1]);
    pthread_cond_destroy(&work->wanted);
    pthread_mutex_destroy(&work->lock);
    free(work);
    return true;
}

int work_done(const struct work *work)
{
    return work->done[0];
}

void work_heard(struct work *work)
{
    char bytes[16];
    pthread_mutex_lock(&work->lock);
    work->heard = true;
    while (read(work->done[0], bytes, sizeof bytes) > 0)
        ;
    pthread_mutex_unlock(&work->lock);
}

const struct figures *work_known(struct work *work, struct str key)
{
    pthread_mutex_lock(&work->lock);
    struct known *known = find(work, key);
    if (known)
        work->shown = &known->figures;
    pthread_mutex_unlock(&work->lock);
    return known ? &known->figures : NULL;
}

const struct figures *work_first(struct work *work)
{
    pthread_mutex_lock(&work->lock);
    const struct figures *first = work->first;
    pthread_mutex_unlock(&work->lock);
    return first;
}

void work_ask(struct work *work, struct attempted attempted)
{
    pthread_mutex_lock(&work->lock);
    attempted_free(&work->asked);
    work->asked = attempted;
    pthread_cond_signal(&work->wanted);
    pthread_mutex_unlock(&work->lock);
}

void work_compare(struct work *work, struct attempted attempted)
{
    pthread_mutex_lock(&work->lock);
    attempted_free(&work->compared);
    work->compared = attempted;
    work->verdict = (struct str){ NULL, 0 };
    pthread_cond_signal(&work->wanted);
    pthread_mutex_unlock(&work->lock);
}

struct str work_verdict(struct work *work)
{
    pthread_mutex_lock(&work->lock);
    struct str verdict = work->verdict;
    pthread_mutex_unlock(&work->lock);
    return verdict;
}

bool work_failed(struct work *work, struct why *why)
{
    pthread_mutex_lock(&work->lock);
    bool failed = work->why.status != 0;
    if (failed)
        *why = work->why;
    work->why = (struct why){ 0 };
    pthread_mutex_unlock(&work->lock);
    return failed;
}
