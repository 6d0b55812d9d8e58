//! Recorded traces, row by row.

use crate::buffer::f3dx_cache_buffer;
use crate::error::f3dx_cache_error;
use crate::guard::{guard, quietly};
use crate::input::{self, invalid};
use crate::output;
use crate::status::f3dx_cache_status;
use f3dx_cache_core::trace::{TraceOptions, Traces};
use serde_json::json;
use std::ffi::c_char;

/// A reader of recorded traces.
pub struct f3dx_cache_traces(Traces);

impl f3dx_cache_traces {
    pub(crate) fn inner(&mut self) -> &mut Traces {
        &mut self.0
    }
}

/// Opens a trace file for reading; the format is told from its content: f3dx as JSON
/// lines or parquet, OpenTelemetry spans, batches of OpenAI and Anthropic, rows of
/// {"prompt" or "messages", "output"}. `options` is a JSON object, or empty:
///
///     {"strict": false, "format": "f3dx", "input": "batch_input.jsonl"}
#[unsafe(no_mangle)]
pub unsafe extern "C" fn f3dx_cache_traces_open(
    path: *const c_char,
    options: *const c_char,
    options_len: usize,
    out_traces: *mut *mut f3dx_cache_traces,
    err: *mut *mut f3dx_cache_error,
) -> f3dx_cache_status {
    // SAFETY: the crate's safety contract.
    let (path, options, out, err) = unsafe {
        (
            input::path(path),
            input::json(options, options_len, "options"),
            output::handle(out_traces, "out_traces"),
            output::error(err),
        )
    };
    guard(err, || {
        let out = out?;
        let path = path?.ok_or_else(|| invalid("path is NULL"))?;
        let options = TraceOptions::from_json(options?)?;
        Ok(out.hand(f3dx_cache_traces(Traces::open(path, &options)?)))
    })
}

/// Gives the next row as a JSON object: OK or END. A row that cannot be read is
/// counted and passed over; if "strict", it fails with INVALID_ROW, and END follows.
///
///     {"source": {"file": "runs.jsonl", "line": 1}, "trace_id": null, "case_id": null,
///      "model": "gpt-4o", "provider": null, "system": "", "messages": [{"role":
///      "user", "content": "hi"}], "tools": [], "params": {}, "output": "hello",
///      "parts": [], "tool_calls": [], "usage": {"input_tokens": 3, "output_tokens": 1},
///      "latency_ms": 212.5, "finish_reason": null, "error": null, "extra": {}}
#[unsafe(no_mangle)]
pub unsafe extern "C" fn f3dx_cache_traces_next(
    traces: *mut f3dx_cache_traces,
    out_row: *mut f3dx_cache_buffer,
    err: *mut *mut f3dx_cache_error,
) -> f3dx_cache_status {
    // SAFETY: the crate's safety contract.
    let (traces, out, err) = unsafe {
        (
            input::handle_mut(traces, "traces"),
            output::buffer(out_row, "out_row"),
            output::error(err),
        )
    };
    guard(err, || {
        let out = out?;
        match traces?.0.next().transpose()? {
            Some(row) => out.fill_json(&row),
            None => Ok(f3dx_cache_status::End),
        }
    })
}

/// Says what was read so far: {"format": "f3dx", "bad": 1, "bad_rows": [{"source":
/// {"file": "runs.jsonl", "line": 7}, "column": 12, "reason": "..."}]}. At most 1,000
/// bad rows are listed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn f3dx_cache_traces_get_state(
    traces: *mut f3dx_cache_traces,
    out_json: *mut f3dx_cache_buffer,
    err: *mut *mut f3dx_cache_error,
) -> f3dx_cache_status {
    // SAFETY: the crate's safety contract.
    let (traces, out, err) = unsafe {
        (
            input::handle_mut(traces, "traces"),
            output::buffer(out_json, "out_json"),
            output::error(err),
        )
    };
    guard(err, || {
        let (out, traces) = (out?, &traces?.0);
        out.fill_json(&json!({
            "format": traces.format(),
            "bad": traces.bad(),
            "bad_rows": traces.bad_rows(),
        }))
    })
}

/// Closes a reader.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn f3dx_cache_traces_free(traces: *mut f3dx_cache_traces) {
    quietly((), || {
        if !traces.is_null() {
            // SAFETY: the caller gives a reader of this library, once.
            drop(unsafe { Box::from_raw(traces) });
        }
    });
}

/// Another thread may go on with it.
const _: () = {
    const fn moved<T: Send>() {}
    moved::<f3dx_cache_traces>();
};
