/* SPDX-License-Identifier: MIT */

/* Native frames between those of a VM whose calls are linked on the heap. */

#include "suite.h"

#include <stdio.h>
#include <string.h>

#include "common.h"

/* Of native frames those of these functions, and no other; codes as they are. */
static const char *
text_with(const struct seen *seen, const struct seen_sample *sample,
          const char *const *functions)
{
    static char text[8192];
    size_t used = 0;

    text[0] = 0;
    for (size_t i = 0; i < sample->depth; i += 2) {
        const char *const name = seen_name(seen, sample->words[i + 1]);
        const char *const from = strchr(name, ':');
        const int length = from ? (int)strcspn(from + 1, ":") : 0;
        const char *const *function = functions;

        while (*function && (length != (int)strlen(*function) ||
                             strncmp(from + 1, *function, (size_t)length)))
            function++;
        if (sample->words[i] == 6 || (sample->words[i] == 7 && !*function))
            continue;
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%.*s",
                                 used ? " " : "", length, from ? from + 1 : "");
        require(used < sizeof(text));
    }
    return text;
}

static bool
can_see_native_frames(int fd)
{
    require(vmprof_init(fd, 0.001, 0, 0, "pypy", 1, 0) == NULL);
    if (vmprof_enable(0, 1, 0) == 0)
        return true;
    require(errno == ENOTSUP);
    return false;
}

__attribute__((noinline)) void
burn_in_c(void *ms);

__attribute__((noinline)) void
burn_in_c(void *ms)
{
    burn(ms);
    __asm__ volatile("");
}

__attribute__((noinline)) void
call_leaf(void *leaf);

__attribute__((noinline)) void
call_leaf(void *leaf)
{
    pypy_g___vmprof_eval_vmprof((intptr_t)leaf, burn_in_c, (void *)60);
    __asm__ volatile("");
}

static size_t
count_stacks(const struct seen *seen, const char *wanted)
{
    static const char *const functions[] = { "burn_in_c", "call_leaf",
                                             "pypy_g___vmprof_eval_vmprof",
                                             NULL };
    size_t count = 0;

    for (size_t i = 0; i < seen->sample_count; i++)
        count += !strcmp(text_with(seen, &seen->samples[i], functions), wanted);
    return count;
}

static void
interpret_with_native_frames(void)
{
    const int fd = memory_file();
    const Signed outer = rpython_register("main");
    const Signed leaf = rpython_register("leaf");
    struct seen seen;

    rpython_thread_begins();
    if (!can_see_native_frames(fd))
        _exit(77);
    pypy_g___vmprof_eval_vmprof(outer, call_leaf, (void *)leaf);
    end_session(fd, &seen);
    require(seen.mode & 4);
    require(count_stacks(&seen, "burn_in_c leaf pypy_g___vmprof_eval_vmprof "
                                "call_leaf main "
                                "pypy_g___vmprof_eval_vmprof") >= 20);
    seen_free(&seen);
}

static struct jit_trace trace;

static void
run_trace(void *unused)
{
    (void)unused;
    jit_run(&trace);
}

/* Nobody knows how to unwind compiled code: what is beyond is not seen. */
static void
compile_with_native_frames(void)
{
    const int fd = memory_file();
    const Signed outer = rpython_register("main");
    const Signed traced = rpython_register("traced");
    struct seen seen;

    rpython_thread_begins();
    jit_begin(&trace, traced);
    jit_call(&trace, burn_in_c, (void *)60);
    jit_end(&trace);
    if (!can_see_native_frames(fd))
        _exit(77);
    pypy_g___vmprof_eval_vmprof(outer, run_trace, NULL);
    end_session(fd, &seen);
    require(count_stacks(&seen, "burn_in_c traced main") >= 20);
    /* And compiled code is no native function. */
    for (size_t i = 0; i < seen.sample_count; i++)
        for (size_t k = 0; k < seen.samples[i].depth; k += 2) {
            const uint64_t value = seen.samples[i].words[k + 1];

            require(seen.samples[i].words[k] != 7 ||
                    value - (uintptr_t)trace.code >= trace.size);
        }
    seen_free(&seen);
}

#define RUN(body)                                                              \
    do {                                                                       \
        const int status_ = isolate(body, 60);                                 \
        if (WIFEXITED(status_) && WEXITSTATUS(status_) == 77)                  \
            skip_because("no native frames here");                             \
        assert_int_equal(status_, 0);                                          \
    } while (0)

static void
native_frames_are_between_the_calls_of_the_main_loop(void **state)
{
    (void)state;
    RUN(interpret_with_native_frames);
}

static void
native_frames_of_compiled_code_are_its_codes(void **state)
{
    (void)state;
    RUN(compile_with_native_frames);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(native_frames_are_between_the_calls_of_the_main_loop),
        cmocka_unit_test(native_frames_of_compiled_code_are_its_codes),
    };

    return cmocka_run_group_tests_name("native", tests, NULL, NULL);
}
