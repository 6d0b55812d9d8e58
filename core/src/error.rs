//! The one error type of the crate, and what it may say.

use std::error::Error as StdError;
use std::fmt;
use std::path::Path;

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure: its kind, a message for people, and the cause if there is one.
///
/// ```
/// use f3dx_cache_core::{ErrorKind, fingerprint};
///
/// let error = fingerprint(br#"{"model": NaN}"#).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::InvalidJson);
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: String,
    json: Option<(JsonErrorKind, usize)>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// What went wrong, one to one with the negative C statuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An argument is outside its domain.
    InvalidArgument,
    /// A request is not JSON, or not JSON that has one meaning; see [`JsonErrorKind`].
    InvalidJson,
    /// The operating system refused.
    Io,
    /// Another writer kept its turn for longer than `lock_timeout_ms`.
    Locked,
    /// This handle, its mode, or the file's permissions do not allow writing.
    ReadOnly,
    /// The file is damaged: stored bytes belie their checksum, or it is no cache file.
    Corrupt,
    /// The file was written by a newer library.
    UnsupportedFormat,
    /// `max_bytes` would be exceeded.
    Full,
    /// The identity policy asked for is not the file's.
    ConfigMismatch,
    /// A configuration file, option or environment variable is wrong.
    Config,
    /// A callback of the caller failed.
    Callback,
    /// A row of a trace cannot be read.
    InvalidRow,
}

impl ErrorKind {
    /// Returns the name used by every binding, such as `invalid_json`.
    pub fn name(self) -> &'static str {
        match self {
            Self::InvalidArgument => "invalid_argument",
            Self::InvalidJson => "invalid_json",
            Self::Io => "io",
            Self::Locked => "locked",
            Self::ReadOnly => "read_only",
            Self::Corrupt => "corrupt",
            Self::UnsupportedFormat => "unsupported_format",
            Self::Full => "full",
            Self::ConfigMismatch => "config_mismatch",
            Self::Config => "config",
            Self::Callback => "callback",
            Self::InvalidRow => "invalid_row",
        }
    }
}

/// Which rule of the canonical form a JSON text breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum JsonErrorKind {
    /// Not JSON (RFC 8259), including `NaN` and `Infinity`.
    Syntax,
    /// A second value, or anything else, after the first.
    TrailingData,
    /// Nothing, or only white space.
    EmptyInput,
    /// A byte order mark at the start.
    Bom,
    /// Bytes that are not UTF-8.
    InvalidUtf8,
    /// A member name that occurs twice in one object, after unescaping.
    DuplicateKey,
    /// An escape for half a surrogate pair.
    LoneSurrogate,
    /// A fraction or exponent beyond the range of a double.
    NumberOutOfRange,
    /// More than 127 levels of arrays and objects.
    TooDeep,
}

impl JsonErrorKind {
    /// Returns the name used by the conformance vectors, such as `duplicate_key`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Syntax => "syntax",
            Self::TrailingData => "trailing_data",
            Self::EmptyInput => "empty_input",
            Self::Bom => "bom",
            Self::InvalidUtf8 => "invalid_utf8",
            Self::DuplicateKey => "duplicate_key",
            Self::LoneSurrogate => "lone_surrogate",
            Self::NumberOutOfRange => "number_out_of_range",
            Self::TooDeep => "too_deep",
        }
    }
}

impl Error {
    /// Makes an error without a cause.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner { kind, message: message.into(), json: None, source: None }))
    }

    /// Makes an error about a JSON text; `at` is the byte at which the rule broke.
    pub fn json(kind: JsonErrorKind, at: usize, detail: impl fmt::Display) -> Self {
        Self(Box::new(Inner {
            kind: ErrorKind::InvalidJson,
            message: format!("invalid JSON at byte {at}: {detail}"),
            json: Some((kind, at)),
            source: None,
        }))
    }

    /// Makes an error about a file; the message begins with its path.
    pub fn file(kind: ErrorKind, path: &Path, detail: impl fmt::Display) -> Self {
        Self::new(kind, format!("{}: {detail}", path.display()))
    }

    /// Makes an [`ErrorKind::Io`] error about a file.
    pub fn io(path: &Path, doing: &str, cause: std::io::Error) -> Self {
        Self::file(ErrorKind::Io, path, format_args!("cannot {doing}")).because(cause)
    }

    /// Adds the cause.
    #[must_use]
    pub fn because(mut self, cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(cause.into());
        self
    }

    /// Returns the same error again, causes in its message, for another waiter.
    pub(crate) fn restate(&self) -> Self {
        Self(Box::new(Inner {
            kind: self.0.kind,
            message: self.to_string(),
            json: self.0.json,
            source: None,
        }))
    }

    /// Returns what went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Returns the broken JSON rule and the byte at which it broke.
    pub fn json_kind(&self) -> Option<(JsonErrorKind, usize)> {
        self.0.json
    }
}

/// The message, causes included.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        let mut cause = self.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}({self})", self.0.kind)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|cause| cause as _)
    }
}
