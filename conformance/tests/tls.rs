//! TLS and Unix sockets: the same verdicts as in the clear, and one clear error for each certificate that is wrong.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use pushspec::drive::schedule::{Options, RunError};
use pushspec::judge::Verdict;
use pushspec::profile::poll::Polling;
use pushspec::profile::{Pem, Profile, Target};
use pushspec::suite::{Pattern, Suite};
use pushspec_reference::{Config, Identity, Server};
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair, date_time_ymd};
use tempfile::TempDir;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// A few cases of each technique, of publishing, and of each way in which a connection ends.
const SOME: [&str; 5] = [
    "polling/6202-2.1-short-polling",
    "sse/9.2.1-introduction",
    "iframe/3-messages",
    "websocket/5.1-masking",
    "websocket/7-closing",
];

/// The program, in a folder, with what it printed.
fn pushspec(folder: &Path, arguments: &[&str]) -> Result<(i32, String)> {
    std::fs::create_dir_all(folder.join("reports"))?;
    let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_pushspec"))
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()?;
    let said = [stdout, stderr].concat();
    Ok((status.code().unwrap_or(-1), String::from_utf8_lossy(&said).into_owned()))
}

/// A certificate that signs itself, with its key, in PEM.
fn certificate(host: &str, change: impl FnOnce(&mut CertificateParams)) -> Result<(String, String)> {
    let key = KeyPair::generate()?;
    let mut parameters = CertificateParams::new(vec![host.to_owned()])?;
    change(&mut parameters);
    Ok((parameters.self_signed(&key)?.pem(), key.serialize_pem()))
}

/// A server that shows a certificate.
struct Running {
    runtime: tokio::runtime::Runtime,
    server: Server,
}

impl Running {
    fn showing(certificate: &str, key: &str) -> Result<Running> {
        let tls = Some(Identity::from_pem(certificate.as_bytes(), key.as_bytes())?);
        let runtime = tokio::runtime::Runtime::new()?;
        let server = runtime.block_on(Server::start(Config { tls, ..Config::default() }))?;
        Ok(Running { runtime, server })
    }

    fn url(&self, scheme: &str) -> String {
        format!("{scheme}://{}", self.server.address())
    }

    fn stop(self) {
        self.runtime.block_on(self.server.shutdown());
    }
}

#[test]
fn the_whole_suite_has_the_same_verdicts_over_tls() -> Result {
    let folder = TempDir::new()?;
    let (code, said) = pushspec(folder.path(), &["run", "-q", "--patience", "6", "--tls"])?;
    assert_eq!(code, 0, "{said}");
    let report = std::fs::read_to_string(folder.path().join("reports/latest/report.json"))?;
    let report: serde_json::Value = serde_json::from_str(&report)?;
    assert!(report["target"]["url"].as_str().is_some_and(|url| url.starts_with("https")));
    // As in the clear: every case passes for which there is traffic, but for those that run only where they are asked for.
    let cases = report["cases"].as_array().ok_or("no cases")?;
    assert!(cases.len() > 1000, "{} cases", cases.len());
    for case in cases {
        let is_idle = case["reason"] == "no case that ran had traffic that it judges";
        let is_left_out = case["reason"].as_str().is_some_and(|reason| reason.ends_with(" runs it"));
        assert!(case["verdict"] == "pass" || is_idle || is_left_out, "{case}");
    }
    // What TLS adds is judged.
    assert!(cases.iter().any(|case| case["id"] == CLOSURE && case["verdict"] == "pass"));
    Ok(())
}

