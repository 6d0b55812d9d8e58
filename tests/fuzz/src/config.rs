//! The configuration file: any bytes are options, or an error that names the file
//! and a place in it.

use f3dx_cache_core::fuzzing::configuration;
use f3dx_cache_core::http::HttpPolicy;
use f3dx_cache_core::secrets::Redactor;
use f3dx_cache_core::{ErrorKind, Identity, IdentityPolicy, Options, Result};
use std::path::Path;

/// Checks what is promised about an `f3dx-cache.toml` that says `data`.
pub fn run(data: &[u8]) {
    let file = Path::new("/work place/f3dx-cache.toml");
    match configuration(file, data) {
        Ok(options) => {
            assert!(options.path.as_ref().is_none_or(|path| path.is_absolute()));
            let commented = [data, b"\n# A comment says nothing."].concat();
            assert_eq!(configuration(file, &commented).ok().as_ref(), Some(&options));
            used(&options);
        }
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Config);
            let text = error.to_string();
            let told = text.strip_prefix("/work place/f3dx-cache.toml: ").expect("it is named");
            assert!(!told.is_empty() && !told.contains('\n'), "{told:?}");
            if let Some(place) = told.strip_prefix("correct line ") {
                let line = place.split_once(", column ").expect("a line has a column").0;
                let lines = data.iter().filter(|byte| **byte == b'\n').count() + 1;
                assert!((1..=lines).contains(&line.parse().expect("a number")), "{told}");
            }
        }
    }
}

/// What opens a cache takes the options, or says which is wrong.
fn used(options: &Options) {
    drop(config(HttpPolicy::new(options, &|_| None)));
    if let Some(Some(policy)) = config(IdentityPolicy::from_options(options)) {
        let told = policy.to_json().expect("a policy is JSON");
        assert_eq!(IdentityPolicy::from_json(&told).expect("its own text"), policy);
        assert!(policy.differs_in(&policy).is_empty());
        Identity::new(&policy).expect("it was checked");
        drop(config(Redactor::new(policy.redact())));
    }
}

fn config<T>(outcome: Result<T>) -> Option<T> {
    outcome.inspect_err(|error| assert_eq!(error.kind(), ErrorKind::Config, "{error}")).ok()
}
