/* Reading ahead: a ring of blocks, which the thread fills and the reader empties. Each block has one owner at
 * a time, so the lock is held only to hand it over. */
#define _GNU_SOURCE /* pthread_sigmask */
#include "collect/ahead.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include "base/memory.h"

enum { BLOCKS = 4, BLOCK_BYTES = 256 * 1024 };

struct block {
    char *bytes;
    size_t at, len;
};

struct ahead {
    read_fn *read;
    void *state;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* anything below */
    unsigned filled, taken; /* counts of blocks: those between them are the reader's */
    ssize_t end;            /* what `read` returned last: 1 while there is more */
    bool unwanted;          /* nobody reads any more */
    struct why failure;     /* end < 0: why */
    struct block block[BLOCKS];
};

/* Waits until the block after the last one is free. */
static struct block *free_block(struct ahead *ahead)
{
    pthread_mutex_lock(&ahead->lock);
    while (ahead->filled - ahead->taken == BLOCKS && !ahead->unwanted)
        pthread_cond_wait(&ahead->changed, &ahead->lock);
    struct block *block = ahead->unwanted ? NULL : &ahead->block[ahead->filled % BLOCKS];
    pthread_mutex_unlock(&ahead->lock);
    return block;
}

static void hand_over(struct ahead *ahead, ssize_t got)
{
    pthread_mutex_lock(&ahead->lock);
    if (got > 0)
        ahead->filled++;
    else
        ahead->end = got;
    pthread_cond_signal(&ahead->changed);
    pthread_mutex_unlock(&ahead->lock);
}

/* Small pieces are gathered: to hand over a block costs more than to fill one. */
static void *run(void *given)
{
    struct ahead *ahead = given;
    struct block *block = NULL;
    ssize_t got = 1;
    while (got > 0 && (block = free_block(ahead))) {
        block->at = block->len = 0;
        while (block->len < BLOCK_BYTES && (got = ahead->read(ahead->state, block->bytes + block->len,
                                                              BLOCK_BYTES - block->len, &ahead->failure)) > 0)
            block->len += (size_t)got;
        if (block->len)
            hand_over(ahead, 1);
    }
    if (got <= 0)
        hand_over(ahead, got);
    return NULL;
}

static void free_all(struct ahead *ahead)
{
    pthread_cond_destroy(&ahead->changed);
    pthread_mutex_destroy(&ahead->lock);
    free(ahead->block[0].bytes);
    free(ahead);
}

struct ahead *ahead_begin(read_fn *read, void *state)
{
    struct ahead *ahead = mem_zero(1, sizeof *ahead);
    *ahead = (struct ahead){ .read = read, .state = state, .end = 1 };
    char *bytes = mem_alloc((size_t)BLOCKS * BLOCK_BYTES);
    for (size_t i = 0; i < BLOCKS; i++)
        ahead->block[i].bytes = bytes + i * BLOCK_BYTES;
    pthread_mutex_init(&ahead->lock, NULL);
    pthread_cond_init(&ahead->changed, NULL);
    /* Signals are for the thread that waits for them. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&ahead->thread, NULL, run, ahead);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed) {
        free_all(ahead);
        return NULL;
    }
    return ahead;
}

ssize_t ahead_read(struct ahead *ahead, char *to, size_t size, struct why *why)
{
    pthread_mutex_lock(&ahead->lock);
    while (ahead->filled == ahead->taken && ahead->end > 0)
        pthread_cond_wait(&ahead->changed, &ahead->lock);
    struct block *block = ahead->filled != ahead->taken ? &ahead->block[ahead->taken % BLOCKS] : NULL;
    pthread_mutex_unlock(&ahead->lock);
    if (!block) {
        if (ahead->end < 0 && why)
            *why = ahead->failure;
        return ahead->end;
    }
    size_t got = size < block->len - block->at ? size : block->len - block->at;
    memcpy(to, block->bytes + block->at, got);
    block->at += got;
    if (block->at == block->len) {
        pthread_mutex_lock(&ahead->lock);
        ahead->taken++;
        pthread_cond_signal(&ahead->changed);
        pthread_mutex_unlock(&ahead->lock);
    }
    return (ssize_t)got;
}

void ahead_end(struct ahead *ahead)
{
    if (!ahead)
        return;
    pthread_mutex_lock(&ahead->lock);
    ahead->unwanted = true;
    pthread_cond_signal(&ahead->changed);
    pthread_mutex_unlock(&ahead->lock);
    pthread_join(ahead->thread, NULL);
    free_all(ahead);
}
