//! Gives back the space that a recording run left behind.

use super::open::writer;
use super::shared::{Shared, lock};
use super::{Patience, failure, guarded};
use crate::error::Result;
use redb::CompactionError;

/// Compaction is worth it if it saves a third of the file, and more than this.
const LEAST: u64 = 64 << 10;

impl Shared {
    /// Compacts the file if that saves a third of it; `false` if it does not, or
    /// if another process reads the file just now.
    pub fn compact(&self, patience: &Patience) -> Result<bool> {
        let path = self.path.as_path();
        self.forget_replaced();
        if let Some(header) = self.header(patience)? {
            header.check_writable(path)?;
        }
        let Some(snapshot) = self.snapshot(patience)? else { return Ok(false) };
        let size = std::fs::metadata(path).map_or(0, |meta| meta.len());
        let saves = size.saturating_sub(snapshot.used()?);
        if saves < LEAST || saves < size / 3 {
            return Ok(false);
        }
        // Every page will move: what is damaged would be in none of its places.
        snapshot.check_all()?;
        drop(snapshot);
        let _turn = lock(&self.writing);
        self.release();
        let compacted = guarded(path, || {
            let mut database = writer(path, patience)?;
            match database.compact() {
                Ok(_) | Err(CompactionError::TransactionInProgress) => {}
                Err(cause) => return Err(failure(path, "compact the cache", cause)),
            }
            database.close().map_err(|cause| failure(path, "compact the cache", cause))?;
            // What redb says of itself leaves out what it cuts off when it closes.
            Ok(std::fs::metadata(path).map_or(0, |meta| meta.len()) < size)
        });
        self.forget_replaced();
        compacted
    }
}

#[cfg(test)]
mod tests {
    use crate::{Cache, Meta, Options};

    #[test]
    fn compaction_gives_back_space_and_loses_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache.redb");
        let cache = Cache::open(&path, Options::default()).unwrap();
        for n in 0..300_u32 {
            cache.put(format!("[{n}]").as_bytes(), &vec![7; 1500], Meta::default()).unwrap();
        }
        let before = cache.stats().unwrap().file_bytes;
        assert!(cache.compact().unwrap());
        let after = cache.stats().unwrap();
        assert!(after.file_bytes <= before * 2 / 3, "{before} to {}", after.file_bytes);
        assert_eq!(after.entries, 300);
        for n in 0..300_u32 {
            let got = cache.get(format!("[{n}]").as_bytes()).unwrap().unwrap();
            assert_eq!(got.body, vec![7; 1500]);
        }
        assert!(!cache.compact().unwrap());
    }
}
