//! Base64, written apart from core's own, which it checks.

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Encodes with padding.
pub fn encode(bytes: &[u8]) -> String {
    let mut out = String::new();
    for three in bytes.chunks(3) {
        let bits = three.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
        let bits = bits << (8 * (3 - three.len()));
        for digit in 0..4 {
            match digit <= three.len() {
                true => out.push(char::from(DIGITS[(bits >> (18 - 6 * digit) & 63) as usize])),
                false => out.push('='),
            }
        }
    }
    out
}

/// Returns the digits that encode the inner bytes of `secret` wherever it begins.
pub fn pieces(secret: &str) -> Vec<String> {
    (0..3)
        .map(|before| {
            let padded = [&b"\0\0"[..before], secret.as_bytes()].concat();
            let digits = encode(&padded);
            // Digits that depend on what stands around are left out.
            let inner = digits.trim_end_matches('=');
            inner[4..inner.len() - 4].to_owned()
        })
        .filter(|piece| piece.len() >= 12)
        .collect()
}
