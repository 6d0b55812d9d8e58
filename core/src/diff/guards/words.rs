//! A text as words.

/// One word, or one character of a script that is written without spaces.
pub(super) struct Word {
    /// As it stands there, without `'s`.
    pub text: String,
    pub lower: String,
    /// Where it stands.
    pub start: usize,
    pub end: usize,
    /// Whether a sentence, a line or an item begins with it: then its capital says nothing.
    pub begins: bool,
}

/// Words whose full stop ends no sentence.
const TITLES: [&str; 7] = ["mr", "mrs", "ms", "dr", "prof", "st", "sr"];

/// Words that carry no content of their own, or open an answer. No negation is among them.
const STOP: &str = "a an the this that these those it its it's i i'm i'll i've i'd me my we our us you your he \
    him his she her they them their who whom whose which what when where why how there here is am are was were be \
    been being do does did done have has had having will would shall should can could may might must and or but if \
    so then than as at by for from in into of off on onto out over to up with about after before between during \
    under through also just only very too please sure certainly absolutely yes ok okay well hello hi hey thanks \
    great good of course however therefore thus hence while because since although though let let's one some any \
    each every all both such more most much many other another yet still now answer summary note overall finally \
    next first last";

/// Returns a text with digits of other scripts and typographic signs in ASCII.
pub(super) fn plain(text: &str) -> String {
    text.chars()
        .map(|letter| match letter {
            '\u{2018}' | '\u{2019}' | '\u{2bc}' | '\u{ff07}' => '\'',
            '\u{2212}' | '\u{ff0d}' => '-',
            '\u{a0}' | '\u{202f}' | '\u{2009}' | '\u{3000}' => ' ',
            '\u{ff05}' => '%',
            // Full-width, Arabic, Persian, Devanagari, Bengali.
            letter => [0xff10, 0x660, 0x6f0, 0x966, 0x9e6]
                .iter()
                .find_map(|zero| u32::from(letter).checked_sub(*zero).filter(|digit| *digit < 10))
                .and_then(|digit| char::from_digit(digit, 10))
                .unwrap_or(letter),
        })
        .collect()
}

/// Returns the words of a text that went through [`plain`].
pub(super) fn of(text: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let mut letters = text.char_indices().peekable();
    let mut begins = true;
    while let Some((start, letter)) = letters.next() {
        if !letter.is_alphanumeric() {
            let ends = matches!(
                letter,
                '.' | '!'
                    | '?'
                    | ':'
                    | '\n'
                    | '\u{2026}'
                    | '\u{2022}'
                    | '\u{3002}'
                    | '\u{ff01}'
                    | '\u{ff1f}'
                    | '\u{ff1a}'
            );
            let title = letter == '.'
                && words
                    .last()
                    .is_some_and(|word| word.end == start && TITLES.contains(&word.lower.as_str()));
            begins |= ends && !title;
            continue;
        }
        let mut end = start + letter.len_utf8();
        if !is_whole(letter) {
            while let Some(&(at, next)) = letters.peek() {
                let apostrophe =
                    next == '\'' && text[at + 1..].chars().next().is_some_and(char::is_alphabetic);
                if !(apostrophe || next.is_alphanumeric() && !is_whole(next)) {
                    break;
                }
                letters.next();
                end = at + next.len_utf8();
            }
        }
        let whole = &text[start..end];
        let word = whole.strip_suffix("'s").or(whole.strip_suffix("'S")).unwrap_or(whole);
        words.push(Word {
            text: word.to_owned(),
            lower: word.to_lowercase(),
            start,
            end: start + word.len(),
            begins,
        });
        begins = false;
    }
    words
}

/// Whether a word carries no content.
pub(super) fn is_stop(lower: &str) -> bool {
    STOP.split_ascii_whitespace().any(|word| word == lower)
}

/// Whether a character is a word: scripts without spaces.
fn is_whole(letter: char) -> bool {
    matches!(u32::from(letter), 0x0e00..=0x0eff | 0x3040..=0x30ff | 0x3400..=0x9fff | 0xf900..=0xfaff
        | 0x20000..=0x3ffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_at_what_is_no_letter() {
        let words = of("It's Dr. Bob's: don't! \u{6211}\u{6253}");
        let texts: Vec<_> = words.iter().map(|word| (word.text.as_str(), word.begins)).collect();
        let expected = [
            ("It", true),
            ("Dr", false),
            ("Bob", false),
            ("don't", true),
            ("\u{6211}", true),
            ("\u{6253}", false),
        ];
        assert_eq!(texts, expected);
    }
}
