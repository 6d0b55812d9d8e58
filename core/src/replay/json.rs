//! The report as JSON: the form that `REPORT.md` documents.

use super::Report;
use crate::error::{Error, ErrorKind, Result};
use serde::Deserialize;

impl Report {
    /// Returns the report as indented JSON, members in the order of `REPORT.md`.
    pub fn to_json(&self) -> String {
        // Nothing in it can fail to serialize: the keys of its maps are strings.
        let mut json = serde_json::to_string_pretty(self).expect("a report is JSON");
        json.push('\n');
        json
    }

    /// Reads what [`Report::to_json`] wrote.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::UnsupportedFormat`] for a report of a newer library;
    /// [`ErrorKind::InvalidArgument`] for what is no report.
    pub fn from_json(json: &[u8]) -> Result<Self> {
        let wrong = |cause| {
            Error::new(ErrorKind::InvalidArgument, "a JSON report of a replay is needed")
                .because(cause)
        };
        let Versioned { version } = serde_json::from_slice(json).map_err(wrong)?;
        if version > u64::from(Self::VERSION) {
            return Err(Error::new(
                ErrorKind::UnsupportedFormat,
                format!(
                    "the report is version {version}, this library reads up to {}",
                    Self::VERSION
                ),
            ));
        }
        serde_json::from_slice(json).map_err(wrong)
    }
}

/// What every version of the form has.
#[derive(Deserialize)]
struct Versioned {
    version: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::sample;

    #[test]
    fn a_report_survives_json() {
        let json = sample::report().to_json();
        assert_eq!(Report::from_json(json.as_bytes()).unwrap().to_json(), json);
    }

    #[test]
    fn a_newer_report_is_refused_by_its_version() {
        let newer = sample::report().to_json().replace("\"version\": 1,", "\"version\": 2,");
        let error = Report::from_json(newer.as_bytes()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnsupportedFormat);
        assert_eq!(error.to_string(), "the report is version 2, this library reads up to 1");
        // Even one that has nothing else in common with this version.
        let error = Report::from_json(br#"{"version": 3, "rows": 7}"#).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnsupportedFormat);
    }

    #[test]
    fn what_is_no_report_is_refused() {
        for wrong in ["", "[]", "{}", r#"{"version": 1}"#, r#"{"version": "1"}"#] {
            let error = Report::from_json(wrong.as_bytes()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{wrong}");
        }
    }

    #[test]
    fn members_that_were_added_later_are_skipped() {
        let json = sample::report().to_json();
        let newer = json.replacen("\"mode\":", "\"added\": 1, \"mode\":", 1);
        let newer = newer.replacen("\"version\":", "\"added\": [], \"version\":", 1);
        assert_eq!(Report::from_json(newer.as_bytes()).unwrap().to_json(), json);
    }

    #[test]
    fn each_member_is_documented() {
        let document = include_str!("../../REPORT.md");
        let json: serde_json::Value = serde_json::from_str(&sample::report().to_json()).unwrap();
        let places = ["", "/totals", "/rows/0", "/rows/0/source", "/rows/0/differences/0"];
        for place in places.into_iter().chain(["/bad_rows/0"]) {
            for name in json.pointer(place).unwrap().as_object().unwrap().keys() {
                let quoted = [format!("`{name}`"), format!("\"{name}\"")];
                assert!(quoted.iter().any(|name| document.contains(name)), "{place}/{name}");
            }
        }
    }
}
