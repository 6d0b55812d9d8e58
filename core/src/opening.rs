//! Opening a cache: which file, in which mode, under which identity policy.

use crate::address::Addressing;
use crate::cache::Cache;
use crate::entry::now_ms;
use crate::env::Env;
use crate::error::{Error, ErrorKind, Result};
use crate::fingerprint::Fingerprint;
use crate::http::HttpPolicy;
use crate::identity::{Identity, IdentityPolicy};
use crate::mode::Mode;
use crate::options::Options;
use crate::secrets::{Redactor, SentSecrets};
use crate::session::Session;
use crate::settings::Settings;
use crate::store::{Patience, PerProcess, Shared, Snapshot, create, shared};
use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

/// What the sessions on one opening of a file share.
pub(crate) struct Open {
    pub settings: Settings,
    pub addressing: Addressing,
    pub policy: HttpPolicy,
    pub run: String,
    /// The identity policy's text, as the file has it.
    pub(crate) identity: Arc<str>,
    pub env: Env,
    /// Whether lookups share a snapshot until it is released.
    pub(crate) holds: bool,
    pub(crate) shared: PerProcess<Arc<Shared>>,
    pub(crate) patience: Patience,
    /// Replays since the last flush, by entry.
    pub(crate) hits: PerProcess<Hits>,
    pub(crate) recorded: AtomicBool,
    pub(crate) closed: AtomicBool,
}

pub(crate) type Hits = Mutex<HashMap<Fingerprint, u64>>;

/// What the host of a cache gives it besides options.
#[derive(Clone, Default)]
pub struct Hooks {
    /// Asked while waiting for another process; `true` gives up (Ctrl-C).
    pub interrupted: Option<Arc<dyn Fn() -> bool + Send + Sync>>,
    /// Keeps the snapshot of a replay from one lookup to the next, which saves half
    /// of their time. Whoever asks for this calls [`Cache::release`] at the end of
    /// each test: while a snapshot is held, recorders elsewhere grow the file.
    pub holds: bool,
    /// The environment, if it is not the process's own.
    pub env: Option<Env>,
}

impl Hooks {
    fn env(&self) -> Result<Env> {
        self.env.clone().map_or_else(Env::process, Ok)
    }
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
        let settings = Settings::explicit(path, options, &hooks.env()?)?;
        let missing = !settings.mode.records() && settings.mode != Mode::Off;
        if missing && !settings.path.exists() {
            return Err(Error::file(
                ErrorKind::Io,
                &settings.path,
                format_args!(
                    "there is no cache file, and mode {} ({}) makes none; record it first: {}",
                    settings.mode,
                    settings.mode_reason,
                    settings.way_to_record()
                ),
            ));
        }
        Self::with(settings, hooks)
    }

    /// Opens the file that options, environment and `f3dx-cache.toml` name, as test
    /// hooks do: a file that is missing is an empty cache where the mode makes none,
    /// and a replay holds its snapshot until [`Cache::release`].
    ///
    /// # Errors
    ///
    /// As [`Cache::open`].
    pub fn for_tests(options: Options) -> Result<Self> {
        let hooks = Hooks { holds: true, ..Hooks::default() };
        Self::with(Settings::for_tests(options, &Env::process()?)?, hooks)
    }

    /// Opens the file that `settings` name.
    ///
    /// # Errors
    ///
    /// As [`Cache::open`]; a missing file is an empty cache where the mode makes none.
    pub fn with(settings: Settings, hooks: Hooks) -> Result<Self> {
        let env = hooks.env()?;
        let patience = Patience {
            timeout: Duration::from_millis(settings.options.lock_timeout_ms.unwrap_or(10_000)),
            interrupted: hooks.interrupted.unwrap_or_else(|| Arc::new(|| false)),
        };
        let wanted = IdentityPolicy::from_options(&settings.options)?;
        let (policy, identity) = match settings.mode {
            Mode::Off => (wanted.unwrap_or_default(), Arc::default()),
            mode => file_policy(&settings.path, wanted, mode.records(), &patience)?,
        };
        // Aliases and matched headers are the file's, whoever opened it.
        let options = Options {
            host_aliases: Some(policy.host_aliases().clone()),
            match_headers: Some(policy.match_headers().to_vec()),
            ..settings.options.clone()
        };
        let http = HttpPolicy::new(&options, &|name| env.var(name))?;
        let redactor = Redactor::new(policy.redact())?;
        let open = Open {
            holds: hooks.holds && settings.mode == Mode::Replay,
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
        let command = command.map(|command| redactor.text(&command, &SentSecrets::default()));
        let session = Session::of(test, command);
        Self { open: Arc::clone(&self.open), session: Arc::new(session) }
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

    /// Returns whether the cache was closed.
    pub fn is_closed(&self) -> bool {
        self.open.closed.load(Ordering::Relaxed)
    }

    /// Returns the settings in force: path, mode and why, options.
    pub fn settings(&self) -> &Settings {
        &self.open.settings
    }

    /// Reads a snapshot, held or fresh as the mode has it; `None` without a file.
    pub(crate) fn read<T>(&self, look: impl Fn(&Snapshot) -> Result<T>) -> Result<Option<T>> {
        self.alive()?;
        let look = |snapshot: &Snapshot| {
            self.check_identity(snapshot)?;
            look(snapshot)
        };
        let (shared, patience) = (self.shared(), &self.open.patience);
        match self.open.holds {
            true => shared.held(patience, |snapshot| look(snapshot).map(Some), None),
            false => shared.snapshot(patience)?.map(|snapshot| look(&snapshot)).transpose(),
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

/// Returns the run that this process belongs to.
fn run(env: &Env) -> String {
    static OWN: OnceLock<String> = OnceLock::new();
    env.var("F3DX_CACHE_RUN_ID").unwrap_or_else(|| {
        OWN.get_or_init(|| format!("{}-{}", now_ms(), std::process::id())).clone()
    })
}
