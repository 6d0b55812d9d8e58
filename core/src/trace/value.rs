//! JSON texts as values, strictly: no name twice in one object.

use super::bad::{Bad, kind};
use crate::error::{ErrorKind, JsonErrorKind};
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::fmt;

/// Reads the text of a row.
pub(super) fn parse(text: &[u8]) -> Result<Map<String, Value>, Bad> {
    let mut reader = serde_json::Deserializer::from_slice(text);
    let read = Strict.deserialize(&mut reader).and_then(|value| reader.end().map(|()| value));
    match read {
        Ok(Value::Object(members)) => Ok(members),
        Ok(other) => {
            let at = text.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(0);
            Err(Bad::byte(at, format!("{} stands where an object is needed", kind(&other))))
        }
        Err(error) => Err(explain(text, &error)),
    }
}

/// Reads a JSON text of a string of a row, such as the arguments of a tool call.
pub(super) fn parse_inner(text: &str) -> Option<Value> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = Strict.deserialize(&mut reader).ok()?;
    reader.end().ok()?;
    Some(value)
}

/// Says where and why a text is not JSON. What serde_json says may quote it, so that the
/// strict reader of the fingerprints is asked.
fn explain(text: &[u8], error: &serde_json::Error) -> Bad {
    let broken = crate::canonicalize(text).err();
    if let Some((kind, at)) = broken.as_ref().and_then(crate::Error::json_kind) {
        return Bad::byte(at, reason(kind, text, at));
    }
    if broken.is_some_and(|error| error.kind() == ErrorKind::InvalidArgument) {
        return Bad::row("it is too long");
    }
    let before = memchr::memchr_iter(b'\n', text).nth(error.line().wrapping_sub(2));
    let start = before.map_or(0, |newline| newline + 1);
    Bad::byte(start + error.column().saturating_sub(1), "it is not JSON that can be read")
}

fn reason(kind: JsonErrorKind, text: &[u8], at: usize) -> &'static str {
    match kind {
        JsonErrorKind::Syntax if at >= text.trim_ascii_end().len() => "it ends within a value",
        JsonErrorKind::Syntax => match text.get(at) {
            Some(b'N' | b'I') => "NaN and Infinity are not JSON",
            Some(..b' ') => "a control character stands in a string",
            _ => "it is not JSON",
        },
        JsonErrorKind::TrailingData => "there is more after the value",
        JsonErrorKind::EmptyInput => "there is no value",
        JsonErrorKind::Bom => "a byte order mark stands within the file",
        JsonErrorKind::InvalidUtf8 => "it is not UTF-8",
        JsonErrorKind::DuplicateKey => "a name stands twice in one object",
        JsonErrorKind::LoneSurrogate => "half of a surrogate pair is escaped",
        JsonErrorKind::NumberOutOfRange => "a number is beyond the range of a double",
        JsonErrorKind::TooDeep => "it has more than 127 levels of arrays and objects",
    }
}

/// Reads any value.
struct Strict;

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = items.next_element_seed(Strict)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let value = members.next_value_seed(Strict)?;
            if map.insert(name, value).is_some() {
                return Err(A::Error::custom("a name stands twice"));
            }
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::super::bad::Place;
    use super::*;

    #[test]
    fn what_is_wrong_is_said_with_its_byte() {
        for (text, byte, reason) in [
            (r#"{"a": NaN}"#, 6, "NaN and Infinity are not JSON"),
            (r#"{"a": -Infinity}"#, 7, "NaN and Infinity are not JSON"),
            (r#"{"a": "\ud800"}"#, 7, "half of a surrogate pair is escaped"),
            (r#"{"a": 1, "\u0061": 2}"#, 9, "a name stands twice in one object"),
            (r#"{"a": {"b": [{"c": 1, "c": 1}]}}"#, 22, "a name stands twice in one object"),
            (r#"{"a": "b"#, 8, "it ends within a value"),
            (r#"{"a": 1e999}"#, 6, "a number is beyond the range of a double"),
            (r#"{"a": 1} {}"#, 9, "there is more after the value"),
            (r#"{"a" 1}"#, 5, "it is not JSON"),
            (" [1]", 1, "an array stands where an object is needed"),
            ("\"a\"", 0, "a string stands where an object is needed"),
        ] {
            let bad = parse(text.as_bytes()).unwrap_err();
            assert_eq!(bad.reason, reason, "{text}");
            assert!(matches!(bad.at, Place::Byte(at) if at == byte), "{text}: {:?}", bad.at);
        }
        let bad = parse(b"{\"a\": \"\xff\"}").unwrap_err();
        assert_eq!(bad.reason, "it is not UTF-8");
    }

    #[test]
    fn integers_of_64_bits_are_exact_and_bigger_ones_are_read() {
        let row = parse(br#"{"a": 18446744073709551615, "b": 123456789012345678901234567890}"#);
        let row = row.unwrap();
        assert_eq!(row["a"].as_u64(), Some(u64::MAX));
        assert_eq!(row["b"].as_f64(), Some(1.2345678901234568e29));
    }
}
