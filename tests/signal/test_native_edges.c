/* SPDX-License-Identifier: MIT */

/* Native frames where code or the stack is not what it usually is. */

#include "suite.h"

#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <ucontext.h>

#include "native_profile.h"

enum {
    COROUTINE_STACK = 256 << 10,
    LOADS = 12,
};

/* Samples that hold a frame of a section, and that frame's index. */
#define for_samples_in(extent, at)                                             \
    for (size_t s_ = 0, at; s_ < d.sample_count; s_++)                         \
        if (load(s_), (at = first_in(extent)) < depth)

/* A call of the program's that the tests look for in each sample. */
#define OUTER __attribute__((noinline, section("outer_code")))
extern const char __start_outer_code[], __stop_outer_code[];
static const struct extent outer = { __start_outer_code, __stop_outer_code };

static OUTER void
call_libc_and_vdso(void)
{
    static char text[4096];
    struct timespec now;

    memset(text, 'x', sizeof(text) - 1);
    while (!stop)
        for (unsigned i = 0; i < 20; i++) {
            clock_gettime(CLOCK_MONOTONIC, &now);
            text[now.tv_nsec % 1000] = 'y';
            if (!strchr(text, 'y') || strlen(text) != sizeof(text) - 1)
                abort();
            text[now.tv_nsec % 1000] = 'x';
        }
}

static void
sample_libc_and_vdso(void)
{
    size_t found = 0, elsewhere = 0;
    pthread_t stopper;

    begin(VMPROF_NATIVE_COPY, 0);
    stopper = start_stopper();
    call_libc_and_vdso();
    pthread_join(stopper, NULL);
    end();
    for_samples_in(&outer, at)
    {
        found++;
        elsewhere += at + 1 < depth;
    }
    require(found > d.sample_count * 9 / 10);
    require(elsewhere > 10);
    require(profile_stats().native_failed == 0);
    decoded_free(&d);
}

static void
library_functions_are_called_by_who_called_them(void **state)
{
    (void)state;
    skip_without_copies();
    assert_int_equal(isolate(sample_libc_and_vdso, 60), 0);
}

/* Whether a sample's module at `i` is a file of that name. */
static bool
is_of(size_t i, const char *name)
{
    const struct decoded_frame *const frame = &d.frames[stack[i]];
    const char *const path =
        frame->module ? d.modules[frame->module].string[1] : NULL;

    return path && strstr(path, name);
}

static void
load_and_unload(const char *path, vmprof_code_id code)
{
    const vmprof_token token =
        vmprof_execute_code_enter(chain.thread, code, NULL);
    void *const plugin = dlopen(path, RTLD_NOW);
    uint64_t (*work)(uint64_t);

    require(plugin);
    *(void **)&work = dlsym(plugin, "plugin_work");
    require(work);
    /* Longer than the writer takes between two looks. */
    for (int64_t until = now_ms() + 150; now_ms() < until;)
        work(10000);
    require(dlclose(plugin) == 0);
    vmprof_execute_code_leave(chain.thread, token);
}

static void
reload(void)
{
    static const char *const paths[] = { PLUGIN_3, PLUGIN_5 };
    static const char *const names[] = { "plugin_3", "plugin_5" };
    size_t found[2] = { 0 };

    begin(VMPROF_NATIVE_COPY, 0);
    for (unsigned i = 0; i < LOADS; i++)
        load_and_unload(paths[i % 2], chain.codes[i % 2]);
    end();
    for (size_t s = 0; s < d.sample_count; s++) {
        unsigned which = 2;

        load(s);
        for (size_t i = 0; i < depth; i++)
            for (unsigned k = 0; k < 2; k++) {
                if (is_code(i, chain.codes[k]))
                    which = k;
                if (!is_native(i) || !is_of(i, names[k]))
                    continue;
                require_in_stack(which == k);
                found[k]++;
            }
    }
    require(found[0] > 5 && found[1] > 5);
    decoded_free(&d);
}

static void
code_that_is_unloaded_and_replaced_is_never_taken_for_another(void **state)
{
    (void)state;
    skip_without_copies();
    assert_int_equal(isolate(reload, 60), 0);
}

static OUTER void
call_spin(const struct chain *unused)
{
    (void)unused;
    while (!stop)
        __asm__ volatile("" ::: "memory");
}

/* Functions whose rules are wrong: CFA where it is not, below it, far away, and
 * one that leads to itself. */
