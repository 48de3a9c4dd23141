"""How often a result differs where the factor of QLinearConv is no integer over a power of two and the nearest such is
taken in its place: prints the share of int8 results that differ, and by how much at the most. Needs numpy.

    python3 scripts/quantised/nearest_scale.py
"""

import numpy as np

LAYERS, SUMS, SCALE_BITS = 2000, 20000, 15


def main():
    random = np.random.default_rng(1)
    differ, most, count = 0, 0, 0
    for _ in range(LAYERS):
        # Sums and results of all magnitudes that occur: a factor between 2^-16 and 2^-4, results that are not cut.
        factor = np.float32(2.0 ** random.uniform(-16, -4))
        sums = np.round(random.uniform(-127, 127, SUMS) / factor)
        floating = np.rint(sums.astype(np.float32) * factor).astype(np.int64)
        shift = SCALE_BITS - 1 - int(np.floor(np.log2(factor)))
        scale = round(float(factor) * 2.0**shift)
        if scale == 2**SCALE_BITS:
            scale, shift = scale // 2, shift - 1
        integer = np.rint(sums * scale / 2.0**shift).astype(np.int64)  # exact: 53 bits hold the product
        apart = np.abs(floating - integer)
        differ, most, count = differ + np.count_nonzero(apart), max(most, apart.max()), count + SUMS
    print(f"{differ} of {count} results differ, 1 of {count // max(differ, 1)}, by {most} at the most")


main()
