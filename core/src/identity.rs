//! The identity policy: which differences between requests do not count.
//!
//! Its first step, secrets, is in [`crate::secrets`] and decides what is stored.
//! The other two are here: `normalize` rewrites volatile text inside values, then
//! `ignore` removes members. What is left is hashed.

mod preset;

pub use preset::suggest_preset;

use crate::error::{Error, ErrorKind, Result};
use crate::json::{Document, Edit, Kind, Node, PointerSet, Segment, rewrite, to_canonical};
use crate::options::{Normalize, Options};
use preset::{Ids, Preset};
use regex::Regex;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The version of the policy that this library writes. It also names the
/// presets' patterns: another version may mean other ones.
const VERSION: u32 = 1;

/// The policy as a cache file keeps it.
///
/// ```
/// use f3dx_cache_core::{IdentityPolicy, Options};
///
/// let options = Options::from_json(r#"{"ignore": ["/metadata"], "normalize": ["uuid"]}"#).unwrap();
/// let policy = IdentityPolicy::from_options(&options).unwrap().unwrap();
/// let text = policy.to_json().unwrap();
/// assert_eq!(text, br#"{"ignore":["/metadata"],"normalize":[{"pattern":"uuid"}],"version":1}"#);
/// assert_eq!(IdentityPolicy::from_json(&text).unwrap(), policy);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdentityPolicy {
    version: u32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    ignore: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    normalize: Vec<Rule>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    redact: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    match_headers: Vec<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    host_aliases: BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at: Option<String>,
    pattern: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    replace: Option<String>,
}

/// The policy without rules: a request's address is its own fingerprint.
impl Default for IdentityPolicy {
    fn default() -> Self {
        Self {
            version: VERSION,
            ignore: Vec::new(),
            normalize: Vec::new(),
            redact: Vec::new(),
            match_headers: Vec::new(),
            host_aliases: BTreeMap::new(),
        }
    }
}

impl IdentityPolicy {
    /// Takes the policy out of the options; `None` if they have none.
    ///
    /// Lists whose order says nothing are sorted, so that policies that mean the
    /// same are equal.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] that names the wrong entry.
    pub fn from_options(options: &Options) -> Result<Option<Self>> {
        let sorted = |entries: &Option<Vec<String>>| {
            let mut entries = entries.clone().unwrap_or_default();
            entries.sort();
            entries.dedup();
            entries
        };
        let mut match_headers = options.match_headers.clone();
        for name in match_headers.iter_mut().flatten() {
            *name = name.trim().to_ascii_lowercase();
        }
        let policy = Self {
            version: VERSION,
            ignore: sorted(&options.ignore),
            normalize: options.normalize.iter().flatten().map(Rule::of).collect(),
            redact: sorted(&options.redact),
            match_headers: sorted(&match_headers),
            host_aliases: options.host_aliases.clone().unwrap_or_default(),
        };
        Identity::new(&policy)?;
        Ok((policy != Self::default()).then_some(policy))
    }

    /// Returns it as canonical JSON, without what is empty.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`]; no policy is known that has it.
    pub fn to_json(&self) -> Result<Vec<u8>> {
        let value = serde_json::to_value(self).map_err(|cause| {
            Error::new(ErrorKind::Config, "the identity policy cannot be written").because(cause)
        })?;
        to_canonical(&value)
    }

    /// Reads what [`IdentityPolicy::to_json`] wrote.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::UnsupportedFormat`] if it is of another version, or says what
    /// this library does not know; [`ErrorKind::Corrupt`] if it is no policy.
    pub fn from_json(text: &[u8]) -> Result<Self> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let corrupt = |cause: serde_json::Error| {
            Error::new(ErrorKind::Corrupt, "the identity policy of the file").because(cause)
        };
        let Versioned { version } = serde_json::from_slice(text).map_err(corrupt)?;
        if version != VERSION {
            return Err(Error::new(
                ErrorKind::UnsupportedFormat,
                format!("the identity policy is version {version}, this library knows {VERSION}"),
            ));
        }
        serde_json::from_slice(text).map_err(|cause| {
            let message = "the identity policy has rules that this library does not know";
            Error::new(ErrorKind::UnsupportedFormat, message).because(cause)
        })
    }

    /// Returns the `redact` patterns.
    pub fn redact(&self) -> &[String] {
        &self.redact
    }

    /// Returns the headers that take part in a fingerprint, lower case.
    pub fn match_headers(&self) -> &[String] {
        &self.match_headers
    }

    /// Returns what is read as another host.
    pub fn host_aliases(&self) -> &BTreeMap<String, String> {
        &self.host_aliases
    }

    /// Returns what differs from `other`, by the options' names.
    pub fn differs_in(&self, other: &Self) -> Vec<&'static str> {
        [
            ("ignore", self.ignore != other.ignore),
            ("normalize", self.normalize != other.normalize),
            ("redact", self.redact != other.redact),
            ("match_headers", self.match_headers != other.match_headers),
            ("host_aliases", self.host_aliases != other.host_aliases),
        ]
        .into_iter()
        .filter_map(|(name, differs)| differs.then_some(name))
        .collect()
    }
}

