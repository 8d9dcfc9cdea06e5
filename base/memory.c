/* Memory: allocation that cannot fail, and arenas. */
#include "base/memory.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

enum { BLOCK_BYTES = 16 * 1024 };

struct arena_block {
    struct arena_block *before;
    size_t size;
    alignas(max_align_t) char data[];
};

static _Noreturn void out_of_memory(size_t bytes)
{
    fprintf(stderr, "mxreplay: out of memory (%zu bytes wanted)\n", bytes);
    exit(EX_OSERR);
}

void *mem_alloc(size_t bytes)
{
    void *memory = malloc(bytes ? bytes : 1);
    if (!memory)
        out_of_memory(bytes);
    return memory;
}

void *mem_zero(size_t count, size_t size)
{
    void *memory = calloc(count ? count : 1, size ? size : 1);
    if (!memory)
        out_of_memory(count);
    return memory;
}

void *mem_aligned(size_t alignment, size_t bytes)
{
    void *memory = aligned_alloc(alignment, (bytes + alignment - 1) & ~(alignment - 1));
    if (!memory)
        out_of_memory(bytes);
    return memory;
}

void *mem_resize(void *old, size_t count, size_t size)
{
    size_t bytes = 0;
    if (__builtin_mul_overflow(count, size, &bytes))
        out_of_memory(count);
    void *memory = realloc(old, bytes ? bytes : 1);
    if (!memory)
        out_of_memory(bytes);
    return memory;
}

size_t mem_grow(size_t capacity, size_t need)
{
    size_t more = capacity + capacity / 2 + 8;
    return more > need ? more : need;
}

static void add_block(struct arena *arena, size_t bytes)
{
    size_t size = bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES;
    struct arena_block *block = mem_alloc(sizeof *block + size);
    block->before = arena->last;
    block->size = size;
    arena->last = block;
    arena->at = block->data;
    arena->end = block->data + size;
    arena->bytes += size;
}

void *arena_alloc(struct arena *arena, size_t bytes)
{
    size_t rounded = 0;
    if (__builtin_add_overflow(bytes, alignof(max_align_t) - 1, &rounded))
        out_of_memory(bytes);
    rounded &= ~(alignof(max_align_t) - 1);
    if (!arena->last || (size_t)(arena->end - arena->at) < rounded)
        add_block(arena, rounded);
    void *memory = arena->at;
    arena->at += rounded;
    return memory;
}

void *arena_zero(struct arena *arena, size_t bytes)
{
    return memset(arena_alloc(arena, bytes), 0, bytes);
}

struct str arena_str(struct arena *arena, struct str s)
{
    char *copy = arena_alloc(arena, s.len + 1);
    if (s.len)
        memcpy(copy, s.at, s.len);
    copy[s.len] = '\0';
    return (struct str){ copy, s.len };
}

struct str arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    size_t bytes = len < 0 ? 0 : (size_t)len;
    char *text = arena_alloc(arena, bytes + 1);
    vsnprintf(text, bytes + 1, format, again);
    va_end(again);
    return (struct str){ text, bytes };
}

void arena_reset(struct arena *arena)
{
    struct arena_block *keep = arena->last;
    if (!keep)
        return;
    for (struct arena_block *block = keep->before, *before = NULL; block; block = before) {
        before = block->before;
        arena->bytes -= block->size;
        free(block);
    }
    keep->before = NULL;
    arena->at = keep->data;
    arena->end = keep->data + keep->size;
}

void arena_free(struct arena *arena)
{
    for (struct arena_block *block = arena->last, *before = NULL; block; block = before) {
        before = block->before;
        free(block);
    }
    *arena = (struct arena){ 0 };
}
