//! A multipart body as its parts, without the boundary, which is random.

use super::call::write_digest;
use crate::json::write_string;
use memchr::memmem;

/// Appends `{"multipart":[…]}` to `out`, or returns `false` if `body` is not
/// what `content_type` says.
///
/// A part is `{"content":…,"content-type"?,"filename"?,"name"?}`: its content is
/// text if it is UTF-8 without control characters, else `{"blake3":…,"bytes":…}`.
pub(super) fn write(content_type: &str, body: &[u8], out: &mut Vec<u8>) -> bool {
    let Some(parts) = boundary(content_type).and_then(|boundary| parts(body, &boundary)) else {
        return false;
    };
    out.extend_from_slice(b"{\"multipart\":[");
    for (n, part) in parts.iter().enumerate() {
        if n > 0 {
            out.push(b',');
        }
        part.write(out);
    }
    out.extend_from_slice(b"]}");
    true
}

struct Part<'a> {
    content: &'a [u8],
    content_type: Option<String>,
    filename: Option<String>,
    name: Option<String>,
}

impl Part<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"content\":");
        match std::str::from_utf8(self.content) {
            Ok(text) if !text.chars().any(is_binary) => write_string(text, out),
            _ => write_digest(self.content, out),
        }
        let members = [
            ("content-type", &self.content_type),
            ("filename", &self.filename),
            ("name", &self.name),
        ];
        for (name, value) in members {
            if let Some(value) = value {
                out.push(b',');
                write_string(name, out);
                out.push(b':');
                write_string(value, out);
            }
        }
        out.push(b'}');
    }
}

fn is_binary(c: char) -> bool {
    c.is_control() && !matches!(c, '\t' | '\n' | '\r')
}

fn boundary(content_type: &str) -> Option<String> {
    let (kind, parameters) = content_type.split_once(';')?;
    kind.trim().to_ascii_lowercase().starts_with("multipart/").then_some(())?;
    parameter(parameters, "boundary").filter(|boundary| !boundary.is_empty())
}

/// Splits a body at its boundary; `None` if it does not end as it must.
fn parts<'a>(body: &'a [u8], boundary: &str) -> Option<Vec<Part<'a>>> {
    let delimiter = format!("\r\n--{boundary}");
    let first = &delimiter.as_bytes()[2..];
    let mut rest = match body.strip_prefix(first) {
        Some(rest) => rest,
        None => &body[memmem::find(body, delimiter.as_bytes())? + delimiter.len()..],
    };
    let mut parts = Vec::new();
    while !rest.starts_with(b"--") {
        rest = rest.strip_prefix(b"\r\n")?;
        let end = memmem::find(rest, delimiter.as_bytes())?;
        parts.push(part(&rest[..end])?);
        rest = &rest[end + delimiter.len()..];
    }
    Some(parts)
}

fn part(bytes: &[u8]) -> Option<Part<'_>> {
    let (head, content) = match bytes.strip_prefix(b"\r\n") {
        Some(content) => (&b""[..], content),
        None => {
            let end = memmem::find(bytes, b"\r\n\r\n")?;
            (&bytes[..end], &bytes[end + 4..])
        }
    };
    let mut part = Part { content, content_type: None, filename: None, name: None };
    for line in std::str::from_utf8(head).ok()?.split("\r\n").filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':')?;
        if name.eq_ignore_ascii_case("content-type") {
            part.content_type = Some(value.trim().to_owned());
        } else if name.eq_ignore_ascii_case("content-disposition") {
            part.filename = parameter(value, "filename");
            part.name = parameter(value, "name");
        }
    }
    Some(part)
}

/// Returns the value of one parameter of a header such as `form-data; name="file"`.
fn parameter(header: &str, wanted: &str) -> Option<String> {
    let mut rest = header;
    loop {
        rest = rest.trim_start_matches([';', ' ', '\t']);
        if rest.is_empty() {
            return None;
        }
        let end = rest.find(['=', ';']).unwrap_or(rest.len());
        let name = rest[..end].trim();
        let Some(after) = rest[end..].strip_prefix('=') else {
            rest = &rest[end..];
            continue;
        };
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => unquote(quoted),
            None => {
                let end = after.find(';').unwrap_or(after.len());
                (after[..end].trim().to_owned(), &after[end..])
            }
        };
        if name.eq_ignore_ascii_case(wanted) {
            return Some(value);
        }
        rest = after;
    }
}

/// Reads up to the closing quote, and returns what follows it, too.
fn unquote(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (value, &text[at + 1..]),
            // Browsers and SDKs escape a quote as `%22`; a backslash is theirs only before one.
            '\\' if text[at + 1..].starts_with('"') => {
                value.push('"');
                chars.next();
            }
            c => value.push(c),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(content_type: &str, body: &str) -> Option<String> {
        let mut out = Vec::new();
        write(content_type, body.as_bytes(), &mut out).then(|| String::from_utf8(out).unwrap())
    }

    #[test]
    fn two_boundaries_make_one_document() {
        let of = |boundary: &str| {
            let body = format!(
                "--{boundary}\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper-1\r\n\
                 --{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a;b.wav\"\r\n\
                 Content-Type: audio/wav\r\n\r\nRI\0F\r\n--{boundary}--\r\n"
            );
            document(&format!("multipart/form-data; boundary=\"{boundary}\""), &body).unwrap()
        };
        let digest = blake3::hash(b"RI\0F").to_hex();
        assert_eq!(
            of("x1"),
            format!(
                "{{\"multipart\":[{{\"content\":\"whisper-1\",\"name\":\"model\"}},{{\"content\":\
                 {{\"blake3\":\"{digest}\",\"bytes\":4}},\"content-type\":\"audio/wav\",\
                 \"filename\":\"a;b.wav\",\"name\":\"file\"}}]}}"
            )
        );
        assert_eq!(of("x1"), of("another"));
    }

    #[test]
    fn a_body_cut_off_or_with_another_boundary_is_not_split() {
        let body = "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--b";
        assert_eq!(document("multipart/form-data; boundary=b", body), None);
        assert_eq!(document("multipart/form-data; boundary=c", &format!("{body}--\r\n")), None);
        assert_eq!(document("multipart/form-data", body), None);
        assert_eq!(document("application/json", body), None);
    }
}
