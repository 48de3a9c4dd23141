/* What the files of the driver have in common. */
#ifndef BPA_INSIDE_H_
#define BPA_INSIDE_H_

#include "bpa.h"

/* Where the bus can sleep, lets the end of each job wake it. */
bpa_status bpa_interrupts(const bpa_engine *engine);
/* Sleeps, where the bus can, and makes ready for the next interrupt. */
bpa_status bpa_sleep(const bpa_engine *engine);

#endif
