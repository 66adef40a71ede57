/* SPDX-License-Identifier: MIT */

/* The thread that empties all rings into the file. */
#ifndef VMP_WRITER_H
#define VMP_WRITER_H

#include <sys/types.h>

#include "../format/encoder.h"
#include "output.h"

struct vmp_writer;

/*
 * Start it. `output` is its own from then on; the strings in `info` have to
 * stay until it is stopped. Returns 0, -EAGAIN or -ENOMEM.
 */
int
vmp_writer_start(struct vmp_writer **out, struct vmp_output *output,
                 const struct vmp_session_info *info);

/* Its thread, or 0 before that runs. */
pid_t
vmp_writer_tid(const struct vmp_writer *writer);

/* Have it come soon. Under vmp_threads_lock(). */
void
vmp_writer_hurry(struct vmp_writer *writer);

/* In the child of a fork(): its threads are the parent's. */
void
vmp_writer_leave_to_parent(struct vmp_writer *writer);

/* Have it write what is left and end. Nothing may sample any more. */
void
vmp_writer_stop(struct vmp_writer *writer);

#endif
