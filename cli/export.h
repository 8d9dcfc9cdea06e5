/* Policies under pseudonyms. */
#ifndef CLI_EXPORT_H
#define CLI_EXPORT_H

#include "analyze/policy.h"
#include "schemas/pseudonym.h"

/* Networks, domains, mailboxes and servers of the policy become what they are in a copy made with the same
 * key. Names and titles of measures stay: tables have them. */
void policy_pseudonymise(struct policy *policy, const struct pseudonyms *pseudonyms);

#endif
