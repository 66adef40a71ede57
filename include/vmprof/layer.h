/* SPDX-License-Identifier: MIT */

/**
 * @file
 * Layers on top of events.h: ready-made tools that gather what event_counts.h,
 * coverage.h and call_graph.h describe.
 *
 * Each layer is a tool of its own, so any number of them runs beside others, as
 * long as there are tools free. What it gathers can be read at any time, and is
 * written into the profile if it is asked to.
 */
#ifndef VMPROF_LAYER_H
#define VMPROF_LAYER_H

#include <vmprof/events.h>

VMPROF_BEGIN_DECLS

/** A tool that gathers. @since 0.1 */
struct vmprof_layer;

/** What is wanted of a layer. Only grows at the end. @since 0.1 */
struct vmprof_layer_options {
    uint64_t size;    /**< set by vmprof_layer_options_init() */
    const char *name; /**< of its tool; NULL: after the kind of layer */
    uint64_t events;  /**< bits; 0: those that the layer is for. Others of them
                           are -EINVAL */
    uint64_t most;    /**< rows kept, of all threads together; 0: 131,072, at
                           most 2^24. A row takes up to 280 bytes */
    int64_t priority; /**< of its tool */
    uint32_t in_profile; /**< 1: written into the profile. Of each kind one
                              layer can be */
    uint32_t no_times;   /**< 1: a call graph that looks at no clock */
};

/** Zero @p options and set their size. @since 0.1 */
VMPROF_INLINE void
vmprof_layer_options_init(struct vmprof_layer_options *options)
{
    memset(options, 0, sizeof(*options));
    options->size = sizeof(*options);
}

/** How a layer fares. Only grows at the end. @since 0.1 */
struct vmprof_layer_info {
    uint64_t size; /**< set by vmprof_layer_info_init() */
    vmprof_tool tool;
    uint64_t rows;      /**< kept, of all threads together */
    uint64_t lost;      /**< what found no room: events, lines or calls */
    uint64_t unmatched; /**< of a call graph: returns from what was never called
                             since it began */
    uint64_t abandoned; /**< of a call graph: calls that another's return ended,
                             as nobody told of their own */
};

/** Zero @p info and set its size. @since 0.1 */
VMPROF_INLINE void
vmprof_layer_info_init(struct vmprof_layer_info *info)
{
    memset(info, 0, sizeof(*info));
    info->size = sizeof(*info);
}

/**
 * How a layer fares.
 * @retval -EINVAL  A bad size.
 * @par Context
 * Any thread, not from a signal handler.
 * @since 0.1
 */
VMPROF_API int
vmprof_get_layer_info(struct vmprof_layer *layer,
                      struct vmprof_layer_info *info);

/**
 * Take a layer away, with what it has gathered; the profile still gets it. NULL
 * is allowed.
 *
 * @par Context
 * Any thread, not from a signal handler; as vmprof_unregister_tool().
 * @since 0.1
 */
VMPROF_API void
vmprof_free_layer(struct vmprof_layer *layer);

VMPROF_END_DECLS

#endif
