/* SPDX-License-Identifier: MIT */

/* Threads that switch the profile of bytecodes on and off, change its period
 * and read it at random, while codes and types come and go. In the end the
 * bytecodes of all results are those that were run. */
#include "suite.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>

#include "bytecodes.h"
#include "scale.h"

enum {
    THREADS = 16,
    ROUND = 2000, /* bytecodes between two changes, at most */
    TYPES = 6,
};

static atomic_bool stop;
static _Atomic uint64_t read_bytecodes, read_hits, readings;

/* One of the threads, with a count of what it ran while it was on. */
enum {
    OFFSETS = 40,
};

struct runner {
    pthread_t id;
    uint64_t random;
    struct vmprof_thread *thread;
    bool on;
    uint64_t run, codes;
    vmprof_type_id types[TYPES];
    struct object object;
    vmprof_code_id code;
    uint64_t mark;
};

static void
add_up(struct vmprof_type_profile *profile)
{
    uint64_t hits = 0, bytecodes = 0;

    for (uint64_t i = 0; i < profile_info(profile).rows; i++) {
        const struct vmprof_type_row row = profile_row(profile, i);
        uint64_t typed = 0;

        for (uint64_t j = 0; j < row.tuple_count; j++)
            typed += row.tuples[j].hits;
        require(typed == row.typed);
        require(row.bytecodes >= row.hits);
        hits += row.hits;
        bytecodes += row.bytecodes;
    }
    require(hits == profile_info(profile).hits);
    require(bytecodes == profile_info(profile).bytecodes);
    atomic_fetch_add(&read_hits, hits);
    atomic_fetch_add(&read_bytecodes, bytecodes);
    atomic_fetch_add(&readings, 1);
    vmprof_free_type_profile(profile);
}

static void
run_bytecodes(struct runner *r, uint64_t count)
{
    struct vmprof_thread *const thread = r->thread;
    const struct vmprof_hit_site *const sites =
        r->codes % 3 ? vmprof_hit_sites(thread, r->code, OFFSETS) : NULL;
    uint64_t *const counters =
        r->codes % 2 ? vmprof_hit_counters(thread, r->code, 2 * OFFSETS) : NULL;
    int64_t countdown;

    vmprof_look_at_counts(thread);
    countdown = thread->bytecode_countdown;
    for (uint64_t i = 0; i < count; i++) {
        const uint64_t drawn = draw(&r->random), offset = drawn % OFFSETS;
        const uintptr_t place =
            (uintptr_t)&r->object + (uintptr_t)offset * 4 + 1;
        const uint32_t opcode = offset % 4;
        const vmprof_type_id types[VMPROF_MAX_OPERANDS] = {
            r->types[drawn >> 32 & 1], r->types[(drawn >> 40) % TYPES]
        };
        const uint64_t key =
            opcode == OPCODE_TWO   ? vmprof_key_of_two(types[0], types[1])
            : opcode == OPCODE_ONE ? vmprof_key_of_one(types[0])
                                   : vmprof_key_of_none();

        if (!vmprof_counting(thread))
            continue;
        if (counters && vmprof_counts_each(thread) && opcode == OPCODE_PLAIN) {
            vmprof_count_known(&counters[2 * offset]);
            continue;
        }
        if (sites && vmprof_counts_each(thread) && opcode != OPCODE_ALL &&
            vmprof_count_at_site(&sites[offset], key))
            continue;
        if (--countdown >= 0)
            continue;
        if (opcode == OPCODE_ALL ||
            !vmprof_count_hit(thread, countdown, place, key))
            countdown = vmprof_bytecode_missed(thread, countdown, place,
                                               r->code, offset, opcode, types);
    }
    thread->bytecode_countdown = countdown;
    if (r->on || r->mark)
        r->run += count;
}

static void
end_call(struct runner *r)
{
    vmprof_count_return(r->thread, r->mark);
    vmprof_count_resume(r->thread, 0);
    r->mark = 0;
}

static void
change_code(struct runner *r)
{
    end_call(r);
    require(vmprof_forget_code(r->code) == 0);
    r->object.hash++;
    r->code = register_object(&r->object, r->codes++ % 2 ? NULL : "b:s:1:x");
}

static void
change_type(struct runner *r)
{
    vmprof_type_id *const type = &r->types[draw(&r->random) % TYPES];

    require(vmprof_forget_type(*type) == 0);
    *type = register_type("young");
}

static void
change_limits(struct runner *r)
{
    struct vmprof_type_limits limits;

    vmprof_type_limits_init(&limits);
    limits.sites = 50 + (uint32_t)(draw(&r->random) % 1000);
    limits.tuples = 1 + (uint32_t)(draw(&r->random) % 8);
    require(vmprof_set_type_limits(&limits) == 0);
}

