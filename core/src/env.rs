//! What the settings take from the process: its environment and its working directory.

use crate::error::{Error, ErrorKind, Result};
use std::collections::HashMap;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Environment variables and a working directory, the process's own or given.
///
/// An empty variable counts as unset, so `F3DX_CACHE_PATH= make test` is a way to unset one.
#[derive(Clone)]
pub struct Env {
    vars: Arc<Lookup>,
    cwd: PathBuf,
}

type Lookup = dyn Fn(&str) -> Option<OsString> + Send + Sync;

impl Env {
    /// Returns the environment and working directory of this process.
    ///
    /// Variables are looked up when they are asked for; the directory is the one at this call.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] if the working directory was removed or cannot be reached.
    pub fn process() -> Result<Self> {
        let cwd = std::env::current_dir().map_err(|cause| {
            Error::new(
                ErrorKind::Io,
                "cannot find the working directory; change to one that exists",
            )
            .because(cause)
        })?;
        Ok(Self { vars: Arc::new(|name| std::env::var_os(name)), cwd })
    }

    /// Returns an environment of these variables only; `cwd` must be absolute.
    ///
    /// For tests.
    pub fn new(cwd: impl Into<PathBuf>, vars: &[(&str, &str)]) -> Self {
        let vars: HashMap<String, OsString> =
            vars.iter().map(|(name, value)| (name.to_string(), value.into())).collect();
        Self { vars: Arc::new(move |name| vars.get(name).cloned()), cwd: cwd.into() }
    }

    /// Returns this working directory with the variables that `lookup` knows.
    ///
    /// For hosts whose environment is not the process's, such as a worker thread of Node.
    pub fn with_variables(
        self,
        lookup: impl Fn(&str) -> Option<OsString> + Send + Sync + 'static,
    ) -> Self {
        Self { vars: Arc::new(lookup), ..self }
    }

    /// Returns the text of a variable that is set and not empty.
    ///
    /// What is not Unicode becomes U+FFFD, so that a wrong value can be shown.
    pub fn var(&self, name: &str) -> Option<String> {
        self.var_os(name).map(|value| value.to_string_lossy().into_owned())
    }

    /// Returns a variable that is set and not empty, unchanged.
    pub fn var_os(&self, name: &str) -> Option<OsString> {
        (self.vars)(name).filter(|value| !value.is_empty())
    }

    /// Returns the working directory.
    pub fn cwd(&self) -> &Path {
        &self.cwd
    }
}

/// The working directory alone, since variables hold keys.
impl fmt::Debug for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Env").field("cwd", &self.cwd).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_has_its_own_directory_and_variables() {
        let env = Env::process().unwrap();
        assert_eq!(env.cwd(), std::env::current_dir().unwrap());
        assert_eq!(env.var_os("PATH"), std::env::var_os("PATH"));
        assert_eq!(env.var("F3DX_CACHE_NOBODY_SETS_THIS"), None);
    }

    #[test]
    fn a_host_may_have_variables_of_its_own() {
        let own = |name: &str| (name == "CI").then(|| "1".into());
        let env = Env::process().unwrap().with_variables(own);
        assert_eq!(env.cwd(), std::env::current_dir().unwrap());
        assert_eq!((env.var("CI").as_deref(), env.var("PATH")), (Some("1"), None));
    }

    #[test]
    fn an_empty_variable_is_unset() {
        let env = Env::new("/repo", &[("CI", ""), ("OTHER", "1")]);
        assert_eq!(env.var("CI"), None);
        assert_eq!(env.var("OTHER").as_deref(), Some("1"));
    }

    #[test]
    fn debug_shows_no_variable() {
        let env = Env::new("/repo", &[("OPENAI_API_KEY", "sk-hidden")]);
        assert!(!format!("{env:?}").contains("sk-hidden"));
    }

    #[cfg(unix)]
    #[test]
    fn a_path_that_is_not_unicode_is_used_as_it_is() {
        use crate::settings::Settings;
        use std::os::unix::ffi::OsStringExt;

        let name = OsString::from_vec(b"/caches/\xff.redb".to_vec());
        let value = name.clone();
        let vars = move |asked: &str| (asked == "F3DX_CACHE_PATH").then(|| value.clone());
        let env = Env { vars: Arc::new(vars), cwd: "/repo".into() };
        let settings = Settings::explicit(None, Default::default(), &env).unwrap();
        assert_eq!(settings.path, PathBuf::from(name));
    }
}
