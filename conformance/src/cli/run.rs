//! `pushspec run`

use std::fs;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;
use std::sync::Arc;

use indicatif::{ProgressBar, ProgressStyle};
use pushspec_reference::{Config, Identity, Server};

use super::error::UNREACHABLE;
use super::{CliError, Format, PathArguments, RunArguments, note, signals};
use crate::drive::schedule::{Options, RunError, reach};
use crate::judge::{Verdict, lacking, needs};
use crate::mistake::{PageError, PageErrors, Wrong};
use crate::outcome::{Ending, Outcome};
use crate::profile::event_stream::EventStream;
use crate::profile::iframe::Iframe;
use crate::profile::poll::{LongPolling, Polling};
use crate::profile::websocket::WebSocket;
use crate::profile::{CAPABILITIES, Profile, ProfileError, TECHNIQUES, Target, UrlError, websocket_path};
use crate::report::terminal::{Detail, Invocation};
use crate::report::{self, json, junit, terminal};
use crate::suite::{Pattern, Suite};
use pushspec_faults::{self as fault, Relay};

/// The profile that is read where none is named.
const PROFILE: &str = "pushspec.toml";

/// What is said where the target is not known to be laid out like the reference server, and judged as if it were.
pub(super) const ASSUMED: &str = "no profile: assuming the paths of the reference server; name your own with --profile FILE, --sse PATH or a similar option";

pub(super) async fn run(arguments: &RunArguments) -> Result<u8, CliError> {
    // Whatever turns out to be wrong below: what lies there is never the verdict of another run.
    let _ = report::remove(&arguments.report_dir);
    check_patterns("--select", &arguments.select)?;
    check_patterns("--exclude", &arguments.exclude)?;
    let suite = arguments.fixtures.suite()?;
    let profile = profile(arguments)?;
    let url = profile.url(arguments.url.as_ref())?;
    // Held to the end: dropping the server ends it.
    let reference = if url.is_none() { Some(BuiltIn::start(arguments).await?) } else { None };
    let url = url.or_else(|| reference.as_ref().map(BuiltIn::url)).unwrap_or_default();
    let assumed = profile.assumed && arguments.url.is_some();
    let mut target = target(arguments, &url, profile)?;
    target.tls = arguments.tls.tls(reference.as_ref().and_then(|built_in| built_in.identity.as_ref()))?;
    if !TECHNIQUES.iter().any(|technique| target.can(technique)) {
        let why = "the profile has no technique: add one of the tables [polling], [long-polling], [iframe], [sse] and [websocket]";
        return Err(CliError::Usage(why.into()));
    }
    let relay = relay(arguments, &target).await?;
    if let Some(relay) = &relay {
        target.host = relay.address().ip().to_string();
        target.port = relay.address().port();
        target.default_port = false;
    }
    let is_told = arguments.quiet == 0 && arguments.format == Format::Text;
    let notes = [reference.is_some().then(|| built_in(arguments)), assumed.then_some(ASSUMED)];
    notes.into_iter().flatten().filter(|_| is_told).for_each(note);
    without_effect(&suite, &target).iter().filter(|_| is_told).for_each(|what| note(what));
    // A folder that cannot be written to is known before the run, not after it.
    report::prepare(&arguments.report_dir)?;
    let (outcome, signal) = judge(arguments, &suite, target).await?;
    // A fault shows that the suite sees it, at whatever level.
    let strict = arguments.strict || arguments.fault.is_some();
    let words = reported_arguments(arguments);
    let report = report::Report { arguments: &words, ..report::Report::new(&suite, &outcome, strict) };
    report.write(&arguments.report_dir)?;
    let invocation = Invocation {
        arguments: rerun_arguments(arguments),
        exclude: arguments.exclude.clone(),
        fault: arguments.fault.clone(),
        note: assumed.then(|| ASSUMED.to_owned()),
        built_in: reference.is_some(),
    };
    match print(arguments, &report, invocation) {
        // Who reads the output has seen enough, as with `| head`: the verdict is the same.
        Err(CliError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {}
        printed => printed?,
    }
    if let Some(built_in) = reference {
        built_in.server.shutdown().await;
    }
    let seen = arguments.fault.is_some() && !outcome.findings().is_empty();
    Ok(signal.unwrap_or(if seen { 1 } else { exit_code(&outcome, strict) }))
}

/// The reference server that is judged where no other is named.
struct BuiltIn {
    server: Server,
    /// What it shows to clients, where it speaks TLS.
    identity: Option<Identity>,
}

impl BuiltIn {
    async fn start(arguments: &RunArguments) -> Result<BuiltIn, CliError> {
        let failed = |why: String| CliError::Reference(why);
        let made = || Identity::made().map_err(|error| failed(error.to_string()));
        let identity = arguments.tls.tls.then(made).transpose()?;
        let config = Config { tls: identity.clone(), ..Config::default() };
        // On a slow machine a request in single bytes takes its time.
        let header_timeout = config.header_timeout.mul_f64(arguments.patience.max(1.0));
        let config = Config { header_timeout, ..config };
        let server = Server::start(config).await.map_err(|error| failed(error.to_string()))?;
        Ok(BuiltIn { server, identity })
    }

    fn url(&self) -> String {
        let scheme = if self.identity.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.server.address())
    }
}

