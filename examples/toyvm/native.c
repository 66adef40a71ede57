/* SPDX-License-Identifier: MIT */

/* The table of the builtins. */
#include "native.h"

#include <string.h>

#define ANY 250 /* as many as a call can have */

struct native natives[] = {
    { "print", native_print, 0, ANY, true, 0, NULL },
    { "len", native_len, 1, 1, false, 0, NULL },
    { "str", native_str, 1, 1, false, 0, NULL },
    { "int", native_int, 1, 1, false, 0, NULL },
    { "float", native_float, 1, 1, false, 0, NULL },
    { "type", native_type, 1, 1, false, 0, NULL },
    { "push", native_push, 2, 2, false, 0, NULL },
    { "pop", native_pop, 1, 1, false, 0, NULL },
    { "sort", native_sort, 1, 1, true, 0, NULL },
    { "keys", native_keys, 1, 1, false, 0, NULL },
    { "clock", native_clock, 0, 0, false, 0, NULL },
    { "cpu_time", native_cpu_time, 0, 0, false, 0, NULL },
    { "burn_ns", native_burn_ns, 1, 1, true, 0, NULL },
    { "burn_rounds", native_burn_rounds, 1, 1, true, 0, NULL },
    { "gc", native_gc, 0, 0, true, 0, NULL },
    { "profile_pause", native_profile_pause, 0, 0, false, 0, NULL },
    { "profile_resume", native_profile_resume, 0, 0, false, 0, NULL },
    { "set_profile_interp", native_set_profile_interp, 1, 1, false, 0, NULL },
    { "set_profile_interp_all", native_set_profile_interp_all, 1, 1, false, 0,
      NULL },
    { "set_profile_interp_period", native_set_profile_interp_period, 1, 1,
      false, 0, NULL },
    { "get_and_clear_type_profiles", native_get_and_clear_type_profiles, 0, 0,
      false, 0, NULL },
    { "clear_type_profiles", native_clear_type_profiles, 0, 0, false, 0, NULL },
    { "profile_calls", native_profile_calls, 2, 2, false, 0, NULL },
    { "set_events", native_set_events, 1, 1, false, 0, NULL },
    { "set_function_events", native_set_function_events, 2, 2, false, 0, NULL },
    { "jit_invalidate", native_jit_invalidate, 1, 1, false, 0, NULL },
    { "spawn", native_spawn, 1, ANY, false, 0, NULL },
    { "close", native_close, 1, 1, true, 0, NULL },
    { "done", native_done, 1, 1, false, 0, NULL },
    { "thread_start", native_thread_start, 1, ANY, true, 0, NULL },
    { "thread_join", native_thread_join, 1, 1, true, 0, NULL },
};

const size_t native_count = sizeof(natives) / sizeof(natives[0]);

const struct native *
native_find(const char *name, size_t length)
{
    for (size_t i = 0; i < native_count; i++) {
        if (strlen(natives[i].name) == length &&
            memcmp(natives[i].name, name, length) == 0)
            return &natives[i];
    }
    return NULL;
}
