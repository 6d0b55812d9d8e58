//! What a handle does on a hit, on a miss and on a put.

use crate::error::{Error, ErrorKind, Result};
use std::fmt;
use std::str::FromStr;

/// What a handle does on a hit, on a miss and on a put.
///
/// | mode | recorded | not recorded | put |
/// | --- | --- | --- | --- |
/// | `replay` | replays | error, the network is never touched | error |
/// | `record` | replays | calls, then records | stores |
/// | `refresh` | calls, then records again, once a run | calls, then records | replaces |
/// | `read_only` | replays | calls | skipped |
/// | `off` | calls | calls | skipped |
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Only what is recorded; nothing reaches the network.
    Replay,
    /// What is recorded, and calls for the rest.
    Record,
    /// Every request is called and recorded again, once a run.
    Refresh,
    /// What is recorded, and calls that are not recorded for the rest.
    ReadOnly,
    /// As if there were no cache.
    Off,
}

impl Mode {
    /// Every mode, in the order of the table.
    pub const ALL: [Mode; 5] =
        [Mode::Replay, Mode::Record, Mode::Refresh, Mode::ReadOnly, Mode::Off];

    /// Returns whether `get` looks at what is recorded (in `refresh`: by this run).
    pub fn replays(self) -> bool {
        !matches!(self, Mode::Off)
    }

    /// Returns whether a request that is not recorded may be sent.
    pub fn calls(self) -> bool {
        !matches!(self, Mode::Replay)
    }

    /// Returns whether `put` stores.
    pub fn records(self) -> bool {
        matches!(self, Mode::Record | Mode::Refresh)
    }

    /// Returns the name used in options, configuration and environment.
    pub fn name(self) -> &'static str {
        match self {
            Mode::Replay => "replay",
            Mode::Record => "record",
            Mode::Refresh => "refresh",
            Mode::ReadOnly => "read_only",
            Mode::Off => "off",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Mode {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Mode::ALL.into_iter().find(|mode| mode.name() == name).ok_or_else(|| {
            Error::new(
                ErrorKind::Config,
                format!(
                    "unknown mode {name:?}; the modes are {}",
                    Mode::ALL.map(Mode::name).join(", ")
                ),
            )
        })
    }
}
