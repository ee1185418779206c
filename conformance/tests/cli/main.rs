//! The program itself: what it prints, what it writes, and every exit code.

mod arguments;
mod bad_input;
mod ease;
mod endings;
mod init;
mod limits;
mod own_pages;
mod printing;
mod proxy;
mod report;
mod stored;
mod targets;
mod verdicts;

use std::io::Read as _;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pushspec_reference::{Config, Server};

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// The program, in a folder of a project, with reports there.
fn pushspec(folder: &Path, arguments: &[&str]) -> Result<Output> {
    std::fs::create_dir_all(folder.join("reports"))?;
    pushspec_anywhere(folder, arguments)
}

/// The program, in a folder as it is, with the cache of its user there.
fn pushspec_anywhere(folder: &Path, arguments: &[&str]) -> Result<Output> {
    let output = Command::new(env!("CARGO_BIN_EXE_pushspec"))
        .args(arguments)
        .current_dir(folder)
        .env("XDG_CACHE_HOME", folder.join("cache"))
        .env_remove("NO_COLOR")
        .env_remove("CLICOLOR_FORCE")
        .stdin(Stdio::null())
        .output()?;
    Ok(output)
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[track_caller]
fn assert_exit(output: &Output, code: i32) {
    assert_eq!(output.status.code(), Some(code), "stdout: {}\nstderr: {}", out(output), err(output));
}

/// A reference server that runs while a program talks to it.
struct Running {
    runtime: tokio::runtime::Runtime,
    server: Server,
}

impl Running {
    fn start() -> Result<Running> {
        let runtime = tokio::runtime::Runtime::new()?;
        let server = runtime.block_on(Server::start(Config::default()))?;
        Ok(Running { runtime, server })
    }

    fn url(&self) -> String {
        format!("http://{}", self.server.address())
    }

    fn stop(self) {
        self.runtime.block_on(self.server.shutdown());
    }
}

/// Ends a program that a test started.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A server that answers everything with the same bytes, and closes.
fn answering(bytes: &'static [u8]) -> Result<SocketAddr> {
    answering_in_turn(bytes, bytes)
}

/// A server that answers the first request with other bytes than all later ones, and closes.
fn answering_in_turn(first: &'static [u8], later: &'static [u8]) -> Result<SocketAddr> {
    answer(TcpListener::bind("127.0.0.1:0")?, first, later)
}

/// A server at an address that answers everything with the same bytes, and closes.
fn answering_at(address: SocketAddr, bytes: &'static [u8]) -> Result<SocketAddr> {
    answer(TcpListener::bind(address)?, bytes, bytes)
}

fn answer(listener: TcpListener, first: &'static [u8], later: &'static [u8]) -> Result<SocketAddr> {
    let address = listener.local_addr()?;
    let answered = Arc::new(AtomicBool::new(false));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answered = Arc::clone(&answered);
            std::thread::spawn(move || {
                let mut stream = stream;
                let _ = stream.set_read_timeout(Some(std::time::Duration::from_millis(50)));
                // The suite looks first whether anybody listens, and asks for nothing.
                let asked = stream.read(&mut [0; 4096]).is_ok_and(|length| length > 0);
                let is_first = asked && !answered.swap(true, Ordering::SeqCst);
                let _ = std::io::Write::write_all(&mut stream, if is_first { first } else { later });
            });
        }
    });
    Ok(address)
}
