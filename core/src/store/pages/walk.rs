//! Walks over the rows of a tree, past pages that are damaged.

use super::node::{Leaf, Node, PageRef, Widths};
use super::{Commit, DEEPEST, Damage, PAGE, Pages};
use std::collections::HashSet;
use std::io;

/// The rows of a tree, in its order.
///
/// Where a page is damaged, the walk says so and goes on with what it can still
/// read: rows of a damaged leaf, too, so that each must be checked by itself. No
/// page is entered twice, so that it ends.
pub(in crate::store) struct Rows<'p> {
    pages: &'p Pages,
    commit: Commit,
    widths: Widths,
    root: Option<PageRef>,
    /// The way from the root to here: nodes, and what of each comes next.
    way: Vec<(Node, PageRef, usize)>,
    seen: HashSet<u64>,
}

/// A row of a tree, and where it is.
pub(in crate::store) struct Pair {
    pub key: Vec<u8>,
    pub value: Vec<u8>,
    pub spot: Spot,
}

/// The place of a row: a leaf, and which of its pairs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) struct Spot {
    offset: u64,
    /// The leaf's length in pages of 4 KiB.
    pages: u32,
    pair: u16,
}

/// What a walk comes to.
pub(in crate::store) enum Row {
    Pair(Pair),
    /// A page is damaged; `lost` if nothing of it could be read.
    Damaged {
        damage: Damage,
        lost: bool,
    },
    Failed(io::Error),
}

impl<'p> Rows<'p> {
    pub fn of(pages: &'p Pages, commit: &Commit, root: PageRef, widths: Widths) -> Self {
        Self {
            pages,
            commit: *commit,
            widths,
            root: Some(root),
            way: Vec::new(),
            seen: HashSet::new(),
        }
    }

    /// Goes down to a page; says if something is wrong with it.
    fn enter(&mut self, page: PageRef) -> Option<Row> {
        if !self.seen.insert(page.number) || self.way.len() >= DEEPEST {
            let damage = Damage("its pages lead in a circle".into());
            return Some(Row::Damaged { damage, lost: true });
        }
        match self.pages.look(&self.commit, page, self.widths) {
            Err(cause) => Some(Row::Failed(cause)),
            Ok((node, damage)) => {
                let lost = node.is_none();
                self.way.extend(node.map(|node| (node, page, 0)));
                damage.map(|damage| Row::Damaged { damage, lost })
            }
        }
    }
}

impl Iterator for Rows<'_> {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        if let Some(root) = self.root.take()
            && let Some(wrong) = self.enter(root)
        {
            return Some(wrong);
        }
        loop {
            let (node, page, next) = self.way.last_mut()?;
            let at = *next;
            *next += 1;
            let child = match node {
                Node::Leaf(leaf) if at < leaf.len() => {
                    let place = self.commit.layout.place(page.number);
                    match place.and_then(|(offset, size)| Pair::of(leaf, offset, size, at)) {
                        Some(pair) => return Some(Row::Pair(pair)),
                        // Offsets that make no sense: the page was reported as damaged.
                        None => continue,
                    }
                }
                Node::Branch(branch) if at < branch.children() => branch.child(at),
                Node::Leaf(_) | Node::Branch(_) => {
                    self.way.pop();
                    continue;
                }
            };
            if let Some(wrong) = child.and_then(|child| self.enter(child)) {
                return Some(wrong);
            }
        }
    }
}

impl Pair {
    /// Returns a pair of the leaf at an offset, of `size` bytes.
    fn of(leaf: &Leaf, offset: u64, size: u64, n: usize) -> Option<Self> {
        let (key, value) = leaf.pair(n)?;
        let spot = Spot {
            offset,
            pages: u32::try_from(size.div_ceil(PAGE)).ok()?,
            pair: u16::try_from(n).ok()?,
        };
        Some(Self { key: key.to_vec(), value: value.to_vec(), spot })
    }
}

impl Pages {
    /// Reads the row at a spot that was found before.
    pub fn pair(&self, spot: Spot, widths: Widths) -> io::Result<Option<Pair>> {
        // The last page of a file that was cut short is shorter.
        let size = (u64::from(spot.pages) * PAGE).min(self.len()?.saturating_sub(spot.offset));
        let bytes = self.read(spot.offset, usize::try_from(size).map_err(io::Error::other)?)?;
        Ok(match Node::of(bytes, widths) {
            Some(Node::Leaf(leaf)) => Pair::of(&leaf, spot.offset, size, spot.pair.into()),
            _ => None,
        })
    }

    /// Calls `visit` with every pair of every page in the file that looks like a leaf,
    /// in use or not: each must be checked by itself.
    pub fn every_leaf(&self, widths: Widths, mut visit: impl FnMut(Pair)) -> io::Result<()> {
        let length = self.len()?;
        for offset in (PAGE..length).step_by(PAGE as usize) {
            let start = self.read(offset, (length - offset).min(PAGE) as usize)?;
            let Some(end) = Leaf::extent(&start, widths) else { continue };
            let size = (end as u64).next_multiple_of(PAGE).max(PAGE).min(length - offset);
            if (end as u64) > size {
                continue;
            }
            let page = if size > PAGE { self.read(offset, size as usize)? } else { start };
            let Some(Node::Leaf(leaf)) = Node::of(page, widths) else { continue };
            (0..leaf.len()).filter_map(|n| Pair::of(&leaf, offset, size, n)).for_each(&mut visit);
        }
        Ok(())
    }
}
