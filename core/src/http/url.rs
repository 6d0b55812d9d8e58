//! A URL taken apart, and written the way a request document spells it.

use crate::error::{Error, ErrorKind, Result};
use crate::secrets::is_credential_name;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An `http` or `https` URL: what of it tells one request from another.
///
/// Scheme, user information and fragment are gone; escapes are spelt one way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Url {
    pub(crate) authority: Authority,
    /// Begins with `/`.
    pub(crate) path: String,
    /// `name=value` pieces in the order they were sent, credentials included.
    pub(crate) query: Vec<String>,
    /// The password, or else the user, before `@`.
    pub(crate) userinfo: Option<String>,
}

/// A host and the port a connection goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Authority {
    /// Lower case, no trailing dot; IPv6 in brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Whether `port` is what the scheme means without one.
    pub(crate) default_port: bool,
}

impl Url {
    /// Parses an absolute URL, or returns nothing if this is no `http` URL.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let default = match scheme {
            s if s.eq_ignore_ascii_case("https") => 443,
            s if s.eq_ignore_ascii_case("http") => 80,
            _ => return None,
        };
        let rest = rest.split_once('#').map_or(rest, |(before, _)| before);
        let split = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at(split);
        let (userinfo, authority) = match authority.rsplit_once('@') {
            Some((userinfo, authority)) => (Some(userinfo), authority),
            None => (None, authority),
        };
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        Some(Self {
            authority: Authority::parse(authority, default)?,
            path: if path.is_empty() { "/".to_owned() } else { spell(path) },
            query: query.split('&').filter(|piece| !piece.is_empty()).map(spell).collect(),
            userinfo: userinfo
                .map(|user| user.split_once(':').map_or(user, |(_, password)| password).to_owned()),
        })
    }

    /// Returns path and query as a document writes them: sorted by name (pieces
    /// of one name keep their order), without credentials.
    pub(crate) fn path_and_query(&self) -> String {
        let mut pieces: Vec<&str> = self
            .query
            .iter()
            .map(String::as_str)
            .filter(|piece| !is_credential(name_of(piece)))
            .collect();
        pieces.sort_by_key(|piece| name_of(piece));
        let mut text = self.path.clone();
        for (n, piece) in pieces.into_iter().enumerate() {
            text.push(if n == 0 { '?' } else { '&' });
            text.push_str(piece);
        }
        text
    }

    /// Returns the credentials in the query and before `@`, unescaped.
    pub(crate) fn credentials(&self) -> impl Iterator<Item = String> {
        let query = self.query.iter().filter_map(|piece| {
            let (name, value) = piece.split_once('=')?;
            is_credential(name).then_some(value)
        });
        query.chain(self.userinfo.as_deref()).map(unescape)
    }
}

impl Authority {
    fn parse(text: &str, default: u16) -> Option<Self> {
        let (host, port) = split_port(text)?;
        let port = match port {
            None | Some("") => default,
            Some(port) => port.parse().ok()?,
        };
        Some(Self { host: host_name(host)?, port, default_port: port == default })
    }

    /// Returns whether this is this machine, or a name no server on a network has.
    pub(crate) fn is_local(&self) -> bool {
        let host = self.host.as_str();
        if let Some(address) = address(host) {
            let address = match address {
                IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(IpAddr::V6(v6), IpAddr::V4),
                v4 @ IpAddr::V4(_) => v4,
            };
            return address.is_loopback() || address.is_unspecified();
        }
        let last = host.rsplit('.').next().unwrap_or(host);
        host == "testserver" || matches!(last, "localhost" | "test" | "example" | "invalid")
    }
}

/// As in a document: the port only if it is not the scheme's own.
impl std::fmt::Display for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.host)?;
        if !self.default_port {
            write!(f, ":{}", self.port)?;
        }
        Ok(())
    }
}

/// `host` (the scheme's port), `host:port` or `host:*`; `*.suffix` for any host below one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HostPattern {
    host: String,
    below: bool,
    port: PortPattern,
}

/// The port of a [`HostPattern`]; the more of it is said, the greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum PortPattern {
    Any,
    Default,
    Exactly(u16),
}

