/* Lines of Sendmail. */
#include "tests/fuzz/dialects.h"
