//! A call on its way to the provider and back.

use crate::buffer::f3dx_cache_buffer;
use crate::claim::holder;
use crate::error::f3dx_cache_error;
use crate::guard::{guard, quietly};
use crate::http::OutReplay;
use crate::input::{self, Headers, invalid};
use crate::output::{self, Out};
use crate::status::f3dx_cache_status;
use f3dx_cache_core::http::StreamState;
use f3dx_cache_core::{End, Exchange, Turn};
use std::ffi::{c_char, c_void};

/// A call on its way to the provider and back. For each: claim it until it is not
/// WAIT; send it; tell the head, the chunks and the end; free it.
pub struct f3dx_cache_exchange(Exchange);

impl f3dx_cache_exchange {
    pub(crate) fn new(exchange: Exchange) -> Self {
        Self(exchange)
    }
}

/// How a response ended. Passed as uint32_t.
#[repr(C)]
#[derive(Clone, Copy)]
pub enum f3dx_cache_end {
    /// With the end of the body.
    Eof = 0,
    /// The caller closed it before.
    Left = 1,
    /// The connection broke.
    Failed = 2,
}

/// OK if the response is to be recorded; SKIPPED if there is nothing to do but to
/// send the call and to free the exchange.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn f3dx_cache_exchange_records(
    exchange: *const f3dx_cache_exchange,
    err: *mut *mut f3dx_cache_error,
) -> f3dx_cache_status {
    // SAFETY: the crate's safety contract.
    let (exchange, err) = unsafe { (input::handle(exchange, "exchange"), output::error(err)) };
    guard(err, || match exchange?.0.records() {
        true => Ok(f3dx_cache_status::Ok),
        false => Ok(f3dx_cache_status::Skipped),
    })
}

/// Asks for the right to send, without waiting, so that one of many calls the
/// model. `holder` is the asking thread or task, as f3dx_cache_claim has it.
///
///     OK    another one has recorded the response meanwhile: answer with
///           out_head and out_body, as from f3dx_cache_http_intercept
///     MISS  send now
///     WAIT  another one is at it: ask again in a few milliseconds; after
///           claim_timeout_ms it is MISS
#[unsafe(no_mangle)]
pub unsafe extern "C" fn f3dx_cache_exchange_claim(
    exchange: *mut f3dx_cache_exchange,
    holder: u64,
    out_head: *mut f3dx_cache_buffer,
    out_body: *mut f3dx_cache_buffer,
    err: *mut *mut f3dx_cache_error,
) -> f3dx_cache_status {
    // SAFETY: the crate's safety contract.
    let (exchange, out, err) = unsafe {
        (
            input::handle_mut(exchange, "exchange"),
            OutReplay::new(out_head, out_body),
            output::error(err),
        )
    };
    guard(err, || {
        let out = out?;
        match exchange?.0.claim(self::holder(holder))? {
            Turn::Replay(replay) => Ok(out.give_replay(replay)),
            Turn::Send => Ok(f3dx_cache_status::Miss),
            Turn::Wait => Ok(f3dx_cache_status::Wait),
        }
    })
}

/// Takes the head of the response, before its body: its status, 100 to 999, and
/// its headers as in f3dx_cache_http_intercept.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn f3dx_cache_exchange_head(
    exchange: *mut f3dx_cache_exchange,
    status: u32,
    headers: *const c_char,
    headers_len: usize,
    err: *mut *mut f3dx_cache_error,
) -> f3dx_cache_status {
    // SAFETY: the crate's safety contract.
    let (exchange, headers, err) = unsafe {
        (
            input::handle_mut(exchange, "exchange"),
            input::json(headers, headers_len, "headers"),
            output::error(err),
        )
    };
    guard(err, || {
        let (exchange, headers) = (exchange?, Headers::parse(headers?)?);
        let status = u16::try_from(status).ok().filter(|status| (100..1000).contains(status));
        let status = status.ok_or_else(|| invalid("status is not between 100 and 999"))?;
        exchange.0.head(status, &headers.pairs());
        Ok(f3dx_cache_status::Ok)
    })
}

/// Takes the next piece of the body, content-encoding undone, as it passes: OK, or
/// END at the terminal event of a stream. Finish then, right away: the caller may
/// never read to the end of the file.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn f3dx_cache_exchange_chunk(
    exchange: *mut f3dx_cache_exchange,
    data: *const c_void,
    data_len: usize,
    err: *mut *mut f3dx_cache_error,
) -> f3dx_cache_status {
    // SAFETY: the crate's safety contract.
    let (exchange, data, err) = unsafe {
        (
            input::handle_mut(exchange, "exchange"),
            input::bytes(data, data_len, "data"),
            output::error(err),
        )
    };
    guard(err, || match exchange?.0.chunk(data?) {
        StreamState::Complete => Ok(f3dx_cache_status::End),
        _ => Ok(f3dx_cache_status::Ok),
    })
}

/// Says how long, and for how many bytes, to go on reading a stream that the
/// caller left early, so that it can be recorded.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn f3dx_cache_exchange_drain_bounds(
    exchange: *const f3dx_cache_exchange,
    out_ms: *mut u64,
    out_bytes: *mut u64,
    err: *mut *mut f3dx_cache_error,
) -> f3dx_cache_status {
    // SAFETY: the crate's safety contract.
    let (exchange, ms, bytes, err) = unsafe {
        (
            input::handle(exchange, "exchange"),
            Out::required(out_ms, 0, "out_ms"),
            Out::required(out_bytes, 0, "out_bytes"),
            output::error(err),
        )
    };
    guard(err, || {
        let (ms, bytes) = (ms?, bytes?);
        let (time, size) = exchange?.0.drain_bounds();
        ms.give(u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
        Ok(bytes.give(size as u64))
    })
}

/// Records the response if it may be, durably when it returns, and gives up the
/// claim: OK, or SKIPPED if it was not recorded; f3dx_cache_get_summary says why
/// not. `end` is F3DX_CACHE_END_*. A second call is SKIPPED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn f3dx_cache_exchange_finish(
    exchange: *mut f3dx_cache_exchange,
    end: u32,
    err: *mut *mut f3dx_cache_error,
) -> f3dx_cache_status {
    // SAFETY: the crate's safety contract.
    let (exchange, err) = unsafe { (input::handle_mut(exchange, "exchange"), output::error(err)) };
    guard(err, || {
        use f3dx_cache_end as C;
        const ENDS: [(C, End); 3] =
            [(C::Eof, End::Eof), (C::Left, End::Left), (C::Failed, End::Failed)];
        let known = ENDS.into_iter().find(|(known, _)| *known as u32 == end);
        let (_, end) = known.ok_or_else(|| invalid(format!("unknown end {end}")))?;
        match exchange?.0.finish(end)? {
            true => Ok(f3dx_cache_status::Ok),
            false => Ok(f3dx_cache_status::Skipped),
        }
    })
}

/// Releases an exchange. One that was not finished records nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn f3dx_cache_exchange_free(exchange: *mut f3dx_cache_exchange) {
    quietly((), || {
        if !exchange.is_null() {
            // SAFETY: the caller gives an exchange of this library, once.
            drop(unsafe { Box::from_raw(exchange) });
        }
    });
}

/// Another thread may go on with it.
const _: () = {
    const fn moved<T: Send>() {}
    moved::<f3dx_cache_exchange>();
};
