/* SPDX-License-Identifier: MIT */

#include "extra.h"

const char *
extra_name(enum extra extra)
{
    static const char *const names[EXTRA_COUNT] = {
        [EXTRA_NATIVE] = "[native]",
        [EXTRA_OFF_CPU] = "[off-CPU]",
        [EXTRA_UNSAMPLED] = "[unsampled]",
    };

    return names[extra];
}