impl Rule {
    fn of(normalize: &Normalize) -> Self {
        match normalize {
            Normalize::Preset(name) => Self { at: None, pattern: name.clone(), replace: None },
            Normalize::Rule(rule) => Self {
                at: rule.at.clone().filter(|at| !at.is_empty()),
                pattern: rule.pattern.clone(),
                replace: rule.replace.clone(),
            },
        }
    }
}

/// The policy, ready to apply.
#[derive(Clone, Debug, Default)]
pub struct Identity {
    rules: Vec<Compiled>,
    ignore: PointerSet,
}

#[derive(Clone, Debug)]
struct Compiled {
    at: Option<PointerSet>,
    pattern: Pattern,
}

#[derive(Clone, Debug)]
enum Pattern {
    Preset(Preset),
    Regex(Regex, String),
}

impl Identity {
    /// Compiles a policy.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] that names the pointer, pattern or preset.
    pub fn new(policy: &IdentityPolicy) -> Result<Self> {
        Ok(Self {
            rules: policy.normalize.iter().map(Compiled::of).collect::<Result<_>>()?,
            ignore: PointerSet::parse(&policy.ignore)
                .map_err(|cause| Error::new(ErrorKind::Config, "ignore").because(cause))?,
        })
    }

    /// Whether a request is hashed as it is stored.
    pub fn is_pure(&self) -> bool {
        self.rules.is_empty() && self.ignore.is_empty()
    }

    /// Returns the canonical text that is hashed for a stored request, which is
    /// canonical, too, and has its secrets replaced.
    ///
    /// Pointers start at `/body` if it is an HTTP call by [`is_http_document`],
    /// and no rule sees the rest of such a document, nor a digest in it, nor the
    /// outermost members `occurrence` and `scope` of any request.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidJson`] if `stored` is no JSON.
    pub fn address<'a>(&self, stored: &'a [u8]) -> Result<Cow<'a, [u8]>> {
        if self.is_pure() {
            return Ok(Cow::Borrowed(stored));
        }
        let document = Document::parse(stored)?;
        let is_http = is_http_document(document.root());
        let mut ids = Ids::default();
        // The level of a digest whose members are not to be touched.
        let mut digest = None;
        let mut out = Vec::with_capacity(stored.len());
        rewrite(
            document.root(),
            &mut |path, node| {
                let path = match path {
                    // A rule that matched a test's name would make two tests' scopes one.
                    [Segment::Member(first), ..] if ADDED_MEMBERS.contains(&&**first) => {
                        return Edit::Keep;
                    }
                    path if !is_http => path,
                    [Segment::Member(first), rest @ ..] if first == "body" => rest,
                    _ => return Edit::Keep,
                };
                if digest.is_some_and(|level| path.len() > level) {
                    return Edit::Keep;
                }
                digest = (is_http && is_digest(node)).then_some(path.len());
                if self.ignore.matches(path) {
                    return Edit::Drop;
                }
                node.as_str()
                    .and_then(|text| self.normalize(path, &text, &mut ids))
                    .map_or(Edit::Keep, Edit::Text)
            },
            &mut |_| None,
            &mut out,
        )?;
        Ok(if out == stored { Cow::Borrowed(stored) } else { Cow::Owned(out) })
    }

    fn normalize(&self, path: &[Segment], text: &str, ids: &mut Ids) -> Option<String> {
        let mut normalized = None::<String>;
        for rule in self.rules.iter().filter(|rule| rule.reaches(path)) {
            let text = normalized.as_deref().unwrap_or(text);
            let rewritten = match &rule.pattern {
                Pattern::Preset(preset) => preset.apply(text, ids),
                Pattern::Regex(regex, replace) => regex.replace_all(text, replace),
            };
            if let Cow::Owned(rewritten) = rewritten {
                normalized = Some(rewritten);
            }
        }
        normalized
    }
}

