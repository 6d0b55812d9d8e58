//! Which calls are provider calls, by options and environment.

use super::call::{Classified, HttpCall, RequestDocument};
use super::providers;
use super::url::{Authority, HostPattern, Url};
use crate::error::{Error, ErrorKind, Result};
use crate::options::Options;
use regex::bytes::Regex;
use std::cmp::Reverse;
use std::sync::LazyLock;

/// Which HTTP calls are recorded, and what identifies them.
///
/// Built once for a handle; see [`HttpCall`] for an example.
#[derive(Clone, Debug)]
pub struct HttpPolicy {
    hosts: Vec<HostPattern>,
    ignored: Vec<HostPattern>,
    base_urls: Vec<Authority>,
    /// From the most to the least specific.
    aliases: Vec<(HostPattern, HostPattern)>,
    /// Lower case, sorted, each once.
    headers: Vec<String>,
    record_paths: Vec<String>,
    pub(super) record_status: Vec<u16>,
}

/// Headers that change the answer, whoever sends them.
const MATCHED_HEADERS: &[&str] = &[
    "anthropic-beta",
    "openai-beta",
    "x-amzn-bedrock-guardrailidentifier",
    "x-amzn-bedrock-guardrailversion",
];

/// Whether a header of this name carries a credential.
pub(crate) fn carries_credential(name: &str) -> bool {
    // Not an author, nor who authored something.
    #[allow(clippy::expect_used)] // A constant pattern, compiled in every test.
    static NAME: LazyLock<Regex> = LazyLock::new(|| {
        let pattern = "(?i-u)(?:api|access|subscription)[-_]?key|auth(?:[^o]|oriz|$)|cookie|credential|key-id|passw|secret|signature|token";
        Regex::new(pattern).expect("a valid pattern")
    });
    NAME.is_match(name.as_bytes())
}

/// How a call relates to the providers.
enum Server {
    /// The user named it in `hosts`: every POST is inference.
    Named,
    /// A provider by the built-in list, or by a base-URL variable.
    Provider,
    /// A server on a network, of which nothing is known.
    Unknown,
    /// Not to be touched.
    Other,
}

