//! A few bytes by which similar requests are found among many.

use crate::json::{Kind, Node};

/// The buckets of a sketch, in order: the URL (two), the model, the method, and
/// what else there is.
const BUCKETS: usize = 16;
const URL: [usize; 2] = [0, 1];
const MODEL: usize = 2;
const METHOD: usize = 3;
const FIRST: usize = 4;

/// Strings of more characters than this also count word by word, this many words
/// of each and of all together.
const LONG_STRING: usize = 24;
const WORDS_OF_STRING: usize = 256;
const WORDS_OF_REQUEST: usize = 2048;

/// A similarity sketch of a request: similar requests have many equal buckets.
///
/// Sketches are stored in files, so their definition is part of the format.
///
/// The *features* of a document are its scalars, each a path and a canonical
/// text, and the first 256 words (2048 in all, in canonical order) of its strings
/// of more than 24 characters: what white space separates in what the string says,
/// each with the path. The hash of a feature is 64-bit FNV-1a
/// (offset basis `cbf29ce484222325`, prime `100000001b3`) over, for each segment
/// of the path, byte `01` and the name of a member or byte `02` for an item (so
/// that its place does not matter), then byte `03` and the text of a scalar, or
/// byte `04` and the word; all in UTF-8. The finalizer of MurmurHash3 (`fmix64`)
/// is applied to it.
///
/// A sketch is 16 little-endian numbers of 16 bits. A feature of hash `h` is in
/// bucket `4 + (h >> 32) * 12 / 2^32`, and the bucket holds the low 16 bits of the
/// least hash in it: a one-permutation minhash. The scalars at `/url`, at
/// `/model` or else `/body/model`, and at `/method` stand apart, so that the same
/// endpoint and model weigh more: bits 0 to 15 and 16 to 31 of the hash of `/url`
/// are buckets 0 and 1, bits 0 to 15 of the others' are buckets 2 and 3. 0 is an
/// empty bucket; a bucket with a feature that would be 0 is 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sketch([u8; 2 * BUCKETS]);

impl Sketch {
    /// Sketches a request.
    pub(crate) fn of(root: Node<'_>) -> Self {
        let mut sketcher = Sketcher::default();
        sketcher.visit(root, Fnv::default(), Place::Root);
        sketcher.finish()
    }

    /// Makes a sketch of its stored bytes.
    pub(crate) const fn from_bytes(bytes: [u8; 2 * BUCKETS]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes to store.
    pub(crate) const fn as_bytes(&self) -> &[u8; 2 * BUCKETS] {
        &self.0
    }

    /// Returns how many buckets are equal and not empty: 0 to 16.
    pub(crate) fn similarity(&self, other: &Self) -> u32 {
        let buckets = self.buckets().zip(other.buckets());
        buckets.map(|(a, b)| u32::from(a == b && a != 0)).sum()
    }

    fn buckets(&self) -> impl Iterator<Item = u16> {
        self.0.as_chunks().0.iter().map(|bytes| u16::from_le_bytes(*bytes))
    }
}

/// Where a value stands, as far as it weighs more there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Root,
    Url,
    Model,
    Method,
    Body,
    BodyModel,
    Other,
}

impl Place {
    fn member(self, name: &str) -> Self {
        match (self, name) {
            (Self::Root, "url") => Self::Url,
            (Self::Root, "model") => Self::Model,
            (Self::Root, "method") => Self::Method,
            (Self::Root, "body") => Self::Body,
            (Self::Body, "model") => Self::BodyModel,
            _ => Self::Other,
        }
    }
}

#[derive(Default)]
struct Sketcher {
    buckets: [u16; BUCKETS],
    least: [Option<u64>; BUCKETS],
    words: usize,
}

impl Sketcher {
    fn visit(&mut self, node: Node<'_>, path: Fnv, place: Place) {
        match node.kind() {
            Kind::Object => {
                for (name, value) in node.members() {
                    let path = path.with(1, name.as_bytes());
                    self.visit(value, path, place.member(&name));
                }
            }
            Kind::Array => {
                for item in node.items() {
                    self.visit(item, path.with(2, b""), Place::Other);
                }
            }
            _ => self.scalar(node, path, place),
        }
    }

