//! From C's arguments to checked values.
//!
//! Every function here is `unsafe` for the reason of the crate's safety contract,
//! and its result must not outlive the call that it is an argument of.

use crate::cache::f3dx_cache;
use f3dx_cache_core::json::{Document, Kind};
use f3dx_cache_core::{Cache, Error, ErrorKind, Fingerprint, JsonErrorKind, Result};
use std::borrow::Cow;
use std::ffi::{CStr, c_char, c_void};
use std::path::Path;

/// Makes the error of an argument outside its domain.
pub(crate) fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidArgument, message)
}

/// Reads a cache.
pub(crate) unsafe fn cache<'a>(cache: *const f3dx_cache) -> Result<&'a Cache> {
    // SAFETY: the crate's safety contract.
    unsafe { handle(cache, "cache") }.map(f3dx_cache::inner)
}

/// Reads a handle that several threads may use.
pub(crate) unsafe fn handle<'a, T>(handle: *const T, name: &str) -> Result<&'a T> {
    // SAFETY: the crate's safety contract.
    unsafe { handle.as_ref() }.ok_or_else(|| invalid(format!("{name} is NULL")))
}

/// Reads a handle that one thread at a time uses.
pub(crate) unsafe fn handle_mut<'a, T>(handle: *mut T, name: &str) -> Result<&'a mut T> {
    // SAFETY: the crate's safety contract.
    unsafe { handle.as_mut() }.ok_or_else(|| invalid(format!("{name} is NULL")))
}

/// Reads bytes.
pub(crate) unsafe fn bytes<'a>(data: *const c_void, len: usize, name: &str) -> Result<&'a [u8]> {
    if len > isize::MAX as usize {
        return Err(invalid(format!("{name}_len is {len}, longer than any object")));
    }
    match (data.is_null(), len) {
        (true, 0) => Ok(&[]),
        (true, _) => Err(invalid(format!("{name} is NULL, and {name}_len {len}"))),
        // SAFETY: the crate's safety contract, and the length was checked.
        (false, _) => Ok(unsafe { std::slice::from_raw_parts(data.cast(), len) }),
    }
}

/// Reads a text that is not JSON.
pub(crate) unsafe fn text<'a>(data: *const c_char, len: usize, name: &str) -> Result<&'a str> {
    // SAFETY: the crate's safety contract.
    let bytes = unsafe { bytes(data.cast(), len, name) }?;
    str::from_utf8(bytes).map_err(|cause| invalid(format!("{name} is not UTF-8")).because(cause))
}

/// Reads a JSON text, which core checks.
pub(crate) unsafe fn json<'a>(data: *const c_char, len: usize, name: &str) -> Result<&'a [u8]> {
    // SAFETY: the crate's safety contract.
    unsafe { bytes(data.cast(), len, name) }
}

/// Reads a NUL-terminated JSON text that may be NULL, and checks it.
pub(crate) unsafe fn json_or_null<'a>(data: *const c_char) -> Result<Option<&'a str>> {
    if data.is_null() {
        return Ok(None);
    }
    // SAFETY: the crate's safety contract.
    let bytes = unsafe { CStr::from_ptr(data) }.to_bytes();
    Document::parse(bytes)?;
    str::from_utf8(bytes)
        .map(Some)
        .map_err(|cause| Error::json(JsonErrorKind::InvalidUtf8, cause.valid_up_to(), cause))
}

/// Reads a NUL-terminated path that may be NULL.
pub(crate) unsafe fn path<'a>(path: *const c_char) -> Result<Option<&'a Path>> {
    if path.is_null() {
        return Ok(None);
    }
    // SAFETY: the crate's safety contract.
    let text = unsafe { CStr::from_ptr(path) }.to_str();
    text.map(|text| Some(Path::new(text)))
        .map_err(|cause| invalid("path is not UTF-8").because(cause))
}

/// Reads a fingerprint.
pub(crate) unsafe fn fingerprint(fingerprint: *const u8) -> Result<Fingerprint> {
    // SAFETY: the crate's safety contract; it has 32 bytes of any alignment.
    unsafe { fingerprint.cast::<[u8; 32]>().as_ref() }
        .map(|bytes| Fingerprint::from_bytes(*bytes))
        .ok_or_else(|| invalid("fingerprint is NULL"))
}

