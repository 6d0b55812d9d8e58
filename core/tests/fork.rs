//! A child that is forked while threads of its parent use the cache.
#![cfg(unix)]

use f3dx_cache_core::{Cache, Meta, Mode, Options};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

unsafe extern "C" {
    fn fork() -> i32;
    fn waitpid(pid: i32, status: *mut i32, options: i32) -> i32;
    fn kill(pid: i32, signal: i32) -> i32;
    fn _exit(status: i32) -> !;
}

/// Runs `work` in a forked child; whether it returned `true`, `None` if it hung.
fn in_child(work: impl FnOnce() -> bool) -> Option<bool> {
    const NO_HANG: i32 = 1;
    const KILL: i32 = 9;
    // SAFETY: the child runs `work` and nothing of the test harness, then leaves.
    let pid = unsafe { fork() };
    if pid == 0 {
        let done = work();
        // SAFETY: no destructor of the parent's may run here.
        unsafe { _exit(i32::from(!done)) }
    }
    let begun = Instant::now();
    let mut status = 0;
    // SAFETY: `pid` is a child of ours that was not waited for, `status` is ours.
    while unsafe { waitpid(pid, &raw mut status, NO_HANG) } != pid {
        if begun.elapsed() > Duration::from_secs(20) {
            // SAFETY: as above.
            unsafe {
                kill(pid, KILL);
                waitpid(pid, &raw mut status, 0);
            }
            return None;
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    Some(status == 0)
}

#[test]
fn a_child_never_waits_for_a_thread_of_its_parent() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { mode: Some(Mode::Record), ..Options::default() };
    let cache = Cache::open(folder.path().join("llm.redb"), options).unwrap();
    for n in 0..20 {
        cache.put(format!("[{n}]").as_bytes(), b"x", Meta::default()).unwrap();
    }
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    for n in 0..20 {
                        cache.get(format!("[{n}]").as_bytes()).unwrap();
                    }
                }
            });
        }
        // Without care for the locks about one child in twenty hangs.
        let outcomes: Vec<_> = (0..100)
            .map(|_| {
                in_child(|| {
                    cache.get(b"[3]").is_ok_and(|found| found.is_some())
                        && cache.put(b"[3]", b"y", Meta::default()).is_ok()
                })
            })
            .take_while(Option::is_some)
            .collect();
        done.store(true, Ordering::Relaxed);
        assert_eq!(outcomes, vec![Some(true); 100]);
    });
}
