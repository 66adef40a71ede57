/* SPDX-License-Identifier: MIT */

/* Compiled code of a VM whose handler knows a machine address. */

#include "suite.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

#include "common.h"

enum {
    ROUNDS = 20,
    LONG_MS = 28, /* of each round */
    OTHER_MS = 30,
    SHORT_MS = 2,
};

static const double POINTS = 1.5, OLD_POINTS = 20;

/* What a trace of three codes did, by a clock that it read in between. */
static struct {
    uint64_t ns[3];
    uint64_t last_ns;
} truth;

static uint64_t
cpu_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void
end_of_part(void *part)
{
    const uint64_t now = cpu_ns();

    truth.ns[(intptr_t)part] += now - truth.last_ns;
    truth.last_ns = now;
}

/* How often it has to count down for a millisecond. */
static unsigned long
spins_per_ms(void)
{
    const unsigned long count = 20000000;
    struct jit_trace trace;
    uint64_t from;

    jit_begin(&trace, 0);
    jit_spin(&trace, count);
    jit_end(&trace);
    from = cpu_ns();
    jit_run(&trace);
    from = cpu_ns() - from;
    jit_free(&trace);
    return (unsigned long)((double)count * 1e6 / (double)from) + 1;
}

struct parts {
    Signed outer, inlined, brief;
    struct jit_trace trace;
};

/* Each part ends with a call, and a guard of what it returned: the return
 * address stays while the next part runs. */
static void
make_part(struct jit_trace *trace, unsigned long count, intptr_t number)
{
    jit_spin(trace, count);
    jit_call(trace, end_of_part, (void *)number);
    jit_spin(trace, 1);
}

static void
make_trace(struct parts *parts)
{
    const unsigned long ms = spins_per_ms();

    jit_begin(&parts->trace, parts->outer);
    make_part(&parts->trace, LONG_MS * ms, 0);
    jit_enter(&parts->trace, parts->inlined);
    make_part(&parts->trace, OTHER_MS * ms, 1);
    jit_enter(&parts->trace, parts->brief);
    make_part(&parts->trace, SHORT_MS * ms, 2);
    jit_leave(&parts->trace);
    jit_leave(&parts->trace);
    jit_end(&parts->trace);
}

static void
run_rounds(void *user)
{
    const struct parts *const parts = user;

    truth.last_ns = cpu_ns();
    for (int i = 0; i < ROUNDS; i++)
        jit_run(&parts->trace);
}

static double
percent(uint64_t part, uint64_t whole)
{
    return 100.0 * (double)part / (double)whole;
}

static void
compare_with_truth(void)
{
    const int fd = memory_file();
    const Signed main_loop = rpython_register("main");
    struct parts parts = { .outer = rpython_register("outer"),
                           .inlined = rpython_register("inlined"),
                           .brief = rpython_register("brief") };
    const Signed ids[3] = { parts.outer, parts.inlined, parts.brief };
    const char *const names[3] = { "outer", "inlined", "brief" };
    double worst = 0, worst_old = 0;
    uint64_t all = 0;
    struct seen seen;

    rpython_thread_begins();
    make_trace(&parts);
    vm_looks.wanted = true;
    begin_session(fd, 0.0005, 0);
    pypy_g___vmprof_eval_vmprof(main_loop, run_rounds, &parts);
    end_session(fd, &seen);
    for (int i = 0; i < 3; i++)
        all += truth.ns[i];
    for (int i = 0; i < 3; i++) {
        const double is = percent(truth.ns[i], all);
        const double found = seen_share(&seen, seen_id(&seen, names[i]));
        const double old =
            percent(vm_looks.stale[ids[i] / 4], vm_looks.compiled);

        dprintf(2, "%s: truth %.2f, found %.2f, by the old rule %.2f\n",
                names[i], is, found, old);
        worst = fmax(worst, fabs(found - is));
        worst_old = fmax(worst_old, fabs(old - is));
    }
    require(worst <= POINTS);
    require(worst_old > OLD_POINTS);
    seen_free(&seen);
}

static void
compiled_code_is_found_where_the_word_it_leaves_behind_misleads(void **state)
{
    (void)state;
    assert_int_equal(isolate(compare_with_truth, 60), 0);
}

