//! An intercepted HTTP call: what a binding is to do with it, and what becomes
//! of its response.

use crate::address::{Address, Distinction};
use crate::cache::{Asked, Cache};
use crate::calls::spelling_of;
use crate::claim::{Asking, Attempt, Claim, Holder, attempt};
use crate::entry::Meta;
use crate::error::Result;
use crate::explain::Explanation;
use crate::http::{
    Chunk, Classified, HttpCall, RequestDocument, ResponseHead, StreamState, StreamWatcher,
    Verdict, kept_headers,
};
use crate::json::Document;
use crate::mode::Mode;
use crate::options::{Repeats, Scope};
use crate::repeats::NthCall;
use crate::secrets::SentSecrets;
use crate::store::Response;
use std::borrow::Cow;
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
    /// Which identical call of its test it is, until its answer is recorded.
    occurrence: Option<NthCall>,
    waiting_since: Option<Instant>,
    claim: Option<Claim>,
    begun: Instant,
    headed: Instant,
    head: Option<(ResponseHead, StreamWatcher)>,
    body: Vec<u8>,
    finished: bool,
}

/// Bounds for draining a stream that the caller left early: its own time to the
/// end is unknown, and a test must not hang.
const DRAIN_TIME: Duration = Duration::from_secs(10);
const DRAIN_BYTES: usize = 16 << 20;

impl Cache {
    /// Returns whether a call is any business of the cache, whatever its body: asked
    /// before a body that is generated while it is sent is read for [`Cache::intercept`].
    pub fn concerns(&self, call: &HttpCall<'_>) -> bool {
        self.settings().mode.replays() && !matches!(self.classify(call), Classified::Pass)
    }

    fn classify(&self, call: &HttpCall<'_>) -> Classified {
        self.open.policy.classify_now(call, &|name| self.open.env.var(name))
    }

    /// Says what to do with an HTTP call that is about to be sent.
    ///
    /// # Errors
    ///
    /// As [`Cache::get`]; a body that breaks a rule is fingerprinted as bytes, so it is no error.
    pub fn intercept(&self, call: &HttpCall<'_>) -> Result<Decision> {
        let spelling = spelling_of(call);
        match self.recall(&spelling)? {
            Some(response) => Ok(Decision::Replay(Replay::of(response)?)),
            None => self.intercept_as(&spelling, call),
        }
    }

    /// Returns the response to a call that [`Cache::intercept_as`] was asked about before,
    /// for callers who want to read its headers only if they must.
    ///
    /// # Errors
    ///
    /// As [`Cache::get`].
    pub fn recall(&self, spelling: &[&[u8]]) -> Result<Option<Response>> {
        if !self.settings().mode.replays() || !self.has_one_address_a_request() {
            return Ok(None);
        }
        let Some(fingerprint) = self.open.addressing.calls().find(spelling) else {
            return Ok(None);
        };
        let Some(response) = self.lookup(&fingerprint)? else { return Ok(None) };
        self.count(&Asked { fingerprint, call: None }, true);
        Ok(Some(response))
    }

