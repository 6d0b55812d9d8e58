//! The policy for HTTP responses: any status, headers and body, in any pieces, from
//! the watcher alone and through an exchange with a file.

use super::call::{key_of, pairs, replaced};
use super::input::Input;
use f3dx_cache_core::http::{
    HttpCall, HttpPolicy, StreamState, StreamWatcher, Verdict, facts_of, kept_headers, usage_of,
};
use f3dx_cache_core::secrets::{Cleaned, Redactor, SentSecrets};
use f3dx_cache_core::{Cache, Decision, End, Mode, Options, Turn};
use std::path::Path;
use tempfile::TempDir;

const URL: &str = "https://api.openai.com/v1/chat/completions";

/// Checks what is promised about a response made of `data`: flags, status, headers
/// and sizes of pieces, and the body.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let key = key_of(data);
    let flags = input.byte();
    let status = 100 + (u16::from(input.byte()) << 8 | u16::from(input.byte())) % 900;
    let headers = input.text().replace("SECRET", &key);
    let headers = pairs(&headers);
    let sizes = input.field();
    let body = replaced(input.rest(), &key);
    let pieces = cut(&body, sizes);
    let kept = kept_headers(&headers);
    let kept_type = kept.iter().find(|(name, _)| name == "content-type");
    let content_type = kept_type.map(|(_, value)| value.as_str());

    wherever_it_is_cut(content_type, &body, &pieces);
    assert_eq!(usage_of(content_type, &body), facts_of(content_type, &body).usage);
    let response = Response { status, headers: &headers, content_type, pieces: &pieces };
    let end = [End::Eof, End::Left, End::Failed][usize::from(flags >> 1) % 3];
    recorded_or_refused(&response, flags & 1 == 1, end, &key, data);
}

struct Response<'a> {
    status: u16,
    headers: &'a [(&'a str, &'a str)],
    content_type: Option<&'a str>,
    pieces: &'a [&'a [u8]],
}

/// Cuts a body into pieces of these sizes; the last one is the rest.
fn cut<'a>(mut body: &'a [u8], sizes: &[u8]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    for size in sizes {
        let (piece, rest) = body.split_at(usize::from(*size).min(body.len()));
        pieces.push(piece);
        body = rest;
    }
    pieces.push(body);
    pieces
}

/// A watcher says the same of a body in one piece, in these, and byte by byte.
fn wherever_it_is_cut(content_type: Option<&str>, body: &[u8], pieces: &[&[u8]]) {
    let bytes: Vec<&[u8]> = body.chunks(1).collect();
    for eof in [true, false] {
        let watch = |pieces: &[&[u8]]| {
            let mut watcher = StreamWatcher::new(content_type);
            let mut before = StreamState::Open;
            for piece in pieces {
                let state = watcher.push(piece);
                assert!(before == StreamState::Open || before == state, "{before:?}, {state:?}");
                before = state;
            }
            let end = watcher.finish(eof);
            assert_ne!(end, StreamState::Open);
            assert!(before == StreamState::Open || before == end, "{before:?}, then {end:?}");
            (before, end)
        };
        let whole = watch(&[body]);
        assert_eq!(watch(pieces), whole, "eof {eof}");
        if body.len() <= 2048 {
            assert_eq!(watch(&bytes), whole, "eof {eof}");
        }
    }
}

