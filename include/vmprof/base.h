/* SPDX-License-Identifier: MIT */

/**
 * @file
 * Types and macros that every other vmprof header uses.
 *
 * Conventions of the whole API:
 *  - `int` results are 0 or a count, else a negative errno; then nothing has
 *    changed and no out-parameter was set.
 *  - Option structs carry their size first; set it with the struct's _init
 *    function. Zero in any other member means its default.
 *  - The contexts named in the descriptions: "any thread", "the owning
 *    thread" (the one that attached), "async-signal-safe" (also from a signal
 *    handler), "not while enabled".
 */
#ifndef VMPROF_BASE_H
#define VMPROF_BASE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#    define VMPROF_BEGIN_DECLS extern "C" {
#    define VMPROF_END_DECLS   }
#else
#    define VMPROF_BEGIN_DECLS
#    define VMPROF_END_DECLS
#endif

#ifndef VMPROF_API
#    define VMPROF_API __attribute__((visibility("default")))
#endif

/* lib/inline.c redefines this to emit callable copies of the hot path. */
#ifndef VMPROF_INLINE
#    define VMPROF_INLINE static inline
#endif

/* Of what takes the stack pointer, which has to be the VM's function's also where
 * a compiler is not to optimise. */
#ifndef VMPROF_INLINE_ALWAYS
#    define VMPROF_INLINE_ALWAYS static inline __attribute__((always_inline))
#endif

#define VMPROF_NODISCARD __attribute__((warn_unused_result))

/* How a condition is all but always. Said with no doubt left, since what a
 * compiler keeps for the other case else takes registers of the VM's loop. */
#ifdef __has_builtin
#    if __has_builtin(__builtin_expect_with_probability)
#        define VMPROF_EXPECT(condition, value)                                \
            __builtin_expect_with_probability((condition), (value), 1.0)
#    endif
#endif
#ifndef VMPROF_EXPECT
#    define VMPROF_EXPECT(condition, value)                                    \
        __builtin_expect((condition), (value))
#endif

VMPROF_BEGIN_DECLS

/**
 * Identifies a code object for the life of the process: a multiple of 4, never
 * used again for another code, below 2^56. 0 is no code. @since 0.1
 */
typedef uint64_t vmprof_code_id;

/**
 * Describe an error code.
 *
 * @param error  A negative errno value that a vmprof function returned.
 * @return A static string in English, never NULL.
 * @par Context
 * Any thread.
 * @since 0.1
 */
VMPROF_API const char *
vmprof_strerror(int error);

VMPROF_END_DECLS

#endif
