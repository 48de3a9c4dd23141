/* A network that was loaded: what is between the jobs, and the jobs of an engine with streams, beat by beat. */
#include "bpa.h"
#include "bpa_blob.h"
#include "bpa_inside.h"
#include "bpa_registers.h"

/* Jobs that an engine holds: one that runs, one that comes next, one in the table. */
#define JOBS_HELD 3u

/* Where a stream of frames is: of which job, in which frame, pixel and beat of the pixel. */
typedef struct {
    uint32_t job, frame, pixel, beat;
} place;

/* A run. Each stream goes on by itself, so that none can wait for another that waits for it. */
typedef struct {
    const bpa_network *network;
    const bpa_bus *bus;
    uint8_t *arena;
    const uint32_t *operation; /* the one that runs */
    uint32_t end;              /* the first job that it has not */
    uint32_t told;             /* jobs that the engine was told */
    uint32_t weight_job, weight_beat;
    place data, sums, results;
    int moved; /* something did since this was cleared */
    bpa_memory_run memory; /* instead of streams */
} run;

static const uint32_t *buffer_of(const run *it, uint32_t index)
{
    return it->network->words + it->network->words[BLOB_BUFFERS_AT] / 4 + index * BUFFER_WORDS;
}

static const uint32_t *job_of(const run *it, uint32_t index)
{
    return it->network->words + it->network->words[BLOB_JOBS_AT] / 4 + index * JOB_SIZE;
}

static uint64_t extended(uint64_t value, uint32_t bits)
{
    uint64_t sign = (uint64_t)1 << (bits - 1);

    /* Bits above are zero. */
    return (value ^ sign) - sign;
}

#ifdef __GNUC__
/* A word of an array, whatever the array was declared as. */
typedef uint32_t __attribute__((may_alias)) aliased;
#endif

/* Four bytes of an array, at a multiple of four. */
static uint32_t word_at(const uint8_t *at)
{
#ifdef __GNUC__
    return *(const aliased *)(const void *)at;
#else
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
#endif
}

/* The element of an array of integers, the lowest byte first, in two's complement. */
static uint64_t load(const uint8_t *at, uint32_t bytes)
{
    uint64_t value = 0;
    uint32_t i, word;

    /* The usual ones at once. */
    if (bytes == 1)
        return (uint64_t)at[0] - ((uint64_t)(at[0] >> 7) << 8);
    if (bytes == 4) {
        word = word_at(at);
        return (uint64_t)word - ((uint64_t)(word >> 31) << 32);
    }
    for (i = bytes; i; i--)
        value = value << 8 | at[i - 1];
    return extended(value, 8 * bytes);
}

static void store(uint8_t *at, uint32_t bytes, uint64_t value)
{
    for (; bytes; bytes--, value >>= 8)
        *at++ = (uint8_t)value;
}

/* The bits of a beat from `bit` on; a beat is cleared before it is filled. */
static void put_bits(uint8_t *beat, uint32_t bit, uint32_t bits, uint64_t value)
{
    while (bits) {
        uint32_t low = bit % 8, count = 8 - low < bits ? 8 - low : bits;
        beat[bit / 8] = (uint8_t)(beat[bit / 8] | (value & ((1u << count) - 1)) << low);
        value >>= count;
        bit += count;
        bits -= count;
    }
}

static uint64_t get_bits(const uint8_t *beat, uint32_t bit, uint32_t bits)
{
    uint64_t value = 0;
    uint32_t got = 0;

    while (got < bits) {
        uint32_t low = bit % 8, count = 8 - low < bits - got ? 8 - low : bits - got;
        value |= (uint64_t)(beat[bit / 8] >> low & ((1u << count) - 1)) << got;
        bit += count;
        got += count;
    }
    return extended(value, bits);
}

/* The channel of a lane, from a job's table. */
static uint32_t channel_of(const run *it, uint32_t table, uint32_t entry)
{
    const uint8_t *at = it->network->blob + table + 2 * entry;

    return at[0] | (uint32_t)at[1] << 8;
}

