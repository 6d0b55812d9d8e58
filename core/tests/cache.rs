//! The cache as a user of the crate meets it.

#![allow(clippy::unwrap_used)]

use f3dx_cache_core::{Cache, ErrorKind, Meta, Mode, Options, Repeats, Scope, Stored};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

const REQUEST: &[u8] = br#"{"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}"#;

struct Place {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("llm.redb");
    Place { _folder: folder, path }
}

fn mode(mode: Mode) -> Options {
    Options { mode: Some(mode), ..Options::default() }
}

fn bytes(place: &Place) -> Vec<u8> {
    std::fs::read(&place.path).unwrap()
}

#[test]
fn what_is_put_is_got_whatever_the_spelling() {
    let place = place();
    let cache = Cache::open(&place.path, mode(Mode::Record)).unwrap();
    assert_eq!(cache.get(REQUEST).unwrap(), None);
    let put = cache.put(REQUEST, b"hello", Meta::default()).unwrap();
    assert_eq!(put.stored, Stored::Recorded);
    let respelled =
        br#"{"messages":[{"content":"\u0048i","role":"user"}],"model":"gpt-4o"}"#.as_slice();
    assert_eq!(cache.get(respelled).unwrap().unwrap().body, b"hello");
    assert_eq!(cache.fingerprint(respelled).unwrap(), put.fingerprint);
    let stats = cache.stats().unwrap();
    assert_eq!((stats.entries, stats.hits, stats.misses, stats.bytes_responses), (1, 1, 1, 5));
}

#[test]
fn the_first_recording_stays() {
    let place = place();
    let cache = Cache::open(&place.path, mode(Mode::Record)).unwrap();
    cache.put(REQUEST, b"first", Meta::default()).unwrap();
    let again = cache.put(REQUEST, b"second", Meta::default()).unwrap();
    assert_eq!(again.stored, Stored::Kept);
    assert_eq!(cache.get(REQUEST).unwrap().unwrap().body, b"first");
}

#[test]
fn refresh_replaces_once_a_run() {
    let place = place();
    {
        let cache = Cache::open(&place.path, mode(Mode::Record)).unwrap();
        let old = Meta { run: Some("another run".into()), ..Meta::default() };
        cache.put(REQUEST, b"old", old).unwrap();
    }
    let cache = Cache::open(&place.path, mode(Mode::Refresh)).unwrap();
    cache.put(REQUEST, b"new", Meta::default()).unwrap();
    assert_eq!(cache.get(REQUEST).unwrap().unwrap().body, b"new");
    let again = cache.put(REQUEST, b"newer", Meta::default()).unwrap();
    assert_eq!(again.stored, Stored::Kept);
}

#[test]
fn replay_leaves_the_file_byte_identical() {
    let place = place();
    Cache::open(&place.path, mode(Mode::Record))
        .and_then(|cache| {
            cache.put(REQUEST, b"hello", Meta::default())?;
            cache.close()
        })
        .unwrap();
    let before = bytes(&place);
    let cache = Cache::open(&place.path, mode(Mode::Replay)).unwrap();
    assert_eq!(cache.get(REQUEST).unwrap().unwrap().body, b"hello");
    assert_eq!(cache.get(b"{}").unwrap(), None);
    let refused = cache.put(b"{}", b"x", Meta::default()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ReadOnly);
    cache.close().unwrap();
    assert!(bytes(&place) == before);
}

#[test]
fn a_record_run_that_only_hits_leaves_the_file_byte_identical() {
    let place = place();
    let cache = Cache::open(&place.path, mode(Mode::Record)).unwrap();
    cache.put(REQUEST, b"hello", Meta::default()).unwrap();
    cache.close().unwrap();
    let before = bytes(&place);
    let cache = Cache::open(&place.path, mode(Mode::Record)).unwrap();
    assert!(cache.get(REQUEST).unwrap().is_some());
    cache.close().unwrap();
    assert!(bytes(&place) == before);
}

#[test]
fn hits_are_written_by_a_handle_that_recorded() {
    let place = place();
    let cache = Cache::open(&place.path, mode(Mode::Record)).unwrap();
    let put = cache.put(REQUEST, b"hello", Meta::default()).unwrap();
    for _ in 0..3 {
        cache.get(REQUEST).unwrap();
    }
    cache.peek(REQUEST).unwrap();
    cache.close().unwrap();
    let cache = Cache::open(&place.path, mode(Mode::Replay)).unwrap();
    assert_eq!(cache.meta(&put.fingerprint).unwrap().unwrap().hit_count, 3);
}

