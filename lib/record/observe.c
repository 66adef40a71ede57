/* SPDX-License-Identifier: MIT */

/*
 * Reading the shadow stack of a thread that runs on meanwhile.
 *
 * A frame is taken if its link is the same before and after the reading, if its
 * code belongs to its serial, and if its parent is the frame beneath it, so
 * what is recorded is a stack that was there. A thread that switched stacks meanwhile is read again.
 */

#include "observe.h"

#include <sys/uio.h>

#include "session.h"
#include "signal/sample.h"
#include "signal/trace.h"
#include "signal/weight.h"

enum {
    TRIES = 4,
    CELLS_AT_ONCE = 256,
};

/* Returns false while the thread is between two stacks. */
static bool
find_stacks(struct vmp_thread *thread, struct vmp_window *window,
            uint64_t *switches)
{
    const struct vmprof_stack *stack;
    const struct vmprof_frame *top;

    /* Pairs with the fences in run_on(). */
    *switches = __atomic_load_n(&thread->switches, __ATOMIC_ACQUIRE);
    stack = __atomic_load_n(&thread->head.stack, __ATOMIC_RELAXED);
    top = __atomic_load_n(&thread->head.top, __ATOMIC_ACQUIRE);
    if (*switches & 1 || !stack || top <= stack->frames ||
        top > stack->limit + 1)
        return false;
    vmp_window_open(window, stack, top);
    return true;
}

static bool
still_there(const struct vmp_thread *thread, uint64_t switches)
{
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    return __atomic_load_n(&thread->switches, __ATOMIC_RELAXED) == switches;
}

static uint32_t
parent_of(uint64_t link)
{
    return (uint32_t)(link >> 32);
}

/* Copy a frame if it is whole and stands on `parent`. Returns its link or 0. */
static uint64_t
read_frame(const struct vmprof_frame *frame, uint32_t parent,
           struct vmp_sampled_frame *to)
{
    /* Pairs with the store to link in vmprof_enter_kind(). */
    const uint64_t link = __atomic_load_n(&frame->link, __ATOMIC_ACQUIRE);
    const uintptr_t *const cell =
        __atomic_load_n(&frame->position, __ATOMIC_RELAXED);
    uint64_t code;

    /* Pairs with the fence behind the store to code there. */
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    code = __atomic_load_n(&frame->code, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    if ((code ^ link) & 1 || parent_of(link) != parent ||
        __atomic_load_n(&frame->link, __ATOMIC_RELAXED) != link)
        return 0;
    to->code = code & ~(uint64_t)1;
    to->position = (uintptr_t)cell;
    return link;
}

/* The serial on which a frame has to stand: of the frame beneath it as it was
 * recorded, of the slot that each stack begins with, or, beneath all that is
 * recorded, whatever is there. */
static uint32_t
parent_serial(const struct vmprof_frame *frame, const uint64_t *link_beneath)
{
    const struct vmprof_frame *const beneath = frame - 1;

    if (link_beneath && beneath->code != VMP_STACK_BOTTOM)
        return (uint32_t)*link_beneath;
    return (uint32_t)__atomic_load_n(&beneath->link, __ATOMIC_RELAXED);
}

/* The new frames of a window, as far as they are whole, and their links; `beneath`
 * is that of the last one kept. Their positions are the addresses of their cells
 * yet. Returns how many there are. */
static uint32_t
read_frames(const struct vmp_window *window, const uint64_t *beneath,
            struct vmp_sampled_frame *to, uint64_t *links)
{
    const uint32_t count = window->count - window->keep;
    uint32_t i;

    for (i = 0; i < count; i++) {
        const struct vmprof_frame *const frame =
            vmp_window_frame(window, window->keep + i);

        links[i] = read_frame(frame, parent_serial(frame, beneath), &to[i]);
        if (!links[i])
            break;
        beneath = &links[i];
    }
    return i;
}

/* Read cells of the VM that may be gone by now, in one system call. The thread's
 * memory is the process's, which ends only with the last of them. */
static void
read_cells(pid_t tid, struct vmp_sampled_frame *frames, uint32_t count)
{
    struct iovec to[CELLS_AT_ONCE], from[CELLS_AT_ONCE];
    uintptr_t values[CELLS_AT_ONCE];
    uint32_t index[CELLS_AT_ONCE], wanted = 0;
    ssize_t got;

    for (uint32_t i = count; i-- && wanted < CELLS_AT_ONCE;) {
        if (!frames[i].position)
            continue;
        index[wanted] = i;
        to[wanted] = (struct iovec){ &values[wanted], sizeof(uintptr_t) };
        from[wanted].iov_base = (void *)(uintptr_t)frames[i].position;
        from[wanted++].iov_len = sizeof(uintptr_t);
    }
    for (uint32_t i = 0; i < count; i++)
        frames[i].position = 0;
    if (!wanted)
        return;
    got = process_vm_readv(tid, to, wanted, from, wanted, 0);
    for (uint32_t i = 0; got > 0 && i < (size_t)got / sizeof(uintptr_t); i++) {
        frames[index[i]].position = values[i];
        frames[index[i]].code |= VMP_HAS_POSITION;
    }
}

/* A cell is good if its frame was live after it was read: where that is not
 * sure, there is no position. */
static void
check_cells(const struct vmp_thread *thread, const struct vmp_window *window,
            uint64_t switches, struct vmp_sampled_frame *frames,
            const uint64_t *links)
{
    const struct vmprof_frame *top;
    const struct vmp_segment *const last =
        &window->segments[window->segment_count - 1];
    const bool same = still_there(thread, switches);

    top = __atomic_load_n(&thread->head.top, __ATOMIC_ACQUIRE);
    for (uint32_t i = 0; i < window->count - window->keep; i++) {
        const struct vmprof_frame *const frame =
            vmp_window_frame(window, window->keep + i);
        const bool in_last = frame > last->stack->frames &&
                             frame <= last->stack->frames + last->depth;

        if (same && (!in_last || frame < top) &&
            __atomic_load_n(&frame->link, __ATOMIC_RELAXED) == links[i])
            continue;
        frames[i].code &= ~VMP_HAS_POSITION;
        frames[i].position = 0;
    }
}

static void
fill_record(struct vmp_thread *thread, struct vmp_record *record,
            enum vmp_record_type type, uint64_t now_ns, uint64_t cpu_ns)
{
    const uint64_t passed_ns = now_ns - thread->last_time_ns;
    const uint64_t used_ns = vmp_since(thread->last_cpu_ns, cpu_ns);
    const bool wall = vmp_session.mode == VMPROF_MODE_WALL;

