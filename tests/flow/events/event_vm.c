/* SPDX-License-Identifier: MIT */

/*
 * event_vm THREADS ROUNDS [PAUSE_US]: a VM that does nothing but tell of events, so
 * that what is recorded can be held against what was fired. Rounds of 0 go on for
 * ever. Prints as JSON how many of each kind it fired, by name, on all threads.
 *
 * A round is a call of work(), in which leaf() is called twice, the second time left
 * by an exception, a line or two run, a collection, and vm-0: its target is what the
 * clock of samples said a moment before, and its offset the number of the round.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <vmprof/autostart.h>
#include <vmprof/vmprof.h>

enum {
    MOST_THREADS = 16,
    KINDS = 64,
};

static vmprof_code_id work, leaf, print;

struct worker {
    struct vmprof_thread *thread;
    unsigned long rounds, pause_us;
    unsigned long fired[KINDS];
};

static void
die(const char *what)
{
    fprintf(stderr, "event_vm: %s\n", what);
    exit(1);
}

static void
fire(struct worker *worker, const struct vmprof_event *event)
{
    worker->fired[event->kind]++;
    if (vmprof_wants_event(worker->thread, VMPROF_EVENT_BIT(event->kind)))
        vmprof_fire_event(worker->thread, event);
}

static void
tell(struct worker *worker, enum vmprof_event_kind kind, vmprof_code_id code,
     uint32_t line)
{
    const struct vmprof_event event = {
        .kind = kind, .code = code, .line = line, .offset = line * 2
    };

    fire(worker, &event);
}

static void
tell_of_call(struct worker *worker, enum vmprof_event_kind kind)
{
    const struct vmprof_event event = {
        .kind = kind, .code = work, .line = 12, .callee = print
    };

    fire(worker, &event);
}

static void
tell_the_time(struct worker *worker, unsigned long round)
{
    struct vmprof_event event = { .kind = VMPROF_EVENT_VM, .offset = round };
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    event.target = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
    fire(worker, &event);
}

static void
run_round(struct worker *worker, unsigned long round)
{
    tell(worker, VMPROF_EVENT_CALL, work, 10);
    tell(worker, VMPROF_EVENT_LINE, work, 11);
    tell(worker, VMPROF_EVENT_CALL, leaf, 20);
    tell(worker, VMPROF_EVENT_LINE, leaf, 21);
    tell(worker, VMPROF_EVENT_RETURN, leaf, 21);
    tell_of_call(worker, VMPROF_EVENT_C_CALL);
    tell_of_call(worker, VMPROF_EVENT_C_RETURN);
    tell(worker, VMPROF_EVENT_CALL, leaf, 20);
    tell(worker, VMPROF_EVENT_GC_START, 0, 0);
    tell(worker, VMPROF_EVENT_GC_END, 0, 0);
    tell(worker, VMPROF_EVENT_RAISE, leaf, 22);
    tell(worker, VMPROF_EVENT_UNWIND, leaf, 22);
    tell(worker, VMPROF_EVENT_HANDLED, work, 13);
    tell_the_time(worker, round);
    tell(worker, VMPROF_EVENT_RETURN, work, 14);
}

static void *
run(void *user)
{
    struct worker *const worker = user;

    if (vmprof_attach_thread(NULL, &worker->thread) < 0)
        die("a thread cannot be attached");
    tell(worker, VMPROF_EVENT_THREAD_STARTED, 0, 0);
    for (unsigned long i = 0; !worker->rounds || i < worker->rounds; i++) {
        run_round(worker, i);
        if (worker->pause_us)
            usleep((useconds_t)worker->pause_us);
    }
    tell(worker, VMPROF_EVENT_THREAD_ENDED, 0, 0);
    vmprof_detach_thread(worker->thread);
    return NULL;
}

static void
print_fired(const struct worker *workers, unsigned count)
{
    const char *between = "{";

    for (uint32_t kind = 0; kind < KINDS; kind++) {
        unsigned long fired = 0;

        for (unsigned i = 0; i < count; i++)
            fired += workers[i].fired[kind];
        if (!fired)
            continue;
        printf("%s\"%s\": %lu", between, vmprof_event_name(kind), fired);
        between = ", ";
    }
    puts("}");
}

static void
add_codes(void)
{
    struct vmprof_code_class *toy;

    if (vmprof_register_code_class("toy", NULL, &toy) < 0 ||
        vmprof_register_code(toy, &work, "toy:work:10:script.toy", &work) < 0 ||
        vmprof_register_code(toy, &leaf, "toy:leaf:20:script.toy", &leaf) < 0 ||
        vmprof_register_code(toy, &print, "toy:print:0:", &print) < 0)
        die("the codes cannot be registered");
}

int
main(int argc, char **argv)
{
    static struct worker workers[MOST_THREADS];
    pthread_t threads[MOST_THREADS];
    const unsigned count = argc > 2 ? (unsigned)atoi(argv[1]) : 0;

    if (count < 1 || count > MOST_THREADS)
        die("THREADS ROUNDS [PAUSE_US]");
    if (vmprof_autostart("event_vm") < 0)
        die("profiling cannot be started");
    add_codes();
    for (unsigned i = 0; i < count; i++) {
        workers[i].rounds = strtoul(argv[2], NULL, 10);
        workers[i].pause_us = argc > 3 ? strtoul(argv[3], NULL, 10) : 0;
        if (pthread_create(&threads[i], NULL, run, &workers[i]))
            die("no threads");
    }
    for (unsigned i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    print_fired(workers, count);
    return 0;
}
