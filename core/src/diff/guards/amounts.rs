//! Numbers as they are read off a text: in digits or in words, with what they count.

use super::units;
use super::words::Word;

/// A number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Amount {
    /// Its decimal spelling, without zeros that say nothing.
    pub value: String,
    pub unit: Option<&'static str>,
    /// Whether it may be no number at all: a lone "one".
    pub doubtful: bool,
    at: usize,
}

const SMALL: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const TENS: [&str; 8] =
    ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
const SCALES: [(&str, i32); 5] =
    [("hundred", 2), ("thousand", 3), ("million", 6), ("billion", 9), ("trillion", 12)];

/// Returns the numbers of a text, in its order.
pub(super) fn of(text: &str, words: &[Word]) -> Vec<Amount> {
    let mut amounts = in_digits(text);
    amounts.extend(in_signs(text));
    amounts.extend(in_words(text, words, &amounts));
    amounts.sort_by_key(|amount| amount.at);
    amounts
}

fn in_digits(text: &str) -> Vec<Amount> {
    let bytes = text.as_bytes();
    let mut amounts = Vec::new();
    let mut at = 0;
    while let Some(found) = bytes[at..].iter().position(u8::is_ascii_digit) {
        let start = at + found;
        let mut end = start;
        // A separator belongs to the number if a digit follows.
        while end < bytes.len()
            && (bytes[end].is_ascii_digit()
                || matches!(bytes[end], b'.' | b',' | b'_')
                    && bytes.get(end + 1).is_some_and(u8::is_ascii_digit))
        {
            end += 1;
        }
        at = end;
        // `.5`, but not `v.5` or `...5`.
        let pointed = text[..start].strip_suffix('.').filter(|rest| {
            !rest.ends_with(|letter: char| letter.is_alphanumeric() || ".)]".contains(letter))
        });
        let before = pointed.unwrap_or(&text[..start]);
        let currency = units::before(before);
        let signed = before.trim_end_matches(['$', '€', '£', '¥', '₹']);
        let negative = signed.strip_suffix('-').is_some_and(|rest| {
            !rest.ends_with(|letter: char| {
                letter.is_alphanumeric() || letter == ')' || letter == '-'
            })
        });
        let mut behind = &text[end..];
        let mut times = 0;
        if let Some((power, rest)) = power(behind) {
            (times, behind) = (power, rest);
            at = text.len() - rest.len();
        }
        if let Some((power, rest)) = scale(behind) {
            (times, behind) = (times + power, rest);
        }
        let mut parts = parts(&text[start..end]);
        if let ([(digits, exponent)], Some(_)) = (&mut parts[..], pointed) {
            *exponent -= i32::try_from(digits.len()).unwrap_or(i32::MAX / 2);
        }
        let last = parts.len().saturating_sub(1);
        for (place, (digits, exponent)) in parts.into_iter().enumerate() {
            amounts.push(Amount {
                value: decimal(
                    negative && place == 0,
                    &digits,
                    exponent + if place == last { times } else { 0 },
                ),
                unit: currency.or_else(|| units::behind(behind)),
                doubtful: false,
                at: start + place,
            });
        }
    }
    amounts
}

/// Numbers of one character, such as `½` and the power in `10²`: each has its own name.
fn in_signs(text: &str) -> impl Iterator<Item = Amount> {
    let signs = text.char_indices().filter(|(_, letter)| {
        matches!(letter, '\u{b2}' | '\u{b3}' | '\u{b9}' | '\u{bc}'..='\u{be}'
            | '\u{2070}'..='\u{2079}' | '\u{2080}'..='\u{2089}' | '\u{2150}'..='\u{2189}')
    });
    signs.map(|(at, letter)| Amount {
        value: letter.to_string(),
        unit: units::behind(&text[at + letter.len_utf8()..]),
        doubtful: false,
        at,
    })
}

