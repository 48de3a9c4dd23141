#!/usr/bin/env bash
# Makes the program of examples/soc for a network: WORK/program.bin, for a RAM of so many bytes.
#
#     scripts/soc/program.sh NETWORK.toml ENGINE.toml WORK RAM_BYTES
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
soc=$here/examples/soc
"${CARGO_TARGET_DIR:-$here/target}/debug/examples/soc" "$1" "$2" "$3"
cd "$3"
riscv64-unknown-elf-gcc -march=rv32im -mabi=ilp32 -O2 -std=c99 -Wall -Wextra -Werror -ffreestanding -nostdlib \
    -ffunction-sections -Wl,--gc-sections -Wl,--wrap=bpa_tell_memory,--wrap=bpa_prepare_memory \
    -Wl,--no-warn-rwx-segments \
    -Wl,--defsym=RAM_BYTES="$4" -T "$soc/firmware/link.ld" -I. -I"$here/driver/c" -o program.elf \
    "$soc/firmware/start.S" "$soc/firmware/main.c" "$here"/driver/c/bpa_{engine,load,memory,run}.c -lgcc
riscv64-unknown-elf-objcopy -O binary program.elf program.bin
