//! What a run makes of servers that are wrong, slow or small: no case waits for the place of another one.

mod servers;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use pushspec::drive::schedule::Options;
use pushspec::judge::Verdict;
use pushspec::outcome::{CaseOutcome, Outcome};
use pushspec::profile::{Profile, Target};
use pushspec::report::stored::Report;
use pushspec::suite::{Pattern, Suite};
use servers::Habit;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

const ECHO: &str = "[websocket]\npath = \"/\"\nbinary = true\nreply = \"{message}\"\n";

async fn judge(listener: &TcpListener, profile: &str, options: Options, select: &[&str]) -> Result<Outcome> {
    let profile = Profile::parse("pushspec.toml", profile)?;
    let target = Target::new(&format!("http://{}", listener.local_addr()?), profile)?;
    let select = select.iter().map(|pattern| Pattern::new(pattern)).collect();
    Ok(Suite::embedded()?.run(&Arc::new(target), &Options { select, ..options }).await?)
}

async fn judge_habit(habit: Habit, jobs: usize, select: &[&str]) -> Result<Outcome> {
    let listener = Arc::new(TcpListener::bind("127.0.0.1:0").await?);
    let serving = tokio::spawn(servers::serve(Arc::clone(&listener), habit));
    let outcome = judge(&listener, ECHO, Options { jobs, ..Options::default() }, select).await;
    serving.abort();
    outcome
}

#[tokio::test]
async fn cases_that_wait_for_an_end_wait_side_by_side_with_one_job() -> Result {
    let outcome = judge_habit(Habit::Tutorial, 1, &["websocket/7.4-close-codes"]).await?;
    let long: Vec<Duration> =
        outcome.cases.iter().map(|case| case.duration).filter(|time| time.as_secs() >= 5).collect();
    assert!(long.len() > 4, "{long:?}");
    let total: Duration = long.iter().sum();
    // One after the other they take the total, and twice that where they are run again.
    assert!(outcome.duration < total * 2 / 3, "{:?} of {total:?}", outcome.duration);
    Ok(())
}

#[tokio::test]
async fn a_server_that_says_nothing_is_no_different_with_many_jobs() -> Result {
    let verdicts = |outcome: &Outcome| -> Vec<(String, Verdict)> {
        outcome.cases.iter().map(|case| (case.case.id.clone(), case.verdict)).collect()
    };
    let select = ["websocket/5.5-control-frames"];
    let (few, many) =
        tokio::join!(judge_habit(Habit::Silent, 1, &select), judge_habit(Habit::Silent, 64, &select));
    let few = few?;
    assert!(few.cases.iter().any(|case| case.verdict == Verdict::Fail), "{:?}", few.counts());
    assert_eq!(verdicts(&few), verdicts(&many?));
    Ok(())
}

#[tokio::test]
async fn a_server_that_falls_silent_is_gone_and_nobody_is_accused_for_it() -> Result {
    let outcome =
        judge_habit(Habit::BlackHole, 4, &["websocket/8.1-utf-8", "websocket/4.2.2-servers-answer"]).await?;
    assert!(matches!(&outcome.ending, Some(pushspec::outcome::Ending::Gone { .. })), "{:?}", outcome.ending);
    let silent = |case: &&pushspec::outcome::CaseOutcome| {
        case.findings.iter().any(|finding| finding.received.starts_with("nothing within 8s"))
    };
    let accused: Vec<&str> = outcome.cases.iter().filter(silent).map(|case| case.case.id.as_str()).collect();
    assert!(accused.is_empty(), "{accused:?}");
    Ok(())
}

/// Judges a server of one thread by two cases, of which the second one keeps it busy.
async fn judge_beside_work(text: &str) -> Result<(Outcome, Vec<String>)> {
    let folder = tempfile::tempdir()?;
    let page = format!(
        "# A page\n\n## light\n\nWhy.\n\n```toml\ncovers = [\"rfc6455/6.2/message-delivered\"]\n```\n\n```wire\nopen websocket\n> [text \"{text}\"]\nwithin 3s\n< reply \"light\"\n```\n\n## heavy\n\nWhy.\n\n```toml\ncovers = [\"rfc6455/6.2/message-delivered\"]\nheavy = true\n```\n\n```wire\nopen websocket\n> [text \"{}\"]\nwithin 20s\n< reply \"{}\"\n```\n",
        servers::WORK,
        servers::WORK
    );
    std::fs::create_dir(folder.path().join("websocket"))?;
    std::fs::write(folder.path().join("websocket/page.md"), page)?;
    let listener = Arc::new(TcpListener::bind("127.0.0.1:0").await?);
    let target =
        Target::new(&format!("http://{}", listener.local_addr()?), Profile::parse("pushspec.toml", ECHO)?)?;
    let serving = tokio::spawn(servers::serve(listener, Habit::OneThread));
    let mut order = Vec::new();
    let note = |outcome: &CaseOutcome| order.push(outcome.case.id.clone());
    let suite = Suite::from_folder(folder.path())?;
    let outcome = suite.run_with(&Arc::new(target), &Options::default(), note).await;
    serving.abort();
    Ok((outcome?, order))
}