/// What is said where no server of the user's own is judged.
fn built_in(arguments: &RunArguments) -> &'static str {
    if arguments.profile.is_none() && Path::new(PROFILE).exists() {
        "no URL, and no `url` in ./pushspec.toml: judging the built-in reference server"
    } else {
        "no URL: judging the built-in reference server"
    }
}

/// What a profile says of a server beyond its paths.
const SAID: [&str; 6] =
    ["polling.validator", "sse.resume", "sse.ending", "sse.gone", "sse.moved", "sse.checkpoints"];

/// What the profile says and no case looks at, since each of those that would needs something else, too.
fn without_effect(suite: &Suite, target: &Target) -> Vec<String> {
    let said = CAPABILITIES.iter().filter(|(name, _)| SAID.contains(name) && target.can(name));
    let note = |(name, key): &(&str, &str)| {
        let mut lacking =
            suite.cases.iter().filter(|case| needs(case).contains(*name)).map(|case| lacking(case, target));
        let first = lacking.next()??;
        lacking.all(|why| why.is_some()).then(|| format!("no case judges {key}: {first}"))
    };
    said.filter_map(note).collect()
}

/// Without a `--` between them the list of patterns takes the URL in.
fn check_patterns(flag: &str, patterns: &[String]) -> Result<(), CliError> {
    match patterns.iter().find(|pattern| pattern.contains("://")) {
        Some(url) => Err(CliError::Usage(format!(
            "`{url}` is a URL and not a pattern: put it before {flag}, as in `pushspec run {url} {flag} websocket`"
        ))),
        None => Ok(()),
    }
}

fn exit_code(outcome: &Outcome, strict: bool) -> u8 {
    if matches!(outcome.ending, Some(Ending::Gone { .. })) {
        return UNREACHABLE;
    }
    let counts = outcome.counts();
    if outcome.judged() == 0 && counts.of(Verdict::Fail) + counts.of(Verdict::Error) == 0 {
        return 4;
    }
    u8::from(!outcome.is_conformant(strict))
}

/// A profile, and where it comes from.
pub(super) struct ChosenProfile {
    pub(super) profile: Profile,
    /// Nothing said where the techniques are: the paths of the reference server are tried.
    pub(super) assumed: bool,
    /// It is laid out for the reference server, which therefore can be judged by it.
    reference: bool,
}

impl ChosenProfile {
    /// One that is made for a server of the user's own.
    fn of_a_target(profile: Profile) -> ChosenProfile {
        ChosenProfile { profile, assumed: false, reference: false }
    }

    /// The URL that is named, or that of the profile; `None` for the built-in reference server.
    pub(super) fn url(&self, named: Option<&String>) -> Result<Option<String>, CliError> {
        let url = named.or(self.profile.url.as_ref()).cloned();
        if url.is_none() && !self.reference {
            let why = "there is a path but no URL: put the URL after the command, or put `url = \"…\"` into the profile";
            return Err(CliError::Usage(why.into()));
        }
        Ok(url)
    }
}

/// The target at a URL, with its profile.
fn target(arguments: &RunArguments, url: &str, chosen: ChosenProfile) -> Result<Target, CliError> {
    let assumed = chosen.assumed;
    Target::new(url, chosen.profile).map_err(|error| match error {
        UrlError::Path { path, .. } if !assumed => {
            let what = named_paths(&arguments.paths).next();
            let says = what.map_or("the profile has the path of each technique".to_owned(), |(flag, _)| {
                format!("--{flag} has the path of that technique")
            });
            CliError::Usage(format!("remove `{path}` from the URL: {says}"))
        }
        error => error.into(),
    })
}

