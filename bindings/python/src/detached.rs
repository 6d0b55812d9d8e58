//! Calls into core without the GIL, so that other threads run meanwhile.
//!
//! Every call that may wait (for the file, for a lock of core, for another
//! process) goes through [`detached`]. A thread that waits for core while it
//! holds the GIL could wait forever: the thread that it waits for may want the
//! GIL for [`hooks`].

use crate::error;
use f3dx_cache_core::{Hooks, Result};
use pyo3::prelude::*;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

thread_local! {
    /// What a signal handler raised while this thread waited in core.
    static RAISED: RefCell<Option<PyErr>> = const { RefCell::new(None) };
    /// Whether this thread runs signal handlers, with locks of core held.
    static HANDLING: Cell<bool> = const { Cell::new(false) };
}

/// Calls core without the GIL; its failure, its panic, or what a signal handler
/// raised meanwhile becomes an exception.
pub fn detached<T: Send>(py: Python<'_>, call: impl FnOnce() -> Result<T> + Send) -> PyResult<T> {
    if HANDLING.get() {
        return Err(error::plain(
            py,
            "locked",
            "a signal handler may not use a cache that the thread it interrupts waits for",
        ));
    }
    let outcome = py.detach(|| catch_unwind(AssertUnwindSafe(call)));
    if let Some(raised) = RAISED.take() {
        return Err(raised);
    }
    match outcome {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(failure)) => Err(error::from_core(py, &failure)),
        Err(panic) => Err(panicked(py, &*panic)),
    }
}

/// Calls what neither waits nor needs the file; as [`detached`], but with the GIL.
pub fn attached<T>(py: Python<'_>, call: impl FnOnce() -> Result<T>) -> PyResult<T> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(failure)) => Err(error::from_core(py, &failure)),
        Err(panic) => Err(panicked(py, &*panic)),
    }
}

/// Returns the hooks that end a wait when a signal handler raises: Ctrl-C.
pub fn hooks() -> Hooks {
    Hooks { interrupted: Some(Arc::new(interrupted)), ..Hooks::default() }
}

fn interrupted() -> bool {
    HANDLING.set(true);
    // Python runs handlers on its main thread alone; elsewhere this does nothing.
    let handled = Python::try_attach(|py| py.check_signals());
    HANDLING.set(false);
    match handled {
        Some(Ok(())) => false,
        Some(Err(raised)) => {
            RAISED.set(Some(raised));
            true
        }
        // The interpreter is going away: nobody waits for the outcome.
        None => true,
    }
}

fn panicked(py: Python<'_>, panic: &(dyn std::any::Any + Send)) -> PyErr {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    error::plain(py, "panic", &format!("a bug in f3dx-cache, please report it: {text}"))
}