#[test]
fn a_sequence_gives_each_identical_call_its_own_answer() {
    let place = place();
    let options =
        |mode| Options { mode: Some(mode), repeats: Some(Repeats::Sequence), ..Options::default() };
    let cache = Cache::open(&place.path, options(Mode::Record)).unwrap();
    for answer in ["one", "two", "three"] {
        assert_eq!(cache.get(REQUEST).unwrap(), None);
        cache.put(REQUEST, answer.as_bytes(), Meta::default()).unwrap();
    }
    let replay = Cache::open(&place.path, options(Mode::Replay)).unwrap();
    for answer in ["one", "two", "three"] {
        assert_eq!(replay.get(REQUEST).unwrap().unwrap().body, answer.as_bytes());
    }
    assert_eq!(replay.get(REQUEST).unwrap(), None);
    // Without the option, the first answer is the answer.
    let plain = Cache::open(&place.path, mode(Mode::Replay)).unwrap();
    assert_eq!(plain.get(REQUEST).unwrap().unwrap().body, b"one");
}

#[test]
fn a_miss_names_the_nearest() {
    let place = place();
    let cache = Cache::open(&place.path, mode(Mode::Record)).unwrap();
    let near = cache.put(REQUEST, b"hello", Meta::default()).unwrap();
    cache.put(br#"{"model":"other","input":"something else"}"#, b"x", Meta::default()).unwrap();
    let asked = br#"{"model": "gpt-4o", "messages": [{"role": "user", "content": "Ho"}]}"#;
    let explanation = cache.explain(asked).unwrap();
    let nearest = explanation.nearest.clone().unwrap();
    assert_eq!(nearest.fingerprint, near.fingerprint.to_string());
    assert_eq!(nearest.differences.len(), 1);
    let difference = &nearest.differences[0];
    assert_eq!(difference.path, "/messages/0/content");
    assert_eq!(difference.recorded.as_deref(), Some("\"Hi\""));
    assert_eq!(difference.requested.as_deref(), Some("\"Ho\""));
    assert!(explanation.to_string().contains("/messages/0/content"));
}

#[test]
fn a_file_that_is_missing_is_an_error_unless_the_mode_makes_it() {
    let place = place();
    for mode_without in [Mode::Replay, Mode::ReadOnly] {
        let error = Cache::open(&place.path, mode(mode_without)).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Io);
        assert!(error.to_string().contains("llm.redb"), "{error}");
    }
    let off = Cache::open(&place.path, mode(Mode::Off)).unwrap();
    assert_eq!(off.put(REQUEST, b"x", Meta::default()).unwrap().stored, Stored::Skipped);
    assert!(!place.path.exists());
}

#[test]
fn what_is_no_cache_is_said_to_be_what_it_looks_like() {
    let place = place();
    for (content, says) in [
        (b"".as_slice(), "is empty"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
        (b"redb\x1a\r\n\xa9\r\r\n and so on", "line-ending"),
        (b"hello, this is a text file", "not a cache file"),
    ] {
        std::fs::write(&place.path, content).unwrap();
        for each in [Mode::Record, Mode::Replay] {
            let error = Cache::open(&place.path, mode(each)).err().unwrap();
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
            assert!(error.to_string().contains(says), "{error}");
        }
        assert_eq!(std::fs::read(&place.path).unwrap(), content);
    }
}

#[test]
fn two_modes_of_one_file_in_one_process_see_the_same() {
    let place = place();
    let record = Cache::open(&place.path, mode(Mode::Record)).unwrap();
    let replay = Cache::open(&place.path, mode(Mode::Replay)).unwrap();
    assert_eq!(replay.get(REQUEST).unwrap(), None);
    record.put(REQUEST, b"hello", Meta::default()).unwrap();
    assert_eq!(replay.get(REQUEST).unwrap().unwrap().body, b"hello");
    record.close().unwrap();
    assert!(replay.get(REQUEST).unwrap().is_some());
}

#[test]
fn threads_put_at_once_and_lose_nothing() {
    let place = place();
    let cache = Cache::open(&place.path, mode(Mode::Record)).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let cache = &cache;
            scope.spawn(move || {
                for n in 0..10 {
                    let request = format!("{{\"n\":{},\"t\":{thread}}}", n);
                    cache.put(request.as_bytes(), request.as_bytes(), Meta::default()).unwrap();
                    let got = cache.get(request.as_bytes()).unwrap().unwrap();
                    assert_eq!(got.body, request.as_bytes());
                }
            });
        }
    });
    assert_eq!(cache.stats().unwrap().entries, 80);
}

