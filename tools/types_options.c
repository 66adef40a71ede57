/* SPDX-License-Identifier: MIT */

#include "types_options.h"

#include <errno.h>
#include <stdlib.h>

#include "commands.h"

enum {
    MOST = 1000000,
};

int
take_count(const char *command, const char *option, const char *argument,
           unsigned least, unsigned *count)
{
    char *end;
    unsigned long number;

    errno = 0;
    number = strtoul(argument, &end, 10);
    if (*argument < '0' || *argument > '9' || *end || errno || number < least ||
        number > MOST)
        return usage_error(command, "%s is a number from %u to %d, not \"%s\"",
                           option, least, MOST, argument);
    *count = (unsigned)number;
    return 0;
}

int
take_percent(const char *command, const char *option, const char *argument,
             double *percent)
{
    char *end;
    const double number = strtod(argument, &end);

    if (end == argument || *end || !(number >= 0 && number <= 100))
        return usage_error(command, "%s is from 0 to 100, not \"%s\"", option,
                           argument);
    *percent = number;
    return 0;
}

int
take_min_percent(const char *command, const char *argument,
                 struct kind_rule *rule)
{
    return take_percent(command, "--min-percent", argument, &rule->min_percent);
}

int
take_poly(const char *command, const char *argument, struct kind_rule *rule)
{
    return take_count(command, "--poly", argument, 1, &rule->most);
}
