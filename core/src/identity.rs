//! Temporary.
#![allow(missing_docs)]
use crate::error::Result;
use crate::json::Node;
use crate::options::Options;
use std::borrow::Cow;
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IdentityPolicy {
    pub redact: Vec<String>,
    pub host_aliases: std::collections::BTreeMap<String, String>,
    pub match_headers: Vec<String>,
}
impl IdentityPolicy {
    pub fn from_options(_: &Options) -> Result<Option<Self>> {
        Ok(None)
    }
    pub fn to_json(&self) -> Result<String> {
        Ok("{}".into())
    }
    pub fn from_json(_: &str) -> Result<Self> {
        Ok(Self::default())
    }
}
pub struct Identity;
impl Identity {
    pub fn new(_: IdentityPolicy) -> Result<Self> {
        Ok(Self)
    }
    pub fn address<'a>(&self, s: &'a [u8]) -> Result<Cow<'a, [u8]>> {
        Ok(Cow::Borrowed(s))
    }
}
pub fn is_http_document(n: Node<'_>) -> bool {
    n.get("url").is_some() && n.get("method").is_some()
}
pub fn suggest_preset(_: &str, _: &str) -> Option<&'static str> {
    None
}
