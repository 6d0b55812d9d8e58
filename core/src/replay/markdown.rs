//! The report as Markdown, for a pull request or a terminal.

use super::wording::{self, VERDICTS};
use super::{Report, ReportRow, Totals};
use crate::summary::grouped;
use std::fmt::Write;

impl Report {
    /// Returns the report as Markdown: totals, and each row that needs a look.
    pub fn to_markdown(&self) -> String {
        let mut out = format!("# {}\n\n", wording::headline(self));
        if let Some(target) = &self.target {
            let _ = write!(out, "Target: {}. ", code(target));
        }
        let _ = writeln!(
            out,
            "Compared by `{}`, {}.\n",
            wording::mode(self.options.mode),
            code(&self.created_at)
        );
        write_totals(self, &mut out);
        let regressions = VERDICTS[..3]
            .iter()
            .flat_map(|verdict| self.rows.iter().filter(move |row| row.verdict == *verdict));
        let mut regressions = regressions.peekable();
        if regressions.peek().is_some() {
            out.push_str("\n## Rows that need a look\n");
        }
        regressions.for_each(|row| write_row(row, &mut out));
        write_bad(self, &mut out);
        out
    }
}

fn write_totals(report: &Report, out: &mut String) {
    out.push_str("| model | rows |");
    for verdict in VERDICTS {
        let _ = write!(out, " {} |", wording::verdict(verdict));
    }
    out.push_str("\n| --- | ---: |");
    out.push_str(&" ---: |".repeat(VERDICTS.len()));
    out.push('\n');
    for (model, totals) in &report.models {
        let name = if model.is_empty() { "(not named)".to_owned() } else { cell(&code(model)) };
        write_line(&name, totals, out);
    }
    if report.models.len() != 1 {
        write_line("**all**", &report.totals, out);
    }
}

fn write_line(name: &str, totals: &Totals, out: &mut String) {
    let _ = write!(out, "| {name} | {} |", grouped(totals.rows));
    for verdict in VERDICTS {
        let _ = write!(out, " {} |", grouped(totals.of(verdict)));
    }
    out.push('\n');
}

fn write_row(row: &ReportRow, out: &mut String) {
    let name = code(&wording::name(row));
    let _ = writeln!(out, "\n### {}: {name}\n", wording::verdict(row.verdict));
    out.push_str(&code(&wording::place(&row.source)));
    if let Some(model) = row.model.as_ref().filter(|model| !model.is_empty()) {
        let _ = write!(out, ", {}", code(model));
    }
    if let Some(measured) = wording::measured(row) {
        let _ = write!(out, ", {measured}");
    }
    out.push('\n');
    write_block("Why", Some(&row.note), out);
    if !row.differences.is_empty() {
        write_differences(row, out);
    }
    write_block("Prompt", row.prompt.as_deref(), out);
    write_block("Before", row.before.as_deref(), out);
    write_block("After", row.after.as_deref(), out);
}

fn write_differences(row: &ReportRow, out: &mut String) {
    out.push_str("\n**Differences**\n\n");
    for change in &row.differences {
        let value = |value: &Option<Box<_>>| {
            let value: Option<&serde_json::value::RawValue> = value.as_deref();
            value.map_or("nothing".to_owned(), |value| code(value.get()))
        };
        let _ = writeln!(
            out,
            "- {} {}: {} → {}",
            code(wording::pointer(change)),
            wording::kind(change),
            value(&change.before),
            value(&change.after),
        );
    }
    if row.more > 0 {
        let _ = writeln!(out, "- and {} more", grouped(row.more as u64));
    }
}

/// Writes a text in a fence that is longer than any within; nothing if there is none.
fn write_block(title: &str, text: Option<&str>, out: &mut String) {
    let Some(text) = text else { return };
    if text.is_empty() {
        let _ = writeln!(out, "\n**{title}**: empty");
        return;
    }
    let fence = "`".repeat(longest_run(text).max(2) + 1);
    let text = visible(text);
    let _ = writeln!(out, "\n**{title}**\n\n{fence}text\n{text}\n{fence}");
}

fn write_bad(report: &Report, out: &mut String) {
    if report.totals.bad == 0 {
        return;
    }
    out.push_str("\n## Rows that could not be read\n\n");
    for bad in &report.bad_rows {
        let place = format!("{}:{}", wording::place(&bad.source), bad.column);
        let _ = writeln!(out, "- {}: {}", code(&place), code(&bad.reason));
    }
    let more = report.totals.bad.saturating_sub(report.bad_rows.len() as u64);
    if more > 0 {
        let _ = writeln!(out, "- and {} more", grouped(more));
    }
}

