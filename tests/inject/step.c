/* SPDX-License-Identifier: MIT */

/*
 * A tick at every instruction of each public path. One child after another runs
 * an operation and gets one tick, at its next instruction; then one child gets
 * a tick at each. Nothing may come of it but samples, and these show what was
 * there before, after, or as documented in between.
 *
 *     step MAP           prints TAP, and what was done, an operation a line
 *     step --long MAP    at each instruction of libc, too
 */

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stepper.h"

enum {
    OURS_AT_MOST = 2, /* times that an instruction of ours is run */
    OTHERS_EACH = 64, /* of the instructions that are not ours */
    ALONE_EACH = 5, /* of ours in a long operation that had a tick in one run */
    RANGES = 8,
    TRIES = 3,
};

struct range {
    uintptr_t start, end;
    char name[32];
};

/* An instruction of ours that an operation comes to. */
struct place {
    uintptr_t pc;
    unsigned runs;
    bool reached; /* by a tick */
    bool missed;  /* a run that was not stepped did not come here */
};

/* What is known of an operation by the ticks it was sent. */
struct findings {
    struct steps steps;
    struct page expected; /* of the run without a tick */
    struct place *places; /* by address */
    size_t place_count, alone, in_one_run, wrong;
    char first_wrong[160];
};

static const struct operations *const tables[] = {
    &call_operations,    &stack_operations,    &code_operations,
    &session_operations, &interp_operations,   &candidate_operations,
    &event_operations,   &jit_operations,      &trace_operations,
    &type_operations,    &recorder_operations, &layer_operations,
};
enum {
    TABLES = sizeof(tables) / sizeof(*tables)
};

static bool is_long;
static struct range own[RANGES];
static unsigned range_count, test_number, failures;

/* The text of this program and of the library, and where the vDSO is. */
static void
find_text(void)
{
    FILE *const maps = fopen("/proc/self/maps", "r");
    char line[512];

    while (maps && fgets(line, sizeof(line), maps) && range_count < RANGES) {
        struct range *const range = &own[range_count];
        const char *const name = strrchr(line, '/');
        char rights[5];

        if (sscanf(line, "%zx-%zx %4s", &range->start, &range->end, rights) !=
                3 ||
            rights[2] != 'x')
            continue;
        if (strstr(line, " [vdso]"))
            stepper_set_vdso(range->start, range->end);
        if (!name)
            continue;
        if (strcmp(name, "/step\n") && strncmp(name, "/libvmprof", 10))
            continue;
        snprintf(range->name, sizeof(range->name), "%.*s",
                 (int)strcspn(name + 1, "\n"), name + 1);
        range_count++;
    }
    if (maps)
        fclose(maps);
}

static const struct range *
range_of(uintptr_t pc)
{
    for (unsigned i = 0; i < range_count; i++)
        if (pc >= own[i].start && pc < own[i].end)
            return &own[i];
    return NULL;
}

static int
compare_places(const void *a, const void *b)
{
    const struct place *const one = a, *const other = b;

    return (one->pc > other->pc) - (one->pc < other->pc);
}

static struct place *
place_of(const struct findings *f, uintptr_t pc)
{
    const struct place wanted = { .pc = pc };

    return bsearch(&wanted, f->places, f->place_count, sizeof(*f->places),
                   compare_places);
}

static void
note_reached(void *user, uintptr_t pc)
{
    struct place *const place = place_of(user, pc);

    if (place)
        place->reached = true;
}

static void
find_places(struct findings *f)
{
    size_t count = 0;

    f->places = calloc(f->steps.count + 1, sizeof(*f->places));
    if (!f->places)
        abort();
    for (size_t i = 0; i < f->steps.count; i++)
        if (range_of(f->steps.pcs[i]))
            f->places[count++].pc = f->steps.pcs[i];
    qsort(f->places, count, sizeof(*f->places), compare_places);
    for (size_t i = 0; i < count; i++)
        if (!i || f->places[i].pc != f->places[f->place_count - 1].pc)
            f->places[f->place_count++] = f->places[i];
}

/* What is wrong with a run that had ticks; NULL: nothing. */
static const char *
judge(const struct findings *f, const struct page *page, struct ending ending)
{
    if (ending.hung)
        return "it hung";
    if (WIFSIGNALED(ending.status))
        return strsignal(WTERMSIG(ending.status));
    if (WEXITSTATUS(ending.status))
        return "an invariant is broken";
    if (page->result != f->expected.result)
        return "another result";
    if (page->error != f->expected.error)
        return "another errno";
    return strcmp(page->after, f->expected.after) ? "another stack" : NULL;
}

