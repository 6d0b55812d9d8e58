//! The cache: look a request up, record its response.

use crate::address::{Address, Addressing, Distinction};
use crate::claim::{AsClaims, Attempt, Claimed, Claims, Holder, attempt};
use crate::entry::{Meta, now_ms};
use crate::env::Env;
use crate::error::{Error, ErrorKind, Result};
use crate::fingerprint::Fingerprint;
use crate::http::{HttpPolicy, ResponseHead, facts_of};
use crate::identity::{Identity, IdentityPolicy};
use crate::json::Document;
use crate::mode::Mode;
use crate::options::{Options, Repeats, Scope};
use crate::repeats::NthCall;
use crate::secrets::{Redactor, SecretKind, SentSecrets};
use crate::session::Session;
use crate::settings::Settings;
use crate::sketch::Sketch;
use crate::store::{
    Change, NewEntry, Outcome, Patience, PerProcess, Response, Shared, Snapshot, create, shared,
};
use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// An open cache file.
///
/// Cheap to clone; usable from any thread, and in a forked child. All handles
/// of a process on one file share what is open.
///
/// ```
/// use f3dx_cache_core::{Cache, Meta, Options};
///
/// let folder = tempfile::tempdir()?;
/// let cache = Cache::open(folder.path().join("llm.redb"), Options::default())?;
/// let request = br#"{"model": "gpt-4o", "messages": []}"#;
/// assert_eq!(cache.get(request)?, None);
/// cache.put(request, b"an answer", Meta::default())?;
/// assert_eq!(cache.get(request)?.unwrap().body, b"an answer");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Cache {
    pub(crate) open: Arc<Open>,
    pub(crate) session: Arc<Session>,
}

type Hits = Mutex<HashMap<Fingerprint, u64>>;

/// What the sessions on one opening of a file share.
pub(crate) struct Open {
    pub settings: Settings,
    pub addressing: Addressing,
    pub policy: HttpPolicy,
    pub run: String,
    /// The identity policy's text, as the file has it.
    identity: Arc<str>,
    pub env: Env,
    shared: PerProcess<Arc<Shared>>,
    patience: Patience,
    /// Replays since the last flush, by entry.
    hits: PerProcess<Hits>,
    recorded: AtomicBool,
    closed: AtomicBool,
}

/// What the host of a cache gives it besides options.
#[derive(Clone, Default)]
pub struct Hooks {
    /// Asked while waiting for another process; `true` gives up (Ctrl-C).
    pub interrupted: Option<Arc<dyn Fn() -> bool + Send + Sync>>,
}

/// What a `put` did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Put {
    /// The address of the request.
    pub fingerprint: Fingerprint,
    /// Whether the response is what stands there now.
    pub stored: Stored,
}

/// What became of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// It was written, durably.
    Recorded,
    /// An earlier recording of the request stays.
    Kept,
    /// The mode does not record.
    Skipped,
}

impl Cache {
    /// Opens the file at `path` by hand.
    ///
    /// The mode is the option's, else `F3DX_CACHE_MODE`'s, else `record`, which
    /// with `refresh` makes the file if there is none.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] if there is no file and the mode makes none;
    /// [`ErrorKind::ReadOnly`] if it cannot be made; [`ErrorKind::Corrupt`] if it is
    /// no cache; [`ErrorKind::UnsupportedFormat`]; [`ErrorKind::ConfigMismatch`] if
    /// the options name another identity policy than the file's;
    /// [`ErrorKind::Config`].
    pub fn open(path: impl AsRef<Path>, options: Options) -> Result<Self> {
        Self::open_with(Some(path.as_ref()), options, Hooks::default())
    }

    /// Opens a file by hand as [`Cache::open`] does: without a path, the one that
    /// options and environment name.
    ///
    /// # Errors
    ///
    /// As [`Cache::open`].
    pub fn open_with(path: Option<&Path>, options: Options, hooks: Hooks) -> Result<Self> {
        let settings = Settings::explicit(path, options, &Env::process()?)?;
        let missing = !settings.mode.records() && settings.mode != Mode::Off;
        if missing && !settings.path.exists() {
            return Err(Error::file(
                ErrorKind::Io,
                &settings.path,
                format_args!(
                    "there is no cache file, and mode {} ({}) makes none; record it first \
                     with mode record (F3DX_CACHE_MODE=record)",
                    settings.mode, settings.mode_reason
                ),
            ));
        }
        Self::with(settings, hooks)
    }

