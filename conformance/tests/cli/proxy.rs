//! What a proxy breaks.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use serde_json::Value;
use tempfile::TempDir;

use super::{Result, Running, assert_exit, err, out, pushspec};

/// A proxy in front of an address that puts some bytes of what the server sends in the place of others.
fn proxy(upstream: SocketAddr, change: (&'static [u8], &'static [u8])) -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}", listener.local_addr()?);
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let Ok(server) = TcpStream::connect(upstream) else { continue };
            let (Ok(from_client), Ok(to_server)) = (client.try_clone(), server.try_clone()) else { continue };
            std::thread::spawn(move || pass(from_client, to_server, (b"", b"")));
            std::thread::spawn(move || pass(server, client, change));
        }
    });
    Ok(url)
}

fn pass(mut from: TcpStream, mut to: TcpStream, (before, behind): (&[u8], &[u8])) {
    let mut piece = vec![0; 65536];
    while let Ok(length @ 1..) = from.read(&mut piece) {
        let mut bytes = piece[..length].to_vec();
        let found = bytes.windows(before.len().max(1)).position(|window| window == before);
        if let Some(at) = found {
            bytes.splice(at..at + before.len(), behind.iter().copied());
        }
        if to.write_all(&bytes).is_err() {
            return;
        }
    }
    let _ = to.shutdown(std::net::Shutdown::Write);
}

/// An address at which nobody listens yet.
fn free() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

const CASES: [&str; 3] = ["--select", "sse/9.2.3-processing-model", "sse/9.2.6-interpreting-an-event-stream"];

#[test]
fn only_what_the_proxy_breaks_is_told() -> Result {
    let folder = TempDir::new()?;
    let upstream = free()?;
    let listen = upstream.to_string();
    let url = proxy(upstream, (b"no-store, ", b"max-age=9, "))?;
    let arguments = [
        "proxy",
        &url,
        "--listen",
        &listen,
        "--report",
        "json=p.json",
        "--report",
        "html=p.html",
        "--strict",
    ];
    let output = pushspec(folder.path(), &[&arguments[..], &CASES].concat())?;
    assert_exit(&output, 1);
    let report: Value = serde_json::from_str(&fs::read_to_string(folder.path().join("p.json"))?)?;
    let cases = report["cases"].as_array().ok_or("no cases")?;
    let mut clauses: Vec<&str> =
        cases.iter().filter_map(|case| case["findings"][0]["clause"].as_str()).collect();
    clauses.dedup();
    assert_eq!(clauses, ["html-sse/9.2.2/not-from-a-cache"], "{}", out(&output));
    assert!(fs::read_to_string(folder.path().join("p.html"))?.contains("not-from-a-cache"));
    // What runs the case again starts the server behind the proxy again.
    let broken = cases.iter().find(|case| case["verdict"] != "pass").ok_or("nothing is broken")?;
    let again = broken["rerun"].as_str().ok_or("no line that runs it again")?;
    assert!(again.starts_with(&format!("pushspec proxy {url} --listen {listen} ")), "{again}");
    let words: Vec<&str> = again.split(' ').skip(1).collect();
    let output = pushspec(folder.path(), &words)?;
    assert_exit(&output, 1);
    assert!(out(&output).contains("html-sse/9.2.2/not-from-a-cache"), "{}", out(&output));
    // What is accepted is accepted of a proxy, too.
    let accepted = cases.iter().filter(|case| !case["findings"][0].is_null()).filter_map(|case| {
        let (id, verdict) = (case["id"].as_str()?, case["verdict"].as_str()?);
        Some(format!("[[accept]]\ncase = \"{id}\"\nverdict = \"{verdict}\"\nreason = \"known\"\n"))
    });
    fs::write(folder.path().join("known.toml"), accepted.collect::<String>())?;
    let known = ["proxy", &url, "--listen", &listen, "--strict", "--baseline", "known.toml"];
    assert_exit(&pushspec(folder.path(), &[&known[..], &CASES].concat())?, 0);
    Ok(())
}

/// A proxy in front of an address that keeps what is no complete response until it has a buffer of it.
fn buffering(upstream: SocketAddr) -> Result<String> {
    const BUFFER: usize = 8192;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}", listener.local_addr()?);
    std::thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let Ok(mut server) = TcpStream::connect(upstream) else { continue };
            let (Ok(from_client), Ok(to_server)) = (client.try_clone(), server.try_clone()) else { continue };
            std::thread::spawn(move || pass(from_client, to_server, (b"", b"")));
            std::thread::spawn(move || {
                let mut kept = Vec::new();
                let mut piece = vec![0; 65536];
                while let Ok(length @ 1..) = server.read(&mut piece) {
                    kept.extend_from_slice(&piece[..length]);
                    let is_chunked =
                        kept.windows(17).any(|window| window.eq_ignore_ascii_case(b"transfer-encoding"));
                    let is_whole = !is_chunked || kept.ends_with(b"\r\n0\r\n\r\n");
                    if (is_whole || kept.len() >= BUFFER)
                        && client.write_all(&std::mem::take(&mut kept)).is_err()
                    {
                        return;
                    }
                }
                let _ = client.write_all(&kept);
                let _ = client.shutdown(std::net::Shutdown::Write);
            });
        }
    });
    Ok(url)
}

