/* Lines of rspamd, beside those of the servers whose messages they are about. */
#include "tests/fuzz/dialects.h"
