/* Jobs of an engine that reads and writes memory by itself: checked when a blob is loaded, and run. */
#include "bpa.h"
#include "bpa_blob.h"
#include "bpa_inside.h"
#include "bpa_registers.h"

/* Words of an array, as the engine's table has them. */
enum { ARRAY_ADDRESS, ARRAY_RUN, ARRAY_PIXELS, ARRAY_FRAMES, ARRAY_STEPS, ARRAY_WORDS = 8 };

/* In the word of its run: the job has no such array. */
#define ARRAY_NONE 0x80000000u

/* What the table holds of the arrays, behind the words of the jobs up to one. */
typedef struct {
    uint32_t words[BLOB_ARRAYS][ARRAY_WORDS];
    uint32_t told[BLOB_ARRAYS]; /* a bit for each word */
} arrays;

/* Weights are in the blob, all else is in the arena. */
static uint32_t base_of(uint32_t array)
{
    return array == BLOB_ARRAY_WEIGHT - BLOB_ARRAY_DATA ? WORD_IN_BLOB : WORD_IN_ARENA;
}

/* Takes a word of a job; one with an address has to be of an array, and counted from where that is. */
static bpa_status tell_array(const uint32_t *header, arrays *held, uint32_t offset, uint32_t value)
{
    uint32_t base = offset % 4, array, word;

    offset -= base;
    for (array = 0; array < BLOB_ARRAYS; array++) {
        uint32_t first = header[BLOB_ARRAY_DATA + array], step = header[BLOB_ARRAY_STEP];
        if (first == 0)
            continue;
        for (word = 0; word < ARRAY_WORDS; word++) {
            if (offset != first + word * step)
                continue;
            held->words[array][word] = value;
            held->told[array] |= 1u << word;
            return base == (word == ARRAY_ADDRESS ? base_of(array) : 0) ? BPA_OK : BPA_ERR_BLOB_VALUE;
        }
    }
    return base == 0 ? BPA_OK : BPA_ERR_BLOB_VALUE;
}

/* Whether an array, all of it, is within so many bytes. Steps lead from the last run of what they are a step behind. */
static bpa_status check_array(const arrays *held, uint32_t array, uint32_t bytes)
{
    const uint32_t *words = held->words[array];
    uint32_t counts[4], within = 0, i;
    uint64_t reach;

    if ((held->told[array] & 1u << ARRAY_RUN) == 0)
        return BPA_ERR_BLOB_VALUE;
    if (words[ARRAY_RUN] & ARRAY_NONE)
        return BPA_OK;
    if (held->told[array] != (1u << ARRAY_WORDS) - 1)
        return BPA_ERR_BLOB_VALUE;
    counts[0] = words[ARRAY_PIXELS] & 0xFFFFu;
    counts[1] = words[ARRAY_PIXELS] >> 16;
    counts[2] = words[ARRAY_FRAMES] & 0xFFFFu;
    counts[3] = words[ARRAY_FRAMES] >> 16;
    reach = (uint64_t)words[ARRAY_ADDRESS] + words[ARRAY_RUN] + 1;
    for (i = 0; i < 4; i++) {
        uint32_t stride = words[ARRAY_STEPS + i] + within;
        reach += (uint64_t)counts[i] * stride;
        within += counts[i] * stride;
    }
    return reach <= bytes ? BPA_OK : BPA_ERR_BLOB_RANGE;
}

