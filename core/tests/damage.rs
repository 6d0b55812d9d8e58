//! Files whose pages are not where they should be.

use f3dx_cache_core::{Cache, ErrorKind, Meta, Mode, Options};

const PAGE: usize = 4096;
/// The first byte of a page of redb that leads to other pages.
const BRANCH: u8 = 2;

fn open(path: &std::path::Path, mode: Mode) -> Result<Cache, f3dx_cache_core::Error> {
    Cache::open(path, Options { mode: Some(mode), ..Options::default() })
}

fn request(n: usize) -> Vec<u8> {
    format!("{{\"n\":{n}}}").into_bytes()
}

#[test]
fn pages_that_lead_in_a_circle_end_no_process_and_no_walk_endlessly() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("llm.redb");
    let cache = open(&path, Mode::Record).unwrap();
    for n in 0..60 {
        cache.put(&request(n), &[n as u8; 900], Meta::default()).unwrap();
    }
    cache.close().unwrap();
    let whole = std::fs::read(&path).unwrap();
    let pages: Vec<usize> = (PAGE..whole.len())
        .step_by(PAGE)
        .filter(|at| whole[*at..*at + PAGE].iter().any(|byte| *byte != 0))
        .collect();
    let mut damaged = 0;
    for from in pages.iter().filter(|at| whole[**at] == BRANCH) {
        for to in &pages {
            let path = folder.path().join("damaged.redb");
            let mut bytes = whole.clone();
            bytes.copy_within(*from..*from + PAGE, *to);
            // Anew, so that it is another file than the one before.
            let _ = std::fs::remove_file(&path);
            std::fs::write(&path, bytes).unwrap();
            let Ok(cache) = open(&path, Mode::Replay) else { continue };
            for n in 0..60 {
                match cache.get(&request(n)) {
                    Ok(found) => assert!(found.is_none_or(|found| found.body == [n as u8; 900])),
                    Err(error) => assert_eq!(error.kind(), ErrorKind::Corrupt),
                }
            }
            damaged += usize::from(cache.stats().is_err());
            let walked = cache.entries().map_or(0, |entries| entries.take(1000).count());
            assert!(walked < 1000);
        }
    }
    assert!(damaged > 0);
}
