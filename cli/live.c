/* mxreplay live: packets of an interface to a database. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "cli/collect.h"
#include "cli/commands.h"
#include "cli/load.h"
#include "cli/privileges.h"
#include "cli/say.h"
#include "cli/stop.h"
#include "cli/wire.h"
#include "collect/live.h"

struct settings {
    struct common common;
    struct wire_settings wire;
    const char *user;
    uint64_t ring;
    bool promiscuous, no_sandbox;
};

static void summary(const char *interface, const char *path, const struct collected *collected)
{
    say("%s: %" PRIu64 " sessions from %" PRIu64 " packets of %s", path, collected->sessions,
        collected->packets, interface);
    if (collected->skipped)
        say("%s: %" PRIu64
            " packets were dropped before they could be seen; sessions that miss some are marked. A "
            "larger --ring may help",
            interface, collected->skipped);
}

/* With the store open; the signals that end it have been made a descriptor before its thread was there. */
static int listen_on(const struct settings *settings, struct store *store, struct tap *tap,
                     const struct live_options *options, struct collected *collected, struct why *why)
{
    if (!settings->no_sandbox && sandbox_enter(why) < 0)
        return -1;
    struct live_options live = *options;
    struct sink sink = store_sink(store);
    struct catalogue catalogue = store_catalogue(store);
    live.first_session = store_next_session(store);
    say("listening on %s; end it with Control-C, or SIGTERM", options->interface);
    return collect_live(&live, tap, &sink, &catalogue, collected, why);
}

static int run(const void *given, char **operands, struct why *why)
{
    const struct settings *settings = given;
    const char *path = database_path(&settings->common);
    struct arena arena = { 0 };
    struct capture_options capture;
    struct identity identity;
    struct store *store = NULL;
    struct tap *tap = NULL;
    struct collected collected = { 0 };
    struct live_options wishes = { .interface = operands[0], .capture = &capture };
    struct tap_options listening = { .interface = operands[0],
                                     .capture = &capture,
                                     .ring_bytes = settings->ring,
                                     .promiscuous = settings->promiscuous };
    int result = -1;
    bool existed = access(path, F_OK) == 0;
    if (wire_options(&settings->wire, &arena, &capture, why) < 0 ||
        identity_find(&identity, settings->user, path, why) < 0)
        goto done;
    tap = tap_open(&listening, why);
    if (!tap || privileges_drop(&identity, why) < 0)
        goto done;
    wishes.stop = stop_begin();
    if (store_open(path, STORE_WRITE, &store, why) == 0) {
        result = listen_on(settings, store, tap, &wishes, &collected, why);
        if (store_close(store, result < 0 ? NULL : why) < 0)
            result = -1;
        if (result == 0 || collected.packets)
            summary(operands[0], path, &collected);
        if (result < 0)
            collect_forget(path, existed, &collected);
    } else if (identity.name) {
        why_prefix(why, "as user %s: ", identity.name);
    }
    stop_end(wishes.stop);
done:
    tap_close(tap);
    arena_free(&arena);
    return result;
}

static const struct option_row options[] = {
    { .name = "user",
      .type = OPTION_TEXT,
      .at = offsetof(struct settings, user),
      .argument = "USER",
      .help = "as whom to go on once the interface is open; else who called sudo, or the database's owner" },
    { .name = "ring",
      .type = OPTION_SIZE,
      .at = offsetof(struct settings, ring),
      .argument = "SIZE",
      .help = "of the kernel's buffer where packets wait",
      .fallback = "64M" },
    { .name = "promiscuous",
      .type = OPTION_FLAG,
      .at = offsetof(struct settings, promiscuous),
      .help = "what is sent to others, too: for a port to which a switch mirrors" },
    { .name = "no-sandbox",
      .type = OPTION_FLAG,
      .at = offsetof(struct settings, no_sandbox),
      .help = "without the filter of system calls, for kernels that have none" },
    WIRE_ROWS(struct settings),
    { .name = NULL },
};

static const char manual[] =
#include "doc/live.txt.inc"
    ;

const struct command live_command = {
    .name = "live",
    .operands = "INTERFACE",
    .summary = "Collects SMTP sessions from the wire",
    .manual = manual,
    .options = options,
    .takes = TAKES_DATABASE,
    .settings_bytes = sizeof(struct settings),
    .least = 1,
    .most = 1,
    .missing = "which interface? For example: mxreplay live eth0",
    .run = run,
};
