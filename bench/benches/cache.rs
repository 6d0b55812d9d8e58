//! A request to its response, a put, and the explanation of a miss. All in one run:
//! only ratios travel.
//!
//! Requests and responses of 2 KB at 1 thousand and 100 thousand entries, and of 100
//! bytes at up to 1 million: of 2 KB that file would take 8 GB.
#![allow(missing_docs)]
#![allow(clippy::unwrap_used)]

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use f3dx_cache_bench::{fill, request, short_request};
use f3dx_cache_core::{Cache, Meta, Mode, Options};
use std::hint::black_box;
use std::path::Path;

fn open(path: &Path, mode: Mode) -> Cache {
    let options = Options { path: Some(path.to_owned()), mode: Some(mode), ..Options::default() };
    Cache::for_tests(options).unwrap()
}

fn benches(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    for entries in [1_000, 100_000] {
        let path = folder.path().join(format!("{entries}.redb"));
        fill(&path, entries, request, 2048);
        let mut group = criterion.benchmark_group(format!("{entries} entries"));
        group.sample_size(50);
        group.bench_function("open", |bench| {
            bench.iter(|| open(black_box(&path), Mode::Replay));
        });
        for mode in [Mode::Replay, Mode::Record] {
            let cache = open(&path, mode);
            // Requests are spread over the file, so that one page does not serve them all.
            let asked: Vec<Vec<u8>> = (0..512).map(|n| request(n * 7919 % entries)).collect();
            let mut next = asked.iter().cycle();
            group.bench_function(format!("get, 2 KB, {mode}"), |bench| {
                bench.iter(|| cache.get(black_box(next.next().unwrap())).unwrap().unwrap());
            });
        }
        let cache = open(&path, Mode::Replay);
        let changed =
            String::from_utf8(request(entries / 2)).unwrap().replace("suite-1", "suite-2");
        group.bench_function("explain a miss", |bench| {
            bench.iter(|| cache.explain(black_box(changed.as_bytes())).unwrap().nearest.unwrap());
        });
        let cache = open(&path, Mode::Record);
        let mut new = entries;
        group.sample_size(20).bench_function("put, 2 KB", |bench| {
            bench.iter_batched(
                || {
                    new += 1;
                    request(new)
                },
                |request| cache.put(&request, &[7; 2048], Meta::default()).unwrap(),
                BatchSize::PerIteration,
            );
        });
        group.finish();
    }
}

fn by_size(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    for entries in [1_000, 100_000, 1_000_000] {
        let path = folder.path().join(format!("{entries}.redb"));
        fill(&path, entries, short_request, 100);
        let mut group = criterion.benchmark_group(format!("{entries} short entries"));
        group.sample_size(50);
        group.bench_function("open", |bench| {
            bench.iter(|| open(black_box(&path), Mode::Replay));
        });
        let cache = open(&path, Mode::Replay);
        let asked: Vec<Vec<u8>> = (0..4096).map(|n| short_request(n * 7919 % entries)).collect();
        let mut next = asked.iter().cycle();
        group.bench_function("get", |bench| {
            bench.iter(|| cache.get(black_box(next.next().unwrap())).unwrap().unwrap());
        });
        group.finish();
    }
}

criterion_group!(cache, benches, by_size);
criterion_main!(cache);
