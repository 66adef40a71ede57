/* SPDX-License-Identifier: MIT */

/* What was mapped at an address when a sample was taken. */

#include "suite.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "isolate.h"
#include "os/clock.h"
#include "record/modules.h"

enum {
    SIZE = 1 << 16,
};

/* The whole is one page of code; where it goes stays the same. */
struct place {
    char path[2][32];
    int fd[2];
    void *at;
};

static void
make_file(struct place *place, unsigned i)
{
    strcpy(place->path[i], i ? "/tmp/second.XXXXXX" : "/tmp/first.XXXXXX");
    place->fd[i] = mkstemp(place->path[i]);
    assert_true(place->fd[i] >= 0);
    assert_int_equal(ftruncate(place->fd[i], SIZE), 0);
    unlink(place->path[i]);
}

/* Let the file be code there, in one step in place of what is there. */
static void
load_file(struct place *place, unsigned i)
{
    place->at =
        mmap(place->at, SIZE, PROT_READ | PROT_EXEC,
             MAP_PRIVATE | (place->at ? MAP_FIXED : 0), place->fd[i], 0);
    assert_ptr_not_equal(place->at, MAP_FAILED);
}

static int
set_up(void **state)
{
    static struct place place;

    place = (struct place){ .at = NULL };
    make_file(&place, 0);
    make_file(&place, 1);
    load_file(&place, 0);
    *state = &place;
    return 0;
}

static int
tear_down(void **state)
{
    struct place *const place = *state;

    munmap(place->at, SIZE);
    close(place->fd[0]);
    close(place->fd[1]);
    return 0;
}

static uint64_t
now_ns(void)
{
    return vmp_now_ns(CLOCK_MONOTONIC);
}

/* Whether the file was there at that time; nothing else may be. */
static bool
is_there(struct vmp_modules *modules, struct place *place, unsigned i,
         uint64_t sample_ns)
{
    static struct vmp_reader reader;
    const struct vmp_module *module;

    vmp_modules_turn_to(modules, &reader, sample_ns);
    module = vmp_modules_find(modules, (uint64_t)(uintptr_t)place->at + 64);
    if (module)
        assert_non_null(strstr(module->path, place->path[i]));
    return module;
}

/* A look may be put off: it takes at most a tenth of a CPU. */
static void
wait_until_a_look_is_free(const struct vmp_modules *modules)
{
    while (now_ns() - modules->refreshed_ns <= 20 * modules->cost_ns)
        usleep(1000);
}

/* The writer got no CPU between them, so this is one round. */
static void
later_samples_see_what_has_been_loaded_in_its_place(void **state)
{
    struct place *const place = *state;
    struct vmp_modules modules = { 0 };

    vmp_modules_begin(&modules);
    assert_true(is_there(&modules, place, 0, now_ns()));
    load_file(place, 1);
    wait_until_a_look_is_free(&modules);
    /* It makes the writer look, but may be from before the change. */
    assert_false(is_there(&modules, place, 1, now_ns()));
    wait_until_a_look_is_free(&modules);
    assert_true(is_there(&modules, place, 1, now_ns()));
    vmp_modules_free(&modules);
}

static void
earlier_samples_see_what_was_there(void **state)
{
    struct place *const place = *state;
    struct vmp_modules modules = { 0 };
    uint64_t early_ns;

    vmp_modules_begin(&modules);
    assert_true(is_there(&modules, place, 0, now_ns()));
    early_ns = now_ns();
    wait_until_a_look_is_free(&modules);
    assert_true(is_there(&modules, place, 0, now_ns()));
    load_file(place, 1);
    wait_until_a_look_is_free(&modules);
    assert_false(is_there(&modules, place, 1, now_ns()));
    assert_true(is_there(&modules, place, 0, early_ns));
    vmp_modules_free(&modules);
}

static void
a_look_is_not_repeated_for_older_samples(void **state)
{
    struct place *const place = *state;
    struct vmp_modules modules = { 0 };
    const uint64_t sample_ns = now_ns();
    uint64_t begun_ns;

    vmp_modules_begin(&modules);
    assert_true(is_there(&modules, place, 0, sample_ns));
    begun_ns = modules.begun_ns;
    wait_until_a_look_is_free(&modules);
    assert_true(is_there(&modules, place, 0, sample_ns));
    assert_int_equal(modules.begun_ns, begun_ns);
    vmp_modules_free(&modules);
}

int
main(void)
{
#define with_place(test)                                                       \
    cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        with_place(later_samples_see_what_has_been_loaded_in_its_place),
        with_place(earlier_samples_see_what_was_there),
        with_place(a_look_is_not_repeated_for_older_samples),
    };

    return cmocka_run_group_tests_name("modules", tests, NULL, NULL);
}
