//! Where new outputs come from.

use crate::cache::Cache;
use crate::entry::Meta;
use crate::error::{Error, ErrorKind, Result};
use crate::fingerprint::Fingerprint;
use crate::secrets::{Redactor, SentSecrets};
use crate::trace::Row;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// How many characters of an error of the target are kept.
const KEPT: usize = 2_000;

/// What gives a row a new output: the caller's code, in whatever language.
///
/// It is called from several threads at once. Core holds neither lock nor transaction meanwhile,
/// so that the target may go through an interceptor onto the same cache.
pub trait Target: Sync {
    /// Returns the new output of `row`.
    ///
    /// # Errors
    ///
    /// What went wrong, for people. It becomes the row's note, and the replay goes on.
    fn output(&self, row: &Row) -> Result<String, String>;
}

/// A target, and the cache that keeps what it says if it has a name.
pub(super) struct Outputs<'a> {
    target: &'a dyn Target,
    kept: Option<(Cache, String)>,
    redactor: Redactor,
}

/// An output, as an entry of the cache holds it.
#[derive(Serialize, Deserialize)]
struct Kept {
    output: String,
}

impl<'a> Outputs<'a> {
    /// Takes a target. Its outputs are kept in `cache` only if it has a name: what a callback
    /// answers depends on its code, which nobody can hash.
    pub fn new(target: &'a dyn Target, name: Option<String>, cache: Option<Cache>) -> Result<Self> {
        Ok(Self { target, kept: cache.zip(name), redactor: Redactor::new(&[])? })
    }

    /// Returns the new output of a row, or the note that explains why there is none.
    ///
    /// # Errors
    ///
    /// Those of [`Cache::get`] and [`Cache::put`].
    pub fn output(&self, row: &Row) -> Result<Result<String, String>> {
        let Some((cache, name)) = &self.kept else {
            return Ok(self.call(row));
        };
        let request = request(name, row);
        let address = cache.fingerprint(&request)?;
        if let Some(found) = cache.get_at(&address)? {
            return Ok(Ok(read(&found.body)?));
        }
        if !cache.settings().mode.calls() {
            return Ok(Err(cache.explain(&request)?.to_string()));
        }
        let output = match self.call(row) {
            Ok(output) => output,
            failed => return Ok(failed),
        };
        keep(cache, &address, &request, row, output).map(Ok)
    }

    /// Calls the target; a panic is an error like any other.
    fn call(&self, row: &Row) -> Result<String, String> {
        let called = catch_unwind(AssertUnwindSafe(|| self.target.output(row)));
        let failed = match called {
            Ok(Ok(output)) => return Ok(output),
            Ok(Err(failed)) if failed.trim().is_empty() => {
                "the target failed and did not say why".to_owned()
            }
            Ok(Err(failed)) => failed,
            Err(panic) => format!("the target panicked: {}", panic_text(panic.as_ref())),
        };
        // A provider's error may quote the key it was called with.
        Err(cut(&self.redactor.text(&failed, &SentSecrets::default())))
    }
}

/// Records an output and returns what a second replay will find in its place: an earlier
/// recording of the same request stays, and secrets are replaced.
fn keep(
    cache: &Cache,
    address: &Fingerprint,
    request: &[u8],
    row: &Row,
    output: String,
) -> Result<String> {
    let body = json!(Kept { output: output.clone() }).to_string();
    let meta = Meta { model: row.model.clone(), ..Meta::default() };
    cache.put(request, body.as_bytes(), meta)?;
    match cache.peek_at(address)? {
        Some(kept) => read(&kept.body),
        None => Ok(output),
    }
}

/// Reads an output that [`keep`] recorded.
fn read(body: &[u8]) -> Result<String> {
    match serde_json::from_slice(body) {
        Ok(Kept { output }) => Ok(output),
        Err(cause) => {
            let what = "an entry of a replay does not hold an output; delete it and replay again";
            Err(Error::new(ErrorKind::Corrupt, what).because(cause))
        }
    }
}

/// Returns the request document of a row's output under a target's name.
fn request(target: &str, row: &Row) -> Vec<u8> {
    let row = json!({
        "model": row.model,
        "system": row.system,
        "messages": row.messages,
        "tools": row.tools,
        "params": row.params,
    });
    json!({"f3dx_cache": "replay", "target": target, "row": row}).to_string().into_bytes()
}

/// Returns what a panic said.
pub(super) fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a message")
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(KEPT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
