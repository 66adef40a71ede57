/* SPDX-License-Identifier: MIT */

/*
 * accuracy MIX ENGINE THREADS SECONDS RATE: run one mix under one engine for so
 * much CPU time, and print what was true and what was found as a line of JSON.
 * Exit status 77: this engine is not to be had here, and why on stderr.
 */

#include "accuracy.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MISUSE = 2,
    NOT_HERE = 77,
};

static mix *body;
static const struct engine *engine;

static void *
run_worker(void *user)
{
    struct worker *const worker = user;

    if (engine->join)
        engine->join();
    worker_begin(worker);
    body(worker);
    worker_end(worker);
    return NULL;
}

/* Those that live briefly come one after the other, `threads` at a time. */
static size_t
count_workers(const struct plan *plan)
{
    const double life_s = (double)plan->interval_ns * 1e-9 / 5;

    if (strcmp(plan->mix, "brief"))
        return plan->threads;
    return (size_t)(plan->seconds / life_s / plan->threads) * plan->threads;
}

static void
run_all(const struct plan *plan, struct worker *workers, size_t count)
{
    pthread_t threads[MOST_THREADS];

    for (size_t i = 0; i < count; i += plan->threads) {
        for (unsigned j = 0; j < plan->threads; j++) {
            workers[i + j].plan = plan;
            workers[i + j].random = (i + j + 1) * 0x9e3779b97f4a7c15;
            if (pthread_create(&threads[j], NULL, run_worker, &workers[i + j]))
                abort();
        }
        for (unsigned j = 0; j < plan->threads; j++)
            pthread_join(threads[j], NULL);
    }
}

static void
print_functions(const char *key, const uint64_t *ns)
{
    printf("\"%s\": {\"run\": %" PRIu64 ", \"a\": %" PRIu64 ", \"b\": %" PRIu64
           "}, ",
           key, ns[FUNCTION_RUN], ns[FUNCTION_A], ns[FUNCTION_B]);
}

/* Those that live briefly are too many to tell apart. */
static void
print_threads(const struct outcome *outcome)
{
    const char *comma = "";

    printf("\"threads\": [");
    for (size_t i = 0; outcome->count <= MOST_THREADS && i < outcome->count;
         i++) {
        const struct worker *const worker = &outcome->workers[i];

        printf("%s{\"rusage_ns\": %" PRIu64 ", \"samples\": %" PRIu64
               ", \"sampled_ns\": %" PRIu64 "}",
               comma, worker->rusage_ns, worker->found.samples,
               worker->found.sampled_ns);
        comma = ", ";
    }
    printf("]");
}

static void
print(const struct plan *plan, const struct outcome *outcome)
{
    uint64_t truth_ns[FUNCTION_COUNT] = { 0 };
    uint64_t rusage_ns = 0, most_ns = 0;

    for (size_t i = 0; i < outcome->count; i++) {
        rusage_ns += outcome->workers[i].rusage_ns;
        most_ns += outcome->workers[i].most_rusage_ns;
        for (unsigned f = 0; f < FUNCTION_COUNT; f++)
            truth_ns[f] += outcome->workers[i].truth_ns[f];
    }
    printf("{\"mix\": \"%s\", \"engine\": \"%s\", \"interval_ns\": %" PRIu64
           ", \"samples\": %" PRIu64 ", \"rusage_ns\": %" PRIu64
           ", \"most_rusage_ns\": %" PRIu64 ", \"unknown_ns\": %" PRIu64
           ", \"profile_ns\": %" PRIu64 ", ",
           plan->mix, plan->engine, plan->interval_ns, outcome->samples,
           rusage_ns, most_ns, outcome->unknown_ns, outcome->profile_ns);
    printf("\"squares\": %.0f, ", outcome->squares);
    print_functions("truth_ns", truth_ns);
    print_functions("found_ns", outcome->found_ns);
    print_threads(outcome);
    printf("}\n");
}

static int
run(const struct plan *plan)
{
    struct outcome outcome = { .count = count_workers(plan) };
    int r;

    outcome.workers = calloc(outcome.count + 1, sizeof(*outcome.workers));
    if (!outcome.workers)
        abort();
    r = engine->start(plan);
    if (r < 0) {
        fprintf(stderr, "%s: %s\n", plan->engine, strerror(-r));
        free(outcome.workers);
        return NOT_HERE;
    }
    run_all(plan, outcome.workers, outcome.count);
    r = engine->stop(plan, &outcome);
    if (r == 0)
        print(plan, &outcome);
    else
        fprintf(stderr, "accuracy: %s: %s\n", plan->engine, strerror(-r));
    free(outcome.workers);
    return r < 0;
}

int
main(int argc, char **argv)
{
    struct plan plan;

    if (argc == 6) {
        plan.mix = argv[1];
        plan.engine = argv[2];
        plan.threads = (unsigned)strtoul(argv[3], NULL, 10);
        plan.seconds = strtod(argv[4], NULL);
        plan.interval_ns = (uint64_t)(1e9 / strtod(argv[5], NULL));
        body = find_mix(plan.mix);
        engine = find_engine(plan.engine);
    }
    if (argc != 6 || !body || !engine || plan.threads < 1 ||
        plan.threads > MOST_THREADS || !(plan.seconds > 0) ||
        plan.interval_ns < 1000) {
        fprintf(stderr, "usage: accuracy MIX ENGINE THREADS SECONDS RATE\n");
        return MISUSE;
    }
    calibrate();
    return run(&plan);
}
