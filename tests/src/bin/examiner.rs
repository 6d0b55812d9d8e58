//! Examines the files that standard input names, `RECORDED PATH` a line, and
//! answers each with an `Examination` as JSON. A process of its own, since damage
//! may end it.
#![allow(clippy::print_stdout, reason = "that is what it is for")]

use f3dx_cache_tests::examination::Examination;
use std::io::BufRead;
use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Panics are caught where redb is called; what they say would only be noise.
    std::panic::set_hook(Box::new(|_| {}));
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let (recorded, path) = line.split_once(' ').ok_or("usage: RECORDED PATH")?;
        let found = Examination::of(Path::new(path), recorded.parse()?);
        println!("{}", serde_json::to_string(&found)?);
    }
    Ok(())
}