impl HostPattern {
    /// Parses an entry of `option`, which the error names.
    pub(crate) fn parse(text: &str, option: &str) -> Result<Self> {
        let wrong = || {
            Error::new(
                ErrorKind::Config,
                format!("{option}: {text:?} is not `host`, `host:port` or `host:*`"),
            )
        };
        let text = text.trim();
        let (host, port) = split_port(text).ok_or_else(wrong)?;
        let port = match port {
            None => PortPattern::Default,
            Some("*") => PortPattern::Any,
            Some(port) => PortPattern::Exactly(port.parse().map_err(|_| wrong())?),
        };
        let (below, host) = host.strip_prefix("*.").map_or((false, host), |host| (true, host));
        let host = host_name(host).filter(|host| !host.contains('*')).ok_or_else(wrong)?;
        Ok(Self { host, below, port })
    }

    pub(crate) fn matches(&self, authority: &Authority) -> bool {
        let port = match self.port {
            PortPattern::Any => true,
            PortPattern::Default => authority.default_port,
            PortPattern::Exactly(port) => port == authority.port,
        };
        port && if self.below {
            authority.host.strip_suffix(&self.host).is_some_and(|rest| rest.ends_with('.'))
        } else {
            authority.host == self.host
        }
    }

    /// Returns whether this names one server, and not several.
    pub(crate) fn is_one_server(&self) -> bool {
        !self.below && self.port != PortPattern::Any
    }

    /// Returns how much this says; of two that match, the greater one counts.
    pub(crate) fn specificity(&self) -> impl Ord + use<> {
        (!self.below, self.port, self.host.len())
    }

    /// Returns the server this names as a document writes it.
    pub(crate) fn spelling(&self) -> String {
        match self.port {
            PortPattern::Exactly(port) if port != 443 => format!("{}:{port}", self.host),
            _ => self.host.clone(),
        }
    }
}

/// Splits `host:port`; a bare IPv6 address is a host.
fn split_port(text: &str) -> Option<(&str, Option<&str>)> {
    if text.starts_with('[') {
        let end = text.find(']')? + 1;
        let (host, rest) = text.split_at(end);
        return match rest.strip_prefix(':') {
            Some(port) => Some((host, Some(port))),
            None => rest.is_empty().then_some((host, None)),
        };
    }
    if text.parse::<Ipv6Addr>().is_ok() {
        return Some((text, None));
    }
    match text.split_once(':') {
        Some((host, port)) => (!port.contains(':')).then_some((host, Some(port))),
        None => Some((text, None)),
    }
}

/// Spells a host one way, or returns nothing if it is none.
fn host_name(text: &str) -> Option<String> {
    if let Some(IpAddr::V6(address)) = address(text) {
        return Some(format!("[{address}]"));
    }
    let host = text.strip_suffix('.').unwrap_or(text);
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && !"/?#@[]:\\".contains(c);
    (!host.is_empty() && host.chars().all(plain)).then(|| host.to_ascii_lowercase())
}

fn address(host: &str) -> Option<IpAddr> {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    match bare {
        // A zone (`%eth0`) is about this machine's network, not about the host.
        Some(bare) => {
            let bare = bare.split('%').next().unwrap_or(bare);
            bare.parse::<Ipv6Addr>().ok().map(IpAddr::V6)
        }
        None => host
            .parse::<Ipv4Addr>()
            .map(IpAddr::V4)
            .or_else(|_| host.parse::<Ipv6Addr>().map(IpAddr::V6))
            .ok(),
    }
}

fn name_of(piece: &str) -> &str {
    piece.split_once('=').map_or(piece, |(name, _)| name)
}

/// Query members that say who asks, not what.
const CREDENTIALS: &[&str] = &[
    "access_key",
    "access_token",
    "api-key",
    "api_key",
    "api_token",
    "apikey",
    "auth",
    "auth_token",
    "authorization",
    "awsaccesskeyid",
    "client_secret",
    "credential",
    "id_token",
    "key",
    "password",
    "refresh_token",
    "secret",
    "session_token",
    "sig",
    "signature",
    "subscription-key",
    "token",
    "x-api-key",
    "x-goog-api-key",
];

fn is_credential(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    CREDENTIALS.binary_search(&name.as_str()).is_ok()
        || is_credential_name(name.as_bytes())
        || name.starts_with("x-amz-")
        || name.starts_with("x-goog-")
}

