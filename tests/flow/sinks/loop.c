/* SPDX-License-Identifier: MIT */

/*
 * loop DIRECTORY run|trap|register: a compiled loop of which other tools are told.
 * `run` spins in it for about a second, `trap` stops in the
 * middle of it, `register` does not enter it.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <vmprof/vmprof.h>

enum {
    PAGE = 4096,
    TRAP_AT = 12,
};

typedef uint64_t
loop(uint64_t count);

/* push rbp; rbp = rsp; eax = 0; add rax, rdi; imul rcx, rdi, 7; nop (or int3);
 * dec rdi; jnz; pop rbp; ret */
static const unsigned char code[] = {
    0x55, 0x48, 0x89, 0xe5, 0x31, 0xc0, 0x48, 0x01, 0xf8, 0x90, 0x90, 0x90,
    0x90, 0x48, 0x6b, 0xcf, 0x07, 0x48, 0xff, 0xcf, 0x75, 0xf0, 0x5d, 0xc3,
};

static const struct vmprof_trace_operation operations[] = {
    { .offset = 0, .text = "label(i0, i1)" },
    { .offset = 6, .text = "i2 = int_add(i0, i1)" },
    { .offset = 9, .text = "debug_merge_point()" },
    { .offset = 13, .text = "i3 = int_mul(i1, 7)" },
    { .offset = 17, .text = "i4 = int_sub(i1, 1)" },
    { .offset = 20, .text = "jump(i2, i4)" },
    { .offset = 22, .text = "finish(i2)" },
};

static int
register_loop(void *at)
{
    struct vmprof_reserved_trace reserved;
    struct vmprof_trace trace;
    int r = vmprof_reserve_trace(0, &reserved);

    if (r < 0)
        return r;
    vmprof_trace_init(&trace);
    trace.kind = VMPROF_TRACE_LOOP;
    trace.name = "hot loop\nof the test";
    trace.address = at;
    trace.length = sizeof(code);
    trace.loop_offset = 6;
    trace.frame = VMPROF_TRACE_FRAME_POINTER;
    trace.operations = operations;
    trace.operation_count = sizeof(operations) / sizeof(*operations);
    return vmprof_register_trace(reserved.id, &trace);
}

static double
now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static __attribute__((noinline)) uint64_t
call_the_loop(loop *run)
{
    const uint64_t result = run(10000000);

    __asm__ volatile("" : : "r"(result));
    return result;
}

int
main(int argc, char **argv)
{
    struct vmprof_jit_sink_options options;
    unsigned char *at;
    double end;
    loop *run;

    if (argc != 3)
        return 2;
    vmprof_jit_sink_options_init(&options);
    options.sinks =
        VMPROF_SINK_PERF_MAP | VMPROF_SINK_JITDUMP | VMPROF_SINK_GDB;
    options.directory = argv[1];
    if (vmprof_open_jit_sinks(&options) < 0)
        return 1;
    at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
              MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED)
        return 1;
    memcpy(at, code, sizeof(code));
    if (!strcmp(argv[2], "trap"))
        at[TRAP_AT] = 0xcc;
    if (register_loop(at) < 0)
        return 1;
    memcpy(&run, &at, sizeof(run));
    for (end = now() + 1; strcmp(argv[2], "register") && now() < end;)
        call_the_loop(run);
    return vmprof_close_jit_sinks() < 0;
}
