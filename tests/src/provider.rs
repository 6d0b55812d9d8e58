//! The mock provider (`tests/mock_provider`), as a test in Rust drives it.

use crate::http::call;
use crate::{python, repository};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// A running mock provider; it ends with the value.
pub struct Provider {
    process: Child,
    /// The port that it listens on.
    pub port: u16,
}

impl Provider {
    /// Starts one on a free port.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub fn start() -> Self {
        let mut process = Command::new(python())
            .arg(repository().join("tests/mock_provider"))
            .arg("--exit-with-stdin")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the mock provider starts");
        let mut line = String::new();
        let output = process.stdout.as_mut().expect("standard output is piped");
        BufReader::new(output).read_line(&mut line).expect("standard output can be read");
        let started: Value = serde_json::from_str(&line).expect("it says where it listens");
        let port = started["port"].as_u64().and_then(|port| port.try_into().ok());
        Self { process, port: port.expect("a port is below 65,536") }
    }

    /// Returns how many calls have arrived.
    pub fn total(&self) -> u64 {
        let calls = self.control("GET", "/_calls");
        calls["total"].as_u64().expect("the total is a number")
    }

    /// Blocks until so many calls have arrived.
    ///
    /// # Panics
    ///
    /// If they do not within a minute.
    pub fn wait_for(&self, calls: u64) {
        self.control("GET", &format!("/_wait?total={calls}&timeout=60"));
    }

    /// Lets the calls go on that `[[hold]]` holds.
    pub fn release(&self) {
        self.control("POST", "/_release");
    }

    fn control(&self, method: &str, target: &str) -> Value {
        let answer = call(self.port, method, target, b"").expect("the mock provider answers");
        let text = String::from_utf8_lossy(&answer.body);
        assert_eq!(answer.status, 200, "{target}: {text}");
        serde_json::from_str(&text).expect("control endpoints answer in JSON")
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        // It may have left, and that is as good.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
