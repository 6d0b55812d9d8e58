//! From core's errors, and from panics, to JavaScript.
//!
//! What is thrown here is an error of the main context, which in Jest is no `Error` of
//! the test's. So its message is JSON text, from which `lib/errors.ts` makes an error of
//! the package's own classes.

use f3dx_cache_core::Error;
use serde_json::{Value, json};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Calls core; its failure or its panic becomes a JavaScript error.
pub fn guard<T>(call: impl FnOnce() -> f3dx_cache_core::Result<T>) -> napi::Result<T> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(failure)) => Err(from_core(&failure)),
        Err(panic) => Err(panicked(&*panic)),
    }
}

fn from_core(error: &Error) -> napi::Error {
    let mut told = json!({ "kind": error.kind().name(), "message": error.to_string() });
    if let Some((rule, at)) = error.json_kind() {
        told["rule"] = json!(rule.name());
        told["at"] = json!(at);
    }
    new(&told)
}

fn panicked(panic: &(dyn std::any::Any + Send)) -> napi::Error {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    let message = format!("a bug in f3dx-cache, please report it: {text}");
    new(&json!({ "kind": "panic", "message": message }))
}

fn new(told: &Value) -> napi::Error {
    napi::Error::from_reason(told.to_string())
}
