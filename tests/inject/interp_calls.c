/* SPDX-License-Identifier: MIT */

/* What a VM does on bytecodes, and how it sets what is counted. */

#include "counted.h"

VMPROF_API void
exported_functions_init(struct vmprof_interp_functions *functions)
    IN_LIBRARY(vmprof_interp_functions_init);
VMPROF_API void
exported_limits_init(struct vmprof_type_limits *limits)
    IN_LIBRARY(vmprof_type_limits_init);
VMPROF_API void
exported_count(struct vmprof_thread *thread, vmprof_code_id code,
               uint64_t offset, uint32_t opcode, const void *operands)
    IN_LIBRARY(vmprof_count_bytecode);
VMPROF_API int64_t
exported_count_kept(struct vmprof_thread *thread, int64_t countdown,
                    vmprof_code_id code, uint64_t offset, uint32_t opcode,
                    const void *operands)
    IN_LIBRARY(vmprof_count_bytecode_kept);
VMPROF_API uint64_t
exported_counting(const struct vmprof_thread *thread)
    IN_LIBRARY(vmprof_counting);
VMPROF_API int
exported_count_hit(struct vmprof_thread *thread, int64_t countdown,
                   uintptr_t position, uint64_t key)
    IN_LIBRARY(vmprof_count_hit);
VMPROF_API int
exported_counts_each(const struct vmprof_thread *thread)
    IN_LIBRARY(vmprof_counts_each);
VMPROF_API void
exported_count_known(uint64_t *counter) IN_LIBRARY(vmprof_count_known);
VMPROF_API int
exported_count_at_site(const struct vmprof_hit_site *site, uint64_t key)
    IN_LIBRARY(vmprof_count_at_site);
VMPROF_API uint64_t
exported_key_of_none(void) IN_LIBRARY(vmprof_key_of_none);
VMPROF_API uint64_t
exported_key_of_one(vmprof_type_id type) IN_LIBRARY(vmprof_key_of_one);
VMPROF_API uint64_t
exported_key_of_two(vmprof_type_id deeper, vmprof_type_id upper)
    IN_LIBRARY(vmprof_key_of_two);

enum {
    POSITION = 64, /* where the bytecode of that offset is */
    PERIOD = 10,
};

static void
require_two_hits(struct world *w)
{
    (void)w;
    require_hits(2, 2);
}

static void
switch_on(struct world *w)
{
    prepare(w);
    require(vmprof_set_profile_interp(1) == 0);
    w->check = require_a_hit;
}

static void
switch_on_and_hit(struct world *w)
{
    switch_on(w);
    vmprof_count_bytecode(w->thread, counted, OFFSET, OPCODE_ONE, &number);
    w->check = require_two_hits;
}

/* Counts down in a period of which two bytecodes are left. */
static void
count_most_of_a_period(struct world *w)
{
    prepare(w);
    require(vmprof_set_profile_interp_period(PERIOD) == 0);
    require(vmprof_set_profile_interp(1) == 0);
    for (int i = 2; i < PERIOD; i++)
        vmprof_count_bytecode(w->thread, counted, OFFSET, OPCODE_ONE, &number);
    w->check = require_a_hit;
}

static intptr_t
count(struct world *w)
{
    exported_count(w->thread, counted, OFFSET, OPCODE_ONE, &number);
    return w->thread->bytecode_countdown <= 0;
}

static intptr_t
count_two(struct world *w)
{
    int64_t countdown = w->thread->bytecode_countdown;

    for (int i = 0; i < 2; i++)
        countdown = exported_count_kept(w->thread, countdown, counted, OFFSET,
                                        OPCODE_ONE, &number);
    w->thread->bytecode_countdown = countdown;
    return countdown;
}

static intptr_t
count_typed(struct world *w)
{
    w->thread->bytecode_countdown =
        vmprof_bytecode_typed(w->thread, w->thread->bytecode_countdown - 1,
                              counted, OFFSET, OPCODE_ONE, &number, 1);
    return w->thread->bytecode_countdown <= 0;
}

