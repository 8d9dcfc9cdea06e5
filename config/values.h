/* Networks and times as servers write them. Only config/ includes this. */
#ifndef CONFIG_VALUES_H
#define CONFIG_VALUES_H

#include "base/clock.h"
#include "base/ip.h"
#include "base/str.h"

/* "192.0.2.0/24", "192.0.2.1", "[2001:db8::]/32", "192.0.2.7/24" (host bits are taken off, as servers do). */
bool network_of(struct str text, struct prefix *prefix);
/* "192.0.2.0/24"; a lone address without its length. Returns its length. */
size_t network_format(const struct prefix *prefix, char text[IP_TEXT_BYTES + 4]);
/* "30s", "2m", "1h", "5d", "1w"; `unit` is what holds where none is written. */
bool config_time(struct str text, char unit, usec *length);

#endif
