//! What the system and the user allow: open files, and memory.

use std::net::TcpListener;
use std::process::{Command, Output};

use tempfile::TempDir;

use super::{Result, assert_exit, err, out, pushspec};

/// The program under a limit of the shell.
#[cfg(unix)]
fn limited(limit: &str, arguments: &str) -> Result<Output> {
    let folder = TempDir::new()?;
    let program = env!("CARGO_BIN_EXE_pushspec");
    let line = format!("ulimit {limit} && exec '{program}' {arguments}");
    Ok(Command::new("sh").args(["-c", &line]).current_dir(folder.path()).output()?)
}

#[test]
#[cfg(unix)]
fn a_soft_limit_of_open_files_is_raised() -> Result {
    let output = limited("-Sn 64", "run --select sse/9.2.5-parsing-an-event-stream")?;
    assert_exit(&output, 0);
    Ok(())
}

#[test]
#[cfg(unix)]
fn who_may_open_too_few_files_is_told_so_and_no_server_is_accused() -> Result {
    for files in [8, 12, 20, 64, 100] {
        let output = limited(&format!("-n {files}"), "run --select sse/9.2.5-parsing-an-event-stream")?;
        let text = err(&output);
        assert!(!text.contains("panicked"), "{files}: {text}");
        // With a few connections a run gets through as well.
        // What was judged until then is reported, and the reason with it.
        let told = text.clone() + &out(&output);
        let is_told = output.status.code() == Some(5) && told.contains("ulimit -n");
        assert!(is_told || (files >= 64 && output.status.success()), "{files}: {text}{}", out(&output));
    }
    Ok(())
}

#[test]
fn the_memory_of_a_run_is_a_size_with_a_unit() -> Result {
    let folder = TempDir::new()?;
    for (size, words) in
        [("512", "write `512MB` or `2GB`"), ("1MB", "the least is 64MB"), ("aMB", "is not a size")]
    {
        let output = pushspec(folder.path(), &["run", "http://127.0.0.1:1", "--max-memory", size])?;
        assert_exit(&output, 2);
        assert!(err(&output).contains(words), "{}", err(&output));
    }
    let output = pushspec(
        folder.path(),
        &["run", "--max-memory", "64MB", "--select", "sse/9.2.5-parsing-an-event-stream"],
    )?;
    assert_exit(&output, 0);
    Ok(())
}

/// A server that resets every connection as soon as it is open.
fn resetting() -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}", listener.local_addr()?);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let _ = socket2::SockRef::from(&stream).set_linger(Some(std::time::Duration::ZERO));
        }
    });
    Ok(url)
}

#[test]
fn a_server_that_resets_every_connection_has_one_exit_code() -> Result {
    let url = resetting()?;
    for _ in 0..5 {
        let folder = TempDir::new()?;
        let output =
            pushspec(folder.path(), &["run", &url, "--sse", "/", "--select", "sse/9.2.3-processing-model"])?;
        assert_exit(&output, 1);
    }
    Ok(())
}
