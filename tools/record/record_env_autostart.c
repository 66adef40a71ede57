/* SPDX-License-Identifier: MIT */

#include <vmprof/autostart.h>

#include "environment.h"

int
record_env_autostart(struct environment *environment,
                     const struct recording *recording)
{
    return environment_set(environment, VMPROF_RECORD_VARIABLE,
                           "interval=%s;mode=%s;clock=%s;sampling=%s;file=%s",
                           recording->interval, recording->mode,
                           recording->clock, recording->sampling,
                           recording->path);
}
