//! Tables and the format version.

use redb::TableDefinition;

/// The version of the file format this library writes.
pub const FORMAT_VERSION: u32 = 1;

/// Fingerprint to row.
pub(super) type Rows = TableDefinition<'static, &'static [u8; 32], &'static [u8]>;

pub(super) const REQUESTS: Rows = Rows::new("requests");
pub(super) const RESPONSES: Rows = Rows::new("responses");
pub(super) const META: Rows = Rows::new("meta");
pub(super) const FORMAT: TableDefinition<'static, &'static str, &'static [u8]> =
    TableDefinition::new("format");

/// Derived data: what `explain` compares before it reads any request. A row
/// may be missing and nothing here is ever an answer.
pub(super) const SKETCHES: TableDefinition<'static, &'static [u8; 32], &'static [u8; 32]> =
    TableDefinition::new("sketches");

/// Names of the rows of the `format` table.
pub(super) mod format_row {
    pub const VERSION: &str = "version";
    pub const MIN_READER: &str = "min_reader";
    pub const MIN_WRITER: &str = "min_writer";
    pub const IDENTITY: &str = "identity";
    pub const WRITER: &str = "writer";
}

/// Which table a row belongs to, as its checksum says it.
#[derive(Clone, Copy)]
pub enum Table {
    /// Canonical requests.
    Requests,
    /// Heads and bodies.
    Responses,
    /// What is known about entries.
    Meta,
    /// What the file says of itself.
    Format,
}

impl Table {
    /// Returns the table's name in the file.
    pub fn name(self) -> &'static str {
        match self {
            Table::Requests => "requests",
            Table::Responses => "responses",
            Table::Meta => "meta",
            Table::Format => "format",
        }
    }
}
