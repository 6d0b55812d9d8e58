//! Patterns of volatile text that are worth a name.

use regex::Regex;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

/// A named pattern. What it means belongs to the version of the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Preset {
    Uuid,
    IsoDate,
    Timestamp,
    TmpPath,
    ToolCallId,
}

/// The ids of one request, in the order they were met.
#[derive(Debug, Default)]
pub(super) struct Ids(HashMap<String, usize>);

impl Preset {
    pub(super) const ALL: [Preset; 5] =
        [Self::Uuid, Self::IsoDate, Self::Timestamp, Self::TmpPath, Self::ToolCallId];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Uuid => "uuid",
            Self::IsoDate => "iso-date",
            Self::Timestamp => "timestamp",
            Self::TmpPath => "tmp-path",
            Self::ToolCallId => "tool-call-id",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|preset| preset.name() == name)
    }

    fn pattern(self) -> &'static str {
        match self {
            Self::Uuid => r"(?i)\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b",
            // A date, with or without a time of day.
            Self::IsoDate => {
                r"\b[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])(?:[Tt ][0-2][0-9]:[0-5][0-9](?::[0-6][0-9](?:[.,][0-9]+)?)?(?:[Zz]\b|[+-][0-9]{2}:?[0-9]{2}\b|\b)|\b)"
            }
            // Seconds from 2001 to 2033, or thousandths, millionths and so on of them.
            Self::Timestamp => r"\b1[0-9]{9}(?:[0-9]{3}|[0-9]{6}|[0-9]{9})?(?:\.[0-9]+)?\b",
            // The folder for temporary files and what is random below it, not the file's name.
            Self::TmpPath => {
                r#"(?x)
                (?:(?:/private)?/tmp | (?:/private)?/var/tmp | (?:/private)?/var/folders/[^/\s"']+/[^/\s"']+/T
                    | [A-Za-z]:\\Users\\[^\\\s"']+\\AppData\\Local\\Temp)\b
                (?:[/\\](?:
                    pytest-of-[^/\\\s"']+[/\\]pytest-[0-9]+
                    | tmp\.?[A-Za-z0-9_]{6,}
                    | [A-Za-z_]+[0-9]{6,}(?:[/\\][0-9]{3})?
                    | [A-Za-z0-9_.]+-[A-Za-z0-9]{6}
                )\b)?"#
            }
            Self::ToolCallId => {
                r"\b(?:call|toolu|tooluse|fc|chatcmpl-tool)[_-][A-Za-z0-9_-]*[0-9][A-Za-z0-9_-]*"
            }
        }
    }

    pub(super) fn regex(self) -> &'static Regex {
        #[allow(clippy::expect_used)] // Constant patterns, compiled in every test.
        static REGEXES: LazyLock<[Regex; 5]> = LazyLock::new(|| {
            Preset::ALL.map(|preset| Regex::new(preset.pattern()).expect("a valid pattern"))
        });
        &REGEXES[self as usize]
    }

    /// Replaces every match by `[<name>]`; ids by `[<name>:<n>]` for the n-th
    /// distinct one of the request, so that references stay references.
    pub(super) fn apply<'t>(self, text: &'t str, ids: &mut Ids) -> Cow<'t, str> {
        match self {
            Self::ToolCallId => self.regex().replace_all(text, |found: &regex::Captures<'_>| {
                let next = ids.0.len() + 1;
                let n = *ids.0.entry(found[0].to_owned()).or_insert(next);
                format!("[{}:{n}]", self.name())
            }),
            _ => self.regex().replace_all(text, format!("[{}]", self.name())),
        }
    }
}

/// Returns the preset under which two texts that differ are the same.
pub fn suggest_preset(recorded: &str, requested: &str) -> Option<&'static str> {
    if recorded == requested {
        return None;
    }
    let same = |preset: &Preset| {
        preset.apply(recorded, &mut Ids::default()) == preset.apply(requested, &mut Ids::default())
    };
    Preset::ALL.into_iter().find(same).map(Preset::name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apply(preset: Preset, text: &str) -> String {
        preset.apply(text, &mut Ids::default()).into_owned()
    }

    #[test]
    fn dates_and_times_are_found() {
        for text in [
            "2024-01-31",
            "2024-01-31T10:20",
            "2024-01-31T10:20:30Z",
            "2024-01-31 10:20:30.123+02:00",
            "2024-01-31T10:20:30,5-0700",
        ] {
            assert_eq!(apply(Preset::IsoDate, &format!("on {text}.")), "on [iso-date].", "{text}");
        }
        for text in ["2024-13-01", "2024-01-32", "12024-01-31", "2024-01-311", "1-2-3"] {
            assert_eq!(apply(Preset::IsoDate, text), text);
        }
    }

    #[test]
    fn timestamps_are_found() {
        for text in ["1712345678", "1712345678901", "1712345678.25", "1712345678901234567"] {
            assert_eq!(apply(Preset::Timestamp, text), "[timestamp]", "{text}");
        }
        for text in ["2712345678", "171234567", "17123456789", "a1712345678"] {
            assert_eq!(apply(Preset::Timestamp, text), text);
        }
    }

    #[test]
    fn a_temporary_path_keeps_its_file() {
        for (text, expected) in [
            ("read /tmp/tmpab12cd_3/in.csv now", "read [tmp-path]/in.csv now"),
            ("/tmp/pytest-of-me/pytest-12/test_a0/in.csv", "[tmp-path]/test_a0/in.csv"),
            ("/private/var/folders/x1/abc_d/T/tmpab12cd34", "[tmp-path]"),
            ("/tmp/TestRun1234567890/001/in.csv", "[tmp-path]/in.csv"),
            ("/tmp/demo-aB3dE6/in.csv", "[tmp-path]/in.csv"),
            (r"C:\Users\me\AppData\Local\Temp\tmpab12cd34\in.csv", r"[tmp-path]\in.csv"),
            ("/tmp/in.csv", "[tmp-path]/in.csv"),
            ("/tmpfs/in.csv", "/tmpfs/in.csv"),
        ] {
            assert_eq!(apply(Preset::TmpPath, text), expected);
        }
    }

    #[test]
    fn references_between_tool_calls_stay() {
        let mut ids = Ids::default();
        let mut next = |text: &str| Preset::ToolCallId.apply(text, &mut ids).into_owned();
        assert_eq!(next("call_abc123"), "[tool-call-id:1]");
        assert_eq!(next("toolu_01A09q90qw90lq917835lq9"), "[tool-call-id:2]");
        assert_eq!(next("call_abc123, then call_center"), "[tool-call-id:1], then call_center");
    }

    #[test]
    fn the_preset_that_makes_two_texts_one_is_suggested() {
        assert_eq!(suggest_preset("on 2024-01-31", "on 2025-02-01"), Some("iso-date"));
        assert_eq!(suggest_preset("call_a1", "call_b2"), Some("tool-call-id"));
        assert_eq!(suggest_preset("on 2024-01-31", "at 2025-02-01"), None);
        assert_eq!(suggest_preset("same", "same"), None);
    }
}
