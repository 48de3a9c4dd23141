"""A programmable engine from Python: the C driver by ctypes, arrays by numpy.

    library = Library("libbpa.so")                 # the files of driver/c, compiled with -shared -fPIC
    engine = Engine(library, Registers(mmio, dma)) # or any other Bus
    network = Network(engine, open("NAME.bpa", "rb").read())
    outputs = network.run({"conv1.input": images}) # arrays (N, C, H, W)

`Registers` takes what PYNQ gives: an object with `read(offset)` and `write(offset, value)` for registers, and one with
`push` and `pull` for the streams. Whatever else reaches an engine is a class with the methods of `Bus`.
"""

import ctypes as c

import numpy as np

OK = 0
DATA, WEIGHT, ACCUMULATE = 0, 1, 2
INTERNAL, INPUT, OUTPUT = 0, 1, 2

_u8p, _u32 = c.POINTER(c.c_uint8), c.c_uint32
_READ = c.CFUNCTYPE(c.c_int, c.c_void_p, _u32, c.POINTER(_u32))
_WRITE = c.CFUNCTYPE(c.c_int, c.c_void_p, _u32, _u32)
_PUSH = c.CFUNCTYPE(c.c_int32, c.c_void_p, c.c_int, _u8p, _u32, _u32, c.c_int)
_PULL = c.CFUNCTYPE(c.c_int, c.c_void_p, _u8p, _u32)
_WAIT = c.CFUNCTYPE(c.c_int, c.c_void_p)


class _Bus(c.Structure):
    _fields_ = [
        ("context", c.c_void_p),
        ("read", _READ),
        ("write", _WRITE),
        ("push", _PUSH),
        ("pull", _PULL),
        ("wait", _WAIT),
        # For engines with a bus, which are not driven from here.
        ("address", c.c_void_p),
        ("registers", c.c_void_p),
    ]


class _Engine(c.Structure):
    _fields_ = [
        ("bus", c.c_void_p),
        ("version", _u32),
        ("simd", c.c_uint16),
        ("pe", c.c_uint16),
        ("data_bits", c.c_uint8),
        ("weight_bits", c.c_uint8),
        ("accumulator_bits", c.c_uint8),
        ("result_bits", c.c_uint8),
        ("weight_words", _u32),
        ("line_words", _u32),
        ("rows", c.c_uint16),
        ("cols", c.c_uint16),
        ("kernel_rows", c.c_uint16),
        ("kernel_cols", c.c_uint16),
        ("passes", _u32),
        ("table_first", _u32),
        ("table_end", _u32),
        ("refused", _u32),
        ("memory_error", _u32),
        ("memory_error_address", _u32),
    ]


class _Counts(c.Structure):
    _fields_ = [("cycles", c.c_uint64)] + [
        (name, _u32)
        for name in ("frames_done", "jobs_done", "data_waits", "weight_waits", "result_waits", "tlast_errors")
    ]


class _Network(c.Structure):
    _fields_ = [
        ("engine", c.c_void_p),
        ("blob", c.c_void_p),
        ("words", c.c_void_p),
        ("arena_bytes", _u32),
        ("buffers", _u32),
        ("operations", _u32),
        ("jobs", _u32),
    ]


class _Buffer(c.Structure):
    _fields_ = [("name", c.c_char_p)] + [
        (name, _u32) for name in ("offset", "element_bytes", "frames", "rows", "cols", "channels", "pitch", "role")
    ]


class Error(Exception):
    """What the driver could not do; `name` is that of its status, like BPA_ERR_TIMEOUT."""

    def __init__(self, name):
        super().__init__(name)
        self.name = name


class Library:
    """The compiled C driver."""

    def __init__(self, path):
        self.calls = c.CDLL(str(path))
        self.calls.bpa_status_name.restype = c.c_char_p
        for name, arguments in {
            "bpa_open": [c.c_void_p, c.c_void_p],
            "bpa_load": [c.c_void_p, c.c_void_p, c.c_void_p, c.c_size_t],
            "bpa_get_buffer": [c.c_void_p, _u32, c.c_void_p],
            "bpa_run": [c.c_void_p, c.c_void_p, c.c_size_t, _u32],
            "bpa_wait": [c.c_void_p, _u32],
            "bpa_abort": [c.c_void_p],
            "bpa_counters": [c.c_void_p, c.c_void_p],
            "bpa_clear_counters": [c.c_void_p],
        }.items():
            getattr(self.calls, name).argtypes = arguments

    def call(self, name, *arguments):
        """Calls a function of the driver; an `Error` where it does not give BPA_OK."""
        status = getattr(self.calls, name)(*arguments)
        if status != OK:
            raise Error(self.calls.bpa_status_name(status).decode())


class Bus:
    """How an engine is reached. A class of this kind has these methods."""

    def read(self, offset):
        """The value of a register; None if the engine refused."""
        raise NotImplementedError

    def write(self, offset, value):
        """Writes a register; whether the engine did not refuse."""
        raise NotImplementedError

    def push(self, stream, beats, beat_bytes, last):
        """Offers beats, one after the other, to DATA, WEIGHT or ACCUMULATE; how many were taken."""
        raise NotImplementedError

    def pull(self, beat_bytes):
        """The next beat of results, as bytes; None if there is none now."""
        raise NotImplementedError

    # A bus that can sleep until the interrupt has a method `wait(self)` as well.


