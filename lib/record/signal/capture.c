/* SPDX-License-Identifier: MIT */

/* What unwinding needs of the C stack, into a record: a copy of it with the
 * registers, or what its frame pointers say. Signal context. */

#include "capture.h"

#include <string.h>

#include "../session.h"
#include "c_stack.h"
#include "chain.h"

/* The copy begins with the red zone, for CFI may look there. On an alternate
 * stack nothing says that a page below the stack pointer's has ever been used:
 * then its part is read like that of another stack. */
static void
begin_at(struct vmp_capture *capture, const struct vmp_thread *thread,
         uintptr_t sp)
{
    const uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    const uintptr_t page = sp / VMP_PAGE * VMP_PAGE;

    capture->from = (sp - vmp_machine.red_zone) / 8 * 8;
    capture->doubtful = 0;
    if (!capture->is_own)
        return;
    if (capture->from < thread->stack_low)
        capture->from = (thread->stack_low + 7) / 8 * 8;
    if (here > sp || here < thread->stack_low)
        capture->doubtful = page > capture->from ? page - capture->from : 0;
}

void
vmp_capture_open(struct vmp_capture *capture, const struct vmp_thread *thread)
{
    const size_t most = vmp_session.native_bytes;
    uintptr_t sp;

    capture->room = 0;
    capture->is_own = false;
    capture->is_chain = vmp_session.native == VMPROF_NATIVE_FRAME_POINTERS;
    if (vmp_session.native == VMPROF_NATIVE_OFF || !thread->context)
        return;
    vmp_registers_of_context(&capture->registers, thread->context);
    sp = (uintptr_t)capture->registers.value[vmp_machine.sp];
    capture->is_own = sp >= thread->stack_low && sp < thread->stack_high;
    if (capture->is_chain) {
        capture->room =
            sizeof(struct vmp_native_chain) +
            VMP_MOST_NATIVE_FRAMES * sizeof(struct vmp_frame_record);
        return;
    }
    begin_at(capture, thread, sp);
    capture->size = most;
    if (capture->is_own && thread->stack_high - capture->from < most)
        capture->size = (thread->stack_high - capture->from) / 8 * 8;
    capture->is_cut = capture->size == most;
    capture->room = sizeof(struct vmp_native_copy) + capture->size;
}

static void
copy_own(const struct vmp_capture *capture, unsigned char *to)
{
    const size_t doubtful = capture->doubtful;

    if (doubtful && vmp_read_pages(to, capture->from, doubtful) < doubtful)
        memset(to, 0, doubtful);
    vmp_copy_words((uint64_t *)(to + doubtful), capture->from + doubtful,
                   capture->size - doubtful);
}

static size_t
take_copy(const struct vmp_capture *capture, struct vmp_native *native)
{
    struct vmp_native_copy *const copy = (struct vmp_native_copy *)native;

    copy->registers = capture->registers;
    native->from = capture->from;
    native->is_cut = capture->is_cut;
    native->size = (uint32_t)capture->size;
    if (capture->is_own) {
        copy_own(capture, (unsigned char *)(copy + 1));
    } else {
        native->size =
            (uint32_t)vmp_read_pages(copy + 1, capture->from, capture->size);
        native->is_cut = native->size == capture->size;
    }
    return sizeof(*copy) + native->size;
}

void
vmp_capture_reserve(struct vmp_capture *capture, struct vmp_thread *thread,
                    size_t frames_size)
{
    if (!capture->room ||
        vmp_ring_reserve(&thread->ring, sizeof(struct vmp_record) +
                                            frames_size + capture->room))
        return;
    vmp_count(&thread->counters.native_cut, 1);
    capture->room = 0;
}

void
vmp_capture_take(const struct vmp_capture *capture, struct vmp_thread *thread,
                 struct vmp_record *record)
{
    struct vmp_native *const native =
        (struct vmp_native *)((unsigned char *)record + record->size);

    if (!capture->room)
        return;
    native->sp = capture->registers.value[vmp_machine.sp];
    native->end = capture->is_own ? thread->stack_high : 0;
    if (capture->is_chain) {
        record->parts |= VMP_PART_CHAIN;
        record->size += (uint32_t)vmp_chain_take(capture, thread, native);
    } else {
        record->parts |= VMP_PART_COPY;
        record->size += (uint32_t)take_copy(capture, native);
    }
}

/*
 * Where a frame stands that was entered before its stack was gone on with. A VM
 * whose coroutines share the C stack runs it from where that was done: if the
 * stack was resumed, from nowhere else; if it was switched to, what lies above
 * on the C stack may still be there. Other coroutines have C stacks of their
 * own, on which frames stay.
 */
static uintptr_t
place_of(const struct vmp_segment *segment, const struct vmprof_frame *frame,
         bool is_shared)
{
    const uintptr_t entered_at = frame->stack_pointer;
    const uintptr_t at = segment->place.stack_pointer;

    if (!is_shared || frame >= segment->place.top)
        return entered_at;
    return segment->stack->caller || at > entered_at ? at : entered_at;
}

void
vmp_capture_places(const struct vmp_capture *capture,
                   const struct vmp_thread *thread,
                   const struct vmp_window *window, uint64_t *to)
{
    const uintptr_t sp = (uintptr_t)capture->registers.value[vmp_machine.sp];
    size_t i = window->keep + window->skip;

    for (unsigned s = 0; s < window->segment_count; s++) {
        const struct vmp_segment *const segment = &window->segments[s];
        const bool is_shared =
            capture->is_own && segment->place.stack_pointer >= sp &&
            segment->place.stack_pointer < thread->stack_high;

        for (; i < segment->depth; i++)
            *to++ =
                place_of(segment, segment->stack->frames + 1 + i, is_shared);
        i -= segment->depth;
    }
}
