//! Many waiting clients: what is measured, what is told, and how it ends.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pushspec::load::{Load, LoadError, Measurement, Options, Technique};
use pushspec::profile::{Profile, Target};
use pushspec_reference::{Config, Server as Reference};
use rstest::rstest;
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::watch;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

fn options(technique: Technique) -> Options {
    Options {
        technique,
        clients: 40,
        messages: 12,
        rate: 50.0,
        interval: Duration::from_millis(50),
        wait: Duration::from_secs(30),
        memory: 512 << 20,
        pid: None,
    }
}

async fn measure(
    url: &str,
    profile: Profile,
    options: Options,
) -> std::result::Result<Measurement, LoadError> {
    let target = Target::new(url, profile).map_err(|error| LoadError::Internal(error.to_string()))?;
    // A sender that is gone counts as an interrupt.
    let (_interrupt, interrupts) = watch::channel(0);
    Load::prepare(target, options).await?.measure(interrupts).await
}

#[rstest]
#[case(Technique::LongPolling)]
#[case(Technique::Sse)]
#[case(Technique::Iframe)]
#[case(Technique::WebSocket)]
#[case(Technique::Polling)]
#[tokio::test]
async fn at_the_reference_server_nothing_is_lost_doubled_or_out_of_order(
    #[case] technique: Technique,
) -> Result {
    let server = Reference::start(Config::default()).await?;
    let url = format!("http://{}", server.address());
    let measured = measure(&url, Profile::reference()?, options(technique)).await?;
    let (clients, messages) = (&measured.clients, &measured.messages);
    assert_eq!((clients.opened, clients.held), (40, 40), "{measured:?}");
    assert_eq!((messages.published, messages.expected, messages.delivered), (12, 480, 480), "{measured:?}");
    assert_eq!((messages.lost, messages.doubled, messages.out_of_order), (0, Some(0), 0), "{measured:?}");
    assert!(
        measured.latency_ms.is_some_and(|latency| latency.p50 <= latency.p99 && latency.p99 <= latency.max)
    );
    assert!(!measured.interrupted);
    server.shutdown().await;
    Ok(())
}

/// An event-stream server of a few lines that gets messages wrong.
#[derive(Clone, Copy)]
struct Server {
    /// How many subscribers it takes; others get a 503.
    places: usize,
    /// What is written to every subscriber for a message with its number.
    mangle: fn(usize, &str) -> String,
}

/// Starts a server; gives its URL.
fn server(server: Server) -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}", listener.local_addr()?);
    let subscribers: Arc<Mutex<Vec<TcpStream>>> = Arc::default();
    let published = Arc::new(AtomicUsize::new(0));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (subscribers, published) = (Arc::clone(&subscribers), Arc::clone(&published));
            std::thread::spawn(move || {
                let _ = server.answer(stream, &subscribers, &published);
            });
        }
    });
    Ok(url)
}

/// The start line of a request and its body; `None` at the end of the connection.
fn request(reader: &mut BufReader<TcpStream>) -> Result<Option<(String, String)>> {
    let mut start = String::new();
    if reader.read_line(&mut start)? == 0 {
        return Ok(None);
    }
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? <= 2 {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Some((start, String::from_utf8(body)?)))
}

impl Server {
    fn answer(
        self,
        mut stream: TcpStream,
        subscribers: &Mutex<Vec<TcpStream>>,
        published: &AtomicUsize,
    ) -> Result {
        let mut reader = BufReader::new(stream.try_clone()?);
        while let Some((start, body)) = request(&mut reader)? {
            let mut subscribers = subscribers.lock().map_err(|_| "poisoned")?;
            if start.starts_with("POST") {
                let events = (self.mangle)(published.fetch_add(1, Ordering::Relaxed), &body);
                for subscriber in subscribers.iter_mut() {
                    let _ = subscriber.write_all(events.as_bytes());
                }
                stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n")?;
            } else if subscribers.len() < self.places {
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")?;
                subscribers.push(stream.try_clone()?);
            } else {
                stream.write_all(b"HTTP/1.1 503 Full\r\nContent-Length: 0\r\n\r\n")?;
            }
        }
        Ok(())
    }
}

const PROFILE: &str = r#"
[sse]
path = "/events"
[publish]
request = "POST /publish"
body = "{data}"
"#;

