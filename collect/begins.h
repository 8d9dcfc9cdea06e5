/* When a log begins whose first line is of a time that its clock showed twice. */
#ifndef COLLECT_BEGINS_H
#define COLLECT_BEGINS_H

#include "collect/survey.h"
#include "collect/wall.h"

/* The time of its first stamp, of found->year, by found->wall. */
usec begins_at(const struct found *found);

#endif
