//! The report as JUnit XML, for CI.

use super::wording;
use super::{BadRow, Report, ReportRow};
use crate::diff::Verdict;
use crate::summary::grouped;
use std::collections::HashSet;
use std::fmt::Write;

impl Report {
    /// Returns the report as JUnit XML: a suite for each trace file, a case for each row.
    ///
    /// `different` and `inconclusive` rows fail: a run is not green because nobody could tell.
    /// Rows in `error`, and those that could not be read, are errors; `skipped` ones are skipped.
    pub fn to_junit(&self) -> String {
        let suites = self.suites();
        let mut all = Counts::default();
        suites.iter().for_each(|suite| all.add(&suite.counts));
        let mut out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned();
        let name = attribute(self.target.as_deref().unwrap_or("replay"));
        let _ = writeln!(out, "<testsuites name=\"{name}\"{}>", all.attributes());
        // Without the time zone, as the readers' schema has it.
        let time = attribute(self.created_at.trim_end_matches('Z'));
        for suite in &suites {
            let (file, counts) = (attribute(suite.file), suite.counts.attributes());
            let _ = writeln!(out, "  <testsuite name=\"{file}\"{counts} timestamp=\"{time}\">");
            out.push_str(&suite.cases);
            out.push_str("  </testsuite>\n");
        }
        out.push_str("</testsuites>\n");
        out
    }

    /// Returns the files in the order in which they occur.
    fn suites(&self) -> Vec<Suite<'_>> {
        let mut suites = Vec::new();
        for row in &self.rows {
            suite(&mut suites, &row.source.file).add_row(row);
        }
        for bad in &self.bad_rows {
            suite(&mut suites, &bad.source.file).add_bad(bad);
        }
        let more = self.totals.bad.saturating_sub(self.bad_rows.len() as u64);
        if more > 0 {
            let file = self.bad_rows.last().map_or("rows", |bad| &bad.source.file);
            suite(&mut suites, file).add_more(more);
        }
        suites
    }
}

/// The cases of one file.
struct Suite<'a> {
    file: &'a str,
    cases: String,
    counts: Counts,
    names: HashSet<String>,
}

/// What the attributes of a suite say.
#[derive(Default)]
struct Counts {
    tests: u64,
    failures: u64,
    errors: u64,
    skipped: u64,
}

fn suite<'a, 'b>(suites: &'b mut Vec<Suite<'a>>, file: &'a str) -> &'b mut Suite<'a> {
    let at = suites.iter().rposition(|suite| suite.file == file).unwrap_or_else(|| {
        suites.push(Suite {
            file,
            cases: String::new(),
            counts: Counts::default(),
            names: HashSet::new(),
        });
        suites.len() - 1
    });
    &mut suites[at]
}

impl Suite<'_> {
    fn add_row(&mut self, row: &ReportRow) {
        // Readers take cases of one name for one case; the calls of one trace share theirs.
        let called = wording::name(row);
        let at_line = format!("{called} (line {})", row.source.line);
        // Many rows stand on one line where a whole document does.
        let counted = (2..).map(|nth: u64| format!("{called} (line {}, {nth})", row.source.line));
        let mut names = [called.clone(), at_line].into_iter().chain(counted);
        let name = names.find(|name| self.names.insert(name.clone())).unwrap_or_default();
        let element = match row.verdict {
            Verdict::Same | Verdict::Equivalent => None,
            Verdict::Different | Verdict::Inconclusive => {
                self.counts.failures += 1;
                Some("failure")
            }
            Verdict::Error => {
                self.counts.errors += 1;
                Some("error")
            }
            Verdict::Skipped => {
                self.counts.skipped += 1;
                Some("skipped")
            }
        };
        let result = element.map(|element| {
            let message = attribute(row.note.lines().next().unwrap_or_default());
            if element == "skipped" {
                return format!("<skipped message=\"{message}\"/>");
            }
            let kind = wording::verdict(row.verdict);
            let details = text(&details(row));
            format!("<{element} type=\"{kind}\" message=\"{message}\">{details}</{element}>")
        });
        let model = row.model.as_deref().filter(|model| !model.is_empty());
        self.add(model.unwrap_or("model not named"), &name, Some(row.source.line), result);
    }

    fn add_bad(&mut self, bad: &BadRow) {
        self.counts.errors += 1;
        let message = match bad.column {
            0 => bad.reason.clone(),
            column => format!("column {column}: {}", bad.reason),
        };
        let error = format!("<error type=\"bad_row\" message=\"{}\"/>", attribute(&message));
        let name = format!("line {} can be read", bad.source.line);
        self.add("rows", &name, Some(bad.source.line), Some(error));
    }

    fn add_more(&mut self, more: u64) {
        self.counts.errors += 1;
        let message = format!("{} more rows could not be read", grouped(more));
        let error = format!("<error type=\"bad_row\" message=\"{}\"/>", attribute(&message));
        self.add("rows", "every other row can be read", None, Some(error));
    }

    fn add(&mut self, class: &str, name: &str, line: Option<u64>, result: Option<String>) {
        self.counts.tests += 1;
        let (class, name, file) = (attribute(class), attribute(name), attribute(self.file));
        let out = &mut self.cases;
        let _ = write!(out, "    <testcase classname=\"{class}\" name=\"{name}\" file=\"{file}\"");
        if let Some(line) = line {
            let _ = write!(out, " line=\"{line}\"");
        }
        match result {
            Some(result) => _ = writeln!(out, ">{result}</testcase>"),
            None => out.push_str("/>\n"),
        }
    }
}