static void
miss(struct world *w)
{
    w->thread->bytecode_countdown =
        vmprof_bytecode_missed(w->thread, w->thread->bytecode_countdown - 1,
                               POSITION, counted, OFFSET, OPCODE_ONE, &number);
}

static intptr_t
count_missed(struct world *w)
{
    miss(w);
    return w->thread->bytecode_countdown <= 0;
}

static void
switch_on_and_miss(struct world *w)
{
    switch_on(w);
    miss(w);
    w->check = require_two_hits;
}

static intptr_t
count_without_a_call(struct world *w)
{
    return exported_count_hit(w->thread, w->thread->bytecode_countdown - 1,
                              POSITION, exported_key_of_one(number));
}

static struct vmprof_hit_site *sites;

static void
switch_on_and_miss_at_site(struct world *w)
{
    switch_on(w);
    sites = vmprof_hit_sites(w->thread, counted, OFFSET + 1);
    require(sites != NULL);
    miss(w);
    w->check = require_two_hits;
}

static intptr_t
count_at_site(struct world *w)
{
    return exported_counts_each(w->thread) &
           exported_count_at_site(&sites[OFFSET], exported_key_of_one(number));
}

static intptr_t
make_sites(struct world *w)
{
    return vmprof_hit_sites(w->thread, counted, OFFSET + 1) != NULL;
}

static uint64_t *counters;

static void
switch_on_and_make_counters(struct world *w)
{
    switch_on(w);
    counters = vmprof_hit_counters(w->thread, counted, 2 * OFFSET + 2);
    require(counters != NULL);
}

static intptr_t
count_known(struct world *w)
{
    (void)w;
    exported_count_known(&counters[2 * OFFSET + 1]);
    return (intptr_t)counters[2 * OFFSET + 1];
}

static intptr_t
make_counters(struct world *w)
{
    return vmprof_hit_counters(w->thread, counted, OFFSET + 1) != NULL;
}

static intptr_t
look_at_what_is_set(struct world *w)
{
    vmprof_look_at_counts(w->thread);
    return (intptr_t)exported_counting(w->thread);
}

static intptr_t
look(struct world *w)
{
    return (intptr_t)(exported_counting(w->thread) +
                      (exported_key_of_none() == UINT64_MAX) +
                      (exported_key_of_two(1, 2) == ((uint64_t)2 << 32 | 1)));
}

static intptr_t
set_functions(struct world *w)
{
    struct vmprof_interp_functions functions;

    exported_functions_init(&functions);
    functions.line = object_line;
    return vmprof_set_interp_functions(w->code_class, &functions);
}

static intptr_t
register_number(struct world *w)
{
    vmprof_type_id id = 0;
    const int r = vmprof_register_type(w->code_class, "float", &id);

    return r < 0 ? r : (intptr_t)id;
}

static intptr_t
find_number(struct world *w)
{
    (void)w;
    return vmprof_find_type(bytecodes_class, "int") == number;
}

static void
require_no_number(struct world *w)
{
    require(!find_number(w));
}

static void
prepare_to_forget(struct world *w)
{
    prepare(w);
    w->check = require_no_number;
}

static intptr_t
forget_number(struct world *w)
{
    (void)w;
    return vmprof_forget_type(number);
}

/* What died is still told of. */
static intptr_t
forget_counted(struct world *w)
{
    (void)w;
    return vmprof_forget_code(counted);
}

static void
hit_and_expect_it(struct world *w)
{
    switch_on_and_hit(w);
    w->check = require_a_hit;
}

static intptr_t
set_on(struct world *w)
{
    const int r = vmprof_set_profile_interp(1);

    return r < 0 ? r : (intptr_t)exported_counting(w->thread);
}

static intptr_t
set_off(struct world *w)
{
    const int r = vmprof_set_profile_interp(0);

    return r < 0 ? r : r + (intptr_t)exported_counting(w->thread);
}

