//! The members of a row, taken one by one; what is left over is extra.

use super::bad::Bad;
use serde_json::{Map, Value};

/// The members of a row that are not taken yet. `null` is the same as no member.
pub(super) struct Fields(Map<String, Value>);

impl Fields {
    pub fn new(members: Map<String, Value>) -> Self {
        Self(members)
    }

    /// Takes the members of a member that is an object; if it is another one, an empty object.
    pub fn within(&mut self, name: &'static str) -> Result<Self, Bad> {
        Ok(Self(self.object(name)?.unwrap_or_default()))
    }

    pub fn has(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|value| !value.is_null())
    }

    pub fn peek(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// Takes a member of any type.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name).filter(|value| !value.is_null())
    }

    pub fn text(&mut self, name: &'static str) -> Result<Option<String>, Bad> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(Bad::member(name, "a string", &other)),
        }
    }

    pub fn number(&mut self, name: &'static str) -> Result<Option<f64>, Bad> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Number(number)) => Ok(number.as_f64()),
            Some(other) => Err(Bad::member(name, "a number", &other)),
        }
    }

    /// Takes a number of things: an integer, also if it is spelled as a float.
    pub fn count(&mut self, name: &'static str) -> Result<Option<u64>, Bad> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let Some(count) = count(&value) else {
            let mut bad = Bad::member(name, "an integer from 0 to 2^64 - 1", &value);
            if value.is_number() {
                bad.reason = format!("`{name}` is no integer from 0 to 2^64 - 1");
            }
            return Err(bad);
        };
        Ok(Some(count))
    }

    pub fn list(&mut self, name: &'static str) -> Result<Option<Vec<Value>>, Bad> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Array(items)) => Ok(Some(items)),
            Some(other) => Err(Bad::member(name, "an array", &other)),
        }
    }

    pub fn object(&mut self, name: &'static str) -> Result<Option<Map<String, Value>>, Bad> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Object(members)) => Ok(Some(members)),
            Some(other) => Err(Bad::member(name, "an object", &other)),
        }
    }

    /// Puts a member back.
    pub fn put(&mut self, name: &str, value: impl Into<Value>) {
        self.0.insert(name.to_owned(), value.into());
    }

    /// Returns what was not taken.
    pub fn rest(self) -> Map<String, Value> {
        self.0
    }
}

/// Returns a number of things, also if it is spelled as a float.
pub(super) fn count(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| {
        let float = value.as_f64()?;
        // Beyond that, a float no longer says which integer is meant.
        let exact = (0.0..=9_007_199_254_740_992.0).contains(&float) && float.fract() == 0.0;
        exact.then_some(float as u64)
    })
}
