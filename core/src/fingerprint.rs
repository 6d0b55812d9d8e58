//! The 32 bytes that address an entry.
