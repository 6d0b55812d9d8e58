//! What numbers count: units, currencies, percent.

use super::Reading;
use super::amounts::Amount;
use super::numbers::certain;
use super::sequence::difference;
use std::collections::HashMap;
use std::sync::LazyLock;

/// A unit and its spellings. What differs in case alone is spelled exactly.
const UNITS: &[(&str, &str)] = &[
    ("%", "% percent pct"),
    ("$", "$ usd dollar dollars"),
    ("€", "€ eur euro euros"),
    ("£", "£ gbp pound pounds"),
    ("¥", "¥ jpy yen"),
    ("₹", "₹ inr rupee rupees"),
    ("CHF", "CHF chf franc francs"),
    ("cent", "¢ cent cents"),
    ("ng", "ng nanogram nanograms"),
    ("µg", "µg μg ug mcg microgram micrograms"),
    ("mg", "mg milligram milligrams"),
    ("g", "g gram grams"),
    ("kg", "kg Kg kilogram kilograms kilo kilos"),
    ("t", "ton tons tonne tonnes"),
    ("lb", "lb lbs"),
    ("oz", "oz ounce ounces"),
    ("nm", "nm nanometer nanometers nanometre nanometres"),
    ("µm", "µm μm um micrometer micrometers micron microns"),
    ("mm", "mm millimeter millimeters millimetre millimetres"),
    ("cm", "cm centimeter centimeters centimetre centimetres"),
    ("m", "m meter meters metre metres"),
    ("km", "km kilometer kilometers kilometre kilometres"),
    ("inch", "inch inches"),
    ("ft", "ft foot feet"),
    ("yd", "yd yard yards"),
    ("mi", "mi mile miles"),
    ("m²", "m² m2 sqm"),
    ("m³", "m³ m3"),
    ("ml", "ml mL milliliter milliliters millilitre millilitres"),
    ("l", "l L liter liters litre litres"),
    ("gal", "gal gallon gallons"),
    ("ns", "ns nanosecond nanoseconds"),
    ("µs", "µs μs us microsecond microseconds"),
    ("ms", "ms millisecond milliseconds"),
    ("s", "s sec secs second seconds"),
    ("min", "min mins minute minutes"),
    ("h", "h hr hrs hour hours"),
    ("day", "d day days"),
    ("week", "week weeks"),
    ("month", "month months"),
    ("year", "yr yrs year years"),
    ("am", "am a.m"),
    ("pm", "pm p.m"),
    ("bit", "bit bits"),
    ("byte", "byte bytes"),
    ("kB", "kB KB kilobyte kilobytes"),
    ("MB", "MB megabyte megabytes"),
    ("GB", "GB gigabyte gigabytes"),
    ("TB", "TB terabyte terabytes"),
    ("KiB", "KiB"),
    ("MiB", "MiB"),
    ("GiB", "GiB"),
    ("Mb", "Mb Mbit megabit megabits"),
    ("Gb", "Gb Gbit gigabit gigabits"),
    ("Mb/s", "Mbps Mb/s"),
    ("Gb/s", "Gbps Gb/s"),
    ("W", "W watt watts"),
    ("mW", "mW milliwatt milliwatts"),
    ("kW", "kW kilowatt kilowatts"),
    ("MW", "MW megawatt megawatts"),
    ("kWh", "kWh kwh"),
    ("J", "J joule joules"),
    ("kJ", "kJ"),
    ("cal", "cal calorie calories"),
    ("kcal", "kcal"),
    ("V", "V volt volts"),
    ("mV", "mV"),
    ("A", "A amp amps ampere amperes"),
    ("mA", "mA"),
    ("Ω", "Ω ohm ohms"),
    ("Hz", "Hz hz hertz"),
    ("kHz", "kHz khz"),
    ("MHz", "MHz mhz"),
    ("GHz", "GHz ghz"),
    ("Pa", "Pa pascal pascals"),
    ("kPa", "kPa kpa"),
    ("bar", "bar bars"),
    ("psi", "psi"),
    ("°C", "°C ℃ celsius"),
    ("°F", "°F ℉ fahrenheit"),
    ("°", "° degree degrees"),
    ("km/h", "km/h kph kmh"),
    ("mph", "mph"),
    ("m/s", "m/s"),
];

/// Spellings that are a unit only right behind a number: by themselves they are words.
const ATTACHED: [&str; 4] = ["A", "d", "us", "am"];

/// What currencies are called in capitals.
const CODES: [&str; 6] = ["USD", "EUR", "GBP", "JPY", "INR", "CHF"];

static SPELLINGS: LazyLock<HashMap<&str, &str>> = LazyLock::new(|| {
    let pairs = UNITS.iter().flat_map(|(unit, spellings)| {
        spellings.split_ascii_whitespace().map(move |spelling| (spelling, *unit))
    });
    pairs.collect()
});

pub(super) fn objection(before: &Reading, after: &Reading) -> Option<String> {
    let measured = |amounts: Vec<&Amount>| -> Vec<String> {
        let spelled = |amount: &&Amount| match amount.unit {
            Some(unit) => format!("{} {unit}", amount.value),
            None => format!("{} without a unit", amount.value),
        };
        amounts.iter().map(spelled).collect()
    };
    let (one, other) = certain(before, after);
    difference("units", &measured(one), &measured(other)).or_else(|| {
        let (one, other) = (spans(before), spans(after));
        let both = !one.is_empty() && !other.is_empty();
        both.then(|| difference("units", &one, &other)).flatten()
    })
}