fn profile(arguments: &RunArguments) -> Result<ChosenProfile, CliError> {
    let websocket = arguments.url.as_deref().and_then(websocket_path);
    if arguments.paths.echo && arguments.paths.websocket.is_none() && websocket.is_none() {
        let why = "--echo needs the path of the WebSocket: add --websocket PATH";
        return Err(CliError::Usage(why.into()));
    }
    if let (Some(one), Some(other)) =
        (websocket.as_ref().filter(|path| *path != "/"), &arguments.paths.websocket)
        && one != other
    {
        return Err(CliError::Usage(format!(
            "the URL has the path {one} and --websocket has {other}: remove one of the two"
        )));
    }
    if let Some(profile) = profile_of_paths(&arguments.paths, websocket.as_deref()) {
        if let Some((flag, Wrong { message, hint })) = profile.mistake() {
            return Err(CliError::Usage(format!("--{flag}: {message}; {hint}")));
        }
        return Ok(ChosenProfile::of_a_target(profile));
    }
    let chosen = chosen_profile(arguments.profile.as_deref(), arguments.url.is_some())?;
    // The URL of a WebSocket says where it is, and nothing says that there is more.
    if chosen.assumed && websocket.is_some() {
        return Ok(ChosenProfile::of_a_target(Profile::default()));
    }
    Ok(chosen)
}

/// The profile that is named; the one in the current folder, if it or the command line says which server is meant; or
/// that of the reference server.
pub(super) fn chosen_profile(named: Option<&Path>, has_url: bool) -> Result<ChosenProfile, CliError> {
    if let Some(path) = named {
        return read_profile(path);
    }
    if Path::new(PROFILE).exists() {
        let chosen = read_profile(Path::new(PROFILE))?;
        if has_url || chosen.profile.url.is_some() {
            return Ok(chosen);
        }
    }
    Ok(ChosenProfile { profile: Profile::reference()?, assumed: true, reference: true })
}

fn read_profile(path: &Path) -> Result<ChosenProfile, CliError> {
    let file = path.display().to_string();
    let bytes = fs::read(path).map_err(|error| CliError::ReadProfile { path: path.to_owned(), error })?;
    let text = String::from_utf8(bytes)
        .map_err(|error| ProfileError(PageErrors(vec![PageError::not_utf8(file.clone(), &error)])))?;
    let profile = Profile::parse(&file, &text)?;
    // The one of the reference server, which is written down for others to begin with, has no URL.
    let reference = text == pushspec_fixtures::REFERENCE_PROFILE;
    Ok(ChosenProfile { profile, assumed: false, reference })
}

/// A profile made of `--sse PATH` and the like; `None` if there is no such flag. The path of a `ws://` URL stands for
/// `--websocket PATH`.
fn profile_of_paths(paths: &PathArguments, of_url: Option<&str>) -> Option<Profile> {
    let PathArguments { polling, long_polling, iframe, sse, websocket, echo } = paths;
    if named_paths(paths).next().is_none() && !echo {
        return None;
    }
    let reply = echo.then(|| "{message}".to_owned());
    Some(Profile {
        polling: polling.clone().map(Polling::at),
        long_polling: long_polling.clone().map(LongPolling::at),
        iframe: iframe.clone().map(|path| Iframe::at(path, "push.deliver".into())),
        sse: sse.clone().map(|path| EventStream { path, ..EventStream::default() }),
        websocket: websocket.as_deref().or(of_url).map(|path| WebSocket {
            path: path.to_owned(),
            binary: reply.is_some(),
            reply,
            ..WebSocket::default()
        }),
        ..Profile::default()
    })
}

/// The flags that name a path, each with its path.
fn named_paths(paths: &PathArguments) -> impl Iterator<Item = (&'static str, &String)> {
    let PathArguments { polling, long_polling, iframe, sse, websocket, .. } = paths;
    let flags = [
        ("polling", polling),
        ("long-polling", long_polling),
        ("iframe", iframe),
        ("sse", sse),
        ("websocket", websocket),
    ];
    flags.into_iter().filter_map(|(flag, path)| path.as_ref().map(|path| (flag, path)))
}

async fn relay(arguments: &RunArguments, target: &Target) -> Result<Option<Relay>, CliError> {
    let Some(name) = &arguments.fault else { return Ok(None) };
    let fault = fault::by_name(name).ok_or_else(|| {
        let hint = crate::mistake::did_you_mean(name, fault::all().map(|fault| fault.name));
        let hint = hint.unwrap_or_else(|| "see `pushspec list --faults`".into());
        CliError::Usage(format!("there is no fault `{name}`; {hint}"))
    })?;
    let unreachable =
        |error: io::Error| RunError::Unreachable { target: target.url(), why: error.to_string() };
    let route = reach(target, arguments.wait.unwrap_or_default()).await?;
    let Some(address) = route.clear_addresses().first() else {
        let why = "--fault breaks what goes over TCP in the clear: point it at a plain http:// port";
        return Err(CliError::Usage(why.into()));
    };
    let relay = Relay::start(*address, fault).await.map_err(unreachable)?;
    Ok(Some(relay))
}