static void
nest(struct jit_trace *trace, Signed outer, Signed inner,
     void (*function)(void *), void *argument)
{
    jit_begin(trace, outer);
    jit_spin(trace, 100);
    jit_enter(trace, inner);
    jit_call(trace, function, argument);
    jit_leave(trace);
    jit_end(trace);
}

static void
interpret_and_burn(void *code)
{
    pypy_g___vmprof_eval_vmprof((intptr_t)code, burn, (void *)50);
}

static void
run_trace(void *trace)
{
    jit_run(trace);
}

/* The interpreter calls compiled code, which calls the interpreter. */
static void
call_to_and_fro(void)
{
    const int fd = memory_file();
    const Signed main_loop = rpython_register("main");
    const Signed outer = rpython_register("outer");
    const Signed inner = rpython_register("inner");
    const Signed leaf = rpython_register("leaf");
    struct jit_trace trace;
    size_t right = 0;
    struct seen seen;

    rpython_thread_begins();
    nest(&trace, outer, inner, interpret_and_burn, (void *)leaf);
    begin_session(fd, 0.001, 0);
    pypy_g___vmprof_eval_vmprof(main_loop, run_trace, &trace);
    end_session(fd, &seen);
    jit_free(&trace);
    for (size_t i = 0; i < seen.sample_count; i++) {
        const struct seen_sample *const sample = &seen.samples[i];
        const char *const text = stack_text(&seen, sample);

        if (strcmp(text, "leaf [inner] [outer] main"))
            continue;
        right++;
        /* The trace is named before its codes, what was inlined first. */
        require(sample->depth == 10);
        require(sample->words[2] == 6);
        require(sample->words[3] == (uint64_t)(uintptr_t)trace.code);
        require(sample->words[4] == 3 && sample->words[6] == 3);
    }
    require(seen.sample_count >= 20 && right * 10 >= seen.sample_count * 9);
    seen_free(&seen);
}

static void
compiled_and_interpreted_code_call_each_other(void **state)
{
    (void)state;
    assert_int_equal(isolate(call_to_and_fro, 60), 0);
}

static void
compile_run_and_free(Signed outer, Signed inner)
{
    struct jit_trace trace;

    nest(&trace, outer, inner, burn, (void *)0);
    jit_run(&trace);
    jit_free(&trace);
}

static void *
run_in_thread(void *trace)
{
    rpython_thread_begins();
    pypy_g___vmprof_eval_vmprof(0, run_trace, trace);
    return NULL;
}

/* One thread compiles and frees while others are sampled in compiled code. */
static void
change_codemaps(void)
{
    const int fd = memory_file();
    const Signed outer = rpython_register("outer");
    const Signed inner = rpython_register("inner");
    const unsigned long second = spins_per_ms() * 1000;
    struct jit_trace shared;
    pthread_t threads[2];
    size_t in_shared = 0;
    struct seen seen;

    rpython_thread_begins();
    jit_begin(&shared, outer);
    jit_enter(&shared, inner);
    jit_spin(&shared, second / 2);
    jit_leave(&shared);
    jit_end(&shared);
    begin_session(fd, 0.0002, 0);
    for (int i = 0; i < 2; i++)
        require(pthread_create(&threads[i], NULL, run_in_thread, &shared) == 0);
    for (unsigned i = 0; i < rounds(2000); i++)
        compile_run_and_free(outer, inner);
    for (int i = 0; i < 2; i++)
        require(pthread_join(threads[i], NULL) == 0);
    end_session(fd, &seen);
    for (size_t i = 0; i < seen.sample_count; i++) {
        const char *const text = stack_text(&seen, &seen.samples[i]);

        in_shared += !strncmp(text, "[inner] [outer]", 15);
    }
    require(in_shared >= 200);
    seen_free(&seen);
}

static void
codemaps_change_while_threads_are_sampled(void **state)
{
    (void)state;
    assert_int_equal(isolate(change_codemaps, 60), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            compiled_code_is_found_where_the_word_it_leaves_behind_misleads),
        cmocka_unit_test(compiled_and_interpreted_code_call_each_other),
        cmocka_unit_test(codemaps_change_while_threads_are_sampled),
    };

    return cmocka_run_group_tests_name("jit", tests, NULL, NULL);
}
