/* SPDX-License-Identifier: MIT */

/* A session with native frames, and its samples one by one. */
#ifndef NATIVE_PROFILE_H
#define NATIVE_PROFILE_H

#include <dlfcn.h>
#include <pthread.h>

#include "native_chain.h"
#include "profiled.h"
#include "record/step.h"

enum {
    MOST_DEPTH = 4096,
    ENOUGH = 200, /* samples */
};

static struct chain chain;
static volatile bool stop;
static struct decoded d;
static int file;

/* The stack of one sample, outermost first. */
static uint32_t stack[MOST_DEPTH];
static size_t depth;

/* ASan moves locals off the stack and puts functions of its own in between. */
#if defined(__SANITIZE_ADDRESS__)
static const bool has_asan = true;
#else
static const bool has_asan = false;
#endif

/* Copies are unwound with libunwind, which a build can do without. */
#define skip_without_copies()                                                  \
    do {                                                                       \
        if (!vmp_step_load())                                                  \
            skip_because("built without libunwind");                           \
    } while (0)

static inline void
begin(uint32_t native, uint32_t native_bytes)
{
    struct vmprof_options options;

    file = profile_file();
    options = profile_options(file, 0.0005);
    options.native = native;
    options.native_bytes = native_bytes;
    require(vmprof_attach_thread(NULL, &chain.thread) == 0);
    for (unsigned i = 0; i < CHAIN_LEVELS; i++) {
        const char name[] = { 'v', (char)('0' + i), 0 };

        chain.codes[i] = code_named(name);
    }
    chain.stop = &stop;
    stop = false;
    require(vmprof_enable_with(&options) == 0);
}

static inline void
end(void)
{
    finish_profile(file, &d);
}

/* Sets `stop` once there are enough samples. */
static inline void *
stop_soon(void *user)
{
    const uint64_t enough =
        profile_stats().samples + (user ? *(unsigned *)user : ENOUGH);

    require(wait_until(profile_stats().samples >= enough, 30000));
    stop = true;
    return NULL;
}

static inline pthread_t
start_stopper(void)
{
    pthread_t stopper;

    stop = false;
    require(pthread_create(&stopper, NULL, stop_soon, NULL) == 0);
    return stopper;
}

static inline void
load(size_t sample)
{
    depth = decoded_stack(&d, d.samples[sample].node, stack, MOST_DEPTH);
    require(depth <= MOST_DEPTH);
}

static inline bool
is_native(size_t i)
{
    return d.frames[stack[i]].kind == 10;
}

/* Where a native frame is in this process. */
static inline uintptr_t
address(size_t i)
{
    const struct decoded_frame *const frame = &d.frames[stack[i]];

    return (uintptr_t)(frame->offset + (frame->module
                                            ? d.modules[frame->module].number[8]
                                            : 0));
}

static inline bool
is_in(size_t i, const struct extent *extent)
{
    return i < depth && is_native(i) && address(i) >= (uintptr_t)extent->from &&
           address(i) < (uintptr_t)extent->to;
}

static inline bool
is_code(size_t i, vmprof_code_id code)
{
    return i < depth && !is_native(i) && d.frames[stack[i]].code == code;
}

static inline void
show_stack(void)
{
    for (size_t i = 0; i < depth; i++) {
        const struct decoded_frame *const frame = &d.frames[stack[i]];
        Dl_info info = { 0 };

        if (frame->kind != 10)
            dprintf(2, "  %s\n", decoded_name(&d, frame->code));
        else if (dladdr((void *)address(i), &info) && info.dli_sname)
            dprintf(2, "  %#lx %s\n", (long)address(i), info.dli_sname);
        else
            dprintf(2, "  %#lx\n", (long)address(i));
    }
}

#define require_in_stack(condition)                                            \
    do {                                                                       \
        if (!(condition)) {                                                    \
            show_stack();                                                      \
            require(condition);                                                \
        }                                                                      \
    } while (0)

static inline size_t
first_in(const struct extent *extent)
{
    size_t i = 0;

    while (i < depth && !is_in(i, extent))
        i++;
    return i;
}

#endif