/* The first element of a pixel of a buffer. */
static uint8_t *pixel_of(const run *it, const uint32_t *buffer, const place *at)
{
    uint32_t pixel = at->frame * buffer[BUFFER_ROWS] * buffer[BUFFER_COLS] + at->pixel;

    return it->arena + buffer[BUFFER_OFFSET] + pixel * buffer[BUFFER_PITCH] * buffer[BUFFER_ELEMENT];
}

static int is_last_of_frame(const place *at, const uint32_t *buffer, uint32_t beats)
{
    return at->beat + 1 == beats && at->pixel + 1 == buffer[BUFFER_ROWS] * buffer[BUFFER_COLS];
}

static void begin(place *at)
{
    at->job = at->frame = at->pixel = at->beat = 0;
}

/* To the next beat. */
static void step(place *at, const uint32_t *buffer, uint32_t beats)
{
    if (++at->beat < beats)
        return;
    at->beat = 0;
    if (++at->pixel < buffer[BUFFER_ROWS] * buffer[BUFFER_COLS])
        return;
    at->pixel = 0;
    if (++at->frame < buffer[BUFFER_FRAMES])
        return;
    at->frame = 0;
    at->job++;
}

/* A beat of this pixel, packed. */
static void pack(const run *it, uint8_t *beat, uint32_t bytes, const uint32_t *buffer, const place *at, uint32_t table,
                 uint32_t lanes, uint32_t bits)
{
    const uint8_t *pixel = pixel_of(it, buffer, at);
    uint32_t lane;

    for (lane = 0; lane < bytes; lane++)
        beat[lane] = 0;
    for (lane = 0; lane < lanes; lane++) {
        uint32_t channel = channel_of(it, table, at->beat * lanes + lane), size = buffer[BUFFER_ELEMENT];
        if (channel != NO_CHANNEL)
            put_bits(beat, lane * bits, bits, load(pixel + channel * size, size));
    }
}

static bpa_status tell(run *it, uint32_t patience)
{
    const bpa_network *network = it->network;
    const uint32_t *job;
    uint32_t state;
    int answer;
    bpa_status status;

    if (it->told == network->jobs || it->told - it->results.job == JOBS_HELD)
        return BPA_OK;
    answer = it->bus->read(it->bus->context, BPA_REG_STATE, &state);
    if (answer != 0)
        return answer < 0 ? BPA_ERR_BUS : BPA_ERR_REFUSED_ACCESS;
    if (state & (BPA_STATE_WAITING | BPA_STATE_CHECKING))
        return BPA_OK;
    job = job_of(it, it->told);
    /* Offset and value, as the blob has them. */
    status = bpa_start(network->engine, (const bpa_word *)(network->words + job[JOB_WORDS_AT] / 4), job[JOB_WORDS],
                       patience);
    if (status != BPA_OK)
        return status;
    it->told++;
    it->moved = 1;
    return BPA_OK;
}

static bpa_status feed_weights(run *it)
{
    const uint32_t *job, bytes = it->network->words[BLOB_WEIGHT_BEAT];
    uint32_t left;
    int32_t taken;

    if (it->weight_job == it->told)
        return BPA_OK;
    job = job_of(it, it->weight_job);
    left = job[JOB_WEIGHTS] - it->weight_beat;
    taken = it->bus->push(it->bus->context, BPA_WEIGHT,
                          it->network->blob + job[JOB_WEIGHTS_AT] + it->weight_beat * bytes, bytes, left, 1);
    if (taken < 0 || (uint32_t)taken > left)
        return BPA_ERR_BUS;
    it->moved |= taken > 0;
    it->weight_beat += (uint32_t)taken;
    if (it->weight_beat == job[JOB_WEIGHTS]) {
        it->weight_beat = 0;
        it->weight_job++;
    }
    return BPA_OK;
}

