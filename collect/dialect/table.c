/* All dialects. A program's tag belongs to the first row that recognises it. */
#include "collect/dialect.h"

/* clang-format off */
extern const struct dialect
    dialect_postfix,
    dialect_postgrey,
    dialect_policyd_spf,
    dialect_opendkim,
    dialect_opendmarc,
    dialect_amavis,
    dialect_rspamd,
    dialect_openbsd_spamd,
    dialect_spamassassin,
    dialect_milter_greylist,
    dialect_sqlgrey,
    dialect_clamav,
    dialect_opensmtpd,
    dialect_sendmail,
    dialect_qmail,
    dialect_spamdyke,
    dialect_haraka,
    dialect_exchange,
    dialect_exim;

const struct dialect *const dialects[] = {
    &dialect_postfix,
    &dialect_postgrey,
    &dialect_policyd_spf,
    &dialect_opendkim,
    &dialect_opendmarc,
    &dialect_amavis,
    &dialect_rspamd,
    &dialect_openbsd_spamd,
    &dialect_spamassassin,
    &dialect_milter_greylist,
    &dialect_sqlgrey,
    &dialect_clamav,
    &dialect_opensmtpd,
    &dialect_sendmail,
    &dialect_qmail,
    &dialect_spamdyke,
    &dialect_haraka,
    &dialect_exchange,
    &dialect_exim,
    NULL,
};
