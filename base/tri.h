/* Kleene's three values. Evidence is yes, no or unknown, and so is whatever is worked out from it. */
#ifndef BASE_TRI_H
#define BASE_TRI_H

enum tri { UNKNOWN, NO, YES };

static inline enum tri tri_and(enum tri a, enum tri b)
{
    return a == NO || b == NO ? NO : a == YES && b == YES ? YES : UNKNOWN;
}

static inline enum tri tri_or(enum tri a, enum tri b)
{
    return a == YES || b == YES ? YES : a == NO && b == NO ? NO : UNKNOWN;
}

static inline enum tri tri_not(enum tri a)
{
    return a == YES ? NO : a == NO ? YES : UNKNOWN;
}

static inline enum tri tri_of(int truth)
{
    return truth ? YES : NO;
}

#endif