static void
blame(struct findings *f, const char *what, uintptr_t pc)
{
    const struct range *const range = range_of(pc);

    if (what && !f->wrong++)
        snprintf(f->first_wrong, sizeof(f->first_wrong), "%s at %s+%#zx", what,
                 range ? range->name : "?", range ? pc - range->start : pc);
}

static void
inject_alone(struct findings *f, const struct operation *operation,
             struct page *page, uintptr_t pc, unsigned nth)
{
    const struct ending ending = stepper_inject_at(operation, page, pc, nth);
    struct place *const place = place_of(f, pc);

    f->alone += ending.ticks;
    if (place && ending.ticks)
        place->reached = true;
    else if (place)
        place->missed = true;
    blame(f, judge(f, page, ending), pc);
}

/* How often an instruction was run up to step `at`. */
static unsigned
runs_until(struct findings *f, size_t at)
{
    struct place *const place = place_of(f, f->steps.pcs[at]);
    unsigned runs = 0;

    if (place)
        return ++place->runs;
    for (size_t i = 0; i <= at; i++)
        runs += f->steps.pcs[i] == f->steps.pcs[at];
    return runs;
}

/* In a long operation most had theirs in the one run with a tick at each. */
static bool
can_skip(const struct findings *f, const struct operation *operation, size_t at)
{
    const struct place *const place = place_of(f, f->steps.pcs[at]);

    return operation->flags & IS_LONG && !is_long && place && place->reached &&
           at % ALONE_EACH;
}

static void
inject_one_by_one(struct findings *f, const struct operation *operation,
                  struct page *page)
{
    for (size_t i = 0; i < f->steps.count; i++) {
        const uintptr_t pc = f->steps.pcs[i];
        const bool is_ours = range_of(pc) != NULL;
        unsigned nth;

        if (!is_ours && !is_long && i % OTHERS_EACH)
            continue;
        nth = runs_until(f, i);
        if (can_skip(f, operation, i))
            continue;
        if (is_long || nth <= (is_ours ? OURS_AT_MOST : 1))
            inject_alone(f, operation, page, pc, nth);
    }
}

static void
inject_everywhere(struct findings *f, const struct operation *operation,
                  struct page *page)
{
    const struct ending ending =
        stepper_inject_everywhere(operation, page, note_reached, f);

    f->in_one_run = ending.ticks;
    blame(f, judge(f, page, ending), 0);
}

/* What a check of a clock came to because stepping is slow; another operation
 * comes there anyway. */
static size_t
count_missed(const struct findings *f)
{
    size_t count = 0;

    for (size_t i = 0; i < f->place_count; i++)
        count += f->places[i].missed && !f->places[i].reached;
    return count;
}

static size_t
count_reached(const struct findings *f)
{
    size_t count = 0;

    for (size_t i = 0; i < f->place_count; i++)
        count += f->places[i].reached;
    return count;
}

static void
result(bool good, const char *name, const char *text)
{
    failures += !good;
    printf("%sok %u - %s: %s\n", good ? "" : "not ", ++test_number, name, text);
    fflush(stdout);
}

static void
inject_ticks(struct findings *f, const struct operation *operation,
             struct page *page)
{
    const bool is_one_more = !(operation->flags & MUST_FAIL) &&
                             (is_long || !(operation->flags & IS_ENDLESS));

    /* First where it decides which ticks are needed besides; else last, as a
     * tick alone says where it went wrong. */
    if (is_one_more && operation->flags & IS_LONG)
        inject_everywhere(f, operation, page);
    inject_one_by_one(f, operation, page);
    if (is_one_more && !(operation->flags & IS_LONG))
        inject_everywhere(f, operation, page);
}

static void
free_findings(struct findings *f)
{
    free(f->places);
    free(f->steps.pcs);
}

static size_t
count_wanted(const struct findings *f, const struct operation *operation)
{
    return operation->flags & IS_ENDLESS ? f->place_count - count_missed(f)
                                         : f->place_count;
}

/* Returns how a run without a tick ended. */
static int
find(struct findings *f, const struct operation *operation, struct page *page)
{
    struct ending quiet;

    *f = (struct findings){ 0 };
    quiet = stepper_record(operation, page, &f->steps);
    f->expected = *page;
    find_places(f);
    if (quiet.status == 0)
        inject_ticks(f, operation, page);
    return quiet.status;
}