/// Spells escapes one way where that cannot change what a URL means:
/// upper-case hex, letters and digits and `-_~` bare, what no URL holds bare escaped.
fn spell(text: &str) -> String {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = String::with_capacity(text.len());
    let mut bytes = text.as_bytes();
    while let [first, rest @ ..] = bytes {
        bytes = rest;
        let escaped = match (first, rest) {
            (b'%', [high, low, ..]) => hex(*high).zip(hex(*low)).map(|(high, low)| high << 4 | low),
            _ => None,
        };
        if escaped.is_some() {
            bytes = &rest[2..];
        }
        let byte = escaped.unwrap_or(*first);
        let bare = match escaped {
            // Not `.`: `%2E%2E` is a name, `..` a way up.
            Some(byte) => byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'~'),
            None => byte.is_ascii_graphic() && !matches!(byte, b'"' | b'<' | b'>'),
        };
        if bare {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
    out
}

/// Reads every escape; what is then no UTF-8 is left as it was.
pub(crate) fn unescape(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.as_bytes();
    while let [first, rest @ ..] = bytes {
        bytes = rest;
        match (first, rest) {
            (b'%', [high, low, after @ ..])
                if let Some((high, low)) = hex(*high).zip(hex(*low)) =>
            {
                out.push(high << 4 | low);
                bytes = after;
            }
            _ => out.push(*first),
        }
    }
    String::from_utf8(out).unwrap_or_else(|_| text.to_owned())
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(url: &str) -> String {
        let url = Url::parse(url).unwrap();
        format!("{}{}", url.authority, url.path_and_query())
    }

    #[test]
    fn the_list_of_credentials_is_sorted() {
        assert!(CREDENTIALS.is_sorted());
    }

    #[test]
    fn scheme_user_default_port_and_fragment_are_left_out() {
        assert_eq!(document("HTTPS://me:pw@API.OpenAI.com.:443/v1/x#top"), "api.openai.com/v1/x");
        assert_eq!(document("http://h:443/"), "h:443/");
        assert_eq!(document("https://h"), "h/");
        assert_eq!(document("https://h?b=1&a=2"), "h/?a=2&b=1");
    }

    #[test]
    fn an_address_has_one_spelling() {
        assert_eq!(document("http://[0:0:0:0:0:0:0:1]:8080/x"), "[::1]:8080/x");
        assert_eq!(document("http://[2001:DB8::A]/x"), "[2001:db8::a]/x");
    }

    #[test]
    fn escapes_are_spelt_one_way_only_where_that_is_safe() {
        assert_eq!(
            document("https://h/%7eme/%3a0/a%2fb/%2E%2e/%zz"),
            "h/~me/%3A0/a%2Fb/%2E%2E/%zz"
        );
        assert_eq!(document("https://h/a b/é"), "h/a%20b/%C3%A9");
        assert_eq!(document("https://h/?q=a+b&q=a%20b"), "h/?q=a+b&q=a%20b");
    }

    #[test]
    fn credentials_of_the_query_are_dropped_however_they_are_spelt() {
        assert_eq!(
            document("https://h/x?KEY=1&api%5Fkey=2&X-Amz-Signature=3&alt=sse&sig=4&keys=5"),
            "h/x?alt=sse&keys=5"
        );
        assert_eq!(document("https://h/x?key=1"), "h/x");
    }

    #[test]
    fn what_is_no_http_url_is_none() {
        for text in
            ["", "/v1/x", "ws://h/", "https://", "https://h:x/", "https://[::1/", "https://a b/"]
        {
            assert_eq!(Url::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_host_pattern_says_its_port() {
        let local = Url::parse("http://127.0.0.1:8000/").unwrap().authority;
        let plain = Url::parse("https://llm.corp/").unwrap().authority;
        let matches = |pattern: &str, authority: &Authority| {
            HostPattern::parse(pattern, "hosts").unwrap().matches(authority)
        };
        assert!(matches("127.0.0.1:8000", &local));
        assert!(matches("127.0.0.1:*", &local));
        assert!(!matches("127.0.0.1", &local));
        assert!(matches("LLM.corp.", &plain));
        assert!(matches("llm.corp:443", &plain));
        assert!(!matches("llm.corp:80", &plain));
        assert!(matches("*.corp", &plain));
        assert!(!matches("*.llm.corp", &plain));
    }

    #[test]
    fn a_host_that_is_a_url_is_an_error_that_names_the_option() {
        for text in ["https://h", "h/v1", "", "h:port", "*", "a b"] {
            let error = HostPattern::parse(text, "hosts").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(error.to_string().starts_with("hosts: "), "{error}");
        }
    }
}