bpa_status bpa_check_memory(const bpa_network *network)
{
    const uint32_t *header = network->words, *job = header + header[BLOB_JOBS_AT] / 4;
    arrays held;
    uint32_t jobs, i;
    bpa_status status;

    for (i = 0; i < BLOB_ARRAYS; i++)
        held.told[i] = 0;
    for (jobs = network->jobs; jobs; jobs--, job += JOB_SIZE) {
        const uint32_t *word = header + job[JOB_WORDS_AT] / 4;
        for (i = 0; i < job[JOB_WORDS]; i++, word += 2)
            if ((status = tell_array(header, &held, word[0], word[1])) != BPA_OK)
                return status;
        for (i = 0; i < BLOB_ARRAYS; i++) {
            uint32_t bytes = base_of(i) == WORD_IN_BLOB ? header[BLOB_BYTES] : network->arena_bytes;
            if (header[BLOB_ARRAY_DATA + i] && (status = check_array(&held, i, bytes)) != BPA_OK)
                return status;
        }
    }
    return BPA_OK;
}

/* Where the engine sees memory of the processor. */
static bpa_status address_of(const bpa_network *network, const void *memory, uint32_t bytes, uint32_t *address)
{
    const bpa_bus *bus = network->engine->bus;

    if (bus->address) {
        if (bus->address(bus->context, memory, bytes, address) < 0)
            return BPA_ERR_ADDRESS;
    } else {
        *address = (uint32_t)(uintptr_t)memory;
        if (*address != (uintptr_t)memory)
            return BPA_ERR_ADDRESS;
    }
    if (*address % network->words[BLOB_BUS_BYTES] || *address > UINT32_MAX - bytes)
        return BPA_ERR_ADDRESS;
    return BPA_OK;
}

static bpa_status get(const bpa_engine *engine, uint32_t offset, uint32_t *value)
{
    int answer = engine->bus->read(engine->bus->context, offset, value);

    return answer == 0 ? BPA_OK : answer < 0 ? BPA_ERR_BUS : BPA_ERR_REFUSED_ACCESS;
}

static bpa_status set(const bpa_engine *engine, uint32_t offset, uint32_t value)
{
    int answer = engine->bus->write(engine->bus->context, offset, value);

    return answer == 0 ? BPA_OK : answer < 0 ? BPA_ERR_BUS : BPA_ERR_REFUSED_ACCESS;
}

/* What went wrong, if anything did since it was asked last. */
static bpa_status failed(bpa_engine *engine)
{
    uint32_t event;
    bpa_status status;

    if ((status = get(engine, BPA_REG_EVENT, &event)) != BPA_OK)
        return status;
    if (event & BPA_EVENT_REFUSED) {
        if ((status = get(engine, BPA_REG_REFUSED, &engine->refused)) != BPA_OK)
            return status;
        return BPA_ERR_JOB_REFUSED;
    }
    if (event & BPA_EVENT_MEMORY) {
        if ((status = get(engine, BPA_REG_BUS_ERROR, &engine->memory_error)) != BPA_OK ||
            (status = get(engine, BPA_REG_BUS_ERROR_ADDRESS, &engine->memory_error_address)) != BPA_OK ||
            (status = set(engine, BPA_REG_EVENT, BPA_EVENT_MEMORY)) != BPA_OK ||
            (status = set(engine, BPA_REG_COMMAND, BPA_COMMAND_CLEAR_ERROR)) != BPA_OK)
            return status;
        return BPA_ERR_MEMORY;
    }
    return BPA_OK;
}

bpa_status bpa_begin_memory(const bpa_network *network, const void *arena, bpa_memory_run *it)
{
    bpa_status status;

    it->bases[0] = it->bases[3] = it->written = it->told = 0;
    status = address_of(network, arena, network->arena_bytes, &it->bases[WORD_IN_ARENA]);
    if (status != BPA_OK)
        return status;
    status = address_of(network, network->blob, network->words[BLOB_BYTES], &it->bases[WORD_IN_BLOB]);
    if (status != BPA_OK)
        return status;
    /* Of what was before. */
    status = set(network->engine, BPA_REG_EVENT, BPA_EVENT_REFUSED | BPA_EVENT_MEMORY);
    if (status != BPA_OK)
        return status;
    return get(network->engine, BPA_REG_JOBS_DONE, &it->done_before);
}

