/* From a file, or from what comes with mxreplay, to a policy. */
#define _POSIX_C_SOURCE 200809L
#include "analyze/policy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/yaml.h"

const struct shipped_policy shipped_policies[] = {
    {
        "talk-2009",
#include "policies/talk-2009.yaml.inc"
    },
    {
        "postfix-typical",
#include "policies/postfix-typical.yaml.inc"
    },
    {
        "strict",
#include "policies/strict.yaml.inc"
    },
    { NULL, NULL },
};

static int take_root(struct reader *reader, yaml_node_t *root, void *state)
{
    return policy_from_node(state, reader->origin, reader->document, root, reader->why);
}

int policy_read(struct policy *policy, const char *origin, struct str yaml, struct why *why)
{
    *policy = (struct policy){ 0 };
    if (reader_document(origin, "policy", yaml, NULL, take_root, policy, why))
        return -1;
    policy->yaml = arena_str(&policy->arena, yaml);
    return 0;
}

static int no_such(const char *name, struct why *why)
{
    char list[256] = "";
    size_t used = 0;
    for (const struct shipped_policy *p = shipped_policies; p->name && used < sizeof list; p++)
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", used ? ", " : "", p->name);
    return why_set(why, EX_NOINPUT,
                   "%s: there is no policy file of that name; those that come with mxreplay are %s", name,
                   list);
}

int policy_load(struct policy *policy, const char *name, struct why *why)
{
    *policy = (struct policy){ 0 };
    bool from_stdin = strcmp(name, "-") == 0;
    int in = from_stdin ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC);
    struct stat about;
    if (in < 0 && errno != ENOENT && errno != ENOTDIR)
        return why_set(why, EX_NOINPUT, "%s: %s", name, strerror(errno));
    if (in >= 0 && !from_stdin && fstat(in, &about) == 0 && S_ISDIR(about.st_mode)) {
        close(in); /* sample-logs/talk-2009/ does not hide talk-2009 */
        in = -1;
    }
    if (in < 0) {
        for (const struct shipped_policy *p = shipped_policies; p->name; p++)
            if (strcmp(p->name, name) == 0)
                return policy_read(policy, name, str_of(p->yaml), why);
        return no_such(name, why);
    }
    char *text = NULL;
    size_t len = 0;
    int result = reader_bytes(in, from_stdin ? "(stdin)" : name, &text, &len, why);
    if (!from_stdin)
        close(in);
    if (result == 0)
        result = policy_read(policy, from_stdin ? "(stdin)" : name, (struct str){ text, len }, why);
    free(text);
    return result;
}
