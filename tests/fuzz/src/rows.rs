//! The decoders of what stands in a file: rows of every table, heads of responses,
//! meta, identity policies.

use super::input::Input;
use f3dx_cache_core::fuzzing::{Table, decode_response, decode_row, encode_response, encode_row};
use f3dx_cache_core::http::{ResponseHead, facts_of};
use f3dx_cache_core::{ErrorKind, IdentityPolicy, Meta, Result, canonicalize};

const TABLES: [Table; 4] = [Table::Requests, Table::Responses, Table::Meta, Table::Format];

/// Checks what is promised about rows that hold, or are, `data`.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let (table, other, bit) = (input.byte(), input.byte(), input.byte());
    let place = usize::from(input.byte()) << 8 | usize::from(input.byte());
    let content = input.rest();
    let table = usize::from(table) % TABLES.len();
    rows(table, usize::from(other), 1 << (bit % 8), place, content);
    response_row(content);
    anything_as_a_row(data);
    head(content);
    meta(content);
    policy(content);
}

/// A row is its content again under its own key, and damage or another place is noticed.
fn rows(table: usize, other: usize, bit: u8, place: usize, content: &[u8]) {
    let key = *blake3::hash(content).as_bytes();
    let row = encode_row(TABLES[table], &key, content);
    assert_eq!(decode_row(TABLES[table], &key, &row).expect("it is whole"), content);

    let elsewhere = TABLES[(table + 1 + other % 3) % TABLES.len()];
    corrupt(decode_row(elsewhere, &key, &row));
    let mut another_key = key;
    another_key[other % 32] ^= bit;
    corrupt(decode_row(TABLES[table], &another_key, &row));
    corrupt(decode_row(TABLES[table], &key, &row[..place % row.len()]));
    let mut damaged = row.clone();
    damaged[place % row.len()] ^= bit;
    corrupt(decode_row(TABLES[table], &key, &damaged));
    damaged[place % row.len()] ^= bit;
    damaged.push(bit);
    corrupt(decode_row(TABLES[table], &key, &damaged));
}

/// A response's row whose checksum holds is its head and body, or too short for its head.
fn response_row(content: &[u8]) {
    let key = [7; 32];
    let row = encode_row(Table::Responses, &key, content);
    match decode_response(&key, &row) {
        Ok((head, body)) => {
            assert_eq!(encode_response(&key, head, body).expect("a short head"), row);
        }
        Err(error) => assert_eq!(error.kind(), ErrorKind::Corrupt),
    }
    let (head, body) = content.split_at(content.len() / 2);
    let row = encode_response(&key, head, body).expect("a short head");
    assert_eq!(decode_response(&key, &row).expect("it is whole"), (head, body));
}

fn anything_as_a_row(row: &[u8]) {
    let key = [9; 32];
    for table in TABLES {
        match decode_row(table, &key, row) {
            Ok(content) => assert_eq!(encode_row(table, &key, content), row),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Corrupt),
        }
    }
}

fn head(text: &[u8]) {
    match ResponseHead::from_json(text) {
        Ok(head) => {
            let again = ResponseHead::from_json(head.to_json().as_bytes()).expect("its own text");
            assert_eq!(again, head);
            assert_eq!(canonicalize(head.to_json().as_bytes()).ok(), Some(head.to_json().into()));
            drop(facts_of(head.header("content-type"), text));
        }
        Err(error) => assert_eq!(error.kind(), ErrorKind::Corrupt),
    }
}

fn meta(text: &[u8]) {
    let meta = match Meta::from_json(text) {
        Ok(meta) => meta,
        Err(error) => return assert_eq!(error.kind(), ErrorKind::InvalidArgument),
    };
    // What `put` was given has been checked to be JSON with one meaning.
    if canonicalize(text).is_err() {
        return;
    }
    let told = meta.to_json().expect("what was read is written");
    let again = Meta::from_json(&told).expect("its own text").to_json().expect("once more");
    assert_eq!(String::from_utf8_lossy(&told), String::from_utf8_lossy(&again));
}

fn policy(text: &[u8]) {
    match IdentityPolicy::from_json(text) {
        Ok(policy) => {
            let told = policy.to_json().expect("what was read is written");
            assert_eq!(IdentityPolicy::from_json(&told).expect("its own text"), policy);
        }
        Err(error) => {
            let kinds = [ErrorKind::Corrupt, ErrorKind::UnsupportedFormat];
            assert!(kinds.contains(&error.kind()), "{error}");
        }
    }
}

fn corrupt(read: Result<&[u8]>) {
    let error = read.expect_err("the row is damaged or elsewhere");
    assert_eq!(error.kind(), ErrorKind::Corrupt);
}