static bpa_status feed_data(run *it)
{
    const uint32_t *words = it->network->words, *buffer = buffer_of(it, it->operation[RUN_DATA]), *job;
    uint8_t beat[BPA_MAX_BEAT_BYTES];
    int32_t taken = 1;

    while (it->data.job < it->told && it->data.job < it->end) {
        job = job_of(it, it->data.job);
        pack(it, beat, words[BLOB_DATA_BEAT], buffer, &it->data, job[JOB_DATA_AT], words[BLOB_DATA_LANES],
             words[BLOB_DATA_BITS]);
        taken = it->bus->push(it->bus->context, BPA_DATA, beat, words[BLOB_DATA_BEAT], 1,
                              is_last_of_frame(&it->data, buffer, job[JOB_DATA]));
        if (taken <= 0)
            break;
        it->moved = 1;
        step(&it->data, buffer, job[JOB_DATA]);
    }
    return taken < 0 ? BPA_ERR_BUS : BPA_OK;
}

static bpa_status feed_sums(run *it)
{
    const uint32_t *words = it->network->words, *buffer = buffer_of(it, it->operation[RUN_RESULT]), *job;
    uint8_t beat[BPA_MAX_BEAT_BYTES];
    int32_t taken = 1;

    while (it->sums.job < it->told && it->sums.job < it->end) {
        job = job_of(it, it->sums.job);
        if (job[JOB_FLAGS] != JOB_TAKES_SUMS) {
            it->sums.job++;
            continue;
        }
        if (it->results.job < job[JOB_NEEDS])
            break;
        pack(it, beat, words[BLOB_SUM_BEAT], buffer, &it->sums, job[JOB_RESULT_AT], words[BLOB_RESULT_LANES],
             words[BLOB_SUM_BITS]);
        taken = it->bus->push(it->bus->context, BPA_ACCUMULATE, beat, words[BLOB_SUM_BEAT], 1,
                              is_last_of_frame(&it->sums, buffer, job[JOB_RESULT]));
        if (taken <= 0)
            break;
        it->moved = 1;
        step(&it->sums, buffer, job[JOB_RESULT]);
    }
    return taken < 0 ? BPA_ERR_BUS : BPA_OK;
}

static bpa_status take_results(run *it)
{
    const uint32_t *words = it->network->words, *buffer = buffer_of(it, it->operation[RUN_RESULT]), *job;
    uint32_t lanes = words[BLOB_RESULT_LANES], bits = words[BLOB_RESULT_BITS], size = buffer[BUFFER_ELEMENT], lane;
    uint8_t beat[BPA_MAX_BEAT_BYTES], *pixel;
    int taken = 1;

    while (it->results.job < it->told && it->results.job < it->end) {
        taken = it->bus->pull(it->bus->context, beat, words[BLOB_RESULT_BEAT]);
        if (taken <= 0)
            break;
        it->moved = 1;
        job = job_of(it, it->results.job);
        pixel = pixel_of(it, buffer, &it->results);
        for (lane = 0; lane < lanes; lane++) {
            uint32_t channel = channel_of(it, job[JOB_RESULT_AT], it->results.beat * lanes + lane);
            uint64_t value = get_bits(beat, lane * bits, bits);
            if (channel == NO_CHANNEL)
                continue;
            if (job[JOB_FLAGS] == JOB_ADDS)
                value += load(pixel + channel * size, size);
            store(pixel + channel * size, size, value);
        }
        step(&it->results, buffer, job[JOB_RESULT]);
    }
    return taken < 0 ? BPA_ERR_BUS : BPA_OK;
}

static bpa_status run_jobs(run *it, uint32_t patience)
{
    bpa_status status;
    uint32_t looks = 0;

    it->end = it->operation[RUN_FIRST] + it->operation[RUN_JOBS];
    /* The last results may come ahead of the last data: beats that no result needs. */
    while (it->results.job < it->end || it->data.job < it->end || it->sums.job < it->end || it->weight_job < it->end) {
        it->moved = 0;
        if ((status = tell(it, patience)) != BPA_OK || (status = feed_weights(it)) != BPA_OK ||
            (status = feed_data(it)) != BPA_OK || (status = feed_sums(it)) != BPA_OK ||
            (status = take_results(it)) != BPA_OK)
            return status;
        if (it->moved)
            looks = 0;
        else if (looks++ == patience)
            return BPA_ERR_TIMEOUT;
        else if ((status = bpa_sleep(it->network->engine)) != BPA_OK)
            return status;
    }
    return BPA_OK;
}

