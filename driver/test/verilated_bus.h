/* A Verilated engine behind a bpa_bus. */
#ifndef VERILATED_BUS_H_
#define VERILATED_BUS_H_

#include "bpa.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Out of reset. `stalls` is the share, in percent, of cycles in which a stream pauses, drawn from `seed`; `sleeps` says
 * that `wait` is there and ends with the interrupt.
 */
bpa_bus *verilated_open(unsigned stalls, unsigned seed, int sleeps);
/* Cycles since then. */
uint64_t verilated_cycles(const bpa_bus *bus);
/* Interrupts that ended a `wait`. */
uint32_t verilated_interrupts(const bpa_bus *bus);
void verilated_close(bpa_bus *bus);

#ifdef __cplusplus
}
#endif

#endif
