/* SPDX-License-Identifier: MIT */

/** @file All of libvmprof. */
#ifndef VMPROF_VMPROF_H
#define VMPROF_VMPROF_H

#include <vmprof/base.h>
#include <vmprof/call_graph.h>
#include <vmprof/code.h>
#include <vmprof/coverage.h>
#include <vmprof/emit.h>
#include <vmprof/event_counts.h>
#include <vmprof/event_names.h>
#include <vmprof/event_recorder.h>
#include <vmprof/events.h>
#include <vmprof/hooks.h>
#include <vmprof/interp.h>
#include <vmprof/jit.h>
#include <vmprof/jit_sinks.h>
#include <vmprof/layer.h>
#include <vmprof/sampler.h>
#include <vmprof/stack.h>
#include <vmprof/trace.h>
#include <vmprof/version.h>

#endif
