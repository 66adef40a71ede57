/* SPDX-License-Identifier: MIT */

/* Builtins that leave a part of the program out of its profile. */
#include "interp.h"
#include "native.h"

/* profile_pause(): no samples until profile_resume(); false if there is no
 * profile. Calls nest. */
bool
native_profile_pause(struct interp *interp, const struct value *arguments,
                     size_t count, struct value *result)
{
    (void)interp, (void)arguments, (void)count;
    *result = value_bool(profile_pause() >= 0);
    return true;
}

/* profile_resume(): undoes one profile_pause() */
bool
native_profile_resume(struct interp *interp, const struct value *arguments,
                      size_t count, struct value *result)
{
    (void)interp, (void)arguments, (void)count;
    *result = value_bool(profile_resume() >= 0);
    return true;
}
