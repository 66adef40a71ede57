/* SPDX-License-Identifier: MIT */

/* Builtins: functions of the language that are written in C. */
#ifndef TOY_NATIVE_H
#define TOY_NATIVE_H

#include "value.h"

#include <vmprof/code.h>

struct interp;

/*
 * Sets *result and returns true, or throws: returns what throw_error() does.
 * A builtin never runs code of the language, so calls do not nest on the C
 * stack; and nothing is collected while it runs.
 */
typedef bool (*native_function)(struct interp *interp,
                                const struct value *arguments, size_t count,
                                struct value *result);

struct native {
    const char *name;
    native_function function;
    size_t min_count; /* of arguments */
    size_t max_count;
    bool takes_long;      /* more than a few bytecodes */
    vmprof_code_id id;    /* see profile.c */
    native_function call; /* what is called instead: see events.c */
};

extern struct native natives[];
extern const size_t native_count;

/* NULL if there is none of that name. */
const struct native *
native_find(const char *name, size_t length);

/* native_text.c */
bool
native_print(struct interp *, const struct value *, size_t, struct value *);
bool
native_len(struct interp *, const struct value *, size_t, struct value *);
bool
native_str(struct interp *, const struct value *, size_t, struct value *);
bool
native_int(struct interp *, const struct value *, size_t, struct value *);
bool
native_float(struct interp *, const struct value *, size_t, struct value *);
bool
native_type(struct interp *, const struct value *, size_t, struct value *);

/* native_list.c */
bool
native_push(struct interp *, const struct value *, size_t, struct value *);
bool
native_pop(struct interp *, const struct value *, size_t, struct value *);
bool
native_sort(struct interp *, const struct value *, size_t, struct value *);
bool
native_keys(struct interp *, const struct value *, size_t, struct value *);

/* native_time.c */
bool
native_clock(struct interp *, const struct value *, size_t, struct value *);
bool
native_cpu_time(struct interp *, const struct value *, size_t, struct value *);
bool
native_burn_ns(struct interp *, const struct value *, size_t, struct value *);
bool
native_burn_rounds(struct interp *, const struct value *, size_t,
                   struct value *);
bool
native_gc(struct interp *, const struct value *, size_t, struct value *);

/* native_profile.c */
bool
native_profile_pause(struct interp *, const struct value *, size_t,
                     struct value *);
bool
native_profile_resume(struct interp *, const struct value *, size_t,
                      struct value *);

/* native_types.c */
bool
native_set_profile_interp(struct interp *, const struct value *, size_t,
                          struct value *);
bool
native_set_profile_interp_all(struct interp *, const struct value *, size_t,
                              struct value *);
bool
native_set_profile_interp_period(struct interp *, const struct value *, size_t,
                                 struct value *);
bool
native_get_and_clear_type_profiles(struct interp *, const struct value *,
                                   size_t, struct value *);
bool
native_clear_type_profiles(struct interp *, const struct value *, size_t,
                           struct value *);
bool
native_profile_calls(struct interp *, const struct value *, size_t,
                     struct value *);

/* native_events.c */
bool
native_set_events(struct interp *, const struct value *, size_t,
                  struct value *);
bool
native_set_function_events(struct interp *, const struct value *, size_t,
                           struct value *);

/* native_jit.c */
bool
native_jit_invalidate(struct interp *, const struct value *, size_t,
                      struct value *);

/* coroutine.c */
bool
native_spawn(struct interp *, const struct value *, size_t, struct value *);
bool
native_close(struct interp *, const struct value *, size_t, struct value *);
bool
native_done(struct interp *, const struct value *, size_t, struct value *);

/* thread.c */
bool
native_thread_start(struct interp *, const struct value *, size_t,
                    struct value *);
bool
native_thread_join(struct interp *, const struct value *, size_t,
                   struct value *);

#endif
