/* The servers whose configuration can be read, and written. */
#define _POSIX_C_SOURCE 200809L
#include "config/server.h"

#include <stdarg.h>
#include <stdlib.h>
#include <sysexits.h>

#include "config/difference.h"

const struct config_server *const config_servers[] = { &config_postfix,  &config_exim,     &config_opensmtpd,
                                                       &config_spamdyke, &config_sendmail, NULL };

static struct str server_names(struct arena *arena)
{
    struct str list = STR("");
    for (size_t i = 0; config_servers[i]; i++)
        list = arena_printf(arena, "%.*s%s%s", STR_ARG(list), i ? ", " : "", config_servers[i]->name);
    return list;
}

static const struct config_server *find_server(const char *name, struct why *why)
{
    struct arena arena = { 0 };
    for (size_t i = 0; config_servers[i]; i++)
        if (strcmp(config_servers[i]->name, name) == 0)
            return config_servers[i];
    why_set(why, EX_USAGE, "there is no server \"%s\" whose configuration is known; possible: %.*s", name,
            STR_ARG(server_names(&arena)));
    arena_free(&arena);
    return NULL;
}

static const struct config_server *recognise(const struct files *files, struct why *why)
{
    struct arena arena = { 0 };
    for (size_t f = 0; f < files->count; f++)
        for (size_t i = 0; config_servers[i]; i++)
            if (config_servers[i]->recognise(files->file[f]))
                return config_servers[i];
    why_set(why, EX_DATAERR,
            "%s: not the configuration of a server that is known; if it is one of %.*s, say "
            "--server NAME",
            files->count ? files->file[0]->name : "nothing", STR_ARG(server_names(&arena)));
    arena_free(&arena);
    return NULL;
}

int config_import(const struct config_file *given, size_t count, const struct config_options *options,
                  struct imported *imported, struct why *why)
{
    struct draft draft = { 0 };
    struct files files = { 0 };
    struct why none = { 0 };
    *imported = (struct imported){ 0 };
    why = why ? why : &none;
    *why = (struct why){ 0 };
    int result = files_open(&files, given, count, options->closed, &draft.arena, why);
    const struct config_server *server = result            ? NULL
                                         : options->server ? find_server(options->server, why)
                                                           : recognise(&files, why);
    if (server) {
        imported->server = server->name;
        result =
            server->import(&files, options, &draft, why) || draft_finish(&draft, server->name, imported, why);
    }
    files_close(&files);
    draft_close(&draft);
    if (server && result == 0)
        return 0;
    imported_close(imported);
    return -1;
}

void imported_close(struct imported *imported)
{
    struct arena arena = imported->arena;
    policy_free(&imported->policy);
    *imported = (struct imported){ 0 };
    arena_free(&arena);
}

void export_says(struct exported *exported, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    mem_room(exported->words, exported->room, exported->count + 1);
    exported->words[exported->count++] = arena_str(&exported->arena, str_of(text));
}

/* Reads again what was written, and says where it is not what was asked for. */
static int compare(const struct policy *policy, const struct config_server *server, struct str text,
                   struct exported *exported, struct why *why)
{
    struct config_file file = { "export", text, 0 };
    struct config_options options = { .server = server->name, .closed = true };
    struct imported imported;
    if (config_import(&file, 1, &options, &imported, why))
        return -1;
    policy_differences(policy, &imported.policy, server->title, server->hint, exported);
    imported_close(&imported);
    return 0;
}

static void put_head(const struct policy *policy, const struct config_server *server,
                     const struct exported *exported, FILE *to)
{
    fprintf(to, "# %.*s for %s. \"#===\" begins another file.\n", STR_ARG(policy->name), server->title);
    if (exported->count)
        fputs("# Not as the policy asks for:\n", to);
    for (size_t i = 0; i < exported->count; i++)
        fprintf(to, "#   %.*s\n", STR_ARG(exported->words[i]));
}

static bool holds_everybody(const struct networks *networks)
{
    for (size_t i = 0; i < networks->count; i++) {
        const struct prefix *prefix = &networks->prefix[i];
        if (prefix->bits == 0 || (prefix->bits == 96 && ip_is_v4(&prefix->network)))
            return true;
    }
    return false;
}

/* Whether the lines would make a server that relays for all the world. */
static bool relays_for_everybody(const struct policy *policy)
{
    for (size_t i = 0; i < policy->rule_count; i++)
        if (rule_is(&policy->rules[i], "relay") &&
            (holds_everybody(&policy->exempt.networks) || holds_everybody(&policy->rules[i].exempt.networks)))
            return true;
    return false;
}

int config_export(const struct policy *policy, const char *name, FILE *to, struct exported *exported,
                  struct why *why)
{
    *exported = (struct exported){ 0 };
    const struct config_server *server = find_server(name, why);
    if (!server)
        return -1;
    if (!server->export)
        return why_set(why, EX_USAGE, "a policy cannot be written for %s", name);
    if (relays_for_everybody(policy))
        return why_set(
            why, EX_DATAERR,
            "%.*s: all the world is exempt of relay, so the server would be everybody's; name your "
            "own networks",
            STR_ARG(policy->name));
    char *text = NULL;
    size_t len = 0;
    FILE *lines = open_memstream(&text, &len);
    int result =
        lines ? server->export(policy, lines, exported, why) : why_set(why, EX_OSERR, "no memory stream");
    if (lines && fclose(lines))
        result = why_set(why, EX_OSERR, "no memory for the lines");
    if (result == 0)
        result = compare(policy, server, (struct str){ text, len }, exported, why);
    if (result == 0) {
        put_head(policy, server, exported, to);
        fwrite(text, 1, len, to);
    }
    free(text);
    return result;
}

void exported_close(struct exported *exported)
{
    free(exported->words);
    arena_free(&exported->arena);
    *exported = (struct exported){ 0 };
}