static intptr_t
set_all_on(struct world *w)
{
    const int r = vmprof_set_profile_interp_all(1);

    return r < 0 ? r : (intptr_t)exported_counting(w->thread);
}

static intptr_t
set_period(struct world *w)
{
    const int r = vmprof_set_profile_interp_period(PERIOD);

    return r < 0 ? r : (intptr_t)w->thread->bytecode_countdown;
}

static intptr_t
set_jitter(struct world *w)
{
    (void)w;
    return vmprof_set_profile_interp_jitter(1);
}

/* What was counted within other limits is not lost. */
static intptr_t
set_limits(struct world *w)
{
    struct vmprof_type_limits limits;

    (void)w;
    exported_limits_init(&limits);
    limits.sites = 4;
    limits.tuples = 1;
    return vmprof_set_type_limits(&limits);
}

static const struct operation list[] = {
    { "look at the count",
      "vmprof_counting vmprof_key_of_none "
      "vmprof_key_of_two",
      look, PATH("AB"), 0, hit_and_expect_it },
    { "count a bytecode, the first hit",
      "vmprof_count_bytecode vmprof_bytecode_expired", count, PATH("AB"),
      IS_LONG, switch_on },
    { "count a bytecode, another hit", "vmprof_bytecode_expired", count,
      PATH("AB"), 0, switch_on_and_hit },
    { "count to the end of a period", "vmprof_count_bytecode_kept", count_two,
      PATH("AB"), IS_LONG, count_most_of_a_period },
    { "count a bytecode of known types", "vmprof_bytecode_typed", count_typed,
      PATH("AB"), 0, switch_on_and_hit },
    { "count a bytecode at a position", "vmprof_bytecode_missed", count_missed,
      PATH("AB"), IS_LONG, switch_on },
    { "count without a call", "vmprof_count_hit vmprof_key_of_one",
      count_without_a_call, PATH("AB"), 0, switch_on_and_miss },
    { "count at a site", "vmprof_count_at_site vmprof_counts_each",
      count_at_site, PATH("AB"), 0, switch_on_and_miss_at_site },
    { "make the sites of a code", "vmprof_hit_sites", make_sites, PATH("AB"), 0,
      prepare },
    { "count in place", "vmprof_count_known", count_known, PATH("AB"), 0,
      switch_on_and_make_counters },
    { "make the counters of a code", "vmprof_hit_counters", make_counters,
      PATH("AB"), 0, prepare },
    { "look at what is set for all", "vmprof_look_at_counts",
      look_at_what_is_set, PATH("AB"), 0, hit_and_expect_it },
    { "set the functions of a class",
      "vmprof_set_interp_functions vmprof_interp_functions_init", set_functions,
      PATH("AB"), 0, NULL },
    { "register a type", "vmprof_register_type", register_number, PATH("AB"), 0,
      NULL },
    { "find a type", "vmprof_find_type", find_number, PATH("AB"), 0, prepare },
    { "forget a type", "vmprof_forget_type", forget_number, PATH("AB"), 0,
      prepare_to_forget },
    { "forget a code with hits", "vmprof_forget_code", forget_counted,
      PATH("AB"), IS_LONG, hit_and_expect_it },
    { "profile bytecodes", "vmprof_set_profile_interp", set_on, PATH("AB"), 0,
      prepare },
    { "profile none", "vmprof_set_profile_interp", set_off, PATH("AB"), 0,
      hit_and_expect_it },
    { "profile bytecodes of all threads", "vmprof_set_profile_interp_all",
      set_all_on, PATH("AB"), 0, prepare },
    { "set the period", "vmprof_set_profile_interp_period", set_period,
      PATH("AB"), 0, hit_and_expect_it },
    { "set the jitter", "vmprof_set_profile_interp_jitter", set_jitter,
      PATH("AB"), 0, NULL },
    { "set the limits of types",
      "vmprof_set_type_limits vmprof_type_limits_init", set_limits, PATH("AB"),
      IS_LONG, hit_and_expect_it },
};

const struct operations interp_operations = { list,
                                              sizeof(list) / sizeof(*list) };