#[test]
fn a_certificate_that_is_wrong_is_one_clear_error() -> Result {
    let folder = TempDir::new()?;
    let expired = certificate("127.0.0.1", |parameters| {
        parameters.not_before = date_time_ymd(2000, 1, 1);
        parameters.not_after = date_time_ymd(2001, 1, 1);
    })?;
    let other = certificate("a.example", |_| {})?;
    let own = certificate("127.0.0.1", |_| {})?;
    for ((certificate, key), trusted, words) in [
        (&expired, true, "its certificate has expired"),
        (&other, true, "its certificate is not for `127.0.0.1`, but for `a.example`"),
        (&own, false, "nobody whom this machine trusts has signed its certificate: --cacert FILE"),
    ] {
        let server = Running::showing(certificate, key)?;
        std::fs::write(folder.path().join("trusted.pem"), certificate)?;
        let url = server.url("https");
        let trust: &[&str] = if trusted { &["--cacert", "trusted.pem"] } else { &[] };
        // Waiting mends no certificate.
        let arguments = [&["run", &url, "--sse", "/sse/a", "--wait", "60s"], trust].concat();
        let (code, said) = pushspec(folder.path(), &arguments)?;
        assert_eq!(code, 3, "{said}");
        assert!(said.contains(&format!("error: {url} is not reachable: {words}")), "{said}");
        assert!(said.lines().count() == 1 && said.contains("--insecure"), "{said}");
        let arguments = [
            "run",
            &url,
            "--websocket",
            "/websocket/echo",
            "--echo",
            "--insecure",
            "--select",
            "websocket/5.1",
        ];
        let (code, said) = pushspec(folder.path(), &arguments)?;
        assert_eq!(code, 0, "{said}");
        assert!(said.contains("https://") || said.contains("conformant"), "{said}");
        server.stop();
    }
    Ok(())
}

#[test]
fn a_certificate_that_signs_itself_is_trusted_by_name() -> Result {
    let folder = TempDir::new()?;
    let plain = certificate("127.0.0.1", |_| {})?;
    // As `openssl req -x509` makes it.
    let authority =
        certificate("127.0.0.1", |parameters| parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained))?;
    for (certificate, key) in [&plain, &authority] {
        let server = Running::showing(certificate, key)?;
        std::fs::write(folder.path().join("own.pem"), certificate)?;
        let url = server.url("wss");
        let arguments = [
            "run",
            &format!("{url}/websocket/echo"),
            "--echo",
            "--cacert",
            "own.pem",
            "--select",
            "websocket/5.1",
        ];
        let (code, said) = pushspec(folder.path(), &arguments)?;
        assert_eq!(code, 0, "{said}");
        server.stop();
    }
    // It is still one for another host.
    let (certificate, key) =
        certificate("a.example", |parameters| parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained))?;
    let server = Running::showing(&certificate, &key)?;
    std::fs::write(folder.path().join("own.pem"), certificate)?;
    let (code, said) =
        pushspec(folder.path(), &["run", &server.url("https"), "--sse", "/sse/a", "--cacert", "own.pem"])?;
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("is not for `127.0.0.1`"), "{said}");
    server.stop();
    Ok(())
}

#[test]
fn a_server_that_speaks_in_the_clear_is_told_from_one_with_tls() -> Result {
    let folder = TempDir::new()?;
    let runtime = tokio::runtime::Runtime::new()?;
    let server = runtime.block_on(Server::start(Config::default()))?;
    let url = format!("https://{}", server.address());
    let (code, said) = pushspec(folder.path(), &["run", &url, "--sse", "/sse/a"])?;
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("it does not speak TLS: write http://"), "{said}");
    runtime.block_on(server.shutdown());
    Ok(())
}

#[test]
fn what_is_wrong_with_a_file_is_said_with_its_name() -> Result {
    let folder = TempDir::new()?;
    let (certificate, key) = certificate("127.0.0.1", |_| {})?;
    let server = Running::showing(&certificate, &key)?;
    std::fs::write(folder.path().join("empty.pem"), "")?;
    std::fs::write(folder.path().join("certificate.pem"), certificate)?;
    for (arguments, code, words) in [
        (["--cacert", "empty.pem"], 3, "`empty.pem` has no certificate in PEM"),
        (["--cacert", "missing.pem"], 2, "failed to read `missing.pem`"),
        (["--client-cert", "certificate.pem"], 3, "`certificate.pem` has no private key"),
    ] {
        let url = server.url("https");
        let arguments = [&["run", &url, "--sse", "/sse/a"], &arguments[..]].concat();
        let (exit, said) = pushspec(folder.path(), &arguments)?;
        assert_eq!(exit, code, "{said}");
        assert!(said.contains(words), "{said}");
    }
    server.stop();
    Ok(())
}

