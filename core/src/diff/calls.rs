//! Model calls of comparisons, recorded in the cache file: what was asked once is not asked again.

use super::comparison::Verdict;
use super::excerpt;
use super::finding::Finding;
use crate::cache::Asked;
use crate::json::to_canonical;
use crate::secrets::{Redactor, SentSecrets};
use crate::{Cache, Claimed, Error, Fingerprint, Meta};
use serde_json::{Map, Value};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How much of what a provider said is shown.
const SHOWN: usize = 300;

/// How long a wait for another one's call goes on before it is asked whether to give up.
const SLICE: Duration = Duration::from_millis(50);

/// Threads and tasks are numbered by callers, from below.
static NEXT_HOLDER: AtomicU64 = AtomicU64::new(1 << 63);

/// Why there is no answer; it is the pair's verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// It could not be had.
    Failed(String),
    /// It would be one call too many.
    Skipped(String),
}

/// One answer to each question, or why there is none.
pub(super) type Answers = Result<Vec<Vec<u8>>, Failure>;

/// What is asked, as it is recorded: a document of our own, not the provider's request, so that
/// neither the way to a provider nor a parameter it rejects makes another question of it.
pub(super) struct Recorded {
    /// What is asked, for messages.
    what: String,
    model: String,
    /// The document, secrets included, and where it stands; if there is a file.
    place: Option<(Vec<u8>, Fingerprint)>,
}

impl Recorded {
    /// Makes one of the document that identifies the question.
    ///
    /// A `normalize` rule of the file must not make one question of two, so the document also
    /// gets a digest of itself, in numbers, which no such rule touches.
    pub fn new(
        cache: Option<&Cache>,
        what: String,
        model: &str,
        mut document: Map<String, Value>,
    ) -> Result<Self, Failure> {
        let model = model.to_owned();
        let Some(cache) = cache else { return Ok(Self { what, model, place: None }) };
        let addressing = &cache.open.addressing;
        let canonical = to_canonical(&Value::Object(document.clone()))?;
        // Of what is stored: a digest of a secret would tell it from others.
        let stored = addressing.redactor().request(&canonical)?;
        let digest: Vec<Value> = blake3::hash(&stored)
            .as_bytes()
            .chunks_exact(4)
            .map(|four| u32::from_be_bytes([four[0], four[1], four[2], four[3]]).into())
            .collect();
        document.insert("digest".to_owned(), digest.into());
        let document = to_canonical(&Value::Object(document))?;
        let fingerprint = addressing.fingerprint(&document)?;
        Ok(Self { what, model, place: Some((document, fingerprint)) })
    }

    /// Whether one record answers both.
    pub fn is(&self, other: &Self) -> bool {
        let (own, others) = (self.place.as_ref(), other.place.as_ref());
        own.zip(others).is_some_and(|((_, own), (_, other))| own == other)
    }
}

/// How the secrets of two outputs compare, which are replaced in the file: what is recorded there
/// of the outputs does not tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Secrets {
    None,
    Alike,
    Unlike,
}

impl Secrets {
    /// Compares those of two outputs; without a file nothing is replaced.
    pub fn of(cache: Option<&Cache>, outputs: [&str; 2]) -> Result<Self, Failure> {
        let Some(cache) = cache else { return Ok(Self::None) };
        let redactor = cache.open.addressing.redactor();
        let found = |output: &str| -> Result<SentSecrets, Failure> {
            Ok(redactor.sent_with(&to_canonical(&output.into())?, &SentSecrets::default())?)
        };
        let (one, other) = (found(outputs[0])?, found(outputs[1])?);
        Ok(match one == other {
            true if one.is_empty() => Self::None,
            true => Self::Alike,
            false => Self::Unlike,
        })
    }
}

