//! The shim's functions in a loaded library. This is the only module that knows their types.

use std::ffi::{c_char, c_int, c_void};
use std::path::Path;

use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};

use crate::SimError;

/// An instance on the other side.
pub(crate) type Handle = *mut c_void;

/// Memory of the other side, as the shim's structs `Bytes` and `Words` lay it out.
#[repr(C)]
pub(crate) struct Foreign<T> {
    data: *const T,
    len: usize,
}

impl<T> Foreign<T> {
    /// The memory as a slice.
    ///
    /// # Safety
    /// The value comes from the shim, and the instance that owns the memory is neither run nor
    /// reset nor destroyed, nor its buffers cleared, for as long as `'a` lasts.
    pub(crate) unsafe fn as_slice<'a>(&self) -> &'a [T] {
        if self.len == 0 {
            return &[]; // An empty vector's pointer may be null
        }
        // SAFETY: the shim hands out the data and length of a `std::vector<T>`, which the caller
        // promises to leave alone.
        unsafe { std::slice::from_raw_parts(self.data, self.len) }
    }
}

macro_rules! library {
    ($($name:ident: fn($($argument:ty),*) $(-> $result:ty)?,)*) => {
        /// The functions, looked up once.
        pub(crate) struct Shim {
            $(pub(crate) $name: unsafe extern "C" fn($($argument),*) $(-> $result)?,)*
            /// Last, and never read: the pointers above live as long as it does.
            _library: Library,
        }

        impl Shim {
            /// Loads the library and looks up all functions.
            pub(crate) fn load(path: &Path) -> Result<Self, SimError> {
                let fault = |source| SimError::Load { path: path.to_path_buf(), source };
                // SAFETY: the file was made by this crate from its own shim and Verilator's
                // output; its initialisers are those of C++ globals and have no preconditions.
                // Local: its symbols serve no other library.
                let library = unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL) };
                let library = library.map_err(fault)?;
                $(
                    // SAFETY: the type is that of the definition in shim.cpp, whose text is part
                    // of the hash that names the library.
                    let $name = *unsafe {
                        library.get::<unsafe extern "C" fn($($argument),*) $(-> $result)?>(
                            concat!("bpa_", stringify!($name), "\0").as_bytes(),
                        )
                    }
                    .map_err(fault)?;
                )*
                Ok(Shim { $($name,)* _library: library })
            }
        }
    };
}

library! {
    create: fn(c_int) -> Handle,
    destroy: fn(Handle),
    reset: fn(Handle, u64),
    trace: fn(Handle, *const c_char, u64, u64) -> bool,
    trace_end: fn(Handle),
    coverage: fn(Handle, *const c_char),
    cycle: fn(Handle) -> u64,
    run: fn(Handle, u64, u64) -> u64,
    profile: fn(Handle, bool),
    profile_read: fn(Handle, *mut u64, *mut f64, *mut f64),
    source_load: fn(Handle, usize, *const u8, *const u8, usize),
    source_stall: fn(Handle, usize, u64, u64),
    source_start: fn(Handle, usize, u64),
    source_accepted: fn(Handle, usize) -> u64,
    source_first: fn(Handle, usize) -> u64,
    source_lasts: fn(Handle, usize) -> Foreign<u64>,
    sink_stall: fn(Handle, usize, u64, u64),
    sink_limit: fn(Handle, usize, u64),
    sink_accepted: fn(Handle, usize) -> u64,
    sink_first: fn(Handle, usize) -> u64,
    sink_lasts: fn(Handle, usize) -> Foreign<u64>,
    sink_data: fn(Handle, usize) -> Foreign<u8>,
    sink_flags: fn(Handle, usize) -> Foreign<u8>,
    sink_forget: fn(Handle, usize),
    sink_violations: fn(Handle, usize, *mut u64) -> u64,
    watch: fn(Handle, usize, *mut u64, *mut u64, *mut u64) -> u64,
    memory_resize: fn(Handle, usize),
    memory_bytes: fn(Handle, *mut usize) -> *mut u8,
    memory_manners: fn(Handle, u64, u64, u64, bool),
    memory_bad: fn(Handle, u64, u64),
    memory_moved: fn(Handle, *mut u64, *mut u64),
    memory_violations: fn(Handle, *mut u64) -> u64,
    peek: fn(Handle, usize) -> u64,
    poke: fn(Handle, usize, u64),
}