    /// Opens the file that options, environment and `f3dx-cache.toml` name, as test
    /// hooks do: a file that is missing is an empty cache where the mode makes none.
    ///
    /// # Errors
    ///
    /// As [`Cache::open`].
    pub fn for_tests(options: Options) -> Result<Self> {
        Self::with(Settings::for_tests(options, &Env::process()?)?, Hooks::default())
    }

    /// Opens the file that `settings` name.
    ///
    /// # Errors
    ///
    /// As [`Cache::open`]; a missing file is an empty cache where the mode makes none.
    pub fn with(settings: Settings, hooks: Hooks) -> Result<Self> {
        let patience = Patience {
            timeout: Duration::from_millis(settings.options.lock_timeout_ms.unwrap_or(10_000)),
            interrupted: hooks.interrupted.unwrap_or_else(|| Arc::new(|| false)),
        };
        let wanted = IdentityPolicy::from_options(&settings.options)?;
        let (policy, identity) = match settings.mode {
            Mode::Off => (wanted.unwrap_or_default(), Arc::default()),
            mode => file_policy(&settings.path, wanted, mode.records(), &patience)?,
        };
        let env = Env::process()?;
        // Aliases and matched headers are the file's, whoever opened it.
        let options = Options {
            host_aliases: Some(policy.host_aliases().clone()),
            match_headers: Some(policy.match_headers().to_vec()),
            ..settings.options.clone()
        };
        let http = HttpPolicy::new(&options, &|name| env.var(name))?;
        let redactor = Redactor::new(policy.redact())?;
        let open = Open {
            addressing: Addressing::new(redactor, Identity::new(&policy)?),
            policy: http,
            run: run(&env),
            identity,
            env,
            shared: PerProcess::new(shared(&settings.path)),
            patience,
            hits: PerProcess::new(Hits::default()),
            recorded: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            settings,
        };
        Ok(Self { open: Arc::new(open), session: Arc::default() })
    }

    /// Returns a handle on the same open file that counts for itself: one test's.
    ///
    /// `test` names the test, for `scope`, for meta and for messages; `command` is
    /// what records its misses, for explanations.
    pub fn session(&self, test: Option<String>, command: Option<String>) -> Self {
        // A parametrized test may be named by a key; its name is stored and shown.
        let redactor = self.open.addressing.redactor();
        let test = test.map(|test| redactor.text(&test, &SentSecrets::default()));
        let session = Session::of(test, command);
        Self { open: Arc::clone(&self.open), session: Arc::new(session) }
    }

    /// Returns the recorded response of `request`, a JSON text.
    ///
    /// `None` is a miss; [`Cache::explain`] says why. In [`Mode::Off`] every
    /// lookup is a miss, in [`Mode::Refresh`] what this run did not record.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidJson`]; [`ErrorKind::Corrupt`] if the stored bytes do
    /// not match their checksum.
    pub fn get(&self, request: &[u8]) -> Result<Option<Response>> {
        let asked = self.ask(request)?;
        let response = self.lookup(&asked.fingerprint)?;
        self.count(&asked, response.is_some());
        Ok(response)
    }

    /// Returns what [`Cache::get`] would, and counts nothing.
    ///
    /// # Errors
    ///
    /// As [`Cache::get`].
    pub fn peek(&self, request: &[u8]) -> Result<Option<Response>> {
        self.lookup(&self.fingerprint(request)?)
    }

    /// Returns the recorded response at an address, and counts it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Corrupt`].
    pub fn get_at(&self, fingerprint: &Fingerprint) -> Result<Option<Response>> {
        let response = self.lookup(fingerprint)?;
        let asked = Asked { fingerprint: *fingerprint, call: None };
        self.count(&asked, response.is_some());
        Ok(response)
    }

    /// Returns what [`Cache::get_at`] would, and counts nothing.
    ///
    /// # Errors
    ///
    /// As [`Cache::get_at`].
    pub fn peek_at(&self, fingerprint: &Fingerprint) -> Result<Option<Response>> {
        self.lookup(fingerprint)
    }

