/* SPDX-License-Identifier: MIT */

/*
 * What the frame pointers of a C stack say. Following them takes as long as one
 * load after the other. So the thread remembers what they said last: to look
 * whether that still stands there takes loads that do not wait for each other,
 * and only what is new is followed, and recorded. Signal context.
 */

#include "chain.h"

#include "c_stack.h"

enum {
    BLOCK = 8,
    CHUNK_WORDS = 32,
    MOST_FRAME = 1 << 20,
};

/* What was found innermost first, and how many outer records were known. */
struct followed {
    uint32_t count, kept;
    bool is_cut;
};

/* Of what malloc() gave: that saves a load of its own on x86-64. */
typedef vmp_word_pair aligned_pair __attribute__((aligned(16)));

/* What has changed of a record of a chain, added to what has of others. */
static inline VMP_READS_STACK void
compare(const struct vmp_frame_record *record, vmp_word_pair *changed)
{
    const uintptr_t at = (uintptr_t)record[1].fp;

    *changed |= *(const vmp_word_pair *)at ^ *(const aligned_pair *)record;
}

static inline VMP_READS_STACK bool
are_same(const struct vmp_frame_record *records, unsigned count)
{
    vmp_word_pair changed = { 0 };

#pragma GCC unroll 8
    for (unsigned i = 0; i < count; i++)
        compare(&records[i], &changed);
    return !(changed[0] | changed[1]);
}

/* How many records of a chain, from the outermost on, are what they were.
 * Where the stack ends now is `sp`. */
static VMP_READS_STACK uint32_t
count_same(const struct vmp_chain *chain, uint64_t sp)
{
    const struct vmp_frame_record *record = chain->records,
                                  *end = record + chain->count;

    while (end > record && end->fp < sp)
        end--;
    while (end - record >= BLOCK && are_same(record, BLOCK))
        record += BLOCK;
    while (end > record && are_same(record, 1))
        record++;
    return (uint32_t)(record - chain->records);
}

/* How many of the `same` outermost records stand at an address or further out.
 */
static uint32_t
count_from(const struct vmp_frame_record *known, uint32_t same, uint64_t at)
{
    while (same && known[same].fp < at)
        same--;
    return same;
}

/* Each record leads to the next; the chain ends where one does not lie above the
 * last. From one of the `same` outermost of the last chain on it goes on as it
 * did then. */
static VMP_READS_STACK struct followed
follow_own(const struct vmp_capture *capture, const struct vmp_thread *thread,
           uint32_t same, struct vmp_frame_record *to)
{
    const struct vmp_frame_record *const known = thread->last.chain.records;
    const uint64_t end = thread->stack_high - sizeof(*to);
    uint64_t at = capture->registers.value[vmp_machine.fp];
    uint64_t least = capture->registers.value[vmp_machine.sp];
    uint64_t meets_at = same ? known[same].fp : UINT64_MAX;
    uint32_t count = 0;

    while (at >= least && at <= end && at % 8 == 0) {
        const volatile uint64_t *const words =
            (const volatile uint64_t *)(uintptr_t)at;

        if (at >= meets_at) {
            same = count_from(known, same, at);
            meets_at = same ? known[same].fp : UINT64_MAX;
            if (at == meets_at)
                return (struct followed){ .count = count, .kept = same };
        }
        if (count == VMP_MOST_NATIVE_FRAMES)
            return (struct followed){ .count = count, .is_cut = true };
        least = at + sizeof(*to);
        to[count].fp = at = words[0];
        to[count++].pc = words[1];
    }
    return (struct followed){ .count = count };
}

/* The last chain that was cut says nothing of what is further out. */
static struct followed
take_own(const struct vmp_capture *capture, struct vmp_thread *thread,
         struct vmp_frame_record *to)
{
    struct vmp_chain *const chain = &thread->last.chain;
    const uint64_t sp = capture->registers.value[vmp_machine.sp];
    uint32_t same = count_same(chain, sp);
    struct followed followed;

