//! How to open a cache, as C says it.

use crate::guard::quietly;
use crate::input::{self, invalid};
use crate::status::f3dx_cache_status;
use f3dx_cache_core::{Error, ErrorKind, Mode, Options, Result};
use std::ffi::c_char;
use std::mem::size_of;

/// What a handle does on a hit, on a miss and on a put. Passed as uint32_t: a
/// value unknown to the library is an error and not undefined behaviour.
///
///                 lookup, recorded  lookup, not recorded  put
///     REPLAY      OK                MISS: caller fails    READ_ONLY
///     RECORD      OK                MISS: call and put    stored
///     REFRESH     MISS, once a run  MISS: call and put    replaces
///     READ_ONLY   OK                MISS: call            SKIPPED
///     OFF         MISS              MISS: call            SKIPPED
#[repr(C)]
#[derive(Clone, Copy)]
pub enum f3dx_cache_mode {
    /// F3DX_CACHE_MODE from the environment, else RECORD. No configuration file is
    /// read.
    Default = 0,
    /// Only what is recorded; nothing reaches the network.
    Replay = 1,
    /// What is recorded, and calls for the rest.
    Record = 2,
    /// Every request is called and recorded again, once a run.
    Refresh = 3,
    /// What is recorded, and calls that are not recorded for the rest.
    ReadOnly = 4,
    /// As if there were no cache.
    Off = 5,
    /// What a test hook wants: the "mode" of options_json, else F3DX_CACHE_MODE,
    /// else f3dx-cache.toml, else REPLAY if CI is set, else RECORD. Path and
    /// options come from f3dx-cache.toml too where they are not given, and a
    /// missing file is an empty cache.
    Test = 6,
}

/// How to open a cache. Initialise with f3dx_cache_options_init.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct f3dx_cache_options {
    /// The size of this struct, as the caller knows it.
    pub struct_size: usize,
    /// F3DX_CACHE_MODE_*.
    pub mode: u32,
    /// How long a put waits for another writer that keeps its turn; 0: 10 s.
    pub lock_timeout_ms: u32,
    /// Refuses puts that would grow the file beyond this; 0: no limit.
    pub max_bytes: u64,
    /// NUL-terminated JSON array of JSON Pointers that are left out of the
    /// fingerprint, "*" for any one segment; NULL: as stored in the file.
    pub ignore_paths: *const c_char,
    /// NUL-terminated JSON object of every option by its name in
    /// f3dx-cache.toml, such as {"hosts": ["localhost:8080"], "repeats":
    /// "sequence"}; NULL: none. What is said in both places must not differ.
    pub options_json: *const c_char,
}

/// A struct longer than this is not a newer one but a wrong size.
const LONGEST: usize = 4096;

impl f3dx_cache_options {
    const DEFAULT: Self = Self {
        struct_size: size_of::<Self>(),
        mode: f3dx_cache_mode::Default as u32,
        lock_timeout_ms: 0,
        max_bytes: 0,
        ignore_paths: std::ptr::null(),
        options_json: std::ptr::null(),
    };
}

/// What C's options say.
pub(crate) struct Wanted {
    /// Whether a test hook asks.
    pub test: bool,
    pub options: Options,
}

/// Reads options; NULL is the defaults.
///
/// # Safety
///
/// The crate's safety contract.
pub(crate) unsafe fn read(options: *const f3dx_cache_options) -> Result<Wanted> {
    // SAFETY: the crate's safety contract; `known` checks how much there is to read.
    let (given, ignore, json) = unsafe {
        let given = known(options)?;
        (given, input::json_or_null(given.ignore_paths)?, input::json_or_null(given.options_json)?)
    };
    let mut options = json.map_or(Ok(Options::default()), |json| {
        Options::from_json(json)
            .map_err(|cause| Error::new(cause.kind(), format!("options_json: {cause}")))
    })?;
    let (test, mode) = mode(given.mode)?;
    once("mode", &mut options.mode, mode)?;
    let timeout = Some(u64::from(given.lock_timeout_ms)).filter(|ms| *ms > 0);
    once("lock_timeout_ms", &mut options.lock_timeout_ms, timeout)?;
    once("max_bytes", &mut options.max_bytes, Some(given.max_bytes).filter(|bytes| *bytes > 0))?;
    if let Some(ignore) = ignore {
        let pointers = serde_json::from_str(ignore).map_err(|cause| {
            let message = "ignore_paths: an array of JSON Pointers is needed";
            Error::new(ErrorKind::Config, message).because(cause)
        })?;
        once("ignore", &mut options.ignore, Some(pointers))?;
    }
    Ok(Wanted { test, options })
}