/// Splits digits and separators into numbers: digits, and a power of ten.
fn parts(text: &str) -> Vec<(String, i32)> {
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let whole = |text: &str| (digits(text), 0);
    let fraction = |whole: &str, fraction: &str| {
        (digits(whole) + fraction, -i32::try_from(fraction.len()).unwrap_or(i32::MAX / 2))
    };
    // `1,000,000`, and `1,00,000` as India writes it.
    let grouped = |text: &str, by: char| {
        let mut groups = text.split(by);
        let first = groups.next().unwrap_or_default();
        let rest: Vec<_> = groups.collect();
        let last = rest.last().copied().unwrap_or_default();
        (1..=3).contains(&first.len())
            && last.len() == 3
            && rest.iter().all(|group| matches!(group.len(), 2 | 3))
    };
    let text = text.replace('_', "");
    let (commas, points) = (text.matches(',').count(), text.matches('.').count());
    match (commas, points) {
        (0, 0) => vec![whole(&text)],
        (0, 1) => match text.split_once('.') {
            Some((one, rest)) => vec![fraction(one, rest)],
            None => vec![whole(&text)],
        },
        // A version, an address: its parts, each a number.
        (0, _) => text.split('.').map(whole).collect(),
        (_, 0) if grouped(&text, ',') => vec![whole(&text)],
        (1, 0) => match text.split_once(',') {
            Some((one, rest)) => vec![fraction(one, rest)],
            None => vec![whole(&text)],
        },
        (_, 1) => match text.split_once('.') {
            Some((one, rest)) if grouped(one, ',') && !rest.contains(',') => {
                vec![fraction(one, rest)]
            }
            _ => match text.rsplit_once(',') {
                Some((one, rest)) if grouped(one, '.') && !rest.contains('.') => {
                    vec![fraction(one, rest)]
                }
                _ => text.split([',', '.']).map(whole).collect(),
            },
        },
        _ => match text.rsplit_once(',') {
            Some((one, rest)) if grouped(one, '.') && !rest.contains('.') => {
                vec![fraction(one, rest)]
            }
            _ => text.split([',', '.']).map(whole).collect(),
        },
    }
}

/// Reads an exponent right behind a number: `e-3`.
fn power(text: &str) -> Option<(i32, &str)> {
    let rest = text.strip_prefix(['e', 'E'])?;
    let unsigned = rest.strip_prefix(['-', '+']).unwrap_or(rest);
    let digits = unsigned.bytes().take_while(u8::is_ascii_digit).count();
    let end = rest.len() - unsigned.len() + digits;
    let behind = &rest[end..];
    let power = rest[..end].trim_start_matches('+').parse::<i32>().ok()?;
    let fits = power.abs() < 10_000 && !behind.starts_with(char::is_alphabetic);
    fits.then_some((power, behind))
}

/// Reads what multiplies a number: ` million`, `k`.
fn scale(text: &str) -> Option<(i32, &str)> {
    let ends = |rest: &str| !rest.starts_with(char::is_alphanumeric);
    let letters = [("k", 3), ("K", 3), ("M", 6), ("bn", 9), ("B", 9)];
    for (letter, power) in letters {
        if let Some(rest) = text.strip_prefix(letter).filter(|rest| ends(rest)) {
            return Some((power, rest));
        }
    }
    let word = text.strip_prefix([' ', '-'])?;
    SCALES.iter().find_map(|(name, power)| {
        let head = word.get(..name.len())?;
        let rest = &word[name.len()..];
        (head.eq_ignore_ascii_case(name) && ends(rest)).then_some((*power, rest))
    })
}

/// Reads numbers in words: `two hundred and five`.
fn in_words(text: &str, words: &[Word], in_digits: &[Amount]) -> Vec<Amount> {
    let mut amounts = Vec::new();
    let mut place = 0;
    while place < words.len() {
        let start = place;
        let (mut total, mut current) = (0_u64, 0_u64);
        let mut last = None;
        while let Some(word) = words.get(place) {
            let lower = word.lower.as_str();
            let joined = last
                .is_none_or(|last: usize| matches!(&text[words[last].end..word.start], " " | "-"));
            let read = if !joined {
                false
            } else if let Some(value) = small(lower) {
                // `twenty one` is one number, `one twenty` are two.
                let fits = last.is_none()
                    || current % 100 == 0
                    || current % 10 == 0 && value < 10 && current % 100 >= 20;
                current += if fits { value } else { 0 };
                fits
            } else if let Some((_, power)) = SCALES.iter().find(|(name, _)| *name == lower) {
                // Behind digits it belongs to them.
                let of_digits = last.is_none() && follows_digits(text, word, in_digits);
                let factor = 10_u64.pow(power.unsigned_abs());
                if of_digits || last.is_none() && words[start].lower != lower {
                    false
                } else if *power == 2 {
                    current = current.max(1).saturating_mul(factor);
                    true
                } else {
                    total = total.saturating_add(current.max(1).saturating_mul(factor));
                    current = 0;
                    true
                }
            } else {
                let inside = lower == "and" && last.is_some() && current % 100 == 0;
                let next = words.get(place + 1).and_then(|next| small(&next.lower));
                if inside && next.is_some() && (current > 0 || total > 0) {
                    place += 1;
                    last = Some(place - 1);
                    continue;
                }
                false
            };
            if !read {
                break;
            }
            last = Some(place);
            place += 1;
        }
        let Some(last) = last else {
            place += 1;
            continue;
        };
        place = place.max(last + 1);
        let lone = last == start && words[start].lower == "one";
        amounts.push(Amount {
            value: decimal(false, &(total.saturating_add(current)).to_string(), 0),
            unit: units::behind(&text[words[last].end..]),
            doubtful: lone,
            at: words[start].start,
        });
    }
    amounts
}

