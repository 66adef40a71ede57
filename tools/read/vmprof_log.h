/* SPDX-License-Identifier: MIT */

/*
 * The reader of the vmprof log, doc/format.md: what rvmprof and vmprof-python
 * write. Internal to its files.
 */
#ifndef READ_VMPROF_LOG_H
#define READ_VMPROF_LOG_H

#include "cursor.h"
#include "input.h"
#include "intern.h"
#include "profile.h"

enum log_marker {
    LOG_STACK = 1,
    LOG_NAME = 2,
    LOG_END = 3,
    LOG_VM_NAME = 4,
    LOG_HEADER = 5,
    LOG_START = 6,
    LOG_META = 7,
    LOG_NATIVE_NAME = 8,
    LOG_ALLOCATION = 9, /* laid out as a stack */
    LOG_OBJECTS = 10,
};

enum {
    LOG_MEMORY = 1, /* bits of the header's mode */
    LOG_PAIRS = 8,
    LOG_REAL_TIME = 16,
    LOG_BATCH_SIZE = 512,
    LOG_BATCHES = 8,
    /* So many samples at once: memory is slow, but serves several. */
    LOG_GROUP_SIZE = 16,
    /* What a record may hold, so that no length is taken on trust. */
    LOG_MAX_DEPTH = 1 << 20,
    LOG_MAX_STRING = 1 << 20,
};

/* What of a record's bytes the header and the first samples decide. */
struct log_layout {
    unsigned word_size, address_size;
    bool has_header;
    bool has_mode;
    bool pairs; /* each address has its kind before it */
    bool lines; /* each address has its line before it; not with pairs */
    bool thread_ids;
    bool memory;
    bool times;    /* nanoseconds behind each sample */
    bool seconds;  /* a floating-point number in place of its count */
    bool end_time; /* in LOG_END */
};

struct log_record {
    unsigned marker;
    size_t size; /* all of it; of one that is cut: needed to say more */
    /* Of samples. */
    uint64_t count, depth;
    const unsigned char *stack;
    size_t stack_size;
    uint64_t thread, memory_kb, time_ns;
    /* Of names (id and name) and of META (name is its key). */
    uint64_t id;
    struct bytes name, value;
    /* Of times. */
    uint64_t unix_ns;
    /* Of headers. */
    unsigned version, mode;
};

enum log_look {
    LOG_WHOLE,
    LOG_CUT, /* it would be a record if there were more bytes */
    LOG_BAD,
};

enum log_start {
    LOG_IS_LOG,
    LOG_IS_NOT_LOG,
    LOG_IS_SHORT, /* the file ends within the words that it begins with */
    LOG_IS_BIG_ENDIAN,
};

struct log_words {
    unsigned word_size, address_size;
    size_t size;
    uint64_t period_us;
    bool unusual; /* values that nobody writes */
};

struct log_batch {
    uint32_t thread, count;
    uint32_t nodes[LOG_BATCH_SIZE];
    uint64_t times_ns[LOG_BATCH_SIZE];
    uint64_t weights_ns[LOG_BATCH_SIZE];
    uint64_t memory_kb[LOG_BATCH_SIZE];
    uint8_t phases[LOG_BATCH_SIZE];
    uint8_t states[LOG_BATCH_SIZE];
};

/* A code id; its names may come when all its samples have passed. */
struct log_code {
    uint32_t code; /* in the profile, until the end without a name */
    uint32_t session;
    bool is_native;
    uint64_t id;
    const char *name; /* NULL: none yet */
    bool is_weak;     /* any other name is better */
};

struct log_stacks;

struct stack_hash {
    uint64_t a, b; /* b is not 0 */
};

struct log {
    struct profile *profile;
    struct input *input;
    struct read_options options;
    batch_function on_batch;
    void *user;
    int stopped; /* what on_batch returned, if not 0 */

    struct log_layout layout;
    bool layout_known; /* a sample has shown that it is right */
    unsigned version;
    uint32_t session;
    uint64_t interval_ns;
    uint64_t start_offset_ns; /* to be taken off the samples' times */
    uint64_t samples;         /* of the session */
    struct vmp_intern metas;  /* (session, text of the key) */

    struct vmp_intern thread_ids; /* (session, id) → index of thread */
    uint32_t last_thread;
    uint64_t last_thread_id; /* of the former; good if samples is not 0 */

    struct vmp_intern ids; /* ((session, is native), id) → index in codes */
    struct log_code *codes;
    uint32_t code_capacity;

    struct log_stacks *stacks;
    struct log_batch *batches;
};

