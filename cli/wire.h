/* What collect and live are told of packets: the same options, once. */
#ifndef CLI_WIRE_H
#define CLI_WIRE_H

#include "base/memory.h"
#include "cli/options.h"
#include "collect/collect.h"

struct wire_settings {
    struct option_texts dns_files, own, ports;
    bool any_port, headers;
    uint64_t memory;
};

/* The rows of a command whose settings have a struct wire_settings `wire`. */
#define WIRE_ROWS(settings)                                                                                  \
    { .name = "mx",                                                                                          \
      .type = OPTION_TEXTS,                                                                                  \
      .at = offsetof(settings, wire.own),                                                                    \
      .argument = "ADDRESS",                                                                                 \
      .help = "a mail server of the site: in captures, its sessions to others go out; else it is learnt" },  \
        { .name = "port",                                                                                    \
          .type = OPTION_TEXTS,                                                                              \
          .at = offsetof(settings, wire.ports),                                                              \
          .argument = "PORT",                                                                                \
          .help = "in captures, a port of SMTP, once for each; else 25, 465, 587 and 2525" },                \
        { .name = "any-port",                                                                                \
          .type = OPTION_FLAG,                                                                               \
          .at = offsetof(settings, wire.any_port),                                                           \
          .help = "in captures, each port whose server says 220 ... SMTP" },                                 \
        { .name = "headers",                                                                                 \
          .type = OPTION_FLAG,                                                                               \
          .at = offsetof(settings, wire.headers),                                                            \
          .help = "of captured messages, keep Message-ID, Subject and the domain of From" },                 \
    {                                                                                                        \
        .name = "memory", .type = OPTION_SIZE, .at = offsetof(settings, wire.memory), .argument = "SIZE",    \
        .help = "that captured connections may take; beyond it the longest idle ones are closed",            \
        .fallback = "256M"                                                                                   \
    }

/* What was told, as the collector wants it; arrays in `arena`. 0, or -1 with why. */
int wire_options(const struct wire_settings *settings, struct arena *arena, struct capture_options *options,
                 struct why *why);

#endif
