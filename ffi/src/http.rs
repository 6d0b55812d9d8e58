//! What to do with an HTTP call that is about to be sent.

use crate::buffer::f3dx_cache_buffer;
use crate::cache::f3dx_cache;
use crate::error::f3dx_cache_error;
use crate::exchange::f3dx_cache_exchange;
use crate::guard::guard;
use crate::input::{self, Headers};
use crate::output::{self, Out};
use crate::status::f3dx_cache_status;
use f3dx_cache_core::http::HttpCall;
use f3dx_cache_core::{Decision, Error, ErrorKind, Replay, Response, Result};
use std::ffi::{c_char, c_void};

/// Says what to do with an HTTP call that is about to be sent. What is an LLM
/// call, what identifies it, what may be recorded and what a mode means is the
/// library's: the caller only moves bytes.
///
///     OK         answer with out_head and out_body; the network is not touched
///     MISS       send it, and tell out_exchange what comes back
///     SKIPPED    none of the cache's business: let it pass untouched
///     READ_ONLY  fail the call: the mode does not send and nothing is recorded;
///                the message explains it, on several lines
///
/// `headers` is a JSON object of string to string, or an array of [name, value]
/// pairs where a name repeats, or, which is read fastest, the names and values
/// alone, each on a line: "accept\ntext/plain\nuser-agent\nme"; (NULL, 0) is none.
/// `out_head` is {"status": 200, "headers": {...}, "chunks": [[end, ms], ...]}: a
/// replayed stream gives its body in pieces that end at these offsets and came
/// after these times; without
/// "chunks" it came as one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn f3dx_cache_http_intercept(
    cache: *mut f3dx_cache,
    method: *const c_char,
    method_len: usize,
    url: *const c_char,
    url_len: usize,
    headers: *const c_char,
    headers_len: usize,
    body: *const c_void,
    body_len: usize,
    out_head: *mut f3dx_cache_buffer,
    out_body: *mut f3dx_cache_buffer,
    out_exchange: *mut *mut f3dx_cache_exchange,
    err: *mut *mut f3dx_cache_error,
) -> f3dx_cache_status {
    // SAFETY: the crate's safety contract.
    let (cache, method, url, headers, body) = unsafe {
        (
            input::cache(cache),
            input::text(method, method_len, "method"),
            input::text(url, url_len, "url"),
            input::json(headers, headers_len, "headers"),
            input::bytes(body, body_len, "body"),
        )
    };
    // SAFETY: the crate's safety contract.
    let (out, out_exchange, err) = unsafe {
        (
            OutReplay::new(out_head, out_body),
            output::handle(out_exchange, "out_exchange"),
            output::error(err),
        )
    };
    guard(err, || {
        let (out, out_exchange) = (out?, out_exchange?);
        let (cache, method, url, text, body) = (cache?, method?, url?, headers?, body?);
        let spelling = [method.as_bytes(), url.as_bytes(), text, body];
        if let Some(response) = cache.recall(&spelling)? {
            return out.give(response);
        }
        let headers = Headers::parse(text)?;
        let headers = headers.pairs();
        let call = HttpCall { method, url, headers: &headers, body };
        match cache.intercept_as(&spelling, &call)? {
            Decision::Pass => Ok(f3dx_cache_status::Skipped),
            Decision::Replay(replay) => Ok(out.give_replay(replay)),
            Decision::Send(exchange) => {
                out_exchange.hand(f3dx_cache_exchange::new(*exchange));
                Ok(f3dx_cache_status::Miss)
            }
            Decision::Refuse(refused) => Err(Error::new(ErrorKind::ReadOnly, refused.to_string())),
        }
    })
}

/// Says whether a call may be the cache's business, whatever its body: OK, or
/// SKIPPED if it passes untouched. For bodies that are generated while they are
/// sent: ask before you read one for f3dx_cache_http_intercept.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn f3dx_cache_http_concerns(
    cache: *const f3dx_cache,
    method: *const c_char,
    method_len: usize,
    url: *const c_char,
    url_len: usize,
    headers: *const c_char,
    headers_len: usize,
    err: *mut *mut f3dx_cache_error,
) -> f3dx_cache_status {
    // SAFETY: the crate's safety contract.
    let (cache, method, url, headers, err) = unsafe {
        (
            input::cache(cache),
            input::text(method, method_len, "method"),
            input::text(url, url_len, "url"),
            input::json(headers, headers_len, "headers"),
            output::error(err),
        )
    };
    guard(err, || {
        let headers = Headers::parse(headers?)?;
        let headers = headers.pairs();
        let call = HttpCall { method: method?, url: url?, headers: &headers, body: &[] };
        match cache?.concerns(&call) {
            true => Ok(f3dx_cache_status::Ok),
            false => Ok(f3dx_cache_status::Skipped),
        }
    })
}

/// Fetches a recorded HTTP response, and counts the lookup: OK or MISS.
/// `out_head` is as in f3dx_cache_http_intercept; what was recorded with
/// f3dx_cache_put has status 200 and content type application/json.
/// cbindgen:ptrs-as-arrays=[[fingerprint; F3DX_CACHE_FINGERPRINT_LEN]]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn f3dx_cache_http_get(
    cache: *const f3dx_cache,
    fingerprint: *const u8,
    out_head: *mut f3dx_cache_buffer,
    out_body: *mut f3dx_cache_buffer,
    err: *mut *mut f3dx_cache_error,
) -> f3dx_cache_status {
    // SAFETY: the crate's safety contract.
    let (cache, fingerprint, out, err) = unsafe {
        (
            input::cache(cache),
            input::fingerprint(fingerprint),
            OutReplay::new(out_head, out_body),
            output::error(err),
        )
    };
    guard(err, || {
        let out = out?;
        match cache?.get_at(&fingerprint?)? {
            Some(response) => out.give(response),
            None => Ok(f3dx_cache_status::Miss),
        }
    })
}

/// Where a recorded HTTP response goes.
pub(crate) struct OutReplay {
    head: Out<f3dx_cache_buffer>,
    body: Out<f3dx_cache_buffer>,
}

impl OutReplay {
    /// Empties both.
    ///
    /// # Safety
    ///
    /// As [`Out::optional`].
    pub(crate) unsafe fn new(
        head: *mut f3dx_cache_buffer,
        body: *mut f3dx_cache_buffer,
    ) -> Result<Self> {
        // SAFETY: the caller's promise.
        let (head, body) =
            unsafe { (output::buffer(head, "out_head"), output::buffer(body, "out_body")) };
        Ok(Self { head: head?, body: body? })
    }

    /// Hands a response over.
    pub(crate) fn give(self, response: Response) -> Result<f3dx_cache_status> {
        let (head, body) = Replay::text_of(response)?;
        self.head.fill_text(head);
        Ok(self.body.fill(body))
    }

    /// Hands a response over that was read.
    pub(crate) fn give_replay(self, replay: Replay) -> f3dx_cache_status {
        self.head.fill_text(replay.head.to_json());
        self.body.fill(replay.body)
    }
}
