/* SPDX-License-Identifier: MIT */

/* vmprof info: what a file holds, without what it says about the program. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "report/events_view.h"
#include "report/json_out.h"
#include "report/view.h"

static const char help[] =
    "Usage: vmprof info [--json] FILE\n"
    "\n"
    "Show what a file holds: processes, counts, sizes, damage. FILE may be\n"
    "\"-\", the standard input.\n"
    "\n"
    "  -j, --json  the same as JSON\n"
    "  -h, --help  this text\n";

enum {
    MOST_MODULES = 64,
};

static double
bytes_per_sample(const struct profile *profile)
{
    return profile->sample_count
               ? (double)profile->file_size / (double)profile->sample_count
               : 0;
}

/* Without the entry that stands for none. */
static uint32_t
trace_count(const struct profile *profile)
{
    return profile->traces.private ? profile->traces.trace_count - 1 : 0;
}

static void
print_count(const char *title, uint64_t count)
{
    char text[32];

    format_count(text, count);
    printf("%-22s %15s\n", title, text);
}

static void
print_counts(const struct profile *profile)
{
    print_count("Bytes", profile->file_size);
    print_count("Processes", profile->session_count);
    print_count("Threads", profile->thread_count);
    /* Without the entries that every profile has. */
    print_count("Code objects", profile->code_count - 2);
    print_count("Distinct frames", profile->frame_count - 2);
    print_count("Distinct stacks", profile->node_count - 2);
    print_count("Samples", profile->sample_count);
    if (profile->readout_count) {
        print_count("Read-outs of bytecodes", profile->readout_count);
        print_count("Type rows", profile->type_row_count);
        print_count("Type sites", profile->type_site_count);
    }
    if (trace_count(profile)) {
        print_count("Traces of the JIT", trace_count(profile));
        print_count("Events of the JIT", profile->traces.event_count);
        if (profile->traces.lost_count)
            print_count("Events lost", profile->traces.lost_count);
    }
    if (profile->recorded_count)
        print_count("Events of the VM", profile->recorded_count);
    printf("%-22s %15.2f\n", "Bytes per sample", bytes_per_sample(profile));
}

/* The path is of unknown origin. */
static void
print_module(const struct module *module)
{
    char *path = clean_text(module->path);

    if (path)
        printf("  %-40s %s\n",
               *module->build_id ? module->build_id : "no build id", path);
    free(path);
}

static void
print_modules(const struct profile *profile)
{
    const uint32_t count = profile->module_count;

    if (count == 1)
        return;
    print_count("Modules", count - 1);
    for (uint32_t i = 1; i < count && i <= MOST_MODULES; i++)
        print_module(&profile->modules[i]);
    if (count - 1 > MOST_MODULES)
        printf("  and %" PRIu32 " more; --json shows all\n",
               count - 1 - MOST_MODULES);
}

static struct json_object *
json_counts(const struct profile *profile)
{
    struct json_object *object = json_object_new_object();

    json_number(object, "bytes", profile->file_size);
    json_number(object, "sessions", profile->session_count);
    json_number(object, "threads", profile->thread_count);
    json_number(object, "codes", profile->code_count - 2);
    json_number(object, "frames", profile->frame_count - 2);
    json_number(object, "stacks", profile->node_count - 2);
    json_number(object, "samples", profile->sample_count);
    json_number(object, "readouts", profile->readout_count);
    json_number(object, "type_rows", profile->type_row_count);
    json_number(object, "type_sites", profile->type_site_count);
    json_number(object, "traces", trace_count(profile));
    json_number(object, "jit_events", profile->traces.event_count);
    json_number(object, "jit_events_lost", profile->traces.lost_count);
    json_real(object, "bytes_per_sample", bytes_per_sample(profile));
    return object;
}

static int
print_json(const struct view *view)
{
    struct json_out json;

    json_out_begin(&json, stdout);
    json_out_member(&json, "file", json_object_new_string(view->path));
    json_out_member(&json, "format",
                    json_object_new_string(view->profile.format));
    json_out_member(&json, "counts", json_counts(&view->profile));
    json_out_member(&json, "sessions", json_sessions(&view->profile));
    json_out_member(&json, "recorded_events", json_recorded(&view->profile));
    json_out_member(&json, "modules", json_modules(&view->profile));
    json_out_member(&json, "losses", json_losses(&view->profile));
    json_out_member(&json, "damage", json_damage(&view->profile));
    return json_out_end(&json);
}

static void
print_file(const struct view *view)
{
    char *path = clean_text(view->path);

    printf("%s: %s\n", path ? path : "", view->profile.format);
    free(path);
}

static int
info(struct view *view, bool json)
{
    const struct read_options options = { .show_progress = true,
                                          .summed = true };
    char message[512];
    int result = profile_read(&view->profile, view->path, &options, tree_add,
                              &view->tree, message, sizeof(message));

    if (result && *message) {
        fprintf(stderr, "vmprof: %s\n", message);
        return STATUS_FAILED;
    }
    if (!result)
        result = tree_finish(&view->tree, &view->profile);
    if (!result && json)
        result = print_json(view);
    else if (!result) {
        print_file(view);
        print_counts(&view->profile);
        print_modules(&view->profile);
        result = report_header(view);
    }
    if (!result)
        return STATUS_DONE;
    fprintf(stderr, "vmprof: %s: not enough memory\n", view->path);
    return STATUS_FAILED;
}

static const struct option long_options[] = {
    { "json", no_argument, NULL, 'j' },
    { "help", no_argument, NULL, 'h' },
    { 0 },
};

int
cmd_info(int argc, char **argv)
{
    struct view view = { .phase = -1 };
    bool json = false;
    int option, status;

    optind = 0;
    while ((option = getopt_long(argc, argv, "jh", long_options, NULL)) != -1) {
        if (option == 'h') {
            fputs(help, stdout);
            return STATUS_DONE;
        }
        if (option != 'j')
            return usage_see_help("info");
        json = true;
    }
    status = usage_take_file("info", argc, argv, &view.path);
    if (status)
        return status;
    terminal_open(&view.terminal, stdout);
    status = info(&view, json);
    tree_free(&view.tree);
    profile_free(&view.profile);
    return status;
}