#[test]
fn a_walk_sees_every_entry_once_and_outlives_its_cache() {
    let place = place();
    let cache = Cache::open(&place.path, mode(Mode::Record)).unwrap();
    for n in 0..600 {
        cache.put(format!("[{n}]").as_bytes(), b"x", Meta::default()).unwrap();
    }
    let walk = cache.entries().unwrap();
    cache.close().unwrap();
    drop(cache);
    let seen: Vec<_> = walk.map(|entry| entry.unwrap().fingerprint).collect();
    assert_eq!(seen.len(), 600);
    assert!(seen.is_sorted());
}

#[test]
fn a_deleted_entry_is_gone() {
    let place = place();
    let cache = Cache::open(&place.path, mode(Mode::Record)).unwrap();
    let put = cache.put(REQUEST, b"hello", Meta::default()).unwrap();
    assert!(cache.delete(&put.fingerprint).unwrap());
    assert!(!cache.delete(&put.fingerprint).unwrap());
    assert_eq!(cache.get(REQUEST).unwrap(), None);
    assert_eq!(cache.entries().unwrap().count(), 0);
}

#[test]
fn a_closed_cache_says_so() {
    let place = place();
    let cache = Cache::open(&place.path, mode(Mode::Record)).unwrap();
    cache.close().unwrap();
    let error = cache.get(REQUEST).unwrap_err();
    assert!(error.to_string().contains("closed"), "{error}");
}

#[test]
fn a_put_that_would_outgrow_max_bytes_is_refused() {
    let place = place();
    let options = Options { max_bytes: Some(100), ..mode(Mode::Record) };
    let cache = Cache::open(&place.path, options).unwrap();
    let error = cache.put(REQUEST, b"hello", Meta::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Full);
    assert_eq!(cache.get(REQUEST).unwrap(), None);
}

#[test]
fn a_file_replaced_under_readers_and_a_writer_blocks_nobody() {
    let place = place();
    let record = Cache::open(&place.path, mode(Mode::Record)).unwrap();
    record.put(b"[1]", b"x", Meta::default()).unwrap();
    let replay = Cache::open(&place.path, mode(Mode::Replay)).unwrap();
    let copy = std::fs::read(&place.path).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    replay.get(b"[1]").unwrap();
                    replay.release();
                }
            });
        }
        // Each round once ended in a deadlock of `held` and `reader` by chance.
        for n in 0..40 {
            let next = place.path.with_extension("next");
            std::fs::write(&next, &copy).unwrap();
            std::fs::rename(&next, &place.path).unwrap();
            record.put(format!("[{n},0]").as_bytes(), b"y", Meta::default()).unwrap();
        }
        done.store(true, Ordering::Relaxed);
    });
}

