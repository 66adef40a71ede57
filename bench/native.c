/* SPDX-License-Identifier: MIT */

/*
 * What native frames cost a sample of a stack of 50 C functions: in the handler,
 * and in the writer once it knows the code. The handler's part is called on this
 * thread, without a signal; the writer's from the records that this made.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <ucontext.h>

#include <vmprof/vmprof.h>

#include "record/drain.h"
#include "record/modules.h"
#include "record/session.h"
#include "record/signal/sample.h"
#include "record/step.h"
#include "rounds.h"

enum {
    ROUNDS = 41,
    SAMPLES = 200,
    DEPTH = 50,
    NEW = 5,
};

static struct vmp_thread *thread;
static struct vmp_encoder *encoder;
static double figures[8][ROUNDS];

static uint64_t
now_ns(void)
{
    return vmp_now_ns(CLOCK_MONOTONIC);
}

static int
ignore(void *user, const void *data, size_t size)
{
    (void)user, (void)data, (void)size;
    return 0;
}

static size_t
no_name(void *user, uint64_t code, char *buffer)
{
    (void)user, (void)code, (void)buffer;
    return 0;
}

static void
empty_ring(void)
{
    const struct vmp_record *record;

    while ((record = vmp_ring_peek(&thread->ring)))
        vmp_ring_consume(&thread->ring, record);
}

/* A return address so far out, as if calls had returned and been made again. */
static uint64_t *
return_address(unsigned frames)
{
    uint64_t *record = __builtin_frame_address(0);

    while (frames--)
        record = (uint64_t *)(uintptr_t)record[0];
    return record + 1;
}

/* Time of a tick in nanoseconds, by how native frames are taken. Between two, so
 * many of them change: an even number of times. */
static double
time_ticks(uint32_t native, ucontext_t *context, unsigned changed)
{
    volatile uint64_t *const address = return_address(changed);
    uint64_t begun;

    vmp_session.native = native;
    thread->context = context;
    empty_ring();
    begun = now_ns();
    for (unsigned i = 0; i < SAMPLES; i++) {
        *address ^= changed != 0;
        vmp_tick(thread, begun, vmp_now_ns(CLOCK_THREAD_CPUTIME_ID));
    }
    return (double)(now_ns() - begun) / SAMPLES;
}

/* The records in the ring, as the writer takes them: unwound, spliced, encoded. */
static double
time_draining(struct vmp_drain *drain)
{
    const uint64_t begun = now_ns();

    vmp_drain(drain, thread);
    return (double)(now_ns() - begun) / SAMPLES;
}

/* The native frames of the first record. */
static size_t
count_frames(struct vmp_unwinder *unwinder)
{
    static struct vmp_unwound frames[VMP_MOST_NATIVE_FRAMES];
    enum vmp_unwind_end end;

    return vmp_unwind(unwinder, vmp_ring_peek(&thread->ring),
                      &thread->spliced->chain, frames, &end);
}

/* The steps of the first record, each of them by libunwind: what is left to it
 * where no row fits. */
static double
time_libunwind(struct vmp_stepper *stepper, const struct vmp_record *record)
{
    const struct vmp_native *const native = vmp_record_native(record);
    const struct vmp_native_copy *const copy = (const void *)native;
    struct vmp_registers registers = copy->registers;
    const uint64_t begun = now_ns();

    while (vmp_step(stepper, native, (const unsigned char *)(copy + 1),
                    &registers) > 0)
        ;
    return (double)(now_ns() - begun);
}

static void
measure(void)
{
    static struct vmp_modules modules;
    static struct vmp_reader reader;
    struct vmp_drain drain = { .encoder = encoder };
    struct vmp_stepper *stepper;
    ucontext_t context;
    size_t depth = 0;

    getcontext(&context);
    if (vmp_unwinder_new(&drain.unwinder, encoder, &drain.traces) < 0 ||
        vmp_stepper_new(&stepper, &modules, &reader) < 0)
        abort();
    vmp_modules_begin(&modules);
    vmp_modules_turn_to(&modules, &reader, 1);
    vmp_unwinder_begin(drain.unwinder);
    for (unsigned i = 0; i < ROUNDS; i++) {
        figures[0][i] = time_ticks(VMPROF_NATIVE_OFF, &context, 0);
        figures[6][i] = time_ticks(VMPROF_NATIVE_FRAME_POINTERS, &context, NEW);
        time_draining(&drain); /* no chain may be left out */
        figures[1][i] = time_ticks(VMPROF_NATIVE_FRAME_POINTERS, &context, 0);
        figures[4][i] = time_draining(&drain);
        figures[2][i] = time_ticks(VMPROF_NATIVE_COPY, &context, 0);
        if (vmp_step_load())
            figures[5][i] =
                time_libunwind(stepper, vmp_ring_peek(&thread->ring));
        depth = count_frames(drain.unwinder);
        figures[3][i] = time_draining(&drain);
    }
    vmp_session.native = VMPROF_NATIVE_OFF;
    thread->context = NULL;
    printf("%zu native frames, medians of %d rounds:\n", depth, ROUNDS);
    printf("  handler, without native frames   %8.0f ns a sample\n",
           median(figures[0], ROUNDS));
    printf("  handler, frame pointers        + %8.0f ns\n",
           median(figures[1], ROUNDS) - figures[0][ROUNDS / 2]);
    printf("  the same, %d of them new        + %8.0f ns\n", NEW,
           median(figures[6], ROUNDS) - figures[0][ROUNDS / 2]);
    printf("  handler, copy                  + %8.0f ns\n",
           median(figures[2], ROUNDS) - figures[0][ROUNDS / 2]);
    printf("  writer, frame pointers           %8.0f ns\n",
           median(figures[4], ROUNDS));
    printf("  writer, copy, code known         %8.0f ns\n",
           median(figures[3], ROUNDS));
    if (vmp_step_load())
        printf("  step by step with libunwind      %8.0f ns\n",
               median(figures[5], ROUNDS));
}

static __attribute__((noinline)) void
call(unsigned levels)
{
    char room[64];

    __asm__ volatile("" ::"r"(room) : "memory");
    if (levels)
        call(levels - 1);
    else
        measure();
    __asm__ volatile("" ::: "memory");
}

int
main(void)
{
    struct vmprof_thread *head;
    const struct vmp_session_info info = { .interval_ns = 1000000 };
    struct vmp_stream stream = { 0 };

    /* A session as enabling makes it, with no clock and no writer. */
    vmp_session.interval_ns = 1000000;
    vmp_session.max_frames = 1024;
    vmp_session.native = VMPROF_NATIVE_COPY;
    vmp_session.native_bytes = 16 << 10;
    vmp_session.ring_size = 2 << 20;
    atomic_store(&vmp_session.sampling, true);
    if (vmprof_attach_thread(NULL, &head) < 0 ||
        vmp_encoder_new(&encoder, ignore, no_name, NULL) < 0)
        return 1;
    thread = (struct vmp_thread *)head;
    vmp_encoder_open(encoder, &info);
    vmp_encoder_begin(encoder, &stream);
    call(DEPTH - 8);
    return 0;
}
