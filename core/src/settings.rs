//! Which settings are in force: options, environment, configuration file, defaults.

use crate::config::Config;
use crate::env::Env;
use crate::error::{Error, ErrorKind, Result};
use crate::mode::Mode;
use crate::options::Options;
use std::path::{Path, PathBuf};

/// The settings of one cache, and where they come from.
///
/// | | first that is there |
/// | --- | --- |
/// | path | option, `F3DX_CACHE_PATH`, `F3DX_CACHE_DIR`, configuration, default |
/// | mode, opened by hand | option, `F3DX_CACHE_MODE`, `record` |
/// | mode, in tests | option, `F3DX_CACHE_MODE`, configuration, `replay` if `CI` is set, `record` |
/// | everything else | option, configuration (in tests), default |
///
/// The default path is `.f3dx-cache/cache.redb` under the nearest folder upwards
/// that holds `.git`, else under the working directory.
///
/// ```
/// use f3dx_cache_core::{Env, Mode, Options, Settings};
///
/// let env = Env::new("/repo", &[("F3DX_CACHE_DIR", "caches"), ("F3DX_CACHE_MODE", "replay")]);
/// let settings = Settings::explicit(None, Options::default(), &env)?;
/// assert_eq!(settings.path, std::path::Path::new("/repo/caches/cache.redb"));
/// assert_eq!(settings.mode, Mode::Replay);
/// assert_eq!(settings.mode_reason, "F3DX_CACHE_MODE");
/// # Ok::<(), f3dx_cache_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The cache file, absolute.
    pub path: PathBuf,
    /// What a handle does on a hit, a miss and a put.
    pub mode: Mode,
    /// Why that mode, for explanations: `option mode`, `F3DX_CACHE_MODE`, the
    /// configuration file's path, `CI is set` or `default`.
    pub mode_reason: String,
    /// Everything else; `path` and `mode` are taken out.
    pub options: Options,
    /// The configuration file that was read.
    pub config_file: Option<PathBuf>,
}

impl Settings {
    /// The environment variables that settings, hosts and runs are taken from.
    pub const VARIABLES: &[&str] = &[
        "CI",
        "F3DX_CACHE_DIR",
        "F3DX_CACHE_HOSTS",
        "F3DX_CACHE_MODE",
        "F3DX_CACHE_PATH",
        "F3DX_CACHE_RUN_ID",
    ];

    /// Returns the settings for a cache that is opened by hand.
    ///
    /// Reads `F3DX_CACHE_MODE`, `F3DX_CACHE_PATH` and `F3DX_CACHE_DIR` and no
    /// configuration file: code that opens a file does the same in every folder.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] for an unknown mode in the environment, an empty
    /// path, two paths, or an option that this version does not support.
    pub fn explicit(path: Option<&Path>, mut options: Options, env: &Env) -> Result<Self> {
        if let Some(path) = path
            && let Some(other) = options.path.replace(path.to_owned())
            && other != path
        {
            return Err(Error::new(
                ErrorKind::Config,
                format!("two paths, {} and {}; name one", path.display(), other.display()),
            ));
        }
        resolve(options, env, None, || (Mode::Record, "default"))
    }

    /// Returns the settings for a test hook.
    ///
    /// Reads what [`explicit`](Self::explicit) reads, and the nearest
    /// `f3dx-cache.toml` from the working directory upwards. `CI` counts as set
    /// unless it is empty, `0` or `false`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] as for `explicit`, and for a configuration file that
    /// cannot be used; the message names the file and the place in it.
    pub fn for_tests(options: Options, env: &Env) -> Result<Self> {
        let config = Config::find(env.cwd())?;
        resolve(options, env, config, || match ci(env) {
            true => (Mode::Replay, "CI is set"),
            false => (Mode::Record, "default"),
        })
    }
}

impl Settings {
    /// Says how to get into mode `record` from here: an option is stronger than the
    /// environment.
    pub(crate) fn way_to_record(&self) -> &'static str {
        match self.mode_reason.as_str() {
            OPTION => "mode=\"record\" where the cache is opened, and run it again",
            _ => "F3DX_CACHE_MODE=record, and run it again",
        }
    }
}

