//! `verify`: is everything in a file as it was recorded?

use crate::error::{Error, ErrorKind, Result};
use crate::fingerprint::Fingerprint;
use crate::identity::{Identity, IdentityPolicy};
use crate::store::{Inventory, Part, Patience};
use serde::Serialize;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// What [`verify`] found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Verification {
    /// Entries of which anything was found.
    pub entries: u64,
    /// Entries whose request, response and meta are as they were recorded.
    pub intact: u64,
    /// What is wrong, in no order; empty in a file that is whole.
    pub flaws: Vec<Flaw>,
}

/// One thing that is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[non_exhaustive]
pub struct Flaw {
    /// The entry it concerns; `None` if it concerns the file.
    pub fingerprint: Option<Fingerprint>,
    /// What is wrong, for people.
    pub what: String,
}

impl Verification {
    /// Whether the file is whole.
    pub fn is_intact(&self) -> bool {
        self.flaws.is_empty()
    }
}

/// Reads the whole file at `path` and checks it: every page against its checksum,
/// every row against its own, every request against the address that it stands at.
///
/// Changes nothing, except that a file that a killed writer left is repaired, as by
/// any opening. Other processes may read and record meanwhile.
///
/// # Errors
///
/// [`ErrorKind::Io`] if there is no file or it cannot be read; [`ErrorKind::Corrupt`]
/// if it does not even begin like a cache; [`ErrorKind::UnsupportedFormat`];
/// [`ErrorKind::Locked`]. Damage in the file is no error but a [`Flaw`].
pub fn verify(path: impl AsRef<Path>) -> Result<Verification> {
    let inventory = Inventory::take(path.as_ref(), &patience())?;
    let survey = Survey::of(&inventory, inventory.identity())?;
    Ok(Verification {
        entries: survey.entries.len() as u64,
        intact: (survey.entries.len() - survey.broken.len()) as u64,
        flaws: survey.flaws,
    })
}

/// How long to wait for a writer to end its turn, as a cache does unless told otherwise.
pub(crate) fn patience() -> Patience {
    Patience { timeout: Duration::from_secs(10), interrupted: Arc::new(|| false) }
}

/// The entries of an inventory, and what is wrong with them.
#[derive(Default)]
pub(crate) struct Survey {
    /// Every fingerprint of which there is anything.
    pub entries: BTreeSet<Fingerprint>,
    /// Those with which something is wrong.
    pub broken: BTreeSet<Fingerprint>,
    /// Those whose request does not lead to them.
    pub astray: BTreeSet<Fingerprint>,
    pub flaws: Vec<Flaw>,
}

impl Survey {
    /// Looks at an inventory; `identity` is the policy that requests are addressed by.
    pub fn of(inventory: &Inventory, identity: Option<&str>) -> Result<Self> {
        let mut survey = Self::default();
        for wrong in inventory.wrong() {
            survey.flaw(wrong.fingerprint, wrong.what.clone());
        }
        let parts =
            [(Part::Responses, "response"), (Part::Requests, "request"), (Part::Meta, "meta")];
        for (part, _) in parts {
            survey.entries.extend(inventory.intact(part));
        }
        for fingerprint in survey.entries.clone() {
            for (part, name) in parts {
                if !inventory.has(part, &fingerprint) && !survey.broken.contains(&fingerprint) {
                    survey.flaw(Some(fingerprint), format!("it has no {name}"));
                }
            }
        }
        let Some(identity) = identity.map(compiled).transpose()? else { return Ok(survey) };
        for fingerprint in inventory.intact(Part::Requests) {
            let request = inventory.content(Part::Requests, fingerprint)?;
            let address =
                identity.address(&request).map(|hashed| Fingerprint::of_canonical(&hashed));
            if address.ok().as_ref() != Some(fingerprint) {
                survey.flaw(Some(*fingerprint), "its request does not lead to it".into());
                survey.astray.insert(*fingerprint);
            }
        }
        Ok(survey)
    }

    fn flaw(&mut self, fingerprint: Option<Fingerprint>, what: String) {
        self.entries.extend(fingerprint);
        self.broken.extend(fingerprint);
        self.flaws.push(Flaw { fingerprint, what });
    }
}

/// Compiles the identity policy of a file.
fn compiled(text: &str) -> Result<Identity> {
    Identity::new(&IdentityPolicy::from_json(text.as_bytes())?).map_err(|cause| {
        Error::new(ErrorKind::Corrupt, "the file's identity policy").because(cause)
    })
}
