//! Running traces again, and reports of what changed.

use crate::cache::NativeCache;
use crate::callback::{Listener, NativeWork, begin};
use crate::diff::Asked;
use crate::failure::guard;
use crate::trace::{Given, NativeTraces, Taken};
use f3dx_cache_core::Result;
use f3dx_cache_core::replay::{Replay, ReplayOptions, Report, Rows};
use f3dx_cache_core::trace::{BadRow, Row};
use napi_derive::napi;
use std::sync::atomic::{AtomicU64, Ordering};

/// Replays traces, or rows as a JSON array, against the caller's code; it comes to the report as
/// JSON text. Options are JSON text.
#[napi]
pub fn replay(
    traces: Option<&NativeTraces>,
    rows: Option<String>,
    options: String,
    asked: Asked,
    cache: Option<&NativeCache>,
    #[napi(ts_arg_type = "(what: string, number: number, text: string) => void")]
    listener: Listener,
) -> napi::Result<NativeWork> {
    let options = guard(|| ReplayOptions::from_json(options.as_bytes()))?;
    let concurrency = options.concurrency as u64;
    let cache = cache.map(NativeCache::core);
    let mut taken: Option<Taken> = guard(|| traces.map(NativeTraces::take).transpose())?;
    let mut given = guard(|| Given::read(rows.as_deref().unwrap_or("[]")))?;
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
        let rows: &mut dyn Rows = match taken.as_mut().and_then(|taken| taken.traces.as_deref_mut())
        {
            Some(traces) => traces,
            None => &mut given,
        };
        let begun = AtomicU64::new(0);
        let mut rows = Counted { rows, begun: &begun };
        let report = replay.run(&mut rows, &mut |progress| {
            let under_way = begun.load(Ordering::Relaxed).saturating_sub(progress.done);
            // One more than are under way at once waits for a thread.
            caller.progress(progress, under_way.min(concurrency))
        })?;
        // Before JavaScript hears of the end, so that it may ask the traces.
        drop(taken);
        Ok(report.to_json())
    })
}

/// Rows, and how many of them were begun.
struct Counted<'a> {
    rows: &'a mut dyn Rows,
    begun: &'a AtomicU64,
}

impl Iterator for Counted<'_> {
    type Item = Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        let row = self.rows.next()?;
        self.begun.fetch_add(1, Ordering::Relaxed);
        Some(row)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.rows.size_hint()
    }
}

impl Rows for Counted<'_> {
    fn bad(&self) -> u64 {
        self.rows.bad()
    }

    fn bad_rows(&self) -> &[BadRow] {
        self.rows.bad_rows()
    }
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
