//! Work that may wait, off the event loop.

use crate::failure::guard;
use f3dx_cache_core::Result;
use napi::bindgen_prelude::{AsyncTask, ToNapiValue, TypeName};
use napi::{Env, Error, Task};

type Call<T> = Box<dyn FnOnce() -> Result<T> + Send>;

/// A call into core on a thread of libuv's pool; JavaScript gets a promise.
///
/// Nothing that waits for another call of this process goes here: with as many waiting
/// as there are threads, the one that they wait for would get none.
pub struct Work<T>(Option<Call<T>>);

/// Begins `call` off the event loop.
pub fn work<T>(call: impl FnOnce() -> Result<T> + Send + 'static) -> AsyncTask<Work<T>>
where
    T: ToNapiValue + TypeName + Send + 'static,
{
    AsyncTask::new(Work(Some(Box::new(call))))
}

impl<T: ToNapiValue + TypeName + Send + 'static> Task for Work<T> {
    type Output = T;
    type JsValue = T;

    fn compute(&mut self) -> napi::Result<T> {
        match self.0.take() {
            Some(call) => guard(call),
            None => Err(Error::from_reason("the work was begun twice")),
        }
    }

    fn resolve(&mut self, _: Env, output: T) -> napi::Result<T> {
        Ok(output)
    }
}