#[tokio::test]
async fn what_is_missed_beside_a_case_that_keeps_the_server_busy_is_not_held_against_it() -> Result {
    let (outcome, order) = judge_beside_work("light").await?;
    let told: Vec<_> = outcome.cases.iter().map(|case| (case.verdict, case.is_flaky)).collect();
    assert_eq!(told, [(Verdict::Pass, false); 2], "{:?}", outcome.cases);
    assert_eq!(order, ["websocket/page/heavy", "websocket/page/light"], "the one began beside the other");
    Ok(())
}

#[tokio::test]
async fn what_is_missed_without_it_as_well_is_a_failure() -> Result {
    let (outcome, _) = judge_beside_work("another").await?;
    let told: Vec<_> = outcome.cases.iter().map(|case| (case.verdict, case.is_flaky)).collect();
    assert_eq!(told, [(Verdict::Fail, false), (Verdict::Pass, false)], "{:?}", outcome.cases);
    Ok(())
}

const STREAM: &str = "[sse]\npath = \"/events/{channel}\"\n[publish]\nrequest = \"POST /publish/{channel}\"\nbody = \"{data}\"\n";

/// An answer to a publication, and how many publications arrive before it is given.
#[derive(Debug, Clone, Copy)]
struct Publication {
    arrive: usize,
    answer: &'static str,
}

const PUBLISHED: &str = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

/// Streams without end on one path, and publications on the other. `at_once` connections are served.
async fn stream(listener: Arc<TcpListener>, publication: Publication, at_once: usize) {
    let workers = Arc::new(tokio::sync::Semaphore::new(at_once));
    let (news, _) = broadcast::channel::<(String, String)>(1000);
    let arrived = Arc::new(AtomicUsize::new(0));
    while let Ok((stream, _)) = listener.accept().await {
        let Ok(worker) = Arc::clone(&workers).acquire_owned().await else { break };
        let (news, arrived) = (news.clone(), Arc::clone(&arrived));
        tokio::spawn(async move {
            let _worker = worker;
            let _ = answer(stream, publication, &news, &arrived).await;
        });
    }
}

async fn answer(
    mut stream: TcpStream,
    publication: Publication,
    news: &broadcast::Sender<(String, String)>,
    arrived: &AtomicUsize,
) -> std::io::Result<()> {
    let mut buffer = [0; 4096];
    let length = stream.read(&mut buffer).await?;
    let request = String::from_utf8_lossy(&buffer[..length]).into_owned();
    let channel = request.split([' ', '/']).nth(3).unwrap_or_default();
    if !request.starts_with("GET /events") {
        let text = request.split_once("\r\n\r\n").map(|(_head, body)| body).unwrap_or_default();
        let is_told = arrived.fetch_add(1, Ordering::SeqCst) < publication.arrive;
        if is_told {
            let _ = news.send((channel.to_owned(), text.to_owned()));
        }
        return stream.write_all(if is_told { PUBLISHED } else { publication.answer }.as_bytes()).await;
    }
    let mut news = news.subscribe();
    stream.write_all(b"HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n:\n\n").await?;
    loop {
        tokio::select! {
            read = stream.read(&mut buffer) => if read? == 0 { return Ok(()) },
            told = news.recv() => match told {
                Ok((to, text)) if to == channel => {
                    let lines: String = text.split('\n').map(|line| format!("data: {line}\n")).collect();
                    stream.write_all(format!("{lines}\n").as_bytes()).await?;
                }
                Ok(_) => {}
                Err(_) => return Ok(()),
            },
        }
    }
}

async fn judge_stream(publication: Publication, at_once: usize, select: &[&str]) -> Result<Outcome> {
    let listener = Arc::new(TcpListener::bind("127.0.0.1:0").await?);
    let serving = tokio::spawn(stream(Arc::clone(&listener), publication, at_once));
    let options = Options { jobs: 2, ..Options::default() };
    let outcome = judge(&listener, STREAM, options, select).await;
    serving.abort();
    outcome
}

