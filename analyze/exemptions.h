/* The few exemptions that cure most of what a policy does to wanted mail. */
#ifndef ANALYZE_EXEMPTIONS_H
#define ANALYZE_EXEMPTIONS_H

#include "analyze/audit.h"

/* As a policy has them. */
enum exemption_by { BY_NETWORK, BY_ASN, BY_CLIENT_NAME, BY_SENDER_DOMAIN, BY_RECIPIENT, EXEMPTION_KINDS };
extern const char *const exemption_key[EXEMPTION_KINDS]; /* "networks", ... */

struct exemption {
    enum exemption_by by;
    struct str text;
    uint64_t cures;   /* deliveries that are surely hurt, and that none before it cures */
    uint64_t settles; /* of others, that may be hurt */
    uint64_t lets_by; /* deliveries that the policy may stop, neither wanted nor presumed so, that it exempts
                         too */
};

struct exemptions {
    struct exemption *item; /* in the order in which they were chosen: the most cured first */
    size_t count;
    uint64_t hurt, possible; /* deliveries that are surely, and that may be, hurt without them */
    uint64_t cured, settled; /* of these, what a replay with them says: accepted at once, for certain */
    struct str yaml;         /* the policy's `exempt:` with them; at == NULL: there are none */
    struct arena arena;
};

/* Chooses up to `most` of them, greedily (see cover.h): first what is labelled wanted and surely hurt counts,
 * then what is presumed wanted, then what may be hurt. None that lets by more than `lets_by` times what it is
 * for. The audit is that of the policy. 0, or -1 with why; exemptions_free() is due in any case. */
int exemptions_find(struct columns *columns, const struct policy *policy,
                    const struct replay_options *options, const struct audit *audit, size_t most,
                    double lets_by, struct exemptions *exemptions, struct why *why);
void exemptions_free(struct exemptions *exemptions);

#endif
