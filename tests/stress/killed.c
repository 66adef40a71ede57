/* SPDX-License-Identifier: MIT */

/*
 * SIGKILL at random moments: what had been sampled 100 ms before is in the file.
 * A machine that has no time for a thread of ours for a while is late by that: a
 * sleeper beside it says by how much, and such rounds only say that nothing much
 * older is missing.
 */
#include "suite.h"

#include <pthread.h>
#include <stdatomic.h>

#include "profiled.h"
#include "scale.h"

enum {
    MOST_LIFE_MS = 400,
    NOTES = 1024,
    NOTE_EVERY_US = 1000,
};

static const uint64_t PROMISED_NS = 100 * 1000 * 1000;
static const uint64_t PUNCTUAL_NS = 10 * 1000 * 1000;
static const uint64_t LONGEST_NS = 2000 * 1000 * 1000;

static unsigned kept, late, broken;

/* By the child, for its parent. */
struct note {
    uint64_t time_ns;
    uint64_t samples; /* taken before that */
    uint64_t late_ns; /* how much too long the sleeper slept */
};

static struct {
    struct note notes[NOTES];
    atomic_uint count;
} * shared;

static uint64_t
monotonic_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void *
take_notes(void *unused)
{
    uint64_t last_ns = monotonic_ns();

    (void)unused;
    for (unsigned i = 0; i < NOTES; i++) {
        struct note *const note = &shared->notes[i];

        usleep(NOTE_EVERY_US);
        note->samples = profile_stats().samples;
        note->time_ns = monotonic_ns();
        note->late_ns = note->time_ns - last_ns - NOTE_EVERY_US * 1000;
        last_ns = note->time_ns;
        atomic_store(&shared->count, i + 1);
    }
    return NULL;
}

static void
call(struct vmprof_thread *thread, vmprof_code_id code, unsigned depth)
{
    const vmprof_token token = vmprof_execute_code_enter(thread, code, NULL);

    for (volatile unsigned i = 0; i < 100; i++)
        continue;
    if (depth)
        call(thread, code, depth - 1);
    vmprof_execute_code_leave(thread, token);
}

static void
be_profiled(int file)
{
    struct vmprof_thread *thread;
    const vmprof_code_id code = code_named("killed");
    pthread_t notes;

    alarm(patience(20));
    require(vmprof_attach_thread(NULL, &thread) == 0);
    require(vmprof_enable(file, 0.0005) == 0);
    require(pthread_create(&notes, NULL, take_notes, NULL) == 0);
    for (;;)
        call(thread, code, 20);
}

/* What had been taken `before_ns` ago, as far as is known. */
static uint64_t
samples_at(uint64_t time_ns)
{
    uint64_t samples = 0;

    for (unsigned i = 0; i < atomic_load(&shared->count); i++)
        if (shared->notes[i].time_ns <= time_ns)
            samples = shared->notes[i].samples;
    return samples;
}

static uint64_t
greatest_lateness(uint64_t since_ns, uint64_t killed_ns)
{
    const unsigned count = atomic_load(&shared->count);
    uint64_t greatest = 0, last_ns = killed_ns;

    for (unsigned i = 0; i < count; i++) {
        const struct note *const note = &shared->notes[i];

        last_ns = note->time_ns;
        if (last_ns >= since_ns && note->late_ns > greatest)
            greatest = note->late_ns;
    }
    return killed_ns > last_ns && killed_ns - last_ns > greatest
               ? killed_ns - last_ns
               : greatest;
}

static void
judge(const struct decoded *d, uint64_t killed_ns)
{
    const uint64_t due = samples_at(killed_ns - PROMISED_NS);
    const uint64_t late_ns =
        greatest_lateness(killed_ns - LONGEST_NS, killed_ns);

    require(d->sample_count >= samples_at(killed_ns - LONGEST_NS));
    if (d->sample_count >= due) {
        kept++;
    } else if (late_ns > PUNCTUAL_NS) {
        late++;
    } else {
        broken++;
        dprintf(2, "# %zu of %llu samples\n", d->sample_count,
                (unsigned long long)due);
    }
}

static void
kill_one(uint64_t *dice)
{
    const int file = profile_file();
    struct decoded d;
    uint64_t killed_ns;
    pid_t child;

    memset(shared, 0, sizeof(*shared));
    child = fork();
    if (child == 0)
        be_profiled(file);
    require(child > 0);
    usleep((useconds_t)(draw(dice) % (MOST_LIFE_MS * 1000)));
    killed_ns = monotonic_ns();
    require(kill(child, SIGKILL) == 0);
    require(waitpid(child, NULL, 0) == child);
    /* One that was killed before it began has nothing. */
    require(decode_fd(&d, file) == 0 || !lseek(file, 0, SEEK_END));
    judge(&d, killed_ns);
    decoded_free(&d);
    close(file);
}

static void
kill_many(void)
{
    const unsigned count = scaled(50, 1000);
    uint64_t dice = 11;

    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    require(shared != MAP_FAILED);
    for (unsigned i = 0; i < count; i++)
        kill_one(&dice);
    dprintf(2,
            "# %u of %u had all that was 100 ms old, %u had not, where the "
            "machine was late itself\n",
            kept, count, late);
    require(broken <= scaled(count / 25, 0));
}

static void
what_is_older_than_100_ms_survives_a_kill(void **state)
{
    (void)state;
    assert_int_equal(isolate(kill_many, scaled(120, 1200)), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_older_than_100_ms_survives_a_kill),
    };

    return cmocka_run_group_tests_name("killed", tests, NULL, NULL);
}
