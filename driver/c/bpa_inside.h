/* What the files of the driver have in common. */
#ifndef BPA_INSIDE_H_
#define BPA_INSIDE_H_

#include "bpa.h"

/* Where the bus can sleep, lets the end of each job wake it. */
bpa_status bpa_interrupts(const bpa_engine *engine);
/* Sleeps, where the bus can, and makes ready for the next interrupt. */
bpa_status bpa_sleep(const bpa_engine *engine);

/* A network on an engine with a bus, while it runs. */
typedef struct {
    uint32_t bases[4];    /* what is added to words, by the low bits of their offsets */
    uint32_t written;     /* jobs whose words the engine has */
    uint32_t told;        /* those of them that were started */
    uint32_t done_before; /* jobs that it had done */
} bpa_memory_run;

/* Whether all arrays of all jobs are in blob and arena. */
bpa_status bpa_check_memory(const bpa_network *network);
/* Finds the addresses of blob and arena. */
bpa_status bpa_begin_memory(const bpa_network *network, const void *arena, bpa_memory_run *it);
/* Tells the next job ahead of its start, if the table is free. */
bpa_status bpa_prepare_memory(const bpa_network *network, bpa_memory_run *it, uint32_t patience);
/* Tells the next job, and starts it, as soon as what it reads is there. */
bpa_status bpa_tell_memory(const bpa_network *network, bpa_memory_run *it, uint32_t patience);
/* Waits until the results of so many jobs are in memory. */
bpa_status bpa_memory_done(const bpa_network *network, const bpa_memory_run *it, uint32_t jobs, uint32_t patience);

#endif
