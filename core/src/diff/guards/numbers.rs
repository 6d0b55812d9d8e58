//! Numbers: their values, however they are spelled.

use super::Reading;
use super::amounts::Amount;
use super::sequence::{collapsed, difference};

/// Only compared where both texts have some: "first" also begins a list.
const ORDINALS: [&str; 23] = [
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth",
    "last", "half", "thirds", "quarter", "quarters", "dozen", "twice", "double", "doubled",
    "triple", "tripled", "halve", "halved",
];

pub(super) fn objection(before: &Reading, after: &Reading) -> Option<String> {
    let values = |amounts: Vec<&Amount>| -> Vec<String> {
        amounts.into_iter().map(|amount| amount.value.clone()).collect()
    };
    let (one, other) = certain(before, after);
    difference("numbers", &values(one), &values(other)).or_else(|| {
        let (one, other) = (ordinals(before), ordinals(after));
        let both = !one.is_empty() && !other.is_empty();
        both.then(|| difference("ordinals", &one, &other)).flatten()
    })
}

/// Returns the numbers of both, without a "one" that has no counterpart: it may be none.
pub(super) fn certain<'a>(
    before: &'a Reading,
    after: &'a Reading,
) -> (Vec<&'a Amount>, Vec<&'a Amount>) {
    let ones = |reading: &Reading| reading.amounts.iter().filter(|one| one.value == "1").count();
    let (one, other) = (ones(before), ones(after));
    let keep = |reading: &'a Reading, mut extra: usize| -> Vec<&'a Amount> {
        let kept = reading.amounts.iter().filter(|amount| {
            let dropped = amount.doubtful && extra > 0;
            extra -= usize::from(dropped);
            !dropped
        });
        kept.collect()
    };
    (keep(before, one.saturating_sub(other)), keep(after, other.saturating_sub(one)))
}

fn ordinals(reading: &Reading) -> Vec<&'static str> {
    let named = reading.words.iter();
    let found = named.filter_map(|word| ORDINALS.iter().find(|ordinal| **ordinal == word.lower));
    collapsed(found.copied().collect())
}