    record->type = (uint8_t)type;
    record->trace = vmp_current_trace(thread);
    record->phase = vmp_phase_in(thread, record->trace);
    record->state = wall && used_ns < passed_ns / 2 ? VMP_STATE_OFF_CPU : 0;
    record->time_ns = now_ns;
    record->weight_ns = wall ? passed_ns : vmp_weigh(thread, cpu_ns, false);
    vmp_charge(thread, cpu_ns, record->weight_ns);
    thread->last_time_ns = now_ns;
}

/* Whether its stack is still that of the last record, all of which was there to
 * be read. */
static bool
has_not_run(const struct vmp_thread *thread, uint64_t cpu_ns)
{
    return cpu_ns && cpu_ns == thread->recorded_cpu_ns;
}

static void
record_again(struct vmp_thread *thread, enum vmp_record_type type,
             uint64_t now_ns, uint64_t cpu_ns)
{
    struct vmp_record *const record = vmp_reserve_record(thread, 0, 0);

    if (!record)
        return;
    fill_record(thread, record, type, now_ns, cpu_ns);
    record->keep = thread->last.count;
    record->cut = thread->last.cut;
    vmp_commit_record(thread, record);
}

/* How many frames have a position; at first that is the address of a cell. */
static uint32_t
count_positions(const struct vmp_sampled_frame *frames, uint32_t count)
{
    uint32_t found = 0;

    for (uint32_t i = 0; i < count; i++)
        found += frames[i].position || frames[i].code & VMP_HAS_POSITION;
    return found;
}

/* Returns false if the thread switched stacks meanwhile. */
static bool
try_to_observe(struct vmp_thread *thread, enum vmp_record_type type,
               uint64_t now_ns, uint64_t cpu_ns)
{
    struct vmp_last_sample *const last = &thread->last;
    struct vmp_window window;
    struct vmp_record *record;
    struct vmp_sampled_frame *frames;
    uint64_t switches, *links;
    uint32_t whole, positions;

    if (!find_stacks(thread, &window, &switches))
        return false;
    vmp_window_fit(&window, last, vmp_session.max_frames);
    record = vmp_reserve_record(thread, window.count - window.keep,
                                sizeof(*frames) + sizeof(*links));
    if (!record)
        return true;
    frames = (struct vmp_sampled_frame *)(record + 1);
    /* What comes after the frames is no part of the record: they are taken over
     * once it is certain. */
    links = (uint64_t *)(frames + record->added);
    whole =
        read_frames(&window, window.keep ? &last->links[window.keep - 1] : NULL,
                    frames, links);
    if (!still_there(thread, switches))
        return false;
    if (whole < record->added)
        window.leaf_missing = true;
    vmp_window_trim(&window, window.keep + whole);
    record->added = whole;
    positions = count_positions(frames, whole);
    read_cells(thread->tid, frames, whole);
    check_cells(thread, &window, switches, frames, links);
    positions -= count_positions(frames, whole);
    if (positions)
        vmp_count(&thread->counters.locations_lost, positions);

    for (uint32_t i = 0; i < whole; i++)
        last->links[window.keep + i] = links[i];
    record->size = (uint32_t)(sizeof(*record) + whole * sizeof(*frames));
    /* One that went on meanwhile was not in the kernel. */
    fill_record(thread, record, window.leaf_missing ? VMP_RECORD_SAMPLE : type,
                now_ns, cpu_ns);
    if (window.leaf_missing)
        record->state |= VMP_STATE_LEAF_MISSING;
    record->keep = window.keep;
    record->cut = window.cut;
    vmp_window_remember(&window, last);
    thread->recorded_cpu_ns = window.leaf_missing || positions ? 0 : cpu_ns;
    vmp_commit_record(thread, record);
    return true;
}

bool
vmp_observe(const struct vmp_watch *watch, struct vmp_thread *thread,
            enum vmp_record_type type, uint64_t cpu_ns)
{
    if (watch->is_exact && has_not_run(thread, cpu_ns)) {
        record_again(thread, type, watch->now_ns, cpu_ns);
        return true;
    }
    for (unsigned i = 0; i < TRIES; i++)
        if (try_to_observe(thread, type, watch->now_ns, cpu_ns))
            return true;
    return false;
}