    /// Says what [`Cache::intercept`] does of a call that is not recalled, and remembers
    /// it by `spelling`: method, URL, what its headers were read from, and body. The same
    /// bytes in the same parts must be the same call.
    ///
    /// # Errors
    ///
    /// As [`Cache::intercept`].
    pub fn intercept_as(&self, spelling: &[&[u8]], call: &HttpCall<'_>) -> Result<Decision> {
        let mode = self.settings().mode;
        if !mode.replays() {
            return Ok(Decision::Pass);
        }
        self.alive()?;
        let remembers = self.has_one_address_a_request();
        // What the environment has named since may be taken back: that is not remembered.
        let (classified, remembers) = match self.open.policy.classify(call) {
            Classified::Pass => {
                let env = &|name: &str| self.open.env.var(name);
                (self.open.policy.classify_passed(call, env), false)
            }
            decided => (decided, remembers),
        };
        let request = match classified {
            Classified::Pass => {
                if let Some(warning) = self.open.policy.overlooked(call) {
                    let redactor = self.open.addressing.redactor();
                    self.session.warn(redactor.text(&warning, &SentSecrets::of(call)));
                }
                return Ok(Decision::Pass);
            }
            Classified::Unrecorded { .. } if mode.calls() => return Ok(Decision::Pass),
            Classified::Unrecorded { reason } => {
                let reason = self.open.addressing.redactor().text(&reason, &SentSecrets::of(call));
                let refused = Refused::Unrecorded { reason };
                self.session.refuse_miss(refused.to_string());
                return Ok(Decision::Refuse(refused));
            }
            Classified::Inference(request) => request,
        };
        let sent = SentSecrets::of(call);
        let (address, asked, occurrence) = self.address_of_call(&request, &sent)?;
        if remembers {
            self.open.addressing.calls().insert(spelling, address.fingerprint);
        }
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
            call: described(&address.stored),
            address,
            request,
            sent,
            occurrence: occurrence.filter(|_| mode.records()),
            waiting_since: None,
            claim: None,
            begun: Instant::now(),
            headed: Instant::now(),
            head: None,
            body: Vec::new(),
            finished: false,
        })))
    }

    /// Says whether a connection that is about to be opened is refused: in
    /// [`Mode::Replay`](crate::Mode::Replay), one to a provider.
    ///
    /// For the guard of a binding, behind its interceptors: what gets here was made by
    /// a client that is not intercepted, or is no HTTP call.
    pub fn refuse_connection(&self, host: &str, port: u16) -> Option<Refused> {
        let settings = self.settings();
        let replays = settings.mode == Mode::Replay;
        if !replays || !self.open.policy.is_providers(host, port, &|name| self.open.env.var(name)) {
            return None;
        }
        let reason = format!(
            "a connection to {host}:{port}, a provider, by a client whose calls are not \
             intercepted; mode replay ({}) does not touch the network; \
             ignore_hosts = [{:?}] leaves the host alone, mode record lets it pass",
            settings.mode_reason, host
        );
        let refused = Refused::Unrecorded { reason };
        self.session.refuse_miss(refused.to_string());
        Some(refused)
    }

    /// Returns whether the address of a call depends on nothing but the call.
    fn has_one_address_a_request(&self) -> bool {
        let options = &self.settings().options;
        options.repeats != Some(Repeats::Sequence) && options.scope != Some(Scope::Test)
    }

    fn address_of_call(
        &self,
        request: &RequestDocument,
        sent: &SentSecrets,
    ) -> Result<(Address, Asked, Option<NthCall>)> {
        let addressing = &self.open.addressing;
        let stored = addressing.redactor().request_of_call(&request.canonical, sent)?.into_owned();
        let scope = self.scope()?;
        let call = match self.settings().options.repeats {
            Some(Repeats::Sequence) => {
                let call = addressing.of_stored(&stored)?;
                Some((call, self.session.occurrences().ask(&call)))
            }
            _ => None,
        };
        let occurrence = call.map(|(_, occurrence)| occurrence).filter(|n| *n > 1);
        let address = addressing.address_of_stored(stored, &Distinction { occurrence, scope })?;
        // An exchange carries its own occurrence: no put looks for it later.
        let asked = Asked { fingerprint: address.fingerprint, call: None };
        Ok((address, asked, call))
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
        self.claim_as(holder.into())
    }

    /// Asks as [`Exchange::claim`] for a task that runs on `thread`. A call that blocks
    /// the thread is not made to wait for the task.
    ///
    /// # Errors
    ///
    /// As [`Cache::get`].
    pub fn claim_for_task(&mut self, task: Holder, thread: Holder) -> Result<Turn> {
        self.claim_as(Asking { holder: task, thread })
    }

    fn claim_as(&mut self, asking: Asking) -> Result<Turn> {
        if !self.records() || self.claim.is_some() {
            return Ok(Turn::Send);
        }
        let fingerprint = self.address.fingerprint;
        match attempt(self.cache.shared(), &fingerprint, asking) {
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
        let head = ResponseHead { status, headers: kept_headers(headers), chunks: Vec::new() };
        let watcher = StreamWatcher::new(head.header("content-type"));
        self.head = Some((head, watcher));
        self.headed = Instant::now();
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
        self.body.extend_from_slice(data);
        head.chunks.push(Chunk { end: self.body.len() as u64, at_ms: millis(self.headed) });
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
        self.give_back();
        self.claim = None;
        recorded
    }

    /// Lets the next identical call take this one's place, if nothing was recorded.
    fn give_back(&mut self) {
        if let Some((call, occurrence)) = self.occurrence.take() {
            self.cache.session.occurrences().give_back(&call, occurrence);
        }
    }

    fn record(&mut self, end: End) -> Result<bool> {
        let took = millis(self.begun);
        let Some((mut head, _)) = self.head.take() else { return Ok(false) };
        let body = std::mem::take(&mut self.body);
        let cache = &self.cache;
        let content_type = head.header("content-type");
        let verdict = match end {
            End::Failed => Verdict::Refuse("the connection failed".to_owned()),
            End::Eof | End::Left => {
                cache.open.policy.verdict(head.status, content_type, &body, end == End::Eof)
            }
        };
        if let Verdict::Refuse(why) = verdict {
            // It names the kind of an error, as the response does.
            let why = cache.open.addressing.redactor().text(&why, &self.sent);
            cache.session.refused(&self.call, why);
            return Ok(false);
        }
        if !self.request.stream {
            head.chunks.clear();
        }
        let Some(body) = self.without_secrets(&mut head, body)? else {
            let why = "it repeats a secret, in binary frames in which it cannot be replaced";
            cache.session.refused(&self.call, why);
            return Ok(false);
        };
        let meta = Meta { response_duration_ms: Some(took), ..Meta::default() };
        let address = Address {
            fingerprint: self.address.fingerprint,
            stored: std::mem::take(&mut self.address.stored),
        };
        // It stands in meta, too, which knows nothing of what the call was sent with.
        let redactor = cache.open.addressing.redactor();
        let model = self.request.model.as_ref().map(|model| redactor.text(model, &self.sent));
        cache.record(address, head.to_json().into_bytes(), body, meta, model)?;
        self.occurrence = None;
        Ok(true)
    }

    /// Reports secrets in the response, and replaces them: those that were sent
    /// always, others if `redact_responses` is on. `None` if one cannot be replaced.
    fn without_secrets(&self, head: &mut ResponseHead, body: Vec<u8>) -> Result<Option<Vec<u8>>> {
        let redactor = self.cache.open.addressing.redactor();
        let everything = self.cache.settings().options.redact_responses == Some(true);
        let sent = redactor.sent_with(&self.request.canonical, &self.sent)?;
        let kind = head.header("content-type").map(str::to_owned);
        let cleaned =
            redactor.response(&body, kind.as_deref(), &sent, everything, &mut head.chunks);
        let mut found = cleaned.found;
        for (_, value) in &mut head.headers {
            let cleaned = redactor.response(value.as_bytes(), None, &sent, everything, &mut []);
            found.extend(cleaned.found);
            if let Cow::Owned(clean) = cleaned.body {
                *value = String::from_utf8_lossy(&clean).into_owned();
            }
        }
        found.sort();
        found.dedup();
        if cleaned.is_stuck {
            return Ok(None);
        }
        self.cache.report_secrets(&self.call, &found);
        let changed = match cleaned.body {
            Cow::Owned(changed) => Some(changed),
            Cow::Borrowed(_) => None,
        };
        Ok(Some(changed.unwrap_or(body)))
    }

    fn recorded_meanwhile(&mut self) -> Result<Option<Replay>> {
        let Some(response) = self.cache.lookup(&self.address.fingerprint)? else {
            return Ok(None);
        };
        self.occurrence = None;
        let asked = Asked { fingerprint: self.address.fingerprint, call: None };
        // It was counted as a miss when it was intercepted, and is none after all.
        self.cache.session.missed_not();
        self.cache.count(&asked, true);
        Replay::of(response).map(Some)
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.give_back();
    }
}

