/* SPDX-License-Identifier: MIT */

/* Builtins that profile bytecodes and types. */
#include "interp.h"
#include "native.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

/* set_profile_interp(on): for this thread; what it was */
bool
native_set_profile_interp(struct interp *interp, const struct value *arguments,
                          size_t count, struct value *result)
{
    (void)interp, (void)count;
    *result =
        value_bool(vmprof_set_profile_interp(value_is_true(arguments[0])) > 0);
    return true;
}

/* set_profile_interp_all(on): for all threads, also those yet to come */
bool
native_set_profile_interp_all(struct interp *interp,
                              const struct value *arguments, size_t count,
                              struct value *result)
{
    (void)interp, (void)count;
    (void)vmprof_set_profile_interp_all(value_is_true(arguments[0]));
    *result = value_nil();
    return true;
}

static uint64_t
as_count(struct value value)
{
    return value.type == VALUE_INT && value.integer > 0
               ? (uint64_t)value.integer
               : 0;
}

/* set_profile_interp_period(n): every n-th bytecode is a hit */
bool
native_set_profile_interp_period(struct interp *interp,
                                 const struct value *arguments, size_t count,
                                 struct value *result)
{
    int error = vmprof_set_profile_interp_period(as_count(arguments[0]));

    (void)count;
    *result = value_nil();
    return error == 0 ||
           throw_error(interp, "not a period: %s", vmprof_strerror(error));
}

static int
add_text(void *text, const void *data, size_t size)
{
    text_add(text, data, size);
    return 0;
}

/* get_and_clear_type_profiles(): a list of rows, each a line of JSON */
bool
native_get_and_clear_type_profiles(struct interp *interp,
                                   const struct value *arguments, size_t count,
                                   struct value *result)
{
    struct heap *heap = &interp->heap;
    struct value list = value_cell(VALUE_LIST, heap_new_list(heap));
    struct text text = { 0 };
    int error = profile_write_types(add_text, &text);
    size_t start = 0;

    (void)arguments, (void)count;
    for (size_t i = 0; i < text.length; i++) {
        if (text.bytes[i] != '\n')
            continue;
        list_push(
            heap, list.list,
            value_cell(VALUE_STRING,
                       heap_new_string(heap, text.bytes + start, i - start)));
        start = i + 1;
    }
    free(text.bytes);
    *result = list;
    return error == 0 || throw_error(interp, "cannot read the profile: %s",
                                     vmprof_strerror(error));
}

/* clear_type_profiles() */
bool
native_clear_type_profiles(struct interp *interp, const struct value *arguments,
                           size_t count, struct value *result)
{
    int error = vmprof_clear_type_profiles();

    (void)arguments, (void)count;
    *result = value_nil();
    return error == 0 || throw_error(interp, "cannot clear the profile: %s",
                                     vmprof_strerror(error));
}

/* profile_calls(function, n): all bytecodes of its next n calls are hits */
bool
native_profile_calls(struct interp *interp, const struct value *arguments,
                     size_t count, struct value *result)
{
    int error;

    (void)count;
    if (arguments[0].type != VALUE_FUNCTION)
        return throw_error(interp,
                           "profile_calls needs a function, this is "
                           "a %s",
                           value_type_name(arguments[0].type));
    error = vmprof_add_candidate(arguments[0].function->id,
                                 as_count(arguments[1]), NULL, NULL);
    *result = value_nil();
    return error == 0 || throw_error(interp, "cannot profile calls: %s",
                                     vmprof_strerror(error));
}
