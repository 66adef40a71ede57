/* SPDX-License-Identifier: MIT */

/* As inline.c, of trace.h alone: what it includes is not there yet. */

#include <vmprof/code.h>
#include <vmprof/jit.h>

#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#undef VMPROF_INLINE
#define VMPROF_INLINE VMPROF_API

#include <vmprof/trace.h>