bpa_status bpa_memory_done(const bpa_network *network, const bpa_memory_run *it, uint32_t jobs, uint32_t patience)
{
    bpa_engine *engine = network->engine;
    uint32_t done;
    bpa_status status;

    for (;;) {
        if ((status = get(engine, BPA_REG_JOBS_DONE, &done)) != BPA_OK)
            return status;
        if (done - it->done_before >= jobs)
            return failed(engine);
        if ((status = failed(engine)) != BPA_OK)
            return status;
        if (patience-- == 0)
            return BPA_ERR_TIMEOUT;
        if ((status = bpa_sleep(engine)) != BPA_OK)
            return status;
    }
}

/* Waits until the table can be written. */
static bpa_status table_is_free(bpa_engine *engine, uint32_t patience)
{
    uint32_t state;
    bpa_status status;

    for (;;) {
        if ((status = get(engine, BPA_REG_STATE, &state)) != BPA_OK)
            return status;
        if ((state & (BPA_STATE_WAITING | BPA_STATE_CHECKING)) == 0)
            return failed(engine);
        if (patience-- == 0)
            return BPA_ERR_TIMEOUT;
        /* A check takes less than a sleep. */
        if ((state & BPA_STATE_WAITING) && (status = bpa_sleep(engine)) != BPA_OK)
            return status;
    }
}

static const uint32_t *job_of(const bpa_network *network, uint32_t index)
{
    return network->words + network->words[BLOB_JOBS_AT] / 4 + index * JOB_SIZE;
}

/* Puts the words of the next job into the table. */
static bpa_status write_words(const bpa_network *network, bpa_memory_run *it)
{
    const bpa_engine *engine = network->engine;
    const uint32_t *job = job_of(network, it->written);
    const uint32_t *word = network->words + job[JOB_WORDS_AT] / 4, *end = word + 2 * job[JOB_WORDS];
    volatile uint32_t *registers = engine->bus->registers;
    bpa_status status;

    it->written++;
    if (registers)
        for (; word != end; word += 2)
            registers[word[0] / 4] = word[1] + it->bases[word[0] % 4];
    else
        for (; word != end; word += 2)
            if ((status = set(engine, word[0] & ~3u, word[1] + it->bases[word[0] % 4])) != BPA_OK)
                return status;
    return BPA_OK;
}

bpa_status bpa_prepare_memory(const bpa_network *network, bpa_memory_run *it, uint32_t patience)
{
    uint32_t state;
    bpa_status status;

    if (it->written != it->told || it->told == network->jobs)
        return BPA_OK;
    do
        if ((status = get(network->engine, BPA_REG_STATE, &state)) != BPA_OK)
            return status;
    while ((state & BPA_STATE_CHECKING) && patience--);
    return state & (BPA_STATE_WAITING | BPA_STATE_CHECKING) ? BPA_OK : write_words(network, it);
}

bpa_status bpa_tell_memory(const bpa_network *network, bpa_memory_run *it, uint32_t patience)
{
    bpa_engine *engine = network->engine;
    const uint32_t *job = job_of(network, it->told);
    bpa_status status;

    /* What it reads has to be there when it is started; its words may be there before. */
    if (job[JOB_NEEDS] && (status = bpa_prepare_memory(network, it, patience)) != BPA_OK)
        return status;
    if (job[JOB_NEEDS] && (status = bpa_memory_done(network, it, job[JOB_NEEDS], patience)) != BPA_OK)
        return status;
    if (it->written == it->told && ((status = table_is_free(engine, patience)) != BPA_OK ||
                                    (status = write_words(network, it)) != BPA_OK))
        return status;
    it->told++;
    if (!engine->bus->registers)
        return set(engine, BPA_REG_COMMAND, BPA_COMMAND_START);
    engine->bus->registers[BPA_REG_COMMAND / 4] = BPA_COMMAND_START;
    return BPA_OK;
}
