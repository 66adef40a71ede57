/* SPDX-License-Identifier: MIT */

/**
 * @file
 * Start profiling because the environment says so: what `vmprof record` uses.
 *
 * Not part of libvmprof: a VM links `pkg-config vmprof-autostart` on purpose
 * and calls this once when it starts, before or after its thread attaches:
 * both work, for a thread is sampled from whichever comes second.
 */
#ifndef VMPROF_AUTOSTART_H
#define VMPROF_AUTOSTART_H

#include <vmprof/base.h>

VMPROF_BEGIN_DECLS

/** The name of the variable, which `vmprof record` sets. @since 0.1 */
#define VMPROF_RECORD_VARIABLE "VMPROF_RECORD"

/**
 * If VMPROF_RECORD is set, enable profiling as it says, and disable it when the
 * process exits. Read with secure_getenv(): a set-uid program ignores it.
 *
 * The value is "file=PATH" or a list with semicolons in between, PATH last:
 * "interval=0.001;mode=cpu;clock=perf;sampling=signal;native=copy;file=PATH".
 * The file is appended to, so that several processes can share one. With
 * "format=vmprof-log", and "memory=on" and "lines=on" for its parts, only one
 * can: each further process writes to PATH.PID. "jit=event" has traces tell of
 * each edge, "jit=count" count them; "jit-inner=" is count, ignore, each or auto,
 * "jit-overflow=" drop, newest or block: see vmprof_options. "events=" names
 * events to be recorded, as vmprof_parse_events() takes them; "event-period=" and
 * "event-rate=" are vmprof_event_recorder_options'. "tool=coverage",
 * "tool=callgraph" and "tool=counters", more than one of them with commas in
 * between, begin the layers of coverage.h, call_graph.h and event_counts.h.
 *
 * @param vm_name  For the reports; NULL: unknown.
 *
 * @return 1 if profiling was enabled, 0 if the variable is not set or this is
 * not the first call, or a negative errno: -EINVAL for a bad value, else what
 * open(2) or vmprof_enable_with() said.
 * @par Context
 * Any thread, not from a signal handler.
 * @since 0.1
 */
int
vmprof_autostart(const char *vm_name);

VMPROF_END_DECLS

#endif
