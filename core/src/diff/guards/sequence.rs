//! What tells two sequences apart.

use std::collections::HashMap;
use std::hash::Hash;

/// How many items an objection lists.
const LISTED: usize = 4;

/// Says in which items two sequences differ, or that their order does.
pub(super) fn difference<T: Eq + Hash + Clone + ToString>(
    what: &str,
    before: &[T],
    after: &[T],
) -> Option<String> {
    if before == after {
        return None;
    }
    let (gone, come) = (without(before, after), without(after, before));
    Some(match (gone.is_empty(), come.is_empty()) {
        (true, true) => format!("the {what} are in another order"),
        (false, true) => format!("{} only in the recorded output", listed(&gone)),
        (true, false) => format!("{} only in the new output", listed(&come)),
        (false, false) => {
            format!("{} in the recorded output, {} in the new one", listed(&gone), listed(&come))
        }
    })
}

/// Returns the items of `all` that `others` has no counterpart for.
fn without<T: Eq + Hash + Clone>(all: &[T], others: &[T]) -> Vec<T> {
    let mut counts: HashMap<&T, usize> = HashMap::new();
    for other in others {
        *counts.entry(other).or_default() += 1;
    }
    let mut left = Vec::new();
    for item in all {
        match counts.get_mut(item) {
            Some(count) if *count > 0 => *count -= 1,
            _ => left.push(item.clone()),
        }
    }
    left
}

/// Returns a sequence in which nothing stands beside itself.
pub(super) fn collapsed<T: PartialEq>(mut items: Vec<T>) -> Vec<T> {
    items.dedup();
    items
}

fn listed<T: ToString>(items: &[T]) -> String {
    let texts: Vec<_> = items.iter().take(LISTED).map(ToString::to_string).collect();
    match items.len() > LISTED {
        true => format!("{}, …", texts.join(", ")),
        false => texts.join(", "),
    }
}
