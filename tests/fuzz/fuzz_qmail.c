/* Lines of the qmail family, spamdyke included. */
#include "tests/fuzz/dialects.h"
