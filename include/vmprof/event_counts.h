/* SPDX-License-Identifier: MIT */

/**
 * @file
 * How often each event happened in each code object.
 */
#ifndef VMPROF_EVENT_COUNTS_H
#define VMPROF_EVENT_COUNTS_H

#include <vmprof/layer.h>

VMPROF_BEGIN_DECLS

/**
 * Count events.
 *
 * Allocations count as the events that are told of, so by their period. What has
 * no room in the rows is counted by event, as of code 0.
 *
 * @param options   NULL: all defaults. The events are all but instructions.
 * @param[out] out  The layer; vmprof_free_layer() ends it.
 *
 * @retval -EINVAL  A bad name, size, number of rows, or bits that mean nothing.
 * @retval -EBUSY   Another layer of this kind is written into the profile.
 * @retval -EEXIST, -ENOSPC, -E2BIG, -ENOMEM  As vmprof_register_tool().
 * @par Context
 * Any thread, not from a signal handler.
 * @since 0.1
 */
VMPROF_API VMPROF_NODISCARD int
vmprof_new_event_counts(const struct vmprof_layer_options *options,
                        struct vmprof_layer **out);

/** Events of one kind in one code. Frozen. @since 0.1 */
struct vmprof_event_count {
    vmprof_code_id code; /**< 0: of none, or of any */
    uint32_t kind;       /**< enum vmprof_event_kind */
    uint32_t reserved;
    uint64_t count;
};

/** Look at a count. Other than 0 ends it. @since 0.1 */
typedef int (*vmprof_event_count_function)(
    void *user, const struct vmprof_event_count *count);

/**
 * Look at all counts as they are now, by code and event, all threads together.
 *
 * @return 0, or what @p function returned if that is not 0.
 * @retval -EINVAL  @p layer is none of this kind.
 * @retval -ENOMEM  Out of memory.
 * @par Context
 * Any thread, not from a signal handler.
 * @since 0.1
 */
VMPROF_API int
vmprof_each_event_count(struct vmprof_layer *layer,
                        vmprof_event_count_function function, void *user);

VMPROF_END_DECLS

#endif
