//! Reads redb's pages past redb, to prove what redb takes on trust.
//!
//! Every page of a redb file has a checksum, kept by the page that leads to it, up to
//! the file's header; redb checks them when it repairs, not when it reads. So damage
//! can make an entry vanish without an error, or make a writer take pages for free
//! that are not. What is read here is checked from the header down: a key that is not
//! found is proven absent, and a page that a writer will change is proven whole.

mod header;
mod node;
mod walk;

pub(super) use header::{Commit, Layout};
pub(super) use node::{Widths, leads_beyond};
pub(super) use walk::{Pair, Row, Rows, Spot};

use header::{HEADER, Header, PAGE};
use node::{Node, PageRef};
use redb::StorageBackend;
use redb::backends::FileBackend;
use std::fmt;
use std::fs::File;
use std::io;
use std::time::Duration;

/// A tree that is deeper goes in a circle.
const DEEPEST: usize = 128;

/// The pages of one file.
#[derive(Debug)]
pub(super) struct Pages {
    file: FileBackend,
}

/// What is wrong with a file's pages, as it continues "the file is damaged: …".
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Damage(String);

/// Why pages could not be proven.
#[derive(Debug)]
pub(super) enum Unproven {
    Damaged(Damage),
    Io(io::Error),
}

/// A table, as the tree of tables has it.
#[derive(Clone, Copy, Debug)]
pub(super) struct TableRoot {
    pub root: Option<PageRef>,
    pub widths: Widths,
    /// How many rows the table says it has.
    pub rows: u64,
}

/// A table's name and its root.
pub(super) type Table = (Vec<u8>, TableRoot);

type Proof<T> = Result<T, Unproven>;

/// How wide keys and values are in a tree of tables.
const TABLES: Widths = Widths { key: None, value: None };

impl Pages {
    pub fn new(file: File) -> Result<Self, redb::DatabaseError> {
        Ok(Self { file: FileBackend::new(file)? })
    }

    pub fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    /// Fails if the header is damaged in a way that redb's readers do not notice, or
    /// the list of tables that it leads to.
    pub fn check_head(&self) -> Proof<()> {
        self.steadily(|header| {
            if let Some(flaw) = header.flaw() {
                return Err(damaged(flaw));
            }
            let commit = published(header)?;
            commit.tables.map_or(Ok(()), |root| self.whole_tables(&commit, root).map(drop))
        })
    }

    /// Returns whether `key` is in `table` in the latest commit, with proof.
    pub fn holds(&self, table: &str, key: &[u8]) -> Proof<bool> {
        self.steadily(|header| {
            let commit = published(header)?;
            let Some(table) = self.table(&commit, table)? else { return Ok(false) };
            Ok(self.find(&commit, table, key, false)?.is_some())
        })
    }

    /// Fails unless every page is whole that a writer of these keys may change, and
    /// every page that tells it where there is room.
    pub fn check_room_for(&self, tables: &[&str], keys: &[&[u8]]) -> Proof<()> {
        self.steadily(|header| {
            let commit = published(header)?;
            if let Some(system) = commit.system {
                self.check_tables(&commit, system)?;
            }
            for name in tables {
                let Some(table) = self.table(&commit, name)? else { continue };
                for key in keys {
                    self.find(&commit, table, key, true)?;
                }
            }
            Ok(())
        })
    }

    /// Fails unless every page in use is whole.
    pub fn check_all(&self) -> Proof<()> {
        self.steadily(|header| {
            let commit = published(header)?;
            for tables in [commit.tables, commit.system].into_iter().flatten() {
                self.check_tables(&commit, tables)?;
            }
            Ok(())
        })
    }

    /// Returns the commit that readers see; if that is damaged, the one that a repair
    /// would fall back to; `None` if the file has neither.
    pub fn commit(&self) -> io::Result<Option<Commit>> {
        let commit = self.steadily(published);
        match commit {
            Ok(commit) => Ok(Some(commit)),
            Err(Unproven::Damaged(_)) => Ok(self.header()?.fallback()),
            Err(Unproven::Io(cause)) => Err(cause),
        }
    }

    /// Returns every table that a tree of tables has, ours or redb's own, and what of
    /// it is damaged.
    pub fn tables(&self, commit: &Commit, root: PageRef) -> io::Result<(Vec<Table>, Vec<Damage>)> {
        let (mut tables, mut damages) = (Vec::new(), Vec::new());
        for row in Rows::of(self, commit, root, TABLES) {
            match row {
                Row::Pair(pair) => match TableRoot::parse(&pair.value) {
                    Some(table) => tables.push((pair.key, table)),
                    None => damages.push(Damage("its list of tables is not readable".into())),
                },
                Row::Damaged { damage, .. } => damages.push(damage),
                Row::Failed(cause) => return Err(cause),
            }
        }
        Ok((tables, damages))
    }

    /// Reads a page that matches what leads to it.
    fn node(&self, commit: &Commit, page: PageRef, widths: Widths) -> Proof<Node> {
        let (node, damage) = self.look(commit, page, widths).map_err(Unproven::Io)?;
        match (node, damage) {
            (Some(node), None) => Ok(node),
            (_, Some(damage)) => Err(Unproven::Damaged(damage)),
            (None, None) => Err(damaged("a page of it is not readable")),
        }
    }