impl Replay {
    /// Reads a response as HTTP; one that was put by hand has no head and is a 200.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Corrupt`](crate::ErrorKind::Corrupt) if its head is none.
    pub fn of(response: Response) -> Result<Self> {
        let head = match response.head.is_empty() {
            true => ResponseHead {
                status: 200,
                headers: vec![("content-type".to_owned(), "application/json".to_owned())],
                chunks: Vec::new(),
            },
            false => ResponseHead::from_json(&response.head)?,
        };
        Ok(Self { head, body: response.body })
    }

    /// Returns the head of a response as the JSON text of [`ResponseHead::to_json`], and
    /// its body. A later version's head may have more members.
    ///
    /// # Errors
    ///
    /// As [`Replay::of`].
    pub fn text_of(response: Response) -> Result<(Vec<u8>, Vec<u8>)> {
        if response.head.is_empty() {
            let Self { head, body } = Self::of(response)?;
            return Ok((head.to_json().into_bytes(), body));
        }
        ResponseHead::check(&response.head)?;
        Ok((response.head, response.body))
    }

    /// Returns the body in its recorded chunks, each with its time in milliseconds;
    /// one chunk for a body that came as one.
    pub fn chunks(&self) -> Vec<(&[u8], u64)> {
        let mut chunks = Vec::with_capacity(self.head.chunks.len().max(1));
        let mut start = 0;
        for chunk in &self.head.chunks {
            let end = usize::try_from(chunk.end).unwrap_or(usize::MAX).min(self.body.len());
            chunks.push((&self.body[start..end.max(start)], chunk.at_ms));
            start = end.max(start);
        }
        if start < self.body.len() || chunks.is_empty() {
            chunks.push((&self.body[start..], 0));
        }
        chunks
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::Miss(explanation) => explanation.fmt(f),
            Refused::Unrecorded { reason } => write!(f, "f3dx-cache: not replayed: {reason}"),
        }
    }
}

/// Returns method and URL of a call as it is stored, without secrets.
fn described(stored: &[u8]) -> String {
    let Ok(document) = Document::parse(stored) else { return "a call".to_owned() };
    let text = |pointer| {
        let text = document.root().pointer(pointer).and_then(|node| node.as_str());
        text.map(|text| text.into_owned()).unwrap_or_default()
    };
    format!("{} {}", text("/method"), text("/url"))
}

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}
