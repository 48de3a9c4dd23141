/* Linux's user space: mmap, and the interrupt of a UIO device. */
#define _POSIX_C_SOURCE 200809L
#define _FILE_OFFSET_BITS 64

#include "bpa_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* An interrupt that was lost costs no more than this. */
#define SLEEP_MILLISECONDS 100

/* The bus does not tell a program that the engine refused: Linux ends the program with SIGBUS. */
static int read_register(void *context, uint32_t offset, uint32_t *value)
{
    bpa_linux *it = context;

    if (offset % 4 || offset >= it->bytes)
        return -1;
    *value = it->registers[offset / 4];
    return 0;
}

static int write_register(void *context, uint32_t offset, uint32_t value)
{
    bpa_linux *it = context;

    if (offset % 4 || offset >= it->bytes)
        return -1;
    it->registers[offset / 4] = value;
    return 0;
}

static int32_t push(void *context, bpa_input stream, const uint8_t *beats, uint32_t bytes, uint32_t count, int last)
{
    bpa_linux *it = context;

    return it->push ? it->push(it->streams, stream, beats, bytes, count, last) : -1;
}

static int pull(void *context, uint8_t *beat, uint32_t bytes)
{
    bpa_linux *it = context;

    return it->pull ? it->pull(it->streams, beat, bytes) : -1;
}

/* A UIO device counts interrupts, and waits for the next one when it was told to let it through. */
static int wait_for_interrupt(void *context)
{
    bpa_linux *it = context;
    struct pollfd device;
    uint32_t word = 1;
    int ready;

    if (write(it->file, &word, sizeof word) != (ssize_t)sizeof word)
        return -1;
    device.fd = it->file;
    device.events = POLLIN;
    ready = poll(&device, 1, SLEEP_MILLISECONDS);
    if (ready < 0)
        return errno == EINTR ? 0 : -1;
    if (ready > 0 && read(it->file, &word, sizeof word) != (ssize_t)sizeof word)
        return -1;
    return 0;
}

int bpa_linux_open(bpa_linux *linux_bus, bpa_bus *bus, const char *path, uint64_t offset, size_t bytes, int interrupts)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), head = (size_t)(offset % page);
    struct stat status;
    int error;

    if (offset % 4)
        return EINVAL;
    linux_bus->streams = NULL;
    linux_bus->push = NULL;
    linux_bus->pull = NULL;
    linux_bus->interrupts = interrupts;
    linux_bus->bytes = bytes;
    linux_bus->file = open(path, O_RDWR | O_SYNC | O_CLOEXEC);
    if (linux_bus->file < 0)
        return errno;
    /* Behind the end of a plain file there is nothing to map. */
    if (fstat(linux_bus->file, &status) == 0 && S_ISREG(status.st_mode) && (uint64_t)status.st_size < offset + bytes) {
        close(linux_bus->file);
        return EINVAL;
    }
    linux_bus->mapped_bytes = head + bytes;
    linux_bus->mapped = mmap(NULL, linux_bus->mapped_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, linux_bus->file,
                             (off_t)(offset - head));
    if (linux_bus->mapped == MAP_FAILED) {
        error = errno;
        close(linux_bus->file);
        return error;
    }
    linux_bus->registers = (volatile uint32_t *)(void *)((uint8_t *)linux_bus->mapped + head);
    bus->context = linux_bus;
    bus->read = read_register;
    bus->write = write_register;
    bus->push = push;
    bus->pull = pull;
    bus->wait = interrupts ? wait_for_interrupt : NULL;
    return 0;
}

void bpa_linux_close(bpa_linux *linux_bus)
{
    munmap(linux_bus->mapped, linux_bus->mapped_bytes);
    close(linux_bus->file);
}