/// What the policy allows is recorded and replayed byte by byte, but for what was
/// sent; what it refuses is not in the file.
fn recorded_or_refused(response: &Response<'_>, stream: bool, end: End, key: &str, data: &[u8]) {
    FILE.with(|(folder, cache)| {
        let cache = cache.session(None, None);
        let prompt = blake3::hash(data).to_hex();
        let asked = format!(r#"{{"model":"m {key}","stream":{stream},"input":"{prompt} {key}"}}"#);
        let bearer = format!("Bearer {key}");
        let call = HttpCall {
            method: "POST",
            url: URL,
            headers: &[("Authorization", &bearer)],
            body: asked.as_bytes(),
        };
        let intercept = || cache.intercept(&call).expect("the file is whole");
        let Decision::Send(mut exchange) = intercept() else { panic!("nothing is recorded yet") };
        let turn = exchange.claim(1).expect("the file is whole");
        assert!(matches!(turn, Turn::Send), "nobody else asks");
        exchange.head(response.status, response.headers);
        let mut passed = Vec::new();
        let mut ends = end;
        for piece in response.pieces {
            passed.extend_from_slice(piece);
            if exchange.chunk(piece) == StreamState::Complete && end != End::Failed {
                ends = End::Left;
                break;
            }
        }
        let verdict = HttpPolicy::new(&Options::default(), &|_| None)
            .expect("the defaults are right")
            .verdict(response.status, response.content_type, &passed, ends == End::Eof);
        let recorded = exchange.finish(ends).expect("the file is whole");
        let cleaned = cleaned(&passed, response.content_type, &call);
        let records = ends != End::Failed && verdict == Verdict::Record && !cleaned.is_stuck;
        assert_eq!(recorded, records, "{verdict:?}");
        assert!(!exchange.finish(ends).expect("a second finish does nothing"));
        drop(exchange);
        match (intercept(), recorded) {
            (Decision::Replay(replay), true) => {
                assert_eq!(replay.head.status, response.status);
                let chunks = replay.chunks();
                let joined: Vec<u8> =
                    chunks.iter().flat_map(|(chunk, _)| *chunk).copied().collect();
                assert_eq!(joined, replay.body, "the chunks are the body");
                if stream {
                    let pieces = response.pieces.iter().filter(|piece| !piece.is_empty());
                    assert!(chunks.len() <= pieces.count().max(1));
                } else {
                    assert_eq!(chunks.len(), 1);
                }
                if cleaned.found.is_empty() {
                    assert_eq!(replay.body, passed, "the bytes that came");
                }
                assert!(delete(&cache), "it was recorded");
            }
            (Decision::Send(_), false) => {}
            _ => panic!("recorded: {recorded}, but otherwise replayed"),
        }
        let told = format!("{:?}{:?}", cache.summary().expect("a summary"), cache.warnings());
        assert!(!told.contains(key), "what was sent is in a message: {told}");
        for entry in std::fs::read_dir(folder.path()).expect("the folder is there") {
            let path = entry.expect("an entry").path();
            let bytes = std::fs::read(&path).expect("it is readable");
            let found = memchr::memmem::find(&bytes, key.as_bytes());
            assert!(found.is_none(), "what was sent is in {}", path.display());
        }
    });
}

/// What becomes of a body that repeats what the call was sent with.
fn cleaned<'b>(body: &'b [u8], content_type: Option<&str>, call: &HttpCall<'_>) -> Cleaned<'b> {
    let redactor = Redactor::new(&[]).expect("no pattern is wrong");
    redactor.response(body, content_type, &SentSecrets::of(call), false, &mut [])
}

/// Deletes the one entry, so that the file stays small and the next run of the
/// same input finds nothing.
fn delete(cache: &Cache) -> bool {
    let entries = cache.entries().expect("the file is whole");
    let all: Vec<_> = entries.map(|entry| entry.expect("it is whole").fingerprint).collect();
    all.iter().filter(|entry| cache.delete(entry).expect("the file is whole")).count() == 1
}

thread_local! {
    /// One file for all inputs.
    static FILE: (TempDir, Cache) = {
        let folder = folder();
        let options = Options { mode: Some(Mode::Record), ..Options::default() };
        let cache = Cache::open(folder.path().join("cache.redb"), options).expect("it is made");
        (folder, cache)
    };
}

/// Makes a folder: where `TMPDIR` says, else in memory if there is such a place, since
/// a put waits for the disk.
pub(super) fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    let folder = match std::env::var_os("TMPDIR").is_none() && memory.is_dir() {
        true => tempfile::tempdir_in(memory),
        false => tempfile::tempdir(),
    };
    folder.expect("a folder is made")
}