#[test]
fn a_file_replaced_by_one_of_another_policy_is_neither_read_nor_written() {
    let place = place();
    let other = place.path.with_extension("other");
    Cache::open(&other, mode(Mode::Record)).unwrap().close().unwrap();
    let options = Options { ignore: Some(vec!["/metadata".into()]), ..mode(Mode::Record) };
    let cache = Cache::open(&place.path, options).unwrap();
    std::fs::rename(&other, &place.path).unwrap();
    for _ in 0..2 {
        let put = cache.put(br#"{"a":1,"metadata":2}"#, b"x", Meta::default());
        assert_eq!(put.unwrap_err().kind(), ErrorKind::ConfigMismatch);
    }
    assert_eq!(cache.get(br#"{"a":1}"#).unwrap_err().kind(), ErrorKind::ConfigMismatch);
    let stands = Cache::open(&place.path, mode(Mode::Replay)).unwrap();
    assert_eq!(stands.stats().unwrap().entries, 0);
}

#[test]
fn a_file_that_was_renamed_is_written_under_its_new_name() {
    let place = place();
    let old = Cache::open(&place.path, mode(Mode::Record)).unwrap();
    old.put(b"[1]", b"x", Meta::default()).unwrap();
    let renamed = place.path.with_extension("renamed");
    std::fs::rename(&place.path, &renamed).unwrap();
    let new = Cache::open(&renamed, mode(Mode::Record)).unwrap();
    new.put(b"[2]", b"y", Meta::default()).unwrap();
    assert_eq!(new.get(b"[2]").unwrap().unwrap().body, b"y");
    assert!(!place.path.exists());
}

#[test]
fn a_key_in_the_name_of_a_test_or_in_meta_is_not_stored() {
    let key = "sk-proj-abcdefghijklmnopqrstuvwxyz0123456789";
    for scope in [Scope::Shared, Scope::Test] {
        let place = place();
        let options = Options { scope: Some(scope), ..mode(Mode::Record) };
        let cache = Cache::open(&place.path, options).unwrap();
        let test = cache.session(Some(format!("test_login[{key}]")), None);
        let mut meta = Meta { model: Some(key.to_owned()), ..Meta::default() };
        meta.other.insert("note".to_owned(), format!("with {key}").into());
        let put = test.put(REQUEST, b"x", meta).unwrap();
        assert!(test.get(REQUEST).unwrap().is_some());
        let source = cache.meta(&put.fingerprint).unwrap().unwrap().source.unwrap();
        assert!(source.starts_with("test_login[[secret:openai:"), "{source}");
        assert!(!bytes(&place).windows(key.len()).any(|part| part == key.as_bytes()));
    }
}

#[test]
fn what_a_caller_says_of_an_entry_wins_over_what_the_response_says() {
    let place = place();
    let cache = Cache::open(&place.path, mode(Mode::Record)).unwrap();
    let answer = br#"{"model":"theirs","system_fingerprint":"fp_theirs"}"#;
    let meta = Meta { model: Some("mine".into()), ..Meta::default() };
    let put = cache.put(REQUEST, answer, meta).unwrap();
    let meta = cache.meta(&put.fingerprint).unwrap().unwrap();
    assert_eq!(meta.model.as_deref(), Some("mine"));
    assert_eq!(meta.system_fingerprint.as_deref(), Some("fp_theirs"));
}

#[test]
fn contains_says_what_get_would_find() {
    let place = place();
    let cache = Cache::open(&place.path, mode(Mode::Record)).unwrap();
    let old = Meta { run: Some("another run".into()), ..Meta::default() };
    cache.put(REQUEST, b"x", old).unwrap();
    for each in Mode::ALL {
        let cache = Cache::open(&place.path, mode(each)).unwrap();
        let found = cache.peek(REQUEST).unwrap().is_some();
        assert_eq!(cache.contains(REQUEST).unwrap(), found, "{each}");
    }
}

#[test]
fn the_miss_of_a_later_identical_call_is_explained_as_such() {
    let place = place();
    let options = Options { repeats: Some(Repeats::Sequence), ..mode(Mode::Record) };
    let cache = Cache::open(&place.path, options).unwrap();
    cache.get(REQUEST).unwrap();
    let first = cache.put(REQUEST, b"x", Meta::default()).unwrap();
    assert_eq!(cache.get(REQUEST).unwrap(), None);
    let nearest = cache.explain(REQUEST).unwrap().nearest.unwrap();
    assert_eq!(nearest.fingerprint, first.fingerprint.to_string());
    assert_eq!(nearest.differences[0].path, "/occurrence");
}

#[test]
fn a_key_in_a_response_that_is_put_is_reported_and_replaced_if_asked_for() {
    let key = "sk-proj-abcdefghijklmnopqrstuvwxyz0123456789";
    for (redact, stored) in [(false, true), (true, false)] {
        let place = place();
        let options = Options { redact_responses: Some(redact), ..mode(Mode::Record) };
        let cache = Cache::open(&place.path, options).unwrap();
        cache.put(REQUEST, format!("use {key}").as_bytes(), Meta::default()).unwrap();
        assert_eq!(cache.warnings().len(), 1);
        let holds = bytes(&place).windows(key.len()).any(|part| part == key.as_bytes());
        assert_eq!(holds, stored);
    }
}
