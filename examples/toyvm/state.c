/* SPDX-License-Identifier: MIT */

/* What every part of the interpreter needs: its state, and how to throw. */
#include "interp.h"
#include "memory.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void
interp_init(struct interp *interp, const struct program *program)
{
    memset(interp, 0, sizeof(*interp));
    interp->program = program;
    interp->main.cell.type = VALUE_COROUTINE;
    interp->main.cell.shared = true; /* it is in no heap */
    interp->main.status = COROUTINE_ACTIVE;
    interp->current = &interp->main;
    interp->sites = allocate(program->function_count * sizeof(*interp->sites));
    heap_init(&interp->heap);
}

void
interp_free(struct interp *interp)
{
    heap_free(interp);
    recycle_frames(interp, &interp->main);
    free_frames(interp);
    free(interp->sites);
}

bool
throw_error(struct interp *interp, const char *format, ...)
{
    char message[256];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    interp->thrown = value_cell(
        VALUE_STRING, heap_new_string(&interp->heap, message, strlen(message)));
    return false;
}

bool
check_call(struct interp *interp, struct value callee, size_t count)
{
    if (callee.type != VALUE_FUNCTION)
        return throw_error(interp, "a %s is not a function",
                           value_type_name(callee.type));
    if (callee.function->arity != count)
        return throw_error(interp, "%s takes %u arguments, not %zu",
                           callee.function->name, callee.function->arity,
                           count);
    return true;
}
