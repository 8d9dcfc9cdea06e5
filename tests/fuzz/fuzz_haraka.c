/* Haraka's lines, in each of its formats. */
#include "tests/fuzz/dialects.h"
