/* Exchange's logs: the receive connectors', and message tracking. */
#include "tests/fuzz/dialects.h"
