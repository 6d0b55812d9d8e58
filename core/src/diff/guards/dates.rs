//! Days: dates, however they are spelled, and days that are named.

use super::Reading;
use super::sequence::{collapsed, difference};
use super::words::Word;
use regex::{Captures, Regex};
use std::sync::LazyLock;

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// Days by name; those of the week by their first three letters, too.
const DAYS: [&str; 11] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "today",
    "tomorrow",
    "yesterday",
    "tonight",
];

static DATE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let month = r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?";
    let day = r"(\d{1,2})(?:st|nd|rd|th)?";
    Regex::new(&format!(
        r"(?i)\b(\d{{4}})[-/.](\d{{1,2}})[-/.](\d{{1,2}})(?:t|\b)|\b{day}(?: of)? {month}(?:,? (\d{{4}}))?\b|\b{month} {day}\b(?:,? (\d{{4}})\b)?|\b{month},? (\d{{4}})\b"
    ))
    .ok()
});

pub(super) fn objection(before: &Reading, after: &Reading) -> Option<String> {
    let days = |reading: &Reading| {
        let named = reading.words.iter().filter(|word| is_calendar(word));
        let lone = named.filter(|word| !is_month(&word.lower) || reading.dates.is_empty());
        collapsed(lone.map(|word| short(&word.lower)).collect::<Vec<_>>())
    };
    difference("dates", &before.dates, &after.dates)
        .or_else(|| difference("days", &days(before), &days(after)))
}

/// Returns the dates of a text, and the text without them.
pub(super) fn of(text: &str) -> (Vec<String>, String) {
    let Some(date) = DATE.as_ref() else { return (Vec::new(), text.to_owned()) };
    let mut dates = Vec::new();
    let rest = date.replace_all(text, |found: &Captures<'_>| {
        let group = |n: usize| found.get(n).map(|group| group.as_str());
        let (year, month, day) = match () {
            () if group(1).is_some() => (group(1), group(2), group(3)),
            () if group(4).is_some() => (group(6), group(5), group(4)),
            () if group(7).is_some() => (group(9), group(7), group(8)),
            () => (group(11), group(10), None),
        };
        match spelled(year, month.unwrap_or_default(), day) {
            Some(date) => {
                dates.push(date);
                // As long as it was, for the places of words.
                " ".repeat(found[0].len())
            }
            None => found[0].to_owned(),
        }
    });
    let rest = rest.into_owned();
    (dates, rest)
}

/// Whether a word names a day or a month.
pub(super) fn is_calendar(word: &Word) -> bool {
    let lower = word.lower.as_str();
    // They are also a verb.
    if matches!(lower, "may" | "march" | "mar") {
        return !word.begins && word.text.starts_with(char::is_uppercase);
    }
    is_month(lower)
        || DAYS.contains(&lower)
        || (lower.len() == 3
            && DAYS[..7].iter().any(|day| {
                day.starts_with(lower)
                    && word.text.starts_with(char::is_uppercase)
                    && lower != "sun"
                    && lower != "sat"
            }))
}

fn is_month(lower: &str) -> bool {
    MONTHS.contains(&lower)
        || lower == "sept"
        || lower.len() == 3 && MONTHS.iter().any(|month| month.starts_with(lower))
}

/// A month or a day of the week by its first three letters.
fn short(lower: &str) -> String {
    match lower {
        "today" | "tomorrow" | "yesterday" | "tonight" => lower.to_owned(),
        _ => lower.chars().take(3).collect(),
    }
}

/// Spells a date as ISO 8601 does; `None` if there is no such day.
fn spelled(year: Option<&str>, month: &str, day: Option<&str>) -> Option<String> {
    let month = match month.parse::<usize>() {
        Ok(number) => number,
        Err(_) => {
            let lower = month.to_lowercase();
            1 + MONTHS.iter().position(|name| name.starts_with(lower.as_str()))?
        }
    };
    let day = day.map(str::parse::<u32>).transpose().ok()?;
    if !(1..=12).contains(&month) || day.is_some_and(|day| !(1..=31).contains(&day)) {
        return None;
    }
    let year = year.unwrap_or("any");
    Some(match day {
        Some(day) => format!("{year}-{month:02}-{day:02}"),
        None => format!("{year}-{month:02}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_one_however_it_is_spelled() {
        for text in [
            "2024-01-05",
            "2024/1/5",
            "2024-01-05T10:30",
            "January 5, 2024",
            "Jan. 5 2024",
            "5 January 2024",
            "the 5th of jan 2024",
        ] {
            assert_eq!(of(text).0, ["2024-01-05"], "{text}");
        }
        assert_eq!(of("in March 2024, or on May 2nd").0, ["2024-03", "any-05-02"]);
        assert_eq!(of("2024-13-05 and 1.2.3").0, [""; 0]);
        assert_eq!(of("on 2024-01-05 at 10").1, "on            at 10");
    }
}
