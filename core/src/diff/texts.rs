//! What two outputs must be before a model is asked about them.

use super::comparison::Verdict;
use super::finding::Finding;

/// Returns both as texts, or the verdict if it takes no model to tell.
pub(super) fn of<'a>(before: &'a [u8], after: &'a [u8]) -> Result<(&'a str, &'a str), Finding> {
    if before == after {
        return Err(Finding::new(Verdict::Same, "they are equal"));
    }
    let before = text("recorded", before)?;
    let after = text("new", after)?;
    match (before.trim().is_empty(), after.trim().is_empty()) {
        (true, true) => Err(Finding::new(Verdict::Same, "both are empty")),
        (true, false) => Err(Finding::new(Verdict::Different, "the recorded output is empty")),
        (false, true) => Err(Finding::new(Verdict::Different, "the new output is empty")),
        (false, false) => Ok((before, after)),
    }
}

fn text<'a>(which: &str, output: &'a [u8]) -> Result<&'a str, Finding> {
    str::from_utf8(output).map_err(|cause| {
        let at = cause.valid_up_to();
        let note = format!("the {which} output is no text: byte {at} is not UTF-8");
        Finding::new(Verdict::Error, note)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_verdicts_take_no_model() {
        fn verdict<'a>(before: &'a [u8], after: &'a [u8]) -> Result<(&'a str, &'a str), Verdict> {
            of(before, after).map_err(|found| found.verdict)
        }
        assert_eq!(verdict(b"a", b"a"), Err(Verdict::Same));
        assert_eq!(verdict(b"", b" \n"), Err(Verdict::Same));
        assert_eq!(verdict(b"", b"a"), Err(Verdict::Different));
        assert_eq!(verdict(b"a", b" "), Err(Verdict::Different));
        assert_eq!(verdict(b"a", b"a\xff"), Err(Verdict::Error));
        assert_eq!(verdict(b"\xff", b"\xff"), Err(Verdict::Same));
        assert_eq!(verdict(b"a", b"b"), Ok(("a", "b")));
    }
}
