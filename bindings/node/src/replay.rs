//! Running traces again, and reports of what changed.

use crate::cache::NativeCache;
use crate::callback::{Listener, NativeWork, begin};
use crate::diff::Asked;
use crate::failure::guard;
use crate::trace::{NativeTraces, Taken};
use f3dx_cache_core::replay::{Replay, ReplayOptions, Report};
use f3dx_cache_core::{Error, ErrorKind};
use napi_derive::napi;

/// Replays traces against the caller's code; it comes to the report as JSON text. Options are
/// JSON text.
#[napi]
pub fn replay(
    traces: &NativeTraces,
    options: String,
    asked: Asked,
    cache: Option<&NativeCache>,
    listener: Listener,
) -> napi::Result<NativeWork> {
    let options = guard(|| ReplayOptions::from_json(options.as_bytes()))?;
    let cache = cache.map(NativeCache::core);
    let mut taken: Taken = guard(|| traces.take())?;
    begin(listener, move |caller| {
        let (models, embedder) = (caller.models(), caller.embedder());
        let mut replay = Replay::new(caller, options);
        if asked.calls {
            replay = replay.with_models(&models);
        }
        if asked.embeds {
            replay = replay.with_embedder(&embedder);
        }
        if let Some(cache) = cache {
            replay = replay.with_cache(cache);
        }
        let Some(traces) = taken.traces.as_deref_mut() else {
            return Err(Error::new(ErrorKind::InvalidArgument, "there are no traces to replay"));
        };
        let report = replay.run(traces, &mut |progress| caller.progress(progress))?;
        // Before JavaScript hears of the end, so that it may ask the traces.
        drop(taken);
        Ok(report.to_json())
    })
}

/// Returns a report, JSON text, as `json`, `markdown`, `junit` or `html`.
#[napi]
pub fn render_report(report: String, format: String) -> napi::Result<String> {
    guard(|| Report::from_json(report.as_bytes())?.render(&format))
}

/// Returns whether nothing in a report, JSON text, needs a look; fails if it is no report.
#[napi]
pub fn report_is_ok(report: String) -> napi::Result<bool> {
    guard(|| Ok(Report::from_json(report.as_bytes())?.is_ok()))
}
