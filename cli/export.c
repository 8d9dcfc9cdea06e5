/* mxreplay export: a copy of the database to give away, with pseudonyms for all that it says of anybody. */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "analyze/policy.h"
#include "base/progress.h"
#include "cli/commands.h"
#include "cli/export.h"
#include "cli/load.h"
#include "cli/say.h"
#include "schemas/provided.h"
#include "schemas/pseudonym.h"

enum { KEY_BYTES_MOST = 4096, PROGRESS_EVERY = 8192 };

static const char *const domains_words[] = { "hash", "keep" };

struct settings {
    struct common common;
    const char *key, *out;
    int domains; /* enum pseudonym_domains */
    bool force;
};

/* ---- The key. */

static int check_key(const char *path, const struct stat *status, size_t bytes, struct why *why)
{
    if (bytes < PSEUDONYM_KEY_BYTES_LEAST)
        return why_set(why, EX_DATAERR,
                       "%s: a key has at least %d bytes; make one with: head -c 32 /dev/urandom > %s", path,
                       PSEUDONYM_KEY_BYTES_LEAST, path);
    if (S_ISREG(status->st_mode) && status->st_mode & (S_IRGRP | S_IROTH))
        return why_set(why, EX_NOPERM,
                       "%s: others can read this key, and with it undo the pseudonyms; chmod 600 %s", path,
                       path);
    return 0;
}

static int read_key(const char *path, uint8_t key[KEY_BYTES_MOST], size_t *bytes, struct why *why)
{
    struct stat status;
    FILE *file = fopen(path, "rb");
    if (!file)
        return why_set(why, errno == EACCES ? EX_NOPERM : EX_NOINPUT,
                       "%s: %s; make a key with: (umask 077; head -c 32 /dev/urandom > %s)", path,
                       strerror(errno), path);
    *bytes = fread(key, 1, KEY_BYTES_MOST, file);
    bool failed = ferror(file) || fstat(fileno(file), &status) != 0;
    int result = failed ? why_set(why, EX_IOERR, "%s: cannot be read: %s", path, strerror(errno))
                        : check_key(path, &status, *bytes, why);
    fclose(file);
    return result;
}

/* ---- The copy. */

struct copying {
    struct pseudonyms *pseudonyms;
    struct sink to;
    struct arena arena; /* of a session */
    struct progress progress;
    uint64_t done, all;
    struct why *why;
};

static int copy_session(void *state, const struct session *session)
{
    struct copying *copying = state;
    struct session named;
    arena_reset(&copying->arena);
    pseudonym_session(copying->pseudonyms, &copying->arena, session, &named);
    if (copying->to.session(copying->to.state, &named, copying->why) != 0)
        return -1;
    copying->done++;
    if (copying->done % PROGRESS_EVERY == 0 && progress_due(&copying->progress)) {
        char count[PROGRESS_NUMBER_BYTES], all[PROGRESS_NUMBER_BYTES], left[PROGRESS_TIME_BYTES];
        progress_show(&copying->progress, "copying sessions: %s of %s, %s left",
                      progress_number(copying->done, count), progress_number(copying->all, all),
                      progress_left(&copying->progress, (double)copying->done, (double)copying->all, left));
    }
    return 0;
}

/* Of inputs stays what they covered, not what they were called and by what they are known again. */
static int copy_inputs(struct store *from, struct store *to, struct arena *arena, struct why *why)
{
    struct catalogue catalogue = store_catalogue(to);
    struct input *inputs = NULL;
    size_t count = 0;
    if (store_inputs(from, arena, &inputs, &count, why) < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        inputs[i].path = arena_printf(arena, "input-%d", inputs[i].id);
        inputs[i].zone = (struct str){ NULL, 0 };
        inputs[i].head_hash = inputs[i].head_bytes = inputs[i].tail_hash = inputs[i].tail_bytes = 0;
        if (catalogue.write(catalogue.state, &inputs[i], why) < 0)
            return -1;
    }
    return 0;
}

static int copy_recorded(struct store *from, struct store *to, const struct pseudonyms *pseudonyms,
                         struct arena *arena, struct why *why)
{
    struct recorded_policy *recorded = NULL;
    size_t count = 0;
    if (store_recorded(from, arena, &recorded, &count, why) < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        struct policy policy;
        char *yaml = NULL;
        size_t bytes = 0;
        if (policy_read(&policy, "recorded policy", recorded[i].yaml, why) < 0)
            return -1;
        policy.name = STR("recorded");
        FILE *written = open_memstream(&yaml, &bytes);
        policy_pseudonymise(&policy, pseudonyms);
        int result = policy_write(&policy, false, written, why);
        fclose(written);
        struct recorded_policy named = { STR("recorded"), { yaml, bytes }, recorded[i].from, recorded[i].to };
        result = result < 0 ? result : store_add_recorded(to, &named, why);
        free(yaml);
        policy_free(&policy);
        if (result < 0)
            return -1;
    }
    return 0;
}

