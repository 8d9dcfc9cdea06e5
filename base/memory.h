/* Memory. Running out ends the program with a clear word, here and nowhere else. */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stddef.h>
#include "base/str.h"

/* Never NULL; the caller frees with free(). A product that overflows ends the program too. */
void *mem_alloc(size_t bytes);
void *mem_zero(size_t count, size_t size);
/* At an address that is a multiple of `alignment`, a power of two. */
void *mem_aligned(size_t alignment, size_t bytes);
void *mem_resize(void *old, size_t count, size_t size);

/* Grows `array` (a pointer variable) so that it holds `need` elements; `capacity` is a size_t variable. */
#define mem_room(array, capacity, need)                                                                       \
    do {                                                                                                      \
        if ((need) > (capacity)) {                                                                            \
            (capacity) = mem_grow((capacity), (need));                                                        \
            (array) = mem_resize((array), (capacity), sizeof *(array));                                       \
        }                                                                                                     \
    } while (0)
/* The capacity to take when `need` elements are wanted: at least half as much again as before. */
size_t mem_grow(size_t capacity, size_t need);

/* An arena hands out memory that is freed all at once. Zero-initialise it to begin with. */
struct arena_block;
struct arena {
    struct arena_block *last;
    char *at, *end; /* what is left of the last block */
    size_t bytes;   /* taken from the system */
};

/* `bytes` of memory aligned for any type; not zeroed. */
void *arena_alloc(struct arena *arena, size_t bytes);
void *arena_zero(struct arena *arena, size_t bytes);
/* A copy of `s` that lives as long as the arena; it is followed by a NUL that is not part of it. */
struct str arena_str(struct arena *arena, struct str s);
/* Formats into the arena. */
struct str arena_printf(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Forgets everything and keeps one block for the next round. */
void arena_reset(struct arena *arena);
/* Gives all back. */
void arena_free(struct arena *arena);

#endif