    fn scalar(&mut self, node: Node<'_>, path: Fnv, place: Place) {
        let hash = path.with(3, node.text().as_bytes()).mixed();
        match place {
            Place::Url => {
                self.buckets[URL[0]] = bucket(hash);
                self.buckets[URL[1]] = bucket(hash >> 16);
            }
            Place::Method => self.buckets[METHOD] = bucket(hash),
            // The body of a request comes before its model, which wins.
            Place::Model | Place::BodyModel => self.buckets[MODEL] = bucket(hash),
            Place::Root | Place::Body | Place::Other => self.add(hash),
        }
        let Some(text) = node.as_str() else { return };
        if place != Place::Other || text.chars().nth(LONG_STRING).is_none() {
            return;
        }
        for word in text.split_whitespace().take(WORDS_OF_STRING) {
            if self.words == WORDS_OF_REQUEST {
                return;
            }
            self.words += 1;
            self.add(path.with(4, word.as_bytes()).mixed());
        }
    }

    fn add(&mut self, hash: u64) {
        let width = (BUCKETS - FIRST) as u64;
        let least = &mut self.least[FIRST + (((hash >> 32) * width) >> 32) as usize];
        *least = Some(least.map_or(hash, |least| least.min(hash)));
    }

    fn finish(mut self) -> Sketch {
        for (bucket_, least) in self.buckets.iter_mut().zip(self.least) {
            if let Some(hash) = least {
                *bucket_ = bucket(hash);
            }
        }
        let mut bytes = [0; 2 * BUCKETS];
        for (pair, bucket) in bytes.chunks_exact_mut(2).zip(self.buckets) {
            pair.copy_from_slice(&bucket.to_le_bytes());
        }
        Sketch(bytes)
    }
}

fn bucket(hash: u64) -> u16 {
    (hash as u16).max(1)
}

/// 64-bit FNV-1a.
#[derive(Clone, Copy)]
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    fn with(mut self, tag: u8, bytes: &[u8]) -> Self {
        self.write(&[tag]);
        self.write(bytes);
        self
    }

    /// FNV leaves the high bits of short inputs alike; MurmurHash3's `fmix64`
    /// spreads them.
    fn mixed(self) -> u64 {
        let mut hash = self.0;
        hash = (hash ^ hash >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
        hash = (hash ^ hash >> 33).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
        hash ^ hash >> 33
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Document;

    const PROMPT: &str = "Extract the total of the invoice below and answer with JSON only. \
        The invoice is from Example Ltd, dated in March, and lists seven items with taxes.";

    /// What [`PROMPT`] fills: its few words leave one bucket empty.
    const FULL: u32 = 15;

    fn sketch(json: &str) -> Sketch {
        Sketch::of(Document::parse(json.as_bytes()).unwrap().root())
    }

    fn call(url: &str, model: &str, prompt: &str) -> Sketch {
        sketch(&format!(
            r#"{{"body":{{"max_tokens":100,"messages":[{{"content":"{prompt}","role":"user"}}],
            "model":"{model}","temperature":0.2}},"method":"POST","url":"{url}"}}"#
        ))
    }

    #[test]
    fn a_sketch_never_changes() {
        let hex: String = call("api.openai.com/v1/chat/completions", "gpt-4o", PROMPT)
            .as_bytes()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(hex, "b112275206f6ced8943cef81484150bbbf4cedb4223800000003d68da831e925");
    }

    #[test]
    fn a_changed_word_leaves_most_of_a_sketch() {
        let recorded = call("u", "m", PROMPT);
        let changed = call("u", "m", &PROMPT.replace("seven", "eight"));
        let other = call("u", "m", "What is the weather like in Bern today, and tomorrow?");
        assert_eq!(recorded.similarity(&recorded), FULL);
        assert!(recorded.similarity(&changed) >= 12, "{}", recorded.similarity(&changed));
        assert!(recorded.similarity(&other) <= 9, "{}", recorded.similarity(&other));
    }

    #[test]
    fn the_endpoint_and_the_model_weigh_more() {
        let recorded = call("u", "m", PROMPT);
        assert_eq!(recorded.similarity(&call("v", "m", PROMPT)), FULL - 2);
        assert_eq!(recorded.similarity(&call("u", "n", PROMPT)), FULL - 1);
    }

    #[test]
    fn places_in_an_array_do_not_matter() {
        let a = sketch(r#"[{"x":1},{"x":2},{"y":3}]"#);
        assert_eq!(a, sketch(r#"[{"y":3},{"x":2},{"x":1},{"x":1}]"#));
        assert_ne!(a, sketch(r#"[{"x":1},{"x":2},{"z":3}]"#));
    }

    #[test]
    fn nothing_is_similar_to_nothing() {
        let empty = sketch("{}");
        assert_eq!(empty, Sketch::from_bytes([0; 32]));
        assert_eq!(empty.similarity(&empty), 0);
    }
}
