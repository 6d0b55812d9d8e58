//! The report as one page that needs nothing besides itself.
//!
//! Every text of a trace is escaped in `text`, and the page's policy lets no script run but the
//! one of this library, known by its hash. Without scripts all rows can be read; the script only
//! filters them.

mod indent;
mod marks;
mod row;
mod text;

use super::wording::{self, VERDICTS};
use super::{Report, Totals};
use crate::summary::grouped;
use std::collections::HashMap;
use std::fmt::Write;
use text::{attribute, escaped};

const STYLE: &str = include_str!("html/page.css");
const SCRIPT: &str = include_str!("html/page.js");

/// The SHA-256 of [`STYLE`] and of [`SCRIPT`] in base64; a test says what they are.
const STYLE_HASH: &str = "3XLMD4ZstnahepNo9EHDNeCvnuKJH30pjGzLPlP0SFY=";
const SCRIPT_HASH: &str = "cC6ERKVW0Bl/H2vS5CEYOcvn0oh+QXijZYceTtczvSw=";

impl Report {
    /// Returns the report as one HTML page: totals, a filter, and each row with both outputs side
    /// by side. What is very long is cut; the JSON report has all of it.
    pub fn to_html(&self) -> String {
        let mut out = String::with_capacity(64 * 1024 + self.rows.len() * 2048);
        let headline = escaped(&wording::headline(self));
        let _ = write!(
            out,
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
             style-src 'sha256-{STYLE_HASH}'; script-src 'sha256-{SCRIPT_HASH}'; \
             base-uri 'none'; form-action 'none'\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n\
             <title>{headline}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
             <a class=\"skip\" href=\"#rows\">Skip to the rows</a>\n\
             <header>\n<h1>{headline}</h1>\n"
        );
        self.write_about(&mut out);
        write_bar(&self.totals, &mut out);
        out.push_str("</header>\n");
        self.write_models(&mut out);
        self.write_filter(&mut out);
        out.push_str("<main id=\"rows\" tabindex=\"-1\">\n<h2 class=\"unseen\">Rows</h2>\n<div class=\"list\">\n");
        let models: HashMap<&str, usize> =
            self.models.keys().enumerate().map(|(at, model)| (model.as_str(), at)).collect();
        for (at, row) in self.rows.iter().enumerate() {
            let model = models.get(row.model.as_deref().unwrap_or_default());
            row::write(at + 1, model.copied().unwrap_or(models.len()), row, &mut out);
        }
        out.push_str("</div>\n<p class=\"none\" hidden>No row matches the filter.</p>\n");
        self.write_bad(&mut out);
        let _ = write!(out, "</main>\n<script>{SCRIPT}</script>\n</body>\n</html>\n");
        out
    }

    fn write_about(&self, out: &mut String) {
        out.push_str("<p class=\"about\">");
        if let Some(target) = &self.target {
            let _ = write!(out, "Target <b>{}</b> · ", escaped(target));
        }
        let day = escaped(&self.created_at.replace('T', " ").replace('Z', " UTC"));
        let mode = wording::mode(self.options.mode);
        let time = attribute(&self.created_at);
        let _ =
            writeln!(out, "compared by <b>{mode}</b> · <time datetime=\"{time}\">{day}</time></p>");
    }

    /// Writes a table of the models, if there is more than one.
    fn write_models(&self, out: &mut String) {
        if self.models.len() < 2 {
            return;
        }
        let shown = if self.models.len() <= 8 { " open" } else { "" };
        let _ = write!(
            out,
            "<details class=\"models\"{shown}>\n<summary>By model</summary>\n\
             <div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Totals by model\">\
             <table>\n<thead><tr><th scope=\"col\">Model</th><th scope=\"col\">Rows</th>"
        );
        for verdict in VERDICTS {
            let name = wording::verdict(verdict);
            let _ = write!(out, "<th scope=\"col\" class=\"{name}\">{name}</th>");
        }
        out.push_str("</tr></thead>\n<tbody>\n");
        for (model, totals) in &self.models {
            let (name, rows) = (model_name(model), grouped(totals.rows));
            let _ = write!(out, "<tr><th scope=\"row\">{name}</th><td>{rows}</td>");
            for verdict in VERDICTS {
                let (name, count) = (wording::verdict(verdict), totals.of(verdict));
                let class = if count == 0 { "zero" } else { name };
                let _ = write!(out, "<td class=\"{class}\">{}</td>", grouped(count));
            }
            out.push_str("</tr>\n");
        }
        out.push_str("</tbody>\n</table></div>\n</details>\n");
    }

