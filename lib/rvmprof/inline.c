/* SPDX-License-Identifier: MIT */

/* Callable copies of the inline functions, for FFI. */

#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#define VMPROF_INLINE VMPROF_API

#include <vmprof/rvmprof.h>
