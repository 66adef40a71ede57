/* SPDX-License-Identifier: MIT */

/*
 * What unwinding needs of the C stack, into a record: a copy of it with the
 * registers, or what its frame pointers say. The thread's own stack is read as
 * it is; any other (a coroutine's, an alternate one) may end anywhere and is
 * read by a system call that says so. Signal context.
 */

#include "capture.h"

#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "../session.h"

enum {
    PAGE = 4096, /* the least there is: no read crosses the end of memory */
    MOST_PAGES = (64 << 10) / PAGE + 2,
    CHUNK_WORDS = 32,
    MOST_FRAME = 1 << 20,
};

/* Other code's frames: of no interest to a sanitizer, which must not replace
 * the loop by its own memcpy() either. */
static __attribute__((no_sanitize_address)) void
copy_words(uint64_t *to, uintptr_t from, size_t size)
{
    const volatile uint64_t *word = (const volatile uint64_t *)from;

    for (size_t count = size / sizeof(*word); count; count--)
        *to++ = *word++;
}

/* Read what is readable of a stack. Returns how much that is. */
static size_t
read_pages(void *to, uintptr_t from, size_t size)
{
    struct iovec pages[MOST_PAGES], whole = { to, size };
    unsigned long count = 0;
    ssize_t got;

    for (uintptr_t at = from; at < from + size && count < MOST_PAGES;) {
        const uintptr_t next = (at / PAGE + 1) * PAGE;
        const uintptr_t end = next < from + size ? next : from + size;

        pages[count].iov_base = (void *)at;
        pages[count++].iov_len = end - at;
        at = end;
    }
    got = process_vm_readv(getpid(), &whole, 1, pages, count, 0);
    return got > 0 ? (size_t)got / 8 * 8 : 0;
}

/* The copy begins with the red zone, for CFI may look there. On an alternate
 * stack nothing says that a page below the stack pointer's has ever been used:
 * then its part is read like that of another stack. */
