/* All dialects. A program's tag belongs to the first row that recognises it. */
#include "collect/dialect.h"

/* clang-format off: a line each */
#define ROWS(row)                                                                                            \
    row(postfix) row(postgrey) row(policyd_spf) row(opendkim) row(opendmarc) row(amavis) row(rspamd)         \
        row(opensmtpd) row(sendmail) row(exim)
/* clang-format on */

#define DECLARED(name) extern const struct dialect dialect_##name;
#define POINTER(name)  &dialect_##name,

ROWS(DECLARED)

const struct dialect *const dialects[] = { ROWS(POINTER) NULL };
