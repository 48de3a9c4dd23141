/* The bus of an engine in Linux's user space: registers by mmap of a UIO device, of /dev/mem, or of any file. */
#ifndef BPA_LINUX_H_
#define BPA_LINUX_H_

#include "bpa.h"

typedef struct {
    /* The streams, which the caller fills before bpa_run: a driver of the DMA that feeds them. */
    void *streams;
    int32_t (*push)(void *streams, bpa_input stream, const uint8_t *beats, uint32_t bytes, uint32_t count, int last);
    int (*pull)(void *streams, uint8_t *beat, uint32_t bytes);
    /* Of the registers; of no use to the caller. */
    volatile uint32_t *registers;
    size_t bytes;
    void *mapped;
    size_t mapped_bytes;
    int file, interrupts;
} bpa_linux;

/*
 * Maps `bytes` bytes of registers, which begin at `offset` in the file: 0 of a UIO device (/dev/uio0), their address
 * in /dev/mem. `interrupts` says that the file is a UIO device whose interrupt is the engine's. Fills `bus`, which
 * keeps `linux_bus`. 0, or errno.
 */
int bpa_linux_open(bpa_linux *linux_bus, bpa_bus *bus, const char *path, uint64_t offset, size_t bytes, int interrupts);

/* Unmaps the registers. */
void bpa_linux_close(bpa_linux *linux_bus);

#endif