    /// Returns the address of `request` in this file: the fingerprint after the
    /// file's identity policy, and in the scope of the session's test.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidJson`].
    pub fn fingerprint(&self, request: &[u8]) -> Result<Fingerprint> {
        self.alive()?;
        match self.scope()? {
            None => self.open.addressing.fingerprint(request),
            scope => {
                let distinction = Distinction { occurrence: None, scope };
                Ok(self.open.addressing.address(request, &distinction)?.fingerprint)
            }
        }
    }

    /// Records `response` as the answer to `request`, durably when this returns.
    ///
    /// Model, system fingerprint and usage are read from the response where
    /// `meta` does not name them. In [`Mode::Record`] the first recording of a
    /// request stays.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ReadOnly`] in [`Mode::Replay`], or if the file cannot be
    /// written; [`ErrorKind::InvalidJson`]; [`ErrorKind::Locked`];
    /// [`ErrorKind::Full`]; [`ErrorKind::Io`].
    pub fn put(&self, request: &[u8], response: &[u8], meta: Meta) -> Result<Put> {
        self.alive()?;
        let occurrence = match self.open.settings.options.repeats {
            Some(Repeats::Sequence) => {
                let call = self.open.addressing.fingerprint(request)?;
                Some(self.session.occurrences().put(&call))
            }
            _ => None,
        };
        let distinction =
            Distinction { occurrence: occurrence.filter(|n| *n > 1), scope: self.scope()? };
        let address = self.open.addressing.address(request, &distinction)?;
        let body = match self.open.settings.mode.records() {
            true => self.without_found_secrets("put", response),
            false => Cow::Borrowed(response),
        };
        self.record(address, Vec::new(), body.into_owned(), meta, None)
    }

    /// Asks for the right to call the model for a fingerprint that missed, for at
    /// most `patience`: single flight. Modes that do not record claim nothing.
    ///
    /// # Errors
    ///
    /// As [`Cache::get_at`].
    pub fn claim(
        &self,
        fingerprint: &Fingerprint,
        holder: Holder,
        patience: Duration,
    ) -> Result<Claimed> {
        if !self.open.settings.mode.records() {
            return Ok(Claimed::Call(None));
        }
        let since = Instant::now();
        let mut pause = Duration::from_millis(1);
        loop {
            let attempt = attempt(self.shared(), fingerprint, holder);
            // Whoever holds it, or held it before, may have recorded the response.
            if self.lookup(fingerprint)?.is_some() {
                return Ok(Claimed::Recorded);
            }
            match attempt {
                Attempt::Held(claim) => return Ok(Claimed::Call(Some(claim))),
                Attempt::Nested => {
                    self.session.without_claim();
                    return Ok(Claimed::Call(None));
                }
                Attempt::Busy if since.elapsed() >= patience => return Ok(Claimed::Wait),
                Attempt::Busy => {
                    std::thread::sleep(pause.min(patience.saturating_sub(since.elapsed())));
                    pause = (2 * pause).min(Duration::from_millis(25));
                }
            }
        }
    }

    /// Returns whether [`Cache::get`] would find a response; counts nothing.
    ///
    /// # Errors
    ///
    /// As [`Cache::get`].
    pub fn contains(&self, request: &[u8]) -> Result<bool> {
        let fingerprint = self.fingerprint(request)?;
        match self.open.settings.mode {
            Mode::Replay | Mode::Record | Mode::ReadOnly => self.contains_at(&fingerprint),
            Mode::Refresh | Mode::Off => Ok(self.lookup(&fingerprint)?.is_some()),
        }
    }

    /// Returns whether an entry stands at an address; counts nothing.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`], [`ErrorKind::Corrupt`].
    pub fn contains_at(&self, fingerprint: &Fingerprint) -> Result<bool> {
        Ok(self.read(|snapshot| snapshot.contains(fingerprint))?.unwrap_or(false))
    }

    /// Removes the entry at an address; `false` if there was none.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ReadOnly`] unless the mode records; as [`Cache::put`].
    pub fn delete(&self, fingerprint: &Fingerprint) -> Result<bool> {
        self.alive()?;
        if !self.open.settings.mode.records() {
            return Err(self.may_not("delete"));
        }
        // What is not there is not worth opening the file for writing.
        Ok(self.contains_at(fingerprint)?
            && self.write(Change::Delete(*fingerprint))? == Outcome::Done)
    }

