//! Values that belong to one process and must not cross a fork.

use std::sync::OnceLock;

/// A value of the process that made it; a forked child gets one of its own.
///
/// A handle inherited across `fork` must never be used or dropped: both
/// corrupt the file, since the parent and the child share its locks. The child
/// therefore finds its own value in `child`, and forgets the inherited one.
/// No lock guards this, because one held by another thread of the parent at
/// the moment of the fork would stay held in the child forever.
pub(crate) struct PerProcess<T> {
    pid: u32,
    value: Option<T>,
    child: OnceLock<Box<PerProcess<T>>>,
}

impl<T> PerProcess<T> {
    /// Makes the value of this process.
    pub fn new(value: T) -> Self {
        Self { pid: std::process::id(), value: Some(value), child: OnceLock::new() }
    }

    /// Returns the value of the process that calls, making one after a fork.
    pub fn get_or_make(&self, make: impl Fn() -> T) -> &T {
        let pid = std::process::id();
        let mut own = self;
        loop {
            match &own.value {
                Some(value) if own.pid == pid => return value,
                _ => own = own.child.get_or_init(|| Box::new(Self::new(make()))),
            }
        }
    }
}

impl<T> Drop for PerProcess<T> {
    fn drop(&mut self) {
        if self.pid != std::process::id() {
            std::mem::forget(self.value.take());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_of_another_process_is_neither_used_nor_dropped() {
        struct Bomb(u32);
        impl Drop for Bomb {
            fn drop(&mut self) {
                assert_ne!(self.0, 0, "the inherited value was dropped");
            }
        }
        let inherited = PerProcess { pid: 0, value: Some(Bomb(0)), child: OnceLock::new() };
        assert_eq!(inherited.get_or_make(|| Bomb(7)).0, 7);
    }
}
