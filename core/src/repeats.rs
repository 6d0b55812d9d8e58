//! Which of several identical calls of a test one is.

use crate::fingerprint::Fingerprint;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

/// A call, and which identical one of its test it is, from 1.
pub(crate) type NthCall = (Fingerprint, u32);

/// Counts identical calls, for `repeats = "sequence"`.
#[derive(Debug, Default)]
pub(crate) struct Occurrences(Mutex<HashMap<Fingerprint, Count>>);

#[derive(Debug, Default)]
struct Count {
    asked: u32,
    /// Occurrences whose answer may not be recorded: the next call takes their place.
    given_back: BTreeSet<u32>,
    /// Occurrences that missed and wait for their `put`.
    missed: BTreeSet<u32>,
    /// The last occurrence that was put without being asked for, or asked for.
    last: u32,
}

impl Occurrences {
    /// Returns which identical call this one is, from 1.
    pub fn ask(&self, request: &Fingerprint) -> u32 {
        self.with(request, |count| {
            count.given_back.pop_first().unwrap_or_else(|| {
                count.asked += 1;
                count.last = count.last.max(count.asked);
                count.asked
            })
        })
    }

    /// Gives an occurrence back whose answer is not recorded, such as a 429 that is
    /// retried: on replay there is no such call.
    pub fn give_back(&self, request: &Fingerprint, occurrence: u32) {
        self.with(request, |count| {
            count.given_back.insert(occurrence);
        });
    }

    /// Returns the first occurrence that missed and was not put since.
    pub fn first_missed(&self, request: &Fingerprint) -> Option<u32> {
        self.with(request, |count| count.missed.first().copied())
    }

    /// Notes that an occurrence is not recorded, so that a put may follow.
    pub fn missed(&self, request: &Fingerprint, occurrence: u32) {
        self.with(request, |count| {
            count.missed.insert(occurrence);
        });
    }

    /// Returns which occurrence a put records: the first that missed, else the next.
    pub fn put(&self, request: &Fingerprint) -> u32 {
        self.with(request, |count| {
            count.missed.pop_first().unwrap_or_else(|| {
                count.last += 1;
                count.last
            })
        })
    }

    fn with<T>(&self, request: &Fingerprint, change: impl FnOnce(&mut Count) -> T) -> T {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(counts.entry(*request).or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: Fingerprint = Fingerprint::from_bytes([1; 32]);

    #[test]
    fn a_put_records_the_occurrence_that_missed() {
        let occurrences = Occurrences::default();
        for expected in 1..=3 {
            let occurrence = occurrences.ask(&REQUEST);
            assert_eq!(occurrence, expected);
            occurrences.missed(&REQUEST, occurrence);
            assert_eq!(occurrences.put(&REQUEST), expected);
        }
    }

    #[test]
    fn an_answer_that_is_not_recorded_takes_no_place() {
        let occurrences = Occurrences::default();
        let (first, second) = (occurrences.ask(&REQUEST), occurrences.ask(&REQUEST));
        occurrences.give_back(&REQUEST, first);
        assert_eq!((occurrences.ask(&REQUEST), occurrences.ask(&REQUEST)), (first, second + 1));
    }

    #[test]
    fn puts_without_a_get_are_counted_on_their_own() {
        let occurrences = Occurrences::default();
        assert_eq!([(); 3].map(|()| occurrences.put(&REQUEST)), [1, 2, 3]);
    }

    #[test]
    fn two_misses_at_once_are_put_in_their_order() {
        let occurrences = Occurrences::default();
        let (first, second) = (occurrences.ask(&REQUEST), occurrences.ask(&REQUEST));
        occurrences.missed(&REQUEST, second);
        occurrences.missed(&REQUEST, first);
        assert_eq!((occurrences.put(&REQUEST), occurrences.put(&REQUEST)), (1, 2));
    }
}