    for (;; same = 0) {
        followed = follow_own(capture, thread, same, to);
        if (followed.kept + followed.count <= VMP_MOST_NATIVE_FRAMES)
            break;
    }
    if (followed.is_cut)
        chain->count = 0;
    else if (chain->records)
        vmp_chain_replace(chain, followed.kept, to, followed.count,
                          capture->registers.value[vmp_machine.fp]);
    return followed;
}

/* Two words of a stack that may end anywhere, read ahead. */
struct chunk {
    uintptr_t from;
    size_t size;
    uint64_t words[CHUNK_WORDS];
};

static bool
read_record(struct chunk *chunk, uintptr_t at, struct vmp_frame_record *record)
{
    if (at < chunk->from || at - chunk->from + 16 > chunk->size) {
        chunk->from = at;
        chunk->size = vmp_read_pages(chunk->words, at, sizeof(chunk->words));
    }
    if (chunk->size < 16)
        return false;
    record->fp = chunk->words[(at - chunk->from) / 8];
    record->pc = chunk->words[(at - chunk->from) / 8 + 1];
    return true;
}

/* On a stack whose end is not known: a coroutine that began with the frame
 * pointer of another stack would lead there. */
static struct followed
follow_other(const struct vmp_capture *capture, struct vmp_frame_record *to)
{
    struct chunk chunk = { .size = 0 };
    uint64_t at = capture->registers.value[vmp_machine.fp];
    uint64_t least = capture->registers.value[vmp_machine.sp];
    struct followed followed = { 0 };

    while (at >= least && at - least <= MOST_FRAME && at % 8 == 0) {
        followed.is_cut = followed.count == VMP_MOST_NATIVE_FRAMES;
        if (followed.is_cut || !read_record(&chunk, (uintptr_t)at, to))
            break;
        followed.count++;
        least = at + sizeof(*to);
        at = to++->fp;
    }
    return followed;
}

static VMP_READS_STACK unsigned
first_words(const struct vmp_capture *capture, const struct vmp_thread *thread,
            uint64_t *to)
{
    const uintptr_t sp = (uintptr_t)capture->registers.value[vmp_machine.sp];
    size_t size = VMP_LEAF_WORDS * sizeof(*to);
    const vmp_word_pair *const from = (const vmp_word_pair *)sp;

    if (sp % 8)
        return 0;
    if (!capture->is_own)
        return (unsigned)(vmp_read_pages(to, sp, size) / sizeof(*to));
    if (thread->stack_high - sp < size) {
        size = (thread->stack_high - sp) / 8 * 8;
        vmp_copy_words(to, sp, size);
        return (unsigned)(size / sizeof(*to));
    }
#pragma GCC unroll 8
    for (unsigned i = 0; i < VMP_LEAF_WORDS / 2; i++)
        ((vmp_word_pair *)to)[i] = from[i];
    return VMP_LEAF_WORDS;
}

size_t
vmp_chain_take(const struct vmp_capture *capture, struct vmp_thread *thread,
               struct vmp_native *native)
{
    struct vmp_native_chain *const chain = (struct vmp_native_chain *)native;
    struct vmp_frame_record *const to = (struct vmp_frame_record *)(chain + 1);
    struct followed followed;

    if (capture->is_own) {
        followed = take_own(capture, thread, to);
    } else {
        /* The writer, too, keeps no other stack's. */
        thread->last.chain.count = 0;
        followed = follow_other(capture, to);
    }
    chain->pc = capture->registers.value[vmp_machine.pc];
    chain->fp = capture->registers.value[vmp_machine.fp];
    chain->link = capture->registers.value[vmp_machine.return_address];
    chain->kept = followed.kept;
    chain->word_count = first_words(capture, thread, chain->words);
    native->from = native->sp;
    native->is_cut = followed.is_cut;
    native->size = (uint32_t)(followed.count * sizeof(*to));
    return sizeof(*chain) + native->size;
}
