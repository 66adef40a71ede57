/* SPDX-License-Identifier: MIT */

/*
 * The same profile on every machine, and what a file holds in words:
 *   portable write FILE
 *   portable read FILE
 */

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "decode.h"
#include "format/encoder.h"

enum {
    SAMPLES = 20000,
};

static int
write_chunk(void *user, const void *data, size_t size)
{
    const int *const file = user;

    return write(*file, data, size) == (ssize_t)size ? 0 : -1;
}

static size_t
name_of(void *user, uint64_t code, char *buffer)
{
    (void)user;
    return (size_t)snprintf(buffer, 1024, "p:f%" PRIu64 ":%" PRIu64 ":/a/b",
                            code, code % 1000);
}

static uint64_t
draw(void)
{
    static uint64_t state = 0x9e3779b97f4a7c15;

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

/* Numbers of every width, so that none is cut to a machine's word. Drawn one by
 * one: compilers differ in which of two operands is evaluated first. */
static uint64_t
draw_width(unsigned most_bits)
{
    const uint64_t bits = draw();

    return bits >> (64 - 1 - draw() % most_bits);
}

static int
sample(struct vmp_encoder *encoder, uint64_t time_ns)
{
    uint32_t node = 0;
    uint64_t weight_ns;

    for (uint64_t depth = draw() % 8; depth; depth--) {
        struct vmp_place place = { .has_offset = true };
        uint64_t code;
        int64_t frame, next;

        place.offset = draw_width(64);
        place.line = (uint32_t)draw_width(20);
        code = 4 * (1 + draw() % 50);
        code += draw_width(48) << 8;
        frame = vmp_encoder_frame(encoder, code, &place);
        next = frame < 0 ? frame
                         : vmp_encoder_node(encoder, node, (uint32_t)frame);
        if (next < 0)
            return (int)next;
        node = (uint32_t)next;
    }
    weight_ns = draw_width(40);
    return vmp_encoder_sample(encoder, node, time_ns, weight_ns,
                              (uint32_t)(draw() % 8), 0);
}

static int
write_profile(int file)
{
    const struct vmp_session_info session = {
        .vm_name = "portable",
        .interval_ns = 1000000,
        .session = 0xfedcba98,
        .mode = 0,
        .clock = 1,
        .pid = 4194304,
        .max_frames = 65536,
    };
    const struct vmp_thread_info thread = { "main", 4194303, 0, 0, 0 };
    struct vmp_encoder *encoder;
    struct vmp_stream stream = { 0 };
    uint64_t time_ns = 0;
    int r = vmp_encoder_new(&encoder, write_chunk, name_of, &file);

    if (r == 0)
        r = vmp_encoder_open(encoder, &session);
    if (r == 0)
        r = vmp_encoder_thread(encoder, 0, &thread);
    vmp_encoder_begin(encoder, &stream);
    for (int i = 0; i < SAMPLES && r == 0; i++)
        r = sample(encoder, time_ns += draw_width(36));
    if (r == 0)
        r = vmp_encoder_finish(encoder);
    vmp_encoder_free(encoder);
    return r;
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
print_tables(const struct decoded *d)
{
    print_fields("session", &d->session);
    for (size_t i = 0; i < d->thread_count; i++)
        print_fields("thread", &d->threads[i].fields);
    for (size_t i = 0; i < d->code_count; i++)
        printf("code %" PRIu64 " %s\n", d->codes[i].id, d->codes[i].name);
    for (size_t i = 1; i < d->frame_count; i++)
        printf("frame %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
               d->frames[i].code, d->frames[i].kind, d->frames[i].line,
               d->frames[i].offset);
    for (size_t i = 1; i < d->node_count; i++)
        printf("node %u %u\n", d->nodes[i].parent, d->nodes[i].frame);
}

static int
print_profile(int file)
{
    struct decoded d;

    if (decode_fd(&d, file) < 0) {
        fprintf(stderr, "%s\n", d.error);
        return -1;
    }
    print_tables(&d);
    for (size_t i = 0; i < d.sample_count; i++)
        printf("sample %u %u %" PRIu64 " %" PRIu64 " %u %u\n",
               d.samples[i].thread, d.samples[i].node, d.samples[i].time,
               d.samples[i].weight, d.samples[i].phase, d.samples[i].state);
    print_fields("stats", &d.stats);
    decoded_free(&d);
    return 0;
}

int
main(int argc, char **argv)
{
    const int writes = argc == 3 && strcmp(argv[1], "write") == 0;
    int file, r;

    if (argc != 3 || (!writes && strcmp(argv[1], "read") != 0)) {
        fprintf(stderr, "usage: portable write|read FILE\n");
        return 2;
    }
    file =
        open(argv[2], writes ? O_WRONLY | O_CREAT | O_TRUNC : O_RDONLY, 0666);
    if (file < 0) {
        perror(argv[2]);
        return 1;
    }
    r = writes ? write_profile(file) : print_profile(file);
    close(file);
    return r < 0;
}
