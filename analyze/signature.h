/* Signatures: 64 bits of a hash, by which things that are alike are found and numbered. */
#ifndef ANALYZE_SIGNATURE_H
#define ANALYZE_SIGNATURE_H

#include <stddef.h>
#include <stdint.h>

/* splitmix64's finisher (Steele, Lea, Flood 2014) over both. */
static inline uint64_t signature_mix(uint64_t hash, uint64_t more)
{
    uint64_t z = (hash ^ more) + 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (z ^ (z >> 31)) + (hash << 1 | hash >> 63);
}

/* From signatures to numbers. Zero-initialise it to begin with. */
struct signatures {
    struct signature_slot {
        uint64_t signature;
        uint32_t number; /* and one; 0: free */
    } * slot;
    size_t slots, count;
};

/* The number of a signature; a new one has the `number` that is given. */
uint32_t signatures_number(struct signatures *signatures, uint64_t signature, uint32_t number);
void signatures_free(struct signatures *signatures);

#endif