    /// Writes the hit counts, if this handle recorded something or `persist_hits`
    /// is on. Every put is durable already.
    ///
    /// # Errors
    ///
    /// As [`Cache::put`].
    pub fn flush(&self) -> Result<()> {
        let options = &self.open.settings.options;
        let writes = self.open.settings.mode.records()
            && (self.open.recorded.load(Ordering::Relaxed) || options.persist_hits == Some(true));
        if writes {
            let hits = std::mem::take(&mut *self.hits());
            if !hits.is_empty() {
                self.write(Change::Hits(Arc::new(hits.into_iter().collect())))?;
            }
        }
        self.release();
        Ok(())
    }

    /// Gives back the space that recording left behind, if that saves a third of
    /// the file and nobody else reads it just now; returns whether it did.
    ///
    /// For the owner of a run, at its end. Does nothing unless the mode records.
    ///
    /// # Errors
    ///
    /// As [`Cache::put`]; nothing recorded is lost.
    pub fn compact(&self) -> Result<bool> {
        self.alive()?;
        match self.open.settings.mode.records() {
            true => self.shared().compact(&self.open.patience),
            false => Ok(false),
        }
    }

    /// Flushes and closes: every session of this opening ends.
    ///
    /// # Errors
    ///
    /// As [`Cache::flush`]; the cache is closed all the same.
    pub fn close(&self) -> Result<()> {
        if self.open.closed.load(Ordering::Relaxed) {
            return Ok(());
        }
        let flushed = self.flush();
        self.open.closed.store(true, Ordering::Relaxed);
        flushed
    }

    /// Ends a burst of lookups: recorders elsewhere may reuse space again.
    pub fn release(&self) {
        if self.open.settings.mode == Mode::Replay {
            self.shared().release();
        }
    }

    /// Returns whether the cache was closed.
    pub fn is_closed(&self) -> bool {
        self.open.closed.load(Ordering::Relaxed)
    }

    /// Returns the settings in force: path, mode and why, options.
    pub fn settings(&self) -> &Settings {
        &self.open.settings
    }

    /// Looks an address up, as the mode has it; counts nothing.
    pub(crate) fn lookup(&self, fingerprint: &Fingerprint) -> Result<Option<Response>> {
        self.alive()?;
        let found = match self.open.settings.mode {
            Mode::Off => return Ok(None),
            Mode::Refresh => self.read(|snapshot| {
                let recorded = snapshot.meta(fingerprint)?;
                let of_this_run = recorded
                    .and_then(|text| Meta::from_json(&text).ok())
                    .is_some_and(|meta| meta.run.as_ref() == Some(&self.open.run));
                match of_this_run {
                    true => snapshot.response(fingerprint),
                    false => Ok(None),
                }
            }),
            Mode::Replay | Mode::Record | Mode::ReadOnly => {
                self.read(|snapshot| snapshot.response(fingerprint))
            }
        };
        Ok(found?.flatten())
    }

    /// Records a response under an address, as the mode has it. `asked_model` is the
    /// model if neither `meta` nor the response names one.
    pub(crate) fn record(
        &self,
        address: Address,
        head: Vec<u8>,
        body: Vec<u8>,
        mut meta: Meta,
        asked_model: Option<String>,
    ) -> Result<Put> {
        let Address { fingerprint, stored: request } = address;
        let mode = self.open.settings.mode;
        if mode == Mode::Replay {
            return Err(self.may_not("record"));
        }
        if !mode.records() {
            return Ok(Put { fingerprint, stored: Stored::Skipped });
        }
        meta.created_at_ms = now_ms();
        meta.hit_count = 0;
        meta.run = meta.run.or_else(|| Some(self.open.run.clone()));
        meta.source = meta.source.or_else(|| self.session.test.clone());
        let facts = facts_of(content_type(&head).as_deref(), &body);
        meta.model = meta.model.or(facts.model).or(asked_model);
        meta.system_fingerprint = meta.system_fingerprint.or(facts.system_fingerprint);
        meta.usage = meta.usage.or(facts.usage);
        let entry = NewEntry {
            fingerprint,
            sketch: Sketch::of(Document::parse(&request)?.root()),
            request,
            head,
            body,
            meta: self.without_secrets(meta)?.to_json()?,
            replaces_unless_of_run: (mode == Mode::Refresh).then(|| self.open.run.clone()),
            max_bytes: self.open.settings.options.max_bytes.unwrap_or(0),
            identity: Arc::clone(&self.open.identity),
        };
        let stored = match self.write(Change::Put(Arc::new(entry)))? {
            Outcome::Done => {
                self.session.recorded();
                self.open.recorded.store(true, Ordering::Relaxed);
                Stored::Recorded
            }
            Outcome::Kept | Outcome::Missing => Stored::Kept,
        };
        Ok(Put { fingerprint, stored })
    }