    /// Reads a page as a node, if it can be read as one, and says what is wrong with it.
    fn look(
        &self,
        commit: &Commit,
        page: PageRef,
        widths: Widths,
    ) -> io::Result<(Option<Node>, Option<Damage>)> {
        let Some(bytes) = self.page(commit, page.number)? else {
            return Ok((None, Some(Damage("it leads to a page that is not in it".into()))));
        };
        let node = Node::of(bytes, widths);
        let whole = node.as_ref().and_then(Node::checksum) == Some(page.checksum);
        let damage = (!whole).then(|| {
            let offset = commit.layout.place(page.number).map_or(0, |(offset, _)| offset);
            Damage(format!("the page at byte {offset} does not match its checksum"))
        });
        Ok((node, damage))
    }

    /// Reads a page; `None` if it is not in the file.
    pub fn page(&self, commit: &Commit, number: u64) -> io::Result<Option<Vec<u8>>> {
        let length = self.len()?;
        let place = commit
            .layout
            .place(number)
            .filter(|(offset, size)| offset.checked_add(*size).is_some_and(|end| end <= length));
        let Some((offset, size)) = place else { return Ok(None) };
        let Ok(size) = usize::try_from(size) else { return Ok(None) };
        self.read(offset, size).map(Some)
    }

    /// Reads bytes that are in the file.
    pub fn read(&self, offset: u64, size: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; size];
        self.file.read(offset, &mut bytes)?;
        Ok(bytes)
    }

    fn table(&self, commit: &Commit, name: &str) -> Proof<Option<TableRoot>> {
        let root =
            TableRoot { root: commit.tables, widths: Widths { key: None, value: None }, rows: 0 };
        let Some(row) = self.find(commit, root, name.as_bytes(), false)? else { return Ok(None) };
        let table = TableRoot::parse(&row);
        table.map(Some).ok_or_else(|| damaged("its list of tables is not readable"))
    }

    /// Descends to a key through pages that are whole; with their neighbours, which a
    /// writer may join them with, if `neighbours` asks for it.
    fn find(
        &self,
        commit: &Commit,
        table: TableRoot,
        key: &[u8],
        neighbours: bool,
    ) -> Proof<Option<Vec<u8>>> {
        let Some(mut page) = table.root else { return Ok(None) };
        for _ in 0..DEEPEST {
            let branch = match self.node(commit, page, table.widths)? {
                Node::Leaf(leaf) => return Ok(leaf.find(key).map(<[u8]>::to_vec)),
                Node::Branch(branch) => branch,
            };
            let unreadable = || damaged("a page that leads to others is not readable");
            let at = branch.child_of(key).ok_or_else(unreadable)?;
            if neighbours {
                for beside in [at.checked_sub(1), Some(at + 1)].into_iter().flatten() {
                    if beside < branch.children() {
                        let beside = branch.child(beside).ok_or_else(unreadable)?;
                        self.node(commit, beside, table.widths)?;
                    }
                }
            }
            page = branch.child(at).ok_or_else(unreadable)?;
        }
        Err(damaged("its pages lead in a circle"))
    }

    /// Checks every page of every table of a tree of tables.
    fn check_tables(&self, commit: &Commit, root: PageRef) -> Proof<()> {
        for (_, table) in self.whole_tables(commit, root)? {
            let Some(root) = table.root else { continue };
            for row in Rows::of(self, commit, root, table.widths) {
                match row {
                    Row::Pair(_) => {}
                    Row::Damaged { damage, .. } => return Err(Unproven::Damaged(damage)),
                    Row::Failed(cause) => return Err(Unproven::Io(cause)),
                }
            }
        }
        Ok(())
    }

    /// Returns every table of a tree of tables that is whole.
    fn whole_tables(&self, commit: &Commit, root: PageRef) -> Proof<Vec<Table>> {
        let (tables, mut damages) = self.tables(commit, root).map_err(Unproven::Io)?;
        match damages.pop() {
            None => Ok(tables),
            Some(damage) => Err(Unproven::Damaged(damage)),
        }
    }

    fn header(&self) -> io::Result<Header> {
        let mut bytes = [0; HEADER];
        self.file.read(0, &mut bytes)?;
        Ok(Header(bytes))
    }

    /// Proves something of the commit in force; again if that changed meanwhile, which
    /// looks like damage to who reads half of each.
    fn steadily<T>(&self, prove: impl Fn(&Header) -> Proof<T>) -> Proof<T> {
        const TRIES: u32 = 20;
        let mut tries = 0;
        loop {
            let header = self.header().map_err(Unproven::Io)?;
            let proof = prove(&header);
            tries += 1;
            if proof.is_ok() || tries == TRIES {
                return proof;
            }
            std::thread::sleep(Duration::from_millis(1));
            if self.header().map_err(Unproven::Io)? == header {
                return proof;
            }
        }
    }
}

impl TableRoot {
    /// Reads a row of the tree of tables: kind, `u64` rows, root (present, page,
    /// checksum, `u64` rows), then the widths of key and value (fixed, `u32`).
    fn parse(row: &[u8]) -> Option<Self> {
        let width = |at: usize| -> Option<Option<usize>> {
            let fixed = u32::from_le_bytes(*row.get(at + 1..)?.first_chunk()?);
            Some((*row.get(at)? != 0).then_some(usize::try_from(fixed).ok()?))
        };
        let root = PageRef {
            number: u64::from_le_bytes(*row.get(10..)?.first_chunk()?),
            checksum: u128::from_le_bytes(*row.get(18..)?.first_chunk()?),
        };
        Some(Self {
            root: (*row.get(9)? != 0).then_some(root),
            widths: Widths { key: width(42)?, value: width(47)? },
            rows: u64::from_le_bytes(*row.get(1..)?.first_chunk()?),
        })
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn published(header: &Header) -> Proof<Commit> {
    header.published().ok_or_else(|| damaged("its header does not match its checksum"))
}

fn damaged(how: &str) -> Unproven {
    Unproven::Damaged(Damage(how.into()))
}
