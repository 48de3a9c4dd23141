"""Runs a network by the Python driver on the Verilated engine and compares it with what `bpa run-network` gave.

    python3 run_python.py FOLDER

FOLDER has libbpa.so with the Verilated bus in it, NAME.bpa, and the arrays that scripts/driver.sh put there.
"""

import ctypes
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python"))

import bpa  # noqa: E402


class Forwarded(bpa.Bus):
    """The Verilated bus, reached by Python: as slow as that is, and held to the methods of a Bus."""

    def __init__(self, native):
        self.native = bpa._Bus.from_address(native)

    def read(self, offset):
        value = ctypes.c_uint32()
        return None if self.native.read(self.native.context, offset, ctypes.pointer(value)) else value.value

    def write(self, offset, value):
        return self.native.write(self.native.context, offset, value) == 0

    def push(self, stream, beats, beat_bytes, last):
        data = (ctypes.c_uint8 * len(beats)).from_buffer_copy(beats)
        return self.native.push(self.native.context, stream, data, beat_bytes, len(beats) // beat_bytes, last)

    def pull(self, beat_bytes):
        beat = (ctypes.c_uint8 * beat_bytes)()
        return bytes(beat) if self.native.pull(self.native.context, beat, beat_bytes) else None


class Broken(Forwarded):
    """It fails in the middle."""

    def pull(self, beat_bytes):
        raise OSError("the cable is out")


class Mmio:
    """As pynq.MMIO: an engine of another kind."""

    def read(self, offset):
        return 0

    def write(self, offset, value):
        pass


def main():
    folder = Path(sys.argv[1]).resolve()
    library = bpa.Library(folder / "libbpa.so")
    opened = library.calls.verilated_open
    opened.restype = ctypes.c_void_p
    blob = next(folder.glob("*.bpa")).read_bytes()
    image, gradient = (np.load(folder / f"{name}.npy") for name in ("input", "grad_output"))
    inputs = {"beside_it.input": image, "beside.input": image, "top.grad_output": gradient}
    expected = {
        "top.output_sums": "top.output.npy",
        "beside_it.grad_input_sums": "beside_it.npy",
        "beside.grad_input_sums": "beside.npy",
    }
    for make in (lambda: opened(0, 1, 0), lambda: opened(30, 2, 1), lambda: Forwarded(opened(20, 3, 0))):
        engine = bpa.Engine(library, make())
        network = bpa.Network(engine, blob)
        assert network.shapes(bpa.INPUT) == {name: array.shape for name, array in inputs.items()}
        outputs = network.run(inputs)
        assert set(outputs) == set(expected), set(outputs)
        for name, file in expected.items():
            np.testing.assert_array_equal(outputs[name], np.load(folder / "results" / file), err_msg=name)
        counters = engine.counters()
        assert counters["jobs_done"] == network.native.jobs and counters["tlast_errors"] == 0
        print("PASS:", engine.simd, "x", engine.pe, "lanes,", counters["cycles"], "cycles")
    named = {}
    for what, do in {
        "no engine": lambda: bpa.Engine(library, bpa.Registers(Mmio())),
        "no network": lambda: bpa.Network(engine, blob[:100]),
        "no cable": lambda: bpa.Network(bpa.Engine(library, Broken(opened(0, 1, 0))), blob).run(inputs),
    }.items():
        try:
            do()
        except bpa.Error as error:
            named[what] = error.name, type(error.__cause__).__name__
    assert named == {
        "no engine": ("BPA_ERR_NO_ENGINE", "NoneType"),
        "no network": ("BPA_ERR_BLOB_TRUNCATED", "NoneType"),
        "no cable": ("BPA_ERR_BUS", "OSError"),
    }, named
    print("PASS: errors have names")


if __name__ == "__main__":
    main()
