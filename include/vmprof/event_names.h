/* SPDX-License-Identifier: MIT */

/**
 * @file
 * The events of events.h by name, for options and reports.
 */
#ifndef VMPROF_EVENT_NAMES_H
#define VMPROF_EVENT_NAMES_H

#include <vmprof/events.h>

VMPROF_BEGIN_DECLS

/**
 * The name of an event: that of its constant, in small letters and with hyphens,
 * such as "gc-start". Those that the VM gives a meaning are "vm-0" to "vm-15".
 *
 * @return NULL: there is no such event.
 * @par Context
 * Any thread; async-signal-safe.
 * @since 0.1
 */
VMPROF_API const char *
vmprof_event_name(uint32_t kind);

/**
 * A name that stands for several events: "calls", "c-calls", "exceptions",
 * "branches", "code", "memory", "gc", "jit", "threads", "vm" and "all".
 *
 * @param index        From 0.
 * @param[out] events  Their bits; NULL: not wanted.
 *
 * @return NULL: there are not so many.
 * @par Context
 * Any thread; async-signal-safe.
 * @since 0.1
 */
VMPROF_API const char *
vmprof_event_group(uint64_t index, uint64_t *events);

/**
 * The events of a list of names, with commas in between: of events, and of
 * groups of them.
 *
 * @param names        It ends with a NUL or a semicolon.
 * @param[out] events  Their bits.
 *
 * @retval -EINVAL  A name that means nothing, or none at all.
 * @par Context
 * Any thread; async-signal-safe.
 * @since 0.1
 */
VMPROF_API VMPROF_NODISCARD int
vmprof_parse_events(const char *names, uint64_t *events);

VMPROF_END_DECLS

#endif