/// Returns what is recorded for each question, and has `call` answer those for which nothing is.
///
/// `call` gets the places of these in `asked` and returns as many answers. Of several threads and
/// processes that ask the same, one calls. Nothing of the file is held open meanwhile.
pub(super) fn answers(
    cache: Option<&Cache>,
    asked: &[Recorded],
    call: &dyn Fn(&[usize]) -> Answers,
) -> Answers {
    let places: Vec<_> = asked.iter().filter_map(|one| one.place.as_ref()).collect();
    let Some(cache) = cache.filter(|_| places.len() == asked.len()) else {
        return call(&Vec::from_iter(0..asked.len()));
    };
    let recorded = |place: usize| -> Result<Option<Vec<u8>>, Failure> {
        Ok(cache.lookup(&places[place].1)?.map(|response| response.body))
    };
    let mut found = vec![None; asked.len()];
    for (place, (_, fingerprint)) in places.iter().enumerate() {
        found[place] = recorded(place)?;
        let asked = Asked { fingerprint: *fingerprint, call: None };
        cache.count(&asked, found[place].is_some());
    }
    let mut missing: Vec<_> = (0..asked.len()).filter(|&place| found[place].is_none()).collect();
    if let Some(&first) = missing.first()
        && !cache.settings().mode.calls()
    {
        return Err(miss(cache, &asked[first].what));
    }
    // In one order everywhere, so that nobody waits for one who waits for him.
    missing.sort_by_key(|&place| places[place].1);
    let mut claims = Vec::new();
    for &place in &missing {
        match claim(cache, &places[place].1, &asked[place].what)? {
            Claimed::Recorded => found[place] = recorded(place)?,
            Claimed::Call(claim) => claims.extend(claim),
            Claimed::Wait => {}
        }
    }
    missing.retain(|&place| found[place].is_none());
    missing.sort_unstable();
    if !missing.is_empty() {
        let begun = Instant::now();
        let called = call(&missing)?;
        let took = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        for (place, answer) in missing.into_iter().zip(called) {
            let meta = Meta {
                model: Some(asked[place].model.clone()),
                response_duration_ms: Some(took),
                ..Meta::default()
            };
            cache.put_own(&places[place].0, &answer, meta)?;
            // What stands there is what a second run sees: secrets replaced, or another
            // process's answer, which came first.
            found[place] = Some(recorded(place)?.unwrap_or(answer));
        }
    }
    drop(claims);
    Ok(found.into_iter().flatten().collect())
}

/// Waits for the right to call, or for another one's answer.
fn claim(cache: &Cache, fingerprint: &Fingerprint, what: &str) -> Result<Claimed, Failure> {
    // A number of its own for each claim: two of one comparison are no nested ones.
    let holder = NEXT_HOLDER.fetch_add(1, Ordering::Relaxed);
    let limit = cache.settings().options.claim_timeout_ms.unwrap_or(60_000);
    let since = Instant::now();
    loop {
        let left = Duration::from_millis(limit).saturating_sub(since.elapsed());
        match cache.claim(fingerprint, holder, left.min(SLICE))? {
            Claimed::Wait if (cache.open.patience.interrupted)() => {
                let message = format!("{what}: interrupted while another one asks for it");
                return Err(Failure::Failed(message));
            }
            Claimed::Wait if since.elapsed() < Duration::from_millis(limit) => {}
            Claimed::Wait => {
                cache.session.without_claim();
                return Ok(Claimed::Wait);
            }
            claimed => return Ok(claimed),
        }
    }
}

fn miss(cache: &Cache, what: &str) -> Failure {
    let settings = cache.settings();
    Failure::Failed(format!(
        "{what} is not recorded in {}, and mode {} ({}) does not call; to record: {}",
        settings.path.display(),
        settings.mode,
        settings.mode_reason,
        cache.command()
    ))
}

/// Returns what a response `{"error": …}` says.
pub(super) fn error_of(response: &[u8]) -> Option<String> {
    let response: Value = serde_json::from_slice(response).ok()?;
    let error = response.get("error").filter(|error| !error.is_null())?;
    let said = error.get("message").and_then(Value::as_str).or(error.as_str());
    let mut told = said.map_or_else(|| error.to_string(), str::to_owned);
    // Some name the parameter only beside the message.
    if let Some(parameter) = error.get("param").and_then(Value::as_str)
        && !told.contains(parameter)
    {
        told.push_str(&format!(" ({parameter})"));
    }
    Some(told)
}

impl Failure {
    /// Makes one of what a provider, a transport or the caller's code said.
    pub fn said(what: &str, said: &str) -> Self {
        // Providers repeat the key that they reject.
        let said = match Redactor::new(&[]) {
            Ok(redactor) => redactor.text(said, &SentSecrets::default()),
            Err(_) => String::new(),
        };
        let mut message = format!("{what}: ");
        match said.trim() {
            "" => message.push_str("the call failed, without a reason"),
            said => excerpt::push_short(said, SHOWN, &mut message),
        }
        Self::Failed(message)
    }

    /// Makes the verdict of it.
    pub fn finding(self) -> Finding {
        match self {
            Self::Failed(note) => Finding::new(Verdict::Error, note),
            Self::Skipped(note) => Finding::new(Verdict::Skipped, note),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Failed(error.to_string())
    }
}
