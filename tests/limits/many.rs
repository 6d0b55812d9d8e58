//! Very many entries: 1,000,000 under `make torture`, 20,000 under `make test`.

use crate::limit;
use f3dx_cache_tests::torture::{Tally, rounds};

#[test]
fn a_file_of_many_entries_is_read_in_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.redb");
    let count = rounds(20_000, 1_000_000);
    let filling = limit("fill", &path, count);
    let size = std::fs::metadata(&path).unwrap().len();
    let reading = limit("read", &path, count);
    // Lookups, the walk, the counts and an explanation hold a page or a batch at a time,
    // beside what redb caches of the file.
    let most = 256 << 10;
    assert!(reading <= most, "{reading} KiB to read {count} entries of {size} bytes");
    let mut tally = Tally::of(format!("{count} entries in one file"));
    tally.count = count as u64;
    tally.note = format!(
        "file {} MB; recording them: peak {} MB, reading them: peak {} MB",
        size / 1_000_000,
        filling / 1000,
        reading / 1000
    );
    tally.finish();
}