/// Copies the members that this version knows.
///
/// # Safety
///
/// The crate's safety contract: `struct_size` bytes are valid to read.
unsafe fn known(options: *const f3dx_cache_options) -> Result<f3dx_cache_options> {
    if options.is_null() {
        return Ok(f3dx_cache_options::DEFAULT);
    }
    // SAFETY: the first member is there whatever the size.
    let size = unsafe { (&raw const (*options).struct_size).read() };
    check_size(size, size_of::<f3dx_cache_options>())?;
    // SAFETY: the caller's promise, and the size was checked.
    let (options, newer) = unsafe {
        let end = options.add(1).cast::<u8>();
        (*options, std::slice::from_raw_parts(end, size - size_of::<f3dx_cache_options>()))
    };
    match newer.iter().all(|byte| *byte == 0) {
        true => Ok(options),
        false => Err(invalid("options hold members that this version does not know")),
    }
}

/// Checks the size that a caller says a struct has.
pub(crate) fn check_size(size: usize, least: usize) -> Result<()> {
    match (least..=LONGEST).contains(&size) {
        true => Ok(()),
        false => Err(invalid(format!(
            "struct_size is {size}, and at least {least} is needed; initialise the struct"
        ))),
    }
}

/// Returns whether a test hook asks, and the mode.
fn mode(value: u32) -> Result<(bool, Option<Mode>)> {
    use f3dx_cache_mode as C;
    const MODES: [(C, bool, Option<Mode>); 7] = [
        (C::Default, false, None),
        (C::Replay, false, Some(Mode::Replay)),
        (C::Record, false, Some(Mode::Record)),
        (C::Refresh, false, Some(Mode::Refresh)),
        (C::ReadOnly, false, Some(Mode::ReadOnly)),
        (C::Off, false, Some(Mode::Off)),
        (C::Test, true, None),
    ];
    let found = MODES.into_iter().find(|(mode, ..)| *mode as u32 == value);
    let (_, test, mode) = found.ok_or_else(|| invalid(format!("unknown mode {value}")))?;
    Ok((test, mode))
}

/// Takes over what a member says, which the JSON object may say as well.
pub(crate) fn once<T: PartialEq>(
    name: &str,
    option: &mut Option<T>,
    member: Option<T>,
) -> Result<()> {
    match (&option, member) {
        (_, None) => Ok(()),
        (Some(said), Some(member)) if *said != member => {
            Err(Error::new(ErrorKind::Config, format!("{name} is given twice; give it once")))
        }
        (_, member) => {
            *option = member;
            Ok(())
        }
    }
}

/// Fills `options` with the defaults. Pass sizeof(f3dx_cache_options).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn f3dx_cache_options_init(
    options: *mut f3dx_cache_options,
    struct_size: usize,
) -> f3dx_cache_status {
    quietly(f3dx_cache_status::Panic, || {
        if options.is_null() || check_size(struct_size, size_of::<f3dx_cache_options>()).is_err() {
            return f3dx_cache_status::InvalidArgument;
        }
        // SAFETY: the caller vouches for `struct_size` bytes, which hold at least the
        // members of this version.
        unsafe {
            options.cast::<u8>().write_bytes(0, struct_size);
            options.write(f3dx_cache_options { struct_size, ..f3dx_cache_options::DEFAULT });
        }
        f3dx_cache_status::Ok
    })
}
