//! Guards: what two texts with near embeddings may still disagree on.
//!
//! An embedding hardly sees a number, a negation or who does what to whom. A guard is a
//! rule without a model that sees one of these, and can only make a verdict stricter: what
//! it objects to is not the same by embedding alone. None of them proves anything, so they
//! err on the side of objecting.

mod amounts;
mod dates;
mod form;
mod literals;
mod names;
mod negation;
mod numbers;
mod opposites;
mod order;
mod refusal;
mod sequence;
mod units;
mod words;

use amounts::Amount;
use words::Word;

/// How much of a text the guards look at.
const LOOKED_AT: usize = 1 << 20;

/// What the guards read off a text.
struct Reading {
    /// The text, its digits and apostrophes in ASCII.
    text: String,
    words: Vec<Word>,
    dates: Vec<String>,
    /// Numbers that are no part of a date.
    amounts: Vec<Amount>,
}

/// One guard: its name, and what it objects to.
type Guard = (&'static str, fn(&Reading, &Reading) -> Option<String>);

/// In the order in which they object: what says most comes first.
const GUARDS: [Guard; 10] = [
    ("refusal", refusal::objection),
    ("form", form::objection),
    ("dates", dates::objection),
    ("numbers", numbers::objection),
    ("units", units::objection),
    ("negation", negation::objection),
    ("names", names::objection),
    ("order", order::objection),
    ("opposites", opposites::objection),
    ("literals", literals::objection),
];

/// Returns the first guard that objects to two texts being the same, and what it saw.
pub(super) fn objection(before: &str, after: &str) -> Option<String> {
    if before.len().max(after.len()) > LOOKED_AT {
        return Some("they are too long for the guards".to_owned());
    }
    let (before, after) = (Reading::of(before), Reading::of(after));
    GUARDS.iter().find_map(|(name, objection)| {
        objection(&before, &after).map(|seen| format!("the guard `{name}` objects: {seen}"))
    })
}

impl Reading {
    fn of(text: &str) -> Self {
        let text = words::plain(text);
        let (dates, rest) = dates::of(&text);
        let words = words::of(&text);
        let amounts = amounts::of(&rest, &words::of(&rest));
        Self { text, words, dates, amounts }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(before: &str, after: &str) -> Option<&'static str> {
        let (before, after) = (Reading::of(before), Reading::of(after));
        let objects = |(name, objection): &Guard| objection(&before, &after).map(|_| *name);
        GUARDS.iter().find_map(objects)
    }

    #[test]
    fn a_guard_objects_whichever_output_is_the_new_one() {
        for (expected, one, other) in [
            ("refusal", "Mix flour and water.", "I'm sorry, I can't help with that."),
            (
                "refusal",
                "Here is how.",
                "I\u{2019}m sorry, but I can\u{2019}t assist with that request.",
            ),
            ("refusal", "Water is wet.", "As an AI language model, I am not able to answer."),
            ("form", r#"{"city": "Paris"}"#, "The city is Paris"),
            ("form", "```json\n{\"a\": 1}\n```", "a is one"),
            ("form", r#"{"a": "x"}"#, r#"{"a": "y"}"#),
            ("dates", "It starts on 2024-01-05.", "It starts on 2024-01-06."),
            ("dates", "It starts on January 5, 2024.", "It starts on January 5, 2023."),
            ("dates", "It starts on Jan 5.", "It starts on Feb 5."),
            ("dates", "It starts on Monday.", "It starts on Tuesday."),
            ("dates", "Come today.", "Come tomorrow."),
            ("dates", "Open from Monday to Friday.", "Open from Friday to Monday."),
            ("numbers", "It costs $10.50.", "It costs $1050."),
            ("numbers", "It costs 1,000.", "It costs 1,001."),
            ("numbers", "It is -5 outside.", "It is 5 outside."),
            ("numbers", "It is \u{2212}5 outside.", "It is 5 outside."),
            ("numbers", "Take two of them.", "Take three of them."),
            ("numbers", "Take 2 of them.", "Take some of them."),
            ("numbers", "From 9 to 5.", "From 5 to 9."),
            ("numbers", "Version 1.2.3", "Version 1.2.4"),
            ("numbers", "It is 10k.", "It is 10."),
            ("numbers", "It is \u{ff11}\u{ff12}.", "It is 13."),
            ("numbers", "She came first.", "She came third."),
            ("numbers", "It has twenty-one parts.", "It has twenty-two parts."),
            ("numbers", "Take .5 mg of it.", "Take 5 mg of it."),
            ("numbers", "Take \u{bd} of it.", "Take \u{bc} of it."),
            ("numbers", "It is 10\u{b2} meters.", "It is 10\u{b3} meters."),
            ("numbers", "It is half of it.", "It is a third of it."),
            ("units", "It lasts a minute.", "It lasts an hour."),
            ("units", "It is due every day.", "It is due every week."),
            ("units", "Take 5 mg of it.", "Take 5 g of it."),
            ("units", "It grew by 5%.", "It grew by 5."),
            ("units", "It costs $10.", "It costs \u{20ac}10."),
            ("units", "It has 5 MB.", "It has 5 GB."),
            ("units", "It runs at 5mW.", "It runs at 5MW."),
            ("units", "Come at 10:30 am.", "Come at 10:30 pm."),
            ("units", "It takes five minutes.", "It takes five hours."),
            ("negation", "The door is locked.", "The door is not locked."),
            ("negation", "It works.", "It doesn't work."),
            ("negation", "It works.", "It doesn\u{2019}t work."),
            ("negation", "You may enter.", "You cannot enter."),
            ("negation", "Serve with sugar.", "Serve without sugar."),
            ("negation", "He always lies.", "He never lies."),
            ("negation", "Yes.", "No."),
            ("negation", "The key is valid.", "The key is invalid."),
            ("negation", "He agreed.", "He disagreed."),
            ("negation", "The drug is effective.", "The drug is ineffective."),
            ("negation", "He works hard.", "He hardly works."),
            ("negation", "It applies if you sign.", "It applies unless you sign."),
            ("negation", "It applies. It is not fair.", "It does not apply. It is fair."),
            ("negation", "It isn't legal but safe.", "It is legal but isn't safe."),
            ("opposites", "He bought shares.", "He sold shares."),
            ("opposites", "You must sign.", "You may sign."),
            ("opposites", "At least 5 people came.", "At most 5 people came."),
            ("opposites", "It is larger than that.", "It is smaller than that."),
            ("opposites", "It is about 5 kg.", "It is exactly 5 kg."),
            ("opposites", "All tests pass.", "Some tests pass."),
            ("opposites", "He wins.", "She wins."),
            ("opposites", "so x > 5", "so x < 5"),
            ("opposites", "so x >= -5", "so x <= -5"),
            ("literals", "see main.py for it", "see test.py for it"),
            ("literals", "see http://a.com/x", "see http://a.com/y"),
            ("literals", "set max_tokens", "set min_tokens"),
            ("refusal", "Mix flour.", "I must respectfully decline this request."),
            ("refusal", "Mix flour.", "This request violates our content policy."),
            ("refusal", "Mix flour.", "That's not something I can do."),
            ("negation", "Das ist richtig.", "Das ist nicht richtig."),
            (
                "negation",
                "\u{4ed6}\u{662f}\u{533b}\u{751f}",
                "\u{4ed6}\u{4e0d}\u{662f}\u{533b}\u{751f}",
            ),
            ("names", "Alice pays Bob", "Bob pays Alice"),
            ("names", "Alice pays Bob.", "Carol pays Bob."),
            ("names", "Alice pays him.", "Carol pays him."),
            ("names", "Alice pays Bob. Alice pays Carol.", "Alice pays Bob. Bob pays Carol."),
            ("names", "ask Alice about it", "ask Alice and Bob about it"),
            ("names", "Mr. Smith called.", "Mr. Jones called."),
            ("names", "so Alice pays Bob, Alice pays Carol", "so Alice pays Bob, Bob pays Carol"),
            ("order", "the dog bites the man", "the man bites the dog"),
            (
                "order",
                "the dog bites the man. the man hits the dog.",
                "the man bites the dog. the dog hits the man.",
            ),
            ("order", "\u{6211}\u{6253}\u{4ed6}", "\u{4ed6}\u{6253}\u{6211}"),
        ] {
            assert_eq!(guard(one, other), Some(expected), "{one:?} and {other:?}");
            assert_eq!(guard(other, one), Some(expected), "{other:?} and {one:?}");
        }
    }

    #[test]
    fn no_guard_objects_to_a_paraphrase() {
        for (one, other) in [
            ("The cat sat on the mat.", "The cat was sitting on the mat."),
            ("You should restart the server.", "Please restart the server."),
            ("Sure, the capital is Paris.", "The capital is Paris."),
            ("It isn't ready.", "It is not ready."),
            ("It can't work.", "It cannot work."),
            ("It is incorrect.", "It is not correct."),
            ("It costs 1,000 dollars.", "It costs $1000."),
            ("It costs $10.50.", "The price is $10.5."),
            ("It has 1.000.000,50 parts.", "It has 1,000,000.5 parts."),
            ("Take 5 mg.", "Take 5 milligrams."),
            ("It grew by 5%.", "It grew by 5 percent."),
            ("It has 5 GB of it.", "It has 5 gigabytes of it."),
            ("It costs $10.", "It costs 10 USD."),
            ("It is 100 degrees celsius.", "It is 100 degrees Celsius."),
            ("Take two of them.", "Take 2 of them."),
            ("It has twenty-one parts.", "It has 21 parts."),
            ("It sold 2 million copies.", "It sold 2,000,000 copies."),
            ("It sold two hundred and five copies.", "It sold 205 copies."),
            ("There is 1 problem.", "There is one problem."),
            ("You are the one who asked.", "You are who asked."),
            ("It starts on 2024-01-05.", "It starts on January 5, 2024."),
            ("It starts on the 5th of January 2024.", "It starts on Jan. 5, 2024."),
            ("Alice pays Bob every month.", "Alice pays Bob monthly."),
            ("Alice went home. Alice slept.", "Alice went home. She slept."),
            ("I will do that. Python is fine.", "I'll do that. Use Python."),
            ("Big cars need fuel.", "Large vehicles require gasoline."),
            ("THE CAPITAL IS PARIS", "The capital is Paris"),
            ("It is ineffective.", "It is not effective."),
            ("No files were found.", "The files were not found."),
            ("Alice pays Bob every week.", "Alice pays Bob weekly."),
            ("It is in main.py, e.g. here.", "It is in `main.py`."),
            ("See http://a.com/x for more.", "There is more."),
            ("so x > 5", "so x is greater than 5"),
        ] {
            assert_eq!(guard(one, other), None, "{one:?} and {other:?}");
            assert_eq!(guard(other, one), None, "{other:?} and {one:?}");
        }
    }

    #[test]
    fn an_objection_names_the_guard_and_what_differs() {
        let said = objection("It costs $10.50.", "It costs $1050.").unwrap();
        assert_eq!(
            said,
            "the guard `numbers` objects: 10.5 in the recorded output, 1050 in the new one"
        );
    }

    proptest::proptest! {
        #[test]
        fn any_two_texts_are_read(one in TEXT, other in TEXT) {
            let _ = objection(&one, &other);
            proptest::prop_assert_eq!(objection(&one, &one), None);
        }
    }

    /// What the guards look for, in pieces that seldom fit.
    const TEXT: &str = "(-|\\$|\u{20ac}|[0-9]{1,4}|[.,_:/' \n]|e|k|mg|MB|\u{b0}C|per cent|one|hundred|and|Jan|2024-01-0[1-9]|Alice|\\{|\"|\u{4e0d}|\u{2019}s|\\PC){0,24}";
}
