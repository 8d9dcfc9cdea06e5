/* Networks as servers write them. */
#include "config/networks.h"

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