const BROKEN: &str = "HTTP/1.1 500 Internal Server Error\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

const EVENTS: [&str; 2] = ["sse/9.2.5-parsing-an-event-stream", "sse/9.2.6-interpreting-an-event-stream"];

#[tokio::test]
async fn what_rests_on_publications_is_skipped_where_the_first_one_fails() -> Result {
    let outcome = judge_stream(Publication { arrive: 0, answer: BROKEN }, 1000, &EVENTS).await?;
    assert_eq!(outcome.counts().of(Verdict::Error), 1, "{:?}", outcome.counts());
    assert_eq!(outcome.counts().of(Verdict::Fail), 0, "{:?}", outcome.counts());
    assert!(outcome.counts().of(Verdict::Skip) > 50, "{:?}", outcome.counts());
    Ok(())
}

#[tokio::test]
async fn a_broken_publication_is_told_in_three_cases_and_not_in_all() -> Result {
    let outcome = judge_stream(Publication { arrive: 10, answer: BROKEN }, 1000, &EVENTS).await?;
    assert_eq!(outcome.counts().of(Verdict::Error), 3, "{:?}", outcome.counts());
    let reason = "publishing failed in three cases in a row: the response to POST /publish/{channel} was 500";
    let skipped = outcome.cases.iter().filter(|case| case.reason.as_deref() == Some(reason)).count();
    assert!(skipped > 3, "{:?}", outcome.counts());
    assert_eq!(outcome.counts().of(Verdict::Fail), 0, "{:?}", outcome.counts());
    Ok(())
}

#[tokio::test]
async fn a_server_with_one_worker_is_asked_for_one_connection_at_a_time() -> Result {
    let outcome = judge_stream(
        Publication { arrive: usize::MAX, answer: BROKEN },
        1,
        &["sse/17.6-text-event-stream", "sse/9110-9.3-methods", "sse/9.2.3-processing-model"],
    )
    .await?;
    assert_eq!(outcome.serves_at_once, Some(1));
    let note = "the server serves 1 connection at once: no more are open, and what needs more is skipped";
    assert_eq!(Report::new(&outcome, false).notes, [note]);
    let reason = "it needs 2 connections at once, and the server serves 1";
    let skipped: Vec<_> =
        outcome.cases.iter().filter(|case| case.reason.as_deref() == Some(reason)).collect();
    assert!(!skipped.is_empty(), "{:?}", outcome.counts());
    assert!(outcome.counts().of(Verdict::Pass) > 0, "{:?}", outcome.counts());
    assert_eq!(outcome.counts().of(Verdict::Error), 0);
    Ok(())
}

const POLLS: &str = "[long-polling]\npath = \"/poll/{channel}\"\nhold = \"60s\"\n[publish]\nrequest = \"POST /publish/{channel}\"\nbody = \"{data}\"\n";

/// What a publication waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waits {
    /// Until no poll is held.
    ForPolls,
    /// For a time of its own, whatever else there is.
    Always(Duration),
}

/// Holds polls until their clients go, one at a time under a lock.
async fn polls(listener: Arc<TcpListener>, waits: Waits) {
    let lock = Arc::new(tokio::sync::Mutex::new(()));
    while let Ok((mut stream, _)) = listener.accept().await {
        let lock = Arc::clone(&lock);
        tokio::spawn(async move {
            let mut buffer = [0; 4096];
            let length = stream.read(&mut buffer).await.unwrap_or_default();
            if buffer[..length].starts_with(b"GET /poll") {
                let held = async {
                    let _held = lock.lock().await;
                    std::future::pending::<()>().await;
                };
                tokio::select! {
                    _ = stream.read(&mut buffer) => return,
                    () = held => return,
                }
            }
            if buffer[..length].starts_with(b"POST /publish") {
                match waits {
                    Waits::ForPolls => drop(lock.lock().await),
                    Waits::Always(time) => tokio::time::sleep(time).await,
                }
            }
            let _ = stream.write_all(PUBLISHED.as_bytes()).await;
        });
    }
}

async fn judge_polls(waits: Waits) -> Result<Outcome> {
    let listener = Arc::new(TcpListener::bind("127.0.0.1:0").await?);
    let serving = tokio::spawn(polls(Arc::clone(&listener), waits));
    // The times of a publication are a quarter of what they are: a poll is given up after three seconds.
    let options = Options { patience: 0.25, ..Options::default() };
    let outcome = judge(&listener, POLLS, options, &["long-polling/6202-2.1-long-polling"]).await;
    serving.abort();
    outcome
}

