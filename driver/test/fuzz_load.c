/*
 * Loads blobs that were changed at random, and runs those that are taken on streams that take and give anything:
 *
 *     fuzz_load BLOB CASES SEED
 *
 * Nothing may be read or written outside of blob and arena, which a sanitizer watches. Prints how many cases ended by
 * which status. A case is replayed by its own seed, which is printed when a sanitizer ends the program: BPA_CASE=SEED.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bpa.h"
#include "bpa_blob.h"
#include "bpa_registers.h"

/* Larger arenas are not made: their runs would take long. */
#define MOST_ARENA 65536u
#define PATIENCE 16u

static uint64_t state;

static uint32_t draw(void)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33);
}

/* The constants of the engine that the blob is for. */
static const uint32_t *original;

/* Where an engine with a bus finds blob and arena. */
#define BLOB_AT 0x10000000u
#define ARENA_AT 0x20000000u
/* Runs of an array that are looked at. */
#define MOST_RUNS 20000

/* What such an engine was told of its arrays, jobs that it has done, and how large blob and arena are. */
static uint32_t told[BLOB_ARRAYS][8], done, sizes[2];
/* A blob whose own words say where the table has its arrays; changed ones are another engine's. */
static int knows_arrays;
static const void *blob_memory;

static int address_of(void *context, const void *memory, uint32_t bytes, uint32_t *address)
{
    (void)context;
    *address = memory == blob_memory ? BLOB_AT : ARENA_AT;
    sizes[*address == ARENA_AT] = bytes;
    return 0;
}

/* Goes through an array run by run, as the engine does: each has to be within blob or arena. */
static void walk(uint32_t array)
{
    const uint32_t *words = told[array];
    uint32_t at = words[0], bytes = (words[1] & 0x7FFFFFFFu) + 1, counts[4], left[4], level, runs;
    uint32_t start = array == BLOB_ARRAY_WEIGHT - BLOB_ARRAY_DATA ? BLOB_AT : ARENA_AT;
    uint32_t size = sizes[start == ARENA_AT];

    if (words[1] >> 31)
        return;
    counts[0] = words[2] & 0xFFFF;
    counts[1] = words[2] >> 16;
    counts[2] = words[3] & 0xFFFF;
    counts[3] = words[3] >> 16;
    memcpy(left, counts, sizeof left);
    for (runs = 0; runs < MOST_RUNS; runs++) {
        if (at < start || at - start > size || bytes > size - (at - start)) {
            printf("array %" PRIu32 " goes to %#" PRIx32 "\n", array, at);
            abort();
        }
        for (level = 0; level < 4 && left[level] == 0; level++)
            left[level] = counts[level];
        if (level == 4)
            return;
        left[level]--;
        at += words[4 + level];
    }
}

static int read_register(void *context, uint32_t offset, uint32_t *value)
{
    uint32_t i, at = original[BLOB_CONSTANTS_AT] / 4;

    (void)context;
    *value = 0;
    for (i = 0; i < original[BLOB_CONSTANTS]; i++)
        if (original[at + 2 * i] == offset)
            *value = original[at + 2 * i + 1];
    if (offset == BPA_REG_JOBS_DONE)
        *value = done;
    return 0;
}

static int write_register(void *context, uint32_t offset, uint32_t value)
{
    uint32_t array, word;

    (void)context;
    if (offset >= 0x10000000u || offset % 4) {
        printf("a write to %#" PRIx32 "\n", offset);
        abort();
    }
    for (array = 0; array < BLOB_ARRAYS; array++)
        for (word = 0; word < 8; word++)
            if (original[BLOB_ARRAY_DATA + array] &&
                offset == original[BLOB_ARRAY_DATA + array] + word * original[BLOB_ARRAY_STEP])
                told[array][word] = value;
    if (offset == BPA_REG_COMMAND && value == BPA_COMMAND_START) {
        done++;
        for (array = 0; knows_arrays && array < BLOB_ARRAYS; array++)
            if (original[BLOB_ARRAY_DATA + array])
                walk(array);
    }
    return 0;
}

static int32_t push(void *context, bpa_input stream, const uint8_t *beats, uint32_t bytes, uint32_t count, int last)
{
    uint32_t taken = draw() % 4, i, sum = 0;

    (void)context;
    (void)stream;
    (void)last;
    if (taken > count)
        taken = count;
    /* All of it is there to be read. */
    for (i = 0; i < bytes * taken; i++)
        sum += beats[i];
    return sum == UINT32_MAX ? -1 : (int32_t)taken;
}

static int pull(void *context, uint8_t *beat, uint32_t bytes)
{
    uint32_t i;

    (void)context;
    for (i = 0; i < bytes; i++)
        beat[i] = (uint8_t)draw();
    return draw() % 2;
}