async fn mangled(mangle: fn(usize, &str) -> String) -> Result<Measurement> {
    let profile = Profile::parse("pushspec.toml", PROFILE)?;
    let options = Options { clients: 5, wait: Duration::from_secs(5), ..options(Technique::Sse) };
    Ok(measure(&server(Server { places: 5, mangle })?, profile, options).await?)
}

fn event(data: &str) -> String {
    format!("data: {data}\n\n")
}

#[tokio::test]
async fn a_message_that_is_dropped_is_lost_at_every_client() -> Result {
    let messages =
        mangled(|number, data| if number == 3 { String::new() } else { event(data) }).await?.messages;
    assert_eq!((messages.expected, messages.delivered, messages.lost), (60, 55, 5));
    assert_eq!((messages.doubled, messages.out_of_order), (Some(0), 0));
    Ok(())
}

#[tokio::test]
async fn a_message_that_comes_twice_is_doubled() -> Result {
    let twice = |number, data: &str| if number == 3 { event(data).repeat(2) } else { event(data) };
    let messages = mangled(twice).await?.messages;
    assert_eq!((messages.lost, messages.doubled, messages.out_of_order), (0, Some(5), 0));
    Ok(())
}

#[tokio::test]
async fn a_message_behind_a_later_one_is_out_of_order() -> Result {
    // Message 3 is kept back until message 4 is published; data ends with the number.
    let late = |number, data: &str| match number {
        3 => String::new(),
        // The name of the run may have the same characters.
        4 => event(data) + &event(&format!("{}-3", data.trim_end_matches("-4"))),
        _ => event(data),
    };
    let messages = mangled(late).await?.messages;
    assert_eq!((messages.lost, messages.doubled, messages.out_of_order), (0, Some(0), 5));
    Ok(())
}

#[tokio::test]
async fn clients_that_are_turned_away_are_counted_with_the_reason() -> Result {
    let url = server(Server { places: 3, mangle: |_, data| event(data) })?;
    let measured = measure(&url, Profile::parse("pushspec.toml", PROFILE)?, options(Technique::Sse)).await?;
    assert_eq!((measured.clients.opened, measured.clients.held), (3, 3), "{measured:?}");
    let [ended] = &measured.clients.ended[..] else { return Err(format!("{measured:?}").into()) };
    assert_eq!((ended.why.as_str(), ended.clients), ("the response was 503", 37));
    assert_eq!((measured.messages.expected, measured.messages.lost), (36, 0), "{measured:?}");
    Ok(())
}

/// The program, in an empty folder.
fn pushspec(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pushspec"));
    command.args(arguments).current_dir(folder).stdin(Stdio::null());
    command
}

