//! What a call came to.

use f3dx_cache_core::ErrorKind;
use std::ffi::CStr;

/// What a call came to: zero or positive is an expected outcome, negative a
/// failure. -8 is reserved.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum f3dx_cache_status {
    /// Done; a lookup has found what is recorded.
    Ok = 0,
    /// Nothing is recorded: it is the caller's turn to call the model.
    Miss = 1,
    /// An iteration, or a stream that is recorded, is at its end.
    End = 2,
    /// Nothing was done, and nothing had to be: the mode does not record, or a
    /// call is none of the cache's business.
    Skipped = 3,
    /// A new output may not stand in the place of the old one, or a row of a trace
    /// could not be read.
    Different = 4,
    /// Another thread or process calls the model for this request: ask again.
    Wait = 5,
    /// An argument is outside its domain.
    InvalidArgument = -1,
    /// A text is not JSON, or not JSON with one meaning. See
    /// f3dx_cache_error_json_kind.
    InvalidJson = -2,
    /// The operating system refused.
    Io = -3,
    /// Another writer kept its turn for longer than lock_timeout_ms.
    Locked = -4,
    /// The mode, or the file's permissions, do not allow writing; from
    /// f3dx_cache_http_intercept: the mode does not allow sending.
    ReadOnly = -5,
    /// The file is damaged, or no cache file.
    Corrupt = -6,
    /// The file was written by a newer library.
    UnsupportedFormat = -7,
    /// max_bytes would be exceeded.
    Full = -9,
    /// The options ask for another identity policy than the file's.
    ConfigMismatch = -10,
    /// A callback ended the work.
    Callback = -11,
    /// An option, an environment variable or the configuration file is wrong.
    Config = -12,
    /// A row of a trace cannot be read, and "strict" was asked for.
    InvalidRow = -13,
    /// A defect in this library.
    Panic = -99,
}

impl f3dx_cache_status {
    /// Every status, in the order of the enum.
    pub(crate) const ALL: [Self; 19] = [
        Self::Ok,
        Self::Miss,
        Self::End,
        Self::Skipped,
        Self::Different,
        Self::Wait,
        Self::InvalidArgument,
        Self::InvalidJson,
        Self::Io,
        Self::Locked,
        Self::ReadOnly,
        Self::Corrupt,
        Self::UnsupportedFormat,
        Self::Full,
        Self::ConfigMismatch,
        Self::Callback,
        Self::Config,
        Self::InvalidRow,
        Self::Panic,
    ];

    /// Returns the status of a failure.
    pub(crate) fn of(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::InvalidArgument => Self::InvalidArgument,
            ErrorKind::InvalidJson => Self::InvalidJson,
            ErrorKind::Io => Self::Io,
            ErrorKind::Locked => Self::Locked,
            ErrorKind::ReadOnly => Self::ReadOnly,
            ErrorKind::Corrupt => Self::Corrupt,
            ErrorKind::UnsupportedFormat => Self::UnsupportedFormat,
            ErrorKind::Full => Self::Full,
            ErrorKind::ConfigMismatch => Self::ConfigMismatch,
            ErrorKind::Callback => Self::Callback,
            ErrorKind::Config => Self::Config,
            ErrorKind::InvalidRow => Self::InvalidRow,
            // The compiler cannot tell that this is every kind; a kind that core
            // gains without a status here is a defect.
            _ => Self::Panic,
        }
    }

    /// Returns the short name.
    pub(crate) fn name(self) -> &'static CStr {
        match self {
            Self::Ok => c"OK",
            Self::Miss => c"MISS",
            Self::End => c"END",
            Self::Skipped => c"SKIPPED",
            Self::Different => c"DIFFERENT",
            Self::Wait => c"WAIT",
            Self::InvalidArgument => c"INVALID_ARGUMENT",
            Self::InvalidJson => c"INVALID_JSON",
            Self::Io => c"IO",
            Self::Locked => c"LOCKED",
            Self::ReadOnly => c"READ_ONLY",
            Self::Corrupt => c"CORRUPT",
            Self::UnsupportedFormat => c"UNSUPPORTED_FORMAT",
            Self::Full => c"FULL",
            Self::ConfigMismatch => c"CONFIG_MISMATCH",
            Self::Callback => c"CALLBACK",
            Self::Config => c"CONFIG",
            Self::InvalidRow => c"INVALID_ROW",
            Self::Panic => c"PANIC",
        }
    }
}
