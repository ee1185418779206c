//! `pushspec run`

use std::io;
use std::path::Path;
use std::sync::Arc;

use pushspec_reference::{Config, Identity, Server};

use super::again::Failed;
use super::output::exit_code;
use super::progress::Progress;
use super::unused::without_effect;
use super::{CliError, RunArguments, keep_secret, note, signals};
use crate::drive::schedule::{CONNECTIONS, CONNECTIONS_IF_LATE, Options, RunError, reach};
use crate::mistake::{PageError, PageErrors, Wrong};
use crate::outcome::{CaseOutcome, Ending, Outcome};
use crate::profile::{Profile, ProfileError, TECHNIQUES, Target, UrlError, websocket_path};
use crate::report::{Invocation, Report};
use crate::suite::{Pattern, Suite};
use pushspec_faults::{self as fault, Relay};

/// The profile that is read where none is named.
pub(super) const PROFILE: &str = "pushspec.toml";

pub(super) async fn run(arguments: &RunArguments) -> Result<u8, CliError> {
    arguments.output.check()?;
    check_patterns("--select", &arguments.select)?;
    check_patterns("--exclude", &arguments.exclude)?;
    let folder = arguments.output.folder();
    let failed = arguments.again.failed(folder.as_deref())?;
    if failed.as_ref().is_some_and(Vec::is_empty) {
        note("nothing failed the last time");
        return Ok(0);
    }
    let suite = arguments.fixtures.suite()?;
    let baselines = arguments.baseline.read()?;
    let profile = prepared(profile(arguments)?, arguments, arguments.url.iter())?;
    let url = profile.url(arguments.url.as_ref())?;
    if url.is_none() && arguments.start.starts() {
        let why =
            "--start starts a server, and nothing says where it listens: put its URL behind the command";
        return Err(CliError::Usage(why.into()));
    }
    // Held to the end: dropping the server ends it.
    let reference = if url.is_none() { Some(BuiltIn::start(arguments).await?) } else { None };
    let url = url.or_else(|| reference.as_ref().map(BuiltIn::url)).unwrap_or_default();
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
    let is_told = arguments.output.is_told();
    reference.iter().filter(|_| is_told).for_each(|_| note(built_in(arguments)));
    let unused = without_effect(&suite, &target, reference.is_some());
    // From here on there is a run: what lies there is never the verdict of another.
    arguments.output.forget();
    arguments.output.announce_trouble();
    let (mut outcome, signal) =
        judge(arguments, options(arguments, failed.as_ref())?, &suite, target).await?;
    // A fault shows that the suite sees it, at whatever level.
    let strict = arguments.strict || arguments.fault.is_some();
    baselines.apply(&suite, &mut outcome, strict)?;
    let invocation = Invocation {
        arguments: reported_arguments(arguments),
        rerun: rerun_arguments(arguments),
        exclude: arguments.exclude.clone(),
        fault: arguments.fault.clone(),
        notes: unused,
        built_in: reference.is_some(),
        strict,
        ..Invocation::default()
    };
    let report = Report::of(&suite, &outcome, &invocation);
    let delivered = arguments.output.deliver(&report);
    if let Some(built_in) = reference {
        built_in.server.shutdown().await;
    }
    delivered?;
    let seen = arguments.fault.is_some() && !outcome.findings().is_empty();
    Ok(signal.unwrap_or(if seen { 1 } else { exit_code(&report) }))
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

/// Without a `--` between them the list of patterns takes the URL in.
fn check_patterns(flag: &str, patterns: &[String]) -> Result<(), CliError> {
    match patterns.iter().find(|pattern| pattern.contains("://")) {
        Some(url) => Err(CliError::Usage(format!(
            "`{url}` is a URL and not a pattern: put it before {flag}, as in `pushspec run {url} {flag} websocket`"
        ))),
        None => Ok(()),
    }
}

/// A profile, and where it comes from.
#[derive(Clone)]
pub(super) struct ChosenProfile {
    pub(super) profile: Profile,
    /// It is laid out for the reference server, which therefore can be judged by it.
    reference: bool,
}

impl ChosenProfile {
    /// One that is made for a server of the user's own.
    fn of_a_target(profile: Profile) -> ChosenProfile {
        ChosenProfile { profile, reference: false }
    }

    /// That of the reference server.
    pub(super) fn of_the_reference() -> Result<ChosenProfile, CliError> {
        Ok(ChosenProfile { profile: Profile::reference()?, reference: true })
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

/// A profile with what flags add to it. From here on nothing that is secret in it, or in one of these URLs, is printed.
pub(super) fn prepared<'u>(
    mut chosen: ChosenProfile,
    arguments: &RunArguments,
    urls: impl IntoIterator<Item = &'u String>,
) -> Result<ChosenProfile, CliError> {
    arguments.requests.add_to(&mut chosen.profile)?;
    arguments.requests.check(&chosen.profile)?;
    let secrets = chosen.profile.secrets();
    urls.into_iter().for_each(|url| chosen.profile.add_parameters(&secrets, url));
    keep_secret(secrets);
    match chosen.profile.mistake() {
        Some((table, key, Wrong { message, hint })) => {
            Err(CliError::Usage(format!("--{}: {message}; {hint}", flag_of(table, &key))))
        }
        None => Ok(chosen),
    }
}

/// The target at a URL, with its profile.
pub(super) fn target(arguments: &RunArguments, url: &str, chosen: ChosenProfile) -> Result<Target, CliError> {
    Target::new(url, chosen.profile).map_err(|error| match error {
        UrlError::Path { path, .. } => {
            let what = arguments.paths.named().next();
            let says = what.map_or("the profile has the path of each technique".to_owned(), |(flag, _)| {
                format!("--{flag} has the path of that technique")
            });
            CliError::Usage(format!("remove `{path}` from the URL: {says}"))
        }
        error => error.into(),
    })
}

pub(super) fn profile(arguments: &RunArguments) -> Result<ChosenProfile, CliError> {
    let websocket = arguments.url.as_deref().and_then(websocket_path);
    let paths = &arguments.paths;
    let reply = paths.reply.as_ref().map(|_| "--reply").or(paths.echo.then_some("--echo"));
    if let Some(flag) = reply.filter(|_| paths.websocket.is_none() && websocket.is_none()) {
        let why = format!("{flag} needs the path of the WebSocket: add --websocket PATH");
        return Err(CliError::Usage(why));
    }
    if let (Some(one), Some(other)) =
        (websocket.as_ref().filter(|path| *path != "/"), &arguments.paths.websocket)
        && one != other
    {
        return Err(CliError::Usage(format!(
            "the URL has the path {one} and --websocket has {other}: remove one of the two"
        )));
    }
    if let Some(mut profile) = arguments.paths.profile(websocket.as_deref()) {
        arguments.shape.add_to(&mut profile);
        return Ok(ChosenProfile::of_a_target(profile));
    }
    if let Some((flag, _)) = arguments.shape.given().next() {
        let why =
            format!("--{flag} says more of a technique whose path a flag has: add --sse PATH, for example");
        return Err(CliError::Usage(why));
    }
    match chosen_profile(arguments.profile.as_deref(), arguments.url.as_deref())? {
        Some(chosen) => Ok(chosen),
        // The URL of a WebSocket says where it is, and nothing says that there is more.
        None if websocket.is_some() => Ok(ChosenProfile::of_a_target(Profile::default())),
        None => Err(nothing_said(arguments.url.as_deref().unwrap_or_default())),
    }
}

/// What to do where nothing says what a server has at which path. A guess would send requests that its user knows
/// nothing of, and call what is not there a fault. A URL that is wrong is told as that.
fn nothing_said(url: &str) -> CliError {
    if let Err(error) = Target::new(url, Profile::default()) {
        return error.into();
    }
    CliError::Usage(format!(
        "nothing says which technique this server has at which path. Do one of these:\n  \
        pushspec init {url}   looks for the techniques and writes ./pushspec.toml, which `run` reads\n  \
        pushspec run {url} --sse /events   judges one path; --websocket, --long-polling, --polling and --iframe are alike\n  \
        pushspec run {url} --profile FILE   reads the paths from a profile; docs/profile.md describes its keys"
    ))
}

/// The profile that is named; the one in the current folder, if it or the command line says which server is meant; that
/// of the reference server where there is no URL. `None` where there is a URL, and nothing says what is there.
pub(super) fn chosen_profile(
    named: Option<&Path>,
    url: Option<&str>,
) -> Result<Option<ChosenProfile>, CliError> {
    if let Some(path) = named {
        return read_profile(path).map(Some);
    }
    if Path::new(PROFILE).exists() {
        let chosen = read_profile(Path::new(PROFILE))?;
        if url.is_some() || chosen.profile.url.is_some() {
            return Ok(Some(chosen));
        }
    }
    if url.is_some() {
        return Ok(None);
    }
    Ok(Some(ChosenProfile { profile: Profile::reference()?, reference: true }))
}

fn read_profile(path: &Path) -> Result<ChosenProfile, CliError> {
    let file = path.display().to_string();
    let bytes =
        crate::mistake::read(path).map_err(|error| CliError::ReadProfile { path: path.to_owned(), error })?;
    let text = String::from_utf8(bytes)
        .map_err(|error| ProfileError(PageErrors(vec![PageError::not_utf8(file.clone(), &error)])))?;
    let profile = Profile::parse(&file, &text)?;
    // The one of the reference server, which is written down for others to begin with, has no URL.
    let reference = text == pushspec_fixtures::REFERENCE_PROFILE;
    Ok(ChosenProfile { profile, reference })
}

/// The flag whose value is wrong where a key of a table is that is made of flags.
pub(super) fn flag_of<'f>(table: &'f str, key: &'f str) -> &'f str {
    match (table, key) {
        ("headers", _) => "header",
        // Publishing has flags of its own.
        ("polling" | "long-polling" | "iframe" | "sse" | "websocket", "method" | "body" | "data") => key,
        _ => table,
    }
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
    let relay = Relay::start(*address, fault).map_err(unreachable)?;
    Ok(Some(relay))
}

/// How a run is carried out; of the cases those alone that failed, where they are given.
pub(super) fn options(arguments: &RunArguments, failed: Option<&Failed>) -> Result<Options, CliError> {
    let allowed = allowed_connections(arguments)?;
    let asked = arguments.connections.map(usize::from);
    let options = Options {
        jobs: usize::from(arguments.jobs),
        connections: match asked {
            Some(asked) => Some(asked.min(allowed)),
            None => (allowed < CONNECTIONS_IF_LATE).then_some(allowed.min(CONNECTIONS)),
        },
        memory: arguments.max_memory,
        // A fault may be that of the first connection.
        probe: arguments.fault.is_none(),
        patience: arguments.patience,
        select: patterns(failed.unwrap_or(&arguments.select)),
        exclude: patterns(&arguments.exclude),
        shard: arguments.shard,
        // A fault is seen the first time or not at all.
        again: arguments.fault.is_none(),
        wait: arguments.wait.unwrap_or_default(),
        ..Options::default()
    };
    Ok(arguments.start.set(options))
}

/// Judges the target. The second value is the exit code where a signal ended the run.
pub(super) async fn judge(
    arguments: &RunArguments,
    options: Options,
    suite: &Suite,
    target: Target,
) -> Result<(Outcome, Option<u8>), CliError> {
    let signal = signals::watch(options.stop.clone(), arguments.output.quiet() < 2)
        .map_err(|error| RunError::Internal(format!("signals cannot be watched: {error}")))?;
    let count = suite.count(&target.profile, &options);
    let count = arguments.shard.map_or(count, |(_, shards)| count.div_ceil(shards));
    let progress = Progress::new(count, arguments.output.is_told(), options.running.clone());
    let limit = arguments.again.limit(options.stop.clone(), arguments.strict);
    let done = |outcome: &CaseOutcome| {
        progress.done(outcome);
        limit.done(outcome);
    };
    let outcome = suite.run_with(&Arc::new(target), &options, done).await;
    progress.finish();
    match outcome {
        Ok(mut outcome) => {
            if signal.get().is_none() {
                limit.explain(&mut outcome);
            }
            // One that came when all was judged has ended nothing.
            let signal = signal.get().filter(|_| outcome.ending == Some(Ending::Stopped));
            Ok((outcome, signal.copied()))
        }
        Err(RunError::Stopped) => Err(CliError::Interrupted(signal.get().copied().unwrap_or_default())),
        Err(error) => Err(error.into()),
    }
}

/// Open files beside those of the connections: the runtime's own, the publisher's, the report's, standard input and output.
const OTHER_FILES: u64 = 96;

/// How many connections may be open, as far as this process may open files. The limit is raised as far as that goes.
fn allowed_connections(arguments: &RunArguments) -> Result<usize, CliError> {
    let files =
        rlimit::increase_nofile_limit(u64::MAX).map_err(|error| RunError::Internal(error.to_string()))?;
    // The other ends of the connections may be here as well.
    let built_in = arguments.fault.is_some() || arguments.url.is_none();
    let each = if arguments.fault.is_some() { 4 } else { 1 + u64::from(built_in) };
    match usize::try_from(files.saturating_sub(OTHER_FILES) / each).unwrap_or(usize::MAX) {
        0 => Err(RunError::OpenFiles.into()),
        connections => Ok(connections),
    }
}

fn patterns(texts: &[String]) -> Vec<Pattern> {
    texts.iter().map(|text| Pattern::new(text)).collect()
}

/// The arguments, for the report: those that say what was judged, and how.
pub(super) fn reported_arguments(arguments: &RunArguments) -> Vec<String> {
    let mut words = rerun_arguments(arguments);
    words.extend(arguments.baseline.words());
    for (flag, patterns) in [("--exclude", &arguments.exclude), ("--select", &arguments.select)] {
        if !patterns.is_empty() {
            words.push(flag.to_owned());
            words.extend(patterns.iter().cloned());
        }
    }
    words
}

/// What a line that runs a case again has between `pushspec run` and `--select`.
pub(super) fn rerun_arguments(arguments: &RunArguments) -> Vec<String> {
    let mut words: Vec<String> = arguments.url.iter().cloned().collect();
    let mut flag = |name: &str, value: Option<String>| {
        words.extend(value.into_iter().flat_map(|value| [name.to_owned(), value]));
    };
    flag("--profile", arguments.profile.as_ref().map(|path| path.display().to_string()));
    let paths = &arguments.paths;
    paths.named().for_each(|(name, path)| flag(&format!("--{name}"), Some(path.clone())));
    flag("--reply", paths.reply.clone());
    flag("--publish", paths.publish.clone());
    flag("--publish-body", paths.publish_body.clone());
    arguments.shape.given().for_each(|(name, value)| flag(&format!("--{name}"), Some(value.clone())));
    flag("--fault", arguments.fault.clone());
    flag("--patience", Some(arguments.patience.to_string()).filter(|factor| factor != "1"));
    words.extend(arguments.requests.words());
    words.extend(arguments.start.words());
    words.extend(arguments.tls.words());
    words.extend(arguments.fixtures.words());
    if paths.echo {
        words.push("--echo".into());
    }
    if paths.resume {
        words.push("--resume".into());
    }
    if arguments.strict {
        words.push("--strict".into());
    }
    words
}
