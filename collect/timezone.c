/* Zones by name. */
#include "collect/timezone.h"

enum { NAME_BYTES_MOST = 6 };

/* After the time zone database's files "europe", "northamerica", "asia" and "australasia"; those of America
 * as RFC 5322 4.3 has them, CST, which is China's too, included. */
static const struct {
    struct str name;
    int minutes;
} zones[] = {
    { STR_INIT("UTC"), 0 },    { STR_INIT("GMT"), 0 },     { STR_INIT("WET"), 0 },
    { STR_INIT("WEST"), 60 },  { STR_INIT("BST"), 60 },    { STR_INIT("CET"), 60 },
    { STR_INIT("MET"), 60 },   { STR_INIT("CEST"), 120 },  { STR_INIT("MEST"), 120 },
    { STR_INIT("SAST"), 120 }, { STR_INIT("EET"), 120 },   { STR_INIT("EEST"), 180 },
    { STR_INIT("MSK"), 180 },  { STR_INIT("EAT"), 180 },   { STR_INIT("JST"), 540 },
    { STR_INIT("KST"), 540 },  { STR_INIT("AWST"), 480 },  { STR_INIT("ACST"), 570 },
    { STR_INIT("ACDT"), 630 }, { STR_INIT("AEST"), 600 },  { STR_INIT("AEDT"), 660 },
    { STR_INIT("NZST"), 720 }, { STR_INIT("NZDT"), 780 },  { STR_INIT("EST"), -300 },
    { STR_INIT("EDT"), -240 }, { STR_INIT("CST"), -360 },  { STR_INIT("CDT"), -300 },
    { STR_INIT("MST"), -420 }, { STR_INIT("MDT"), -360 },  { STR_INIT("PST"), -480 },
    { STR_INIT("PDT"), -420 }, { STR_INIT("AKST"), -540 }, { STR_INIT("AKDT"), -480 },
    { STR_INIT("HST"), -600 },
};

/* "+03", "-0330": what zones without letters are called. */
static bool by_number(struct str name, usec *zone)
{
    struct str digits = str_skip(name, 1);
    uint64_t number = 0;
    if ((digits.len != 2 && digits.len != 4) || !str_number(digits, &number))
        return false;
    uint64_t hours = digits.len == 2 ? number : number / 100, minutes = digits.len == 2 ? 0 : number % 100;
    *zone = (name.at[0] == '-' ? -1 : 1) * ((usec)hours * USEC_HOUR + (usec)minutes * USEC_MINUTE);
    return hours < 24 && minutes < 60;
}

bool timezone_by_name(struct str name, usec *zone)
{
    *zone = 0;
    if (name.len < 3 || name.len > NAME_BYTES_MOST)
        return false;
    if (name.at[0] == '+' || name.at[0] == '-')
        return by_number(name, zone);
    for (size_t i = 0; i < sizeof zones / sizeof *zones; i++)
        if (str_eq(name, zones[i].name)) {
            *zone = zones[i].minutes * USEC_MINUTE;
            return true;
        }
    for (size_t i = 0; i < name.len; i++)
        if (name.at[i] < 'A' || name.at[i] > 'Z')
            return false;
    return true;
}
