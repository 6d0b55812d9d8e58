//! A fingerprint against the plain route: serde_json, serde_json_canonicalizer
//! and BLAKE3. All in one run, since only the ratio travels between machines.
#![allow(missing_docs)]
#![allow(clippy::unwrap_used)]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use f3dx_cache_core::{fingerprint, json::Canonicalizer};
use serde_json::Value;

const REQUEST: &[u8] = f3dx_cache_bench::REQUEST.as_bytes();

fn plain(json: &[u8]) -> blake3::Hash {
    let value: Value = serde_json::from_slice(json).unwrap();
    blake3::hash(&serde_json_canonicalizer::to_vec(&value).unwrap())
}

fn request_of_2_kb(criterion: &mut Criterion) {
    assert_eq!(plain(REQUEST).as_bytes(), fingerprint(REQUEST).unwrap().as_bytes());

    let mut group = criterion.benchmark_group("2 KB request");
    group.throughput(Throughput::Bytes(REQUEST.len() as u64));
    group.bench_function("blake3 of the raw bytes", |bench| {
        bench.iter(|| blake3::hash(black_box(REQUEST)));
    });
    group.bench_function("canonicalize", |bench| {
        let mut canonicalizer = Canonicalizer::new();
        let mut out = Vec::new();
        bench.iter(|| canonicalizer.canonicalize(black_box(REQUEST), &mut out).unwrap());
    });
    group.bench_function("fingerprint", |bench| {
        bench.iter(|| fingerprint(black_box(REQUEST)).unwrap());
    });
    group.bench_function("plain route", |bench| {
        bench.iter(|| plain(black_box(REQUEST)));
    });
    group.finish();
}

criterion_group!(benches, request_of_2_kb);
criterion_main!(benches);