impl Compiled {
    fn of(rule: &Rule) -> Result<Self> {
        let wrong = |what: String| Error::new(ErrorKind::Config, format!("normalize: {what}"));
        let at = match &rule.at {
            None => None,
            Some(at) => Some(
                PointerSet::parse(std::slice::from_ref(at))
                    .map_err(|cause| wrong("at".to_owned()).because(cause))?,
            ),
        };
        let preset = Preset::named(&rule.pattern);
        let pattern = match (preset, &rule.replace) {
            (Some(preset), None) => Pattern::Preset(preset),
            (Some(preset), Some(replace)) => {
                Pattern::Regex(preset.regex().clone(), replace.clone())
            }
            (None, replace) => {
                // A misspelt preset is a valid expression, which would match nothing.
                let is_word = rule.pattern.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
                if is_word && rule.at.is_none() && replace.is_none() {
                    let presets = Preset::ALL.map(Preset::name).join(", ");
                    let what = format!("no preset {:?}; the presets are {presets}", rule.pattern);
                    return Err(wrong(what));
                }
                let regex = Regex::new(&rule.pattern)
                    .map_err(|cause| wrong(format!("{:?}", rule.pattern)).because(cause))?;
                Pattern::Regex(regex, replace.clone().unwrap_or_else(|| "[normalized]".to_owned()))
            }
        };
        Ok(Self { at, pattern })
    }

    /// Whether a place is at or below the rule's pointer.
    fn reaches(&self, path: &[Segment]) -> bool {
        let Some(at) = &self.at else { return true };
        (1..=path.len()).any(|length| at.matches(&path[..length]))
    }
}

/// The members that `repeats` and `scope` add; no rule sees them.
const ADDED_MEMBERS: [&str; 2] = ["occurrence", "scope"];

/// The members that an HTTP call's document may have.
pub(crate) const HTTP_MEMBERS: [&str; 6] =
    ["body", "headers", "method", "occurrence", "scope", "url"];

/// Whether a request has the shape of an HTTP call: an object with `body`, the
/// strings `method` and `url`, and nothing but `headers`, `occurrence` and `scope` besides.
///
/// The shape alone decides, also for an explicit request: nothing else tells them apart in a file.
pub fn is_http_document(request: Node<'_>) -> bool {
    let is_string = |name| request.get(name).is_some_and(|node| node.kind() == Kind::String);
    request.get("body").is_some()
        && is_string("method")
        && is_string("url")
        && request.members().all(|(name, _)| HTTP_MEMBERS.contains(&&*name))
}

