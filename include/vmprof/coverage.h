/* SPDX-License-Identifier: MIT */

/**
 * @file
 * Which lines have run. A line costs something when it runs for the first time,
 * and then nothing: the layer disables each site that it has seen, and a VM may
 * leave the event out there (vmprof_fire_event() returns 1).
 */
#ifndef VMPROF_COVERAGE_H
#define VMPROF_COVERAGE_H

#include <vmprof/layer.h>

VMPROF_BEGIN_DECLS

/**
 * Note which lines run.
 *
 * A line that finds no room is counted as lost once for each of its sites.
 * The library remembers each site that is disabled, in up to 128 bytes.
 *
 * @param options   NULL: all defaults. The events are lines.
 * @param[out] out  The layer; vmprof_free_layer() ends it.
 *
 * @return As vmprof_new_event_counts().
 * @par Context
 * Any thread, not from a signal handler.
 * @since 0.1
 */
VMPROF_API VMPROF_NODISCARD int
vmprof_new_coverage(const struct vmprof_layer_options *options,
                    struct vmprof_layer **out);

/**
 * Say which lines a code has, so that those that never run are told of.
 *
 * @param layer  NULL: each that there is now; with `vmprof record --tool coverage`
 *               it is there before the VM registers its first code.
 * @param lines  In any order; 0 is passed over. Again they do no harm.
 * @param count  0 asks whether somebody would look at them.
 *
 * @retval -EINVAL  A @p code of 0, or @p layer is none of this kind.
 * @retval -ENOENT  There is no layer of this kind that could be told.
 * @retval -ENOSPC  Some found no room.
 * @par Context
 * Any thread, not from a signal handler.
 * @since 0.1
 */
VMPROF_API int
vmprof_add_lines(struct vmprof_layer *layer, vmprof_code_id code,
                 const uint32_t *lines, uint64_t count);

/** A line of a code. Frozen. @since 0.1 */
struct vmprof_covered_line {
    vmprof_code_id code;
    uint32_t line;
    uint32_t has_run; /**< 0: it is only known to be there */
};

/** Look at a line. Other than 0 ends it. @since 0.1 */
typedef int (*vmprof_covered_line_function)(
    void *user, const struct vmprof_covered_line *line);

/**
 * Look at all lines as they are now, by code and line.
 *
 * @return As vmprof_each_event_count().
 * @par Context
 * Any thread, not from a signal handler.
 * @since 0.1
 */
VMPROF_API int
vmprof_each_covered_line(struct vmprof_layer *layer,
                         vmprof_covered_line_function function, void *user);

VMPROF_END_DECLS

#endif
