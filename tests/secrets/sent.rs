//! What the caller sends, wherever it stands, is not kept, though the model repeats it.

use crate::corpus::{Random, Secret, secrets};
use crate::echoed::shapes;
use crate::placed::{named, plain};
use crate::recorded::Place;
use f3dx_cache_core::Options;
use f3dx_cache_tests::torture::{Tally, rounds};

#[test]
fn nothing_that_a_caller_sends_is_kept() {
    let mut tally = Tally::of("secrets in a place of a request, repeated by the response");
    // The sample takes a third of the places for each secret, another one for the next.
    let step = rounds(3, 1);
    for seed in 0..rounds(1, 20) as u64 {
        let mut random = Random::of(seed);
        for (n, secret) in secrets(seed).iter().enumerate() {
            tally.count += try_everywhere(secret, n % step, step, &mut random);
        }
    }
    assert!(tally.count > 500);
    tally.finish();
}

/// Records a call for every `step`-th place of the secret; returns how many.
fn try_everywhere(secret: &Secret, first: usize, step: usize, random: &mut Random) -> u64 {
    let mut place = Place::new(Options::default());
    let mut calls = named(&secret.text);
    if secret.has_format {
        calls.extend(plain(&secret.text));
    }
    let calls: Vec<_> = calls.into_iter().skip(first).step_by(step).collect();
    let shapes = shapes(&secret.text);
    let mut told = Vec::new();
    for (what, call) in &calls {
        let (shape, answer) = &shapes[random.below(shapes.len())];
        place.record(call, answer);
        assert_eq!(place.count(), told.len() as u64 + 1, "{what} is an entry of its own");
        place.replay(call).unwrap();
        told.push(format!("{what}, answered by {shape}"));
    }
    if let Some(leak) = place.leak(&secret.text) {
        let guilty = calls.iter().zip(&told).find(|((_, call), told)| {
            let mut alone = Place::new(Options::default());
            let shape = shapes.iter().find(|(shape, _)| told.ends_with(shape)).unwrap();
            alone.record(call, &shape.1);
            alone.leak(&secret.text).is_some()
        });
        panic!("{} {}: {leak}\n{:?}", secret.issuer, secret.text, guilty.map(|(_, told)| told));
    }
    calls.len() as u64
}
