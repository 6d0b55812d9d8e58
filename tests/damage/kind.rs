//! Ways to damage a file.

/// redb's page.
pub const PAGE: usize = 4096;

/// Splitmix64: a small generator, so that a seed names a damage for good.
/// (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014.)
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
}

/// One damage.
#[derive(Clone, Copy, Debug)]
pub enum Damage {
    FlippedBit(usize),
    ZeroedPage(usize),
    Garbage { at: usize, seed: u64 },
    Truncated(usize),
    SwappedPages(usize, usize),
    CopiedPage { from: usize, to: usize },
    Appended(usize),
}

impl Damage {
    /// Damages a file's bytes.
    pub fn apply(self, bytes: &mut Vec<u8>) {
        let page = |n: usize| n * PAGE..(n + 1) * PAGE;
        match self {
            Self::FlippedBit(bit) => bytes[bit / 8] ^= 1 << (bit % 8),
            Self::ZeroedPage(n) => bytes[page(n)].fill(0),
            Self::Garbage { at, seed } => {
                let mut random = Random(seed);
                bytes[at..at + 64].fill_with(|| random.next() as u8);
            }
            Self::Truncated(length) => bytes.truncate(length),
            Self::SwappedPages(one, other) => {
                let kept = bytes[page(one)].to_vec();
                bytes.copy_within(page(other), one * PAGE);
                bytes[page(other)].copy_from_slice(&kept);
            }
            Self::CopiedPage { from, to } => bytes.copy_within(page(from), to * PAGE),
            Self::Appended(length) => bytes.resize(bytes.len() + length, 0x5a),
        }
    }
}

/// Returns the pages of a file that hold anything.
pub fn used_pages(bytes: &[u8]) -> Vec<usize> {
    let pages = bytes.chunks_exact(PAGE).enumerate();
    pages.filter(|(_, page)| page.iter().any(|byte| *byte != 0)).map(|(n, _)| n).collect()
}
