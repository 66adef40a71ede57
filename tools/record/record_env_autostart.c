/* SPDX-License-Identifier: MIT */

#include <vmprof/autostart.h>

#include "environment.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Only when asked for: a VM that was linked to an older autostart refuses what
 * it does not know. */
static void
add(FILE *list, const char *name, const char *value)
{
    if (value)
        fprintf(list, "%s=%s;", name, value);
}

static void
write_list(FILE *list, const struct recording *recording)
{
    add(list, "interval", recording->interval);
    add(list, "mode", recording->mode);
    add(list, "clock", recording->clock);
    if (strcmp(recording->sampling, "auto") != 0)
        add(list, "sampling", recording->sampling);
    add(list, "native", recording->native);
    add(list, "format", recording->format);
    add(list, "memory", recording->memory ? "on" : NULL);
    add(list, "lines", recording->lines ? "on" : NULL);
    add(list, "jit", recording->jit);
    add(list, "jit-inner", recording->jit_inner);
    add(list, "jit-overflow", recording->jit_overflow);
    add(list, "events", recording->events);
    add(list, "event-period", recording->event_period);
    add(list, "event-rate", recording->event_rate);
    add(list, "tool", recording->tools);
    fprintf(list, "file=%s", recording->path);
}

int
record_env_autostart(struct environment *environment,
                     const struct recording *recording)
{
    char *value = NULL;
    size_t size;
    FILE *const list = open_memstream(&value, &size);
    int r;

    if (!list)
        return -ENOMEM;
    write_list(list, recording);
    r = fclose(list) == 0
            ? environment_set(environment, VMPROF_RECORD_VARIABLE, "%s", value)
            : -ENOMEM;
    free(value);
    return r;
}
