/* A policy: an ordered list of measures with parameters and exemptions, read from YAML (design.md section 6).
 * What keys a measure takes is told by the measure's own parameter table (measure.h), so a new measure needs
 * no change here. */
#ifndef ANALYZE_POLICY_H
#define ANALYZE_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "base/clock.h"
#include "base/ip.h"
#include "base/memory.h"
#include "base/str.h"
#include "base/why.h"
#include "collect/session.h"

struct measure;

/* What a measure says when it stops something (semantics.md section 3). */
enum reply_class { REPLY_DEFAULT, REPLY_4XX, REPLY_5XX, REPLY_DROP };

/* Lists, as they are written; what finds something in a long one is beside it (lists.h). */
struct networks {
    struct prefix *prefix;
    size_t count;
    struct prefix *sorted; /* by length, then address; NULL: the list is short */
};

struct texts {
    struct str *text;
    size_t count;
    uint32_t *sorted; /* places in `text`; NULL: the list is short */
};

struct numbers { /* in order, none twice */
    uint32_t *number;
    size_t count;
};

/* Who is not judged (exempt.h). Domains match the domain and all below it, without case. */
struct exempt {
    bool authenticated;
    struct networks networks;
    struct numbers asns;       /* autonomous systems of the client's address */
    struct texts countries;    /* ISO 3166 codes of where it is */
    struct texts client_names; /* domains of the client's confirmed name */
    struct texts sender_domains;
    struct texts spf_domains; /* the same, where SPF says that the mail is theirs */
    struct texts recipients;  /* addresses, or @domain */
};

struct when {
    uint16_t port;     /* 0: any */
    struct str server; /* at == NULL: any */
};

/* One measure in a policy. */
struct rule {
    const struct measure *measure;
    struct str name;  /* of its row: `name`, else the measure's */
    struct str title; /* `title`, else the measure's (with the name in brackets where `name` was given) */
    enum reply_class reply; /* REPLY_DEFAULT: the attempt's own recorded one where it names the measure, else
                               the measure's */
    bool moved;             /* `at` was given */
    enum stage at; /* where it acts: `at`, else the measure's stage; delay-reject is minded by the replay */
    struct when when;
    struct exempt exempt;
    double cost;            /* NAN: the measure's default */
    bool warn;              /* only warns: stops nothing, its hits are counted aside */
    const void *parameters; /* the measure's own struct, defaults filled in */
    int line, column;       /* where it stands in the file, from 1 */
    struct str remark;      /* lines that policy_write() puts above it as comments; nothing reads them */
};

struct policy {
    struct str name;
    bool delay_reject;
    struct exempt exempt;
    struct networks trusted_relays;
    struct rule *rules; /* in the policy's order */
    size_t rule_count;
    struct str yaml;                /* the text that it was read from */
    bool has_lists;                 /* and it is not all: lists are in other files, or come with mxreplay */
    struct str remark, last_remark; /* as a rule's: above the policy, and below its measures */
    struct arena arena;             /* owns all of the above */
};

/* Reads a policy from a text. `origin` is what errors call it ("policy.yaml"). Errors name line, column and
 * cure: policy.yaml:12:7: greylist.delay: "5 minuts" is not a duration; write 5m, 300s or 1h30m Returns 0, or
 * -1 with why (EX_DATAERR). */
int policy_read(struct policy *policy, const char *origin, struct str yaml, struct why *why);
/* The same from a file, or where there is none of that name, from one that comes with mxreplay ("talk-2009").
 * A name that is neither is an error that lists those that come with it. */
int policy_load(struct policy *policy, const char *name, struct why *why);
void policy_free(struct policy *policy);
/* A copy whose rules may be changed, reordered and left out; all else is the original's, which must last as
 * long. It is freed as any policy. */
struct policy policy_copy(const struct policy *policy);
/* Sets a key of a rule to a value, both written as in a policy: "delay", "5m". 0, or -1 with why, which names
 * no place; then the rule is not to be used. */
int policy_set(struct policy *policy, size_t rule, struct str key, struct str value, struct why *why);
/* Writes a policy as YAML that policy_read() takes back to an equal one; `whole`: with the parameters that
 * are left at their defaults. */
int policy_write(const struct policy *policy, bool whole, FILE *to, struct why *why);

/* The policies that come with mxreplay. */
struct shipped_policy {
    const char *name, *yaml;
};
extern const struct shipped_policy shipped_policies[]; /* ends with { NULL, NULL } */

/* The lists that come with it, for { list: NAME }: each for one key, one entry a line. */
struct shipped_list {
    const char *name, *key, *text; /* "cloud-senders", "asns" */
};
extern const struct shipped_list shipped_lists[]; /* ends with a row without name */

/* For files that hold several policies and more besides (the oracle's): a policy from a YAML node that is
 * either a mapping as in a policy file, or a sequence of measures with the other keys as items among them. */
struct yaml_document_s;
struct yaml_node_s;
int policy_from_node(struct policy *policy, const char *origin, struct yaml_document_s *document,
                     struct yaml_node_s *node, struct why *why);

#endif
