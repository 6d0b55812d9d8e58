//! `NativeCache`.

use crate::claim::{NativeClaim, holder};
use crate::entries::NativeEntries;
use crate::exchange::{NativeExchange, Replay, pairs, replay};
use crate::failure::guard;
use crate::opening::{Variables, environment, hooks, options};
use crate::output::{buffer, json};
use crate::task::{Work, work};
use f3dx_cache_core::http::HttpCall;
use f3dx_cache_core::{Cache, Claimed, Decision, Fingerprint, Hooks, Meta, Settings};
use napi::Env;
use napi::bindgen_prelude::{AsyncTask, BufferSlice, Either, Either3, Uint8Array};
use napi_derive::napi;
use std::path::PathBuf;
use std::time::Duration;

/// An open cache file. Requests are JSON text, the first `length` bytes of a buffer.
#[napi]
pub struct NativeCache {
    core: Cache,
    variables: Option<Variables>,
}

#[napi]
impl NativeCache {
    /// Opens a file by hand; without a path, the one that options and variables name.
    #[napi(factory)]
    pub fn open(
        path: Option<String>,
        options: String,
        variables: Option<Vec<String>>,
    ) -> napi::Result<Self> {
        let variables = variables.map(Variables::new);
        let path = path.map(PathBuf::from);
        let core = guard(|| {
            let hooks = hooks(variables.as_ref())?;
            Cache::open_with(path.as_deref(), self::options(&options)?, hooks)
        })?;
        Ok(Self { core, variables })
    }

    /// Opens the cache that options, variables and f3dx-cache.toml name, as test hooks do.
    #[napi(factory)]
    pub fn for_tests(
        options: String,
        mode_reason: Option<String>,
        variables: Option<Vec<String>>,
    ) -> napi::Result<Self> {
        let variables = variables.map(Variables::new);
        let core = guard(|| {
            let options = self::options(&options)?;
            let reason = options.mode.and(mode_reason);
            let mut settings = Settings::for_tests(options, &environment(variables.as_ref())?)?;
            settings.mode_reason = reason.unwrap_or(settings.mode_reason);
            Cache::with(settings, Hooks { holds: true, ..hooks(variables.as_ref())? })
        })?;
        Ok(Self { core, variables })
    }

    /// Returns a handle on the same open file that counts for itself: one test's.
    #[napi]
    pub fn session(&self, test: Option<String>, command: Option<String>) -> Self {
        Self { core: self.core.session(test, command), variables: self.variables.clone() }
    }

    /// Replaces the variables of a worker thread, which changed.
    #[napi]
    pub fn set_variables(&self, variables: Vec<String>) {
        if let Some(own) = &self.variables {
            own.set(variables);
        }
    }

    /// The cache file, absolute.
    #[napi(getter)]
    pub fn path(&self) -> String {
        self.core.settings().path.display().to_string()
    }

