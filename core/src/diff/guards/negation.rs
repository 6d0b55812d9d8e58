//! What one text affirms, the other one denies.

use super::Reading;

/// Words that deny, or say what they would say with a `not` before them.
const DENYING: &str = "not no none nobody nothing nowhere never neither nor without cannot cant dont doesnt didnt \
    isnt arent wasnt werent wont wouldnt shouldnt couldnt hasnt havent hadnt mustnt unable impossible invalid \
    incorrect untrue false inaccurate unsafe unavailable unsupported unnecessary unlikely illegal insecure inactive \
    incomplete unauthorized unverified disabled disallowed forbidden prohibited denied rejected refused declined \
    deny denies reject rejects refuse refuses fail fails failed failing lacks lacking absent \
    nicht kein keine keinen keiner keinem nie niemals ohne ne pas jamais sans aucun aucune nunca sin ningún \
    jamás não nem sem mai senza не нет без никогда 不 没 沒 未 無 非 勿";

pub(super) fn objection(before: &Reading, after: &Reading) -> Option<String> {
    let (one, other) = (denials(before), denials(after));
    if one.len() == other.len() {
        return None;
    }
    let told = |denials: &[&str]| match denials {
        [] => "nothing".to_owned(),
        words => format!("{:?}", words.iter().take(4).copied().collect::<Vec<_>>().join(" ")),
    };
    Some(format!("the recorded output denies by {}, the new one by {}", told(&one), told(&other)))
}

fn denials(reading: &Reading) -> Vec<&str> {
    let denies = |word: &str| {
        word.ends_with("n't") || DENYING.split_ascii_whitespace().any(|denying| denying == word)
    };
    reading.words.iter().map(|word| word.lower.as_str()).filter(|word| denies(word)).collect()
}
