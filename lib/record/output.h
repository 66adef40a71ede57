/* SPDX-License-Identifier: MIT */

/*
 * The thread that writes to the session's descriptor, and does nothing else. It
 * has a table of descriptors to itself, so that a host which closes what it
 * does not know neither stops the profile nor has it written into the next file
 * of that number; and it can be left behind if a write never returns.
 */
#ifndef VMP_OUTPUT_H
#define VMP_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vmp_output;

/*
 * With `is_whole` the file is to end with a whole chunk even if the writing
 * ends in the middle of one, as far as a file can be cut.
 * Returns 0, -EBADF, -EACCES, -EMFILE, -ENOMEM or -EAGAIN. */
int
vmp_output_start(struct vmp_output **out, int fd, bool is_whole);

/*
 * Keep a chunk until the next flush. `samples` are those of all chunks before
 * it, for vmp_output_samples(). Returns 0, or the negative errno that ended the
 * writing.
 */
int
vmp_output_put(struct vmp_output *output, const void *chunk, size_t size,
               uint64_t samples);

/* Have all of it written, and wait. `samples` are those of all chunks. */
int
vmp_output_flush(struct vmp_output *output, uint64_t samples);

/* How far it came: samples of whole chunks, bytes, and 0 or an errno. On the
 * thread that flushes. */
uint64_t
vmp_output_samples(const struct vmp_output *output);
uint64_t
vmp_output_bytes(const struct vmp_output *output);
int
vmp_output_error(const struct vmp_output *output);

/* From now on nobody waits for longer than VMP_SINK_PATIENCE_NS and a quarter
 * of a second. Any thread. */
void
vmp_output_hurry(struct vmp_output *output);

/* Give the descriptor back and free everything; as soon as it can be, if a
 * write is under way that was given up. */
void
vmp_output_stop(struct vmp_output *output);

/* In the child of a fork(): the thread is the parent's. */
void
vmp_output_leave_to_parent(struct vmp_output *output);

#endif