    /// Reports secrets in a response that is put by hand, and replaces them if
    /// `redact_responses` is on.
    fn without_found_secrets<'a>(&self, what: &str, body: &'a [u8]) -> Cow<'a, [u8]> {
        let redactor = self.open.addressing.redactor();
        let sent = SentSecrets::default();
        self.report_secrets(what, &redactor.find_in_response(body, &sent));
        let everything = self.settings().options.redact_responses == Some(true);
        redactor.response(body, &sent, everything, &mut [])
    }

    /// Warns that the response to a call holds secrets.
    pub(crate) fn report_secrets(&self, call: &str, found: &[SecretKind]) {
        if found.is_empty() {
            return;
        }
        let kinds: Vec<String> = found.iter().map(ToString::to_string).collect();
        self.session.warn(format!(
            "{}: the response to {call} holds a secret ({}){}",
            self.session.test.as_deref().unwrap_or("a call"),
            kinds.join(", "),
            match self.settings().options.redact_responses {
                Some(true) => ", replaced",
                _ => "; redact_responses = true replaces it",
            }
        ));
    }

    /// Replaces secrets in what a caller or a response says about an entry.
    fn without_secrets(&self, mut meta: Meta) -> Result<Meta> {
        // It tells runs apart and holds no secret: a `redact` pattern must not join them.
        let run = meta.run.take();
        let clean = self.open.addressing.redactor().request(&meta.to_json()?)?.into_owned();
        Ok(Meta { run, ..Meta::from_json(&clean)? })
    }

    /// Reads a snapshot, held or fresh as the mode has it; `None` without a file.
    pub(crate) fn read<T>(&self, look: impl Fn(&Snapshot) -> Result<T>) -> Result<Option<T>> {
        self.alive()?;
        let look = |snapshot: &Snapshot| {
            self.check_identity(snapshot)?;
            look(snapshot)
        };
        let (shared, patience) = (self.shared(), &self.open.patience);
        match self.open.settings.mode {
            Mode::Replay => shared.held(patience, |snapshot| look(snapshot).map(Some), None),
            _ => shared.snapshot(patience)?.map(|snapshot| look(&snapshot)).transpose(),
        }
    }

    /// Fails if the file was replaced by one in which our addresses mean something else.
    fn check_identity(&self, snapshot: &Snapshot) -> Result<()> {
        match self.open.settings.mode {
            Mode::Off => Ok(()),
            _ => snapshot.check_identity(&self.open.identity),
        }
    }

    /// Begins a read of its own, for walks; `None` without a file.
    pub(crate) fn snapshot(&self) -> Result<Option<Snapshot>> {
        self.alive()?;
        let snapshot = self.shared().snapshot(&self.open.patience)?;
        snapshot.as_ref().map_or(Ok(()), |snapshot| self.check_identity(snapshot))?;
        Ok(snapshot)
    }

    /// Returns what this process shares about the file.
    pub(crate) fn shared(&self) -> &Arc<Shared> {
        self.open.shared.get_or_make(|| shared(&self.open.settings.path))
    }

    fn hits(&self) -> MutexGuard<'_, HashMap<Fingerprint, u64>> {
        let hits = self.open.hits.get_or_make(Hits::default);
        hits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fails on a closed cache.
    pub(crate) fn alive(&self) -> Result<()> {
        match self.is_closed() {
            false => Ok(()),
            true => Err(Error::file(
                ErrorKind::InvalidArgument,
                &self.open.settings.path,
                "the cache is closed; open it again",
            )),
        }
    }

    /// Counts a lookup.
    pub(crate) fn count(&self, asked: &Asked, hit: bool) {
        if hit {
            self.session.hit(asked.fingerprint);
            *self.hits().entry(asked.fingerprint).or_default() += 1;
            return;
        }
        self.session.miss();
        if let Some((call, occurrence)) = asked.call {
            self.session.occurrences().missed(&call, occurrence);
        }
    }

    /// Returns the name of the test that keeps its recordings to itself.
    pub(crate) fn scope(&self) -> Result<Option<String>> {
        match (self.open.settings.options.scope, &self.session.test) {
            (Some(Scope::Test), Some(test)) => Ok(Some(test.clone())),
            (Some(Scope::Test), None) => Err(Error::new(
                ErrorKind::Config,
                "scope = \"test\" needs a test: use it with the test hooks, or name one with `session`",
            )),
            _ => Ok(None),
        }
    }

    /// Finds the address that this lookup of `request` goes to.
    fn ask(&self, request: &[u8]) -> Result<Asked> {
        if self.open.settings.options.repeats != Some(Repeats::Sequence) {
            return Ok(Asked { fingerprint: self.fingerprint(request)?, call: None });
        }
        self.alive()?;
        let call = self.open.addressing.fingerprint(request)?;
        let occurrence = self.session.occurrences().ask(&call);
        let distinction =
            Distinction { occurrence: Some(occurrence).filter(|n| *n > 1), scope: self.scope()? };
        let fingerprint = match distinction.adds_nothing() {
            true => call,
            false => self.open.addressing.address(request, &distinction)?.fingerprint,
        };
        Ok(Asked { fingerprint, call: Some((call, occurrence)) })
    }

    fn write(&self, change: Change) -> Result<Outcome> {
        self.alive()?;
        self.shared().write(change, &self.open.patience)
    }

    fn may_not(&self, what: &str) -> Error {
        let settings = &self.open.settings;
        Error::file(
            ErrorKind::ReadOnly,
            &settings.path,
            format_args!(
                "mode {} ({}) may not {what}; use mode record (F3DX_CACHE_MODE=record)",
                settings.mode, settings.mode_reason
            ),
        )
    }
}

