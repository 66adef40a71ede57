/* SPDX-License-Identifier: MIT */

/* What a file holds, in words. Times of events between traces are left to
 * those who read the marks: they are in floating point, which differs. */

#include "portable.h"

#include <inttypes.h>
#include <stdio.h>

/* A title, and numbers behind it. */
#define print_numbers(title, ...)                                              \
    print_array(title, (const uint64_t[]){ __VA_ARGS__ },                      \
                sizeof((const uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t))

static void
print_array(const char *title, const uint64_t *numbers, size_t count)
{
    printf("%s", title);
    for (size_t i = 0; i < count; i++)
        printf(" %" PRIu64, numbers[i]);
    putchar('\n');
}

static void
print_fields(const char *title, const struct decoded_fields *fields)
{
    printf("%s", title);
    for (int key = 0; key < DECODED_KEYS; key++) {
        if (fields->number[key])
            printf(" %d=%" PRIu64, key, fields->number[key]);
        if (fields->string[key])
            printf(" %d=%s", key, fields->string[key]);
    }
    putchar('\n');
}

static void
print_stacks(const struct decoded *d)
{
    for (size_t i = 1; i < d->module_count; i++)
        print_fields("module", &d->modules[i]);
    for (size_t i = 0; i < d->code_count; i++)
        printf("code %" PRIu64 " %s\n", d->codes[i].id, d->codes[i].name);
    for (size_t i = 1; i < d->frame_count; i++)
        print_numbers("frame", d->frames[i].code, d->frames[i].kind,
                      d->frames[i].line, d->frames[i].offset,
                      d->frames[i].module);
    for (size_t i = 1; i < d->node_count; i++)
        printf("node %u %u\n", d->nodes[i].parent, d->nodes[i].frame);
    for (size_t i = 0; i < d->sample_count; i++)
        printf("sample %u %u %" PRIu64 " %" PRIu64 " %u %u\n",
               d->samples[i].thread, d->samples[i].node, d->samples[i].time,
               d->samples[i].weight, d->samples[i].phase, d->samples[i].state);
}

static void
print_site(const struct decoded_site *site)
{
    print_numbers("site", site->time, site->from, site->period, site->jitter,
                  site->code, site->bits, site->offset, site->opcode,
                  site->line, site->opname, site->hash, site->untyped,
                  site->other);
    print_numbers("hits", site->typed, site->bytecodes);
    for (size_t i = 0; i < site->tuple_count; i++) {
        printf("tuple %" PRIu64, site->tuples[i].hits);
        for (size_t j = 0; j < site->tuples[i].count; j++)
            printf(" %u", site->tuples[i].words[j]);
        putchar('\n');
    }
}

static void
print_list(const char *title, const struct decoded_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct decoded_row *const row = &list->rows[i];

        printf("%s %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %s\n", title,
               row->columns[0], row->columns[1], row->columns[2],
               row->columns[3], row->text ? row->text : "");
    }
}

static void
print_trace(const struct decoded_trace *trace)
{
    print_numbers("id", trace->id);
    print_fields("trace", &trace->fields);
    print_list("guard", &trace->guards);
    print_list("place", &trace->places);
    print_list("position", &trace->positions);
    print_list("operation", &trace->operations);
    printf("machine code");
    for (size_t i = 0; i < trace->code_size; i++)
        printf(" %02x", trace->code[i]);
    putchar('\n');
}

static void
print_machine_code(const struct decoded *d)
{
    for (size_t i = 0; i < d->trace_count; i++)
        print_trace(&d->traces[i]);
    for (size_t i = 0; i < d->count_count; i++)
        print_numbers("count", d->counts[i].time, d->counts[i].id,
                      d->counts[i].count);
    for (size_t i = 0; i < d->event_count; i++) {
        const struct decoded_event *const event = &d->events[i];

        printf("edge %u %u %u %u %" PRIu64 " %" PRIu64 " %" PRId64 "\n",
               event->thread, event->bits, event->id, event->edge,
               event->number, event->lost, event->ticks);
    }
}

static void
print_recorded(const struct decoded *d)
{
    const struct decoded_recorded_totals *const totals = &d->recorded_totals;

    for (size_t i = 0; i < d->recorded_count; i++) {
        const struct decoded_recorded *const event = &d->recorded[i];

        printf("event %u %u", event->thread, event->kind);
        print_numbers("", event->number, event->time_ns, event->code,
                      event->line, event->offset, event->target, event->callee,
                      event->missing);
    }
    print_numbers("totals", totals->events, totals->period, totals->rate);
    for (unsigned i = 0; i < 64; i++)
        print_numbers("kind", totals->counts[i][0], totals->counts[i][1],
                      totals->counts[i][2], totals->counts[i][3]);
}

static void
print_language(const struct decoded *d)
{
    for (size_t i = 1; i < d->word_count; i++)
        printf("word %s\n", d->words[i]);
    for (size_t i = 0; i < d->site_count; i++)
        print_site(&d->sites[i]);
    print_recorded(d);
    for (size_t i = 0; i < d->gathered_count; i++) {
        const struct decoded_gathered *const row = &d->gathered[i];

        print_numbers("row", row->type, row->time, row->a, row->b,
                      row->values[0], row->values[1], row->values[2],
                      row->values[3]);
    }
    for (unsigned type = 0; type < DECODED_TYPES; type++)
        print_numbers("losses", d->losses[type][0], d->losses[type][1],
                      d->losses[type][2]);
}

void
print_profile(const struct decoded *d)
{
    for (unsigned type = 1; type < DECODED_TYPES; type++)
        printf("payloads %u %u\n", type, d->payloads[type]);
    print_fields("session", &d->session);
    for (size_t i = 0; i < d->thread_count; i++)
        print_fields("thread", &d->threads[i].fields);
    print_stacks(d);
    print_machine_code(d);
    print_language(d);
    print_fields("stats", &d->stats);
    print_numbers("end", d->end_time);
}
