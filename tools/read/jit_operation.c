/* SPDX-License-Identifier: MIT */

#include "jit_operation.h"

enum operation_kind
jit_operation_kind(const struct span *name)
{
    return span_starts(name, "guard_")           ? OPERATION_GUARD
           : span_is(name, "label")              ? OPERATION_LABEL
           : span_is(name, "jump")               ? OPERATION_JUMP
           : span_starts(name, "call_assembler") ? OPERATION_CALL
           : span_is(name, "finish")             ? OPERATION_FINISH
                                                 : OPERATION_OTHER;
}