#[test]
fn many_clients_are_measured_over_tls_and_publications_go_over_it_too() -> Result {
    let folder = TempDir::new()?;
    let (certificate, key) = certificate("127.0.0.1", |_| {})?;
    let server = Running::showing(&certificate, &key)?;
    std::fs::write(folder.path().join("own.pem"), &certificate)?;
    let url = server.url("https");
    // The publisher has an address of its own.
    let profile =
        pushspec_fixtures::REFERENCE_PROFILE.replace("[publish]\n", &format!("[publish]\nurl = \"{url}\"\n"));
    std::fs::write(folder.path().join("pushspec.toml"), profile)?;
    let rest = "--clients 5 --messages 3 --rate 20 --wait 30s --max-lost 0";
    for (technique, trust) in [
        ("sse", "--cacert own.pem"),
        ("websocket", "--cacert own.pem"),
        ("long-polling", "--insecure"),
        ("polling", "--insecure"),
        ("iframe", "--insecure"),
    ] {
        let arguments = format!("load {url} -t {technique} {rest} {trust}");
        let (code, said) = pushspec(folder.path(), &arguments.split(' ').collect::<Vec<_>>())?;
        assert_eq!(code, 0, "{technique}: {said}");
        assert!(said.contains("15 of 15") || said.contains("0 lost"), "{technique}: {said}");
    }
    let arguments = format!("load {url} -t sse {rest}");
    let (code, said) = pushspec(folder.path(), &arguments.split(' ').collect::<Vec<_>>())?;
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("nobody whom this machine trusts has signed its certificate"), "{said}");
    server.stop();
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_library_judges_over_tls_and_over_ipv6() -> Result {
    let tls = Identity::made()?;
    let authority = tls.authority().unwrap_or_default().as_bytes().to_vec();
    let address = "[::1]:0".parse()?;
    // There are machines without IPv6.
    let Ok(server) = Server::start(Config { tls: Some(tls), address, ..Config::default() }).await else {
        return Ok(());
    };
    let mut target = Target::new(&format!("https://{}", server.address()), Profile::reference()?)?;
    assert!(target.authority().starts_with("[::1]:"));
    let select = SOME.map(Pattern::new).to_vec();
    let options = Options { patience: 6.0, select, ..Options::default() };
    let suite = Suite::embedded()?;
    let refused = suite.run(&Arc::new(target.clone()), &options).await;
    assert!(matches!(refused, Err(RunError::Unreachable { .. })), "nobody trusts it yet");
    target.tls.authorities = Some(Pem { file: "made".to_owned(), text: authority });
    let outcome = suite.run(&Arc::new(target), &options).await?;
    assert!(outcome.is_conformant(true), "{:#?}", outcome.findings());
    assert!(outcome.judged() > 20);
    server.shutdown().await;
    Ok(())
}

