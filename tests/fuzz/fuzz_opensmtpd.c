/* Lines of OpenSMTPD. */
#include "tests/fuzz/dialects.h"
