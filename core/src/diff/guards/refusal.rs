//! One of the texts refuses to answer.

use super::Reading;
use regex::Regex;
use std::sync::LazyLock;

/// Refusals say so at once.
const LOOKED_AT: usize = 600;

static REFUSAL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let cannot = r"(?:can't|cannot|can not|won't|will not|couldn't|unable to|not able to|not allowed to|not permitted to|must (?:[a-z]+ )?decline|have to (?:[a-z]+ )?decline|refuse to)";
    let act = r"(?:help|assist|comply|provide|answer|fulfill?|create|generate|share|discuss|continue|engage|support|do (?:that|this)|respond|offer)";
    Regex::new(&format!(
        r"(?i)^\W*(?:i'm (?:really |very |so )?sorry|i am (?:really |very |so )?sorry|sorry,|i apologi[sz]e|my apologies|i'm afraid)|\b(?:i|we)\b[^.!?\n]{{0,20}} {cannot}\b[^.!?\n]{{0,30}}\b{act}\b|\bas an ai\b[^.!?\n]{{0,60}}(?:{cannot}|n't)|\b(?:i|we)(?:'ll| will| must| have to)?(?: [a-z]+)? decline\b|\bviolat(?:es?|ing) (?:our|my|the|its|[a-z]+'s)\b[^.!?\n]{{0,30}}\b(?:polic(?:y|ies)|guidelines|terms)|\bnot (?:comfortable|something i (?:can|will|am able to))\b|\bagainst my (?:guidelines|polic|programming|instructions)|\b{cannot} (?:help|assist) with (?:that|this)"
    ))
    .ok()
});

pub(super) fn objection(before: &Reading, after: &Reading) -> Option<String> {
    match (refuses(&before.text), refuses(&after.text)) {
        (true, false) => Some("the recorded output refuses".to_owned()),
        (false, true) => Some("the new output refuses".to_owned()),
        _ => None,
    }
}

fn refuses(text: &str) -> bool {
    let end = text.char_indices().nth(LOOKED_AT).map_or(text.len(), |(at, _)| at);
    REFUSAL.as_ref().is_some_and(|refusal| refusal.is_match(&text[..end]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_known_by_its_words() {
        for text in [
            "I'm sorry, I can't help with that",
            "I am very sorry, but no.",
            "Unfortunately, I cannot assist with this request.",
            "I won't be able to provide that.",
            "As an AI, I don't have opinions.",
            "That is against my guidelines.",
            "I must respectfully decline this request.",
            "We decline to answer.",
            "This request violates OpenAI's usage policies.",
            "I'm not comfortable with that.",
            "That's not something I can do.",
        ] {
            assert!(refuses(text), "{text}");
        }
        for text in [
            "You can't open it without a key.",
            "It helps.",
            "I can help with that.",
            "I saw prices decline.",
            "It is not comfort.",
        ] {
            assert!(!refuses(text), "{text}");
        }
    }
}
