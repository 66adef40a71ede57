/* SPDX-License-Identifier: MIT */

/* Recorded events of the VM's language, as a reader hands them over. */
#ifndef READ_RECORDED_H
#define READ_RECORDED_H

#include <stdbool.h>
#include <stdint.h>

#include <vmprof/event_names.h>

enum {
    RECORDED_KINDS = 64,
};

struct recorded_event {
    uint64_t time_ns; /* since the session's start */
    uint64_t number;  /* on its thread, from 0; those lost in a damaged part of
                         the file are counted */
    uint64_t offset;  /* of the bytecode */
    uint64_t target;
    uint64_t missing; /* bits: kinds of which some that came after the event
                              before are not there */
    uint32_t thread;  /* index into threads */
    uint32_t code, callee; /* indexes into codes, if they are there */
    uint32_t line;         /* 0: unknown */
    uint32_t kind;         /* enum vmprof_event_kind */
    bool has_code, has_callee;
};

/* What became of events of one kind. */
struct recorded_counts {
    uint64_t recorded, left_out, over_rate, no_room;
};

/* Of a session. */
struct recorded_totals {
    bool has_settings;
    uint64_t events, period, rate; /* as they were asked for; rate 0: none */
    /* The members but the first as the file says; that is what is there. */
    struct recorded_counts counts[RECORDED_KINDS];
    uint64_t lost_in_file; /* recorded, and in a part that is damaged */
};

struct profile;

/* Those of a thread come in order. Returning other than 0 stops the reading with
 * that result. */
typedef int (*recorded_function)(void *user, const struct profile *profile,
                                 const struct recorded_event *event);

#endif