#if defined(__x86_64__)
#    define LIAR(name, rule)                                                   \
        void name(volatile bool *until);                                       \
        __asm__(".pushsection liars,\"ax\",@progbits\n"                        \
                ".type " #name ",@function\n" #name ":\n"                      \
                ".cfi_startproc\n" rule "1: pause\n"                           \
                "cmpb $0, (%rdi)\n"                                            \
                "je 1b\n"                                                      \
                "ret\n"                                                        \
                ".cfi_endproc\n"                                               \
                ".popsection\n")

LIAR(lies_16, ".cfi_def_cfa_offset 64\n");
LIAR(lies_below, ".cfi_def_cfa_offset -64\n");
LIAR(lies_far, ".cfi_def_cfa_offset 0x40000000\n");
LIAR(lies_by_rax, ".cfi_def_cfa rax, 8\n");
LIAR(lies_in_circles, ".cfi_def_cfa_offset 0\n.cfi_same_value rip\n");
LIAR(lies_unaligned, ".cfi_def_cfa_offset 13\n");
LIAR(lies_expression, ".cfi_escape 0x0f, 3, 0x77, 0x7f, 0x06\n");
/* DW_OP_skip back to itself. */
LIAR(lies_for_ever, ".cfi_escape 0x0f, 3, 0x2f, 0xfd, 0xff\n");

static void
meet_liars(void)
{
    static void (*const liars[])(volatile bool *) = {
        lies_16,         lies_below,     lies_far,        lies_by_rax,
        lies_in_circles, lies_unaligned, lies_expression, lies_for_ever,
    };
    unsigned some = 30;

    begin(VMPROF_NATIVE_COPY, 0);
    for (size_t i = 0; i < LENGTH(liars); i++) {
        pthread_t stopper;

        stop = false;
        require(pthread_create(&stopper, NULL, stop_soon, &some) == 0);
        liars[i](&stop);
        pthread_join(stopper, NULL);
    }
    end();
    require(profile_stats().native_failed > 6 * some / 2);
    require(d.stats.number[38] == profile_stats().native_failed);
    decoded_free(&d);
}

static void
wrong_rules_end_a_stack_and_are_counted(void **state)
{
    (void)state;
    skip_without_copies();
    assert_int_equal(isolate(meet_liars, 60), 0);
}

/* push %rbp; mov %rsp, %rbp; call *%rsi; pop %rbp; ret */
static const unsigned char machine_code[] = { 0x55, 0x48, 0x89, 0xe5,
                                              0xff, 0xd6, 0x5d, 0xc3 };

static void
sample_generated_code(void)
{
    void *const code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    void (*run)(const struct chain *, void (*)(const struct chain *));
    size_t found = 0;
    pthread_t stopper;

    require(code != MAP_FAILED);
    memcpy(code, machine_code, sizeof(machine_code));
    *(void **)&run = code;
    begin(VMPROF_NATIVE_COPY, 0);
    stopper = start_stopper();
    run(&chain, call_spin);
    pthread_join(stopper, NULL);
    end();
    for_samples_in(&outer, at)
    {
        require_in_stack(at + 1 == depth && at > 3);
        require_in_stack(!d.frames[stack[at - 1]].module);
        require_in_stack(address(at - 1) == (uintptr_t)code + 5);
        require_in_stack(d.frames[stack[at - 2]].module);
        found++;
    }
    require(found > d.sample_count * 9 / 10);
    require(profile_stats().native_failed == 0);
    decoded_free(&d);
}

static void
code_without_an_object_is_an_address_and_unwound_by_its_frame(void **state)
{
    (void)state;
    skip_without_copies();
    assert_int_equal(isolate(sample_generated_code, 60), 0);
}
#endif

static const struct chain_functions *coroutine_chain;
static ucontext_t main_context, coroutine_context;
static struct vmprof_stack *coroutine_stack;

static void
coroutine_main(void)
{
    coroutine_chain->run(&chain, 2);
    swapcontext(&coroutine_context, &main_context);
}

/* A coroutine with a C stack of its own runs the VM's loop from level 2 on. */
static void
run_coroutine(uint32_t native)
{
    static unsigned char c_stack[COROUTINE_STACK];
    vmprof_token token;
    pthread_t stopper;

    begin(native, 0);
    require(vmprof_new_stack(0, &coroutine_stack) == 0);
    getcontext(&coroutine_context);
    coroutine_context.uc_stack.ss_sp = c_stack;
    coroutine_context.uc_stack.ss_size = sizeof(c_stack);
    makecontext(&coroutine_context, coroutine_main, 0);
    stopper = start_stopper();
    token = vmprof_execute_code_enter(chain.thread, chain.codes[0], NULL);
    require(vmprof_resume_stack(chain.thread, coroutine_stack) == 0);
    swapcontext(&main_context, &coroutine_context);
    require(vmprof_yield_stack(chain.thread) == 0);
    vmprof_execute_code_leave(chain.thread, token);
    pthread_join(stopper, NULL);
    require(vmprof_free_stack(coroutine_stack) == 0);
    end();
}