/// Passes what comes at a Unix socket on to a server, and back.
#[cfg(unix)]
async fn pass_on(listener: tokio::net::UnixListener, server: std::net::SocketAddr) {
    while let Ok((mut client, _)) = listener.accept().await {
        tokio::spawn(async move {
            if let Ok(mut server) = tokio::net::TcpStream::connect(server).await {
                let _ = server.set_nodelay(true);
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            }
        });
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_at_a_unix_socket_is_judged() -> Result {
    let folder = TempDir::new()?;
    let path = folder.path().join("server.sock");
    let server = Server::start(Config::default()).await?;
    let passing = tokio::spawn(pass_on(tokio::net::UnixListener::bind(&path)?, server.address()));
    let target = Target::new(&format!("unix:{}", path.display()), Profile::reference()?)?;
    let select = SOME.map(Pattern::new).to_vec();
    let options = Options { patience: 6.0, select, ..Options::default() };
    let outcome = Suite::embedded()?.run(&Arc::new(target.clone()), &options).await?;
    assert!(outcome.is_conformant(true), "{:#?}", outcome.findings());
    assert!(outcome.judged() > 20 && outcome.target.starts_with("unix:/"));
    let url = format!("unix:{}", path.display());
    std::fs::write(folder.path().join("pushspec.toml"), pushspec_fixtures::REFERENCE_PROFILE)?;
    let arguments =
        ["load", &url, "-t", "sse", "--clients", "3", "--messages", "2", "--rate", "20", "--max-lost", "0"];
    let (code, said) = tokio::task::block_in_place(|| pushspec(folder.path(), &arguments))?;
    assert_eq!(code, 0, "{said}");
    passing.abort();
    let _ = passing.await;
    server.shutdown().await;
    std::fs::remove_file(&path)?;
    let gone = Suite::embedded()?.run(&Arc::new(target), &options).await;
    assert!(matches!(gone, Err(RunError::Unreachable { .. })));
    Ok(())
}

/// A server that answers who shows a certificate of an authority, and no one else.
async fn asking_for(
    authority: &str,
    certificate: &str,
    key: &str,
) -> Result<(tokio::net::TcpListener, tokio_rustls::TlsAcceptor)> {
    use tokio_rustls::rustls::crypto::ring;
    use tokio_rustls::rustls::pki_types::pem::PemObject as _;
    use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use tokio_rustls::rustls::server::WebPkiClientVerifier;
    use tokio_rustls::rustls::{RootCertStore, ServerConfig};

    let provider = Arc::new(ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.as_bytes())?)?;
    let clients =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build()?;
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(clients)
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(certificate.as_bytes())?],
            PrivateKeyDer::from_pem_slice(key.as_bytes())?,
        )?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    Ok((listener, tokio_rustls::TlsAcceptor::from(Arc::new(config))))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_asks_for_a_certificate_gets_it() -> Result {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let (certificate, key) = certificate("127.0.0.1", |_| {})?;
    let (listener, acceptor) = asking_for(&certificate, &certificate, &key).await?;
    let url = format!("https://{}", listener.local_addr()?);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let mut stream = acceptor.accept(stream).await?;
                if stream.read(&mut [0; 4096]).await? > 0 {
                    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\none";
                    stream.write_all(answer).await?;
                }
                stream.shutdown().await
            });
        }
    });
    let folder = TempDir::new()?;
    std::fs::write(folder.path().join("server.pem"), &certificate)?;
    std::fs::write(folder.path().join("client.pem"), format!("{certificate}{key}"))?;
    let poll = ["--polling", "/", "--select", "polling/6202-2.1-short-polling/poll-is-answered"];
    let arguments = [&["run", &url, "--cacert", "server.pem"], &poll[..]].concat();
    let path = folder.path().to_owned();
    let shown = [&arguments[..], &["--client-cert", "client.pem"]].concat();
    let (code, said) = tokio::task::block_in_place(|| pushspec(&path, &shown))?;
    assert_eq!(code, 0, "{said}");
    // In TLS 1.3 the server refuses after the handshake: what the client hears is an alert in place of an answer.
    let (code, said) = tokio::task::block_in_place(|| pushspec(&path, &arguments))?;
    assert_ne!(code, 0, "{said}");
    Ok(())
}

/// The outcome of a few cases against a reference server that ends its connections with a closure alert, or without.
async fn outcome_where_closures_are(cut: bool) -> Result<pushspec::outcome::Outcome> {
    let tls = Identity::made()?;
    let authority = tls.authority().unwrap_or_default().as_bytes().to_vec();
    let server = Server::start(Config { tls: Some(tls), cuts_tls: cut, ..Config::default() }).await?;
    let mut target = Target::new(&format!("https://{}", server.address()), Profile::reference()?)?;
    target.tls.authorities = Some(Pem { file: "made".to_owned(), text: authority });
    let options = Options { patience: 6.0, ..Options::default() }.only("http/9112-9-connections");
    let outcome = Suite::embedded()?.run(&target, &options).await?;
    server.shutdown().await;
    Ok(outcome)
}

