/* SPDX-License-Identifier: MIT */

/* Frame pointers. Signal context. */
#ifndef VMP_SIGNAL_CHAIN_H
#define VMP_SIGNAL_CHAIN_H

#include "capture.h"

/* Put what they say into a record, and remember it as the thread's last chain:
 * that record has to be committed. Returns its size. */
size_t
vmp_chain_take(const struct vmp_capture *capture, struct vmp_thread *thread,
               struct vmp_native *native);

#endif