/* Of evidence from elsewhere stays what measures look at; where it came from, and in which words, does not.
 */
struct copying_provided {
    const struct pseudonyms *pseudonyms;
    struct store *to;
    struct providing *providing;
    int64_t provider; /* of the original */
    unsigned n;       /* of the last piece, */
    struct provided last;
    struct arena arena;
    struct why *why;
};

static struct str pseudonym_about(const struct copying_provided *copying, struct arena *arena,
                                  enum about about, struct str name)
{
    switch (about) {
    case ABOUT_CLIENT:
    case ABOUT_SENDER_DOMAIN:
        return pseudonym_domain(copying->pseudonyms, arena, name);
    case ABOUT_SENDER:
    case ABOUT_RECIPIENT:
        return pseudonym_address(copying->pseudonyms, arena, name);
    case ABOUT_HELO:
        return pseudonym_helo(copying->pseudonyms, arena, name);
    case ABOUT_MESSAGE_ID:
        return pseudonym_id(copying->pseudonyms, arena, name);
    case ABOUT_SESSION:
    case ABOUTS:
        break;
    }
    return name;
}

static int begin_provider(struct copying_provided *copying, const struct provider *provider)
{
    struct provider named = *provider;
    if (copying->providing && providing_end(copying->providing, true, copying->why) < 0)
        return -1;
    arena_reset(&copying->arena);
    named.place = arena_printf(&copying->arena, "source-%" PRId64, provider->id);
    if (provider->kind == KIND_DNSBL)
        named.subject = pseudonym_zone(copying->pseudonyms, &copying->arena, provider->subject);
    copying->provider = provider->id;
    copying->last = (struct provided){ .at = USEC_NONE };
    copying->providing = store_provide(copying->to, &named, copying->why);
    return copying->providing ? 0 : -1;
}

static int copy_piece(void *state, const struct provider *provider, const struct provided *provided)
{
    struct copying_provided *copying = state;
    if ((!copying->providing || copying->provider != provider->id) && begin_provider(copying, provider) < 0)
        return -1;
    struct provided named = *provided;
    named.client = pseudonym_ip(copying->pseudonyms, &provided->client);
    named.name = pseudonym_about(copying, &copying->arena, (enum about)provider->about, provided->name);
    bool keeps_detail = provider->kind == KIND_COUNTRY || provider->kind == KIND_SPF;
    named.detail = keeps_detail ? provided->detail : (struct str){ NULL, 0 };
    /* Several answers of one moment come one after the other. */
    bool same = copying->last.at == named.at && ip_eq(&copying->last.client, &named.client) &&
                str_eq(copying->last.name, named.name);
    copying->n = same ? copying->n + 1 : 0;
    copying->last = named;
    return providing_add(copying->providing, &named, copying->n, copying->why);
}

static int copy_provided(struct store *from, struct store *to, const struct pseudonyms *pseudonyms,
                         struct why *why)
{
    struct copying_provided copying = { .pseudonyms = pseudonyms, .to = to, .why = why };
    int result = store_each_provided(from, copy_piece, &copying, why);
    if (copying.providing && providing_end(copying.providing, result == 0, result == 0 ? why : NULL) < 0)
        result = -1;
    arena_free(&copying.arena);
    return result;
}

static int copy_all(const struct settings *settings, struct store *from, struct store *to,
                    struct pseudonyms *pseudonyms, struct why *why)
{
    struct copying copying = { .pseudonyms = pseudonyms, .to = store_sink(to), .why = why };
    struct store_filter all = { .from = USEC_NONE, .to = USEC_NONE, .outbound = true, .any_order = true };
    struct store_summary summary = { 0 };
    struct arena arena = { 0 };
    int result = store_summarise(from, &summary, why);
    copying.all = summary.sessions;
    if (result == 0)
        result = store_begin_copy(to, why);
    if (result == 0)
        result = copy_recorded(from, to, pseudonyms, &arena, why);
    if (result == 0)
        result = copy_inputs(from, to, &arena, why);
    progress_begin(&copying.progress, settings->common.progress, settings->common.quiet);
    if (result == 0)
        result = store_each(from, &all, copy_session, &copying, why);
    progress_end(&copying.progress);
    if (result == 0)
        result = copy_provided(from, to, pseudonyms, why);
    if (result == 0)
        say("%s: %" PRIu64 " sessions under pseudonyms", settings->out, copying.done);
    arena_free(&copying.arena);
    arena_free(&arena);
    return result;
}

