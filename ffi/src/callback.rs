//! Code of the caller that this library calls: model calls, targets, progress.

use crate::cache::f3dx_cache;
use crate::error::f3dx_cache_error;
use crate::guard::{guard, quietly};
use crate::input::{self, invalid};
use crate::options::check_size;
use crate::output;
use crate::status::f3dx_cache_status;
use f3dx_cache_core::diff::{Endpoint, ModelCalls};
use f3dx_cache_core::replay::{Progress, Target};
use f3dx_cache_core::trace::Row;
use f3dx_cache_core::{Cache, Result};
use std::ffi::{c_char, c_void};
use std::mem::size_of;
use std::ops::ControlFlow;

/// Where a callback puts its reply. It lives until the callback returns.
pub struct f3dx_cache_reply(Option<Result<Vec<u8>, String>>);

/// Which of a provider's endpoints a request is for.
#[repr(C)]
#[derive(Clone, Copy)]
pub enum f3dx_cache_endpoint {
    /// OpenAI's /v1/embeddings: the request has "input", a list of texts.
    Embeddings = 0,
    /// OpenAI's /v1/chat/completions, which many providers speak.
    ChatCompletions = 1,
    /// Anthropic's /v1/messages.
    Messages = 2,
}

/// A model call: sends the JSON `request` to F3DX_CACHE_ENDPOINT_* `endpoint` and
/// hands the JSON response, one that says {"error": ...} included, to
/// f3dx_cache_reply_set, or what went wrong to f3dx_cache_reply_fail. Returns 0; any
/// other value fails the call, too. The library builds the request, caches the pair
/// and reads the response.
pub type f3dx_cache_model_fn = Option<
    unsafe extern "C" fn(
        userdata: *mut c_void,
        endpoint: u32,
        request: *const c_char,
        request_len: usize,
        reply: *mut f3dx_cache_reply,
    ) -> i32,
>;

/// What is replayed against: makes the new output of a row, a JSON object as
/// f3dx_cache_traces_next gives it, and hands it to f3dx_cache_reply_set, or what went
/// wrong to f3dx_cache_reply_fail. Returns 0; any other value is a failure, too. A
/// failure is that row's: the replay goes on.
pub type f3dx_cache_target_fn = Option<
    unsafe extern "C" fn(
        userdata: *mut c_void,
        row: *const c_char,
        row_len: usize,
        reply: *mut f3dx_cache_reply,
    ) -> i32,
>;

/// Hears how far a replay is, after each row and at least every 100 ms: {"done": 3,
/// "bad": 0, "total": 40 or null, "verdict": "same" or null}. Any other return than 0
/// ends the replay with CALLBACK, after the calls that are under way.
pub type f3dx_cache_progress_fn = Option<
    unsafe extern "C" fn(
        userdata: *mut c_void,
        progress: *const c_char,
        progress_len: usize,
    ) -> i32,
>;

/// What a comparison or a replay calls. Initialise with f3dx_cache_callbacks_init.
/// Callbacks come from any thread, and from as many at once as the "concurrency" of a
/// replay; `progress` comes from the thread that replays. The library holds no lock
/// meanwhile: they may use the same cache.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct f3dx_cache_callbacks {
    /// The size of this struct, as the caller knows it.
    pub struct_size: usize,
    /// Judges, and embeds where there is no `embed`; NULL: no model is called.
    pub call: f3dx_cache_model_fn,
    /// Embeds; NULL: `call` does.
    pub embed: f3dx_cache_model_fn,
    /// Makes new outputs; for f3dx_cache_replay.
    pub target: f3dx_cache_target_fn,
    /// Hears how far a replay is; NULL: nobody does.
    pub progress: f3dx_cache_progress_fn,
    /// Handed to every callback, never read.
    pub userdata: *mut c_void,
    /// Where model calls, and outputs of a named target, are cached; NULL: nowhere.
    pub cache: *const f3dx_cache,
}

impl f3dx_cache_callbacks {
    const NONE: Self = Self {
        struct_size: size_of::<Self>(),
        call: None,
        embed: None,
        target: None,
        progress: None,
        userdata: std::ptr::null_mut(),
        cache: std::ptr::null(),
    };
}

/// Fills `callbacks` with none. Pass sizeof(f3dx_cache_callbacks).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn f3dx_cache_callbacks_init(
    callbacks: *mut f3dx_cache_callbacks,
    struct_size: usize,
) -> f3dx_cache_status {
    quietly(f3dx_cache_status::Panic, || {
        if callbacks.is_null()
            || check_size(struct_size, size_of::<f3dx_cache_callbacks>()).is_err()
        {
            return f3dx_cache_status::InvalidArgument;
        }
        // SAFETY: the caller vouches for `struct_size` bytes, which hold at least the
        // members of this version.
        unsafe {
            callbacks.cast::<u8>().write_bytes(0, struct_size);
            callbacks.write(f3dx_cache_callbacks { struct_size, ..f3dx_cache_callbacks::NONE });
        }
        f3dx_cache_status::Ok
    })
}

/// Hands a callback's reply over; the library copies it. A second reply takes the
/// place of the first.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn f3dx_cache_reply_set(
    reply: *mut f3dx_cache_reply,
    text: *const c_char,
    text_len: usize,
    err: *mut *mut f3dx_cache_error,
) -> f3dx_cache_status {
    // SAFETY: the crate's safety contract.
    let (reply, text, err) = unsafe {
        (
            input::handle_mut(reply, "reply"),
            input::bytes(text.cast(), text_len, "text"),
            output::error(err),
        )
    };
    guard(err, || {
        reply?.0 = Some(Ok(text?.to_vec()));
        Ok(f3dx_cache_status::Ok)
    })
}

