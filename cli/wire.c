/* What collect and live are told of packets. */
#include "cli/wire.h"

#include <sysexits.h>

int wire_options(const struct wire_settings *settings, struct arena *arena, struct capture_options *options,
                 struct why *why)
{
    const struct option_texts *own = &settings->own, *ports = &settings->ports;
    struct ip *addresses = arena_zero(arena, (own->count + 1) * sizeof *addresses);
    uint16_t *numbers = arena_zero(arena, (ports->count + 1) * sizeof *numbers);
    for (size_t i = 0; i < own->count; i++)
        if (!ip_parse(str_of(own->text[i]), &addresses[i]))
            return why_set(why, EX_USAGE, "--mx: \"%s\" is not an address; write 192.0.2.10 or 2001:db8::10",
                           own->text[i]);
    for (size_t i = 0; i < ports->count; i++) {
        uint64_t number = 0;
        if (!str_number(str_of(ports->text[i]), &number) || number == 0 || number > UINT16_MAX)
            return why_set(why, EX_USAGE, "--port: \"%s\" is not a port; write a number from 1 to 65535",
                           ports->text[i]);
        numbers[i] = (uint16_t)number;
    }
    *options = (struct capture_options){ .own = addresses,
                                         .own_count = own->count,
                                         .dns_paths = settings->dns_files.text,
                                         .dns_count = settings->dns_files.count,
                                         .ports = numbers,
                                         .port_count = ports->count,
                                         .any_port = settings->any_port,
                                         .headers = settings->headers,
                                         .bytes_most = settings->memory };
    return 0;
}
