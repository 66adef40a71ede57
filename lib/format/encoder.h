/* SPDX-License-Identifier: MIT */

/*
 * One session of a file: turns stacks and samples into bytes and hands these to
 * a sink. They are chunks of the native format, or records of the vmprof log;
 * who has samples need not know which. For one thread at a time: the writer.
 */
#ifndef VMP_ENCODER_H
#define VMP_ENCODER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Takes one whole chunk, or whole records. Returns 0 or a negative errno. */
typedef int (*vmp_sink_function)(void *user, const void *data, size_t size);

/* Writes the full name of a code into a buffer of 1024 bytes. Its length. */
typedef size_t (*vmp_name_of_function)(void *user, uint64_t code, char *buffer);

enum {
    VMP_SYMBOL_NAME_SIZE = 1024,
    VMP_MOST_ADDRESSES = 1 << 16, /* of machine code of no file */
};

/* What the file says of the session. Strings may be NULL. */
struct vmp_session_info {
    const char *vm_name, *os, *machine, *library, *program;
    uint64_t unix_ns, monotonic_ns, interval_ns, pid, max_frames;
    uint32_t mode, clock;
    uint32_t session; /* the random number in each chunk */
};

/* What the file says of a thread. Times are those of the session's clock. */
struct vmp_thread_info {
    const char *name;
    uint64_t id, start_ns, end_ns, cpu_ns; /* end 0: not yet */
};

struct vmp_counters {
    uint64_t expirations, samples;
    uint64_t lost_ring_full, lost_busy, lost_switching, lost_walker;
    uint64_t stacks_cut, frames_cut, overflows, locations_lost;
    uint64_t clock_failures, sampled_ns;
    uint64_t lost_overrun, polled, held_back, system_ticks;
    uint64_t native_cut, native_failed, clock_retries;
    uint64_t jit_events, jit_lost;
};

/* What is known of a frame's place. */
struct vmp_place {
    uint64_t offset;
    uint32_t line; /* 0: unknown */
    bool has_offset;
};

/* What the file says of an object that is mapped into the process. */
struct vmp_module_info {
    const char *path;
    const unsigned char *build_id;
    size_t build_id_size;
    uint64_t start, size, offset; /* of the mapping, and in the file */
    uint64_t bias; /* address in the process less that in the ELF file */
};

/* How far the samples of one thread have come. All zero at first. */
struct vmp_stream {
    uint32_t thread;       /* index */
    uint64_t time;         /* of the last sample, units */
    int64_t owed_ns;       /* of the weights: known and not yet written */
    uint64_t gaps_owed_ns; /* the same of gaps, in a log */
};

/* A function of machine code. */
struct vmp_symbol {
    uint64_t start; /* where it begins, as the process has it */
    uint64_t scope; /* what else to tell it by from others that begin there */
    size_t size;    /* of the name */
    char name[VMP_SYMBOL_NAME_SIZE]; /* "n:symbol:line:file" */
};

/*
 * Tells the function at `address` of the ELF file of a module, or of the process
 * if that is NULL. Called once for each address.
 */
typedef void (*vmp_symbol_of_function)(void *user,
                                       const struct vmp_module_info *module,
                                       uint64_t address,
                                       struct vmp_symbol *out);

/* What a log is to have. */
struct vmp_log_options {
    bool memory, native; /* these are there */
    bool lines;      /* wanted, in place of kinds; not of a VM named "pypy" */
    bool has_traces; /* offsets of compiled frames tell the trace they are of */
    vmp_symbol_of_function symbol_of;
};

struct vmp_encoder;

/* Of the native format. Returns 0 or -ENOMEM, as the next. */
int
vmp_encoder_new(struct vmp_encoder **out, vmp_sink_function sink,
                vmp_name_of_function name_of, void *user);

/* Of the vmprof log. */
int
vmp_encoder_new_log(struct vmp_encoder **out,
                    const struct vmp_log_options *options,
                    vmp_sink_function sink, vmp_name_of_function name_of,
                    void *user);
void
vmp_encoder_free(struct vmp_encoder *encoder);

/* Write what a file begins with. Returns 0, or what the sink said. */
int
vmp_encoder_open(struct vmp_encoder *encoder,
                 const struct vmp_session_info *info);

/*
 * The index of a frame, or -ENOMEM. `code` has the kind in its top 8 bits.
 *
 * By key, any number that stands for a place (a raw position): find returns
 * -ENOENT for one that add has not yet told the place of.
 */
int64_t
vmp_encoder_find_frame(struct vmp_encoder *encoder, uint64_t code,
                       uint64_t key);
int64_t
vmp_encoder_add_frame(struct vmp_encoder *encoder, uint64_t code, uint64_t key,
                      const struct vmp_place *place);

/* The same by the place itself. */
int64_t
vmp_encoder_frame(struct vmp_encoder *encoder, uint64_t code,
                  const struct vmp_place *place);

/*
 * The index of the frame of machine code at `address`, as the ELF file of
 * `module` has it, or as the process has it if that is 0; or -ENOMEM. Of no
 * module there are VMP_MOST_ADDRESSES different ones: further ones are
 * -EOVERFLOW, but for address 0, which is for all of them.
 */
int64_t
vmp_encoder_address(struct vmp_encoder *encoder, uint32_t module,
                    uint64_t address);

/* Define one more module. Returns its index, which is at least 1. */
uint32_t
vmp_encoder_module(struct vmp_encoder *encoder,
                   const struct vmp_module_info *info);

/* The node of `frame` (0: outer frames were cut) under `parent`, or -ENOMEM. */
int64_t
vmp_encoder_node(struct vmp_encoder *encoder, uint32_t parent, uint32_t frame);

/* Say that there is a thread, or what is new about it. */
int
vmp_encoder_thread(struct vmp_encoder *encoder, uint32_t index,
                   const struct vmp_thread_info *info);

/*
 * Write samples of one thread: begin, any number of samples, finish, with
 * frames and nodes made in between as needed. What finish has returned from is
 * in the sink's hands. Both return 0, or what the sink or malloc said.
 */
void
vmp_encoder_begin(struct vmp_encoder *encoder, struct vmp_stream *stream);
int
vmp_encoder_sample(struct vmp_encoder *encoder, uint32_t node, uint64_t time_ns,
                   uint64_t weight_ns, uint32_t phase, uint32_t state);
int
vmp_encoder_finish(struct vmp_encoder *encoder);

/* The resident memory of the process at the samples that follow. */
void
vmp_encoder_memory(struct vmp_encoder *encoder, uint64_t memory_kb);

/* As a sample, for time that no sample was taken of: it is not counted. */
int
vmp_encoder_gap(struct vmp_encoder *encoder, uint32_t node, uint64_t time_ns,
                uint64_t weight_ns, uint32_t phase);

int
vmp_encoder_stats(struct vmp_encoder *encoder, uint64_t time_ns,
                  const struct vmp_counters *counters);

int
vmp_encoder_end(struct vmp_encoder *encoder, uint64_t time_ns);

/* Samples that the sink has taken, and those that it has refused. */
void
vmp_encoder_count(const struct vmp_encoder *encoder, uint64_t *written,
                  uint64_t *unwritten);

#endif