class Registers(Bus):
    """Registers of an object with `read(offset)` and `write(offset, value)`, like pynq.MMIO; streams of another one."""

    def __init__(self, mmio, streams=None):
        self.mmio, self.streams = mmio, streams

    def read(self, offset):
        return self.mmio.read(offset)

    def write(self, offset, value):
        self.mmio.write(offset, value)
        return True

    def push(self, stream, beats, beat_bytes, last):
        return self.streams.push(stream, beats, beat_bytes, last)

    def pull(self, beat_bytes):
        return self.streams.pull(beat_bytes)


def _guarded(function):
    """A callback for C: an exception is a bus that failed, and is kept to be raised behind the call."""

    def call(self, *arguments):
        try:
            return function(self, *arguments)
        except Exception as error:  # noqa: BLE001, for C knows none of them
            self.error = error
            return -1

    return call


class _Callbacks:
    """A Bus as the C driver sees it."""

    def __init__(self, bus):
        self.bus, self.error = bus, None
        wait = _WAIT(self.wait) if hasattr(bus, "wait") else _WAIT()
        self.native = _Bus(None, _READ(self.read), _WRITE(self.write), _PUSH(self.push), _PULL(self.pull), wait)

    @_guarded
    def read(self, _context, offset, value):
        found = self.bus.read(offset)
        value[0] = found or 0
        return int(found is None)

    @_guarded
    def write(self, _context, offset, value):
        return int(not self.bus.write(offset, value))

    @_guarded
    def push(self, _context, stream, beats, beat_bytes, count, last):
        return self.bus.push(stream, c.string_at(beats, beat_bytes * count), beat_bytes, bool(last))

    @_guarded
    def pull(self, _context, beat, beat_bytes):
        found = self.bus.pull(beat_bytes)
        if found is None:
            return 0
        c.memmove(beat, found, beat_bytes)
        return 1

    @_guarded
    def wait(self, _context):
        self.bus.wait()
        return 0


class Engine:
    """An engine that was found behind a Bus, or behind a bpa_bus of C, given by its address."""

    def __init__(self, library, bus):
        self.library = library
        self._callbacks = None if isinstance(bus, int) else _Callbacks(bus)
        self._bus = bus if isinstance(bus, int) else c.addressof(self._callbacks.native)
        self.native = _Engine()
        self.call("bpa_open", c.byref(self.native), self._bus)

    def call(self, name, *arguments):
        """As Library.call; what a method of the bus raised is raised again."""
        try:
            self.library.call(name, *arguments)
        except Error as error:
            raised = self._callbacks and self._callbacks.error
            if not raised:
                raise
            self._callbacks.error = None
            raise error from raised

    def __getattr__(self, name):
        """Lanes, bits and limits, by the names of bpa_engine in bpa.h."""
        if name.startswith("_") or name == "native":
            raise AttributeError(name)
        return getattr(self.native, name)

    def counters(self):
        """What the engine counted."""
        counts = _Counts()
        self.call("bpa_counters", c.byref(self.native), c.byref(counts))
        return {name: getattr(counts, name) for name, _ in _Counts._fields_}

    def clear_counters(self):
        self.call("bpa_clear_counters", c.byref(self.native))

    def abort(self):
        """Ends what the engine does."""
        self.call("bpa_abort", c.byref(self.native))


class Network:
    """A network that `bpa compile` made for the engine, from the bytes of its .bpa file."""

    def __init__(self, engine, blob):
        self.engine = engine
        # At a multiple of eight bytes, and as long as the network is.
        self._blob = np.frombuffer(blob, dtype=np.uint8).copy()
        self.native = _Network()
        engine.call(
            "bpa_load", c.byref(self.native), c.byref(engine.native), self._blob.ctypes.data, self._blob.nbytes
        )
        self._arena = np.zeros(-(-self.native.arena_bytes // 8), dtype=np.uint64)
        self._arrays, self._roles = {}, {}
        for index in range(self.native.buffers):
            buffer = _Buffer()
            engine.call("bpa_get_buffer", c.byref(self.native), index, c.byref(buffer))
            name, shape = buffer.name.decode(), (buffer.frames, buffer.rows, buffer.cols, buffer.pitch)
            kind = np.dtype(f"<i{buffer.element_bytes}")
            array = np.ndarray(shape, kind, self._arena.data, buffer.offset)
            self._arrays[name], self._roles[name] = array[..., : buffer.channels], buffer.role

    def shapes(self, role):
        """The arrays of INPUT, OUTPUT or INTERNAL: name to shape (N, C, H, W)."""
        named = (name for name, its in self._roles.items() if its == role)
        return {name: self._arrays[name].transpose(0, 3, 1, 2).shape for name in named}

    def run(self, inputs, patience=1_000_000):
        """The outputs, by name, as arrays (N, C, H, W), of inputs of that kind; all of them have to be there."""
        missing = set(self.shapes(INPUT)) ^ set(inputs)
        if missing:
            raise ValueError(f"inputs are {sorted(self.shapes(INPUT))}, not {sorted(inputs)}")
        for name, values in inputs.items():
            array, values = self._arrays[name], np.asarray(values)
            limits = np.iinfo(array.dtype)
            if values.min() < limits.min or values.max() > limits.max:
                raise ValueError(f"{name} has values beyond {array.dtype}")
            array[...] = values.transpose(0, 2, 3, 1)
        self.engine.call(
            "bpa_run", c.byref(self.native), self._arena.ctypes.data, self._arena.nbytes, patience
        )
        return {name: self._arrays[name].transpose(0, 3, 1, 2).copy() for name in self.shapes(OUTPUT)}