/* What a file begins with. `words` is set for LOG_IS_LOG only. */
enum log_start
log_look_at_start(const unsigned char *data, size_t size,
                  struct log_words *words);

/* What the bytes begin with, if `layout` is theirs. */
enum log_look
log_look_at_record(const struct log_layout *layout, const unsigned char *data,
                   size_t size, struct log_record *record);

/*
 * How surely records begin here: how many follow each other, up to eight, and
 * LOG_SURE if the last ends where the file does. Kinds of frames are looked at,
 * too.
 */
#define LOG_SURE 100
unsigned
log_count_records(const struct log_layout *layout, const unsigned char *data,
                  size_t size, bool ended);

/* The layout that fits the records at the start of the window best. */
struct log_layout
log_choose_layout(const struct log_layout *declared, unsigned version,
                  const struct input *input);

/* Takes a sample. Returns 0, -ENOMEM, -ECANCELED, or -EBADMSG: it is none. */
int
log_sample(struct log *log, const struct log_record *record,
           struct stack_hash hash);

/* The index of a thread of the session, or -ENOMEM. */
int64_t
log_find_thread(struct log *log, uint64_t id);

/* What our own writer adds to what a log says of a session. Other keys are left
 * alone. Returns 0 or -ENOMEM. */
int
log_own_meta(struct log *log, const struct log_record *record);

/* Hands all samples over. Returns 0 or -ECANCELED. */
int
log_flush(struct log *log);

/* Has a node and a phase for stacks. NULL: no memory. */
struct log_stacks *
log_stacks_new(void);
void
log_stacks_free(struct log_stacks *stacks);

/* What was learned does not hold for what follows. */
void
log_stacks_forget(struct log_stacks *stacks);

/* What a stack is known by. Fetches what log_stack_node() will look at. */
struct stack_hash
log_stack_hash(const struct log_stacks *stacks,
               const struct log_record *record);

/* The node of a record's stack, whose hash this is, or -ENOMEM. */
int64_t
log_stack_node(struct log *log, const struct log_record *record,
               struct stack_hash hash, uint8_t *phase);

/* The profile's code of an id, which has its name at the end, or -ENOMEM. */
int64_t
log_find_code(struct log *log, uint64_t id, bool is_native);

/* Takes a name. Returns 0 or -ENOMEM. */
int
log_name(struct log *log, const struct log_record *record);

/* Gives all codes their names. Returns 0 or -ENOMEM. */
int
log_finish_names(struct log *log);

/* Count something that was not as it should be. */
static inline void
log_repaired(struct log *log, enum repair repair)
{
    log->profile->damage.repairs[repair]++;
}

/*
 * Reads it all. Returns 0, -ENOMEM or -ECANCELED; log->input begins with the
 * words that log_look_at_start() knows.
 */
int
log_read(struct log *log);

void
log_free(struct log *log);

/* A number of 1, 4 or 8 bytes, without its sign. */
static inline uint64_t
log_get(const unsigned char *data, unsigned size)
{
    if (size == 8)
        return vmp_get_u32(data) | (uint64_t)vmp_get_u32(data + 4) << 32;
    return size == 4 ? vmp_get_u32(data) : data[0];
}

/*
 * As log_look_at_record(), for samples as nearly all are: there are very many.
 * False: it has to be asked.
 */
static inline bool
log_is_usual_sample(const struct log_layout *layout, const unsigned char *data,
                    size_t size, struct log_record *record)
{
    const unsigned address_size = layout->address_size;
    const size_t head = 1 + 2 * (size_t)layout->word_size;
    const size_t tail =
        (size_t)address_size * ((unsigned)layout->thread_ids + layout->memory);
    const unsigned char *end;

    if (size < head || data[0] != LOG_STACK || layout->seconds ||
        layout->times || log_get(data + 1, layout->word_size) != 1)
        return false;
    record->depth = log_get(data + 1 + layout->word_size, layout->word_size);
    if (record->depth > LOG_MAX_DEPTH)
        return false;
    record->stack = data + head;
    record->stack_size = (size_t)record->depth * address_size;
    record->size = head + record->stack_size + tail;
    if (size < record->size)
        return false;
    end = record->stack + record->stack_size;
    record->marker = LOG_STACK;
    record->count = 1;
    record->thread = record->memory_kb = 0;
    if (layout->thread_ids)
        record->thread = log_get(end, address_size);
    if (layout->memory)
        record->memory_kb = log_get(end + tail - address_size, address_size);
    return true;
}

#endif
