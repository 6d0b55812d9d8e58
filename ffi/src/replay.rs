//! Running traces again, and reports of what changed.

use crate::buffer::f3dx_cache_buffer;
use crate::callback::{Callbacks, f3dx_cache_callbacks};
use crate::error::f3dx_cache_error;
use crate::guard::guard;
use crate::input;
use crate::output;
use crate::status::f3dx_cache_status;
use crate::trace::f3dx_cache_traces;
use f3dx_cache_core::replay::{Replay, ReplayOptions, Report};
use std::ffi::c_char;

/// Obtains a new output for each row from `callbacks->target`, compares it with the
/// recorded one, and reports: OK, or DIFFERENT if a row is not "same" or "equivalent",
/// or could not be read. The report is JSON; core/REPORT.md describes it. `options` is a JSON
/// object, or empty:
///
///     {"diff": {as f3dx_cache_diff}, "concurrency": 4, "limit": null, "target": null}
///
/// Outputs are cached in callbacks->cache only for a "target" that has a name, which
/// must change whenever what it stands for does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn f3dx_cache_replay(
    traces: *mut f3dx_cache_traces,
    options: *const c_char,
    options_len: usize,
    callbacks: *const f3dx_cache_callbacks,
    out_report: *mut f3dx_cache_buffer,
    err: *mut *mut f3dx_cache_error,
) -> f3dx_cache_status {
    // SAFETY: the crate's safety contract.
    let (traces, options, callbacks, out, err) = unsafe {
        (
            input::handle_mut(traces, "traces"),
            input::json(options, options_len, "options"),
            Callbacks::read(callbacks),
            output::buffer(out_report, "out_report"),
            output::error(err),
        )
    };
    guard(err, || {
        let (out, traces, callbacks) = (out?, traces?, callbacks?);
        let options = ReplayOptions::from_json(options?)?;
        let target = callbacks.target()?;
        let (models, embedder) = (callbacks.models(), callbacks.embedder());
        let mut replay = Replay::new(&target, options);
        if let Some(models) = &models {
            replay = replay.with_models(models);
        }
        if let Some(embedder) = &embedder {
            replay = replay.with_embedder(embedder);
        }
        if let Some(cache) = callbacks.cache {
            replay = replay.with_cache(cache.clone());
        }
        let report = replay.run(traces.inner(), &mut |progress| callbacks.progress(progress))?;
        out.fill_text(report.to_json());
        Ok(match report.is_ok() {
            true => f3dx_cache_status::Ok,
            false => f3dx_cache_status::Different,
        })
    })
}

/// Renders a report, JSON that f3dx_cache_replay made: "markdown", "junit", "html" or
/// "json".
#[unsafe(no_mangle)]
pub unsafe extern "C" fn f3dx_cache_report_render(
    report: *const c_char,
    report_len: usize,
    format: *const c_char,
    format_len: usize,
    out_text: *mut f3dx_cache_buffer,
    err: *mut *mut f3dx_cache_error,
) -> f3dx_cache_status {
    // SAFETY: the crate's safety contract.
    let (report, format, out, err) = unsafe {
        (
            input::json(report, report_len, "report"),
            input::text(format, format_len, "format"),
            output::buffer(out_text, "out_text"),
            output::error(err),
        )
    };
    guard(err, || {
        let out = out?;
        Ok(out.fill_text(Report::from_json(report?)?.render(format?)?))
    })
}
