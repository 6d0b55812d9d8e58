//! From a request to the fingerprint of its entry, by the identity policy.

use crate::calls::Calls;
use crate::error::{Error, ErrorKind, Result};
use crate::fingerprint::{Fingerprint, Memo};
use crate::identity::Identity;
use crate::json;
use crate::secrets::Redactor;
use std::borrow::Cow;
use std::cell::RefCell;

/// Finds addresses under one identity policy.
pub(crate) struct Addressing {
    redactor: Redactor,
    identity: Identity,
    memo: Memo,
    calls: Calls,
}

/// Where an entry stands, and the request as it is stored there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub fingerprint: Fingerprint,
    /// Canonical, secrets as placeholders.
    pub stored: Vec<u8>,
}

/// What tells a recording from another one of the same request; the default is nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Distinction {
    /// The n-th identical call of a test, from 2.
    pub occurrence: Option<u32>,
    /// The test that keeps its recordings to itself.
    pub scope: Option<String>,
}

impl Addressing {
    pub fn new(redactor: Redactor, identity: Identity) -> Self {
        Self { redactor, identity, memo: Memo::new(4096), calls: Calls::default() }
    }

    pub fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    /// Returns the address of `request`, without what is stored; the hot path.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidJson`].
    pub fn fingerprint(&self, request: &[u8]) -> Result<Fingerprint> {
        thread_local! {
            static CANONICAL: RefCell<(json::Canonicalizer, Vec<u8>)> = RefCell::default();
        }
        let raw = *blake3::hash(request).as_bytes();
        if let Some(fingerprint) = self.memo.get(&raw) {
            return Ok(fingerprint);
        }
        let fingerprint = CANONICAL.with_borrow_mut(|(canonicalizer, canonical)| {
            canonicalizer.canonicalize(request, canonical)?;
            let stored = self.redactor.request(canonical)?;
            let fingerprint = self.of_stored(&stored);
            const KEPT: usize = 1 << 20;
            if canonical.capacity() > KEPT {
                *canonical = Vec::new();
                *canonicalizer = json::Canonicalizer::default();
            }
            fingerprint
        })?;
        self.memo.insert(raw, fingerprint);
        Ok(fingerprint)
    }

    /// Returns the calls whose addresses are remembered.
    pub fn calls(&self) -> &Calls {
        &self.calls
    }

    /// Returns the address of `request` and what is stored there.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidJson`]; [`ErrorKind::InvalidArgument`] if `distinction`
    /// cannot be added to the request.
    pub fn address(&self, request: &[u8], distinction: &Distinction) -> Result<Address> {
        let canonical = json::canonicalize(request)?;
        let stored = self.redactor.request(&canonical)?.into_owned();
        self.address_of_stored(stored, distinction)
    }

    /// Returns the address of a request that is canonical and free of secrets.
    pub fn address_of_stored(&self, stored: Vec<u8>, distinction: &Distinction) -> Result<Address> {
        let stored = match distinction.adds_nothing() {
            true => stored,
            false => distinction.add_to(&stored)?,
        };
        let fingerprint = self.of_stored(&stored)?;
        Ok(Address { fingerprint, stored })
    }

    /// Returns the fingerprint under which a stored request stands.
    pub fn of_stored(&self, stored: &[u8]) -> Result<Fingerprint> {
        let identity: Cow<'_, [u8]> = self.identity.address(stored)?;
        Ok(Fingerprint::of_canonical(&identity))
    }
}

impl Distinction {
    pub fn adds_nothing(&self) -> bool {
        self.occurrence.is_none() && self.scope.is_none()
    }

    /// Adds the members `occurrence` and `scope` to a canonical request.
    fn add_to(&self, stored: &[u8]) -> Result<Vec<u8>> {
        let cannot = |why: &str| {
            Error::new(
                ErrorKind::InvalidArgument,
                format!(
                    "`repeats` and `scope` extend the request, but it {why}; use them with requests that are objects without these members"
                ),
            )
        };
        let Some(members) = stored.strip_prefix(b"{") else { return Err(cannot("is no object")) };
        let mut extended = Vec::with_capacity(stored.len() + 64);
        extended.push(b'{');
        if let Some(occurrence) = self.occurrence {
            extended.extend_from_slice(format!("\"occurrence\":{occurrence},").as_bytes());
        }
        if let Some(scope) = &self.scope {
            extended.extend_from_slice(b"\"scope\":");
            json::write_string(scope, &mut extended);
            extended.push(b',');
        }
        if members == b"}" {
            extended.pop();
        }
        extended.extend_from_slice(members);
        json::canonicalize(&extended).map_err(|_| cannot("has a member of that name"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(occurrence: Option<u32>, scope: Option<&str>, to: &str) -> Result<String> {
        let distinction = Distinction { occurrence, scope: scope.map(str::to_owned) };
        let extended = distinction.add_to(to.as_bytes())?;
        Ok(String::from_utf8(extended).unwrap())
    }

    #[test]
    fn a_distinction_extends_what_is_hashed() {
        assert_eq!(add(Some(2), None, "{}").unwrap(), r#"{"occurrence":2}"#);
        assert_eq!(
            add(Some(3), Some("t::a"), r#"{"model":"m","url":"u"}"#).unwrap(),
            r#"{"model":"m","occurrence":3,"scope":"t::a","url":"u"}"#
        );
    }

    #[test]
    fn a_request_that_cannot_be_told_apart_is_refused() {
        for request in ["[]", "1", r#"{"occurrence":2}"#] {
            let error = add(Some(2), None, request).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{request}");
        }
    }
}
