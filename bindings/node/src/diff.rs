//! Whether two outputs say the same.

use crate::cache::NativeCache;
use crate::callback::{Listener, NativeWork, begin};
use crate::failure::guard;
use crate::output::json;
use f3dx_cache_core::diff::{DiffOptions, Differ, Question};
use f3dx_cache_core::{Error, ErrorKind, Result};
use napi_derive::napi;

/// Compares two outputs without a model; returns JSON text.
#[napi]
pub fn diff(before: &[u8], after: &[u8], options: String) -> napi::Result<String> {
    guard(|| {
        let differ = Differ::new(DiffOptions::from_json(options.as_bytes())?)?;
        json(&differ.compare(&Question::default(), before, after)?)
    })
}

/// What the caller's code can do.
#[napi(object)]
pub struct Asked {
    /// Whether it calls models.
    pub calls: bool,
    /// Whether it embeds.
    pub embeds: bool,
}

/// Compares two outputs, and calls the caller's code where a model is asked; it comes to JSON
/// text. The question is JSON text, too.
#[napi]
pub fn diff_with(
    before: &[u8],
    after: &[u8],
    options: String,
    question: String,
    asked: Asked,
    cache: Option<&NativeCache>,
    #[napi(ts_arg_type = "(what: string, number: number, text: string) => void")]
    listener: Listener,
) -> napi::Result<NativeWork> {
    let options = guard(|| DiffOptions::from_json(options.as_bytes()))?;
    let question = guard(|| read(&question))?;
    let (before, after) = (before.to_vec(), after.to_vec());
    let cache = cache.map(NativeCache::core);
    begin(listener, move |caller| {
        let (models, embedder) = (caller.models(), caller.embedder());
        let mut differ = Differ::new(options)?;
        if asked.calls {
            differ = differ.with_models(&models);
        }
        if asked.embeds {
            differ = differ.with_embedder(&embedder);
        }
        if let Some(cache) = cache {
            differ = differ.with_cache(cache);
        }
        json(&differ.compare(&question, &before, &after)?)
    })
}

fn read(question: &str) -> Result<Question> {
    serde_json::from_str(question).map_err(|cause| {
        Error::new(ErrorKind::InvalidArgument, "a question is system and prompt").because(cause)
    })
}
