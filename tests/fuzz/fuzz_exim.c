/* Lines of Exim. */
#include "tests/fuzz/dialects.h"
