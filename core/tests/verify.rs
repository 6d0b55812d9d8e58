//! `verify` lists what is damaged, `recover` saves the rest.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use f3dx_cache_core::{Cache, ErrorKind, Fingerprint, Meta, Mode, Options, recover, verify};
use std::fs;
use std::path::{Path, PathBuf};

const COUNT: u32 = 80;

fn request(n: u32) -> Vec<u8> {
    format!("{{\"id\":{},\"n\":{n}}}", n + 7).into_bytes()
}

/// A body that is nowhere else in the file.
fn body(n: u32) -> Vec<u8> {
    format!("<the answer to {n}>").into_bytes().repeat(50)
}

/// Records a file whose addresses leave `id` out.
fn recorded(folder: &Path) -> (PathBuf, Cache) {
    let path = folder.join("llm.redb");
    let options = Options { ignore: Some(vec!["/id".into()]), ..Options::default() };
    let cache = Cache::open(&path, options).unwrap();
    for n in 0..COUNT {
        let meta = Meta { source: Some(format!("test {n}")), ..Meta::default() };
        cache.put(&request(n), &body(n), meta).unwrap();
    }
    cache.flush().unwrap();
    (path, cache)
}

/// Writes a damaged copy, so that nothing that is open knows the file.
fn damaged(path: &Path, damage: impl FnOnce(&mut Vec<u8>)) -> PathBuf {
    let mut bytes = fs::read(path).unwrap();
    damage(&mut bytes);
    let copy = path.with_extension("damaged");
    fs::write(&copy, bytes).unwrap();
    copy
}

/// Where `what` is: pages that are no longer in use have it, too.
fn places(bytes: &[u8], what: &[u8]) -> Vec<usize> {
    let places = bytes.windows(what.len()).enumerate();
    places.filter(|(_, window)| *window == what).map(|(at, _)| at).collect()
}

fn replay(path: &Path) -> Cache {
    let options = Options { mode: Some(Mode::Replay), ..Options::default() };
    Cache::open(path, options).unwrap()
}

#[test]
fn a_whole_file_has_no_flaws() {
    let folder = tempfile::tempdir().unwrap();
    let (path, cache) = recorded(folder.path());
    // Beside a recorder, too.
    cache.put(&request(COUNT), b"one more", Meta::default()).unwrap();
    let before = fs::read(&path).unwrap();
    let found = verify(&path).unwrap();
    assert!(found.is_intact(), "{found:?}");
    assert_eq!((found.entries, found.intact), (u64::from(COUNT) + 1, u64::from(COUNT) + 1));
    assert!(fs::read(&path).unwrap() == before);
}

#[test]
fn a_flipped_bit_in_a_response_is_listed_with_its_entry() {
    let folder = tempfile::tempdir().unwrap();
    let (path, cache) = recorded(folder.path());
    let copy = damaged(&path, |bytes| {
        for at in places(bytes, b"<the answer to 42>") {
            bytes[at + 3] ^= 1;
        }
    });
    let found = verify(&copy).unwrap();
    let entry = cache.fingerprint(&request(42)).unwrap();
    let flawed: Vec<Fingerprint> = found.flaws.iter().filter_map(|flaw| flaw.fingerprint).collect();
    assert_eq!(flawed, [entry]);
    assert_eq!((found.entries, found.intact), (u64::from(COUNT), u64::from(COUNT) - 1));

    let to = folder.path().join("saved.redb");
    let saved = recover(&copy, &to).unwrap();
    assert_eq!((saved.recovered, saved.lost), (u64::from(COUNT) - 1, vec![entry]));
    let saved = replay(&to);
    for n in 0..COUNT {
        let found = saved.get(&request(n)).unwrap();
        assert_eq!(found.map(|found| found.body), (n != 42).then(|| body(n)), "{n}");
    }
}

#[test]
fn what_is_recovered_keeps_its_policy_its_requests_and_its_meta() {
    let folder = tempfile::tempdir().unwrap();
    let (path, cache) = recorded(folder.path());
    let to = folder.path().join("saved.redb");
    assert_eq!(recover(&path, &to).unwrap().recovered, u64::from(COUNT));
    assert!(verify(&to).unwrap().is_intact());
    let saved = replay(&to);
    let other_id = b"{\"id\":\"another\",\"n\":3}";
    assert_eq!(saved.get(other_id).unwrap().unwrap().body, body(3));
    let entry = cache.fingerprint(&request(3)).unwrap();
    assert_eq!(saved.request(&entry).unwrap().unwrap(), request(3));
    assert_eq!(saved.meta(&entry).unwrap(), cache.meta(&entry).unwrap());
}

#[test]
fn entries_that_no_page_leads_to_are_found_all_the_same() {
    const PAGE: usize = 4096;
    const BRANCH: u8 = 2;
    let folder = tempfile::tempdir().unwrap();
    let (path, _cache) = recorded(folder.path());
    let copy = damaged(&path, |bytes| {
        for page in bytes.chunks_exact_mut(PAGE).filter(|page| page[0] == BRANCH) {
            page.fill(0);
        }
    });
    assert!(!verify(&copy).unwrap().is_intact());
    let to = folder.path().join("saved.redb");
    assert_eq!(recover(&copy, &to).unwrap().recovered, u64::from(COUNT));
    let saved = replay(&to);
    for n in 0..COUNT {
        assert_eq!(saved.get(&request(n)).unwrap().unwrap().body, body(n), "{n}");
    }
}

#[test]
fn a_file_that_is_there_is_not_recovered_over() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _cache) = recorded(folder.path());
    let before = fs::read(&path).unwrap();
    let error = recover(&path, &path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(error.to_string().contains("name a new file"), "{error}");
    assert!(fs::read(&path).unwrap() == before);
}

#[test]
fn no_file_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing.redb");
    assert_eq!(verify(&missing).unwrap_err().kind(), ErrorKind::Io);
    let error = recover(&missing, folder.path().join("new.redb")).unwrap_err();
    assert!(error.to_string().contains("there is no cache file"), "{error}");
    assert!(!folder.path().join("new.redb").exists());
}
