//! How to open a cache: one set of options for every language and file.

use crate::error::{Error, ErrorKind, Result};
use crate::mode::Mode;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// How to open a cache. Every member may be absent, which means its default.
///
/// The same names stand in `f3dx-cache.toml`, in the keyword arguments of the
/// bindings and in the C API's options text, so a binding passes its options
/// on as JSON without knowing them.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// The cache file.
    pub path: Option<PathBuf>,
    /// What a handle does on a hit, a miss and a put.
    #[serde(default, deserialize_with = "mode")]
    pub mode: Option<Mode>,
    /// Hosts whose calls are provider calls: `host`, `host:port` or `host:*`.
    pub hosts: Option<Vec<String>>,
    /// Hosts that are never touched, in the same form.
    pub ignore_hosts: Option<Vec<String>>,
    /// What is read as another host: `"127.0.0.1:*" = "api.openai.com"`.
    pub host_aliases: Option<BTreeMap<String, String>>,
    /// Request headers that take part in the fingerprint.
    pub match_headers: Option<Vec<String>>,
    /// Statuses that are recorded besides 2xx.
    pub record_status: Option<Vec<u16>>,
    /// Paths of provider calls that are recorded though they are no inference.
    pub record_paths: Option<Vec<String>>,
    /// Regular expressions of what becomes `[secret]` in a request.
    pub redact: Option<Vec<String>>,
    /// Whether a secret in a response is replaced, too.
    pub redact_responses: Option<bool>,
    /// Rules that rewrite volatile text before a request is fingerprinted.
    pub normalize: Option<Vec<Normalize>>,
    /// JSON Pointers, `*` for any one segment, left out of the fingerprint.
    pub ignore: Option<Vec<String>>,
    /// What identical calls of one test get.
    pub repeats: Option<Repeats>,
    /// Who shares a recording.
    pub scope: Option<Scope>,
    /// A folder of recordings as text; not supported by this version.
    pub mirror: Option<PathBuf>,
    /// How long a put waits for another writer that keeps its turn; default 10 000 ms.
    pub lock_timeout_ms: Option<u64>,
    /// How long a call waits for another one of the same request; default 60 000 ms.
    pub claim_timeout_ms: Option<u64>,
    /// Refuses puts that would grow the file beyond this size; 0 is no limit.
    pub max_bytes: Option<u64>,
    /// Writes hit counts at close even if nothing was recorded.
    pub persist_hits: Option<bool>,
    /// Replays a stream with the recorded times between its chunks.
    pub replay_timing: Option<bool>,
}

/// One rule that rewrites volatile text inside values: a preset's name, or a
/// pattern and its replacement at a JSON Pointer.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged, expecting = "a rule is a preset's name or {at, pattern, replace}")]
pub enum Normalize {
    /// `uuid`, `iso-date`, `timestamp`, `tmp-path` or `tool-call-id`.
    Preset(String),
    /// A regular expression.
    Rule(NormalizeRule),
}

/// A pattern and its replacement.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NormalizeRule {
    /// A JSON Pointer, `*` for any one segment; everything below it is meant.
    /// Absent: every string of the request.
    pub at: Option<String>,
    /// A regular expression in the syntax of the `regex` crate, or a preset's name.
    pub pattern: String,
    /// What replaces each match, `$1` for a group. Absent: the preset's own, or `[normalized]`.
    pub replace: Option<String>,
}

/// What identical calls of one test get.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Repeats {
    /// The one recorded answer, each time.
    #[default]
    Same,
    /// The n-th identical call gets the n-th recorded answer.
    Sequence,
}

/// Who shares a recording.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Every test.
    #[default]
    Shared,
    /// The test that recorded it, alone.
    Test,
}

impl Options {
    /// Reads options from a JSON object.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] that names the unknown or ill-typed member.
    pub fn from_json(text: &str) -> Result<Self> {
        serde_json::from_str(text).map_err(|cause| {
            // The text was made by a binding: a line and a column of it say nothing.
            let told = cause.to_string();
            let told = told.split(" at line ").next().unwrap_or_default();
            Error::new(ErrorKind::Config, told)
        })
    }

    /// Returns these options, with `fallback`'s where these are absent.
    #[must_use]
    pub fn or(self, fallback: Options) -> Options {
        Options {
            path: self.path.or(fallback.path),
            mode: self.mode.or(fallback.mode),
            hosts: self.hosts.or(fallback.hosts),
            ignore_hosts: self.ignore_hosts.or(fallback.ignore_hosts),
            host_aliases: self.host_aliases.or(fallback.host_aliases),
            match_headers: self.match_headers.or(fallback.match_headers),
            record_status: self.record_status.or(fallback.record_status),
            record_paths: self.record_paths.or(fallback.record_paths),
            redact: self.redact.or(fallback.redact),
            redact_responses: self.redact_responses.or(fallback.redact_responses),
            normalize: self.normalize.or(fallback.normalize),
            ignore: self.ignore.or(fallback.ignore),
            repeats: self.repeats.or(fallback.repeats),
            scope: self.scope.or(fallback.scope),
            mirror: self.mirror.or(fallback.mirror),
            lock_timeout_ms: self.lock_timeout_ms.or(fallback.lock_timeout_ms),
            claim_timeout_ms: self.claim_timeout_ms.or(fallback.claim_timeout_ms),
            max_bytes: self.max_bytes.or(fallback.max_bytes),
            persist_hits: self.persist_hits.or(fallback.persist_hits),
            replay_timing: self.replay_timing.or(fallback.replay_timing),
        }
    }
}

fn mode<'de, D: serde::Deserializer<'de>>(from: D) -> std::result::Result<Option<Mode>, D::Error> {
    let name = Option::<String>::deserialize(from)?;
    name.map(|name| name.parse().map_err(serde::de::Error::custom)).transpose()
}
