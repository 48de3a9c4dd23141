/*
 * Runs a network on the engine of the system and compares each value of its outputs. What it has to say goes to the
 * UART; at its end the LEDs show 0x80, and 0x01 beside it if all was as it should be.
 */
#include "bpa.h"
#include "bpa_inside.h"
#include "network.h"

#define REGISTERS ((volatile uint32_t *)0x40000000u)
#define UART (*(volatile uint32_t *)0x80000000u)
#define LEDS (*(volatile uint32_t *)0x80000004u)
#define NOW (*(volatile uint32_t *)0x80000008u)
#define ALARM (*(volatile uint32_t *)0x8000000Cu)

/* Cycles of a sleep without an interrupt of the engine, and so many sleeps until it is given up. */
#define SLEEP 1000000u
#define PATIENCE 1000u

extern const uint8_t network_blob[], network_blob_end[], network_expected[];
extern uint8_t network_arena[], network_arena_end[];

/* Cycles in which the processor waited for the engine. */
static uint32_t waited;

static void say(const char *text)
{
    for (; *text; text++) {
        while (UART == 0)
            ;
        UART = (uint8_t)*text;
    }
}

static void say_number(const char *name, uint32_t value)
{
    char digits[11];
    char *at = digits + 10;

    *at = 0;
    do {
        *--at = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    say(name);
    say(at);
    say("\n");
}

static int read_register(void *context, uint32_t offset, uint32_t *value)
{
    (void)context;
    *value = REGISTERS[offset / 4];
    return 0;
}

static int write_register(void *context, uint32_t offset, uint32_t value)
{
    (void)context;
    REGISTERS[offset / 4] = value;
    return 0;
}

/* Stops the processor until an interrupt comes: the engine's, or the timer's. */
static int wait_for_interrupt(void *context)
{
    uint32_t from = NOW, pending;

    (void)context;
    ALARM = from + SLEEP;
    /* waitirq of PicoRV32. Interrupts are masked as after reset: they end it, and nothing else. */
    __asm__ volatile(".insn r CUSTOM_0, 0, 4, %0, zero, zero" : "=r"(pending) : : "memory");
    waited += NOW - from;
    return 0;
}

/*
 * What a change of jobs costs the processor, without the time in which it slept: telling the words of a job ahead of
 * its start, while another runs; and starting it, with its words where they were not told ahead.
 */
typedef struct {
    uint32_t times, cycles, most;
} cost;

static cost prepares, starts;

static void count(cost *to, uint32_t from, uint32_t slept)
{
    uint32_t cycles = NOW - from - (waited - slept);

    to->times++;
    to->cycles += cycles;
    if (cycles > to->most)
        to->most = cycles;
}

static void say_cost(const char *name, const cost *of)
{
    say(name);
    say_number(": ", of->times);
    say_number("    cycles in all: ", of->cycles);
    say_number("    on average: ", of->times ? of->cycles / of->times : 0);
    say_number("    at the most: ", of->most);
}

bpa_status __real_bpa_tell_memory(const bpa_network *network, bpa_memory_run *it, uint32_t patience);
bpa_status __wrap_bpa_tell_memory(const bpa_network *network, bpa_memory_run *it, uint32_t patience);
bpa_status __real_bpa_prepare_memory(const bpa_network *network, bpa_memory_run *it, uint32_t patience);
bpa_status __wrap_bpa_prepare_memory(const bpa_network *network, bpa_memory_run *it, uint32_t patience);

bpa_status __wrap_bpa_tell_memory(const bpa_network *network, bpa_memory_run *it, uint32_t patience)
{
    uint32_t from = NOW, slept = waited;
    bpa_status status = __real_bpa_tell_memory(network, it, patience);

    count(&starts, from, slept);
    return status;
}

bpa_status __wrap_bpa_prepare_memory(const bpa_network *network, bpa_memory_run *it, uint32_t patience)
{
    uint32_t from = NOW, slept = waited;
    bpa_status status = __real_bpa_prepare_memory(network, it, patience);

    count(&prepares, from, slept);
    return status;
}

/* Values of the outputs that are wrong: each array is its number, and its values one behind the other. */
static uint32_t wrong_values(const bpa_network *network, uint32_t *values)
{
    const uint8_t *expected = network_expected;
    uint32_t wrong = 0;

    for (;;) {
        uint32_t index = *(const uint32_t *)(const void *)expected, pixels, channel, byte;
        const uint8_t *found;
        bpa_buffer buffer;
        if (bpa_get_buffer(network, index, &buffer) != BPA_OK)
            return wrong;
        expected += 4;
        found = network_arena + buffer.offset;
        for (pixels = buffer.frames * buffer.rows * buffer.cols; pixels; pixels--) {
            for (channel = 0; channel < buffer.channels; channel++, ++*values) {
                uint32_t differs = 0;
                for (byte = 0; byte < buffer.element_bytes; byte++)
                    differs |= (uint32_t)(found[channel * buffer.element_bytes + byte] ^ *expected++);
                wrong += differs != 0;
            }
            found += buffer.pitch * buffer.element_bytes;
        }
        expected += (4 - ((uintptr_t)expected & 3)) & 3;
    }
}

/* Its status; BPA_STATUS_COUNT if values are wrong. */
static bpa_status run(void)
{
    static const bpa_bus bus = {NULL, read_register, write_register, NULL, NULL, wait_for_interrupt, NULL, REGISTERS};
    bpa_engine engine;
    bpa_network network;
    bpa_counts counts;
    uint32_t from, total, values = 0, wrong;
    bpa_status status;

    from = NOW;
    if ((status = bpa_open(&engine, &bus)) != BPA_OK)
        return status;
    status = bpa_load(&network, &engine, network_blob, (size_t)(network_blob_end - network_blob));
    if (status != BPA_OK)
        return status;
    say_number("cycles to load and check the blob: ", NOW - from);
    if ((status = bpa_clear_counters(&engine)) != BPA_OK)
        return status;
    waited = 0;
    from = NOW;
    status = bpa_run(&network, network_arena, (size_t)(network_arena_end - network_arena), PATIENCE);
    total = NOW - from;
    if (status != BPA_OK)
        return status;
    if ((status = bpa_counters(&engine, &counts)) != BPA_OK)
        return status;
    say_number("jobs: ", counts.jobs_done);
    say_number("cycles in all: ", total);
    say_number("of these the engine had a job: ", (uint32_t)counts.cycles);
    say_number("bound of the layers: ", NETWORK_BOUND);
    say_number("the processor waited for the engine: ", waited);
    say_cost("jobs told ahead", &prepares);
    say_cost("jobs started", &starts);
    wrong = wrong_values(&network, &values);
    say_number("values compared: ", values);
    say_number("wrong: ", wrong);
    return wrong == 0 ? BPA_OK : BPA_STATUS_COUNT;
}

int main(void)
{
    bpa_status status;

    say(NETWORK_NAME "\n");
    status = run();
    if (status != BPA_OK && status != BPA_STATUS_COUNT) {
        say(bpa_status_name(status));
        say("\n");
    }
    /* The last byte is on its way. */
    while (UART == 0)
        ;
    LEDS = status == BPA_OK ? 0x81 : 0x80;
    return 0;
}
