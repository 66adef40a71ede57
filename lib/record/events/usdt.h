/* SPDX-License-Identifier: MIT */

/*
 * Events as USDT probes, for tracers from outside: bpftrace, perf, SystemTap,
 * gdb. A tracer says that it is there by a count beside each probe.
 */
#ifndef VMP_RECORD_EVENTS_USDT_H
#define VMP_RECORD_EVENTS_USDT_H

/* See which probes a tracer is at, and want their events. It has no address to
 * tell of that, so this is asked whenever a thread attaches, and every round of
 * a session's writer. Not under a lock of the library's. */
void
vmp_usdt_check(void);

#endif
