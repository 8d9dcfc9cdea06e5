/* Lines of sqlgrey, beside those of the servers whose messages they are about. */
#include "tests/fuzz/dialects.h"
