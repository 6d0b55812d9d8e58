//! What one text affirms, the other one denies.

use super::Reading;
use super::words::is_stop;
use std::collections::HashSet;

/// Words that deny, or say what they would say with a `not` before them.
const DENYING: &str = "not no none nobody nothing nowhere never neither nor without cannot cant dont doesnt didnt \
    isnt arent wasnt werent wont wouldnt shouldnt couldnt hasnt havent hadnt mustnt unable impossible invalid \
    incorrect untrue false inaccurate unsafe unavailable unsupported unnecessary unlikely illegal insecure inactive \
    incomplete unauthorized unverified disabled disallowed forbidden prohibited denied rejected refused declined \
    deny denies reject rejects refuse refuses fail fails failed failing lacks lacking absent wrong \
    hardly barely scarcely rarely seldom unless except excluding \
    nicht kein keine keinen keiner keinem nie niemals ohne ne pas jamais sans aucun aucune nunca sin ningún \
    jamás não nem sem mai senza не нет без никогда 不 没 沒 未 無 非 勿";

/// What turns a word into what it is not.
const PREFIXES: [&str; 8] = ["un", "in", "im", "ir", "il", "dis", "non", "mis"];

/// The least length of a word behind a prefix: `put` and `input` are no such pair.
const SHORTEST: usize = 5;

/// How much of a word tells which one it is, whatever its ending.
const STEM: usize = 4;

/// Words that a denial before them does not reach beyond.
const BARRIERS: &str = "but and or nor because although though while whereas yet so";

pub(super) fn objection(before: &Reading, after: &Reading) -> Option<String> {
    let (one, other) = (Denials::of(before, after), Denials::of(after, before));
    if one.words.len() == other.words.len() {
        let what = one.moved(&other)?;
        return Some(format!("the recorded output denies {:?}, the new one {:?}", what.0, what.1));
    }
    let told = |denials: &[&str]| match denials {
        [] => "nothing".to_owned(),
        words => format!("{:?}", words.iter().take(4).copied().collect::<Vec<_>>().join(" ")),
    };
    let (one, other) = (told(&one.words), told(&other.words));
    Some(format!("the recorded output denies by {one}, the new one by {other}"))
}

/// What a text denies.
#[derive(Default)]
struct Denials<'a> {
    /// The words by which it does.
    words: Vec<&'a str>,
    /// The stems of what stands behind these, up to the end of a clause, and of all else.
    denied: HashSet<String>,
    affirmed: HashSet<String>,
}

impl<'a> Denials<'a> {
    fn of(reading: &'a Reading, other: &Reading) -> Self {
        let others: HashSet<&str> = other.words.iter().map(|word| word.lower.as_str()).collect();
        let mut found = Self::default();
        let mut within = false;
        let mut end = 0;
        for word in &reading.words {
            let lower = word.lower.as_str();
            let between = &reading.text[end..word.start];
            let ends = between.contains(['.', ',', ';', ':', '!', '?', '\n']);
            within &= !ends && !BARRIERS.split_ascii_whitespace().any(|barrier| barrier == lower);
            end = word.end;
            let stem = |word: &str| word.chars().take(STEM).collect::<String>();
            if let Some(positive) = positive(lower, &others) {
                found.words.push(lower);
                found.denied.insert(stem(positive));
            } else if denies(lower) {
                found.words.push(lower);
                within = true;
            } else if !is_stop(lower) {
                let among = if within { &mut found.denied } else { &mut found.affirmed };
                among.insert(stem(lower));
            }
        }
        found
    }

    /// Returns what this text denies and the other affirms, and the other way round.
    fn moved(&'a self, other: &'a Self) -> Option<(&'a str, &'a str)> {
        let only = |one: &'a Self, other: &'a Self| {
            let mut denied = one.denied.difference(&one.affirmed).collect::<Vec<_>>();
            denied.retain(|stem| other.affirmed.contains(*stem) && !other.denied.contains(*stem));
            denied.into_iter().min().map(String::as_str)
        };
        only(self, other).zip(only(other, self))
    }
}

fn denies(word: &str) -> bool {
    word.ends_with("n't") || DENYING.split_ascii_whitespace().any(|denying| denying == word)
}

/// Returns the word that a prefix turns round, if the other text has that one instead.
fn positive<'a>(word: &'a str, others: &HashSet<&str>) -> Option<&'a str> {
    let rests = PREFIXES.iter().filter_map(|prefix| word.strip_prefix(prefix));
    let mut rests = rests.filter(|rest| rest.len() >= SHORTEST && others.contains(rest));
    rests.next().filter(|_| !others.contains(word) && !denies(word))
}
