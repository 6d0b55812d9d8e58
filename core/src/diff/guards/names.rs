//! Who is spoken of, and in which order.

use super::Reading;
use super::dates::is_calendar;
use super::sequence::{collapsed, difference};
use super::units;
use super::words::{Word, is_stop};
use std::collections::{HashMap, HashSet};

/// Words with a capital that no sentence begins with are names; so is one that a sentence
/// begins with where the other text has another such word before the same one.
pub(super) fn objection(before: &Reading, after: &Reading) -> Option<String> {
    let names: HashSet<&str> = [before, after]
        .iter()
        .flat_map(|reading| reading.words.iter().filter(|word| is_name(word)))
        .map(|word| word.lower.as_str())
        .collect();
    let spoken = |reading: &Reading| -> Vec<String> {
        let named = reading.words.iter().filter(|word| names.contains(word.lower.as_str()));
        // As the first text that names it spells it: the case says nothing here.
        collapsed(named.map(|word| title(&word.lower)).collect())
    };
    difference("names", &spoken(before), &spoken(after))
        .or_else(|| replaced(before, after))
        .or_else(|| exchanged(before, after))
}

fn is_name(word: &Word) -> bool {
    let mut letters = word.text.chars();
    let capital = letters.next().is_some_and(char::is_uppercase);
    let acronym = capital && word.text.len() > 1 && !letters.any(char::is_lowercase);
    let other = is_stop(&word.lower) || is_calendar(word) || units::is_unit(&word.text);
    capital && (!word.begins || acronym) && !other
}

/// Finds a sentence that begins with one word in one text, with another word in the other
/// one, and goes on alike.
fn replaced(before: &Reading, after: &Reading) -> Option<String> {
    let own = first_words(before, after);
    let others = first_words(after, before);
    let others: HashMap<&str, &str> =
        others.iter().rev().map(|(word, next)| (*next, *word)).collect();
    own.iter().find_map(|(word, next)| {
        let other = others.get(next)?;
        Some(format!("{word} in the recorded output, {other} in the new one"))
    })
}

/// Finds two texts that are alike word for word but for words with a capital, each of which
/// both texts have: who does it is another one of those who are spoken of.
fn exchanged(before: &Reading, after: &Reading) -> Option<String> {
    if before.words.len() != after.words.len() {
        return None;
    }
    let of = |reading: &'_ Reading| -> HashSet<String> {
        reading.words.iter().map(|word| word.lower.clone()).collect()
    };
    let (own, others) = (of(before), of(after));
    let is_spoken_of = |word: &Word| {
        word.text.starts_with(char::is_uppercase)
            && !is_stop(&word.lower)
            && own.contains(&word.lower)
            && others.contains(&word.lower)
    };
    let pairs = before.words.iter().zip(&after.words);
    let mut differing = pairs.filter(|(old, new)| old.lower != new.lower).peekable();
    let (old, new) = *differing.peek()?;
    let are_names = differing.all(|(old, new)| is_spoken_of(old) && is_spoken_of(new));
    are_names.then(|| format!("{} in the recorded output, {} in the new one", old.text, new.text))
}

/// Returns the words with a capital that sentences of `reading` begin with, without those that
/// stand in `other`, too; each with the word behind it.
fn first_words<'a>(reading: &'a Reading, other: &Reading) -> Vec<(&'a str, &'a str)> {
    let known: HashSet<&str> = other.words.iter().map(|word| word.lower.as_str()).collect();
    let begins = |word: &Word| {
        word.begins
            && word.text.starts_with(char::is_uppercase)
            && !is_stop(&word.lower)
            && !known.contains(word.lower.as_str())
    };
    let pairs = reading.words.windows(2);
    pairs
        .filter(|pair| begins(&pair[0]))
        .map(|pair| (pair[0].text.as_str(), pair[1].lower.as_str()))
        .collect()
}

fn title(lower: &str) -> String {
    let mut letters = lower.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
