/* Offsets and bits of the registers that every programmable engine has; a test holds them against the register map. */
#ifndef BPA_REGISTERS_H_
#define BPA_REGISTERS_H_

#define BPA_REG_ID 0x000u
#define BPA_REG_VERSION 0x004u
#define BPA_REG_LANES 0x008u
#define BPA_REG_TYPES 0x00Cu
#define BPA_REG_WEIGHT_WORDS 0x010u
#define BPA_REG_LINE_WORDS 0x014u
#define BPA_REG_SIZE 0x018u
#define BPA_REG_KERNEL 0x01Cu
#define BPA_REG_TABLE_WORDS 0x02Cu
#define BPA_REG_PASSES 0x038u
#define BPA_REG_BUS 0x03Cu
#define BPA_REG_COMMAND 0x040u
#define BPA_REG_STATE 0x044u
#define BPA_REG_EVENT 0x048u
#define BPA_REG_EVENT_ENABLE 0x04Cu
#define BPA_REG_REFUSED 0x050u
#define BPA_REG_BUS_ERROR 0x058u
#define BPA_REG_BUS_ERROR_ADDRESS 0x05Cu
#define BPA_REG_CYCLES_LOW 0x080u
#define BPA_REG_CYCLES_HIGH 0x084u
#define BPA_REG_FRAMES_DONE 0x088u
#define BPA_REG_JOBS_DONE 0x08Cu
#define BPA_REG_DATA_WAITS 0x090u
#define BPA_REG_WEIGHT_WAITS 0x094u
#define BPA_REG_RESULT_WAITS 0x098u
#define BPA_REG_TLAST_DATA_EARLY 0x09Cu
#define BPA_REG_TLAST_WEIGHT_LATE 0x0B0u

#define BPA_ID 0x42504145u
#define BPA_COMMAND_START 1u
#define BPA_COMMAND_ABORT 2u
#define BPA_COMMAND_CLEAR_COUNTERS 4u
#define BPA_COMMAND_CLEAR_ERROR 8u
#define BPA_STATE_WAITING 2u
#define BPA_STATE_CHECKING 4u
#define BPA_EVENT_JOB_DONE 1u
#define BPA_EVENT_REFUSED 2u
/* Reads or writes of memory that failed. */
#define BPA_EVENT_MEMORY 12u
#define BPA_EVENT_TLAST 0xFFFFFF00u
/* The table stands at this offset, or at its own size in bytes where that is more. */
#define BPA_TABLE_LEAST 0x400u

#endif
