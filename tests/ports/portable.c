/* SPDX-License-Identifier: MIT */

/*
 * The same profile on every machine, and what a file holds in words:
 *   portable write FILE
 *   portable read FILE
 */

#include "portable.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    SAMPLES = 20000,
    THREADS = 3,
};

static int
write_chunk(void *user, const void *data, size_t size)
{
    const int *const file = user;

    return write(*file, data, size) == (ssize_t)size ? 0 : -1;
}

size_t
name_of(void *user, uint64_t code, char *buffer)
{
    (void)user;
    return (size_t)snprintf(buffer, 1024, "p:f%" PRIu64 ":%" PRIu64 ":/a/b",
                            code, code % 1000);
}

uint64_t
draw(void)
{
    static uint64_t state = 0x9e3779b97f4a7c15;

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

uint64_t
draw_width(unsigned most_bits)
{
    const uint64_t bits = draw();

    return bits >> (64 - 1 - draw() % most_bits);
}

uint64_t
draw_code(void)
{
    const uint64_t number = draw() % 50;

    return 4 * (1 + number) + (number << 48);
}

static int
write_threads(struct vmp_encoder *encoder)
{
    int r = 0;

    for (uint32_t i = 0; i < THREADS && r == 0; i++) {
        struct vmp_thread_info thread = { .name = "main" };

        thread.id = draw_width(22);
        thread.start_ns = draw_width(50);
        thread.end_ns = thread.start_ns + draw_width(50);
        thread.cpu_ns = draw_width(50);
        r = vmp_encoder_thread(encoder, i, &thread);
    }
    return r;
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
write_samples(struct vmp_encoder *encoder)
{
    struct vmp_stream stream = { 0 };
    uint64_t time_ns = 0;
    int r = 0;

    vmp_encoder_begin(encoder, &stream);
    for (int i = 0; i < SAMPLES && r == 0; i++)
        r = sample(encoder, time_ns += draw_width(36));
    return r == 0 ? vmp_encoder_finish(encoder) : r;
}

/* All counters are 64 bits wide. */
static int
write_end(struct vmp_encoder *encoder)
{
    struct vmp_counters counters;
    uint64_t numbers[sizeof(counters) / sizeof(uint64_t)];
    int r;

    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
        numbers[i] = draw_width(50);
    memcpy(&counters, numbers, sizeof(counters));
    r = vmp_encoder_stats(encoder, draw_width(50), &counters);
    return r == 0 ? vmp_encoder_end(encoder, draw_width(50)) : r;
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
    struct vmp_encoder *encoder;
    int r = vmp_encoder_new(&encoder, write_chunk, name_of, &file);

    if (r < 0)
        return r;
    r = vmp_encoder_open(encoder, &session);
    if (r == 0)
        r = write_threads(encoder);
    if (r == 0)
        r = write_machine_code(encoder);
    if (r == 0)
        r = write_language(encoder);
    if (r == 0)
        r = write_samples(encoder);
    if (r == 0)
        r = write_end(encoder);
    vmp_encoder_free(encoder);
    return r;
}

static int
read_profile(int file)
{
    struct decoded d;

    if (decode_fd(&d, file) < 0)
        return -1;
    print_profile(&d);
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
    r = writes ? write_profile(file) : read_profile(file);
    close(file);
    return r < 0;
}
