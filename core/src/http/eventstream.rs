//! Frames of `application/vnd.amazon.eventstream`, in pieces as they arrive.

use crate::base64;

/// One frame: what the policy reads of it.
#[derive(Debug, PartialEq)]
pub(super) struct Frame {
    /// `:message-type`: `event`, `exception` or `error`.
    pub(super) message_type: String,
    /// `:event-type`, or `:exception-type`, or `:error-code`.
    pub(super) name: String,
    pub(super) payload: Vec<u8>,
}

/// Cuts a stream into frames, wherever its pieces were cut.
#[derive(Debug, Default)]
pub(super) struct Frames {
    bytes: Vec<u8>,
}

/// Lengths, their checksum, and the checksum at the end.
const OVERHEAD: usize = 16;
/// What the protocol allows.
const LONGEST: usize = 24 << 20;

impl Frames {
    /// Reads a piece, and hands every frame that it completes to `each`.
    /// Returns `false` if this is no such stream.
    #[must_use]
    pub(super) fn push(&mut self, piece: &[u8], each: &mut dyn FnMut(&Frame)) -> bool {
        self.bytes.extend_from_slice(piece);
        let mut at = 0;
        while let Some(rest) = self.bytes.get(at..).filter(|rest| rest.len() >= 8) {
            let (Some(total), Some(headers)) = (length(rest, 0), length(rest, 4)) else {
                return false;
            };
            if total > LONGEST || headers + OVERHEAD > total {
                return false;
            }
            let Some(frame) = rest.get(..total) else {
                break;
            };
            let Some(frame) = read(frame, headers) else {
                return false;
            };
            each(&frame);
            at += total;
        }
        self.bytes.drain(..at);
        true
    }

    /// Whether the stream ends between two frames here.
    pub(super) fn is_whole(&self) -> bool {
        self.bytes.is_empty()
    }
}

fn length(bytes: &[u8], at: usize) -> Option<usize> {
    let four = bytes.get(at..at + 4)?.try_into().ok()?;
    usize::try_from(u32::from_be_bytes(four)).ok()
}

fn read(bytes: &[u8], headers: usize) -> Option<Frame> {
    let mut rest = bytes.get(12..12 + headers)?;
    let payload = bytes.get(12 + headers..bytes.len() - 4)?.to_vec();
    let mut frame = Frame { message_type: String::new(), name: String::new(), payload };
    while let [size, after @ ..] = rest {
        let (name, after) = after.split_at_checked(usize::from(*size))?;
        let (kind, after) = after.split_first()?;
        let size = match kind {
            0 | 1 => 0,
            2 => 1,
            3 => 2,
            4 => 4,
            5 | 8 => 8,
            9 => 16,
            6 | 7 => 2 + usize::from(u16::from_be_bytes(after.get(..2)?.try_into().ok()?)),
            _ => return None,
        };
        let (value, after) = after.split_at_checked(size)?;
        if *kind == 7 {
            let value = String::from_utf8_lossy(&value[2..]).into_owned();
            match name {
                b":message-type" => frame.message_type = value,
                b":event-type" | b":exception-type" | b":error-code" => frame.name = value,
                _ => {}
            }
        }
        rest = after;
    }
    Some(frame)
}

/// Returns what the frames of a whole stream say, a model's own event unwrapped.
pub(crate) fn payloads(body: &[u8]) -> Vec<Vec<u8>> {
    let mut payloads = Vec::new();
    let mut each = |frame: &Frame| {
        let wrapped = serde_json::from_slice::<serde_json::Value>(&frame.payload).ok();
        let inner = wrapped.and_then(|value| base64::decode(value.get("bytes")?.as_str()?));
        payloads.push(inner.unwrap_or_else(|| frame.payload.clone()));
    };
    // What is no frame is no event either.
    let _ = Frames::default().push(body, &mut each);
    payloads
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Builds a frame; the checksums are not read, so they are zero.
    pub(in super::super) fn frame(message_type: &str, name: &str, payload: &str) -> Vec<u8> {
        let mut headers = Vec::new();
        let kind = if message_type == "event" { ":event-type" } else { ":exception-type" };
        for (name, value) in [(":message-type", message_type), (kind, name)] {
            headers.push(name.len() as u8);
            headers.extend_from_slice(name.as_bytes());
            headers.push(7);
            headers.extend_from_slice(&(value.len() as u16).to_be_bytes());
            headers.extend_from_slice(value.as_bytes());
        }
        let total = (headers.len() + payload.len() + OVERHEAD) as u32;
        let mut frame = total.to_be_bytes().to_vec();
        frame.extend_from_slice(&(headers.len() as u32).to_be_bytes());
        frame.extend_from_slice(&[0; 4]);
        frame.extend_from_slice(&headers);
        frame.extend_from_slice(payload.as_bytes());
        frame.extend_from_slice(&[0; 4]);
        frame
    }

    #[test]
    fn frames_are_the_same_wherever_a_stream_is_cut() {
        let stream =
            [frame("event", "messageStop", "{}"), frame("exception", "throttling", "x")].concat();
        for cut in 0..stream.len() {
            let mut found = Vec::new();
            let mut frames = Frames::default();
            let mut each = |frame: &Frame| {
                found.push(format!(
                    "{} {} {}",
                    frame.message_type,
                    frame.name,
                    frame.payload.len()
                ));
            };
            assert!(frames.push(&stream[..cut], &mut each));
            assert!(frames.push(&stream[cut..], &mut each));
            assert!(frames.is_whole());
            assert_eq!(found, ["event messageStop 2", "exception throttling 1"], "cut at {cut}");
        }
    }

    #[test]
    fn what_is_no_frame_is_refused() {
        assert!(!Frames::default().push(b"data: {\"a\":1}\n\n", &mut |_| {}));
        assert!(!Frames::default().push(&[0, 0, 0, 16, 0, 0, 0, 1], &mut |_| {}));
    }
}