    /// What the cache does on a hit, a miss and a put.
    #[napi(getter)]
    pub fn mode(&self) -> &'static str {
        self.core.settings().mode.name()
    }

    /// Where the mode comes from.
    #[napi(getter)]
    pub fn mode_reason(&self) -> String {
        self.core.settings().mode_reason.clone()
    }

    /// Whether the cache was closed.
    #[napi(getter)]
    pub fn closed(&self) -> bool {
        self.core.is_closed()
    }

    /// Returns the recorded response of a request; null is a miss.
    #[napi]
    pub fn get<'env>(
        &self,
        env: &'env Env,
        request: &[u8],
        length: u32,
    ) -> napi::Result<Option<BufferSlice<'env>>> {
        let found = guard(|| self.core.get(first(request, length)))?;
        found.map(|response| buffer(env, response.body)).transpose()
    }

    /// Returns what get would, and counts nothing.
    #[napi]
    pub fn peek<'env>(
        &self,
        env: &'env Env,
        request: &[u8],
        length: u32,
    ) -> napi::Result<Option<BufferSlice<'env>>> {
        let found = guard(|| self.core.peek(first(request, length)))?;
        found.map(|response| buffer(env, response.body)).transpose()
    }

    /// Records a response, durably when the promise resolves: to the fingerprint. The
    /// request and the meta are JSON text.
    #[napi(ts_return_type = "Promise<string>")]
    pub fn put(
        &self,
        request: &[u8],
        length: u32,
        response: Uint8Array,
        meta: String,
    ) -> napi::Result<AsyncTask<Work<String>>> {
        let meta = guard(|| Meta::from_json(meta.as_bytes()))?;
        let (request, response) = (first(request, length).to_vec(), response.to_vec());
        let core = self.core.clone();
        Ok(work(move || Ok(core.put(&request, &response, meta)?.fingerprint.to_string())))
    }

    /// Returns the address of a request in this file, 64 hexadecimal digits.
    #[napi]
    pub fn fingerprint(&self, request: &[u8], length: u32) -> napi::Result<String> {
        guard(|| Ok(self.core.fingerprint(first(request, length))?.to_string()))
    }

    /// Whether a response stands at a fingerprint.
    #[napi]
    pub fn has(&self, fingerprint: String) -> napi::Result<bool> {
        guard(|| self.core.contains_at(&fingerprint.parse()?))
    }

    /// Removes the entry at a fingerprint; resolves to whether there was one.
    #[napi(ts_return_type = "Promise<boolean>")]
    pub fn delete(&self, fingerprint: String) -> napi::Result<AsyncTask<Work<bool>>> {
        let fingerprint: Fingerprint = guard(|| fingerprint.parse())?;
        let core = self.core.clone();
        Ok(work(move || core.delete(&fingerprint)))
    }

    /// Begins a walk over the entries.
    #[napi]
    pub fn entries(&self) -> napi::Result<NativeEntries> {
        guard(|| self.core.entries()).map(NativeEntries::new)
    }

    /// Returns what is known about the entry at a fingerprint, as JSON text.
    #[napi]
    pub fn meta(&self, fingerprint: String) -> napi::Result<Option<String>> {
        guard(|| self.core.meta(&fingerprint.parse()?)?.as_ref().map(json).transpose())
    }

    /// Returns the canonical request of an entry, secrets as placeholders.
    #[napi]
    pub fn request<'env>(
        &self,
        env: &'env Env,
        fingerprint: String,
    ) -> napi::Result<Option<BufferSlice<'env>>> {
        let found = guard(|| self.core.request(&fingerprint.parse()?))?;
        found.map(|request| buffer(env, request)).transpose()
    }

    /// Returns the counters as JSON text.
    #[napi]
    pub fn stats(&self) -> napi::Result<String> {
        guard(|| json(&self.core.stats()?))
    }

    /// Says why a request misses: the explanation as JSON text, then as text for people.
    #[napi]
    pub fn explain(&self, request: &[u8], length: u32) -> napi::Result<Vec<String>> {
        guard(|| {
            let explanation = self.core.explain(first(request, length))?;
            Ok(vec![json(&explanation)?, explanation.to_string()])
        })
    }

    /// Asks for the right to call the model for a fingerprint, without waiting: a claim,
    /// true if its response is recorded, false if another one calls.
    #[napi]
    pub fn claim(&self, fingerprint: String) -> napi::Result<Either<NativeClaim, bool>> {
        let claimed = guard(|| self.core.claim(&fingerprint.parse()?, holder(), Duration::ZERO))?;
        Ok(match claimed {
            Claimed::Call(claim) => Either::A(NativeClaim::new(claim)),
            Claimed::Recorded => Either::B(true),
            Claimed::Wait => Either::B(false),
        })
    }

    /// How many milliseconds a call waits for another one of the same request.
    #[napi(getter)]
    pub fn claim_timeout_ms(&self) -> f64 {
        self.core.settings().options.claim_timeout_ms.unwrap_or(60_000) as f64
    }

    /// Writes the hit counts, if something was recorded or persist_hits is on.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn flush(&self) -> AsyncTask<Work<()>> {
        let core = self.core.clone();
        work(move || core.flush())
    }

    /// Gives back the space that recording left behind; resolves to whether it did.
    #[napi(ts_return_type = "Promise<boolean>")]
    pub fn compact(&self) -> AsyncTask<Work<bool>> {
        let core = self.core.clone();
        work(move || core.compact())
    }

    /// Flushes and closes, with every session of this opening.
    #[napi]
    pub fn close(&self) -> napi::Result<()> {
        guard(|| self.core.close())
    }

    /// Drops the snapshot that lookups hold: the end of a test.
    #[napi]
    pub fn release(&self) -> napi::Result<()> {
        guard(|| {
            self.core.release();
            Ok(())
        })
    }

    /// Returns what this session did, as JSON text.
    #[napi]
    pub fn summary(&self) -> napi::Result<String> {
        guard(|| json(&self.core.summary()?))
    }

    /// Returns the explanations of the intercepted calls that this session refused.
    #[napi]
    pub fn refused_misses(&self) -> Vec<String> {
        self.core.refused_misses()
    }

    /// Returns what the session's owner should hear, such as a secret in a response.
    #[napi]
    pub fn warnings(&self) -> Vec<String> {
        self.core.warnings()
    }

    /// Says whether a call is any business of the cache, whatever its body. Headers are
    /// names and values, a line each.
    #[napi]
    pub fn concerns(&self, method: String, url: String, headers: String) -> napi::Result<bool> {
        let headers = pairs(&headers);
        let call = HttpCall { method: &method, url: &url, headers: &headers, body: b"" };
        guard(|| Ok(self.core.concerns(&call)))
    }

    /// Returns why a connection that is about to be opened is refused, or null.
    #[napi]
    pub fn refuse_connection(&self, host: String, port: u16) -> napi::Result<Option<String>> {
        guard(|| Ok(self.core.refuse_connection(&host, port).map(|refused| refused.to_string())))
    }

    /// Says what to do with an HTTP call that is about to be sent.
    ///
    /// Null: it is none of the cache's business. A replay answers it. An exchange sends it,
    /// and is told what comes back. A string: it is refused, and why.
    #[napi(ts_return_type = "Replay | NativeExchange | string | null")]
    pub fn intercept<'env>(
        &self,
        env: &'env Env,
        method: String,
        url: String,
        headers: String,
        body: &[u8],
        length: u32,
    ) -> napi::Result<Option<Either3<Replay<'env>, NativeExchange, String>>> {
        let body = first(body, length);
        let timed = self.core.settings().options.replay_timing == Some(true);
        let spelling = [method.as_bytes(), url.as_bytes(), headers.as_bytes(), body];
        let recalled =
            guard(|| self.core.recall(&spelling)?.map(f3dx_cache_core::Replay::of).transpose())?;
        if let Some(recorded) = recalled {
            return Ok(Some(Either3::A(replay(env, recorded, timed)?)));
        }
        let headers = pairs(&headers);
        let call = HttpCall { method: &method, url: &url, headers: &headers, body };
        Ok(match guard(|| self.core.intercept_as(&spelling, &call))? {
            Decision::Pass => None,
            Decision::Replay(recorded) => Some(Either3::A(replay(env, recorded, timed)?)),
            Decision::Send(exchange) => Some(Either3::B(NativeExchange::new(*exchange, timed))),
            Decision::Refuse(refused) => Some(Either3::C(refused.to_string())),
        })
    }
}

impl NativeCache {
    /// Returns core's handle, for another thread.
    pub fn core(&self) -> Cache {
        self.core.clone()
    }
}

/// Returns the part of a reused buffer that is in use.
fn first(buffer: &[u8], length: u32) -> &[u8] {
    buffer.get(..length as usize).unwrap_or(buffer)
}
