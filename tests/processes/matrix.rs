//! What one language put, every other one gets.

use crate::{Language, OPTIONS, place};
use serde_json::Value;
use std::path::Path;

/// What a language knows of a file: entries by fingerprint and meta, and the explanation of
/// a miss.
#[derive(Debug, PartialEq)]
struct Known {
    got: String,
    entries: Vec<(String, Value)>,
    explained: String,
}

#[test]
fn an_entry_put_by_one_language_is_got_by_every_other() {
    for recorder in Language::ALL {
        let (_folder, path) = place();
        let mut worker = recorder.start(OPTIONS);
        assert_eq!(worker.open("record", &path).as_deref(), Ok("ok"));
        assert_eq!(worker.ask("put 0 3").as_deref(), Ok("ok"), "{recorder:?}");
        assert_eq!(worker.ask("close").as_deref(), Ok("ok"));
        assert!(worker.leave().success());
        let bytes = std::fs::read(&path).unwrap();

        let expected = known(Language::Rust, &path);
        assert_eq!(expected.got, "got 3 0 0");
        assert!(expected.entries.iter().all(|(fingerprint, meta)| {
            fingerprint.len() == 64 && meta["created_at_ms"].as_u64() > Some(0)
        }));
        assert!(expected.explained.contains("/prompt"), "{}", expected.explained);
        for reader in Language::ALL {
            assert_eq!(known(reader, &path), expected, "{recorder:?} put, {reader:?} got");
        }
        assert!(bytes == std::fs::read(&path).unwrap(), "a replay changed the file");
    }
}

fn known(language: Language, path: &Path) -> Known {
    let mut worker = language.start(OPTIONS);
    assert_eq!(worker.open("replay", path).as_deref(), Ok("ok"));
    let got = worker.ask("get 0 3").unwrap();
    let entries = (0..3).map(|n| {
        let said = worker.ask(&format!("entry {n}")).unwrap();
        let (fingerprint, meta) = said.strip_prefix("entry ").unwrap().split_once(' ').unwrap();
        (fingerprint.to_owned(), serde_json::from_str(meta).unwrap())
    });
    let entries = entries.collect();
    let explained = worker.ask("explain 7").unwrap();
    Known { got, entries, explained }
}