/// Returns a text as code within a line: there, nothing of it is markup, a link or a mention.
fn code(text: &str) -> String {
    let line = visible(text).split_whitespace().collect::<Vec<_>>().join(" ");
    if line.is_empty() {
        return "(empty)".to_owned();
    }
    let fence = "`".repeat(longest_run(&line) + 1);
    // A space on each side keeps a backtick at an end apart from the fence; readers drop it.
    let space = if line.starts_with('`') || line.ends_with('`') { " " } else { "" };
    format!("{fence}{space}{line}{space}{fence}")
}

/// Returns what may stand in a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// Returns a text in which what cannot be seen can, but for tabs and line breaks.
fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.replace("\r\n", "\n").chars() {
        match letter {
            '\n' | '\t' => shown.push(letter),
            '\0'..='\u{1f}' => shown.extend(char::from_u32(0x2400 + u32::from(letter))),
            _ if wording::is_unseen(letter) => {
                let _ = write!(shown, "\\u{{{:x}}}", u32::from(letter));
            }
            _ => shown.push(letter),
        }
    }
    shown
}

/// Returns how many backticks stand in a row at most.
fn longest_run(text: &str) -> usize {
    text.split(|letter| letter != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::sample;

    #[test]
    fn a_report_is_totals_and_what_needs_a_look() {
        let mut report = sample::report();
        report.rows.retain(|row| !matches!(row.source.line, 4 | 5));
        let expected = "\
# 3 of 6 rows need a look, 1 skipped, 2 could not be read

Target: `gpt-5 at temperature 0`. Compared by `cascade`, `2026-11-25T08:00:00Z`.

| model | rows | different | inconclusive | error | skipped | equivalent | same |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
| (not named) | 1 | 0 | 0 | 0 | 1 | 0 | 0 |
| `gpt-4o` | 5 | 1 | 1 | 1 | 0 | 1 | 1 |
| **all** | 6 | 1 | 1 | 1 | 1 | 1 | 1 |

## Rows that need a look

### different: `case-3`

`traces.jsonl:3`, `gpt-4o`, embedding 0.942

**Why**

```text
the numbers differ: 10.50, 1050
```

**Differences**

- `/price` changed: `10.50` → `1050`
- and 1 more

**Prompt**

```text
What does it cost?
```

**Before**

```text
It costs $10.50 a month.
```

**After**

```text
It costs $1050 a month.
```

## Rows that could not be read

- `traces.jsonl:7:12`: `the line ends early`
- and 1 more
";
        assert_eq!(report.to_markdown(), expected);
    }

    #[test]
    fn a_fence_is_longer_than_any_within() {
        let mut out = String::new();
        write_block("After", Some("a\n`````\n# no heading\n"), &mut out);
        assert!(out.contains("\n``````text\na\n`````\n# no heading\n\n``````\n"), "{out}");
    }

    #[test]
    fn no_text_leaves_its_line_or_its_cell() {
        let mut report = Report::new(Some(sample::HOSTILE.into()), Default::default());
        report.push(sample::hostile_row());
        let markdown = report.to_markdown();
        let table =
            markdown.lines().find(|line| line.contains("window.pwned") && line.starts_with('|'));
        let cells = table.unwrap().replace("\\|", "").matches('|').count();
        assert_eq!(cells, VERDICTS.len() + 3);
        // Outside of fences, hostile text stands only between backticks.
        let mut fence = None;
        for line in markdown.lines() {
            let run = line.len() - line.trim_start_matches('`').len();
            match fence {
                Some(open) if run >= open && line.len() == run => fence = None,
                None if run >= 3 && line.ends_with("text") => fence = Some(run),
                None => {
                    let outside = line.split("````").step_by(2);
                    assert!(outside.clone().all(|text| !text.contains('<')), "{line}");
                }
                Some(_) => {}
            }
        }
        assert_eq!(fence, None);
    }

    #[test]
    fn what_turns_the_direction_of_a_text_is_made_visible() {
        assert_eq!(visible("a\u{202e}b\u{61c}\u{1b}\t"), "a\\u{202e}b\\u{61c}\u{241b}\t");
    }
}
