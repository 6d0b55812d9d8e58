//! `NativeExchange` and `Replay`: an intercepted HTTP call.

use crate::claim::holder;
use crate::failure::guard;
use crate::output::buffer;
use crate::task::{Work, work};
use f3dx_cache_core::http::StreamState;
use f3dx_cache_core::{End, Error, ErrorKind, Exchange, Holder, Turn};
use napi::Env;
use napi::bindgen_prelude::{AsyncTask, BufferSlice, Either};
use napi_derive::napi;

/// A recorded HTTP response.
#[napi(object, object_from_js = false)]
pub struct Replay<'env> {
    /// The HTTP status.
    pub status: u16,
    /// Names and values of the headers that were kept, a line each.
    pub headers: String,
    /// The body, content-encoding undone.
    pub body: BufferSlice<'env>,
    /// Where each chunk of a stream ends; absent for a body that came as one.
    pub ends: Option<Vec<f64>>,
    /// Milliseconds to wait before each chunk, if replay_timing is on.
    pub delays: Option<Vec<f64>>,
}

/// Makes a replay of core's.
pub fn replay<'env>(
    env: &'env Env,
    replay: f3dx_cache_core::Replay,
    timed: bool,
) -> napi::Result<Replay<'env>> {
    let streamed = !replay.head.chunks.is_empty();
    let chunks = replay.chunks();
    let ends = streamed.then(|| {
        let mut end = 0;
        let mut add = |chunk: &[u8]| {
            end += chunk.len();
            end as f64
        };
        chunks.iter().map(|(chunk, _)| add(chunk)).collect()
    });
    let delays = (streamed && timed).then(|| {
        let mut before = 0;
        let mut delay = |at_ms: u64| at_ms.saturating_sub(std::mem::replace(&mut before, at_ms));
        chunks.iter().map(|(_, at_ms)| delay(*at_ms) as f64).collect()
    });
    let mut headers = String::new();
    for (name, value) in &replay.head.headers {
        for line in [name, value] {
            headers.push_str(line);
            headers.push('\n');
        }
    }
    headers.pop();
    Ok(Replay {
        status: replay.head.status,
        headers,
        body: buffer(env, replay.body)?,
        ends,
        delays,
    })
}

/// A call on its way to the provider and back.
#[napi]
pub struct NativeExchange {
    core: Option<Exchange>,
    timed: bool,
    holder: Holder,
    records: bool,
}

impl NativeExchange {
    /// Wraps core's exchange.
    pub fn new(core: Exchange, timed: bool) -> Self {
        Self { timed, holder: holder(), records: core.records(), core: Some(core) }
    }
}

#[napi]
impl NativeExchange {
    /// Whether the response is to be recorded; if not, just send the call.
    #[napi(getter)]
    pub fn records(&self) -> bool {
        self.records
    }

    /// For how many milliseconds, then for how many bytes, to drain a stream left early.
    #[napi]
    pub fn drain_bounds(&self) -> Vec<f64> {
        let Some((time, bytes)) = self.core.as_ref().map(Exchange::drain_bounds) else {
            return vec![0.0, 0.0];
        };
        vec![time.as_secs_f64() * 1000.0, bytes as f64]
    }

    /// Asks for the right to send: true, send now; false, ask again in a few milliseconds.
    /// A replay: another call recorded the response meanwhile.
    #[napi(ts_return_type = "boolean | Replay")]
    pub fn claim<'env>(&mut self, env: &'env Env) -> napi::Result<Either<bool, Replay<'env>>> {
        let (holder, timed) = (self.holder, self.timed);
        let Some(exchange) = self.core.as_mut() else { return Ok(Either::A(true)) };
        match guard(|| exchange.claim(holder))? {
            Turn::Send => Ok(Either::A(true)),
            Turn::Wait => Ok(Either::A(false)),
            Turn::Replay(recorded) => replay(env, recorded, timed).map(Either::B),
        }
    }

    /// Takes the head of the response; headers are names and values, a line each.
    #[napi]
    pub fn head(&mut self, status: u16, headers: String) -> napi::Result<()> {
        let Some(exchange) = self.core.as_mut() else { return Ok(()) };
        guard(|| {
            exchange.head(status, &pairs(&headers));
            Ok(())
        })
    }

    /// Takes the next piece of the body, content-encoding undone, as it passes.
    ///
    /// True: the stream is complete at its terminal event, so finish right away.
    #[napi]
    pub fn chunk(&mut self, data: &[u8]) -> napi::Result<bool> {
        let Some(exchange) = self.core.as_mut() else { return Ok(false) };
        guard(|| Ok(exchange.chunk(data) == StreamState::Complete))
    }

    /// Records the response if it may be, and frees the claim; resolves to whether it was
    /// recorded. `end` is "eof", "left" or "failed". Later calls do nothing.
    #[napi(ts_return_type = "Promise<boolean>")]
    pub fn finish(&mut self, end: String) -> napi::Result<AsyncTask<Work<bool>>> {
        let end = guard(|| end_of(&end))?;
        let core = self.core.take();
        Ok(work(move || core.map_or(Ok(false), |mut exchange| exchange.finish(end))))
    }
}

fn end_of(name: &str) -> f3dx_cache_core::Result<End> {
    match name {
        "eof" => Ok(End::Eof),
        "left" => Ok(End::Left),
        "failed" => Ok(End::Failed),
        other => Err(Error::new(
            ErrorKind::InvalidArgument,
            format!("end: {other:?} is not one of \"eof\", \"left\" and \"failed\""),
        )),
    }
}

/// Reads names and values from lines.
pub fn pairs(lines: &str) -> Vec<(&str, &str)> {
    let mut lines = lines.split('\n');
    let mut pairs = Vec::new();
    while let (Some(name), Some(value)) = (lines.next(), lines.next()) {
        pairs.push((name, value));
    }
    pairs
}
