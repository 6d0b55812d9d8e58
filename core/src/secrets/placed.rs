//! Secrets that no format gives away, but the place where they stand: the password in
//! a URL, and the value of what a text calls an API key or a password.
//!
//! Text here is prose, code, or JSON within a string; the members of a request itself
//! are known by their names alone (see the parent module).

use super::ends_like_credential;
use super::format::{Found, is_mixed};
use memchr::memmem;
use std::ops::Range;
use std::sync::LazyLock;

/// A shorter password is a word, or an example.
const SHORTEST_PASSWORD: usize = 6;
/// Keys without a format have 32 digits or more.
const SHORTEST_KEY: usize = 16;
/// No longer one is looked for.
const LONGEST: usize = 1024;

/// Returns the passwords of URLs such as `postgres://user:password@host`.
pub(super) fn passwords(text: &[u8]) -> impl Iterator<Item = Found> {
    static SCHEME: LazyLock<memmem::Finder<'static>> = LazyLock::new(|| memmem::Finder::new("://"));
    SCHEME.find_iter(text).filter_map(|scheme| {
        let start = scheme + "://".len();
        let named = scheme > 0 && text[scheme - 1].is_ascii_alphanumeric();
        let rest = &text[start..text.len().min(start + LONGEST)];
        // What JSON escapes ends it, so that a text and its JSON spelling are read alike.
        let ends = |byte: &u8| *byte <= b' ' || b"/?#\"'`<>\\,(){}[]$".contains(byte);
        let authority = &rest[..rest.iter().position(ends).unwrap_or(rest.len())];
        let end = memchr::memchr(b'@', authority)?;
        let colon = memchr::memchr(b':', &authority[..end])?;
        let password = &authority[colon + 1..end];
        (named && is_password(password))
            .then_some(Found { at: start + colon + 1..start + end, issuer: "url-password" })
    })
}

/// Returns the values of assignments such as `COHERE_API_KEY=…`, `"api_key": "…"`, and
/// the same with its quotes escaped. `cut` says where a value ends at the latest.
pub(super) fn assigned(
    text: &[u8],
    cut: impl Fn(&Range<usize>) -> usize,
) -> impl Iterator<Item = Found> {
    memchr::memchr2_iter(b'=', b':', text).filter_map(move |sign| {
        let around = |byte: &u8| b"\"'`\\ ".contains(byte);
        let name_end = text[..sign].iter().rposition(|byte| !around(byte))? + 1;
        // What most signs are told by: none of the names ends otherwise.
        if !matches!(text[name_end - 1] | 0x20, b'y' | b'n' | b't' | b'd') {
            return None;
        }
        let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_".contains(byte);
        let name_start = text[..name_end].iter().rposition(|byte| !is_name(byte));
        let name = &text[name_start.map_or(0, |before| before + 1)..name_end];
        // The name may be that of a placeholder: `[secret:private-key:…]`.
        if text[..name_end - name.len()].ends_with(b"[secret:") || !ends_like_credential(name) {
            return None;
        }
        // `:=`, `==` and `=>` assign or compare, too.
        let between = |byte: &u8| around(byte) || b"=>".contains(byte);
        let start = sign + 1 + text[sign + 1..].iter().position(|byte| !between(byte))?;
        let is_password = name.to_ascii_lowercase().ends_with(b"password");
        let rest = &text[start..text.len().min(start + LONGEST)];
        let is_value = |byte: &u8| match is_password {
            true => byte.is_ascii_graphic() && !b"\"'`\\,;<>(){}[]$".contains(byte),
            false => byte.is_ascii_alphanumeric() || b"-_.~+/=%".contains(byte),
        };
        let length = rest.iter().position(|byte| !is_value(byte)).unwrap_or(rest.len());
        let value = &text[start..cut(&(start..start + length))];
        let shortest = if is_password { SHORTEST_PASSWORD } else { SHORTEST_KEY };
        // Of a call (`os.getenv("…")`), it is the function.
        let called = rest.get(value.len()) == Some(&b'(');
        (value.len() >= shortest && is_mixed(value) && !called)
            .then_some(Found { at: start..start + value.len(), issuer: "assigned" })
    })
}

/// Whether it is no placeholder of a manual's.
fn is_password(text: &[u8]) -> bool {
    text.len() >= SHORTEST_PASSWORD
        && (is_mixed(text)
            || text.iter().any(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<&str> {
        let bytes = text.as_bytes();
        passwords(bytes)
            .chain(assigned(bytes, |value| value.end))
            .map(|found| &text[found.at])
            .collect()
    }

    const KEY: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn a_password_in_a_url_is_found() {
        assert_eq!(found("see postgres://app:s3cr3t!x@db:5432/x."), ["s3cr3t!x"]);
        assert_eq!(found("mongodb+srv://app:p%40ssw0rd@h"), ["p%40ssw0rd"]);
        assert_eq!(found(r#"{\"url\":\"redis://:hunter22@h/0\"}"#), ["hunter22"]);
    }

    #[test]
    fn an_assigned_key_is_found_however_it_is_written() {
        for text in [
            format!("export COHERE_API_KEY={KEY}"),
            format!("mistral_api_key: {KEY}\n"),
            format!("api_key = '{KEY}'"),
            format!(r#"{{"api_key": "{KEY}"}}"#),
            format!(r#"{{\"clientSecret\":\"{KEY}\"}}"#),
            format!("apiKey := \"{KEY}\""),
            format!("-Dapi-key={KEY}"),
        ] {
            assert_eq!(found(&text), [KEY], "{text}");
        }
        assert_eq!(found(r#"password: "hunter2!!x", x"#), ["hunter2!!x"]);
    }

    #[test]
    fn what_only_looks_like_one_stays() {
        for text in [
            "http://localhost:8080/x@y",
            "https://user@host/a:b",
            "postgres://user:password@localhost/db",
            "postgres://user:$PASSWORD@localhost",
            "postgres://user:<password>@localhost",
            "api_key = os.environ[\"OPENAI_API_KEY_NUMBER_1\"]",
            "api_key=load_key_from_vault_2(x)",
            "password: string; api_key?: string",
            "\"password\": {\"type\": \"string\"}",
            "next_page_token=0123456789abcdef0123456789abcdef",
            "primary key: 0123456789abcdef0123456789abcdef",
            "a::b == c",
        ] {
            assert_eq!(found(text), [""; 0], "{text}");
        }
    }
}
