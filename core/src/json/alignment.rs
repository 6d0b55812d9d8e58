//! Which items of two arrays are compared with each other.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};
use std::iter::successors;

use super::document::{Kind, Node};
use super::rules::{Normal, Rules};
use super::string;

/// Arrays whose unequal middles have more pairs than this are not searched for the best
/// alignment as a whole.
const MAX_PAIRS: usize = 16_384;

/// How many pairs are looked at, at most, between items that both arrays have.
const MAX_PAIRS_BETWEEN: usize = 8 * MAX_PAIRS;

/// The likeness of equal values, and the least of two values of one kind.
const EQUAL: usize = 100;
const RELATED: usize = 10;

/// How much of two strings, arrays or objects is looked at for their likeness.
const SAMPLE_BYTES: usize = 256;
const SAMPLE_MEMBERS: usize = 16;

/// An item: where it stands, what it is, and what counts of it.
pub(super) type Item<'a> = (usize, Node<'a>, Normal<'a>);

/// A place in either list, or in both.
pub(super) type Pair = (Option<usize>, Option<usize>);

/// Pairs the items of two lists, in order, so that the pairs are most alike.
///
/// In long lists, what both have once is paired first, and what stands between is searched
/// as far as that takes not too long; then it is paired by its place.
pub(super) fn align(rules: &Rules, left: &[Item<'_>], right: &[Item<'_>]) -> Vec<Pair> {
    let ends = (left.len(), right.len());
    if left.len().saturating_mul(right.len()) <= MAX_PAIRS {
        return search(rules, left, right);
    }
    let mut rest = MAX_PAIRS_BETWEEN;
    let mut pairs = Vec::with_capacity(left.len().max(right.len()));
    let (mut row, mut column) = (0, 0);
    for anchor in anchors(left, right).into_iter().chain([ends]) {
        let (old, new) = (&left[row..anchor.0], &right[column..anchor.1]);
        let size = old.len().saturating_mul(new.len());
        let between = match size <= MAX_PAIRS.min(rest) {
            true => search(rules, old, new),
            false => by_place(old.len(), new.len()),
        };
        rest = rest.saturating_sub(size);
        let shift = |(old, new): Pair| (old.map(|at| row + at), new.map(|at| column + at));
        pairs.extend(between.into_iter().map(shift));
        if anchor != ends {
            pairs.push((Some(anchor.0), Some(anchor.1)));
        }
        (row, column) = (anchor.0 + 1, anchor.1 + 1);
    }
    pairs
}

/// Returns the places of what occurs once in each list, as many as stand in one order in
/// both: the anchors of a patience diff.
fn anchors(left: &[Item<'_>], right: &[Item<'_>]) -> Vec<(usize, usize)> {
    let mut places: HashMap<&str, [Vec<usize>; 2]> = HashMap::new();
    for (side, items) in [left, right].into_iter().enumerate() {
        for (at, (_, _, normal)) in items.iter().enumerate() {
            let seen = &mut places.entry(&normal.key).or_default()[side];
            // Two are as good as many: it is no anchor.
            if seen.len() < 2 {
                seen.push(at);
            }
        }
    }
    let mut once: Vec<(usize, usize)> = places
        .into_values()
        .filter_map(|[old, new]| match (&old[..], &new[..]) {
            ([old], [new]) => Some((*old, *new)),
            _ => None,
        })
        .collect();
    once.sort_unstable();
    longest_rising(&once)
}

/// Returns the longest run of pairs, not necessarily neighbours, whose second places rise.
fn longest_rising(pairs: &[(usize, usize)]) -> Vec<(usize, usize)> {
    // tails[n] is the pair with the least second place that a run of n + 1 pairs ends with.
    let mut tails: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(pairs.len());
    for (at, (_, place)) in pairs.iter().enumerate() {
        let length = tails.partition_point(|tail| pairs[*tail].1 < *place);
        before.push(length.checked_sub(1).map(|last| tails[last]));
        match length < tails.len() {
            true => tails[length] = at,
            false => tails.push(at),
        }
    }
    let mut run: Vec<_> =
        successors(tails.last().copied(), |at| before[*at]).map(|at| pairs[at]).collect();
    run.reverse();
    run
}

/// Finds the alignment whose pairs are most alike.
fn search(rules: &Rules, left: &[Item<'_>], right: &[Item<'_>]) -> Vec<Pair> {
    let (rows, columns) = (left.len(), right.len());
    // likeness[row][column] is that of the pair; best[row][column] is the sum of
    // the best alignment of what follows.
    let likeness: Vec<Vec<usize>> =
        left.iter().map(|a| right.iter().map(|b| likeness(rules, a, b)).collect()).collect();
    let mut best = vec![vec![0; columns + 1]; rows + 1];
    for row in (0..rows).rev() {
        for column in (0..columns).rev() {
            let paired = likeness[row][column] + best[row + 1][column + 1];
            best[row][column] = paired.max(best[row + 1][column]).max(best[row][column + 1]);
        }
    }
    let mut pairs = Vec::with_capacity(rows.max(columns));
    let (mut row, mut column) = (0, 0);
    while row < rows && column < columns {
        let here = best[row][column];
        if here == likeness[row][column] + best[row + 1][column + 1] {
            pairs.push((Some(row), Some(column)));
            (row, column) = (row + 1, column + 1);
        } else if here == best[row + 1][column] {
            pairs.push((Some(row), None));
            row += 1;
        } else {
            pairs.push((None, Some(column)));
            column += 1;
        }
    }
    pairs.extend((row..rows).map(|row| (Some(row), None)));
    pairs.extend((column..columns).map(|column| (None, Some(column))));
    pairs
}