/// The headers of an HTTP message.
pub(crate) struct Headers<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Headers<'a> {
    /// Reads names and values, a line each; or a JSON object of string to string, or an
    /// array of `[name, value]`.
    pub(crate) fn parse(text: &'a [u8]) -> Result<Self> {
        match text.first() {
            None => Ok(Self(Vec::new())),
            Some(b'{' | b'[' | b' ' | b'\t' | b'\r' | b'\n') => Self::parse_json(text),
            Some(_) => Self::parse_lines(text),
        }
    }

    fn parse_lines(text: &'a [u8]) -> Result<Self> {
        let text = str::from_utf8(text)
            .map_err(|cause| invalid("headers are not UTF-8").because(cause))?;
        let mut headers = Vec::with_capacity(16);
        let mut lines = text.split('\n');
        while let Some(name) = lines.next() {
            let value = lines.next().ok_or_else(|| {
                invalid("headers: no JSON, and no pairs of lines, a name and its value")
            })?;
            headers.push((Cow::Borrowed(name), Cow::Borrowed(value)));
        }
        Ok(Self(headers))
    }

    fn parse_json(json: &'a [u8]) -> Result<Self> {
        let document = Document::parse(json)?;
        let root = document.root();
        let wrong = || {
            invalid(
                "headers: an object of string to string, or an array of [name, value] is needed",
            )
        };
        let headers: Option<Vec<_>> = match root.kind() {
            Kind::Object => root
                .members()
                .map(|(name, value)| {
                    Some((Cow::Owned(name.into_owned()), Cow::Owned(value.as_str()?.into_owned())))
                })
                .collect(),
            Kind::Array => root
                .items()
                .map(|pair| {
                    let text = |place| Some(Cow::Owned(pair.index(place)?.as_str()?.into_owned()));
                    (pair.len() == 2).then_some((text(0)?, text(1)?))
                })
                .collect(),
            _ => None,
        };
        headers.map(Self).ok_or_else(wrong)
    }

    /// Returns them as core takes them.
    pub(crate) fn pairs(&self) -> Vec<(&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Vec<(String, String)>> {
        let headers = Headers::parse(json.as_bytes())?;
        Ok(headers.0.into_iter().map(|(n, v)| (n.into_owned(), v.into_owned())).collect())
    }

    #[test]
    fn headers_are_lines_an_object_or_pairs() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(read("").unwrap(), []);
        assert_eq!(read("[]").unwrap(), []);
        assert_eq!(read("a\nb").unwrap(), [pair("a", "b")]);
        assert_eq!(read("a\n[\\\"\na\n").unwrap(), [pair("a", "[\\\""), pair("a", "")]);
        assert_eq!(read(r#"{"a":"b"}"#).unwrap(), [pair("a", "b")]);
        assert_eq!(read(r#" [["a", "b"],["a","c"]]"#).unwrap(), [pair("a", "b"), pair("a", "c")]);
        let spelled = r#"[["a","\u00fc\n\ud83d\ude00\"é"]]"#;
        assert_eq!(read(spelled).unwrap(), [pair("a", "ü\n😀\"é")]);
    }

    #[test]
    fn other_headers_are_an_error_as_of_any_json() {
        for (json, kind) in [
            (r#"[["a","\ud800"]]"#, ErrorKind::InvalidJson),
            (r#"[["a","b"]] x"#, ErrorKind::InvalidJson),
            (r#"{"a":"b","a":"c"}"#, ErrorKind::InvalidJson),
            ("[[\"a\",\"\n\"]]", ErrorKind::InvalidJson),
            (r#"[["a"]]"#, ErrorKind::InvalidArgument),
            (r#"[["a","b","c"]]"#, ErrorKind::InvalidArgument),
            (r#"[["a",1]]"#, ErrorKind::InvalidArgument),
            (r#"{"a":null}"#, ErrorKind::InvalidArgument),
            ("1", ErrorKind::InvalidArgument),
            ("a\nb\nc", ErrorKind::InvalidArgument),
        ] {
            assert_eq!(read(json).unwrap_err().kind(), kind, "{json}");
        }
        assert!(Headers::parse(b"[[\"a\",\"\xff\"]]").is_err());
        assert!(Headers::parse(b"a\n\xff").is_err());
    }
}
