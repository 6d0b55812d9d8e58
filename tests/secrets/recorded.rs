//! A call that is recorded through core, and everything that is left of it and said.

use crate::base64;
use f3dx_cache_core::http::HttpCall;
use f3dx_cache_core::{Cache, Decision, End, Mode, Options, Turn};
use std::path::Path;
use tempfile::TempDir;

/// A call, as a binding would see it.
#[derive(Clone, Debug)]
pub struct Call {
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// A response, in the pieces in which it arrives.
#[derive(Clone, Debug)]
pub struct Answer {
    pub content_type: &'static str,
    pub headers: Vec<(String, String)>,
    pub chunks: Vec<Vec<u8>>,
}

pub const URL: &str = "https://api.openai.com/v1/chat/completions";
pub const TEST: &str = "tests/test_chat.py::test_answer";

impl Call {
    pub fn of(body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        Self { url: URL.to_owned(), headers, body: body.into() }
    }

    /// A request whose one message says `text`.
    pub fn saying(text: &str) -> Self {
        let message = serde_json::json!({"role": "user", "content": text});
        let body = serde_json::json!({"model": "m", "messages": [message]});
        Self::of(body.to_string())
    }

    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

impl Answer {
    /// A unary answer that says `text`.
    pub fn saying(text: &str) -> Self {
        let message = serde_json::json!({"role": "assistant", "content": text});
        let choice = serde_json::json!({"index": 0, "finish_reason": "stop", "message": message});
        let body = serde_json::json!({"id": "1", "choices": [choice]}).to_string();
        Self { content_type: "application/json", headers: vec![], chunks: vec![body.into()] }
    }
}

/// A folder with a cache, and what was said of it so far.
pub struct Place {
    folder: TempDir,
    options: Options,
    pub said: String,
}

impl Place {
    pub fn new(options: Options) -> Self {
        // In memory, where there is such a folder: nothing here is about what is durable.
        let memory = Path::new("/dev/shm");
        let folder =
            if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        Self { folder: folder.unwrap(), options, said: String::new() }
    }

    pub fn open(&self, mode: Mode) -> Cache {
        let options = Options { mode: Some(mode), ..self.options.clone() };
        let cache = Cache::open(self.folder.path().join("cache.redb"), options).unwrap();
        cache.session(Some(TEST.to_owned()), None)
    }

    /// Records a call; returns whether the response was recorded.
    pub fn record(&mut self, call: &Call, answer: &Answer) -> bool {
        let cache = self.open(Mode::Record);
        let recorded = send(&cache, call, answer);
        self.hear(&cache);
        recorded
    }

    /// Returns the body that replays a call, and hears what a miss of it would say.
    pub fn replay(&mut self, call: &Call) -> Option<Vec<u8>> {
        let cache = self.open(Mode::Replay);
        let replayed = match ask(&cache, call) {
            Decision::Replay(replay) => {
                self.said += &format!("{:?}", replay.head);
                Some(replay.body)
            }
            Decision::Refuse(refused) => {
                self.said += &refused.to_string();
                None
            }
            _ => panic!("{call:?} is refused or replayed"),
        };
        self.hear(&cache);
        replayed
    }

    /// Keeps everything that a cache says at the end of a test.
    pub fn hear(&mut self, cache: &Cache) {
        let summary = cache.summary().unwrap();
        for line in [
            cache.warnings().join("\n"),
            cache.refused_misses().join("\n"),
            summary.line(Mode::Record, Path::new("cache.redb")),
            summary.refusal_lines().join("\n"),
            serde_json::to_string(&summary).unwrap(),
        ] {
            self.said += &line;
            self.said.push('\n');
        }
        for entry in cache.entries().unwrap() {
            self.said += &format!("{:?}\n", entry.unwrap());
        }
    }

    /// Says where a spelling of `secret` stands: in which file, or in what was said.
    pub fn leak(&self, secret: &str) -> Option<String> {
        let mut places = vec![("what was said".to_owned(), self.said.clone().into_bytes())];
        for file in std::fs::read_dir(self.folder.path()).unwrap() {
            let file = file.unwrap();
            let bytes = std::fs::read(file.path()).unwrap();
            places.push((file.file_name().to_string_lossy().into_owned(), bytes));
        }
        assert!(places.len() > 1, "there is a cache file");
        let in_json = serde_json::to_string(secret).unwrap();
        let in_json = &in_json[1..in_json.len() - 1];
        let twice = serde_json::to_string(in_json).unwrap();
        let mut spellings = vec![secret.to_owned(), in_json.to_owned()];
        spellings.push(twice[1..twice.len() - 1].to_owned());
        spellings.push(percent(secret));
        spellings.extend(base64::pieces(secret));
        places.into_iter().find_map(|(place, bytes)| {
            let found = spellings.iter().find(|text| contains(&bytes, text.as_bytes()))?;
            Some(format!("{place} holds {found}"))
        })
    }

    pub fn count(&self) -> u64 {
        self.open(Mode::Replay).stats().unwrap().entries
    }
}

pub fn ask(cache: &Cache, call: &Call) -> Decision {
    let headers: Vec<_> = call.headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let call = HttpCall { method: "POST", url: &call.url, headers: &headers, body: &call.body };
    cache.intercept(&call).unwrap()
}

/// Sends a call that misses, and gives its exchange the answer.
pub fn send(cache: &Cache, call: &Call, answer: &Answer) -> bool {
    let Decision::Send(mut exchange) = ask(cache, call) else {
        panic!("it is recorded already, or none of our business: {call:?}")
    };
    assert!(matches!(exchange.claim(1).unwrap(), Turn::Send));
    let mut headers = vec![("content-type", answer.content_type)];
    headers.extend(answer.headers.iter().map(|(n, v)| (n.as_str(), v.as_str())));
    exchange.head(200, &headers);
    for chunk in &answer.chunks {
        exchange.chunk(chunk);
    }
    exchange.finish(End::Eof).unwrap()
}

pub fn percent(text: &str) -> String {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    text.bytes()
        .map(|byte| if bare(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

pub fn contains(bytes: &[u8], text: &[u8]) -> bool {
    memchr::memmem::find(bytes, text).is_some()
}
