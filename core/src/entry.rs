//! An entry: one recorded request, its response and what is known about it.

use crate::error::{Error, ErrorKind, Result};
use crate::fingerprint::Fingerprint;
use crate::http::Usage;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::time::{SystemTime, UNIX_EPOCH};

/// What is known about an entry, never part of its fingerprint.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Meta {
    /// When it was recorded, milliseconds since the Unix epoch.
    pub created_at_ms: u64,
    /// How often it was replayed, as far as it was written; see `persist_hits`.
    pub hit_count: u64,
    /// The model that answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The provider's fingerprint of the system that answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system_fingerprint: Option<String>,
    /// How long the provider took, milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_duration_ms: Option<u64>,
    /// The tokens that the provider charged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// The test that recorded it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The run that recorded it (`F3DX_CACHE_RUN_ID`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// Members of a newer library; they survive a rewrite.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// One entry of a walk: its address and its meta.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The address.
    pub fingerprint: Fingerprint,
    /// What is known about it.
    pub meta: Meta,
}

impl Meta {
    /// Reads meta from a JSON object, such as a caller gives to `put`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`] if it is no object or a member has the wrong type.
    pub fn from_json(text: &[u8]) -> Result<Self> {
        serde_json::from_slice(text)
            .map_err(|cause| Error::new(ErrorKind::InvalidArgument, format!("meta: {cause}")))
    }

    /// Returns this as canonical JSON text.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`] if a member has no JSON spelling.
    pub fn to_json(&self) -> Result<Vec<u8>> {
        let value = serde_json::to_value(self)
            .map_err(|cause| Error::new(ErrorKind::InvalidArgument, format!("meta: {cause}")))?;
        crate::json::to_canonical(&value)
    }
}

/// Returns milliseconds since the Unix epoch; 0 for a clock set before it.
pub(crate) fn now_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |passed| u64::try_from(passed.as_millis()).unwrap_or(u64::MAX))
}