fn resolve(
    mut options: Options,
    env: &Env,
    config: Option<Config>,
    default_mode: impl FnOnce() -> (Mode, &'static str),
) -> Result<Settings> {
    if options.mirror.is_some() {
        return Err(Error::new(
            ErrorKind::Config,
            "option mirror: mirror is not supported by this version; leave it out",
        ));
    }
    let (config_file, mut configured) = match config {
        Some(Config { file, options }) => (Some(file), options),
        None => (None, Options::default()),
    };
    let configured_mode = configured.mode.take().zip(config_file.as_ref());
    let (mode, mode_reason) = if let Some(mode) = options.mode.take() {
        (mode, OPTION.to_owned())
    } else if let Some(mode) = mode_from(env)? {
        (mode, MODE.to_owned())
    } else if let Some((mode, file)) = configured_mode {
        (mode, file.display().to_string())
    } else {
        let (mode, reason) = default_mode();
        (mode, reason.to_owned())
    };
    let path = path(options.path.take(), env, configured.path.take())?;
    let options = options.or(configured);
    Ok(Settings { path, mode, mode_reason, options, config_file })
}

const MODE: &str = "F3DX_CACHE_MODE";
/// Why a mode is in force that an option named.
const OPTION: &str = "option mode";

fn mode_from(env: &Env) -> Result<Option<Mode>> {
    let Some(name) = env.var(MODE) else {
        return Ok(None);
    };
    match name.parse() {
        Ok(mode) => Ok(Some(mode)),
        Err(cause) => Err(Error::new(ErrorKind::Config, format!("{MODE}: {cause}"))),
    }
}

fn ci(env: &Env) -> bool {
    env.var("CI").is_some_and(|value| value != "0" && !value.eq_ignore_ascii_case("false"))
}

const FILE: &str = "cache.redb";

fn path(option: Option<PathBuf>, env: &Env, configured: Option<PathBuf>) -> Result<PathBuf> {
    if option.as_ref().is_some_and(|path| path.as_os_str().is_empty()) {
        return Err(Error::new(
            ErrorKind::Config,
            "option path is empty; name the cache file or leave it out",
        ));
    }
    let path = option
        .or_else(|| env.var_os("F3DX_CACHE_PATH").map(PathBuf::from))
        .or_else(|| env.var_os("F3DX_CACHE_DIR").map(|folder| Path::new(&folder).join(FILE)))
        .or(configured)
        .unwrap_or_else(|| repository(env.cwd()).join(".f3dx-cache").join(FILE));
    // Collecting the components leaves out `.`, which would only clutter messages.
    // `..` stays: behind a link it is not the folder that the text suggests.
    Ok(env.cwd().join(path).components().collect())
}

/// Returns the nearest folder upwards that holds `.git`, which is a file in a
/// worktree, or else `folder` itself.
fn repository(folder: &Path) -> &Path {
    folder.ancestors().find(|folder| folder.join(".git").exists()).unwrap_or(folder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use tempfile::TempDir;

    /// A folder that does not exist, so nothing above it but the root can matter.
    const BARE: &str = "/no-such-folder/project";

    fn folder_with(config: &str) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("f3dx-cache.toml"), config).unwrap();
        folder
    }

    fn option_mode(mode: Mode) -> Options {
        Options { mode: Some(mode), ..Options::default() }
    }

    fn option_path(path: &str) -> Options {
        Options { path: Some(path.into()), ..Options::default() }
    }

    fn explicit(options: Options, vars: &[(&str, &str)]) -> Settings {
        Settings::explicit(None, options, &Env::new(BARE, vars)).unwrap()
    }

    fn mode_for_tests(options: Options, folder: &Path, vars: &[(&str, &str)]) -> (Mode, String) {
        let settings = Settings::for_tests(options, &Env::new(folder, vars)).unwrap();
        (settings.mode, settings.mode_reason)
    }

    fn path_for_tests(options: Options, folder: &Path, vars: &[(&str, &str)]) -> PathBuf {
        Settings::for_tests(options, &Env::new(folder, vars)).unwrap().path
    }

    #[test]
    fn a_cache_opened_by_hand_records() {
        let settings = explicit(Options::default(), &[("CI", "true")]);
        assert_eq!((settings.mode, settings.mode_reason.as_str()), (Mode::Record, "default"));
    }

    #[test]
    fn by_hand_the_environment_names_the_mode() {
        let settings = explicit(Options::default(), &[("F3DX_CACHE_MODE", "refresh")]);
        assert_eq!(settings.mode, Mode::Refresh);
        assert_eq!(settings.mode_reason, "F3DX_CACHE_MODE");
    }

    #[test]
    fn by_hand_the_option_wins_over_the_environment() {
        let settings = explicit(option_mode(Mode::Off), &[("F3DX_CACHE_MODE", "refresh")]);
        assert_eq!((settings.mode, settings.mode_reason.as_str()), (Mode::Off, "option mode"));
    }

    #[test]
    fn by_hand_no_configuration_is_read() {
        let folder = folder_with("this is not TOML");
        let env = Env::new(folder.path(), &[("F3DX_CACHE_PATH", "llm.redb")]);
        let settings = Settings::explicit(None, Options::default(), &env).unwrap();
        assert_eq!(settings.config_file, None);
        assert_eq!(settings.path, folder.path().join("llm.redb"));
    }

    #[test]
    fn by_hand_the_given_path_wins() {
        let env = Env::new(BARE, &[("F3DX_CACHE_PATH", "other.redb")]);
        let given = Some(Path::new("llm.redb"));
        let settings = Settings::explicit(given, Options::default(), &env).unwrap();
        assert_eq!(settings.path, Path::new(BARE).join("llm.redb"));
    }

    #[test]
    fn by_hand_one_path_given_twice_is_one() {
        let env = Env::new(BARE, &[]);
        let given = Some(Path::new("llm.redb"));
        assert!(Settings::explicit(given, option_path("llm.redb"), &env).is_ok());
        let error = Settings::explicit(given, option_path("other.redb"), &env).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert_eq!(error.to_string(), "two paths, llm.redb and other.redb; name one");
    }

    #[test]
    fn tests_choose_the_mode_by_precedence() {
        let folder = folder_with("mode = 'read_only'");
        let file = folder.path().join("f3dx-cache.toml").display().to_string();
        let vars = [("F3DX_CACHE_MODE", "refresh"), ("CI", "1")];
        let (none, here) = (Options::default, folder.path());
        assert_eq!(
            mode_for_tests(option_mode(Mode::Off), here, &vars),
            (Mode::Off, "option mode".into())
        );
        assert_eq!(mode_for_tests(none(), here, &vars), (Mode::Refresh, "F3DX_CACHE_MODE".into()));
        assert_eq!(mode_for_tests(none(), here, &vars[1..]), (Mode::ReadOnly, file));
        fs::write(here.join("f3dx-cache.toml"), "").unwrap();
        assert_eq!(mode_for_tests(none(), here, &vars[1..]), (Mode::Replay, "CI is set".into()));
        assert_eq!(mode_for_tests(none(), here, &[]), (Mode::Record, "default".into()));
    }

    #[test]
    fn ci_is_not_set_by_a_no() {
        for no in ["", "0", "false", "False"] {
            let (mode, _) = mode_for_tests(Options::default(), Path::new(BARE), &[("CI", no)]);
            assert_eq!(mode, Mode::Record, "CI={no:?}");
        }
        for yes in ["1", "true", "woodpecker"] {
            let (mode, _) = mode_for_tests(Options::default(), Path::new(BARE), &[("CI", yes)]);
            assert_eq!(mode, Mode::Replay, "CI={yes:?}");
        }
    }

    #[test]
    fn an_unknown_mode_in_the_environment_names_variable_and_modes() {
        let env = Env::new(BARE, &[("F3DX_CACHE_MODE", "once")]);
        for result in [
            Settings::explicit(None, Options::default(), &env),
            Settings::for_tests(Options::default(), &env),
        ] {
            let error = result.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            assert_eq!(
                error.to_string(),
                "F3DX_CACHE_MODE: unknown mode \"once\"; \
                 the modes are replay, record, refresh, read_only, off"
            );
        }
    }

    #[test]
    fn an_empty_mode_in_the_environment_is_unset() {
        let settings = explicit(Options::default(), &[("F3DX_CACHE_MODE", "")]);
        assert_eq!(settings.mode_reason, "default");
    }

    #[test]
    fn the_path_is_chosen_by_precedence() {
        let folder = folder_with("path = 'configured.redb'");
        let vars = [("F3DX_CACHE_PATH", "variable.redb"), ("F3DX_CACHE_DIR", "caches")];
        let (none, here) = (Options::default, folder.path());
        assert_eq!(
            path_for_tests(option_path("option.redb"), here, &vars),
            here.join("option.redb")
        );
        assert_eq!(path_for_tests(none(), here, &vars), here.join("variable.redb"));
        assert_eq!(path_for_tests(none(), here, &vars[1..]), here.join("caches/cache.redb"));
        assert_eq!(path_for_tests(none(), here, &[]), here.join("configured.redb"));
    }

    #[test]
    fn paths_are_relative_to_where_they_are_said() {
        let folder = folder_with("path = 'configured.redb'");
        let below = folder.path().join("a");
        fs::create_dir(&below).unwrap();
        let none = Options::default;
        assert_eq!(path_for_tests(none(), &below, &[]), folder.path().join("configured.redb"));
        assert_eq!(path_for_tests(option_path("./o.redb"), &below, &[]), below.join("o.redb"));
        let vars = [("F3DX_CACHE_DIR", "..")];
        assert_eq!(path_for_tests(none(), &below, &vars), below.join("../cache.redb"));
    }

    #[test]
    fn an_absolute_path_stays() {
        let settings = explicit(option_path("/caches/llm.redb"), &[]);
        assert_eq!(settings.path, Path::new("/caches/llm.redb"));
    }

    #[test]
    fn a_home_folder_is_not_expanded() {
        let settings = explicit(option_path("~/llm.redb"), &[("HOME", "/home/ada")]);
        assert_eq!(settings.path, Path::new(BARE).join("~/llm.redb"));
    }

    #[test]
    fn an_empty_path_is_an_error() {
        let result =
            Settings::explicit(Some(Path::new("")), Options::default(), &Env::new(BARE, &[]));
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains("option path is empty"), "{error}");
    }

    #[test]
    fn empty_variables_leave_the_default_path() {
        let settings =
            explicit(Options::default(), &[("F3DX_CACHE_PATH", ""), ("F3DX_CACHE_DIR", "")]);
        assert_eq!(settings.path, Path::new(BARE).join(".f3dx-cache/cache.redb"));
    }

    #[test]
    fn the_default_path_is_at_the_top_of_the_repository() {
        let top = tempfile::tempdir().unwrap();
        fs::create_dir(top.path().join(".git")).unwrap();
        let worktree = top.path().join("worktree");
        let below = worktree.join("tests/unit");
        fs::create_dir_all(&below).unwrap();
        let env = Env::new(&below, &[]);
        let default = || Settings::explicit(None, Options::default(), &env).unwrap().path;
        assert_eq!(default(), top.path().join(".f3dx-cache/cache.redb"));

        fs::write(worktree.join(".git"), "gitdir: elsewhere").unwrap();
        assert_eq!(default(), worktree.join(".f3dx-cache/cache.redb"));
    }

    #[test]
    fn everything_else_is_merged_and_options_win() {
        let folder = folder_with("path = 'x.redb'\nmode = 'off'\nhosts = ['a']\nignore = ['/id']");
        let options = Options { hosts: Some(vec!["b".into()]), ..Options::default() };
        let env = Env::new(folder.path(), &[]);
        let settings = Settings::for_tests(options, &env).unwrap();
        let merged = Options {
            hosts: Some(vec!["b".into()]),
            ignore: Some(vec!["/id".into()]),
            ..Options::default()
        };
        assert_eq!(settings.options, merged);
        assert_eq!(settings.config_file, Some(folder.path().join("f3dx-cache.toml")));
    }

    #[test]
    fn a_broken_configuration_fails_tests_even_if_an_option_names_the_mode() {
        let folder = folder_with("mode = 'once'");
        let env = Env::new(folder.path(), &[]);
        let error = Settings::for_tests(option_mode(Mode::Replay), &env).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains("f3dx-cache.toml"), "{error}");
    }

    #[test]
    fn the_option_mirror_is_not_supported() {
        let options = Options { mirror: Some("recordings".into()), ..Options::default() };
        let error = Settings::explicit(None, options, &Env::new(BARE, &[])).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert_eq!(
            error.to_string(),
            "option mirror: mirror is not supported by this version; leave it out"
        );
    }
}
