//! One row of the page.

use super::super::{ReportRow, wording};
use super::indent::indented;
use super::marks::mark;
use super::text::{self, escaped};
use crate::diff::Verdict;
use crate::summary::grouped;
use std::borrow::Cow;
use std::fmt::Write;

/// How many bytes of an output are shown.
const LONGEST: usize = 100_000;
/// How many of the output of a row that is the same: nobody looks for a difference there.
const LONGEST_SAME: usize = 2_000;
/// How many bytes of a prompt the line of a row shows.
const PREVIEW: usize = 200;

/// Writes a row; `number` counts from 1, `model` is the number of its model in the filter.
pub(super) fn write(number: usize, model: usize, row: &ReportRow, out: &mut String) {
    let verdict = wording::verdict(row.verdict);
    let _ = write!(
        out,
        "<details class=\"row {verdict}\" id=\"row-{number}\" data-verdict=\"{verdict}\" data-model=\"{model}\">\n\
         <summary><span class=\"badge\"><span class=\"dot\" aria-hidden=\"true\"></span>{verdict}</span> \
         <span class=\"name\">{}</span> <span class=\"ask\">{}</span> ",
        escaped(&wording::name(row)),
        preview(row),
    );
    if let Some(model) = row.model.as_deref().filter(|model| !model.is_empty()) {
        let _ = write!(out, "<span class=\"model\">{}</span>", escaped(model));
    }
    out.push_str("</summary>\n<div class=\"body\">\n");
    write_facts(number, row, out);
    if !row.note.is_empty() {
        let _ = writeln!(out, "<pre class=\"note\">{}</pre>", escaped(&row.note));
    }
    write_differences(row, out);
    if let Some(prompt) = &row.prompt {
        write_text("Prompt", "prompt", prompt, LONGEST, out);
    }
    write_outputs(row, out);
    out.push_str("</div>\n</details>\n");
}

/// Returns the first words of the prompt, else of the note.
fn preview(row: &ReportRow) -> String {
    let text = row.prompt.as_deref().unwrap_or(&row.note);
    let (text, _) = text::cut(text, PREVIEW);
    escaped(&text.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn write_facts(number: usize, row: &ReportRow, out: &mut String) {
    let place = wording::place(&row.source);
    let measured = wording::measured(row);
    let facts = [
        ("place", Some(place.as_str())),
        ("case", row.case_id.as_deref()),
        ("trace", row.trace_id.as_deref()),
        ("model", row.model.as_deref()),
        ("decided by", measured.as_deref()),
    ];
    let _ =
        write!(out, "<dl><div><dt>row</dt><dd><a href=\"#row-{number}\">{number}</a></dd></div>");
    for (name, value) in facts {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            let _ = write!(out, "<div><dt>{name}</dt><dd>{}</dd></div>", escaped(value));
        }
    }
    out.push_str("</dl>\n");
}

fn write_differences(row: &ReportRow, out: &mut String) {
    if row.differences.is_empty() {
        return;
    }
    out.push_str(
        "<div class=\"scroll\"><table class=\"changes\">\n<thead><tr><th scope=\"col\">Place</th>\
         <th scope=\"col\">Change</th><th scope=\"col\">Before</th><th scope=\"col\">After</th></tr></thead>\n<tbody>\n",
    );
    for change in &row.differences {
        let value = |value: Option<&str>, tag: &str| match value {
            Some(value) => format!("<{tag}>{}</{tag}>", shortened(value)),
            None => "<span class=\"absent\">absent</span>".to_owned(),
        };
        let _ = writeln!(
            out,
            "<tr><th scope=\"row\"><code>{}</code></th><td>{}</td><td>{}</td><td>{}</td></tr>",
            escaped(wording::pointer(change)),
            wording::kind(change),
            value(change.before.as_ref().map(|json| json.get()), "del"),
            value(change.after.as_ref().map(|json| json.get()), "ins"),
        );
    }
    out.push_str("</tbody>\n</table></div>\n");
    if row.more > 0 {
        let more = grouped(row.more as u64);
        let _ = writeln!(out, "<p class=\"more\">and {more} more differences</p>");
    }
}

fn write_outputs(row: &ReportRow, out: &mut String) {
    let longest = if row.verdict == Verdict::Same { LONGEST_SAME } else { LONGEST };
    let (before, after) = match (&row.before, &row.after) {
        (Some(before), Some(after)) if before != after => (before, after),
        (Some(_), Some(output)) => return write_text("Both outputs", "both", output, longest, out),
        (Some(before), None) => return write_text("Before", "before", before, longest, out),
        (None, Some(after)) => return write_text("After", "after", after, longest, out),
        (None, None) => return,
    };
    let (before, after) = side_by_side(before, after);
    let (before, before_left) = text::cut(&before, longest);
    let (after, after_left) = text::cut(&after, longest);
    let marked = mark(before, after);
    if !marked.is_marked {
        out.push_str("<p class=\"more\">Too long to mark what differs.</p>\n");
    }
    out.push_str("<div class=\"sides\">\n");
    write_side("Before", "before", &marked.before, before_left, out);
    write_side("After", "after", &marked.after, after_left, out);
    out.push_str("</div>\n");
}

/// Returns two outputs as they are shown: JSON over several lines, unless white space is all that
/// differs.
fn side_by_side<'a>(before: &'a str, after: &'a str) -> (Cow<'a, str>, Cow<'a, str>) {
    match (indented(before), indented(after)) {
        (Some(before), Some(after)) if before != after => (before.into(), after.into()),
        _ => (before.into(), after.into()),
    }
}

fn write_text(title: &str, class: &str, text: &str, longest: usize, out: &mut String) {
    let (text, left) = text::cut(text, longest);
    write_side(title, class, &escaped(text), left, out);
}

fn write_side(title: &str, class: &str, html: &str, left: usize, out: &mut String) {
    let _ = writeln!(out, "<section class=\"side {class}\"><h3>{title}</h3>");
    match html {
        "" => out.push_str("<p class=\"absent\">empty</p>"),
        // The first line break after the tag is not part of the text.
        _ => _ = write!(out, "<pre>\n{html}</pre>"),
    }
    if left > 0 {
        let left = grouped(left as u64);
        let _ = write!(out, "<p class=\"more\">{left} more bytes are in the JSON report.</p>");
    }
    out.push_str("</section>\n");
}

/// Returns the start of a value.
fn shortened(value: &str) -> String {
    const SHOWN: usize = 1_000;
    let (shown, left) = text::cut(value, SHOWN);
    let cut = if left > 0 { "…" } else { "" };
    format!("{}{cut}", escaped(shown))
}