static void
begin_at(struct vmp_capture *capture, const struct vmp_thread *thread,
         uintptr_t sp)
{
    const uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    const uintptr_t page = sp / PAGE * PAGE;

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
    if (vmp_session.native == VMPROF_NATIVE_OFF || !thread->context)
        return;
    vmp_registers_of_context(&capture->registers, thread->context);
    sp = (uintptr_t)capture->registers.value[vmp_machine.sp];
    capture->is_own = sp >= thread->stack_low && sp < thread->stack_high;
    if (vmp_session.native == VMPROF_NATIVE_FRAME_POINTERS) {
        capture->room =
            sizeof(struct vmp_native_chain) +
            VMP_MOST_NATIVE_FRAMES * sizeof(struct vmp_native_frame);
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

    if (doubtful && read_pages(to, capture->from, doubtful) < doubtful)
        memset(to, 0, doubtful);
    copy_words((uint64_t *)(to + doubtful), capture->from + doubtful,
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
            (uint32_t)read_pages(copy + 1, capture->from, capture->size);
        native->is_cut = native->size == capture->size;
    }
    return sizeof(*copy) + native->size;
}

/* Two words of a stack that may end anywhere, read ahead. */
struct chunk {
    uintptr_t from;
    size_t size;
    uint64_t words[CHUNK_WORDS];
};

static bool
read_record(struct chunk *chunk, uintptr_t at, uint64_t record[2])
{
    if (at < chunk->from || at - chunk->from + 16 > chunk->size) {
        chunk->from = at;
        chunk->size = read_pages(chunk->words, at, sizeof(chunk->words));
    }
    if (chunk->size < 16)
        return false;
    record[0] = chunk->words[(at - chunk->from) / 8];
    record[1] = chunk->words[(at - chunk->from) / 8 + 1];
    return true;
}

/* Follow the chain of frame pointers; each leads to the next and to a return
 * address. It ends where one does not lie above the last. */
static __attribute__((no_sanitize_address)) unsigned
follow_own(const struct vmp_capture *capture, const struct vmp_thread *thread,
           struct vmp_native_frame *to, unsigned most)
{
    const uintptr_t end = thread->stack_high - 16;
    uint64_t pc = capture->registers.value[vmp_machine.pc];
    uintptr_t fp = (uintptr_t)capture->registers.value[vmp_machine.fp];
    uintptr_t least = (uintptr_t)capture->registers.value[vmp_machine.sp];
    unsigned count = 0;

    while (count < most && pc) {
        to[count].pc = pc;
        if (fp < least || fp > end || fp % 8) {
            to[count++].cfa = least;
            break;
        }
        least = fp + 16;
        to[count++].cfa = least;
        pc = ((const volatile uint64_t *)fp)[1];
        fp = (uintptr_t)((const volatile uint64_t *)fp)[0];
    }
    return count;
}

/* The same on a stack whose end is not known: a coroutine that began with the
 * frame pointer of another stack would lead there. */
static unsigned
follow_other(const struct vmp_capture *capture, struct vmp_native_frame *to,
             unsigned most)
{
    struct chunk chunk = { .size = 0 };
    uint64_t pc = capture->registers.value[vmp_machine.pc];
    uintptr_t fp = (uintptr_t)capture->registers.value[vmp_machine.fp];
    uintptr_t least = (uintptr_t)capture->registers.value[vmp_machine.sp];
    unsigned count = 0;

    while (count < most && pc) {
        uint64_t record[2];

        to[count].pc = pc;
        if (fp < least || fp - least > MOST_FRAME || fp % 8 ||
            !read_record(&chunk, fp, record)) {
            to[count++].cfa = least;
            break;
        }
        least = fp + 16;
        to[count++].cfa = least;
        pc = record[1];
        fp = (uintptr_t)record[0];
    }
    return count;
}

static unsigned
first_words(const struct vmp_capture *capture, const struct vmp_thread *thread,
            uint64_t *to)
{
    const uintptr_t sp = (uintptr_t)capture->registers.value[vmp_machine.sp];
    size_t size = VMP_LEAF_WORDS * sizeof(*to);

    if (sp % 8)
        return 0;
    if (!capture->is_own)
        return (unsigned)(read_pages(to, sp, size) / sizeof(*to));
    if (thread->stack_high - sp < size)
        size = (thread->stack_high - sp) / 8 * 8;
    copy_words(to, sp, size);
    return (unsigned)(size / sizeof(*to));
}

static size_t
take_chain(const struct vmp_capture *capture, const struct vmp_thread *thread,
           struct vmp_native *native)
{
    struct vmp_native_chain *const chain = (struct vmp_native_chain *)native;
    struct vmp_native_frame *const to = (struct vmp_native_frame *)(chain + 1);
    const unsigned most = VMP_MOST_NATIVE_FRAMES;
    const unsigned count = capture->is_own
                               ? follow_own(capture, thread, to, most)
                               : follow_other(capture, to, most);

    chain->fp = capture->registers.value[vmp_machine.fp];
    chain->link = capture->registers.value[vmp_machine.return_address];
    chain->word_count = first_words(capture, thread, chain->words);
    native->from = native->sp;
    native->is_cut = count == most;
    native->size = (uint32_t)(count * sizeof(*to));
    return sizeof(*chain) + native->size;
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
vmp_capture_take(const struct vmp_capture *capture,
                 const struct vmp_thread *thread, struct vmp_record *record)
{
    struct vmp_native *const native =
        (struct vmp_native *)((unsigned char *)record + record->size);

    if (!capture->room)
        return;
    native->sp = capture->registers.value[vmp_machine.sp];
    native->end = capture->is_own ? thread->stack_high : 0;
    if (vmp_session.native == VMPROF_NATIVE_FRAME_POINTERS) {
        record->parts |= VMP_PART_CHAIN;
        record->size += (uint32_t)take_chain(capture, thread, native);
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
