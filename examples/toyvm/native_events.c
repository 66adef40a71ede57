/* SPDX-License-Identifier: MIT */

/* Builtins that print events. */
#include "events.h"
#include "text.h"

static bool
parse(struct interp *interp, struct value names, uint64_t *events)
{
    const char *wrong;

    if (names.type != VALUE_STRING)
        return throw_error(interp, "names of events are a string, this is a %s",
                           value_type_name(names.type));
    return events_parse(names.string->bytes, events, &wrong) ||
           throw_error(interp, "there is no event called %s", wrong);
}

static bool
answer(struct interp *interp, int error, struct value *result)
{
    *result = value_nil();
    return error == 0 || throw_error(interp, "cannot print events: %s",
                                     vmprof_strerror(error));
}

/* set_events(names): print these from now on, and no others */
bool
native_set_events(struct interp *interp, const struct value *arguments,
                  size_t count, struct value *result)
{
    uint64_t events;

    (void)count;
    return parse(interp, arguments[0], &events) &&
           answer(interp, events_print(events), result);
}

/* set_function_events(function, names): besides, these of one function */
bool
native_set_function_events(struct interp *interp, const struct value *arguments,
                           size_t count, struct value *result)
{
    uint64_t events;

    (void)count;
    if (arguments[0].type != VALUE_FUNCTION)
        return throw_error(interp, "events are of a function, this is a %s",
                           value_type_name(arguments[0].type));
    return parse(interp, arguments[1], &events) &&
           answer(interp, events_print_function(arguments[0].function, events),
                  result);
}
