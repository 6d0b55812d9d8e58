//! Names of files, addresses and identifiers, which mean themselves.

use super::Reading;
use std::collections::BTreeSet;

/// Objects where each text has one that the other lacks: one may leave an address out.
pub(super) fn objection(before: &Reading, after: &Reading) -> Option<String> {
    let (own, others) = (literals(&before.text), literals(&after.text));
    let (gone, come) = (own.difference(&others).next()?, others.difference(&own).next()?);
    Some(format!("{gone} in the recorded output, {come} in the new one"))
}

fn literals(text: &str) -> BTreeSet<&str> {
    let words =
        text.split(|letter: char| letter.is_whitespace() || "()<>[]{}\"',;|".contains(letter));
    words
        .map(|word| word.trim_matches(|letter: char| !letter.is_alphanumeric()))
        .filter(is_literal)
        .collect()
}

/// Whether a word is no word of prose: `main.py`, `max_tokens`, `a/b`, `std::fs`.
fn is_literal(word: &&str) -> bool {
    let has_letter = word.contains(char::is_alphabetic);
    // Not `e.g`, and not `U.S.A`.
    let abbreviation = word.split('.').all(|part| part.chars().count() < 2);
    let joined = word.contains(['_', '/', '\\', '@']) || word.contains("::");
    let dotted = word.split_once('.').is_some_and(|(_, end)| end.starts_with(char::is_alphabetic));
    has_letter && !abbreviation && (joined || dotted)
}
