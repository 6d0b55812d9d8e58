//! Code of the caller that core calls from threads of its own.
//!
//! JavaScript runs on one thread, so core's threads leave messages with it and wait for the
//! reply. Whatever core waits for runs on no thread of libuv's pool: the callback may need it.

use crate::failure::guard;
use f3dx_cache_core::diff::{Endpoint, ModelCalls};
use f3dx_cache_core::replay::{Progress, Target};
use f3dx_cache_core::trace::Row;
use f3dx_cache_core::{Error, ErrorKind, Result};
use napi::Status;
use napi::bindgen_prelude::FnArgs;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi_derive::napi;
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

type Message = FnArgs<(&'static str, u32, String)>;

/// The function of `lib/calls.ts` that takes messages: what is wanted, the number of the
/// reply, a text. It does not keep the process alive, which that file does.
pub type Listener = ThreadsafeFunction<Message, (), Message, Status, false, true>;

/// A reply, or what went wrong, for people.
type Reply = std::result::Result<String, String>;

/// Work of core that calls the caller's code, from JavaScript's side.
///
/// When it is gone, because the work is over or the thread of JavaScript ends, nothing waits
/// for replies any more.
#[napi]
pub struct NativeWork {
    replies: Arc<Replies>,
}

/// What core waits for.
#[derive(Default)]
struct Replies(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    last: u32,
    senders: HashMap<u32, Sender<Reply>>,
    stopped: bool,
}

/// What a thread of core calls in JavaScript.
#[derive(Clone)]
pub struct Caller {
    listener: Arc<Listener>,
    replies: Arc<Replies>,
}

#[napi]
impl NativeWork {
    /// Hands over a reply; of one that nobody waits for, nothing becomes.
    #[napi]
    pub fn reply(&self, number: u32, text: String) {
        self.replies.hand(number, Ok(text));
    }

    /// Hands over what went wrong in place of a reply.
    #[napi]
    pub fn fail(&self, number: u32, message: String) {
        self.replies.hand(number, Err(message));
    }

    /// Ends the work: what waits for a reply fails, and nothing is called any more.
    #[napi]
    pub fn stop(&self) {
        self.replies.stop();
    }
}

impl Drop for NativeWork {
    fn drop(&mut self) {
        self.replies.stop();
    }
}

impl Replies {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hand(&self, number: u32, reply: Reply) {
        if let Some(sender) = self.lock().senders.remove(&number) {
            // Core gave up on it.
            let _ = sender.send(reply);
        }
    }

    fn stop(&self) {
        let mut waiting = self.lock();
        waiting.stopped = true;
        waiting.senders.clear();
    }
}

/// Begins work on a thread of its own. The last message is `done` with what it comes to, or
/// `failed` with the error as JSON text.
pub fn begin(
    listener: Listener,
    work: impl FnOnce(&Caller) -> Result<String> + Send + 'static,
) -> napi::Result<NativeWork> {
    let replies = Arc::new(Replies::default());
    let caller = Caller { listener: Arc::new(listener), replies: replies.clone() };
    let run = move || match guard(|| work(&caller)) {
        Ok(text) => caller.send("done", 0, text),
        Err(error) => caller.send("failed", 0, error.reason.clone()),
    };
    guard(|| {
        thread::Builder::new().name("f3dx-cache".to_owned()).spawn(run).map(drop).map_err(|cause| {
            Error::new(ErrorKind::Io, "cannot start a thread for the work").because(cause)
        })
    })?;
    Ok(NativeWork { replies })
}

impl Caller {
    /// Returns what judges and embeds.
    pub fn models(&self) -> Models {
        Models { caller: self.clone(), embeds: false }
    }

    /// Returns what embeds alone.
    pub fn embedder(&self) -> Models {
        Models { caller: self.clone(), embeds: true }
    }

    /// Says how far a replay is; breaks if it was stopped. In the place of a reply's number is
    /// that of the rows under way, where there is no news: with as many calls that have no
    /// reply, core does nothing but wait for them.
    pub fn progress(&self, progress: &Progress, under_way: u64) -> ControlFlow<()> {
        if self.replies.lock().stopped {
            return ControlFlow::Break(());
        }
        if let Ok(text) = crate::output::json(progress) {
            let waiting = if progress.verdict.is_none() { under_way } else { 0 };
            self.send("progress", u32::try_from(waiting).unwrap_or(u32::MAX), text);
        }
        ControlFlow::Continue(())
    }

    /// Sends a message and waits for the reply.
    fn ask(&self, what: &'static str, text: String) -> Reply {
        let gone = || "the work was stopped".to_owned();
        let (sender, reply) = mpsc::channel();
        let number = {
            let mut waiting = self.replies.lock();
            if waiting.stopped {
                return Err(gone());
            }
            waiting.last = waiting.last.wrapping_add(1);
            let number = waiting.last;
            waiting.senders.insert(number, sender);
            number
        };
        self.send(what, number, text);
        reply.recv().unwrap_or_else(|_| Err(gone()))
    }

    /// Leaves a message for JavaScript. Where that has ended, everything is stopped.
    fn send(&self, what: &'static str, number: u32, text: String) {
        let message = (what, number, text).into();
        if self.listener.call(message, ThreadsafeFunctionCallMode::NonBlocking) != Status::Ok {
            self.replies.stop();
        }
    }
}

impl Target for Caller {
    fn output(&self, row: &Row) -> Reply {
        self.ask("target", crate::trace::text(row).map_err(|error| error.to_string())?)
    }
}

/// Model calls by way of the caller's code.
pub struct Models {
    caller: Caller,
    embeds: bool,
}

impl ModelCalls for Models {
    fn call(&self, endpoint: Endpoint, request: &[u8]) -> std::result::Result<Vec<u8>, String> {
        let what = match endpoint {
            Endpoint::Embeddings if self.embeds => "embed",
            Endpoint::Embeddings => "embeddings",
            Endpoint::ChatCompletions => "chat_completions",
            Endpoint::Messages => "messages",
        };
        let request = String::from_utf8_lossy(request).into_owned();
        self.caller.ask(what, request).map(String::into_bytes)
    }
}
