//! A number the way RFC 8785 spells it, but for integers beyond a double.

use crate::{Error, JsonErrorKind, Result};

/// Integers of up to this many digits are below 10^21, where ES6 begins to
/// write exponents: if a double holds one, its spelling is its plain digits, and
/// if none does, its exact digits are kept. So they stay as they are.
const PLAIN_DIGITS: usize = 21;

/// A double keeps this many decimal digits of any number in its range.
const KEPT_DIGITS: usize = 15;

/// ES6 writes an exponent from the seventh place after the point on.
const PLAIN_PLACES: usize = 6;

/// Appends the canonical spelling of a double.
///
/// # Errors
///
/// [`JsonErrorKind::Syntax`] for NaN and the infinities, which JSON lacks.
pub fn write_double(value: f64, out: &mut Vec<u8>) -> Result<()> {
    if !value.is_finite() {
        return Err(Error::json(JsonErrorKind::Syntax, 0, "NaN and Infinity are not JSON"));
    }
    out.extend_from_slice(ryu_js::Buffer::new().format_finite(value).as_bytes());
    Ok(())
}

/// Appends the canonical spelling of an integer of 64 bits: its digits.
pub fn write_i64(value: i64, out: &mut Vec<u8>) {
    let mut buffer = [0; 20];
    let mut at = buffer.len();
    let mut rest = value.unsigned_abs();
    loop {
        at -= 1;
        buffer[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if value < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(&buffer[at..]);
}

/// Appends the canonical spelling of an integer given as a JSON token.
///
/// That is the RFC 8785 spelling if it denotes exactly this integer, else the
/// digits themselves, so that two integers never share a spelling. `digits` is
/// an optional minus and decimal digits without leading zeros.
pub fn write_integer(digits: &str, out: &mut Vec<u8>) {
    if digits == "-0" {
        out.push(b'0');
        return;
    }
    if !is_plain_integer(digits.as_bytes())
        && let Some(spelling) = exact_spelling(digits)
    {
        out.extend_from_slice(spelling.as_bytes());
        return;
    }
    out.extend_from_slice(digits.as_bytes());
}

/// Whether an integer token is its own canonical spelling for sure.
pub(super) fn is_plain_integer(token: &[u8]) -> bool {
    token.len() <= PLAIN_DIGITS && token != b"-0"
}

/// Whether a token with a fraction is its own canonical spelling for sure.
pub(super) fn is_plain_fraction(token: &[u8]) -> bool {
    let digits = token.strip_prefix(b"-").unwrap_or(token);
    let Some(point) = digits.iter().position(|&byte| byte == b'.') else {
        return false;
    };
    let places = &digits[point + 1..];
    let significant = match digits[0] {
        b'0' => match places.iter().position(|&byte| byte != b'0') {
            Some(zeros) if zeros < PLAIN_PLACES => places.len() - zeros,
            _ => return false,
        },
        _ => point + places.len(),
    };
    significant <= KEPT_DIGITS && matches!(places.last(), Some(b'1'..=b'9'))
}

/// Appends the canonical spelling of a token with a fraction or an exponent;
/// `at` is where it stands in the input.
pub(super) fn respell(token: &str, at: usize, out: &mut Vec<u8>) -> Result<()> {
    match token.parse::<f64>() {
        Ok(value) if value.is_finite() => write_double(value, out),
        _ => Err(Error::json(
            JsonErrorKind::NumberOutOfRange,
            at,
            "the number is beyond the range of a double",
        )),
    }
}

/// Returns the ES6 spelling of an integer of 10^21 or more, if it is exact.
fn exact_spelling(digits: &str) -> Option<String> {
    let (sign, digits) = match digits.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", digits),
    };
    let value = digits.parse::<f64>().ok().filter(|value| value.is_finite())?;
    let spelling = ryu_js::Buffer::new().format_finite(value).to_owned();
    let (mantissa, exponent) = spelling.split_once("e+")?;
    let exact = exponent.parse() == Ok(digits.len() - 1)
        && mantissa.replace('.', "") == digits.trim_end_matches('0');
    exact.then(|| format!("{sign}{spelling}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn integer(digits: &str) -> String {
        let mut out = Vec::new();
        write_integer(digits, &mut out);
        String::from_utf8(out).unwrap()
    }

    fn double(value: f64) -> String {
        let mut out = Vec::new();
        write_double(value, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn an_integer_that_a_double_holds_is_spelled_as_es6_does() {
        assert_eq!(integer("1000000000000000000000"), "1e+21");
        assert_eq!(integer("-1230000000000000000000"), "-1.23e+21");
        assert_eq!(integer("-0"), "0");
    }

    #[test]
    fn an_integer_that_no_double_holds_keeps_its_digits() {
        let huge = "9".repeat(400);
        for digits in ["9007199254740993", "1000000000000000000001", huge.as_str()] {
            assert_eq!(integer(digits), digits);
        }
    }

    #[test]
    fn two_to_the_68th_is_not_the_integer_that_es6_would_write() {
        assert_eq!(integer("295147905179352825856"), "295147905179352825856");
        assert_eq!(integer("4722366482869645213696"), "4722366482869645213696");
    }

    #[test]
    fn integers_of_64_bits_are_their_digits() {
        for value in [0, 7, -7, 10, i64::MAX, i64::MIN] {
            let mut out = Vec::new();
            write_i64(value, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), value.to_string());
        }
    }

    #[test]
    fn zero_has_no_sign() {
        assert_eq!(double(-0.0), "0");
    }

    #[test]
    fn nan_is_an_error() {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let error = write_double(value, &mut Vec::new()).unwrap_err();
            assert_eq!(error.json_kind(), Some((JsonErrorKind::Syntax, 0)));
        }
    }

    #[test]
    fn a_fraction_called_plain_is_what_es6_writes() {
        for token in ["0.7", "-0.5", "123.25", "0.000001", "0.00000123", "99999999999999.9"] {
            assert!(is_plain_fraction(token.as_bytes()), "{token}");
            assert_eq!(double(token.parse().unwrap()), token);
        }
        for token in ["0.0", "1.0", "0.70", "0.0000001", "333333333.33333329", "-0.0"] {
            assert!(!is_plain_fraction(token.as_bytes()), "{token}");
        }
    }
}