/// Hands over what went wrong in a callback, for people; the library copies it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn f3dx_cache_reply_fail(
    reply: *mut f3dx_cache_reply,
    message: *const c_char,
    message_len: usize,
    err: *mut *mut f3dx_cache_error,
) -> f3dx_cache_status {
    // SAFETY: the crate's safety contract.
    let (reply, message, err) = unsafe {
        (
            input::handle_mut(reply, "reply"),
            input::bytes(message.cast(), message_len, "message"),
            output::error(err),
        )
    };
    guard(err, || {
        reply?.0 = Some(Err(String::from_utf8_lossy(message?).into_owned()));
        Ok(f3dx_cache_status::Ok)
    })
}

/// The callbacks of one call of the library.
#[derive(Clone, Copy)]
pub(crate) struct Callbacks<'a> {
    given: f3dx_cache_callbacks,
    /// Where model calls are cached.
    pub cache: Option<&'a Cache>,
}

// SAFETY: the header says that callbacks come from any thread and from several at once;
// `userdata` is only handed on.
unsafe impl Send for Callbacks<'_> {}
// SAFETY: as above.
unsafe impl Sync for Callbacks<'_> {}

impl<'a> Callbacks<'a> {
    /// Reads callbacks; NULL is none.
    ///
    /// # Safety
    ///
    /// The crate's safety contract.
    pub(crate) unsafe fn read(callbacks: *const f3dx_cache_callbacks) -> Result<Self> {
        if callbacks.is_null() {
            return Ok(Self { given: f3dx_cache_callbacks::NONE, cache: None });
        }
        // SAFETY: the first member is there whatever the size.
        let size = unsafe { (&raw const (*callbacks).struct_size).read() };
        check_size(size, size_of::<f3dx_cache_callbacks>())?;
        // SAFETY: the caller's promise, and the size was checked.
        let (given, newer) = unsafe {
            let end = callbacks.add(1).cast::<u8>();
            let beyond = size - size_of::<f3dx_cache_callbacks>();
            (*callbacks, std::slice::from_raw_parts(end, beyond))
        };
        if newer.iter().any(|byte| *byte != 0) {
            return Err(invalid("callbacks hold members that this version does not know"));
        }
        let cache = match given.cache.is_null() {
            true => None,
            // SAFETY: the crate's safety contract.
            false => Some(unsafe { input::cache(given.cache) }?),
        };
        Ok(Self { given, cache })
    }

    /// Returns what judges and embeds.
    pub(crate) fn models(self) -> Option<Model<'a>> {
        self.given.call.is_some().then_some(Model { callbacks: self, function: self.given.call })
    }

    /// Returns what embeds alone.
    pub(crate) fn embedder(self) -> Option<Model<'a>> {
        self.given.embed.is_some().then_some(Model { callbacks: self, function: self.given.embed })
    }

    /// Returns what is replayed against.
    pub(crate) fn target(self) -> Result<impl Target> {
        match self.given.target {
            Some(_) => Ok(Against(self)),
            None => Err(invalid("callbacks.target is NULL: there is nothing to replay against")),
        }
    }

    /// Says how far a replay is.
    pub(crate) fn progress(&self, progress: &Progress) -> ControlFlow<()> {
        let Some(function) = self.given.progress else { return ControlFlow::Continue(()) };
        let text = serde_json::to_vec(progress).unwrap_or_default();
        // SAFETY: the caller's function, as the header describes it.
        let stop = unsafe { function(self.given.userdata, text.as_ptr().cast(), text.len()) };
        match stop {
            0 => ControlFlow::Continue(()),
            _ => ControlFlow::Break(()),
        }
    }
}

/// One of the functions that call models.
pub(crate) struct Model<'a> {
    callbacks: Callbacks<'a>,
    function: f3dx_cache_model_fn,
}

impl ModelCalls for Model<'_> {
    fn call(&self, endpoint: Endpoint, request: &[u8]) -> Result<Vec<u8>, String> {
        let endpoint = match endpoint {
            Endpoint::Embeddings => f3dx_cache_endpoint::Embeddings,
            Endpoint::ChatCompletions => f3dx_cache_endpoint::ChatCompletions,
            Endpoint::Messages => f3dx_cache_endpoint::Messages,
        };
        let Some(function) = self.function else { return Err("there is no callback".to_owned()) };
        let userdata = self.callbacks.given.userdata;
        asked(|reply| {
            // SAFETY: the caller's function, as the header describes it.
            unsafe {
                function(userdata, endpoint as u32, request.as_ptr().cast(), request.len(), reply)
            }
        })
    }
}

/// The function that makes new outputs.
struct Against<'a>(Callbacks<'a>);

impl Target for Against<'_> {
    fn output(&self, row: &Row) -> Result<String, String> {
        let Some(function) = self.0.given.target else {
            return Err("there is no callback".to_owned());
        };
        let row = serde_json::to_vec(row).map_err(|cause| cause.to_string())?;
        let output = asked(|reply| {
            // SAFETY: the caller's function, as the header describes it.
            unsafe { function(self.0.given.userdata, row.as_ptr().cast(), row.len(), reply) }
        })?;
        String::from_utf8(output).map_err(|cause| format!("the output is not UTF-8: {cause}"))
    }
}

/// Calls a callback and reads its reply.
fn asked(call: impl FnOnce(*mut f3dx_cache_reply) -> i32) -> Result<Vec<u8>, String> {
    let mut reply = f3dx_cache_reply(None);
    let returned = call(&raw mut reply);
    match (returned, reply.0) {
        (0, Some(reply)) => reply,
        (0, None) => Err("the callback returned 0 and set no reply".to_owned()),
        (_, Some(Err(message))) => Err(message),
        (code, _) => Err(format!("the callback returned {code}")),
    }
}