/// Where a lookup went, and which identical call of its test it was.
pub(crate) struct Asked {
    pub fingerprint: Fingerprint,
    pub call: Option<NthCall>,
}

impl AsClaims for Shared {
    fn claims(&self) -> &Claims {
        &self.claims
    }
}

/// Returns the file's identity policy and its text, making the file where the mode does.
fn file_policy(
    path: &Path,
    wanted: Option<IdentityPolicy>,
    makes: bool,
    patience: &Patience,
) -> Result<(IdentityPolicy, Arc<str>)> {
    let mut header = shared(path).header(patience)?;
    if header.is_none() && makes {
        let text = wanted.clone().unwrap_or_default().to_json()?;
        create(path, &text, patience)?;
        header = shared(path).header(patience)?;
        if header.is_none() {
            return Err(Error::file(
                ErrorKind::Corrupt,
                path,
                "has no format table, so it is no cache; give another path, or delete it",
            ));
        }
    }
    let Some(header) = header else {
        let policy = wanted.unwrap_or_default();
        let text = String::from_utf8_lossy(&policy.to_json()?).into();
        return Ok((policy, text));
    };
    let recorded = IdentityPolicy::from_json(header.identity.as_bytes())
        .map_err(|error| Error::file(error.kind(), path, error))?;
    match wanted {
        Some(wanted) if wanted != recorded => Err(Error::file(
            ErrorKind::ConfigMismatch,
            path,
            format_args!(
                "was recorded under another identity policy ({}), the options differ in {}; \
                 leave these out to use the file's, or record into another file, or delete \
                 this one and record again",
                header.identity,
                recorded.differs_in(&wanted).join(", ")
            ),
        )),
        _ => Ok((recorded, header.identity.into())),
    }
}

/// Returns the content type that the head of a response names.
fn content_type(head: &[u8]) -> Option<String> {
    let head = ResponseHead::from_json(head).ok()?;
    head.header("content-type").map(str::to_owned)
}

/// Returns the run that this process belongs to.
fn run(env: &Env) -> String {
    static OWN: OnceLock<String> = OnceLock::new();
    env.var("F3DX_CACHE_RUN_ID").unwrap_or_else(|| {
        OWN.get_or_init(|| format!("{}-{}", now_ms(), std::process::id())).clone()
    })
}
