//! What an HTTP interceptor does with one call to the mock provider.

use crate::http::call;
use f3dx_cache_core::http::HttpCall;
use f3dx_cache_core::{Cache, Decision, End, Exchange, Turn};
use std::thread::sleep;
use std::time::Duration;

/// Asks the provider at `port`, through the cache, for a completion of `prompt`;
/// returns the answer's id, which differs from call to call. `holder` is the
/// asking thread.
///
/// # Errors
///
/// What went wrong, as a worker says it: a kind and a message.
pub fn ask(cache: &Cache, holder: u64, port: u16, prompt: &str) -> Result<String, String> {
    // As the SDKs of OpenAI write it, so that every language asks the same.
    let body = serde_json::json!({
        "messages": [{"role": "user", "content": prompt}],
        "model": "gpt-4o",
    });
    let body = body.to_string();
    let url = format!("http://127.0.0.1:{port}/v1/chat/completions");
    let headers = [("authorization", "Bearer sk-test"), ("content-type", "application/json")];
    let asked = HttpCall { method: "POST", url: &url, headers: &headers, body: body.as_bytes() };
    match cache.intercept(&asked).map_err(told)? {
        Decision::Replay(replay) => id(&replay.body),
        Decision::Send(exchange) => send(*exchange, holder, port, body.as_bytes()),
        Decision::Refuse(refused) => Err(format!("miss {refused}")),
        Decision::Pass => Err("usage the provider's host is not among `hosts`".into()),
    }
}

fn send(mut exchange: Exchange, holder: u64, port: u16, body: &[u8]) -> Result<String, String> {
    loop {
        match exchange.claim(holder).map_err(told)? {
            Turn::Send => break,
            Turn::Replay(replay) => return id(&replay.body),
            Turn::Wait => sleep(Duration::from_millis(3)),
        }
    }
    let answer = match call(port, "POST", "/v1/chat/completions", body) {
        Ok(answer) => answer,
        Err(cause) => {
            exchange.finish(End::Failed).map_err(told)?;
            return Err(format!("http {cause}"));
        }
    };
    let headers: Vec<(&str, &str)> =
        answer.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    exchange.head(answer.status, &headers);
    exchange.chunk(&answer.body);
    exchange.finish(End::Eof).map_err(told)?;
    if answer.status != 200 {
        return Err(format!("http status {}", answer.status));
    }
    id(&answer.body)
}

fn id(body: &[u8]) -> Result<String, String> {
    let answer = serde_json::from_slice::<serde_json::Value>(body).ok();
    let id = answer.as_ref().and_then(|answer| answer["id"].as_str());
    id.map(str::to_owned).ok_or_else(|| "http an answer without an id".into())
}

/// Spells an error of the cache on one line: its kind, and its message.
pub fn told(error: f3dx_cache_core::Error) -> String {
    format!("{} {}", error.kind().name(), error.to_string().replace('\n', " "))
}
