//! What needs no open file.

use crate::failure::guard;
use crate::opening::{Variables, environment, options};
use crate::output::{buffer, json};
use crate::task::{Work, work};
use f3dx_cache_core::{Error, ErrorKind, Mode, Settings, Summary};
use napi::Env;
use napi::bindgen_prelude::{AsyncTask, BufferSlice};
use napi_derive::napi;
use std::path::PathBuf;

/// The version of the library.
#[napi]
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Returns the canonical form (RFC 8785) of a JSON text.
#[napi]
pub fn canonicalize<'env>(env: &'env Env, json: &[u8]) -> napi::Result<BufferSlice<'env>> {
    buffer(env, guard(|| f3dx_cache_core::canonicalize(json))?)
}

/// Returns the BLAKE3 of a JSON text's canonical form, 64 hexadecimal digits.
#[napi]
pub fn fingerprint(json: &[u8]) -> napi::Result<String> {
    guard(|| Ok(f3dx_cache_core::fingerprint(json)?.to_string()))
}

/// Checks a whole file; resolves to JSON text: what is wrong with it.
#[napi(ts_return_type = "Promise<string>")]
pub fn verify(path: String) -> AsyncTask<Work<String>> {
    work(move || json(&f3dx_cache_core::verify(PathBuf::from(path))?))
}

/// Copies every intact entry into a new file; resolves to JSON text: what was lost.
#[napi(ts_return_type = "Promise<string>")]
pub fn recover(path: String, target: String) -> AsyncTask<Work<String>> {
    work(move || json(&f3dx_cache_core::recover(PathBuf::from(path), PathBuf::from(target))?))
}

/// Adds up summaries, a JSON array of them; returns JSON text.
#[napi]
pub fn merge_summaries(summaries: String) -> napi::Result<String> {
    guard(|| {
        let mut sum = Summary::default();
        for summary in read::<Vec<Summary>>(&summaries)? {
            sum.merge(&summary);
        }
        json(&sum)
    })
}

/// Returns the lines that end a run: what it did, then what was not recorded.
#[napi]
pub fn summary_lines(summary: String, mode: String, path: String) -> napi::Result<Vec<String>> {
    guard(|| {
        let summary: Summary = read(&summary)?;
        let mut lines = vec![summary.line(mode.parse::<Mode>()?, &PathBuf::from(path))];
        lines.extend(summary.refusal_lines());
        Ok(lines)
    })
}

/// Returns the path, the mode and its reason that test hooks would choose; opens nothing.
#[napi]
pub fn settings_for_tests(
    options: String,
    variables: Option<Vec<String>>,
) -> napi::Result<Vec<String>> {
    guard(|| {
        let env = environment(variables.map(Variables::new).as_ref())?;
        let settings = Settings::for_tests(self::options(&options)?, &env)?;
        let Settings { path, mode, mode_reason, .. } = settings;
        Ok(vec![path.display().to_string(), mode.name().to_owned(), mode_reason])
    })
}

/// Returns the names of the variables that SDKs read their keys from.
#[napi]
pub fn key_variables() -> Vec<String> {
    f3dx_cache_core::http::key_variables().iter().map(|name| (*name).to_owned()).collect()
}

fn read<T: serde::de::DeserializeOwned>(text: &str) -> f3dx_cache_core::Result<T> {
    serde_json::from_str(text)
        .map_err(|cause| Error::new(ErrorKind::InvalidArgument, format!("summary: {cause}")))
}
