//! Renders a report: `render_report html < report.json > report.html`.

use f3dx_cache_core::replay::Report;
use std::io::{Read, Write, stdin, stdout};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let format = std::env::args().nth(1).ok_or("which format: json, markdown, junit or html?")?;
    let mut json = Vec::new();
    stdin().read_to_end(&mut json)?;
    let report = Report::from_json(&json)?;
    stdout().write_all(report.render(&format)?.as_bytes())?;
    Ok(())
}
