/* SPDX-License-Identifier: MIT */

/* Builtins that have to do with the JIT. */
#include "interp.h"
#include "jit.h"
#include "native.h"

/* jit_invalidate(function): what was compiled of it is not to be used again */
bool
native_jit_invalidate(struct interp *interp, const struct value *arguments,
                      size_t count, struct value *result)
{
    (void)count;
    if (arguments[0].type != VALUE_FUNCTION)
        return throw_error(interp,
                           "jit_invalidate needs a function, this is "
                           "a %s",
                           value_type_name(arguments[0].type));
    jit_invalidate(interp, arguments[0].function);
    *result = value_nil();
    return true;
}
