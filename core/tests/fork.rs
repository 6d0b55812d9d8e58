//! A child that is forked while threads of its parent use the cache.
#![cfg(unix)]

use f3dx_cache_core::{Cache, ErrorKind, Meta, Mode, Options};
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

#[test]
fn a_child_forked_while_threads_record_records_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("llm.redb");
    let cache = Cache::open(&path, Options::default()).unwrap();
    let put = |by: &str, n: u32| {
        cache.put(format!("[\"{by}\",{n}]").as_bytes(), &[7; 3000], Meta::default()).is_ok()
    };
    assert!(put("parent", 0));
    let done = AtomicBool::new(false);
    let recorded = std::thread::scope(|scope| {
        let recorder = scope.spawn(|| {
            (1..).take_while(|n| put("parent", *n) && !done.load(Ordering::Relaxed)).count()
        });
        let outcomes: Vec<_> = (0..30).map(|n| in_child(|| put("child", n))).collect();
        done.store(true, Ordering::Relaxed);
        assert_eq!(outcomes, vec![Some(true); 30]);
        recorder.join().unwrap()
    });
    // A process that has seen nothing of it: one of another name for the file.
    let other = folder.path().join("copy.redb");
    std::fs::copy(&path, &other).unwrap();
    let other = Cache::open(&other, Options::default()).unwrap();
    let is_there = |by: &str, n: usize| {
        other
            .get(format!("[\"{by}\",{n}]").as_bytes())
            .unwrap()
            .is_some_and(|r| r.body == [7; 3000])
    };
    assert!((0..=recorded).all(|n| is_there("parent", n)));
    assert!((0..30).all(|n| is_there("child", n)));
}

#[test]
fn a_walk_that_a_child_inherited_is_an_error_and_ends() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path().join("llm.redb"), Options::default()).unwrap();
    cache.put(b"[1]", b"x", Meta::default()).unwrap();
    let mut walk = cache.entries().unwrap();
    let child = in_child(|| {
        let error = walk.next().and_then(Result::err);
        error.is_some_and(|error| error.kind() == ErrorKind::InvalidArgument)
            && walk.next().is_none()
            && cache.entries().is_ok_and(|own| own.count() == 1)
    });
    assert_eq!(child, Some(true));
    assert_eq!(walk.count(), 1);
}

#[test]
fn a_child_that_drops_what_it_inherited_takes_nothing_from_its_parent() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("llm.redb");
    let cache = Cache::open(&path, Options::default()).unwrap();
    let at = cache.put(b"[1]", b"x", Meta::default()).unwrap().fingerprint;
    let walk = cache.entries().unwrap();
    let claim = cache.claim(&cache.fingerprint(b"[2]").unwrap(), 1, Duration::ZERO).unwrap();
    cache.get(b"[1]").unwrap();
    let mut inherited = Some((cache.clone(), walk, claim));
    let child = in_child(|| {
        let (cache, walk, claim) = inherited.take().unwrap();
        drop((walk, claim));
        // Its own hit is counted, those of its parent are not.
        cache.get(b"[1]").is_ok()
            && cache.put(b"[3]", b"z", Meta::default()).is_ok()
            && cache.close().is_ok()
    });
    assert_eq!(child, Some(true));
    let hits = || cache.meta(&at).unwrap().unwrap().hit_count;
    assert_eq!(hits(), 1);
    let (_, walk, claim) = inherited.unwrap();
    assert_eq!(walk.count(), 1);
    let other = in_child(|| {
        let asked = cache.claim(&cache.fingerprint(b"[2]").unwrap(), 1, Duration::ZERO);
        matches!(asked, Ok(f3dx_cache_core::Claimed::Wait))
    });
    assert_eq!(other, Some(true), "the child's end took the claim away");
    drop(claim);
    cache.flush().unwrap();
    assert_eq!(hits(), 2);
}
