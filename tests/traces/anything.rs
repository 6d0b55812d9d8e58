//! Whatever a file holds, reading it ends, without a panic.

use f3dx_cache_core::ErrorKind;
use f3dx_cache_core::trace::{TraceOptions, Traces};
use proptest::prelude::*;
use proptest::sample::Index;

const WRITTEN: [&str; 9] = [
    "anthropic_batch.jsonl",
    "f3dx.jsonl",
    "f3dx.snappy.parquet",
    "openai_batch_output.jsonl",
    "otel.jsonl",
    "otel_console.json",
    "otlp.json",
    "otlp.jsonl",
    "plain.jsonl",
];

/// Reads the bytes as a trace, to the end.
fn read(bytes: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace");
    std::fs::write(&path, bytes).unwrap();
    let traces = match Traces::open(&path, &TraceOptions::default()) {
        Ok(traces) => traces,
        Err(error) => return assert_eq!(error.kind(), ErrorKind::InvalidRow),
    };
    // A row takes at least one byte.
    assert!(traces.count() <= bytes.len());
}

fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        prop::sample::select(vec![
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            "\"",
            "\\",
            "\n",
            "\r\n",
            " ",
            "null",
            "1",
            "-",
            "1e9",
            "{}",
            "[]",
            "\"\"",
            "\u{feff}",
            "\"prompt\":",
            "\"output\":",
            "\"messages\":",
            "\"resourceSpans\":[",
            "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[",
            "\"traceId\":\"\",\"spanId\":\"\"",
            "\"attributes\":",
            "\"key\":\"gen_ai.prompt.0.x\"",
            "\"value\":{\"stringValue\":",
            "\"custom_id\":\"a\"",
            "\"result\":",
            "\"response\":",
            "\"body\":",
            "\"choices\":",
            "\"duration_ms\":1,\"iterations\":1,",
            "\"tool_calls\":",
            "\"context\":{\"trace_id\":\"0x1\"},",
            "\"events\":[{\"name\":\"gen_ai.choice\"",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..4),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_to_their_end(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        read(&bytes);
        read(&[b"\x1f\x8b".as_slice(), &bytes].concat());
        read(&[b"PAR1".as_slice(), &bytes, b"PAR1"].concat());
    }

    #[test]
    fn any_pieces_of_traces_are_read_to_their_end(bytes in pieces()) {
        read(&bytes);
    }

    #[test]
    fn any_change_of_a_trace_is_read_to_its_end(
        name in prop::sample::select(WRITTEN.to_vec()),
        changes in prop::collection::vec((any::<Index>(), any::<u8>()), 1..6),
        end in any::<Index>(),
    ) {
        let mut bytes = std::fs::read(crate::fixture(name)).unwrap();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        read(&bytes);
        read(&bytes[..end.index(bytes.len())]);
    }
}
