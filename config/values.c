/* Networks and times as servers write them. */
#include "config/values.h"

#include <stdio.h>

bool network_of(struct str text, struct prefix *prefix)
{
    struct str address = text, rest = text;
    struct ip ip;
    uint64_t bits = 0;
    bool length = cut_until_char(&rest, '/', &address);
    if (address.len > 2 && address.at[0] == '[' && address.at[address.len - 1] == ']')
        address = (struct str){ address.at + 1, address.len - 2 };
    if (!ip_parse(address, &ip))
        return false;
    uint64_t most = ip_is_v4(&ip) ? 32 : 128;
    if (length && (!str_number(rest, &bits) || bits > most))
        return false;
    bits = length ? bits : most;
    *prefix = ip_network(&ip, (unsigned)bits, (unsigned)bits);
    return true;
}

size_t network_format(const struct prefix *prefix, char text[IP_TEXT_BYTES + 4])
{
    return prefix->bits == 128 ? ip_format(&prefix->network, text) : prefix_format(prefix, text);
}

bool config_time(struct str text, char unit, usec *length)
{
    static const struct {
        char unit;
        usec length;
    } units[] = { { 's', USEC_SECOND },
                  { 'm', USEC_MINUTE },
                  { 'h', USEC_HOUR },
                  { 'd', USEC_DAY },
                  { 'w', 7 * USEC_DAY } };
    uint64_t number = 0;
    if (!cut_number(&text, &number) || number > 1000000000 || text.len > 1)
        return false;
    unit = text.len ? ascii_lower(text.at[0]) : unit;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (units[i].unit == unit)
            return !__builtin_mul_overflow((usec)number, units[i].length, length) &&
                   *length < 36500 * USEC_DAY;
    return false;
}
