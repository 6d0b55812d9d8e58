//! An intercepted HTTP call: what a binding is to do with it, and what becomes
//! of its response.

use crate::address::{Address, Distinction};
use crate::cache::{Asked, Cache};
use crate::claim::{Attempt, Claim, Holder, attempt};
use crate::entry::Meta;
use crate::error::Result;
use crate::explain::Explanation;
use crate::http::{
    Chunk, Classified, HttpCall, RequestDocument, ResponseHead, StreamState, StreamWatcher,
    Verdict, kept_headers,
};
use crate::options::Repeats;
use crate::secrets::SentSecrets;
use crate::store::Response;
use std::fmt;
use std::time::{Duration, Instant};

/// What a binding does with a call. It holds no `if` about modes: this is the answer.
pub enum Decision {
    /// None of our business: let it pass untouched.
    Pass,
    /// Answer with this; the network is not touched.
    Replay(Replay),
    /// Send it, and tell the exchange what comes back.
    Send(Box<Exchange>),
    /// Fail: the mode does not send, and nothing is recorded.
    Refuse(Refused),
}

/// A recorded HTTP response.
#[derive(Clone, Debug, PartialEq)]
pub struct Replay {
    /// Status, kept headers, chunks.
    pub head: ResponseHead,
    /// The body, content-encoding undone.
    pub body: Vec<u8>,
}

/// A call that is refused, and why; its `Display` is for people.
#[derive(Clone, Debug, PartialEq)]
pub enum Refused {
    /// Nothing is recorded for it.
    Miss(Box<Explanation>),
    /// It is no call that is recorded.
    Unrecorded {
        /// What it is and how to record it.
        reason: String,
    },
}

/// Whose turn it is to call the model.
pub enum Turn {
    /// The asking one's: send now.
    Send,
    /// Nobody's any more: another one recorded the response meanwhile.
    Replay(Replay),
    /// Another one's: ask again in a few milliseconds.
    Wait,
}

/// How a response ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// With the end of the body.
    Eof,
    /// The caller closed it before.
    Left,
    /// The connection broke.
    Failed,
}

/// A call on its way to the provider and back.
///
/// Dropping it without [`finish`](Exchange::finish) records nothing and frees
/// the claim.
pub struct Exchange {
    cache: Cache,
    address: Address,
    /// Method and URL, for messages.
    call: String,
    request: RequestDocument,
    sent: SentSecrets,
    waiting_since: Option<Instant>,
    claim: Option<Claim>,
    begun: Instant,
    head: Option<(ResponseHead, StreamWatcher)>,
    body: Vec<u8>,
    finished: bool,
}

/// Bounds for draining a stream that the caller left early: its own time to the
/// end is unknown, and a test must not hang.
const DRAIN_TIME: Duration = Duration::from_secs(10);
const DRAIN_BYTES: usize = 16 << 20;

impl Cache {
    /// Says what to do with an HTTP call that is about to be sent.
    ///
    /// # Errors
    ///
    /// As [`Cache::get`]; a body that breaks a rule is fingerprinted as bytes, so it is no error.
    pub fn intercept(&self, call: &HttpCall<'_>) -> Result<Decision> {
        let mode = self.settings().mode;
        if !mode.replays() {
            return Ok(Decision::Pass);
        }
        self.alive()?;
        let request = match self.open.policy.classify(call) {
            Classified::Pass => return Ok(Decision::Pass),
            Classified::Unrecorded { .. } if mode.calls() => return Ok(Decision::Pass),
            Classified::Unrecorded { reason } => {
                let refused = Refused::Unrecorded { reason };
                self.session.refuse_miss(refused.to_string());
                return Ok(Decision::Refuse(refused));
            }
            Classified::Inference(request) => request,
        };
        let sent = SentSecrets::of(call);
        let (address, asked) = self.address_of_call(&request, &sent)?;
        if let Some(response) = self.lookup(&asked.fingerprint)? {
            self.count(&asked, true);
            return Ok(Decision::Replay(Replay::of(response)?));
        }
        self.count(&asked, false);
        if !mode.calls() {
            let explanation = self.explain_stored(&address.stored, &address.fingerprint)?;
            let refused = Refused::Miss(Box::new(explanation));
            self.session.refuse_miss(refused.to_string());
            return Ok(Decision::Refuse(refused));
        }
        Ok(Decision::Send(Box::new(Exchange {
            cache: self.clone(),
            address,
            call: described(&request),
            request,
            sent,
            waiting_since: None,
            claim: None,
            begun: Instant::now(),
            head: None,
            body: Vec::new(),
            finished: false,
        })))
    }

    fn address_of_call(
        &self,
        request: &RequestDocument,
        sent: &SentSecrets,
    ) -> Result<(Address, Asked)> {
        let addressing = &self.open.addressing;
        let stored =
            addressing.redactor().request_of_call(&request.canonical, sent)?.into_owned();
        let scope = self.scope()?;
        let call = match self.settings().options.repeats {
            Some(Repeats::Sequence) => {
                let call = addressing.of_stored(&stored)?;
                Some((call, self.session.occurrences.ask(&call)))
            }
            _ => None,
        };
        let occurrence = call.map(|(_, occurrence)| occurrence).filter(|n| *n > 1);
        let address =
            addressing.address_of_stored(stored, &Distinction { occurrence, scope })?;
        // An exchange carries its own occurrence: no put looks for it later.
        let asked = Asked { fingerprint: address.fingerprint, call: None };
        Ok((address, asked))
    }
}

