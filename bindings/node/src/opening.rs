//! Options, and the variables of a worker thread, as core's.

use f3dx_cache_core::{Env, Error, ErrorKind, Hooks, Options, Result};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::ffi::OsString;
use std::sync::{Arc, PoisonError, RwLock};

/// The environment variables of a worker thread.
///
/// `process.env` of the main thread is the process's environment; a worker has a copy,
/// of which core would see nothing.
#[derive(Clone)]
pub struct Variables(Arc<RwLock<HashMap<String, OsString>>>);

impl Variables {
    /// Takes variables as pairs of name and value.
    pub fn new(pairs: Vec<String>) -> Self {
        Self(Arc::new(RwLock::new(by_name(pairs))))
    }

    /// Replaces them all.
    pub fn set(&self, pairs: Vec<String>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = by_name(pairs);
    }

    fn get(&self, name: &str) -> Option<OsString> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }
}

fn by_name(pairs: Vec<String>) -> HashMap<String, OsString> {
    let mut variables = HashMap::new();
    let mut pairs = pairs.into_iter();
    while let (Some(name), Some(value)) = (pairs.next(), pairs.next()) {
        variables.insert(name, value.into());
    }
    variables
}

/// Returns the environment of the calling thread.
pub fn environment(variables: Option<&Variables>) -> Result<Env> {
    let env = Env::process()?;
    Ok(match variables.cloned() {
        Some(variables) => env.with_variables(move |name| variables.get(name)),
        None => env,
    })
}

/// Returns what core asks of its host.
pub fn hooks(variables: Option<&Variables>) -> Result<Hooks> {
    Ok(Hooks { env: Some(environment(variables)?), ..Hooks::default() })
}

/// Reads options from a JSON object, one by one, so that an error names the option.
pub fn options(text: &str) -> Result<Options> {
    let members: Map<String, Value> = serde_json::from_str(text)
        .map_err(|cause| Error::new(ErrorKind::Config, format!("options: {cause}")))?;
    let mut options = Options::default();
    for (name, value) in members {
        let text = json!({ &name: value }).to_string();
        let read = Options::from_json(&text)
            .map_err(|cause| Error::new(ErrorKind::Config, format!("option {name}: {cause}")))?;
        options = read.or(options);
    }
    Ok(options)
}