/// Pairs the items of two lists in any order: leaves out what is equal, and pairs
/// what is left by likeness.
pub(super) fn match_up(rules: &Rules, left: &[Item<'_>], right: &[Item<'_>]) -> Vec<Pair> {
    let (left_over, right_over) = unequal(rules, left, right);
    let (rows, columns) = (left_over.len(), right_over.len());
    let mut pairs = Vec::with_capacity(rows.max(columns));
    if rows.saturating_mul(columns) > MAX_PAIRS {
        let map = |at: Option<usize>, of: &[usize]| at.map(|at| of[at]);
        for (row, column) in by_place(rows, columns) {
            pairs.push((map(row, &left_over), map(column, &right_over)));
        }
    } else {
        let mut alike = Vec::with_capacity(rows * columns);
        for &row in &left_over {
            for &column in &right_over {
                let likeness = likeness(rules, &left[row], &right[column]);
                if likeness > 0 {
                    alike.push((EQUAL - likeness, row, column));
                }
            }
        }
        alike.sort_unstable();
        let (mut rows, mut columns) = (vec![false; left.len()], vec![false; right.len()]);
        for (_, row, column) in alike {
            if !rows[row] && !columns[column] {
                (rows[row], columns[column]) = (true, true);
                pairs.push((Some(row), Some(column)));
            }
        }
        pairs.extend(left_over.iter().filter(|row| !rows[**row]).map(|row| (Some(*row), None)));
        let added = right_over.iter().filter(|column| !columns[**column]);
        pairs.extend(added.map(|column| (None, Some(*column))));
    }
    pairs.sort_by_key(|&(old, new)| (new.or(old), new.is_some()));
    pairs
}

/// Returns the places of what has no equal in the other list, each as often as it
/// occurs there more often.
///
/// Items whose keys are equal are paired in the order of their numbers, which is
/// the best way if they have one number each.
fn unequal(rules: &Rules, left: &[Item<'_>], right: &[Item<'_>]) -> (Vec<usize>, Vec<usize>) {
    let mut groups: BTreeMap<&str, (Vec<usize>, Vec<usize>)> = BTreeMap::new();
    for (at, (_, _, normal)) in left.iter().enumerate() {
        groups.entry(&normal.key).or_default().0.push(at);
    }
    for (at, (_, _, normal)) in right.iter().enumerate() {
        groups.entry(&normal.key).or_default().1.push(at);
    }
    let (mut left_over, mut right_over) = (Vec::new(), Vec::new());
    for (mut old, mut new) in groups.into_values() {
        old.sort_by(|a, b| left[*a].2.order(&left[*b].2));
        new.sort_by(|a, b| right[*a].2.order(&right[*b].2));
        let (mut row, mut column) = (0, 0);
        while row < old.len() && column < new.len() {
            let (a, b) = (&left[old[row]].2, &right[new[column]].2);
            if rules.equal(a, b) {
                (row, column) = (row + 1, column + 1);
            } else if a.order(b).is_le() {
                left_over.push(old[row]);
                row += 1;
            } else {
                right_over.push(new[column]);
                column += 1;
            }
        }
        left_over.extend(&old[row..]);
        right_over.extend(&new[column..]);
    }
    left_over.sort_unstable();
    right_over.sort_unstable();
    (left_over, right_over)
}

fn by_place(rows: usize, columns: usize) -> Vec<Pair> {
    let within = |place, length| (place < length).then_some(place);
    (0..rows.max(columns)).map(|place| (within(place, rows), within(place, columns))).collect()
}

/// Estimates how alike two values are, from 0 to [`EQUAL`].
fn likeness(rules: &Rules, a: &Item<'_>, b: &Item<'_>) -> usize {
    if rules.equal(&a.2, &b.2) {
        return EQUAL;
    }
    let (a, b) = (a.1, b.1);
    if a.kind() != b.kind() {
        return 0;
    }
    let (text, other) = (a.text(), b.text());
    let (same, of) = match a.kind() {
        Kind::Object => (common_members(a, b), a.len().max(b.len()).min(SAMPLE_MEMBERS)),
        Kind::String | Kind::Array => {
            let (text, other) = (text.as_bytes(), other.as_bytes());
            let head = text.iter().zip(other).take(SAMPLE_BYTES).take_while(|(a, b)| a == b);
            let tail = text.iter().rev().zip(other.iter().rev()).take(SAMPLE_BYTES);
            let same = head.count() + tail.take_while(|(a, b)| a == b).count();
            (same, text.len().max(other.len()).min(2 * SAMPLE_BYTES))
        }
        _ => (0, 1),
    };
    RELATED + (EQUAL - 2 * RELATED) * same.min(of) / of.max(1)
}

/// Counts the members that are equal in two objects, among the first of each.
fn common_members(a: Node<'_>, b: Node<'_>) -> usize {
    let mut left = a.members().take(SAMPLE_MEMBERS).peekable();
    let mut right = b.members().take(SAMPLE_MEMBERS).peekable();
    let mut common = 0;
    // Members come in canonical order on both sides.
    while let (Some((name, value)), Some((other, node))) = (left.peek(), right.peek()) {
        match string::compare_keys(name, other) {
            Ordering::Less => drop(left.next()),
            Ordering::Greater => drop(right.next()),
            Ordering::Equal => {
                common += usize::from(value.text() == node.text());
                left.next();
                right.next();
            }
        }
    }
    common
}
