//! `NativeEntries`: a walk over the entries.

use crate::failure::guard;
use crate::output::json;
use f3dx_cache_core::Entries;
use napi_derive::napi;
use serde_json::json;

/// A walk over the entries in fingerprint order, as they were when it began.
#[napi]
pub struct NativeEntries {
    core: Option<Entries>,
}

impl NativeEntries {
    /// Wraps core's walk.
    pub fn new(core: Entries) -> Self {
        Self { core: Some(core) }
    }
}

#[napi]
impl NativeEntries {
    /// Returns the next entry as JSON text, `{fingerprint, meta}`; null at the end.
    #[napi]
    pub fn next(&mut self) -> napi::Result<Option<String>> {
        guard(|| {
            let Some(entry) = self.core.as_mut().and_then(Iterator::next).transpose()? else {
                self.core = None;
                return Ok(None);
            };
            let fingerprint = entry.fingerprint.to_string();
            json(&json!({ "fingerprint": fingerprint, "meta": entry.meta })).map(Some)
        })
    }

    /// Ends the walk, so that recorders can use its space again.
    #[napi]
    pub fn close(&mut self) {
        self.core = None;
    }
}