fn small(word: &str) -> Option<u64> {
    let place = |list: &[&str]| list.iter().position(|name| *name == word).map(|at| at as u64);
    place(&SMALL).or_else(|| place(&TENS).map(|at| 20 + 10 * at))
}

fn follows_digits(text: &str, word: &Word, in_digits: &[Amount]) -> bool {
    let before = &text[..word.start];
    !in_digits.is_empty()
        && before.trim_end_matches([' ', '-']).ends_with(|letter: char| letter.is_ascii_digit())
}

/// Spells a number without zeros that say nothing.
fn decimal(negative: bool, digits: &str, exponent: i32) -> String {
    let significant = digits.trim_start_matches('0');
    let trimmed = significant.trim_end_matches('0');
    if trimmed.is_empty() {
        return "0".to_owned();
    }
    let cut = i32::try_from(significant.len() - trimmed.len()).unwrap_or(i32::MAX);
    let exponent = exponent.saturating_add(cut);
    let sign = if negative { "-" } else { "" };
    let length = i32::try_from(trimmed.len()).unwrap_or(i32::MAX);
    match exponent {
        0..=20 => format!("{sign}{trimmed}{}", "0".repeat(exponent.unsigned_abs() as usize)),
        -20..=-1 if -exponent < length => {
            let (whole, fraction) = trimmed.split_at((length + exponent).unsigned_abs() as usize);
            format!("{sign}{whole}.{fraction}")
        }
        -20..=-1 => {
            format!("{sign}0.{}{trimmed}", "0".repeat((-exponent - length).unsigned_abs() as usize))
        }
        _ => format!("{sign}{trimmed}e{exponent}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::words;
    use super::*;

    fn values(text: &str) -> Vec<String> {
        of(text, &words::of(text)).into_iter().map(|amount| amount.value).collect()
    }

    #[test]
    fn a_number_has_one_value_however_it_is_spelled() {
        for (text, expected) in [
            ("1,000 and 1000 and 1_000", vec!["1000"; 3]),
            ("10.50 and 10.5 and 10,50", vec!["10.5"; 3]),
            ("1.000.000,50 and 1,000,000.5", vec!["1000000.5"; 2]),
            ("1,00,000", vec!["100000"]),
            ("1e3 and 1.5E-2", vec!["1000", "0.015"]),
            ("10k, $2M, 3 million and 4 Thousand", vec!["10000", "2000000", "3000000", "4000"]),
            ("-5, 3-5 and -$2", vec!["-5", "3", "5", "-2"]),
            ("1.2.3", vec!["1", "2", "3"]),
            ("1,2,3", vec!["1", "2", "3"]),
            ("007 and 0.0", vec!["7", "0"]),
            ("H2O, gpt-4o", vec!["2", "4"]),
            ("twenty-one, a hundred, two hundred and five", vec!["21", "100", "205"]),
            ("two and three", vec!["2", "3"]),
            ("three thousand four hundred", vec!["3400"]),
            ("one two", vec!["1", "2"]),
            (".5 and 0.5, -.25 and $.75, ...5", vec!["0.5", "0.5", "-0.25", "0.75", "5"]),
            ("\u{bd} and 10\u{b2}", vec!["\u{bd}", "10", "\u{b2}"]),
            ("123456789012345678901234567890", vec!["123456789012345678901234567890"]),
        ] {
            let expected: Vec<_> = expected.into_iter().map(str::to_owned).collect();
            assert_eq!(values(text), expected, "{text}");
        }
    }
}