impl Counts {
    fn add(&mut self, other: &Self) {
        self.tests += other.tests;
        self.failures += other.failures;
        self.errors += other.errors;
        self.skipped += other.skipped;
    }

    fn attributes(&self) -> String {
        format!(
            " tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\"",
            self.tests, self.failures, self.errors, self.skipped
        )
    }
}

/// Returns what a reader shows of a row that is not as it was.
fn details(row: &ReportRow) -> String {
    let mut out = format!("{}\n{}\n", wording::place(&row.source), row.note);
    for change in &row.differences {
        let value = |value: &Option<Box<serde_json::value::RawValue>>| {
            value.as_ref().map_or("nothing".to_owned(), |value| value.get().to_owned())
        };
        let (path, kind) = (wording::pointer(change), wording::kind(change));
        let _ =
            writeln!(out, "{path} {kind}: {} -> {}", value(&change.before), value(&change.after));
    }
    if row.more > 0 {
        let _ = writeln!(out, "and {} more", grouped(row.more as u64));
    }
    for (title, text) in [("prompt", &row.prompt), ("before", &row.before), ("after", &row.after)] {
        if let Some(text) = text {
            let _ = write!(out, "\n--- {title}\n{text}\n");
        }
    }
    out
}

fn text(text: &str) -> String {
    escape(text, false)
}

fn attribute(text: &str) -> String {
    escape(text, true)
}

/// Escapes a text for XML 1.0, which has no spelling for most control characters: the
/// replacement character takes their place.
fn escape(text: &str, attribute: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' if attribute => out.push_str("&quot;"),
            // A reader would take these for other white space.
            '\r' => out.push_str("&#13;"),
            '\n' if attribute => out.push_str("&#10;"),
            '\t' if attribute => out.push_str("&#9;"),
            '\n' | '\t' => out.push(letter),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            _ => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::sample;
    use roxmltree::{Document, Node};

    fn case<'a>(document: &'a Document<'a>, name: &str) -> Node<'a, 'a> {
        let is = |node: &Node<'_, '_>| {
            node.has_tag_name("testcase") && node.attribute("name") == Some(name)
        };
        document.descendants().find(is).unwrap()
    }

    fn outcome<'a>(case: Node<'a, 'a>) -> Option<(&'a str, Option<&'a str>)> {
        let result = case.first_element_child()?;
        Some((result.tag_name().name(), result.attribute("type")))
    }

    #[test]
    fn a_verdict_that_needs_a_look_is_not_green() {
        let xml = sample::report().to_junit();
        let document = Document::parse(&xml).unwrap();
        let outcomes: Vec<_> =
            (1..=6).map(|at| outcome(case(&document, &format!("case-{at}")))).collect();
        assert_eq!(
            outcomes,
            [
                None,
                None,
                Some(("failure", Some("different"))),
                Some(("failure", Some("inconclusive"))),
                Some(("error", Some("error"))),
                Some(("skipped", None)),
            ]
        );
        let bad = case(&document, "line 7 can be read");
        assert_eq!(outcome(bad), Some(("error", Some("bad_row"))));
        assert!(xml.contains("<testsuites name=\"gpt-5 at temperature 0\" tests=\"8\" failures=\"2\" errors=\"3\" skipped=\"1\">"), "{xml}");
        assert!(xml.contains("timestamp=\"2026-11-25T08:00:00\""));
    }

    #[test]
    fn each_case_has_a_name_of_its_own() {
        let mut report = Report::new(None, Default::default());
        for line in 1..=3 {
            report.push(ReportRow { case_id: None, ..sample::row(line) });
        }
        let xml = report.to_junit();
        let document = Document::parse(&xml).unwrap();
        for name in ["t-1", "t-1 (line 2)", "t-1 (line 3)"] {
            assert!(outcome(case(&document, name)).is_some());
        }
    }

    #[test]
    fn cases_that_stand_on_one_line_have_names_of_their_own() {
        let mut report = Report::new(None, Default::default());
        for case_id in [None, None, None, None, Some("t-1 (line 1)".to_owned())] {
            report.push(ReportRow { case_id, ..sample::row(1) });
        }
        let xml = report.to_junit();
        let document = Document::parse(&xml).unwrap();
        let cases = document.descendants().filter(|node| node.has_tag_name("testcase"));
        let names: HashSet<_> = cases.filter_map(|case| case.attribute("name")).collect();
        assert_eq!(names.len(), 5, "{names:?}");
    }

    #[test]
    fn a_reader_gets_every_character_that_xml_has() {
        let mut report = Report::new(None, Default::default());
        report.push(sample::hostile_row());
        let xml = report.to_junit();
        let document = Document::parse(&xml).unwrap();
        let expected = sample::HOSTILE.replace('\0', "\u{fffd}");
        let case = case(&document, &expected);
        assert_eq!(case.attribute("classname"), Some(expected.as_str()));
        let failure = case.first_element_child().unwrap();
        let text = failure.text().unwrap();
        assert!(text.contains(&format!("--- before\n{expected}\n")), "{text:?}");
    }

    #[test]
    fn any_character_can_be_read_back() {
        for letter in (0..=0x2_0000).filter_map(char::from_u32) {
            let escaped = format!(
                "<a b=\"{}\">{}</a>",
                attribute(&letter.to_string()),
                text(&letter.to_string())
            );
            let document = Document::parse(&escaped).unwrap();
            let legal = matches!(letter, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..);
            let expected = if legal { letter } else { '\u{fffd}' }.to_string();
            let root = document.root_element();
            assert_eq!(root.text(), Some(expected.as_str()), "{letter:?}");
            assert_eq!(root.attribute("b"), Some(expected.as_str()), "{letter:?}");
        }
    }
}
