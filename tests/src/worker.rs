//! A worker process, as a test drives it; `src/bin/worker.rs` has the commands.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

/// How long an answer may take before the worker counts as hung.
const WATCHDOG: Duration = Duration::from_secs(60);

/// A running worker; killed when it is dropped.
pub struct Worker {
    child: Child,
    commands: Option<ChildStdin>,
    answers: Receiver<String>,
}

/// Why a worker gave no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silence {
    /// It ended, or was killed.
    Ended,
    /// It is alive and did not answer within a minute.
    Hung,
}

impl Worker {
    /// Starts `program`, which must speak as `src/bin/worker.rs` does.
    ///
    /// # Panics
    ///
    /// If it cannot be started.
    pub fn start(program: &mut Command) -> Self {
        // Only what the tests say decides mode and path.
        for name in ["CI", "F3DX_CACHE_MODE", "F3DX_CACHE_PATH", "F3DX_CACHE_DIR"] {
            program.env_remove(name);
        }
        let started = program.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = started.unwrap_or_else(|cause| panic!("cannot start {program:?}: {cause}"));
        let output = child.stdout.take().expect("standard output is piped");
        let (sender, answers) = channel();
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                // A test that no longer listens has ended.
                let _ = sender.send(line);
            }
        });
        Self { commands: child.stdin.take(), child, answers }
    }

    /// Returns the worker's process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a command.
    pub fn tell(&mut self, command: &str) {
        if let Some(commands) = &mut self.commands {
            // One that has ended is found out by who waits for its answer.
            let _ = writeln!(commands, "{command}");
        }
    }

    /// Waits for the next line of the worker.
    ///
    /// # Errors
    ///
    /// [`Silence`] if there is none.
    pub fn answer(&self) -> Result<String, Silence> {
        self.answers.recv_timeout(WATCHDOG).map_err(|silence| match silence {
            RecvTimeoutError::Timeout => Silence::Hung,
            RecvTimeoutError::Disconnected => Silence::Ended,
        })
    }

    /// Sends a command and waits for the line that ends it: every line but `put N`.
    ///
    /// # Errors
    ///
    /// As [`Worker::answer`].
    pub fn ask(&mut self, command: &str) -> Result<String, Silence> {
        self.tell(command);
        loop {
            let line = self.answer()?;
            if !line.starts_with("put ") {
                return Ok(line);
            }
        }
    }

    /// Opens the cache at `path` in a mode.
    ///
    /// # Errors
    ///
    /// As [`Worker::answer`].
    pub fn open(&mut self, mode: &str, path: &Path) -> Result<String, Silence> {
        self.ask(&format!("open {mode} {}", path.display()))
    }

    /// Kills the worker with SIGKILL, and returns every line that it had said.
    ///
    /// # Panics
    ///
    /// If it cannot be killed.
    pub fn kill(mut self) -> Vec<String> {
        self.child.kill().expect("a child can be killed");
        self.child.wait().expect("a child can be waited for");
        // The channel ends with the pipe.
        self.answers.iter().collect()
    }

    /// Ends the worker's input, and waits for it to leave.
    ///
    /// # Panics
    ///
    /// If it cannot be waited for.
    pub fn leave(mut self) -> ExitStatus {
        self.commands = None;
        self.child.wait().expect("a child can be waited for")
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It may have left, and that is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