#[track_caller]
fn assert_exit(output: &Output, code: i32, words: &str) {
    let text = [&output.stdout[..], &output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    assert_eq!(output.status.code(), Some(code), "{text}");
    assert!(text.contains(words), "{text}");
}

#[tokio::test]
async fn each_client_waits_in_a_session_of_its_own() -> Result {
    let server = Reference::start(Config::default()).await?;
    let url = format!("http://{}", server.address());
    // A heartbeat that is no time is refused.
    let profile = "[[session.request]]\nrequest = \"POST /publish/opened\"\nbody = '{\"data\": \"\"}'\n\
        content-type = \"application/json\"\ntake = { number = \"/cursor\" }\n\
        [sse]\npath = \"/sse/{channel}?heartbeat={session.number}000ms\"\n\
        [publish]\nrequest = \"POST /publish/{channel}\"\ncontent-type = \"application/json\"\n\
        body = '{\"data\": {data}}'\nencoding = \"json\"\n";
    let options = Options { clients: 5, messages: 3, ..options(Technique::Sse) };
    let measured = measure(&url, Profile::parse("pushspec.toml", profile)?, options).await?;
    assert_eq!((measured.clients.held, measured.messages.delivered), (5, 15), "{measured:?}");
    server.shutdown().await;
    Ok(())
}

#[test]
fn a_threshold_that_is_exceeded_exits_with_1() -> Result {
    let folder = TempDir::new()?;
    // A poll is answered half an interval after the publication, on average.
    let arguments =
        "load -t polling --interval 200ms --clients 5 --messages 2 --rate 5 --wait 30 --max-lost 0";
    for (threshold, code, words) in
        [("3600", 0, "0 lost"), ("1ms", 1, "--max-p99 allows 1.0 ms"), ("soon", 2, "`soon` is not a time")]
    {
        let arguments = format!("{arguments} --max-p99 {threshold}");
        let output = pushspec(folder.path(), &arguments.split(' ').collect::<Vec<_>>()).output()?;
        assert_exit(&output, code, words);
    }
    Ok(())
}

#[test]
fn without_a_url_a_reference_server_of_its_own_is_measured_with_its_memory() -> Result {
    let folder = TempDir::new()?;
    let arguments = "load -t long-polling --clients 20 --messages 3 --rate 20 --wait 30s --format json";
    let output = pushspec(folder.path(), &arguments.split(' ').collect::<Vec<_>>()).output()?;
    assert_exit(&output, 0, "pushspec-load/1");
    let report: Value = serde_json::from_slice(&output.stdout)?;
    for (place, expected) in [
        ("/technique", Value::from("long-polling")),
        ("/interrupted", false.into()),
        ("/clients/asked", 20.into()),
        ("/clients/opened", 20.into()),
        ("/clients/held", 20.into()),
        ("/clients/ended", Value::Array(vec![])),
        ("/messages/asked", 3.into()),
        ("/messages/published", 3.into()),
        ("/messages/failed", 0.into()),
        ("/messages/error", Value::Null),
        ("/messages/rate", 20.0.into()),
        ("/messages/expected", 60.into()),
        ("/messages/delivered", 60.into()),
        ("/messages/lost", 0.into()),
        ("/messages/doubled", 0.into()),
        ("/messages/out_of_order", 0.into()),
    ] {
        assert_eq!(report.pointer(place), Some(&expected), "{place}");
    }
    for place in ["/opening_ms", "/publishing_ms", "/latency_ms/p50", "/latency_ms/p99", "/latency_ms/max"] {
        assert!(report.pointer(place).and_then(Value::as_f64).is_some_and(|time| time > 0.0), "{place}");
    }
    if cfg!(target_os = "linux") {
        for place in ["/memory/pid", "/memory/before", "/memory/held", "/memory/after"] {
            assert!(report.pointer(place).and_then(Value::as_u64).is_some_and(|size| size > 0), "{place}");
        }
    }
    Ok(())
}

#[test]
fn what_cannot_be_measured_exits_with_2_or_3_and_says_why() -> Result {
    let folder = TempDir::new()?;
    std::fs::write(folder.path().join("silent.toml"), "[sse]\npath = \"/events\"\n")?;
    std::fs::write(
        folder.path().join("elsewhere.toml"),
        "[sse]\npath = \"/nowhere\"\n[long-polling]\npath = \"/nowhere\"\n[publish]\nrequest = \"POST /nowhere\"\nbody = \"{data}\"\n",
    )?;
    std::fs::write(
        folder.path().join("mute.toml"),
        "[sse]\npath = \"/sse/a\"\n[publish]\nrequest = \"POST /nowhere\"\nbody = \"{data}\"\n",
    )?;
    let runtime = tokio::runtime::Runtime::new()?;
    let server = runtime.block_on(Reference::start(Config::default()))?;
    let url = format!("http://{}", server.address());
    let closed = format!("http://{}", TcpListener::bind("127.0.0.1:0")?.local_addr()?);
    for (arguments, code, words) in [
        (format!("{url} --clients 5"), 2, "--technique"),
        (format!("{url} -t smoke"), 2, "long-polling"),
        (format!("{url} -t sse --clients 0"), 2, "--clients"),
        (format!("{url} -t sse --rate 0"), 2, "--rate"),
        (format!("{url} -t sse --wait soon"), 2, "300ms"),
        (format!("{url} -t sse --profile silent.toml"), 2, "[publish]"),
        (format!("{url} -t websocket --profile silent.toml"), 2, "[websocket]"),
        (format!("{url} -t sse --profile mute.toml --pid 4294967295"), 2, "process 4294967295"),
        (format!("{url} -t sse --profile missing.toml"), 2, "missing.toml"),
        (format!("{url}/events -t sse"), 2, "remove `/events` from the URL"),
        (format!("{url} -t sse"), 2, "nothing says which technique"),
        (format!("{closed} -t sse --profile mute.toml"), 3, "is not reachable"),
        (format!("{url} -t sse --profile elsewhere.toml"), 3, "no sse at /nowhere: the response was 404"),
        (format!("{url} -t long-polling --profile elsewhere.toml"), 3, "the response was 404"),
        (
            format!("{url} -t sse --profile mute.toml --messages 1"),
            3,
            "the response to POST /nowhere was 404",
        ),
    ] {
        let arguments = [&["load"], &arguments.split(' ').collect::<Vec<_>>()[..]].concat();
        assert_exit(&pushspec(folder.path(), &arguments).output()?, code, words);
    }
    runtime.block_on(server.shutdown());
    Ok(())
}

#[test]
#[cfg(unix)]
fn more_clients_than_open_files_exit_with_2_and_name_the_limit() -> Result {
    let folder = TempDir::new()?;
    let program = env!("CARGO_BIN_EXE_pushspec");
    let output = Command::new("sh")
        .args(["-c", &format!("ulimit -n 128 && exec '{program}' load -t sse --clients 100")])
        .current_dir(folder.path())
        .output()?;
    assert_exit(&output, 2, "100 clients need 164 open files, and this process may open 128");
    Ok(())
}

#[test]
#[cfg(unix)]
fn an_interrupt_ends_it_with_what_was_measured() -> Result {
    let folder = TempDir::new()?;
    let server = tokio::runtime::Runtime::new()?;
    let reference = server.block_on(Reference::start(Config::default()))?;
    let url = format!("http://{}", reference.address());
    std::fs::write(folder.path().join("pushspec.toml"), pushspec_fixtures::REFERENCE_PROFILE)?;
    let arguments =
        ["load", &url, "-t", "sse", "--clients", "10", "--messages", "1000", "--rate", "20", "-f", "json"];
    let running =
        pushspec(folder.path(), &arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    std::thread::sleep(Duration::from_secs(3));
    Command::new("kill").args(["-INT", &running.id().to_string()]).status()?;
    let output = running.wait_with_output()?;
    assert_exit(&output, 0, "\"interrupted\": true");
    let report: Value = serde_json::from_slice(&output.stdout)?;
    let messages = &report["messages"];
    assert!(messages["published"].as_u64().is_some_and(|count| (1..1000).contains(&count)), "{report}");
    assert_eq!(messages["lost"], 0, "{report}");
    server.block_on(reference.shutdown());
    Ok(())
}

/// The processes that a process has started and that are there.
#[cfg(target_os = "linux")]
fn children(process: u32) -> Vec<u32> {
    let listed = std::fs::read_to_string(format!("/proc/{process}/task/{process}/children"));
    listed.unwrap_or_default().split_whitespace().filter_map(|id| id.parse().ok()).collect()
}

#[test]
#[cfg(target_os = "linux")]
fn the_server_of_a_measurement_ends_with_it_however_that_ends() -> Result {
    for (signal, code) in [("-TERM", Some(143)), ("-HUP", Some(129)), ("-KILL", None)] {
        let folder = TempDir::new()?;
        let arguments = ["load", "-t", "sse", "--clients", "5", "--messages", "1000", "--rate", "5"];
        let mut program =
            pushspec(folder.path(), &arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let is_there = |id: u32| Path::new(&format!("/proc/{id}/cmdline")).exists();
        let started = until(|| children(program.id()).first().copied());
        std::thread::sleep(Duration::from_secs(1));
        Command::new("kill").args([signal, &program.id().to_string()]).status()?;
        let status = program.wait()?;
        let server = started.ok_or("no server was started")?;
        assert_eq!(status.code(), code, "{signal}");
        assert!(until(|| (!is_there(server)).then_some(())).is_some(), "{signal}: the server runs on");
    }
    Ok(())
}

/// What is there at last; nothing where it does not come.
#[cfg(target_os = "linux")]
fn until<T>(look: impl Fn() -> Option<T>) -> Option<T> {
    (0..1000).find_map(|_| {
        std::thread::sleep(Duration::from_millis(20));
        look()
    })
}
