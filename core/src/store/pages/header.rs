//! The file's header: where pages stand, and which commit is in force.
//!
//! redb's file format 3: 9 bytes of magic number, the flags, 2 bytes of padding, `u32`
//! page size, header pages of a region, data pages of a region; at 64 and 192 the two
//! commit slots of 128 bytes, of which one is in force.

use super::node::PageRef;
use redb::StorageBackend;
use redb::backends::FileBackend;

/// redb's page, bytes.
pub(in crate::store) const PAGE: u64 = 4096;
/// The part of the header that says anything.
pub(super) const HEADER: usize = 320;

const FLAGS: usize = 9;
/// The second slot is in force.
const PRIMARY: u8 = 1;
/// A writer has the file open, or was killed while it had.
const UNCLEAN: u8 = 2;
/// The commit in force is not flushed: readers take the one before.
const UNFLUSHED: u8 = 8;

const REGION_HEADER: usize = 16;
const REGION_DATA: usize = 20;
const SLOTS: [usize; 2] = [64, 192];
const SLOT: usize = 128;

/// A header as it was read.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Header(pub [u8; HEADER]);

/// One commit: the roots of its two trees of tables.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) struct Commit {
    /// The tables of the cache.
    pub tables: Option<PageRef>,
    /// redb's own tables: which pages are free.
    pub system: Option<PageRef>,
    pub layout: Layout,
}

/// Where pages stand in the file.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) struct Layout {
    header_pages: u64,
    data_pages: u64,
}

impl Header {
    fn flags(&self) -> u8 {
        self.0[FLAGS]
    }

    /// Whether a writer has the file open, or was killed while it had.
    pub fn is_unclean(&self) -> bool {
        self.flags() & UNCLEAN != 0
    }

    fn slot(&self, n: usize) -> &[u8] {
        &self.0[SLOTS[n]..SLOTS[n] + SLOT]
    }

    /// Which slot is marked as the commit in force.
    fn primary(&self) -> usize {
        usize::from(self.flags() & PRIMARY != 0)
    }

    /// Says what is wrong with the header of a file that no writer has open.
    ///
    /// redb takes the flags on trust: one flipped bit, and readers see the commit
    /// before the last one, without what that recorded.
    pub fn flaw(&self) -> Option<&'static str> {
        if self.is_unclean() {
            return None;
        }
        let id = |n: usize| u64::from_le_bytes(array(&self.slot(n)[104..]));
        if self.flags() & UNFLUSHED != 0 || id(self.primary() ^ 1) > id(self.primary()) {
            return Some("its header points to an older commit");
        }
        (!self.slot_holds(self.primary())).then_some("its header does not match its checksum")
    }

    fn slot_holds(&self, n: usize) -> bool {
        let (content, checksum) = self.slot(n).split_at(SLOT - 16);
        u128::from_le_bytes(array(checksum)) == twox_hash::XxHash3_128::oneshot(content)
    }

    /// Returns the commit that readers see; `None` if its slot is damaged.
    pub fn published(&self) -> Option<Commit> {
        let before = self.flags() & UNFLUSHED != 0;
        self.commit(self.primary() ^ usize::from(before))
    }

    /// Returns the other commit, which a repair falls back to.
    pub fn fallback(&self) -> Option<Commit> {
        let before = self.flags() & UNFLUSHED != 0;
        self.commit(self.primary() ^ usize::from(!before))
    }

    fn layout(&self) -> Layout {
        Layout {
            header_pages: u64::from(u32::from_le_bytes(array(&self.0[REGION_HEADER..]))),
            data_pages: u64::from(u32::from_le_bytes(array(&self.0[REGION_DATA..]))),
        }
    }

    fn commit(&self, n: usize) -> Option<Commit> {
        let slot = self.slot(n);
        let root = |present: usize, at: usize| {
            (slot[present] != 0).then(|| PageRef {
                number: u64::from_le_bytes(array(&slot[at..])),
                checksum: u128::from_le_bytes(array(&slot[at + 8..])),
            })
        };
        let (tables, system) = (root(1, 8), root(2, 40));
        self.slot_holds(n).then(|| Commit { tables, system, layout: self.layout() })
    }
}

impl Layout {
    /// Reads the layout of a file; `None` if it has no header yet.
    pub fn of(file: &FileBackend) -> Option<Self> {
        let mut header = [0; HEADER];
        file.read(0, &mut header).ok()?;
        header.starts_with(b"redb").then(|| Header(header).layout())
    }

    /// Returns whether a page is within a file of this length.
    pub fn is_within(&self, number: u64, length: u64) -> bool {
        let end = self.place(number).and_then(|(offset, size)| offset.checked_add(size));
        end.is_some_and(|end| end <= length)
    }

    /// Returns the offset and the length of a page in bytes.
    ///
    /// A page number is, from its lowest bit: 20 bits of index in units of the page's
    /// length, 20 bits of region, 19 bits of nothing, 5 bits of order: a page is 4 KiB
    /// shifted left by that.
    pub fn place(&self, number: u64) -> Option<(u64, u64)> {
        let order = number >> 59;
        if order > 20 {
            return None;
        }
        let (index, region) = (number & (0x000F_FFFF >> order), number >> 20 & 0x000F_FFFF);
        let length = PAGE << order;
        let regions = region.checked_mul((self.header_pages + self.data_pages) * PAGE)?;
        let start = regions.checked_add(PAGE + self.header_pages * PAGE)?;
        Some((start.checked_add(index * length)?, length))
    }
}

/// Returns the first bytes of a slice that is long enough by its type's layout.
fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(&bytes[..N]);
    array
}
