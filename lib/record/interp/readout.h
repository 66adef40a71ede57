/* SPDX-License-Identifier: MIT */

/* Rows of bytecodes and types on their way into a session's file. */
#ifndef VMP_INTERP_READOUT_H
#define VMP_INTERP_READOUT_H

#include "../../format/encoder.h"

/* A session begins: what the program takes from now on goes into its file. */
void
vmp_readout_open(void);

/* By the writer: what was taken since; and at the end of the session also what
 * nobody has taken. */
void
vmp_readout_write(struct vmp_encoder *encoder, uint64_t start_ns);
void
vmp_readout_close(struct vmp_encoder *encoder, uint64_t start_ns);

/* In the child of a fork(), under vmp_interp_lock(). */
void
vmp_readout_leave_to_parent(void);

#endif
