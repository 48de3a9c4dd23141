/*
 * Opens an engine by a file of registers, as UIO devices and /dev/mem are opened: run_linux FILE OFFSET BYTES. Prints the
 * status, or the number of the error.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "bpa.h"
#include "bpa_linux.h"
#include "bpa_registers.h"

int main(int count, char **words)
{
    bpa_linux device;
    bpa_bus bus;
    bpa_engine engine;
    bpa_status status;
    uint32_t value;
    int error;

    if (count != 4)
        return 2;
    error = bpa_linux_open(&device, &bus, words[1], strtoull(words[2], NULL, 0), strtoull(words[3], NULL, 0), 0);
    if (error) {
        printf("error\n");
        return 0;
    }
    status = bpa_open(&engine, &bus);
    printf("%s\n", bpa_status_name(status));
    if (status == BPA_OK)
        printf("%u x %u lanes, table %#" PRIx32 " to %#" PRIx32 "\n", engine.simd, engine.pe, engine.table_first,
               engine.table_end);
    /* A write goes to the file; behind the registers there is nothing. */
    if (bus.write(bus.context, BPA_REG_EVENT_ENABLE, 3) != 0 || bus.read(bus.context, BPA_REG_EVENT_ENABLE, &value) != 0)
        return 1;
    if (value != 3 || bus.read(bus.context, (uint32_t)device.bytes, &value) != -1)
        return 1;
    if (bus.push(bus.context, BPA_DATA, NULL, 4, 0, 0) != -1)
        return 1;
    bpa_linux_close(&device);
    return 0;
}