impl HttpPolicy {
    /// Reads the HTTP options and the environment: `F3DX_CACHE_HOSTS`, which adds
    /// to `hosts`, and the providers' base-URL variables. `env` returns the value
    /// of a variable.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] for an entry of `hosts`, `ignore_hosts` or
    /// `host_aliases` that is no host, a header in `match_headers` that carries a
    /// credential, a path that does not begin with `/`, or a status that is none.
    pub fn new(options: &Options, env: &dyn Fn(&str) -> Option<String>) -> Result<Self> {
        let mut hosts = host_patterns(options.hosts.as_deref(), "hosts")?;
        let from_env = env("F3DX_CACHE_HOSTS").unwrap_or_default();
        for entry in from_env.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
            hosts.push(HostPattern::parse(entry, "F3DX_CACHE_HOSTS")?);
        }
        let mut aliases = Vec::new();
        for (from, to) in options.host_aliases.iter().flatten() {
            let from = HostPattern::parse(from, "host_aliases")?;
            let to_host = HostPattern::parse(to, "host_aliases")?;
            if !to_host.is_one_server() {
                return Err(config(format!(
                    "host_aliases: {to:?} is not one `host` or `host:port`"
                )));
            }
            aliases.push((from, to_host));
        }
        aliases.sort_by_key(|(from, _)| Reverse(from.specificity()));
        Ok(Self {
            hosts,
            ignored: host_patterns(options.ignore_hosts.as_deref(), "ignore_hosts")?,
            base_urls: providers::base_urls(env),
            aliases,
            headers: headers(options.match_headers.as_deref().unwrap_or_default())?,
            record_paths: record_paths(options.record_paths.as_deref().unwrap_or_default())?,
            record_status: record_status(options.record_status.as_deref().unwrap_or_default())?,
        })
    }

    /// Decides what a call is. Never fails: a body that breaks a rule of JSON is
    /// identified by its bytes.
    pub fn classify(&self, call: &HttpCall) -> Classified {
        if ["CONNECT", "OPTIONS", "TRACE"].iter().any(|no| call.method.eq_ignore_ascii_case(no))
            || call.header("upgrade").any(|to| to.eq_ignore_ascii_case("websocket"))
        {
            return Classified::Pass;
        }
        let Some(url) = Url::parse(call.url) else {
            return Classified::Pass;
        };
        let post = call.method.eq_ignore_ascii_case("POST");
        let inference = match self.server(&url.authority) {
            Server::Other => return Classified::Pass,
            Server::Unknown if post && providers::is_inference(&url.path, false) => true,
            Server::Unknown => return Classified::Pass,
            Server::Named => post || self.records_path(&url.path),
            Server::Provider => {
                post && providers::is_inference(&url.path, true) || self.records_path(&url.path)
            }
        };
        if inference {
            return Classified::Inference(RequestDocument::new(self, call, &url));
        }
        Classified::Unrecorded {
            reason: format!(
                "{} {}{} is a provider call but no inference, so it is not recorded; \
                 record_paths = [{:?}] records it, ignore_hosts = [\"{}\"] leaves its host alone",
                call.method.to_ascii_uppercase(),
                url.authority,
                url.path,
                url.path,
                url.authority,
            ),
        }
    }

    /// Says what to do about a call that looks like inference, but goes to a local
    /// server that nobody named: it passes, and may be a provider all the same.
    pub fn overlooked(&self, call: &HttpCall) -> Option<String> {
        let url = Url::parse(call.url)?;
        let authority = &url.authority;
        let looks = call.method.eq_ignore_ascii_case("POST")
            && authority.is_local()
            && !self.ignored.iter().any(|host| host.matches(authority))
            && providers::is_inference(&url.path, false);
        looks.then(|| {
            format!(
                "let pass: POST {authority}{} (a local server that nobody named); \
                 hosts = [\"{authority}\"] records it, ignore_hosts = [\"{authority}\"] ends this",
                url.path
            )
        })
    }

    /// Decides what a call is with the base-URL variables as they are now: a fixture
    /// may start a server, and name it, after the policy was built.
    pub fn classify_now(
        &self,
        call: &HttpCall,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Classified {
        match self.classify(call) {
            Classified::Pass => self.classify_passed(call, env),
            decided => decided,
        }
    }

    /// Decides a call again that [`classify`](Self::classify) lets pass, with the base-URL
    /// variables as they are now.
    pub(crate) fn classify_passed(
        &self,
        call: &HttpCall,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Classified {
        let base_urls = providers::base_urls(env);
        match base_urls.iter().all(|server| self.base_urls.contains(server)) {
            true => Classified::Pass,
            false => Self { base_urls, ..self.clone() }.classify(call),
        }
    }

    /// Whether a connection to a server can only be for a provider call, with the
    /// base-URL variables as they are now. On this machine, where other servers are,
    /// that takes a server that is named with its port.
    pub fn is_providers(
        &self,
        host: &str,
        port: u16,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> bool {
        let bare = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        let scheme = if port == 80 { "http" } else { "https" };
        let Some(url) = Url::parse(&format!("{scheme}://{bare}:{port}")) else { return false };
        let authority = &url.authority;
        let named_with_port =
            || self.hosts.iter().any(|host| host.is_one_server() && host.matches(authority));
        match self.server(authority) {
            Server::Named => !authority.is_local() || named_with_port(),
            Server::Provider => true,
            Server::Unknown => false,
            Server::Other => {
                let ignored = self.ignored.iter().any(|host| host.matches(authority));
                !ignored && providers::base_urls(env).contains(authority)
            }
        }
    }

    fn server(&self, authority: &Authority) -> Server {
        if self.ignored.iter().any(|host| host.matches(authority)) {
            Server::Other
        } else if self.hosts.iter().any(|host| host.matches(authority)) {
            Server::Named
        } else if self.base_urls.contains(authority) || providers::is_provider(&authority.host) {
            Server::Provider
        } else if authority.is_local() {
            Server::Other
        } else {
            Server::Unknown
        }
    }

    fn records_path(&self, path: &str) -> bool {
        self.record_paths.iter().any(|pattern| providers::wildcard(pattern, path))
    }

    /// Returns the host as a document writes it: its alias, if it has one.
    pub(super) fn spelling(&self, authority: &Authority) -> String {
        let alias = self.aliases.iter().find(|(from, _)| from.matches(authority));
        alias.map_or_else(|| authority.to_string(), |(_, to)| to.spelling())
    }

    /// Returns the names of the headers that take part, lower case and sorted.
    pub(super) fn matched_headers(&self) -> impl Iterator<Item = &str> {
        self.headers.iter().map(String::as_str)
    }
}

fn config(message: String) -> Error {
    Error::new(ErrorKind::Config, message)
}

fn host_patterns(entries: Option<&[String]>, option: &str) -> Result<Vec<HostPattern>> {
    entries.unwrap_or_default().iter().map(|entry| HostPattern::parse(entry, option)).collect()
}

fn headers(named: &[String]) -> Result<Vec<String>> {
    let mut headers: Vec<String> = MATCHED_HEADERS.iter().map(|name| (*name).to_owned()).collect();
    for name in named {
        let lower = name.trim().to_ascii_lowercase();
        let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        if lower.is_empty() || !lower.chars().all(token) {
            return Err(config(format!("match_headers: {name:?} is no header name")));
        }
        if carries_credential(&lower) {
            return Err(config(format!(
                "match_headers: {name:?} carries a credential, which must not reach the file"
            )));
        }
        headers.push(lower);
    }
    headers.sort();
    headers.dedup();
    Ok(headers)
}

fn record_paths(paths: &[String]) -> Result<Vec<String>> {
    match paths.iter().find(|path| !path.starts_with(['/', '*'])) {
        Some(path) => Err(config(format!("record_paths: {path:?} does not begin with `/` or `*`"))),
        None => Ok(paths.to_vec()),
    }
}

fn record_status(statuses: &[u16]) -> Result<Vec<u16>> {
    match statuses.iter().find(|status| !(100..=599).contains(*status)) {
        Some(status) => Err(config(format!("record_status: {status} is no HTTP status"))),
        None => Ok(statuses.to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(options: &str) -> String {
        let error = HttpPolicy::new(&Options::from_json(options).unwrap(), &|_| None).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        error.to_string()
    }

    #[test]
    fn naming_a_credential_header_is_an_error() {
        for name in [
            "Authorization",
            "x-api-key",
            "api-key",
            "Cookie",
            "x-goog-api-key",
            "proxy-authorization",
            "ocp-apim-subscription-key",
            "x-amz-security-token",
        ] {
            let text = refusal(&format!(r#"{{"match_headers":["{name}"]}}"#));
            assert!(text.contains("carries a credential"), "{name}: {text}");
        }
    }

    #[test]
    fn an_author_is_no_credential() {
        assert!(!carries_credential("X-Author"));
        assert!(carries_credential("x-auth"));
        assert!(carries_credential("X-Auth-Request"));
    }

    #[test]
    fn an_ill_formed_option_names_itself() {
        assert!(refusal(r#"{"match_headers":["a b"]}"#).starts_with("match_headers: \"a b\""));
        assert!(refusal(r#"{"record_paths":["v1/batches"]}"#).starts_with("record_paths: "));
        assert!(refusal(r#"{"record_status":[42]}"#).starts_with("record_status: 42"));
        assert!(refusal(r#"{"hosts":["https://h"]}"#).starts_with("hosts: "));
        assert!(refusal(r#"{"host_aliases":{"a:*":"b:*"}}"#).starts_with("host_aliases: "));
    }

    #[test]
    fn the_environment_may_be_wrong_too() {
        let env =
            |name: &str| (name == "F3DX_CACHE_HOSTS").then(|| "good:*, http://bad".to_owned());
        let error = HttpPolicy::new(&Options::default(), &env).unwrap_err();
        assert!(error.to_string().starts_with("F3DX_CACHE_HOSTS: \"http://bad\""), "{error}");
    }

    #[test]
    fn a_refusal_says_how_to_record_it() {
        let policy = HttpPolicy::new(&Options::default(), &|_| None).unwrap();
        let call = HttpCall {
            method: "get",
            url: "https://api.openai.com/v1/models?key=hidden",
            headers: &[],
            body: b"",
        };
        let Classified::Unrecorded { reason } = policy.classify(&call) else { panic!() };
        assert_eq!(
            reason,
            "GET api.openai.com/v1/models is a provider call but no inference, so it is not \
             recorded; record_paths = [\"/v1/models\"] records it, \
             ignore_hosts = [\"api.openai.com\"] leaves its host alone"
        );
    }

    #[test]
    fn a_server_that_the_environment_names_later_is_a_provider() {
        let policy = HttpPolicy::new(&Options::default(), &|_| None).unwrap();
        let call = HttpCall {
            method: "POST",
            url: "http://127.0.0.1:4010/v1/chat/completions",
            headers: &[],
            body: b"{}",
        };
        assert!(matches!(policy.classify_now(&call, &|_| None), Classified::Pass));
        let env =
            |name: &str| (name == "OPENAI_BASE_URL").then(|| "http://127.0.0.1:4010/v1".to_owned());
        assert!(matches!(policy.classify_now(&call, &env), Classified::Inference(_)));
    }
}
