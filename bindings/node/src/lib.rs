//! The native part of the npm package: core, as `lib/native.ts` sees it.
//!
//! | module | what it is |
//! | --- | --- |
//! | `cache` | `NativeCache` |
//! | `entries`, `claim` | a walk over the entries; the right to call the model |
//! | `exchange` | `NativeExchange` and `Replay`, what `NativeCache.intercept` returns |
//! | `trace`, `diff`, `replay` | `NativeTraces`; comparisons; replays and their reports |
//! | `callback` | `NativeWork`: code of the caller that core calls from its threads |
//! | `functions` | what needs no open file |
//! | `opening` | options and variables as core's |
//! | `output` | bytes and JSON text for JavaScript |
//! | `task` | work off the event loop |
//! | `failure` | errors and panics as JavaScript errors |
// napi exports nothing from a test build, such as the one that clippy checks, too.
#![cfg_attr(test, allow(dead_code))]

mod cache;
mod callback;
mod claim;
mod diff;
mod entries;
mod exchange;
mod failure;
mod functions;
mod opening;
mod output;
mod replay;
mod task;
mod trace;
