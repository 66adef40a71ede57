/* SPDX-License-Identifier: MIT */

#include "jit_log.h"

#include <string.h>

#include "input.h"
#include "traces.h"

enum {
    LOOK_AT = 64 * 1024,
};

enum jit_log_kind
jit_log_kind(const char *path)
{
    enum jit_log_kind kind = JIT_LOG_NONE;
    struct input input;

    if (strcmp(path, "-") == 0 || input_open(&input, path) < 0)
        return JIT_LOG_NONE;
    input_need(&input, LOOK_AT);
    if (jitlog_is_at(input.data, input.size))
        kind = JIT_LOG_JITLOG;
    else if (pypylog_is_at(input.data, input.size))
        kind = JIT_LOG_PYPYLOG;
    input_close(&input);
    return kind;
}
