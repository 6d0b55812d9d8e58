//! Entries that every worker of every language can make, and check, from their number.

/// Returns the request of entry `n`, as JSON text.
pub fn request(n: u64) -> Vec<u8> {
    format!("{{\"model\":\"m\",\"n\":{n},\"prompt\":\"prompt {n}\"}}").into_bytes()
}

/// Returns the response of entry `n`: `answer <n>` and a line feed, again and again,
/// 200 to 5,199 bytes long.
pub fn response(n: u64) -> Vec<u8> {
    let length = usize::try_from(200 + n * 977 % 5000).expect("it is below 5,200");
    format!("answer {n}\n").into_bytes().into_iter().cycle().take(length).collect()
}

/// Returns an entry from `first` to `n`: which one is looked up after `n` was put.
pub fn before(first: u64, n: u64) -> u64 {
    first + n * 7919 % (n - first + 1)
}
