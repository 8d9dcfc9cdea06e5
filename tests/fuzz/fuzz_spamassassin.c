/* Lines of SpamAssassin's spamd and spampd, beside those of the servers whose messages they are about. */
#include "tests/fuzz/dialects.h"
