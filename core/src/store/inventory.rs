//! Everything in a file that can still be read, whether redb can read it or not.

use super::backend::Patience;
use super::failure;
use super::open::{cache_file, reader};
use super::pages::{Commit, Pages, Pair, Row, Rows, Spot, TableRoot, Unproven, Widths};
use super::read::Snapshot;
use super::row::{Response, check, decode, decode_response};
use super::schema::{META, REQUESTS, RESPONSES, Table, format_row};
use crate::error::{Error, ErrorKind, Result};
use crate::fingerprint::Fingerprint;
use redb::TableHandle;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How wide keys and values are in the tables of entries, and in `format`.
const ENTRIES: Widths = Widths { key: Some(32), value: None };
const TEXT: Widths = Widths { key: None, value: None };

/// Which rows of a file are intact, and what is wrong with the rest.
pub(crate) struct Inventory {
    path: PathBuf,
    pages: Pages,
    contents: Contents,
    /// Keeps writers from reusing the pages that were seen.
    _pin: Option<Snapshot>,
}

/// What is wrong with a file: with the row of an entry, or with the file itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    pub fingerprint: Option<Fingerprint>,
    pub what: String,
}

/// A table of entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Responses,
    Requests,
    Meta,
}

#[derive(Default)]
struct Contents {
    /// The intact rows of each [`Part`]; in fingerprint order once all are found.
    rows: [Vec<(Fingerprint, Spot)>; 3],
    identity: Option<String>,
    wrong: Vec<Wrong>,
    /// Whether something was out of reach from the file's header.
    out_of_reach: bool,
}

impl Part {
    const ALL: [Self; 3] = [Self::Responses, Self::Requests, Self::Meta];

    fn table(self) -> Table {
        match self {
            Self::Responses => Table::Responses,
            Self::Requests => Table::Requests,
            Self::Meta => Table::Meta,
        }
    }
}

impl Inventory {
    /// Reads the whole file at `path` and verifies the checksum of every page and row.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] if there is no file or it cannot be read;
    /// [`ErrorKind::Corrupt`] if it does not begin like a cache;
    /// [`ErrorKind::UnsupportedFormat`]; [`ErrorKind::Locked`] if a killed writer left
    /// it and another one keeps its turn to write.
    pub fn take(path: &Path, patience: &Patience) -> Result<Self> {
        if cache_file(path)?.is_none() {
            return Err(Error::file(ErrorKind::Io, path, "there is no cache file"));
        }
        let mut contents = Contents::default();
        // Repairs what a killed writer left, and pins what is read.
        let pin = reader(path, patience)
            .and_then(|reader| reader.map(|it| Snapshot::begin(path, &Arc::new(it))).transpose());
        let pin = match pin {
            Ok(pin) => pin,
            Err(error) if error.kind() == ErrorKind::Corrupt => {
                contents.wrong(None, format!("it does not open: {error}"));
                None
            }
            Err(error) => return Err(error),
        };
        let file = File::open(path).map_err(|cause| Error::io(path, "open", cause))?;
        let pages = Pages::new(file).map_err(|cause| failure(path, "open the cache", cause))?;
        contents.read(&pages).map_err(|cause| Error::io(path, "read", cause))?;
        contents.sort();
        Ok(Self { path: path.to_path_buf(), pages, contents, _pin: pin })
    }

    /// Looks at every page of the file for rows, too, if some were out of reach from
    /// its header. That may bring back what was deleted or replaced.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`].
    pub fn look_everywhere(&mut self) -> Result<()> {
        if !self.contents.out_of_reach {
            return Ok(());
        }
        let Self { path, pages, contents, .. } = self;
        let mut found: [Vec<(Fingerprint, Spot)>; 3] = Default::default();
        let entries = pages.every_leaf(ENTRIES, |pair| {
            let Some(fingerprint) = fingerprint(&pair.key) else { return };
            let intact = |part: &Part| check(part.table(), &pair.key, &pair.value).is_ok();
            if let Some(part) = Part::ALL.into_iter().find(intact) {
                found[part as usize].push((fingerprint, pair.spot));
            }
        });
        let texts = pages.every_leaf(TEXT, |pair| {
            if contents.identity.is_none() {
                contents.keep_format(&pair);
            }
        });
        entries.and(texts).map_err(|cause| Error::io(path, "read", cause))?;
        for part in Part::ALL {
            for row in std::mem::take(&mut found[part as usize]) {
                // What is in force goes before what was found beside it.
                if contents.spot(part, &row.0).is_none() {
                    found[part as usize].push(row);
                }
            }
            contents.rows[part as usize].append(&mut found[part as usize]);
        }
        contents.sort();
        Ok(())
    }

    /// Returns the identity policy of the file, if it can be read.
    pub fn identity(&self) -> Option<&str> {
        self.contents.identity.as_deref()
    }

    /// Returns what is wrong with the file and its rows.
    pub fn wrong(&self) -> &[Wrong] {
        &self.contents.wrong
    }

    /// Returns the fingerprints with an intact row, in order.
    pub fn intact(&self, part: Part) -> impl Iterator<Item = &Fingerprint> {
        self.contents.rows[part as usize].iter().map(|(fingerprint, _)| fingerprint)
    }