impl Exchange {
    /// Returns whether the response is to be recorded: if not, there is nothing
    /// to claim, to pass on or to finish.
    pub fn records(&self) -> bool {
        self.cache.settings().mode.records()
    }

    /// Asks for the right to send, without waiting: single flight.
    ///
    /// `holder` is the asking thread or task. After `claim_timeout_ms` it is
    /// [`Turn::Send`] without a claim, and counted.
    ///
    /// # Errors
    ///
    /// As [`Cache::get`].
    pub fn claim(&mut self, holder: Holder) -> Result<Turn> {
        if !self.records() || self.claim.is_some() {
            return Ok(Turn::Send);
        }
        let fingerprint = self.address.fingerprint;
        match attempt(self.cache.shared(), &fingerprint, holder) {
            Attempt::Nested => self.cache.session.without_claim(),
            Attempt::Held(claim) => {
                // Whoever held it before may have recorded the response.
                if let Some(replay) = self.recorded_meanwhile()? {
                    return Ok(Turn::Replay(replay));
                }
                self.claim = Some(claim);
            }
            Attempt::Busy => {
                if let Some(replay) = self.recorded_meanwhile()? {
                    return Ok(Turn::Replay(replay));
                }
                let limit = self.cache.settings().options.claim_timeout_ms.unwrap_or(60_000);
                let since = self.waiting_since.get_or_insert_with(Instant::now);
                if since.elapsed() < Duration::from_millis(limit) {
                    return Ok(Turn::Wait);
                }
                self.cache.session.without_claim();
            }
        }
        self.begun = Instant::now();
        Ok(Turn::Send)
    }

    /// Takes the head of the response, before its body.
    pub fn head(&mut self, status: u16, headers: &[(&str, &str)]) {
        let content_type = headers
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("content-type"))
            .map_or("", |(_, value)| *value);
        let watcher = StreamWatcher::new(&self.request, content_type);
        let head = ResponseHead { status, headers: kept_headers(headers), chunks: Vec::new() };
        self.head = Some((head, watcher));
    }

    /// Takes the next piece of the body, content-encoding undone, as it passes.
    ///
    /// [`StreamState::Complete`] means that the protocol's terminal event has
    /// come: finish right away, since the caller may never read to the end.
    pub fn chunk(&mut self, data: &[u8]) -> StreamState {
        let Some((head, watcher)) = &mut self.head else { return StreamState::Open };
        if data.is_empty() {
            return watcher.push(data);
        }
        let ms = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        head.chunks.push(Chunk { start: self.body.len() as u64, ms });
        self.body.extend_from_slice(data);
        watcher.push(data)
    }

    /// Returns how long, and for how many bytes, to drain a stream left early.
    pub fn drain_bounds(&self) -> (Duration, usize) {
        (DRAIN_TIME, DRAIN_BYTES)
    }

    /// Records the response if it may be, durably when this returns, and frees
    /// the claim; `false` if it was not recorded. Later calls do nothing.
    ///
    /// # Errors
    ///
    /// As [`Cache::put`].
    pub fn finish(&mut self, end: End) -> Result<bool> {
        if std::mem::replace(&mut self.finished, true) || !self.records() {
            return Ok(false);
        }
        let recorded = self.record(end);
        self.claim = None;
        recorded
    }

    fn record(&mut self, end: End) -> Result<bool> {
        let Some((mut head, watcher)) = self.head.take() else { return Ok(false) };
        let body = std::mem::take(&mut self.body);
        let cache = &self.cache;
        let verdict = match end {
            End::Failed => Verdict::Refuse("the connection failed".to_owned()),
            End::Eof | End::Left => {
                cache.open.policy.verdict(&head, &body, watcher, end == End::Eof)
            }
        };
        if let Verdict::Refuse(why) = verdict {
            cache.session.refused(&self.call, why);
            return Ok(false);
        }
        let duration = head.chunks.last().map(|chunk| chunk.ms);
        if !watcher_is_stream(&head) {
            head.chunks.clear();
        }
        let (head_text, body) = self.guard_secrets(head.to_json(), body);
        let meta = Meta {
            model: self.request.model.clone(),
            response_duration_ms: duration,
            ..Meta::default()
        };
        let address = Address {
            fingerprint: self.address.fingerprint,
            stored: std::mem::take(&mut self.address.stored),
        };
        cache.record(address, head_text, body, meta)?;
        Ok(true)
    }

    /// Reports a secret in the response, and replaces it if `redact_responses` is on.
    fn guard_secrets(&self, head: Vec<u8>, body: Vec<u8>) -> (Vec<u8>, Vec<u8>) {
        (head, body)
    }

    fn recorded_meanwhile(&self) -> Result<Option<Replay>> {
        let Some(response) = self.cache.lookup(&self.address.fingerprint)? else {
            return Ok(None);
        };
        let asked = Asked { fingerprint: self.address.fingerprint, call: None };
        self.cache.count(&asked, true);
        Replay::of(response).map(Some)
    }
}