/// Whether a value stands for bytes that are no JSON: a rule that matched its
/// digits would make two files one.
fn is_digest(node: Node<'_>) -> bool {
    node.len() == 2
        && node.get("bytes").is_some_and(|bytes| bytes.as_u64().is_some())
        && node.get("blake3").and_then(|hash| hash.as_str()).is_some_and(|hash| {
            hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(options: &str) -> Identity {
        let policy = IdentityPolicy::from_options(&Options::from_json(options).unwrap()).unwrap();
        Identity::new(&policy.unwrap_or_default()).unwrap()
    }

    fn address(options: &str, stored: &str) -> String {
        let address = identity(options).address(stored.as_bytes()).unwrap().into_owned();
        String::from_utf8(address).unwrap()
    }

    fn refusal(options: &str) -> Error {
        IdentityPolicy::from_options(&Options::from_json(options).unwrap()).unwrap_err()
    }

    #[test]
    fn no_rules_are_no_policy() {
        let options = r#"{"ignore":[],"normalize":[],"hosts":["h"]}"#;
        assert_eq!(
            IdentityPolicy::from_options(&Options::from_json(options).unwrap()).unwrap(),
            None
        );
        assert!(identity("{}").is_pure());
        assert!(!identity(r#"{"ignore":["/a"]}"#).is_pure());
        assert!(identity(r#"{"redact":["a"]}"#).is_pure());
    }

    #[test]
    fn what_is_ignored_is_left_out() {
        let request = r#"{"messages":[{"content":"a","id":"1"},{"content":"b","id":"2"}],"metadata":{"run":1}}"#;
        assert_eq!(
            address(r#"{"ignore":["/metadata","/messages/*/id"]}"#, request),
            r#"{"messages":[{"content":"a"},{"content":"b"}]}"#
        );
        assert_eq!(address(r#"{"ignore":["/absent"]}"#, request), request);
    }

    #[test]
    fn pointers_of_an_http_call_start_at_its_body() {
        let request = r#"{"body":{"method":"x","user":"u"},"headers":{"user":"h"},"method":"POST","url":"h/"}"#;
        assert_eq!(
            address(r#"{"ignore":["/user","/method","/url"]}"#, request),
            r#"{"body":{},"headers":{"user":"h"},"method":"POST","url":"h/"}"#
        );
        // One member more, and it is an explicit request.
        let explicit = r#"{"body":{"user":"u"},"method":"POST","url":"h/","user":"v"}"#;
        assert_eq!(
            address(r#"{"ignore":["/user"]}"#, explicit),
            r#"{"body":{"user":"u"},"method":"POST","url":"h/"}"#
        );
    }

    #[test]
    fn the_url_of_a_call_is_not_normalized() {
        let request =
            r#"{"body":"on 2024-01-02","method":"POST","url":"h/x?api-version=2024-02-01"}"#;
        assert_eq!(
            address(r#"{"normalize":["iso-date"]}"#, request),
            r#"{"body":"on [iso-date]","method":"POST","url":"h/x?api-version=2024-02-01"}"#
        );
    }

    #[test]
    fn two_files_stay_two_whatever_the_rules() {
        let hash = "0".repeat(64);
        let request = format!(
            r#"{{"body":{{"multipart":[{{"content":{{"blake3":"{hash}","bytes":4}},"name":"0000"}}]}},"method":"POST","url":"h/"}}"#
        );
        let options = r#"{"normalize":[{"pattern":"0+","replace":"x"}],"ignore":["/multipart/*/content/blake3"]}"#;
        assert_eq!(address(options, &request), request.replace("\"0000\"", "\"x\""));
    }

    #[test]
    fn a_rule_reaches_what_is_below_its_pointer() {
        let options = r#"{"normalize":[{"at":"/a/*","pattern":"v([0-9])","replace":"<$1>"}]}"#;
        assert_eq!(
            address(options, r#"{"a":{"b":["v1 v2"],"c":"v3","v4":7},"d":"v5"}"#),
            r#"{"a":{"b":["<1> <2>"],"c":"<3>","v4":7},"d":"v5"}"#
        );
    }

    #[test]
    fn no_rule_joins_the_scopes_of_two_tests() {
        let options = r#"{"normalize":["iso-date"],"ignore":["/scope","/*/occurrence","/*"]}"#;
        let request = r#"{"occurrence":2,"scope":"t[2024-01-02]"}"#;
        assert_eq!(address(options, request), request);
        let nested = address(r#"{"normalize":["iso-date"]}"#, r#"{"a":{"scope":"2024-01-02"}}"#);
        assert_eq!(nested, r#"{"a":{"scope":"[iso-date]"}}"#);
    }

    #[test]
    fn normalizing_comes_before_ignoring() {
        let options = r#"{"normalize":["uuid"],"ignore":["/id"]}"#;
        let request = r#"{"id":"x","text":"0123ABCD-89ab-4def-8123-456789abcdef"}"#;
        assert_eq!(address(options, request), r#"{"text":"[uuid]"}"#);
    }

    #[test]
    fn a_wrong_entry_is_an_error_that_names_it() {
        for (options, part) in [
            (r#"{"ignore":[""]}"#, "ignore: "),
            (r#"{"ignore":["metadata"]}"#, "\"metadata\""),
            (r#"{"normalize":["uuids"]}"#, "no preset \"uuids\"; the presets are uuid, iso-date"),
            (r#"{"normalize":[{"pattern":"("}]}"#, "normalize: \"(\""),
            (r#"{"normalize":[{"at":"x","pattern":"a"}]}"#, "normalize: at"),
        ] {
            let error = refusal(options);
            assert_eq!(error.kind(), ErrorKind::Config, "{options}");
            assert!(error.to_string().contains(part), "{error}");
        }
    }

    #[test]
    fn a_policy_of_another_version_is_not_guessed_at() {
        for text in [r#"{"version":2,"new":[]}"#, r#"{"version":1,"new":[]}"#] {
            let error = IdentityPolicy::from_json(text.as_bytes()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::UnsupportedFormat, "{text}");
        }
        assert_eq!(IdentityPolicy::from_json(b"{}").unwrap_err().kind(), ErrorKind::Corrupt);
    }

    #[test]
    fn policies_that_mean_the_same_are_equal() {
        let of = |options: &str| {
            IdentityPolicy::from_options(&Options::from_json(options).unwrap()).unwrap().unwrap()
        };
        let a = of(r#"{"ignore":["/b","/a"],"normalize":["uuid"],"match_headers":["X-A"]}"#);
        let b = of(
            r#"{"ignore":["/a","/b","/a"],"normalize":[{"pattern":"uuid"}],"match_headers":["x-a"]}"#,
        );
        assert_eq!(a, b);
        let c = of(r#"{"ignore":["/a"],"redact":["x"]}"#);
        assert_eq!(a.differs_in(&c), ["ignore", "normalize", "redact", "match_headers"]);
        assert_eq!(IdentityPolicy::default().differs_in(&c), ["ignore", "redact"]);
    }
}