static void
do_something(struct runner *r)
{
    static const uint64_t periods[] = { 1, 1, 2, 7, 100, 1000, 50000 };
    const uint64_t drawn = draw(&r->random);

    switch (drawn % 10) {
    case 0:
    case 1:
        require(vmprof_set_profile_interp(!r->on) == r->on);
        r->on = !r->on;
        break;
    case 2:
        require(vmprof_set_profile_interp_period(
                    periods[(drawn >> 8) % LENGTH(periods)]) == 0);
        break;
    case 3:
        require(vmprof_set_profile_interp_jitter(drawn >> 8 & 1) >= 0);
        break;
    case 4:
        add_up(take_profile());
        break;
    case 5:
        change_code(r);
        break;
    case 6:
        change_type(r);
        break;
    case 7:
        change_limits(r);
        break;
    case 8:
        (void)vmprof_add_candidate(r->code, 1 + (drawn >> 8) % 2, NULL, NULL);
        break;
    default:
        if (r->mark)
            end_call(r);
        else
            r->mark = vmprof_count_call(r->thread, r->code);
    }
}

static void *
run_at_random(void *user)
{
    struct runner *const r = user;

    require(vmprof_attach_thread(NULL, &r->thread) == 0);
    r->code = register_object(&r->object, NULL);
    for (unsigned i = 0; i < TYPES; i++)
        r->types[i] = register_type(i % 2 ? "odd" : "even");
    while (!atomic_load(&stop)) {
        run_bytecodes(r, draw(&r->random) % ROUND);
        do_something(r);
    }
    /* One more, so that what it ran since its last hit is a hit's, too: not one
     * in place, of which the library does not know. */
    change_code(r);
    require(vmprof_set_profile_interp_period(1) == 0);
    require(vmprof_set_profile_interp(1) == r->on);
    vmprof_count_bytecode(r->thread, r->code, 0, OPCODE_PLAIN, NULL);
    r->run++;
    require(vmprof_detach_thread(r->thread) == 0);
    require(vmprof_forget_code(r->code) == 0);
    for (unsigned i = 0; i < TYPES; i++)
        require(vmprof_forget_type(r->types[i]) == 0);
    return NULL;
}

static void
switch_at_random(void)
{
    static struct runner runners[THREADS];
    const int64_t end = now_ms() + 1000 * scaled(3, 60);
    uint64_t run = 0, codes = 0;

    bytecodes_set_up();
    for (unsigned i = 0; i < THREADS; i++) {
        runners[i].random = 0x9e3779b97f4a7c15 * (i + 1);
        require(pthread_create(&runners[i].id, NULL, run_at_random,
                               &runners[i]) == 0);
    }
    while (now_ms() < end)
        usleep(10000);
    atomic_store(&stop, true);
    for (unsigned i = 0; i < THREADS; i++) {
        require(pthread_join(runners[i].id, NULL) == 0);
        run += runners[i].run;
        codes += runners[i].codes;
    }
    add_up(take_profile());
    dprintf(
        2, "# %llu bytecodes while on, %llu hits in %llu results, %llu codes\n",
        (unsigned long long)run, (unsigned long long)read_hits,
        (unsigned long long)readings, (unsigned long long)codes);
    require(read_bytecodes == run);
    require(run > 0 && readings > THREADS);
}

static void
totals_add_up_whatever_threads_do(void **state)
{
    (void)state;
    assert_int_equal(isolate(switch_at_random, 300), 0);
}

static uint64_t
resident_kb(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (uint64_t)usage.ru_maxrss;
}

/* The stated bound: sites of the thread and of what has ended, and as much
 * again while they are moved; names of types that a tuple still has. */
static void
be_born_and_die(void)
{
    enum {
        SITES = 2000,
        TUPLES = 4,
    };
    const uint64_t bound_kb =
        (2 * 2 * SITES * (128 + 56 * TUPLES) + SITES * TUPLES * 400) / 1024;
    const unsigned codes = scaled(20000, 100000);
    struct vmprof_type_limits limits;
    struct vmprof_thread *thread;
    struct object object = { 0 };
    uint64_t first_kb = 0;

    bytecodes_set_up();
    require(vmprof_attach_thread(NULL, &thread) == 0);
    vmprof_type_limits_init(&limits);
    limits.sites = SITES;
    limits.tuples = TUPLES;
    require(vmprof_set_type_limits(&limits) == 0);
    require(vmprof_set_profile_interp(1) == 0);
    for (unsigned i = 0; i < codes; i++) {
        const vmprof_code_id code = register_object(&object, NULL);
        vmprof_type_id types[10];

        for (unsigned j = 0; j < LENGTH(types); j++) {
            types[j] = register_type("a type that does not live for long");
            vmprof_count_bytecode(thread, code, j % 3, OPCODE_ONE, &types[j]);
        }
        for (unsigned j = 0; j < LENGTH(types); j++)
            require(vmprof_forget_type(types[j]) == 0);
        require(vmprof_forget_code(code) == 0);
        if (i == 100)
            first_kb = resident_kb();
    }
    require(profile_info(take_profile()).hits == 10ull * codes);
    dprintf(2, "# %u codes, %u types: %llu KiB more, the bound is %llu\n",
            codes, 10 * codes, (unsigned long long)(resident_kb() - first_kb),
            (unsigned long long)bound_kb);
    /* A sanitizer keeps what is freed. */
    require(is_slow() || resident_kb() - first_kb < bound_kb);
}

static void
codes_and_types_by_the_million_take_bounded_memory(void **state)
{
    (void)state;
    assert_int_equal(isolate(be_born_and_die, 120), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(totals_add_up_whatever_threads_do),
        cmocka_unit_test(codes_and_types_by_the_million_take_bounded_memory),
    };

    return cmocka_run_group_tests_name("types", tests, NULL, NULL);
}
