//! A page as a node of a B-tree: a leaf with pairs, or a branch with children.
//!
//! The layout is that of redb's file format 3 (redb's `docs/design.md`): a leaf is
//! `1`, `u16` number of pairs at 2, then the ends of keys and of values (`u32` each,
//! only where the width is not fixed), keys, values; a branch is `2`, `u16` number of
//! keys at 2, then from 8 a checksum (`u128`) and a page number (`u64`) for each
//! child, the ends of keys, keys. All integers are little endian.

use super::header::Layout;
use std::cmp::Ordering;
use std::io;

const LEAF: u8 = 1;
const BRANCH: u8 = 2;

/// The fixed widths of keys and values; `None` where they vary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) struct Widths {
    pub key: Option<usize>,
    pub value: Option<usize>,
}

/// Where a page stands, as redb numbers it, and what its bytes must hash to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) struct PageRef {
    pub number: u64,
    pub checksum: u128,
}

/// A page's bytes, read as a node. Everything is checked against the page's end.
pub(in crate::store) enum Node {
    Leaf(Leaf),
    Branch(Branch),
}

pub(in crate::store) struct Leaf {
    page: Vec<u8>,
    pairs: usize,
    widths: Widths,
}

pub(in crate::store) struct Branch {
    page: Vec<u8>,
    keys: usize,
    width: Option<usize>,
}

impl Node {
    /// Reads a page; `None` if it is no node.
    pub fn of(page: Vec<u8>, widths: Widths) -> Option<Self> {
        let count = usize::from(u16::from_le_bytes(page.get(2..4)?.try_into().ok()?));
        let node = match page[0] {
            _ if count == 0 => return None,
            LEAF => Self::Leaf(Leaf { page, pairs: count, widths }),
            BRANCH => Self::Branch(Branch { page, keys: count, width: widths.key }),
            _ => return None,
        };
        (node.end()? <= node.page().len()).then_some(node)
    }

    /// Returns what the page's bytes hash to: XXH3, 128 bits, of the part in use.
    pub fn checksum(&self) -> Option<u128> {
        Some(twox_hash::XxHash3_128::oneshot(self.page().get(..self.end()?)?))
    }

    fn page(&self) -> &[u8] {
        match self {
            Self::Leaf(leaf) => &leaf.page,
            Self::Branch(branch) => &branch.page,
        }
    }

    /// The end of the part in use.
    fn end(&self) -> Option<usize> {
        match self {
            Self::Leaf(leaf) => leaf.value_end(leaf.pairs - 1),
            Self::Branch(branch) => branch.key_end(branch.keys - 1),
        }
    }
}

impl Leaf {
    /// Returns how long a leaf is that begins with `start`, if it is one.
    pub fn extent(start: &[u8], widths: Widths) -> Option<usize> {
        let count = usize::from(u16::from_le_bytes(*start.get(2..)?.first_chunk()?));
        if start[0] != LEAF || count == 0 {
            return None;
        }
        let ends = if widths.key.is_none() { 2 * count } else { count };
        number(start, 4 * ends)
    }

    pub fn len(&self) -> usize {
        self.pairs
    }

    /// Returns a key and its value; `None` where the page's offsets make no sense.
    pub fn pair(&self, n: usize) -> Option<(&[u8], &[u8])> {
        let key = self.key_start(n)?..self.key_end(n)?;
        let value = match n.checked_sub(1) {
            Some(before) => self.value_end(before)?,
            None => self.key_end(self.pairs - 1)?,
        }..self.value_end(n)?;
        Some((self.page.get(key)?, self.page.get(value)?))
    }

    /// Returns the value of a key.
    pub fn find(&self, key: &[u8]) -> Option<&[u8]> {
        (0..self.pairs).filter_map(|n| self.pair(n)).find(|pair| pair.0 == key).map(|pair| pair.1)
    }

    fn keys_start(&self) -> usize {
        let varying = [self.widths.key, self.widths.value].iter().filter(|w| w.is_none()).count();
        4 + 4 * varying * self.pairs
    }

    fn key_start(&self, n: usize) -> Option<usize> {
        n.checked_sub(1).map_or(Some(self.keys_start()), |before| self.key_end(before))
    }

    fn key_end(&self, n: usize) -> Option<usize> {
        match self.widths.key {
            Some(width) => self.keys_start().checked_add(width.checked_mul(n + 1)?),
            None => number(&self.page, 4 + 4 * n),
        }
    }

    fn value_end(&self, n: usize) -> Option<usize> {
        match (self.widths.key, self.widths.value) {
            (_, Some(width)) => {
                self.key_end(self.pairs - 1)?.checked_add(width.checked_mul(n + 1)?)
            }
            (Some(_), None) => number(&self.page, 4 + 4 * n),
            (None, None) => number(&self.page, 4 + 4 * (self.pairs + n)),
        }
    }
}

impl Branch {
    pub fn children(&self) -> usize {
        self.keys + 1
    }

    pub fn child(&self, n: usize) -> Option<PageRef> {
        let checksum = self.page.get(8 + 16 * n..)?.first_chunk::<16>()?;
        let page = self.page.get(8 + 16 * self.children() + 8 * n..)?.first_chunk::<8>()?;
        Some(PageRef {
            number: u64::from_le_bytes(*page),
            checksum: u128::from_le_bytes(*checksum),
        })
    }

    /// Returns which child a key is under.
    pub fn child_of(&self, key: &[u8]) -> Option<usize> {
        let (mut from, mut to) = (0, self.keys);
        while from < to {
            let middle = from.midpoint(to);
            match key.cmp(self.key(middle)?) {
                Ordering::Less => to = middle,
                Ordering::Equal => return Some(middle),
                Ordering::Greater => from = middle + 1,
            }
        }
        Some(from)
    }

    fn key(&self, n: usize) -> Option<&[u8]> {
        let start = n.checked_sub(1).map_or(Some(self.keys_start()), |before| self.key_end(before));
        self.page.get(start?..self.key_end(n)?)
    }

    fn keys_start(&self) -> usize {
        let ends = if self.width.is_none() { 4 * self.keys } else { 0 };
        8 + 24 * self.children() + ends
    }

    fn key_end(&self, n: usize) -> Option<usize> {
        match self.width {
            Some(width) => self.keys_start().checked_add(width.checked_mul(n + 1)?),
            None => number(&self.page, 8 + 24 * self.children() + 4 * n),
        }
    }
}

/// Returns whether a page is a branch with a child that is not within a file of the
/// length that `length` tells.
pub(in crate::store) fn leads_beyond(
    page: &[u8],
    layout: &Layout,
    length: impl FnOnce() -> io::Result<u64>,
) -> io::Result<bool> {
    let Some((&[BRANCH, _, low, high], _)) = page.split_first_chunk::<4>() else {
        return Ok(false);
    };
    let children = usize::from(u16::from_le_bytes([low, high])) + 1;
    let numbers = page.get(8 + 16 * children..8 + 24 * children);
    let Some(numbers) = numbers else { return Ok(true) };
    let length = length()?;
    let (numbers, _) = numbers.as_chunks::<8>();
    Ok(!numbers.iter().all(|number| layout.is_within(u64::from_le_bytes(*number), length)))
}

/// Reads the `u32` at an offset.
fn number(page: &[u8], at: usize) -> Option<usize> {
    usize::try_from(u32::from_le_bytes(*page.get(at..)?.first_chunk()?)).ok()
}
