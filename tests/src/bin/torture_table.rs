//! Prints the rows of a torture report (the file named as argument) as a table, in the
//! order of their names: tests end in another order each time.
#![allow(clippy::print_stdout, reason = "that is what it is for")]

use f3dx_cache_tests::torture::Tally;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("usage: torture_table REPORT")?;
    let report = std::fs::read_to_string(path)?;
    let mut rows: Vec<Tally> =
        report.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    rows.sort_by(|a, b| a.what.cmp(&b.what));
    println!("| what | how many | lost | wrong | crashed | hung | |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: | --- |");
    for Tally { what, count, lost, wrong, crashed, hung, note } in rows {
        println!("| {what} | {count} | {lost} | {wrong} | {crashed} | {hung} | {note} |");
    }
    Ok(())
}