/* v >> shift, rounding down. */
static uint64_t shifted(uint64_t value, uint32_t shift)
{
    return value >> 63 ? ~(~value >> shift) : value >> shift;
}

/* The value nearest to this one in two's complement of so many bits. */
static uint64_t saturated(uint64_t value, uint32_t bits)
{
    uint64_t most = ((uint64_t)1 << (bits - 1)) - 1, magnitude = value >> 63 ? ~value : value;

    if (magnitude <= most)
        return value;
    return value >> 63 ? ~most : most;
}

/* Channels of a pixel that are added up at once. */
#define CHUNK 16u

/* Adds values that follow one another to so many sums. */
static void add(uint64_t *sums, const uint8_t *from, uint32_t size, uint32_t count)
{
    for (; count; count--, from += size)
        *sums++ += load(from, size);
}

/* These channels of a pixel. */
static void combine_chunk(const run *it, uint32_t pixel, uint32_t channel, uint32_t count)
{
    const uint32_t *operation = it->operation, *to = buffer_of(it, operation[COMBINE_TO]);
    const uint32_t *list = it->network->words + operation[COMBINE_LIST_AT] / 4;
    uint32_t inputs = operation[COMBINE_SHIFTED] + operation[COMBINE_PLAIN], size = to[BUFFER_ELEMENT], input, i;
    uint8_t *at = it->arena + to[BUFFER_OFFSET] + (pixel * to[BUFFER_PITCH] + channel) * size;
    uint64_t sums[CHUNK];

    for (i = 0; i < count; i++)
        sums[i] = 0;
    for (input = 0; input <= inputs; input++) {
        const uint32_t *from;
        if (input == operation[COMBINE_SHIFTED] && operation[COMBINE_SHIFT])
            for (i = 0; i < count; i++)
                sums[i] = shifted(sums[i], operation[COMBINE_SHIFT]);
        if (input == inputs)
            break;
        from = buffer_of(it, list[input]);
        add(sums, it->arena + from[BUFFER_OFFSET] + (pixel * from[BUFFER_PITCH] + channel) * from[BUFFER_ELEMENT],
            from[BUFFER_ELEMENT], count);
    }
    for (i = 0; i < count; i++, at += size)
        store(at, size, saturated(sums[i], operation[COMBINE_BITS]));
}

/*
 * The same, of one array of four bytes a value and others of one, to one byte: with a shift of four bits or more, sums
 * of a few of them are within 32 bits. It is the usual case, and processors of 32 bits do it some times as fast.
 */
static void combine_pixel(const run *it, uint32_t pixel, const uint8_t *const *inputs, const uint32_t *pitches)
{
    const uint32_t *operation = it->operation, *to = buffer_of(it, operation[COMBINE_TO]);
    uint32_t channels = to[BUFFER_CHANNELS], shift = operation[COMBINE_SHIFT], plain = operation[COMBINE_PLAIN], i;
    int32_t most = (int32_t)((1u << (operation[COMBINE_BITS] - 1)) - 1);
    const uint8_t *from = inputs[0] + 4 * pixel * pitches[0];
    int8_t *at = (int8_t *)(it->arena + to[BUFFER_OFFSET] + pixel * to[BUFFER_PITCH]);
    uint32_t channel;

    for (channel = 0; channel < channels; channel++, from += 4) {
        uint32_t word = word_at(from);
        int32_t sum;

        /* Rounds down, whatever >> does with a sign. */
        sum = word >> 31 ? -(int32_t)(~word >> shift) - 1 : (int32_t)(word >> shift);
        for (i = 1; i <= plain; i++)
            sum += (int8_t)inputs[i][pixel * pitches[i] + channel];
        sum = sum > most ? most : sum < -most - 1 ? -most - 1 : sum;
        *at++ = (int8_t)sum;
    }
}

/* Arrays that combine_pixel adds at the most. */
#define MOST_PLAIN 4u