/// Returns the spans of time without a number: `a week`, `every day`.
fn spans(reading: &Reading) -> Vec<&'static str> {
    let pairs = reading.words.windows(2);
    let counted = pairs.filter(|pair| {
        matches!(
            pair[0].lower.as_str(),
            "a" | "an" | "per" | "each" | "every" | "this" | "next" | "last"
        )
    });
    let units = counted.filter_map(|pair| SPELLINGS.get(pair[1].lower.as_str()).copied());
    units.filter(|unit| ["min", "h", "day", "week", "month", "year"].contains(unit)).collect()
}

/// Whether a word with a capital is a unit, such as `USD` and `GB`, and so no name.
pub(super) fn is_unit(word: &str) -> bool {
    let known = SPELLINGS.contains_key(word)
        || CODES.contains(&word)
        || matches!(word, "AM" | "PM" | "Celsius" | "Fahrenheit");
    known && word.len() > 1
}

/// Returns the unit that `text` begins with, which stands right behind a number.
pub(super) fn behind(text: &str) -> Option<&'static str> {
    let rest = text.strip_prefix([' ', '-']).unwrap_or(text);
    let attached = rest.len() == text.len();
    if let Some(rest) = rest.strip_prefix("per cent")
        && !rest.starts_with(char::is_alphabetic)
    {
        return Some("%");
    }
    if let Some(sign) = rest.chars().next().filter(|letter| "%$€£¥₹¢".contains(*letter)) {
        return SPELLINGS.get(&rest[..sign.len_utf8()]).copied();
    }
    let scale = ["degrees ", "degree ", "\u{b0} "].iter().find_map(|word| rest.strip_prefix(word));
    let scale = scale.unwrap_or_default().to_lowercase();
    for (name, unit) in
        [("celsius", "\u{b0}C"), ("c", "\u{b0}C"), ("fahrenheit", "\u{b0}F"), ("f", "\u{b0}F")]
    {
        if scale.strip_prefix(name).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric)) {
            return Some(unit);
        }
    }
    let is_unit = |letter: char| letter.is_alphanumeric() || "°/.²³℃℉".contains(letter);
    let token = rest.split(|letter| !is_unit(letter)).next()?.trim_end_matches(['.', '/']);
    let unit = |spelling: &str| {
        let lower = spelling.to_lowercase();
        let known = SPELLINGS.get(spelling).or_else(|| {
            // A symbol in another case is another unit; a word is not.
            (lower.len() > 2 || lower == "am" || lower == "pm")
                .then(|| SPELLINGS.get(lower.as_str()))?
        });
        known.filter(|_| attached || !ATTACHED.contains(&spelling) || lower == "am").copied()
    };
    unit(token).or_else(|| unit(token.split_once('/')?.0))
}

/// Returns the currency that `text` ends with, which stands right before a number.
pub(super) fn before(text: &str) -> Option<&'static str> {
    let text = text.strip_suffix(' ').unwrap_or(text);
    let sign = text.chars().next_back().filter(|letter| "$€£¥₹".contains(*letter));
    if let Some(sign) = sign {
        return SPELLINGS.get(&text[text.len() - sign.len_utf8()..]).copied();
    }
    let code = text.get(text.len().checked_sub(3)?..)?;
    let stands_alone = !text[..text.len() - 3].ends_with(char::is_alphanumeric);
    let is_code = stands_alone && CODES.contains(&code);
    is_code.then(|| SPELLINGS.get(code.to_lowercase().as_str()).copied()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_is_read_behind_a_number() {
        for (text, unit) in [
            (" mg of it", Some("mg")),
            ("mg", Some("mg")),
            (" milligrams.", Some("mg")),
            ("-minute walk", Some("min")),
            (" MW", Some("MW")),
            (" mW", Some("mW")),
            (" MB.", Some("MB")),
            (" km/h", Some("km/h")),
            ("%", Some("%")),
            (" per cent", Some("%")),
            (" a.m.", Some("am")),
            (" PM", Some("pm")),
            (" degrees Celsius.", Some("\u{b0}C")),
            (" degrees F", Some("\u{b0}F")),
            (" degrees for", Some("\u{b0}")),
            ("°C", Some("°C")),
            (" apples", None),
            (" A day", None),
            ("A", Some("A")),
            (" of us", None),
            ("", None),
            (" Hours", Some("h")),
            (" $", Some("$")),
        ] {
            assert_eq!(behind(text), unit, "{text:?}");
        }
        assert_eq!(before("it costs $"), Some("$"));
        assert_eq!(before("it costs EUR "), Some("€"));
        assert_eq!(before("it costs "), None);
    }

    #[test]
    fn no_spelling_stands_for_two_units() {
        let count: usize = UNITS.iter().map(|(_, all)| all.split_ascii_whitespace().count()).sum();
        assert_eq!(SPELLINGS.len(), count);
    }
}