/// Judges the target. The second value is the exit code where a signal ended the run.
async fn judge(
    arguments: &RunArguments,
    suite: &Suite,
    target: Target,
) -> Result<(Outcome, Option<u8>), CliError> {
    let options = Options {
        jobs: usize::from(arguments.jobs),
        patience: arguments.patience,
        select: patterns(&arguments.select),
        exclude: patterns(&arguments.exclude),
        // A fault is seen the first time or not at all.
        again: arguments.fault.is_none(),
        wait: arguments.wait.unwrap_or_default(),
        ..Options::default()
    };
    let signal = signals::watch(options.stop.clone(), arguments.quiet < 2)
        .map_err(|error| RunError::Internal(format!("cannot wait for signals: {error}")))?;
    let selected = suite.select(&options.select);
    let excluded = |id: &str| options.exclude.iter().any(|pattern| pattern.matches(id));
    let bar = progress_bar(arguments, selected.iter().filter(|case| !excluded(&case.id)).count());
    let outcome = suite.run_with(&Arc::new(target), &options, |_| bar.inc(1)).await;
    bar.finish_and_clear();
    match outcome {
        Ok(outcome) => {
            // One that came when all was judged has ended nothing.
            let signal = signal.get().filter(|_| outcome.ending == Some(Ending::Stopped));
            Ok((outcome, signal.copied()))
        }
        Err(RunError::Stopped) => Err(CliError::Interrupted(signal.get().copied().unwrap_or_default())),
        Err(error) => Err(error.into()),
    }
}

fn patterns(texts: &[String]) -> Vec<Pattern> {
    texts.iter().map(|text| Pattern::new(text)).collect()
}

fn progress_bar(arguments: &RunArguments, length: usize) -> ProgressBar {
    if arguments.quiet > 0 || !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(length as u64);
    if let Ok(style) = ProgressStyle::with_template("{bar:40.cyan} {pos}/{len} cases {elapsed}") {
        bar.set_style(style);
    }
    bar
}

fn print(
    arguments: &RunArguments,
    report: &report::Report<'_>,
    mut invocation: Invocation,
) -> Result<(), CliError> {
    let detail = match arguments.quiet {
        0 => Detail::Full,
        1 => Detail::Findings,
        _ => return Ok(()),
    };
    let mut out = anstream::stdout().lock();
    match arguments.format {
        Format::Text => {
            invocation.note.take_if(|_| detail != Detail::Full);
            terminal::print(&mut out, report, detail, &invocation)?;
            if arguments.quiet == 0 {
                writeln!(out, "report: {}", arguments.report_dir.display())?;
            }
        }
        Format::Json => writeln!(out, "{}", json::to_string(report).map_err(report::ReportError::from)?)?,
        Format::Junit => write!(out, "{}", junit::to_string(report)?)?,
    }
    Ok(())
}

/// The arguments, for the report: those that say what was judged, and how.
fn reported_arguments(arguments: &RunArguments) -> Vec<String> {
    let mut words = rerun_arguments(arguments);
    for (flag, patterns) in [("--exclude", &arguments.exclude), ("--select", &arguments.select)] {
        if !patterns.is_empty() {
            words.push(flag.to_owned());
            words.extend(patterns.iter().cloned());
        }
    }
    words
}

/// What a line that runs a case again has between `pushspec run` and `--select`.
fn rerun_arguments(arguments: &RunArguments) -> Vec<String> {
    let mut words: Vec<String> = arguments.url.iter().cloned().collect();
    let mut flag = |name: &str, value: Option<String>| {
        words.extend(value.into_iter().flat_map(|value| [name.to_owned(), value]));
    };
    flag("--profile", arguments.profile.as_ref().map(|path| path.display().to_string()));
    let paths = &arguments.paths;
    named_paths(paths).for_each(|(name, path)| flag(&format!("--{name}"), Some(path.clone())));
    flag("--fault", arguments.fault.clone());
    flag("--patience", Some(arguments.patience.to_string()).filter(|factor| factor != "1"));
    words.extend(arguments.tls.words());
    words.extend(arguments.fixtures.words());
    if paths.echo {
        words.push("--echo".into());
    }
    if arguments.strict {
        words.push("--strict".into());
    }
    words
}
