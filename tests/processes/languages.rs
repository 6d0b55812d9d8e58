//! What one language puts, every language gets, byte for byte.

use crate::{Language, OPTIONS, place};

/// How many entries each language puts.
const EACH: usize = 5;

#[test]
fn what_one_language_puts_every_language_gets() {
    let (_folder, path) = place();
    for (number, language) in Language::ALL.into_iter().enumerate() {
        let mut writer = language.start(OPTIONS);
        writer.open("record", &path).unwrap();
        let (first, end) = (number * EACH, (number + 1) * EACH);
        assert_eq!(writer.ask(&format!("put {first} {end}")).as_deref(), Ok("ok"), "{language:?}");
        assert!(writer.leave().success());
    }
    let recorded = std::fs::read(&path).unwrap();
    let all = Language::ALL.len() * EACH;
    for language in Language::ALL {
        let mut reader = language.start(OPTIONS);
        reader.open("replay", &path).unwrap();
        let got = reader.ask(&format!("get 0 {all}"));
        assert_eq!(got.as_deref(), Ok(format!("got {all} 0 0").as_str()), "{language:?}");
        assert!(reader.leave().success());
    }
    assert!(std::fs::read(&path).unwrap() == recorded, "a replay changed the file");
}
