//! Server-sent events, in pieces as they arrive.

/// One event: what the policy reads of it.
#[derive(Debug, PartialEq)]
pub(super) struct Event<'a> {
    /// Its `event` field; empty if it had none.
    pub(super) name: &'a str,
    /// Its `data` fields, joined by line ends.
    pub(super) data: &'a str,
}

/// Cuts a stream into events, wherever its pieces were cut.
#[derive(Debug, Default)]
pub(super) struct Events {
    line: Vec<u8>,
    name: String,
    data: String,
    has_data: bool,
    /// The last piece ended in CR; a LF that follows belongs to it.
    after_cr: bool,
    begun: bool,
}

impl Events {
    /// Reads a piece, and hands every event that it completes to `each`.
    pub(super) fn push(&mut self, mut piece: &[u8], each: &mut dyn FnMut(&Event<'_>)) {
        if self.after_cr && !piece.is_empty() {
            piece = piece.strip_prefix(b"\n").unwrap_or(piece);
            self.after_cr = false;
        }
        while let Some(end) = memchr::memchr2(b'\n', b'\r', piece) {
            self.line.extend_from_slice(&piece[..end]);
            self.end_line(each);
            let is_cr = piece[end] == b'\r';
            piece = &piece[end + 1..];
            if is_cr {
                self.after_cr = piece.is_empty();
                piece = piece.strip_prefix(b"\n").unwrap_or(piece);
            }
        }
        self.line.extend_from_slice(piece);
    }

    /// Ends the stream: an event that lacks its empty line counts, too.
    pub(super) fn finish(&mut self, each: &mut dyn FnMut(&Event<'_>)) {
        if !self.line.is_empty() {
            self.end_line(each);
        }
        self.end_line(each);
    }

    fn end_line(&mut self, each: &mut dyn FnMut(&Event<'_>)) {
        let line = std::mem::take(&mut self.line);
        let mut text = String::from_utf8_lossy(&line);
        if !self.begun {
            self.begun = true;
            text = match text.strip_prefix('\u{feff}') {
                Some(rest) => rest.to_owned().into(),
                None => text,
            };
        }
        if text.is_empty() {
            if self.has_data || !self.name.is_empty() {
                each(&Event { name: &self.name, data: &self.data });
            }
            self.name.clear();
            self.data.clear();
            self.has_data = false;
        } else {
            let (field, value) = text.split_once(':').unwrap_or((&text, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "event" => value.clone_into(&mut self.name),
                "data" => {
                    if self.has_data {
                        self.data.push('\n');
                    }
                    self.data.push_str(value);
                    self.has_data = true;
                }
                _ => {}
            }
        }
        self.line = line;
        self.line.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(pieces: &[&[u8]]) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let mut each =
            |event: &Event<'_>| found.push((event.name.to_owned(), event.data.to_owned()));
        let mut events = Events::default();
        for piece in pieces {
            events.push(piece, &mut each);
        }
        events.finish(&mut each);
        found
    }

    #[test]
    fn events_are_the_same_wherever_a_stream_is_cut() {
        let stream = "\u{feff}: hi\r\nevent: a\r\ndata: {\"x\":\r\ndata:1}\r\n\r\nid: 7\rdata: é\r\rdata\n\n\
                      event: b\n\ndata: [DONE]";
        let whole = events(&[stream.as_bytes()]);
        let pair = |name: &str, data: &str| (name.to_owned(), data.to_owned());
        assert_eq!(
            whole,
            [
                pair("a", "{\"x\":\n1}"),
                pair("", "é"),
                pair("", ""),
                pair("b", ""),
                pair("", "[DONE]")
            ]
        );
        for cut in 0..stream.len() {
            let (before, after) = stream.as_bytes().split_at(cut);
            assert_eq!(events(&[before, after]), whole, "cut at {cut}");
        }
        let bytes: Vec<&[u8]> = stream.as_bytes().chunks(1).collect();
        assert_eq!(events(&bytes), whole);
    }
}