/* Whether this was a case for combine_pixel, which has done it then. */
static int combine_narrow(const run *it, uint32_t pixels)
{
    const uint32_t *operation = it->operation, *to = buffer_of(it, operation[COMBINE_TO]);
    const uint32_t *list = it->network->words + operation[COMBINE_LIST_AT] / 4;
    const uint8_t *inputs[MOST_PLAIN + 1];
    uint32_t pitches[MOST_PLAIN + 1], i, shift = operation[COMBINE_SHIFT];

    if (operation[COMBINE_SHIFTED] != 1 || operation[COMBINE_PLAIN] > MOST_PLAIN || shift < 4 || shift > 31)
        return 0;
    if (to[BUFFER_ELEMENT] != 1)
        return 0;
    for (i = 0; i <= operation[COMBINE_PLAIN]; i++) {
        const uint32_t *from = buffer_of(it, list[i]);
        if (from[BUFFER_ELEMENT] != (i == 0 ? 4u : 1u))
            return 0;
        inputs[i] = it->arena + from[BUFFER_OFFSET];
        pitches[i] = from[BUFFER_PITCH];
    }
    for (i = 0; i < pixels; i++)
        combine_pixel(it, i, inputs, pitches);
    return 1;
}

static void combine(const run *it)
{
    const uint32_t *to = buffer_of(it, it->operation[COMBINE_TO]);
    uint32_t pixels = to[BUFFER_FRAMES] * to[BUFFER_ROWS] * to[BUFFER_COLS], channels = to[BUFFER_CHANNELS];
    uint32_t pixel, channel;

    if (combine_narrow(it, pixels))
        return;
    for (pixel = 0; pixel < pixels; pixel++)
        for (channel = 0; channel < channels; channel += CHUNK)
            combine_chunk(it, pixel, channel, channels - channel < CHUNK ? channels - channel : CHUNK);
}

/* The jobs of an operation: told while those before them run. */
static bpa_status tell_jobs(run *it, uint32_t patience)
{
    bpa_status status;
    uint32_t end = it->operation[RUN_FIRST] + it->operation[RUN_JOBS];

    while (it->memory.told != end)
        if ((status = bpa_tell_memory(it->network, &it->memory, patience)) != BPA_OK)
            return status;
    return BPA_OK;
}

/* What is between jobs is done when their results are there. */
static bpa_status run_operation(run *it, uint32_t patience)
{
    int has_bus = it->network->words[BLOB_BUS_BYTES] != 0;
    bpa_status status;

    if (it->operation[OPERATION_KIND] == OPERATION_RUN)
        return has_bus ? tell_jobs(it, patience) : run_jobs(it, patience);
    /* The words of the next job go in while the last one runs. */
    if (has_bus && ((status = bpa_prepare_memory(it->network, &it->memory, patience)) != BPA_OK ||
                    (status = bpa_memory_done(it->network, &it->memory, it->memory.told, patience)) != BPA_OK))
        return status;
    combine(it);
    return BPA_OK;
}

bpa_status bpa_run(const bpa_network *network, void *arena, size_t bytes, uint32_t patience)
{
    run it;
    uint32_t i;
    bpa_status status;

    if ((uintptr_t)arena % 8 || bytes < network->arena_bytes)
        return BPA_ERR_ARENA;
    it.network = network;
    it.bus = network->engine->bus;
    it.arena = arena;
    it.told = it.weight_job = it.weight_beat = 0;
    begin(&it.data);
    begin(&it.sums);
    begin(&it.results);
    if ((status = bpa_interrupts(network->engine)) != BPA_OK)
        return status;
    if (network->words[BLOB_BUS_BYTES] && (status = bpa_begin_memory(network, arena, &it.memory)) != BPA_OK)
        return status;
    for (i = 0; i < network->operations; i++) {
        it.operation = network->words + network->words[BLOB_OPERATIONS_AT] / 4 + i * OPERATION_WORDS;
        if ((status = run_operation(&it, patience)) != BPA_OK)
            return status;
    }
    if (network->words[BLOB_BUS_BYTES] &&
        (status = bpa_memory_done(network, &it.memory, it.memory.told, patience)) != BPA_OK)
        return status;
    /* A tlast of ours that the engine found misplaced. */
    return bpa_wait(network->engine, patience);
}