#[test]
fn a_proxy_that_holds_streams_back_is_told_that_it_does() -> Result {
    let folder = TempDir::new()?;
    let upstream = free()?;
    let listen = upstream.to_string();
    let url = buffering(upstream)?;
    let arguments = ["proxy", &url, "--listen", &listen, "--report", "json=p.json", "--select"];
    let cases = ["sse/9.2.3-processing-model", "iframe/1-page", "polling/6202-2.1-short-polling"];
    let output = pushspec(folder.path(), &[&arguments[..], &cases].concat())?;
    assert_exit(&output, 1);
    let report: Value = serde_json::from_str(&fs::read_to_string(folder.path().join("p.json"))?)?;
    let found: Vec<(&str, &str)> = report["cases"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|case| Some((case["findings"][0]["clause"].as_str()?, case["verdict"].as_str()?)))
        .collect();
    let clauses = ["iframe/1/head-at-once", "html-sse/9.2.3/head-before-first-event"];
    assert_eq!(found, clauses.map(|clause| (clause, "warn")), "{}", out(&output));
    for clause in clauses {
        let of_it = |known: &&Value| known["id"] == clause;
        let known = report["clauses"].as_array().into_iter().flatten().find(of_it).ok_or(clause)?;
        assert_eq!(known["verdict"], "warn", "{clause}");
    }
    assert!(out(&output).contains("nothing of iframe and sse comes through it"), "{}", out(&output));
    Ok(())
}

/// A proxy in front of an address that asks for a field of the head.
fn guarded(upstream: SocketAddr) -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}", listener.local_addr()?);
    std::thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            std::thread::spawn(move || -> std::io::Result<()> {
                let mut head = Vec::new();
                let mut piece = [0; 4096];
                while !head.windows(4).any(|window| window == b"\r\n\r\n") {
                    match client.read(&mut piece)? {
                        0 => return Ok(()),
                        length => head.extend_from_slice(&piece[..length]),
                    }
                }
                if !String::from_utf8_lossy(&head).contains("\r\nX-Key: let-me-in\r\n") {
                    return client.write_all(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n");
                }
                let mut server = TcpStream::connect(upstream)?;
                server.write_all(&head)?;
                let (from_client, to_server) = (client.try_clone()?, server.try_clone()?);
                std::thread::spawn(move || pass(from_client, to_server, (b"", b"")));
                pass(server, client, (b"", b""));
                Ok(())
            });
        }
    });
    Ok(url)
}

#[test]
fn flags_about_requests_are_for_both_runs() -> Result {
    let folder = TempDir::new()?;
    let server = Running::start()?;
    let url = guarded(server.server.address())?;
    let case = "sse/17.6-text-event-stream/charset-is-utf-8-where-given";
    let arguments = ["proxy", &url, "--direct", &url, "--sse", "/sse/{channel}", "--select", case];
    let output = pushspec(folder.path(), &[&arguments[..], &["--header", "X-Key: let-me-in"]].concat())?;
    assert_exit(&output, 0);
    assert!(out(&output).starts_with("conformant: "), "{}", out(&output));
    let output = pushspec(folder.path(), &[&arguments[..], &["--header", "X-Key let-me-in"]].concat())?;
    assert_exit(&output, 2);
    for flag in [&["--fail-fast"][..], &["--baseline", "b.toml", "--update-baseline"]] {
        let output = pushspec(folder.path(), &[&arguments[..], flag].concat())?;
        assert_exit(&output, 2);
        assert!(err(&output).contains("for `pushspec run`"), "{}", err(&output));
    }
    server.stop();
    Ok(())
}

#[test]
fn a_proxy_that_passes_everything_on_breaks_nothing() -> Result {
    let folder = TempDir::new()?;
    let upstream = free()?;
    let listen = upstream.to_string();
    let url = proxy(upstream, (b"", b""))?;
    let output = pushspec(folder.path(), &[&["proxy", &url, "--listen", &listen][..], &CASES].concat())?;
    assert_exit(&output, 0);
    assert!(out(&output).starts_with("conformant"), "{}", out(&output));
    Ok(())
}

#[test]
fn a_proxy_that_nobody_can_reach_and_a_proxy_without_a_url_are_told() -> Result {
    let folder = TempDir::new()?;
    let (upstream, nobody) = (free()?.to_string(), format!("http://{}", free()?));
    let output = pushspec(folder.path(), &[&["proxy", &nobody, "--listen", &upstream][..], &CASES].concat())?;
    assert_exit(&output, 3);
    assert!(err(&output).contains("is not reachable"), "{}", err(&output));
    assert_exit(&pushspec(folder.path(), &["proxy"])?, 2);
    assert_exit(&pushspec(folder.path(), &["proxy", &nobody, "--fault", "unmasked-frames-are-read"])?, 2);
    Ok(())
}
