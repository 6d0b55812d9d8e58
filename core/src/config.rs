//! The configuration file, `f3dx-cache.toml`: where it is and what it says.

use crate::error::{Error, ErrorKind, Result};
use crate::options::Options;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

const NAME: &str = "f3dx-cache.toml";

/// A configuration file that was read.
#[derive(Debug)]
pub(crate) struct Config {
    /// Where it is.
    pub(crate) file: PathBuf,
    /// What it says, its `path` resolved against the file's folder.
    pub(crate) options: Options,
}

impl Config {
    /// Reads the nearest configuration file in `folder` or above it; `None` if there is none.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] that names the file, and the place in it.
    pub(crate) fn find(folder: &Path) -> Result<Option<Self>> {
        for folder in folder.ancestors() {
            let file = folder.join(NAME);
            // Links are not followed: one that dangles is a mistake to report, not an absence.
            match file.symlink_metadata() {
                Ok(_) => return Self::read(file).map(Some),
                Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
                Err(cause) => return Err(unreadable(&file, cause)),
            }
        }
        Ok(None)
    }

    fn read(file: PathBuf) -> Result<Self> {
        // Anything else, a pipe for one, may never end.
        if !file.metadata().map_err(|cause| unreadable(&file, cause))?.is_file() {
            return Err(wrong(&file, "this is no regular file; move it away"));
        }
        let bytes = std::fs::read(&file).map_err(|cause| unreadable(&file, cause))?;
        Self::parse(file, &bytes)
    }

    /// Reads what stands in `file`.
    pub(crate) fn parse(file: PathBuf, bytes: &[u8]) -> Result<Self> {
        let text = std::str::from_utf8(bytes).map_err(|cause| {
            let valid = bytes.get(..cause.valid_up_to()).unwrap_or_default();
            let (line, column) = place(&String::from_utf8_lossy(valid));
            wrong(
                &file,
                format_args!("line {line}, column {column} is not UTF-8; save it as UTF-8"),
            )
        })?;
        let mut options: Options =
            toml::from_str(text).map_err(|cause| incorrect(&file, text, &cause))?;
        if let Some(path) = options.path.take() {
            if path.as_os_str().is_empty() {
                return Err(wrong(&file, "path is empty; name the cache file or remove it"));
            }
            options.path = Some(file.parent().map(|folder| folder.join(&path)).unwrap_or(path));
        }
        if options.mirror.is_some() {
            return Err(wrong(&file, "mirror is not supported by this version; remove it"));
        }
        Ok(Self { file, options })
    }
}

fn wrong(file: &Path, detail: impl std::fmt::Display) -> Error {
    Error::file(ErrorKind::Config, file, detail)
}

fn unreadable(file: &Path, cause: io::Error) -> Error {
    wrong(file, "cannot read the configuration; make it readable or move it away").because(cause)
}

/// Says it in one line: toml's own text also draws the line it is about.
fn incorrect(file: &Path, text: &str, cause: &toml::de::Error) -> Error {
    let message = cause.message().trim().replace('\n', ", ");
    match cause.span().and_then(|Range { start, .. }| text.get(..start)) {
        Some(before) => {
            let (line, column) = place(before);
            wrong(file, format_args!("correct line {line}, column {column}: {message}"))
        }
        None => wrong(file, format_args!("correct it: {message}")),
    }
}

