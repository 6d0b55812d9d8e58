//! Changes of an input, the same in every run.

/// What a mutation puts in: what parsers of these inputs look for.
const PIECES: [&str; 32] = [
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "\\u0041",
    "\\ud83d",
    "\\n",
    "null",
    "-0",
    "1e400",
    "9007199254740993",
    "SECRET",
    "\u{1f}",
    "\n",
    "\n\n",
    "data: ",
    "[DONE]",
    "error",
    "?key=",
    "*",
    "/",
    "~1",
    "é",
    "😀",
    "\0",
    "\u{1}",
    "\u{3}",
    "{\"a\":1}",
];

/// A sequence of numbers that follows from its seed.
pub struct Mutator(u64);

impl Mutator {
    /// Begins the sequence of `seed`, which is not 0.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Changes `input` in one to four places; `other` is another input to take from.
    pub fn mutate(&mut self, input: &mut Vec<u8>, other: &[u8]) {
        for _ in 0..=self.below(4) {
            let (at, to) = (self.below(input.len() + 1), self.below(input.len() + 1));
            let (at, to) = (at.min(to), at.max(to));
            match self.below(8) {
                0 => drop(input.splice(at..at, PIECES[self.below(PIECES.len())].bytes())),
                1 => drop(input.drain(at..to.min(at + 8))),
                2 | 3 if at < input.len() => input[at] = self.next() as u8,
                4 if at < input.len() => input[at] ^= 1 << self.below(8),
                5 => {
                    let part = input[at..to.min(at + 64)].to_vec();
                    drop(input.splice(at..at, part));
                }
                6 => {
                    let from = self.below(other.len() + 1);
                    let part = &other[from..other.len().min(from + self.below(64))];
                    drop(input.splice(at..at, part.iter().copied()));
                }
                7 if self.below(4) == 0 => input.truncate(at),
                _ => input.insert(at, self.next() as u8),
            }
        }
    }

    /// Returns a number from 0 to below `end`, which is not 0.
    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// The next number: xorshift64*, by Vigna.
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }
}
