"""A program as the RAM of the system begins with it: a file of hexadecimal numbers for each byte of a word.

    image.py PROGRAM.bin WORDS PREFIX
"""

import sys

WORD_BYTES = 8


def main():
    path, words, prefix = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    with open(path, "rb") as file:
        program = file.read()
    if len(program) > words * WORD_BYTES:
        sys.exit(f"{path} has {len(program)} bytes, and the RAM {words * WORD_BYTES}")
    program += bytes(words * WORD_BYTES - len(program))
    for byte in range(WORD_BYTES):
        with open(f"{prefix}{byte}.hex", "w") as file:
            file.write("\n".join(f"{value:02x}" for value in program[byte::WORD_BYTES]) + "\n")


main()