/* Where a run comes to may depend on how long it took, on a busy machine: then
 * another run says which instructions there are. */
static int
find_all(struct findings *f, const struct operation *operation,
         struct page *page)
{
    int status = find(f, operation, page);

    for (unsigned i = 1; i < TRIES && status == 0 && f->wrong == 0 &&
                         count_reached(f) < count_wanted(f, operation);
         i++) {
        free_findings(f);
        status = find(f, operation, page);
    }
    return status;
}

static void
try_operation(const struct operation *operation, struct page *page)
{
    struct findings f;
    const int status = find_all(&f, operation, page);
    const bool must_fail = operation->flags & MUST_FAIL;
    const size_t wanted = count_wanted(&f, operation);
    char text[400];

    if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_HERE) {
        free_findings(&f);
        result(true, operation->name, "the machine has no such clock");
        return;
    }
    snprintf(text, sizeof(text),
             "%zu of %zu instructions had a tick; %zu alone, %zu in a run of "
             "%zu; %zu wrong%s%s",
             count_reached(&f), wanted, f.alone, f.in_one_run, f.steps.count,
             f.wrong, f.wrong ? ": " : "", f.first_wrong);
    if (status)
        snprintf(text, sizeof(text), "fails without a tick (%d)", status);
    result(status == 0 && f.place_count && count_reached(&f) == wanted &&
               (f.wrong > 0) == must_fail,
           operation->name, text);
    free_findings(&f);
}

static bool
names(const char *symbols, const char *symbol)
{
    const size_t length = strlen(symbol);

    while (symbols && (symbols = strstr(symbols, symbol)) != NULL) {
        if (symbols[length] == 0 || symbols[length] == ' ')
            return true;
        symbols += length;
    }
    return false;
}

static bool
is_stepped(const char *symbol)
{
    for (unsigned i = 0; i < TABLES; i++)
        for (unsigned j = 0; j < tables[i]->count; j++)
            if (names(tables[i]->list[j].symbol, symbol))
                return true;
    return false;
}

/* Each name in the version script has an operation. */
static void
check_map(const char *path)
{
    FILE *const map = fopen(path, "r");
    unsigned count = 0, missing = 0;
    char symbol[128], text[200];

    while (map && fscanf(map, "%100s", symbol) == 1) {
        const size_t length = strcspn(symbol, ";");

        if (strncmp(symbol, "vmprof_", 7) || symbol[length] != ';')
            continue;
        symbol[length] = 0;
        count++;
        if (!is_stepped(symbol)) {
            missing++;
            printf("# no operation steps through %s\n", symbol);
        }
    }
    if (map)
        fclose(map);
    snprintf(text, sizeof(text), "%u of %u", count - missing, count);
    result(count && !missing, "exported functions that are stepped through",
           text);
}

static bool
can_trace(void)
{
    const pid_t child = fork();
    int status;

    if (child == 0)
        _exit(ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0);
    return waitpid(child, &status, 0) == child && status == 0;
}

/* A stop costs less when tracer and tracee take turns on one CPU. */
static void
stay_on_this_cpu(void)
{
    cpu_set_t cpus;

    CPU_ZERO(&cpus);
    CPU_SET((size_t)sched_getcpu(), &cpus);
    sched_setaffinity(0, sizeof(cpus), &cpus);
}

/* The loader's lazy binding is no part of any operation. */
static void
bind_now(char **argv)
{
    if (getenv("LD_BIND_NOW"))
        return;
    setenv("LD_BIND_NOW", "1", 1);
    execv("/proc/self/exe", argv);
    abort();
}

int
main(int argc, char **argv)
{
    struct page *const page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE,
                                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    const char *only = NULL;

    bind_now(argv);
    is_long = argc > 1 && !strcmp(argv[1], "--long");
    if (argc < 2 + is_long || page == MAP_FAILED)
        return 2;
    if (argc > 2 + is_long)
        only = argv[2 + is_long];
    if (!can_trace()) {
        printf("1..0 # SKIP ptrace() is not allowed here\n");
        return 0;
    }
    stay_on_this_cpu();
    find_text();
    check_map(argv[1 + is_long]);
    for (unsigned i = 0; i < TABLES; i++)
        for (unsigned j = 0; j < tables[i]->count; j++)
            if (!only || !strcmp(only, tables[i]->list[j].name))
                try_operation(&tables[i]->list[j], page);
    printf("1..%u\n", test_number);
    return failures != 0;
}