    /// Writes the controls, which the script shows.
    fn write_filter(&self, out: &mut String) {
        out.push_str(
            "<form class=\"filter\" role=\"search\" aria-label=\"Filter the rows\" autocomplete=\"off\" hidden>\n\
             <fieldset><legend class=\"unseen\">Verdicts</legend>\n",
        );
        // What is as it was hides what is not.
        let ok = self.totals.same + self.totals.equivalent;
        let all = ok == self.totals.rows;
        for verdict in VERDICTS {
            let (name, count) = (wording::verdict(verdict), self.totals.of(verdict));
            let checked = if all || !verdict.is_ok() { " checked" } else { "" };
            let disabled = if count == 0 { " disabled" } else { "" };
            let _ = writeln!(
                out,
                "<label class=\"chip {name}\"><input type=\"checkbox\" name=\"verdict\" value=\"{name}\"{checked}{disabled}>\
                 <span class=\"dot\" aria-hidden=\"true\"></span>{name} <b>{}</b></label>",
                grouped(count)
            );
        }
        out.push_str("</fieldset>\n<div class=\"fields\">\n");
        out.push_str(
            "<label class=\"text\"><span class=\"unseen\">Text</span>\
             <input type=\"search\" name=\"text\" placeholder=\"Search prompts, outputs, notes\" \
             spellcheck=\"false\" aria-keyshortcuts=\"/\"></label>\n",
        );
        if self.models.len() > 1 {
            out.push_str(
                "<label><span class=\"unseen\">Model</span><select name=\"model\">\
                 <option value=\"*\">All models</option>",
            );
            // By number: a model may be called anything, even `*`.
            for (at, model) in self.models.keys().enumerate() {
                let _ = write!(out, "<option value=\"{at}\">{}</option>", option_name(model));
            }
            out.push_str("</select></label>\n");
        }
        let rows = grouped(self.totals.rows);
        let _ = write!(
            out,
            "<button type=\"button\" name=\"open\">Open all</button>\n\
             <output class=\"count\" aria-live=\"polite\" aria-atomic=\"true\">{rows} of {rows} rows</output>\n\
             </div>\n</form>\n"
        );
    }

    fn write_bad(&self, out: &mut String) {
        if self.totals.bad == 0 {
            return;
        }
        out.push_str("<section class=\"bad\">\n<h2>Rows that could not be read</h2>\n<ul>\n");
        for bad in &self.bad_rows {
            let place = format!("{}:{}", wording::place(&bad.source), bad.column);
            let (place, reason) = (escaped(&place), escaped(&bad.reason));
            let _ = writeln!(out, "<li><code>{place}</code> {reason}</li>");
        }
        let more = self.totals.bad.saturating_sub(self.bad_rows.len() as u64);
        if more > 0 {
            let _ = writeln!(out, "<li>and {} more</li>", grouped(more));
        }
        out.push_str("</ul>\n</section>\n");
    }
}

/// Writes a bar of the verdicts; the numbers beside the filter say the same.
fn write_bar(totals: &Totals, out: &mut String) {
    if totals.rows == 0 {
        return;
    }
    out.push_str(
        "<svg class=\"bar\" viewBox=\"0 0 1000 10\" preserveAspectRatio=\"none\" aria-hidden=\"true\">",
    );
    let mut from = 0.0;
    for verdict in VERDICTS {
        let width = totals.of(verdict) as f64 * 1000.0 / totals.rows as f64;
        if width > 0.0 {
            let name = wording::verdict(verdict);
            let _ = write!(
                out,
                "<rect class=\"{name}\" x=\"{from:.1}\" width=\"{:.1}\" height=\"10\"/>",
                width.max(2.0)
            );
        }
        from += width;
    }
    out.push_str("</svg>\n");
}

fn model_name(model: &str) -> String {
    if model.is_empty() { "<i>not named</i>".to_owned() } else { escaped(model) }
}

/// An option holds no tags.
fn option_name(model: &str) -> String {
    if model.is_empty() { "not named".to_owned() } else { attribute(model) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::{ReportRow, sample};
    use sha2::{Digest, Sha256};

    fn hash(text: &str) -> String {
        let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let digest = Sha256::digest(text.as_bytes());
        let mut out = String::new();
        for three in digest.chunks(3) {
            let bits = (0..3)
                .fold(0, |bits, at| bits << 8 | u32::from(three.get(at).copied().unwrap_or(0)));
            for at in 0..4 {
                let digit = digits[(bits >> (18 - 6 * at) & 63) as usize];
                out.push(if at <= three.len() { digit as char } else { '=' });
            }
        }
        out
    }

    #[test]
    fn the_policy_names_the_style_and_the_script() {
        assert_eq!(STYLE_HASH, hash(STYLE));
        assert_eq!(SCRIPT_HASH, hash(SCRIPT));
    }

    #[test]
    fn no_text_of_a_trace_is_markup() {
        let mut report = Report::new(Some(sample::HOSTILE.into()), Default::default());
        report.push(sample::hostile_row());
        report.push(ReportRow { model: Some("another".into()), ..sample::hostile_row() });
        let page = report.to_html();
        assert_eq!(page.matches("<script").count(), 1);
        assert_eq!(page.matches("</script").count(), 1);
        assert_eq!(page.matches("<!--").count(), 0);
        assert!(!page.contains(['\0', '\r', '\u{2028}', '\u{202e}']));
    }

    #[test]
    fn the_page_names_no_address() {
        let page = sample::report().to_html();
        for address in ["http:", "https:", "src=", "url(", "@import"] {
            assert!(!page.contains(address), "{address}");
        }
    }

    #[test]
    fn each_row_is_in_the_page_with_its_differences_marked() {
        let page = sample::report().to_html();
        for line in 1..=6 {
            assert!(page.contains(&format!("id=\"row-{line}\"")));
        }
        assert!(page.contains("$<del>10.50</del>"));
        assert!(page.contains("$<ins>1050</ins>"));
        assert!(page.contains("<code>traces.jsonl:7:12</code> the line ends early"));
    }
}