#[tokio::test]
async fn a_held_poll_that_blocks_the_publisher_is_a_finding_and_no_error() -> Result {
    let outcome = judge_polls(Waits::ForPolls).await?;
    let found: Vec<&str> = outcome.findings().iter().map(|(_, finding)| finding.clause.as_str()).collect();
    assert_eq!(found, ["rfc6202/5.3/held-polls-block-nobody"]);
    assert_eq!(outcome.counts().of(Verdict::Error), 0, "{:?}", outcome.counts());
    assert!(outcome.counts().of(Verdict::Skip) > 5, "{:?}", outcome.counts());
    assert!(outcome.unjudged.contains_key("long-polling"), "{:?}", outcome.unjudged);
    Ok(())
}

#[tokio::test]
async fn a_recipe_that_is_always_slow_has_waited_for_no_poll() -> Result {
    let outcome = judge_polls(Waits::Always(Duration::from_secs(4))).await?;
    assert_eq!(outcome.counts().of(Verdict::Error), 1, "{:?}", outcome.counts());
    assert!(outcome.findings().is_empty(), "{:?}", outcome.findings());
    Ok(())
}

/// Streams, and writes each publication to one listener after the other before it goes on, whoever takes nothing.
async fn one_after_the_other(listener: Arc<TcpListener>) {
    type Listener = (String, Arc<tokio::sync::Mutex<tokio::net::tcp::OwnedWriteHalf>>);
    let listeners = Arc::new(std::sync::Mutex::new(Vec::<Listener>::new()));
    let publishing = Arc::new(tokio::sync::Mutex::new(()));
    while let Ok((stream, _)) = listener.accept().await {
        let (listeners, publishing) = (Arc::clone(&listeners), Arc::clone(&publishing));
        tokio::spawn(async move {
            let (mut reading, mut writing) = stream.into_split();
            let mut request = Vec::new();
            let mut buffer = vec![0; 64 * 1024];
            let (head, length) = loop {
                match reading.read(&mut buffer).await {
                    Ok(length @ 1..) => request.extend_from_slice(&buffer[..length]),
                    _ => return,
                }
                let text = String::from_utf8_lossy(&request).into_owned();
                let Some((head, _)) = text.split_once("\r\n\r\n") else { continue };
                let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
                let length = length.and_then(|length| length.parse().ok()).unwrap_or(0);
                if request.len() >= head.len() + 4 + length {
                    break (head.to_owned(), head.len() + 4);
                }
            };
            let channel = head.split([' ', '/']).nth(3).unwrap_or_default().to_owned();
            if head.starts_with("GET /events") {
                let opened = b"HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n:\n\n";
                let _ = writing.write_all(opened).await;
                let writing = Arc::new(tokio::sync::Mutex::new(writing));
                if let Ok(mut listeners) = listeners.lock() {
                    listeners.push((channel, writing));
                }
                while reading.read(&mut buffer).await.is_ok_and(|length| length > 0) {}
                return;
            }
            if !head.starts_with("POST /publish") {
                let _ = writing.write_all(PUBLISHED.as_bytes()).await;
                return;
            }
            let _publishing = publishing.lock().await;
            let told: Vec<Listener> = listeners.lock().map(|listeners| listeners.clone()).unwrap_or_default();
            let event = [b"data: ", &request[length..], b"\n\n"].concat();
            for (_, listener) in told.iter().filter(|(to, _)| *to == channel) {
                let _ = listener.lock().await.write_all(&event).await;
            }
            let _ = writing.write_all(PUBLISHED.as_bytes()).await;
        });
    }
}

#[tokio::test]
async fn a_listener_that_blocks_the_publisher_is_a_finding_and_no_error() -> Result {
    let listener = Arc::new(TcpListener::bind("127.0.0.1:0").await?);
    let serving = tokio::spawn(one_after_the_other(Arc::clone(&listener)));
    let outcome = judge(&listener, STREAM, Options::default(), &["sse/9.2.3-processing-model"]).await?;
    serving.abort();
    let found: Vec<&str> = outcome.findings().iter().map(|(_, finding)| finding.clause.as_str()).collect();
    assert!(found.contains(&"html-sse/9.2.3/slow-readers"), "{found:?}");
    let errors = outcome.cases.iter().filter(|case| case.verdict == Verdict::Error);
    let errors: Vec<_> = errors.map(|case| (case.case.id.as_str(), case.reason.as_deref())).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    Ok(())
}
