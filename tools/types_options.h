/* SPDX-License-Identifier: MIT */

/* Options that `vmprof types` and `vmprof diff` have in common. */
#ifndef TYPES_OPTIONS_H
#define TYPES_OPTIONS_H

#include "analyse/types.h"

/* Each returns 0, or STATUS_USAGE when it has said what is wrong. */
int
take_count(const char *command, const char *option, const char *argument,
           unsigned least, unsigned *count);
int
take_percent(const char *command, const char *option, const char *argument,
             double *percent);
int
take_min_percent(const char *command, const char *argument,
                 struct kind_rule *rule);
int
take_poly(const char *command, const char *argument, struct kind_rule *rule);

#endif
