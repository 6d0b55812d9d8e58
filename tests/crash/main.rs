//! Crashes: processes that are killed, disks that are full or broken. What was
//! acknowledged is there and right afterwards, and others go on without help.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod aftermath;
mod failing_disk;
mod faults;
mod forked_children;
mod full_disk;
mod killed_at_each_step;
mod killed_at_random;
mod power_cut;
mod read_only_folder;
mod steps;