/* Beside its place, and moved there when it is whole. */
static int copy_to(const struct settings *settings, struct store *from, struct pseudonyms *pseudonyms,
                   struct why *why)
{
    struct store *to = NULL;
    char *beside = mem_alloc(strlen(settings->out) + sizeof ".part");
    sprintf(beside, "%s.part", settings->out);
    unlink(beside);
    int result = store_open(beside, STORE_WRITE, &to, why);
    if (result == 0) {
        result = copy_all(settings, from, to, pseudonyms, why);
        if (store_close(to, result < 0 ? NULL : why) < 0)
            result = -1;
    }
    if (result == 0 && rename(beside, settings->out) < 0)
        result = why_set(why, EX_CANTCREAT, "%s: %s", settings->out, strerror(errno));
    if (result < 0)
        unlink(beside);
    free(beside);
    return result;
}

/* ---- A policy that goes with it. */

static int write_policy(const struct settings *settings, const struct pseudonyms *pseudonyms, struct why *why)
{
    struct policy policy;
    if (policy_load(&policy, settings->common.policy, why) < 0)
        return -1;
    FILE *to = strcmp(settings->out, "-") == 0 ? stdout : fopen(settings->out, "w");
    int result = to ? 0 : why_set(why, EX_CANTCREAT, "%s: %s", settings->out, strerror(errno));
    if (result == 0) {
        policy_pseudonymise(&policy, pseudonyms);
        result = policy_write(&policy, false, to, why);
        if (to != stdout && fclose(to) != 0 && result == 0)
            result = why_set(why, EX_IOERR, "%s: %s", settings->out, strerror(errno));
    }
    policy_free(&policy);
    return result;
}

/* ---- The command. */

static int check_settings(const struct settings *settings, struct why *why)
{
    struct stat out, database;
    if (!settings->key)
        return why_set(why, EX_USAGE,
                       "export: under which key? For example: mxreplay export --pseudonymise key -o "
                       "copy.db; make a key with: (umask 077; head -c 32 /dev/urandom > key)");
    if (!settings->out)
        return why_set(why, EX_USAGE,
                       "export: where to? For example: mxreplay export --pseudonymise key -o copy.db");
    if (stat(settings->out, &out) < 0)
        return 0;
    if (stat(database_path(&settings->common), &database) == 0 && out.st_dev == database.st_dev &&
        out.st_ino == database.st_ino)
        return why_set(why, EX_USAGE, "%s: is the database itself; name another file with -o", settings->out);
    if (!settings->force)
        return why_set(why, EX_CANTCREAT, "%s: is there already; name another file, or add --force",
                       settings->out);
    return 0;
}

static int run(const void *given, char **operands, struct why *why)
{
    (void)operands;
    const struct settings *settings = given;
    uint8_t key[KEY_BYTES_MOST];
    size_t bytes = 0;
    struct store *from = NULL;
    if (check_settings(settings, why) < 0 || read_key(settings->key, key, &bytes, why) < 0)
        return -1;
    struct pseudonyms *pseudonyms =
        pseudonyms_new((struct str){ (const char *)key, bytes }, (enum pseudonym_domains)settings->domains);
    explicit_bzero(key, sizeof key);
    int result = -1;
    if (settings->common.policy) {
        result = write_policy(settings, pseudonyms, why);
    } else if (database_open(&settings->common, &from, why) == 0) {
        result = copy_to(settings, from, pseudonyms, why);
        store_close(from, NULL);
    }
    pseudonyms_free(pseudonyms);
    return result;
}

static const struct option_row options[] = {
    { .name = "pseudonymise",
      .type = OPTION_TEXT,
      .at = offsetof(struct settings, key),
      .argument = "KEYFILE",
      .help = "the key: a file of at least 32 random bytes that nobody else can read",
      .complete = COMPLETE_FILE },
    { .letter = 'o',
      .name = "output",
      .type = OPTION_TEXT,
      .at = offsetof(struct settings, out),
      .argument = "COPY",
      .help = "the database to make; with -p, the policy",
      .complete = COMPLETE_FILE },
    { .name = "domains",
      .type = OPTION_WORD,
      .at = offsetof(struct settings, domains),
      .argument = "HOW",
      .help = "hash: domains get pseudonyms up to their public suffix; keep: registered domains stay",
      .fallback = "hash",
      .words = domains_words,
      .word_count = sizeof domains_words / sizeof *domains_words },
    { .name = "force",
      .type = OPTION_FLAG,
      .at = offsetof(struct settings, force),
      .help = "write over a file that is there" },
    { .name = NULL },
};

static const char manual[] =
#include "doc/export.txt.inc"
    ;

const struct command export_command = {
    .name = "export",
    .summary = "Makes a pseudonymised copy of the database, to give away",
    .manual = manual,
    .options = options,
    .takes = TAKES_DATABASE | TAKES_POLICY | TAKES_PROGRESS,
    .settings_bytes = sizeof(struct settings),
    .run = run,
};