    /// Returns whether an entry has an intact row.
    pub fn has(&self, part: Part, fingerprint: &Fingerprint) -> bool {
        self.contents.spot(part, fingerprint).is_some()
    }

    /// Reads an intact response.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`]; [`ErrorKind::Corrupt`] if there is none.
    pub fn response(&self, fingerprint: &Fingerprint) -> Result<Response> {
        let row = self.row(Part::Responses, fingerprint)?;
        let (head, body) = decode_response(&self.path, fingerprint.as_bytes(), &row)?;
        Ok(Response { head: head.to_vec(), body: body.to_vec() })
    }

    /// Reads the content of an intact row.
    ///
    /// # Errors
    ///
    /// As [`Inventory::response`].
    pub fn content(&self, part: Part, fingerprint: &Fingerprint) -> Result<Vec<u8>> {
        let row = self.row(part, fingerprint)?;
        decode(&self.path, part.table(), fingerprint.as_bytes(), &row).map(<[u8]>::to_vec)
    }

    fn row(&self, part: Part, fingerprint: &Fingerprint) -> Result<Vec<u8>> {
        let spot = self.contents.spot(part, fingerprint);
        let pair = spot.map(|spot| self.pages.pair(spot, ENTRIES)).transpose();
        let pair = pair.map_err(|cause| Error::io(&self.path, "read", cause))?.flatten();
        pair.map(|pair| pair.value).ok_or_else(|| {
            Error::file(ErrorKind::Corrupt, &self.path, format_args!("{fingerprint} is not there"))
        })
    }
}

impl Contents {
    fn read(&mut self, pages: &Pages) -> io::Result<()> {
        match pages.check_head() {
            Ok(()) => {}
            Err(Unproven::Damaged(damage)) => self.wrong(None, damage),
            Err(Unproven::Io(cause)) => return Err(cause),
        }
        let Some(commit) = pages.commit()? else {
            self.out_of_reach = true;
            return Ok(());
        };
        for (root, ours) in [(commit.tables, true), (commit.system, false)] {
            let Some(root) = root else { continue };
            let (tables, damages) = pages.tables(&commit, root)?;
            self.out_of_reach |= ours && !damages.is_empty();
            for (name, table) in tables {
                let name = if ours { name } else { Vec::new() };
                self.read_table(pages, &commit, &name, table)?;
            }
        }
        if self.identity.is_none() {
            self.wrong(None, "its identity policy is not readable");
        }
        Ok(())
    }

    /// Reads one table; one that has no name here for its pages alone.
    fn read_table(
        &mut self,
        pages: &Pages,
        commit: &Commit,
        name: &[u8],
        table: TableRoot,
    ) -> io::Result<()> {
        let mut rows = 0;
        let mut whole = true;
        for row in
            table.root.into_iter().flat_map(|root| Rows::of(pages, commit, root, table.widths))
        {
            match row {
                Row::Pair(pair) => {
                    rows += 1;
                    self.keep(name, &pair);
                }
                Row::Damaged { damage, lost } => {
                    whole = false;
                    self.out_of_reach |= lost && !name.is_empty();
                    self.wrong(None, damage);
                }
                Row::Failed(cause) => return Err(cause),
            }
        }
        if whole && rows != table.rows {
            let name = String::from_utf8_lossy(name);
            self.wrong(None, format!("table {name} has {rows} rows and says {}", table.rows));
        }
        Ok(())
    }

    /// Takes a row of one of our tables, if it is intact.
    fn keep(&mut self, name: &[u8], pair: &Pair) {
        let parts = [RESPONSES.name(), REQUESTS.name(), META.name()];
        let Some(part) = parts.iter().position(|part| part.as_bytes() == name) else {
            if name == b"format" {
                self.keep_format(pair);
            }
            return;
        };
        let Some(fingerprint) = fingerprint(&pair.key) else {
            return self.wrong(None, format!("table {} has a key of a wrong length", parts[part]));
        };
        match check(Part::ALL[part].table(), &pair.key, &pair.value) {
            Ok(_) => self.rows[part].push((fingerprint, pair.spot)),
            Err(wrong) => self.wrong(Some(fingerprint), format!("its {} row {wrong}", parts[part])),
        }
    }

    fn keep_format(&mut self, pair: &Pair) {
        if pair.key == format_row::IDENTITY.as_bytes()
            && let Ok(text) = check(Table::Format, &pair.key, &pair.value)
        {
            self.identity = String::from_utf8(text.to_vec()).ok();
        }
    }

    fn wrong(&mut self, fingerprint: Option<Fingerprint>, what: impl ToString) {
        self.wrong.push(Wrong { fingerprint, what: what.to_string() });
    }

    fn spot(&self, part: Part, fingerprint: &Fingerprint) -> Option<Spot> {
        let rows = &self.rows[part as usize];
        let at = rows.binary_search_by_key(fingerprint, |(fingerprint, _)| *fingerprint);
        at.ok().map(|at| rows[at].1)
    }

    fn sort(&mut self) {
        for rows in &mut self.rows {
            rows.sort_by_key(|(fingerprint, _)| *fingerprint);
            rows.dedup_by_key(|(fingerprint, _)| *fingerprint);
        }
    }
}

fn fingerprint(key: &[u8]) -> Option<Fingerprint> {
    Some(Fingerprint::from_bytes(key.try_into().ok()?))
}
