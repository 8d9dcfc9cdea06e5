/* The memory of one session. Arrays grow by powers of two, so their capacity follows from their count. */
#include "collect/building.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include "base/memory.h"

struct block {
    struct block *next;
    size_t bytes; /* all of it */
    _Alignas(16) char data[];
};

/* How far behind the beginning of a line of the processor's cache a block begins: so that what is looked at
 * of each session of a client lies in one line. */
enum { LINE_BYTES = 64, BEHIND_LINE = 32 };
static_assert((BEHIND_LINE + sizeof(struct block) + offsetof(struct building, open.session.client)) /
                      LINE_BYTES ==
                  (BEHIND_LINE + sizeof(struct block) + offsetof(struct building, blocks) - 1) / LINE_BYTES,
              "from the client to its older session");

static struct block *block_make(size_t bytes)
{
    char *memory = mem_aligned(LINE_BYTES, BEHIND_LINE + bytes);
    struct block *block = (struct block *)(void *)(memory + BEHIND_LINE);
    block->bytes = bytes;
    return block;
}

static void block_destroy(struct block *block)
{
    free((char *)block - BEHIND_LINE);
}

static void *block_new(struct pool *pool, size_t data_bytes)
{
    size_t bytes =
        data_bytes + sizeof(struct block) > BLOCK_BYTES ? data_bytes + sizeof(struct block) : BLOCK_BYTES;
    struct block *block = NULL;
    if (bytes == BLOCK_BYTES && pool->free) {
        block = pool->free;
        pool->free = block->next;
    } else {
        block = block_make(bytes);
        pool->bytes += bytes;
    }
    pool->used += bytes;
    return block;
}

static void block_free(struct pool *pool, struct block *block)
{
    pool->used -= block->bytes;
    if (block->bytes == BLOCK_BYTES && pool->bytes <= POOL_BYTES_MOST) {
        block->next = pool->free;
        pool->free = block;
    } else {
        pool->bytes -= block->bytes;
        block_destroy(block);
    }
}

void pool_free(struct pool *pool)
{
    for (struct block *block = pool->free, *next = NULL; block; block = next) {
        next = block->next;
        block_destroy(block);
    }
    *pool = (struct pool){ 0 };
}

struct building *building_new(struct pool *pool)
{
    struct block *block = block_new(pool, sizeof(struct building));
    block->next = NULL;
    struct building *building = (struct building *)(void *)block->data;
    *building = (struct building){ .blocks = block, .bytes = block->bytes };
    building->at = block->data + sizeof *building;
    building->end = (char *)block + block->bytes;
    return building;
}

void building_free(struct pool *pool, struct building *building)
{
    pool->used -= building->more;
    for (struct block *block = building->blocks, *next = NULL; block; block = next) {
        next = block->next; /* the building itself lies in the last */
        block_free(pool, block);
    }
}

static void *alloc(struct pool *pool, struct building *building, size_t bytes)
{
    if ((size_t)(building->end - building->at) < bytes) {
        if (building->bytes + bytes > SESSION_BYTES_MOST) {
            building->open.session.gap = true;
            return NULL;
        }
        struct block *block = block_new(pool, bytes);
        block->next = building->blocks;
        building->blocks = block;
        building->bytes += block->bytes;
        building->at = block->data;
        building->end = (char *)block + block->bytes;
    }
    void *memory = building->at;
    building->at += bytes;
    return memory;
}

void *building_alloc(struct pool *pool, struct building *building, size_t bytes)
{
    size_t slip = (size_t) - (uintptr_t)building->at & 7;
    if ((size_t)(building->end - building->at) >= slip)
        building->at += slip;
    else
        building->at = building->end;
    return alloc(pool, building, (bytes + 7) & ~(size_t)7);
}

void building_account(struct pool *pool, struct building *building, size_t bytes, size_t room, unsigned slip)
{
    size_t held = 0;
    struct block *block = block_new(pool, room + 16);
    block->next = building->blocks;
    building->blocks = block;
    building->at = block->data + slip;
    building->end = building->at + room;
    for (block = building->blocks; block; block = block->next)
        held += block->bytes;
    building->bytes = bytes;
    building->more = bytes - held;
    pool->used += building->more;
}

struct str building_keep(struct pool *pool, struct building *building, struct str text)
{
    size_t len = text.len < TEXT_BYTES_MOST ? text.len : TEXT_BYTES_MOST;
    if (text.len == 0)
        return (struct str){ text.at ? "" : NULL, 0 };
    char *copy = alloc(pool, building, len);
    if (!copy)
        return (struct str){ NULL, 0 };
    memcpy(copy, text.at, len);
    return (struct str){ copy, len };
}

/* Room for one element more in an array of `count` elements that began with `least`: the array, moved when it
 * was full, or NULL. */
static void *grow(struct pool *pool, struct building *building, void *array, size_t count, size_t least,
                  size_t size)
{
    if (count != 0 && (count < least || (count & (count - 1)) != 0))
        return array;
    size_t capacity = count == 0 ? least : count * 2;
    void *bigger = building_alloc(pool, building, capacity * size);
    if (bigger && count)
        memcpy(bigger, array, count * size);
    return bigger;
}

struct transaction *building_add_transaction(struct pool *pool, struct building *building)
{
    struct session *session = &building->open.session;
    struct transaction *array = grow(pool, building, session->transactions, session->transaction_count,
                                     TRANSACTIONS_LEAST, sizeof *array);
    if (!array)
        return NULL;
    session->transactions = array;
    array += session->transaction_count++;
    *array = (struct transaction){ .size = -1 };
    return array;
}

struct recipient *building_add_recipient(struct pool *pool, struct building *building,
                                         struct transaction *transaction)
{
    struct recipient *array = grow(pool, building, transaction->recipients, transaction->recipient_count,
                                   RECIPIENTS_LEAST, sizeof *array);
    if (!array)
        return NULL;
    transaction->recipients = array;
    array += transaction->recipient_count++;
    *array = (struct recipient){ 0 };
    return array;
}

struct evidence *building_add_evidence(struct pool *pool, struct building *building)
{
    struct session *session = &building->open.session;
    struct evidence *array =
        grow(pool, building, session->evidence, session->evidence_count, EVIDENCE_LEAST, sizeof *array);
    if (!array)
        return NULL;
    session->evidence = array;
    return array + session->evidence_count++;
}
