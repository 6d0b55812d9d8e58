//! Walks over the rows of a tree, past pages that are damaged.

use super::node::{Node, PageRef, Widths};
use super::{Commit, DEEPEST, Damage, Pages};
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
    way: Vec<(Node, usize)>,
    seen: HashSet<u64>,
}

/// What a walk comes to.
pub(in crate::store) enum Row {
    Pair {
        key: Vec<u8>,
        value: Vec<u8>,
    },
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
                self.way.extend(node.map(|node| (node, 0)));
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
            let (node, next) = self.way.last_mut()?;
            let at = *next;
            *next += 1;
            let child = match node {
                Node::Leaf(leaf) if at < leaf.len() => match leaf.pair(at) {
                    Some((key, value)) => {
                        return Some(Row::Pair { key: key.to_vec(), value: value.to_vec() });
                    }
                    // Offsets that make no sense: the page was reported as damaged.
                    None => continue,
                },
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
