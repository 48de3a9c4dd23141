/*
 * Loads a blob and runs it on the Verilated engine:
 *
 *     run_blob BLOB ARENA STALLS SEED SLEEPS RUNS
 *
 * ARENA holds the inputs, and the outputs afterwards. Prints the name of the status, and what was counted.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bpa.h"
#include "verilated_bus.h"

/* Looks without anything that moved: of some cycles each. */
#define PATIENCE 100000u

/* The file in memory of exactly its size, so that a byte more is a fault. */
static uint8_t *read_file(const char *path, size_t *bytes)
{
    FILE *file = fopen(path, "rb");
    uint8_t *all;
    long end;

    if (!file || fseek(file, 0, SEEK_END) || (end = ftell(file)) < 0 || fseek(file, 0, SEEK_SET)) {
        perror(path);
        exit(2);
    }
    *bytes = (size_t)end;
    all = malloc(*bytes ? *bytes : 1);
    if (!all || fread(all, 1, *bytes, file) != *bytes) {
        perror(path);
        exit(2);
    }
    fclose(file);
    return all;
}

int main(int count, char **words)
{
    bpa_bus *bus;
    bpa_engine engine;
    bpa_network network;
    bpa_counts counts;
    bpa_status status;
    size_t blob_bytes, arena_bytes;
    uint8_t *blob, *inputs, *arena;
    int run, runs;
    FILE *file;

    if (count != 7) {
        fprintf(stderr, "run_blob BLOB ARENA STALLS SEED SLEEPS RUNS\n");
        return 2;
    }
    blob = read_file(words[1], &blob_bytes);
    inputs = read_file(words[2], &arena_bytes);
    arena = malloc(arena_bytes ? arena_bytes : 1);
    memcpy(arena, inputs, arena_bytes);
    runs = atoi(words[6]);
    bus = verilated_open((unsigned)atoi(words[3]), (unsigned)atoi(words[4]), atoi(words[5]));
    status = bpa_open(&engine, bus);
    if (status == BPA_OK)
        status = bpa_load(&network, &engine, blob, blob_bytes);
    for (run = 0; run < runs && status == BPA_OK; run++) {
        /* What the last run left is gone. */
        memcpy(arena, inputs, arena_bytes);
        status = bpa_clear_counters(&engine);
        if (status == BPA_OK)
            status = bpa_run(&network, arena, arena_bytes, PATIENCE);
    }
    printf("%s\n", bpa_status_name(status));
    if (status == BPA_OK && bpa_counters(&engine, &counts) == BPA_OK)
        printf("jobs %" PRIu32 " frames %" PRIu32 " cycles %" PRIu64 " of %" PRIu64 " interrupts %" PRIu32 "\n",
               counts.jobs_done, counts.frames_done, counts.cycles, verilated_cycles(bus), verilated_interrupts(bus));
    file = fopen(words[2], "wb");
    if (!file || fwrite(arena, 1, arena_bytes, file) != arena_bytes || fclose(file)) {
        perror(words[2]);
        return 2;
    }
    verilated_close(bus);
    free(arena);
    free(inputs);
    free(blob);
    return 0;
}