static void
sample_coroutine(const struct chain_functions *f, uint32_t native)
{
    size_t found = 0;

    coroutine_chain = f;
    run_coroutine(native);
    for_samples_in(&f->spin, at)
    {
        /* The resumer's frame, then all of the coroutine's. */
        require_in_stack(is_code(0, chain.codes[0]));
        require_in_stack(first_in(&f->run_vm) < 4);
        require_in_stack(is_code(first_in(&f->run_vm) + 1, chain.codes[2]));
        require_in_stack(at == first_in(&f->run_vm) + 3 * 4 && at + 1 == depth);
        found++;
    }
    require(found > d.sample_count * 9 / 10);
    decoded_free(&d);
}

static void
sample_coroutine_by_copy(void)
{
    sample_coroutine(&chain_without_frame_pointers, VMPROF_NATIVE_COPY);
}

static void
sample_coroutine_by_frame_pointers(void)
{
    sample_coroutine(&chain_with_frame_pointers, VMPROF_NATIVE_FRAME_POINTERS);
}

static void
frames_of_a_coroutine_stand_inside_those_of_its_resumer(void **state)
{
    (void)state;
    skip_without_copies();
    if (has_asan)
        skip_because("AddressSanitizer must be told of each switch");
    assert_int_equal(isolate(sample_coroutine_by_copy, 60), 0);
    assert_int_equal(isolate(sample_coroutine_by_frame_pointers, 60), 0);
}

static __attribute__((noinline, section("resumer"))) void
resume_here(void)
{
    require(vmprof_resume_stack(chain.thread, coroutine_stack) == 0);
    call_spin(NULL);
    require(vmprof_yield_stack(chain.thread) == 0);
}

extern const char __start_resumer[], __stop_resumer[];

static __attribute__((noinline)) void
enter_deep_below(unsigned levels)
{
    char room[512];

    __asm__ volatile("" ::"r"(room) : "memory");
    if (levels)
        enter_deep_below(levels - 1);
    else
        require(vmprof_execute_code_enter(chain.thread, chain.codes[1], NULL) >
                0);
    __asm__ volatile("" ::: "memory");
}

/* Coroutines that share the C stack: one was entered deep down and goes on
 * further up, from the frame that resumed it. */
static void
share_the_stack(void)
{
    const struct extent resumer = { __start_resumer, __stop_resumer };
    vmprof_token token;
    size_t found = 0;
    pthread_t stopper;

    begin(VMPROF_NATIVE_COPY, 0);
    require(vmprof_new_stack(0, &coroutine_stack) == 0);
    token = vmprof_execute_code_enter(chain.thread, chain.codes[0], NULL);
    require(vmprof_resume_stack(chain.thread, coroutine_stack) == 0);
    enter_deep_below(20);
    require(vmprof_yield_stack(chain.thread) == 0);
    stopper = start_stopper();
    resume_here();
    vmprof_execute_code_leave(chain.thread, token);
    pthread_join(stopper, NULL);
    end();
    for_samples_in(&outer, at)
    {
        require_in_stack(at + 1 == depth);
        require_in_stack(is_code(at - 1, chain.codes[1]));
        require_in_stack(is_in(at - 2, &resumer));
        require_in_stack(is_code(at - 3, chain.codes[0]));
        found++;
    }
    require(found > d.sample_count * 9 / 10);
    decoded_free(&d);
}

static void
frames_of_a_coroutine_on_the_same_stack_stand_where_it_was_resumed(void **state)
{
    (void)state;
    skip_without_copies();
    assert_int_equal(isolate(share_the_stack, 60), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(library_functions_are_called_by_who_called_them),
        cmocka_unit_test(
            code_that_is_unloaded_and_replaced_is_never_taken_for_another),
#if defined(__x86_64__)
        cmocka_unit_test(wrong_rules_end_a_stack_and_are_counted),
        cmocka_unit_test(
            code_without_an_object_is_an_address_and_unwound_by_its_frame),
#endif
        cmocka_unit_test(
            frames_of_a_coroutine_stand_inside_those_of_its_resumer),
        cmocka_unit_test(
            frames_of_a_coroutine_on_the_same_stack_stand_where_it_was_resumed),
    };

    return cmocka_run_group_tests_name("native edges", tests, NULL, NULL);
}