/* As the driver's; apart from it. */
static uint32_t crc32(const uint8_t *bytes, size_t count)
{
    static uint32_t table[256];
    uint32_t crc = ~0u, i, bit;

    if (!table[1])
        for (i = 0; i < 256; i++)
            for (table[i] = i, bit = 0; bit < 8; bit++)
                table[i] = table[i] >> 1 ^ (table[i] & 1 ? 0xEDB88320u : 0);
    while (count--)
        crc = crc >> 8 ^ table[(crc ^ *bytes++) & 255];
    return ~crc;
}

/* A number that is more often wrong in some way than a random one. */
static uint32_t odd_number(uint32_t was)
{
    static const uint32_t odd[] = {0, 1, 2, 3, 4, 8, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFC, 0xFFFFFFFF};

    switch (draw() % 5) {
    case 0:
        return odd[draw() % (sizeof odd / sizeof odd[0])];
    case 1:
        return was + 1;
    case 2:
        return was - 1;
    case 3:
        return was ^ 1u << draw() % 32;
    default:
        return draw() % 4096;
    }
}

/* Changes the records more often than weights and words. */
static void change(uint32_t *words, uint32_t count)
{
    uint32_t at = words[BLOB_BUFFERS_AT] / 4, place;

    switch (draw() % 3) {
    case 0:
        place = draw() % BLOB_HEADER;
        break;
    case 1:
        place = at < count ? at + draw() % (count - at) : draw() % count;
        break;
    default:
        place = draw() % count;
    }
    if (place != BLOB_CRC)
        words[place] = odd_number(words[place]);
}

int main(int count, char **arguments)
{
    static uint32_t ended[BPA_STATUS_COUNT], ran, whole[1 << 20];
    bpa_bus bus = {NULL, read_register, write_register, push, pull, NULL, address_of, NULL};
    bpa_engine engine;
    bpa_network network;
    uint64_t seed, cases, index;
    size_t bytes;
    const char *one = getenv("BPA_CASE");
    FILE *file;
    int status;

    if (count != 4 || !(file = fopen(arguments[1], "rb"))) {
        fprintf(stderr, "fuzz_load BLOB CASES SEED\n");
        return 2;
    }
    bytes = fread(whole, 1, sizeof whole, file);
    fclose(file);
    original = whole;
    cases = strtoull(arguments[2], NULL, 10);
    seed = strtoull(arguments[3], NULL, 10) << 32;
    for (index = 0; index < cases; index++) {
        size_t length = bytes;
        uint32_t changes = 0, *blob;
        int was_changed;
        state = one ? strtoull(one, NULL, 10) : seed + index;
        /* What a sanitizer ends can be run again. */
        if (one)
            printf("case %" PRIu64 "\n", state);
        else if (index % 65536 == 0)
            fprintf(stderr, "cases from %" PRIu64 "\n", state);
        draw();
        if (draw() % 8 == 0)
            length = draw() % (bytes + 1);
        /* Exactly as long as it is told to be. */
        blob = malloc(length ? length : 1);
        memcpy(blob, whole, length);
        if (length >= 4 * BLOB_HEADER) {
            for (changes = draw() % 3; changes; changes--)
                change(blob, (uint32_t)(length / 4));
            if (draw() % 16 && blob[BLOB_BYTES] <= length && blob[BLOB_BYTES] >= 16)
                blob[BLOB_CRC] = crc32((uint8_t *)blob + 16, blob[BLOB_BYTES] - 16);
        }
        was_changed = memcmp(blob, whole, length) != 0;
        status = bpa_open(&engine, &bus);
        if (status == BPA_OK)
            status = bpa_load(&network, &engine, blob, length);
        if (status == BPA_OK && was_changed && network.arena_bytes <= MOST_ARENA) {
            uint8_t *arena = calloc(1, network.arena_bytes ? network.arena_bytes : 1);
            bpa_buffer buffer;
            uint32_t i;
            for (i = 0; bpa_get_buffer(&network, i, &buffer) == BPA_OK; i++)
                if (strlen(buffer.name) > length)
                    abort();
            blob_memory = blob;
            knows_arrays = memcmp(&blob[BLOB_ARRAY_STEP], &whole[BLOB_ARRAY_STEP], 4 * (BLOB_ARRAYS + 1)) == 0;
            memset(told, 0, sizeof told);
            status = bpa_run(&network, arena, network.arena_bytes, PATIENCE);
            ran++;
            free(arena);
        }
        ended[status]++;
        free(blob);
        if (one)
            break;
    }
    for (status = 0; status < BPA_STATUS_COUNT; status++)
        if (ended[status])
            printf("%10" PRIu32 " %s\n", ended[status], bpa_status_name((bpa_status)status));
    printf("%10" PRIu32 " were run\n", ran);
    return 0;
}
