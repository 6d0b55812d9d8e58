//! The same words in another order: who does what to whom.

use super::Reading;
use super::words::is_stop;
use std::collections::HashMap;

pub(super) fn objection(before: &Reading, after: &Reading) -> Option<String> {
    let (one, other) = (content(before), content(after));
    let (counts, other_counts) = (count(&one), count(&other));
    let same_words = counts == other_counts;
    // Of words that occur again the counterpart is not known, unless all are the same.
    let once = |words: &[&str]| -> Vec<String> {
        let paired = |word: &&&str| {
            same_words || counts.get(**word) == Some(&1) && other_counts.get(**word) == Some(&1)
        };
        words.iter().filter(paired).map(|word| (*word).to_owned()).collect()
    };
    let (shared, other_shared) = (once(&one), once(&other));
    let enough = 3 * shared.len() >= 2 * counts.len().min(other_counts.len());
    (shared.len() > 1 && enough && shared != other_shared)
        .then(|| "the same words are in another order".to_owned())
}

fn content(reading: &Reading) -> Vec<&str> {
    let words = reading.words.iter().map(|word| word.lower.as_str());
    words.filter(|word| !is_stop(word)).collect()
}

fn count<'a>(words: &[&'a str]) -> HashMap<&'a str, usize> {
    let mut counts = HashMap::new();
    for word in words {
        *counts.entry(*word).or_default() += 1;
    }
    counts
}
