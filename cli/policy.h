/* What the files of `mxreplay policy` share. */
#ifndef CLI_POLICY_H
#define CLI_POLICY_H

#include "cli/options.h"

struct policy_settings {
    struct common common;
    bool complete;
    const char *server, *postgrey;
    bool to_postfix, to_exim, to_opensmtpd;
};

/* policy import FILE...: a server's configuration as a policy, on standard output. */
int policy_import(const struct policy_settings *settings, char **paths, struct why *why);
/* policy export --postfix POLICY: the lines that enforce it, on standard output. */
int policy_export(const struct policy_settings *settings, char **names, struct why *why);

#endif
