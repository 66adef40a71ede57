/* SPDX-License-Identifier: MIT */

#include <vmprof/autostart.h>

#include "environment.h"

#include <string.h>

int
record_env_autostart(struct environment *environment,
                     const struct recording *recording)
{
    /* Only when asked for: a VM that was linked to an older autostart refuses
     * what it does not know. */
    return environment_set(
        environment, VMPROF_RECORD_VARIABLE,
        "interval=%s;mode=%s;clock=%s;%s%s%s%s%s%s%s%s%sfile=%s",
        recording->interval, recording->mode, recording->clock,
        strcmp(recording->sampling, "signal") ? "" : "sampling=signal;",
        recording->native ? "native=" : "",
        recording->native ? recording->native : "",
        recording->native ? ";" : "", recording->format ? "format=" : "",
        recording->format ? recording->format : "",
        recording->format ? ";" : "", recording->memory ? "memory=on;" : "",
        recording->lines ? "lines=on;" : "", recording->path);
}
