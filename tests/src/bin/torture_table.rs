//! Prints the rows of a torture report (the file named as argument) as a table.
#![allow(clippy::print_stdout, reason = "that is what it is for")]

use f3dx_cache_tests::torture::Tally;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("usage: torture_table REPORT")?;
    println!("| what | how many | lost | wrong | crashed | hung | |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: | --- |");
    for line in std::fs::read_to_string(path)?.lines() {
        let Tally { what, count, lost, wrong, crashed, hung, note } = serde_json::from_str(line)?;
        println!("| {what} | {count} | {lost} | {wrong} | {crashed} | {hung} | {note} |");
    }
    Ok(())
}
