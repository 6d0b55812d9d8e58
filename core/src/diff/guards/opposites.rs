//! Words of opposite meaning: one text has the one, the other text has the other.

use super::Reading;
use super::sequence::difference;
use std::collections::HashSet;

/// Pairs that turn a sentence round.
const PAIRS: &str = "up/down left/right north/south east/west top/bottom front/back before/after earlier/later \
    first/last start/stop starts/stops started/stopped begin/end begins/ends open/closed open/shut opens/closes \
    opened/closed on/off inside/outside above/below over/under more/less more/fewer most/least most/fewest \
    maximum/minimum larger/smaller bigger/smaller greater/less greater/smaller higher/lower high/low longer/shorter \
    faster/slower better/worse best/worst good/bad increase/decrease increases/decreases increased/decreased \
    rise/fall rises/falls rose/fell gain/loss gains/losses profit/loss positive/negative add/remove adds/removes \
    added/removed include/exclude includes/excludes including/excluding including/except allow/block allows/blocks \
    allowed/blocked accept/decline accepts/declines buy/sell buys/sells bought/sold lend/borrow lends/borrows \
    lent/borrowed credit/debit income/expense win/lose wins/loses won/lost pass/fail passes/fails passed/failed \
    safe/dangerous safe/harmful alive/dead hired/fired guilty/innocent void/valid legal/criminal true/false \
    love/hate loves/hates loved/hated hot/cold warm/cool old/new old/young strong/weak full/empty public/private \
    permanent/temporary required/optional mandatory/optional must/may all/some every/some always/sometimes \
    always/rarely often/rarely with/without if/unless success/failure success/error ok/error exactly/about \
    exactly/approximately exactly/around exactly/roughly he/she his/her him/her himself/herself noon/midnight";

pub(super) fn objection(before: &Reading, after: &Reading) -> Option<String> {
    let (own, others) = (words(before), words(after));
    let pairs = PAIRS.split_ascii_whitespace().filter_map(|pair| pair.split_once('/'));
    let turned =
        pairs.flat_map(|(one, other)| [(one, other), (other, one)]).find(|(one, other)| {
            let says = (own.contains(one), own.contains(other));
            says == (true, false) && (others.contains(one), others.contains(other)) == (false, true)
        });
    if let Some((one, other)) = turned {
        return Some(format!("{one} in the recorded output, {other} in the new one"));
    }
    let (one, other) = (comparisons(&before.text), comparisons(&after.text));
    let both = !one.is_empty() && !other.is_empty();
    both.then(|| difference("comparisons", &one, &other)).flatten()
}

fn words(reading: &Reading) -> HashSet<&str> {
    reading.words.iter().map(|word| word.lower.as_str()).collect()
}

/// Returns the signs that compare with a number: `<` in `< 5` and in `<= 5`.
fn comparisons(text: &str) -> Vec<char> {
    let compares = |(at, sign): (usize, char)| {
        let sign = match sign {
            '<' | '\u{2264}' => '<',
            '>' | '\u{2265}' => '>',
            _ => return None,
        };
        let behind = text[at..].trim_start_matches(['<', '>', '=', '\u{2264}', '\u{2265}']);
        let number = behind.trim_start().trim_start_matches(['-', '.', '$', '\u{20ac}', '\u{a3}']);
        number.starts_with(|letter: char| letter.is_ascii_digit()).then_some(sign)
    };
    text.char_indices().filter_map(compares).collect()
}
