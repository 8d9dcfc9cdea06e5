/* mxreplay policy import and export: between a server's configuration and a policy. */
#define _POSIX_C_SOURCE 200809L
#include "cli/policy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/yaml.h"
#include "cli/say.h"
#include "config/config.h"

static int read_file(const char *path, struct config_file *file, struct why *why)
{
    char *text = NULL;
    size_t len = 0;
    struct stat about;
    bool from_stdin = strcmp(path, "-") == 0;
    int in = from_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (in < 0)
        return why_set(why, EX_NOINPUT, "%s: %s", path, strerror(errno));
    int result = fstat(in, &about) == 0 && S_ISDIR(about.st_mode)
                     ? why_set(why, EX_NOINPUT, "%s: a folder; name the files in it, such as main.cf", path)
                     : reader_bytes(in, path, &text, &len, why);
    if (!from_stdin)
        close(in);
    if (result == 0 && len > READER_BYTES_MOST)
        result = why_set(why, EX_DATAERR, "%s: more than 1 MB; a server's configuration is shorter", path);
    *file = (struct config_file){ from_stdin ? "standard input" : path, { text, len }, 0 };
    return result;
}

/* What is not in the policy goes to people, the policy to standard output. */
static int tell(const struct policy_settings *settings, const struct imported *imported)
{
    for (size_t i = 0; i < imported->count; i++) {
        const struct finding *finding = &imported->findings[i];
        if (!finding->why.len)
            continue;
        const char *part = finding->mapped ? "only in part" : "not in the policy";
        if (finding->line)
            say("%s:%zu: %.*s: %s: %.*s", finding->file, finding->line, STR_ARG(finding->what), part,
                STR_ARG(finding->why));
        else
            say("%.*s: %s: %.*s", STR_ARG(finding->what), part, STR_ARG(finding->why));
    }
    fwrite(imported->yaml.at, 1, imported->yaml.len, stdout);
    say("%s: %zu %s; %zu of %zu things that bear on it are in it", imported->server,
        imported->policy.rule_count, imported->policy.rule_count == 1 ? "measure" : "measures",
        imported->count - imported->unmapped, imported->count);
    return settings->common.strict && imported->unmapped ? 1 : 0;
}

int policy_import(const struct policy_settings *settings, char **paths, struct why *why)
{
    struct config_options options = { .server = settings->server, .postgrey = settings->postgrey };
    struct imported imported;
    size_t count = 0, read = 0;
    int result = 0;
    while (paths[count])
        count++;
    if (!count)
        return why_set(why, EX_USAGE,
                       "policy import: which file? mxreplay policy import /etc/postfix/main.cf");
    struct config_file *files = mem_zero(count, sizeof *files);
    while (result == 0 && read < count)
        result = read_file(paths[read], &files[read], why), read++;
    if (result == 0)
        result = config_import(files, count, &options, &imported, why);
    if (result == 0) {
        result = tell(settings, &imported);
        imported_close(&imported);
    }
    for (size_t i = 0; i < read; i++)
        free((char *)files[i].text.at);
    free(files);
    return result;
}

static const char *server_of(const struct policy_settings *settings, struct why *why)
{
    const char *given[] = { settings->to_postfix ? "postfix" : NULL, settings->to_exim ? "exim" : NULL,
                            settings->to_opensmtpd ? "opensmtpd" : NULL };
    const char *server = NULL;
    int count = 0;
    for (size_t i = 0; i < sizeof given / sizeof *given; i++)
        if (given[i]) {
            server = given[i];
            count++;
        }
    if (count != 1)
        why_set(why, EX_USAGE, "policy export: for which server? one of --postfix, --exim, --opensmtpd");
    return count == 1 ? server : NULL;
}

int policy_export(const struct policy_settings *settings, char **names, struct why *why)
{
    struct policy policy;
    struct exported exported;
    const char *server = server_of(settings, why);
    if (!server)
        return -1;
    if (!names[0] || names[1])
        return why_set(why, EX_USAGE, "policy export: which policy? mxreplay policy export --%s my.yaml",
                       server);
    if (policy_load(&policy, names[0], why))
        return -1;
    int result = config_export(&policy, server, stdout, &exported, why);
    for (size_t i = 0; result == 0 && i < exported.count; i++)
        say("not as asked: %.*s", STR_ARG(exported.words[i]));
    if (result == 0 && settings->common.strict && exported.count)
        result = 1;
    exported_close(&exported);
    policy_free(&policy);
    return result;
}