const CLOSURE: &str = "http/invariants/closure-alert-before-the-end";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_ends_without_a_closure_alert_is_a_finding() -> Result {
    for (cut, verdict) in [(false, Verdict::Pass), (true, Verdict::Fail)] {
        let outcome = outcome_where_closures_are(cut).await?;
        let case = outcome.cases.iter().find(|case| case.case.id == CLOSURE).ok_or("it is not judged")?;
        assert_eq!(case.verdict, verdict, "{}", outcome.text());
        let clauses: Vec<&str> = case.findings.iter().map(|finding| finding.clause.as_str()).collect();
        assert!(clauses.iter().all(|clause| *clause == "rfc9112/9.8/closure-alert"), "{clauses:?}");
    }
    Ok(())
}

/// A server whose answers end with their connections: with a closure alert, or without.
async fn serve_until_close(cut: bool) -> Result<(String, Vec<u8>)> {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let (certificate, key) = certificate("127.0.0.1", |_| {})?;
    let identity = server_config(&certificate, &key)?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("https://{}", listener.local_addr()?);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = identity.clone();
            tokio::spawn(async move {
                let mut stream = acceptor.accept(stream).await?;
                if stream.read(&mut [0; 4096]).await? > 0 {
                    stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\none").await?;
                    stream.flush().await?;
                }
                if cut { stream.get_mut().0.shutdown().await } else { stream.shutdown().await }
            });
        }
    });
    Ok((url, certificate.into_bytes()))
}

fn server_config(certificate: &str, key: &str) -> Result<tokio_rustls::TlsAcceptor> {
    use tokio_rustls::rustls::ServerConfig;
    use tokio_rustls::rustls::crypto::ring;
    use tokio_rustls::rustls::pki_types::pem::PemObject as _;
    use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(certificate.as_bytes())?],
            PrivateKeyDer::from_pem_slice(key.as_bytes())?,
        )?;
    Ok(tokio_rustls::TlsAcceptor::from(Arc::new(config)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_ends_with_its_connection_is_complete_with_a_closure_alert_alone() -> Result {
    const ANSWERED: &str = "polling/6202-2.1-short-polling/poll-is-answered";
    for (cut, is_complete) in [(false, true), (true, false)] {
        let (url, certificate) = serve_until_close(cut).await?;
        let profile = Profile::default().with_polling(Polling::at("/"));
        let mut target = Target::new(&url, profile)?;
        target.tls.authorities = Some(Pem { file: "own".to_owned(), text: certificate });
        let outcome = Suite::embedded()?.run(&target, &Options::default().only(ANSWERED)).await?;
        let case = outcome.cases.iter().find(|case| case.case.id == ANSWERED).ok_or("it is not judged")?;
        assert_eq!(case.verdict == Verdict::Pass, is_complete, "{}", outcome.text());
        let transcript = pushspec::transcript::printed(&case.transcript).join("\n");
        assert_eq!(transcript.contains("eof  # without a closure alert of TLS"), cut, "{transcript}");
    }
    Ok(())
}

#[test]
fn the_name_of_the_host_is_told_before_the_certificate_is_chosen() -> Result {
    use std::io::Read as _;
    let folder = TempDir::new()?;
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    let heard = std::thread::spawn(move || -> std::io::Result<Vec<u8>> {
        // The suite looks first whether anybody listens.
        for stream in listener.incoming() {
            let mut stream = stream?;
            stream.set_read_timeout(Some(std::time::Duration::from_secs(5)))?;
            let mut hello = vec![0; 4096];
            let length = stream.read(&mut hello).unwrap_or_default();
            if length > 0 {
                hello.truncate(length);
                return Ok(hello);
            }
        }
        Ok(Vec::new())
    });
    let url = format!("https://localhost:{port}");
    let (code, said) =
        pushspec(folder.path(), &["run", &url, "--sse", "/", "--insecure", "--select", "sse/9.2.1"])?;
    assert_eq!(code, 3, "{said}");
    let hello = heard.join().map_err(|_| "the server panicked")??;
    // The extension server_name (RFC 6066 section 3): a list with one name of type 0.
    let name = [&[0, 12, 0, 0, 9][..], b"localhost"].concat();
    assert!(hello.windows(name.len()).any(|window| window == name), "no server_name in {hello:02x?}");
    Ok(())
}