/// Returns the line and column, from 1 and in characters, right after `before`.
fn place(before: &str) -> (usize, usize) {
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
    (line, column)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mode::Mode;
    use crate::options::{Normalize, Repeats, Scope};
    use std::fs;
    use tempfile::TempDir;

    fn folder_with(text: impl AsRef<[u8]>) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(NAME), text).unwrap();
        folder
    }

    /// The message for a file that says `text`, without its path.
    fn complaint(text: impl AsRef<[u8]>) -> String {
        let folder = folder_with(text);
        let error = Config::find(folder.path()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        let path = format!("{}: ", folder.path().join(NAME).display());
        error.to_string().strip_prefix(&path).expect("the path comes first").to_string()
    }

    #[test]
    fn every_member_is_read() {
        let folder = folder_with(
            r#"
            path = "caches/llm.redb"
            mode = "read_only"
            hosts = ["llm.local:8080"]
            ignore_hosts = ["api.example"]
            host_aliases = { "127.0.0.1:*" = "api.openai.com" }
            match_headers = ["x-variant"]
            record_status = [429]
            record_paths = ["/v1/models"]
            redact = ["ACME-[0-9]+"]
            normalize = ["uuid", { at = "/messages", pattern = "[0-9]+", replace = "n" }]
            ignore = ["/metadata"]
            repeats = "sequence"
            scope = "test"
            "#,
        );
        let Config { file, options } = Config::find(folder.path()).unwrap().unwrap();
        assert_eq!(file, folder.path().join(NAME));
        assert_eq!(options.path, Some(folder.path().join("caches/llm.redb")));
        assert_eq!(options.mode, Some(Mode::ReadOnly));
        assert_eq!(options.hosts, Some(vec!["llm.local:8080".into()]));
        assert_eq!(options.ignore_hosts, Some(vec!["api.example".into()]));
        assert_eq!(options.host_aliases.unwrap()["127.0.0.1:*"], "api.openai.com");
        assert_eq!(options.match_headers, Some(vec!["x-variant".into()]));
        assert_eq!(options.record_status, Some(vec![429]));
        assert_eq!(options.record_paths, Some(vec!["/v1/models".into()]));
        assert_eq!(options.redact, Some(vec!["ACME-[0-9]+".into()]));
        assert_eq!(options.normalize.unwrap()[0], Normalize::Preset("uuid".into()));
        assert_eq!(options.ignore, Some(vec!["/metadata".into()]));
        assert_eq!(options.repeats, Some(Repeats::Sequence));
        assert_eq!(options.scope, Some(Scope::Test));
    }

    #[test]
    fn the_nearest_file_upwards_is_read() {
        let top = folder_with("mode = 'off'");
        let below = top.path().join("a/b");
        fs::create_dir_all(&below).unwrap();
        let found = Config::find(&below).unwrap().unwrap();
        assert_eq!(found.file, top.path().join(NAME));

        fs::write(top.path().join("a").join(NAME), "").unwrap();
        let found = Config::find(&below).unwrap().unwrap();
        assert_eq!(found.file, top.path().join("a").join(NAME));
        assert_eq!(found.options, Options::default(), "files are not merged");
    }

    #[test]
    fn no_file_up_to_the_root_is_none() {
        assert!(Config::find(Path::new("/no-such-folder/below")).unwrap().is_none());
    }

    #[test]
    fn an_absolute_path_stays() {
        let elsewhere = std::env::temp_dir().join("elsewhere.redb");
        let folder = folder_with(format!("path = '{}'", elsewhere.display()));
        let found = Config::find(folder.path()).unwrap().unwrap();
        assert_eq!(found.options.path, Some(elsewhere));
    }

    #[test]
    fn an_empty_path_is_an_error() {
        assert_eq!(complaint("path = ''"), "path is empty; name the cache file or remove it");
    }

    #[test]
    fn a_home_folder_is_not_expanded() {
        let folder = folder_with("path = '~/llm.redb'");
        let found = Config::find(folder.path()).unwrap().unwrap();
        assert_eq!(found.options.path, Some(folder.path().join("~/llm.redb")));
    }

    #[test]
    fn an_unknown_member_is_named_with_the_known_ones() {
        let text = complaint("mode = 'record'\nignored = []\n");
        assert!(text.starts_with("correct line 2, column 1: unknown field `ignored`"), "{text}");
        assert!(text.contains("`ignore`") && text.contains("`host_aliases`"), "{text}");
    }

    #[test]
    fn an_unknown_mode_is_named_with_the_known_ones() {
        assert_eq!(
            complaint("\nmode = 'once'\n"),
            "correct line 2, column 8: unknown mode \"once\"; \
             the modes are replay, record, refresh, read_only, off"
        );
    }

    #[test]
    fn a_wrong_type_has_a_place() {
        assert_eq!(
            complaint("# Umlaut: ä\nhosts = 'llm.local'\n"),
            "correct line 2, column 9: invalid type: string \"llm.local\", expected a sequence"
        );
    }

    #[test]
    fn columns_count_characters() {
        let text = complaint("host_aliases = { 'ä' = 1 }");
        assert!(text.starts_with("correct line 1, column 24: "), "{text}");
    }

    #[test]
    fn a_wrong_normalize_rule_says_what_one_is() {
        assert_eq!(
            complaint("normalize = [3]"),
            "correct line 1, column 13: a rule is a preset's name or {at, pattern, replace}"
        );
    }

    #[test]
    fn what_is_not_toml_has_a_place() {
        let text = complaint("mode = 'record'\nhosts = [\n");
        assert!(text.starts_with("correct line "), "{text}");
        assert!(!text.contains('\n'), "{text}");
    }

    #[test]
    fn deep_nesting_is_an_error() {
        complaint(format!("hosts = {}", "[".repeat(100_000)));
    }

    #[test]
    fn what_is_not_utf8_has_a_place() {
        assert_eq!(
            complaint(b"mode = 'off'\nhosts = ['\xff']"),
            "line 2, column 11 is not UTF-8; save it as UTF-8"
        );
    }

    #[test]
    fn mirror_is_not_supported() {
        assert_eq!(
            complaint("mirror = 'tests/recordings'"),
            "mirror is not supported by this version; remove it"
        );
    }

    #[test]
    fn a_folder_of_that_name_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(NAME)).unwrap();
        let error = Config::find(folder.path()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains("f3dx-cache.toml: this is no regular file"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_dangling_link_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("nowhere", folder.path().join(NAME)).unwrap();
        let error = Config::find(folder.path()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains("make it readable or move it away"), "{error}");
    }
}
