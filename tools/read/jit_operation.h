/* SPDX-License-Identifier: MIT */

/* What the name of an operation says of it. */
#ifndef READ_JIT_OPERATION_H
#define READ_JIT_OPERATION_H

#include "span.h"
#include "traces.h"

enum operation_kind
jit_operation_kind(const struct span *name);

#endif
