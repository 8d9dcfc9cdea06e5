/* Lines of Postfix and its companions. */
#include "tests/fuzz/dialects.h"
