//! Which technique lives at which path, by what came there.

use pushspec_wire::event_stream::{Event, Interpreter, Item, LineKind, LineScanner};
use serde_json::Value;

use super::preset::{Look, Preset};
use crate::cli::paths::PathArguments;
use crate::drive::survey::{Got, Response, Sight};
use crate::escape::visible;
use crate::profile::{Profile, TECHNIQUES};

/// Paths at which event streams, streams of scripts, polls and WebSockets often are.
const USUAL: [&str; 23] = [
    "/",
    "/events",
    "/events/{channel}",
    "/sse",
    "/sse/{channel}",
    "/stream",
    "/event-stream",
    "/subscribe",
    "/notifications",
    "/updates",
    "/api/events",
    "/api/stream",
    "/ws",
    "/ws/{channel}",
    "/websocket",
    "/socket",
    "/echo",
    "/chat",
    "/api/ws",
    "/poll",
    "/polling",
    "/long-polling",
    "/messages",
];

/// The words of a path at which polls are: JSON alone says nothing of polling.
const POLLS: [&str; 4] = ["poll", "messages", "updates", "notifications"];

/// How much of what a server sent is shown, in characters.
const SHOWN: usize = 72;

/// How many other paths are named.
const NAMED: usize = 3;

/// The paths that the user has named, each with its technique.
#[derive(Debug, Clone, Default)]
pub(super) struct Told {
    pub(super) paths: Vec<(&'static str, String)>,
    echo: bool,
    profile: Profile,
}

impl Told {
    /// What the flags say, and the path of a `ws://` URL.
    pub(super) fn of(paths: &PathArguments, websocket: Option<String>) -> Told {
        let mut told: Vec<(&'static str, String)> =
            paths.named().map(|(flag, path)| (flag, path.clone())).collect();
        if paths.websocket.is_none() {
            told.extend(websocket.map(|path| ("websocket", path)));
        }
        let profile = paths.profile(None).unwrap_or_default();
        Told { paths: told, echo: paths.echo, profile }
    }

    /// The profile that the flags make.
    pub(super) fn profile(&self) -> &Profile {
        &self.profile
    }

    fn techniques_at(&self, path: &str) -> impl Iterator<Item = &'static str> {
        self.paths.iter().filter(move |(_, told)| asked(told) == path).map(|(technique, _)| *technique)
    }
}

/// The paths that are looked at where nothing is known of the server but what the user says.
pub(super) fn usual_paths(told: &Told) -> Vec<String> {
    let of_presets: Vec<&str> = Preset::all().flat_map(|preset| preset.looks).map(|look| look.path).collect();
    let mut paths: Vec<String> = told.paths.iter().map(|(_, path)| asked(path)).collect();
    for path in USUAL.into_iter().chain(of_presets).map(asked) {
        if !paths.contains(&path) {
            paths.push(path);
        }
    }
    paths
}

/// The paths of a profile that a GET reaches without a session.
pub(super) fn paths_of(profile: &Profile, told: &Told) -> Vec<String> {
    let Profile { polling, long_polling, iframe, sse, websocket, .. } = profile;
    let own = [
        polling.as_ref().filter(|poll| poll.request.is_get()).map(|poll| &poll.path),
        long_polling.as_ref().filter(|poll| poll.request.is_get()).map(|poll| &poll.path),
        iframe.as_ref().filter(|iframe| iframe.request.is_get()).map(|iframe| &iframe.path),
        sse.as_ref().filter(|sse| sse.request.is_get()).map(|sse| &sse.path),
        websocket.as_ref().map(|websocket| &websocket.path),
    ];
    let own = own.into_iter().flatten().filter(|path| !path.contains("{session."));
    let mut paths: Vec<String> = told.paths.iter().map(|(_, path)| asked(path)).collect();
    for path in own {
        let path = asked(path);
        if !paths.contains(&path) {
            paths.push(path);
        }
    }
    paths
}

/// A path with something in each place.
fn asked(path: &str) -> String {
    crate::profile::template::fill(path, |name| match name {
        "channel" => Some("pushspec-init".to_owned()),
        "callback" => Some("push.deliver".to_owned()),
        "cursor" => Some("0".to_owned()),
        "hold" => Some("1s".to_owned()),
        "hold-ms" => Some("1000".to_owned()),
        "hold-s" => Some("1".to_owned()),
        _ => None,
    })
}

/// The usual path of which a path is made, or the path itself.
fn template(path: &str) -> String {
    USUAL.into_iter().find(|usual| asked(usual) == path).unwrap_or(path).to_owned()
}

/// A technique, and what its table has.
#[derive(Debug, Clone)]
pub(super) struct Table {
    pub(super) technique: &'static str,
    pub(super) path: String,
    /// What came, in a line.
    pub(super) came: String,
    /// Lines behind `path`: keys, and comments with keys that may be right.
    pub(super) lines: Vec<String>,
    /// Other paths at which the same technique is.
    pub(super) also: Vec<String>,
}

/// What was seen.
#[derive(Debug)]
pub(super) struct Findings {
    pub(super) sights: Vec<Sight>,
    pub(super) tables: Vec<Table>,
    nowhere: Option<Sight>,
}

impl Findings {
    pub(super) fn new(sights: Vec<Sight>, nowhere: Option<Sight>, told: &Told) -> Findings {
        let mut findings = Findings { sights, tables: Vec::new(), nowhere };
        let tables = TECHNIQUES.into_iter().filter_map(|technique| findings.table(technique, told));
        findings.tables = tables.collect();
        findings
    }

    /// The table of a technique: at the path that is told, or else at the first one where it is seen.
    fn table(&self, technique: &'static str, told: &Told) -> Option<Table> {
        let named = told.paths.iter().find(|(of, _)| *of == technique).map(|(_, path)| path.clone());
        // Another technique that the user has named is not at the same path, and a preset knows more of its own.
        let of_presets: Vec<&str> =
            self.presets().flat_map(|preset| preset.looks).map(|look| look.path).collect();
        let free = |sight: &&Sight| {
            told.techniques_at(&sight.path).all(|named| named == technique)
                && !of_presets.contains(&sight.path.as_str())
        };
        let seen: Vec<&Sight> =
            self.sights.iter().filter(free).filter(|sight| self.is_at(technique, sight)).collect();
        let path = named.clone().or_else(|| seen.first().map(|sight| template(&sight.path)))?;
        let at = asked(&path);
        let sight = self.sights.iter().find(|sight| sight.path == at)?;
        // Where every path has it, one stands for all.
        let others = if self.is_everywhere(technique) { &[] } else { seen.as_slice() };
        let also = others.iter().filter(|sight| sight.path != at).map(|sight| template(&sight.path));
        let also = also.take(NAMED).collect();
        let mut lines = lines(technique, sight);
        if technique == "websocket" {
            lines.extend(replying(told.echo));
        }
        Some(Table { technique, path, came: came(technique, sight), lines, also })
    }

    fn is_everywhere(&self, technique: &str) -> bool {
        self.nowhere.as_ref().is_some_and(|nowhere| is_technique(technique, nowhere))
    }

    fn is_at(&self, technique: &str, sight: &Sight) -> bool {
        // A server that says the same to every path says nothing of this one.
        let polls = ["polling", "long-polling"].contains(&technique);
        is_technique(technique, sight) && !(polls && self.is_everywhere(technique))
    }

    /// The kinds of servers that are known by what came.
    pub(super) fn presets(&self) -> impl Iterator<Item = Preset> {
        Preset::all().filter(|preset| self.fits(preset))
    }

    fn fits(&self, preset: &Preset) -> bool {
        preset.looks.iter().any(|look| {
            let is_said = |sight: &Sight| sight.got.response().is_some_and(|response| is_as(response, look));
            let is_here = self.sights.iter().any(|sight| sight.path == look.path && is_said(sight));
            is_here && !self.nowhere.as_ref().is_some_and(is_said)
        })
    }

    /// What there is to tell: what was found, and what stood in the way.
    pub(super) fn lines(&self, url: &str) -> Vec<String> {
        let mut lines = vec![format!("looked at {} paths of {}", self.sights.len(), visible(url))];
        for Table { technique, path, came, also, .. } in &self.tables {
            let also =
                if also.is_empty() { String::new() } else { format!(" (also at {})", also.join(", ")) };
            lines.push(format!("[{technique}] {path}: {came}{also}"));
        }
        let found = |sight: &&Sight| self.tables.iter().any(|table| asked(&table.path) == sight.path);
        let others = self.sights.iter().filter(|sight| !found(sight));
        let barred = others.filter_map(|sight| Some(format!("{}: {}", sight.path, barred(sight)?)));
        lines.extend(barred.take(NAMED));
        lines
    }
}

fn is_as(response: &Response, look: &Look) -> bool {
    response.status == look.status && response.content.starts_with(look.begins.as_bytes())
}

/// Whether a technique is at a path.
fn is_technique(technique: &str, sight: &Sight) -> bool {
    let got = sight.got.response().filter(|response| response.status == 200);
    let polled = POLLS.iter().any(|word| sight.path.contains(word));
    match technique {
        "websocket" => sight.handshake.is_open(),
        "sse" => got.is_some_and(|response| response.media_type == "text/event-stream"),
        "iframe" => got.is_some_and(|response| {
            let has_script =
                String::from_utf8_lossy(&response.content).to_ascii_lowercase().contains("<script");
            response.media_type == "text/html" && !response.is_complete && has_script
        }),
        "polling" => polled && got.is_some_and(|response| is_json(response) && response.is_complete),
        "long-polling" => polled && matches!(sight.got, Got::Silence),
        _ => false,
    }
}

fn is_json(response: &Response) -> bool {
    response.media_type == "application/json" || response.media_type.ends_with("+json")
}

/// What stands in the way at a path that is there.
fn barred(sight: &Sight) -> Option<String> {
    let response = sight.got.response()?;
    let allow = response.allow.as_deref().unwrap_or_default();
    match response.status {
        401 | 403 => {
            Some(format!("{}; if it is one of the techniques, give credentials by --header", response.status))
        }
        405 if allow.to_ascii_uppercase().contains("POST") => {
            Some("405, and it allows POST; a stream or a poll by POST needs `body` in its table".to_owned())
        }
        _ => None,
    }
}

/// What came at the path of a technique, in a line.
fn came(technique: &str, sight: &Sight) -> String {
    let got = if technique == "websocket" { &sight.handshake } else { &sight.got };
    match got {
        Got::Silence => "no response within 2 s".to_owned(),
        Got::Nothing(why) => format!("no response: {}", shown(why)),
        Got::Response(response) if response.status == 101 => match got.greetings().first() {
            Some(greeting) => format!("a WebSocket that begins with {}", shown_bytes(greeting)),
            None => "a WebSocket".to_owned(),
        },
        Got::Response(response) => {
            let media_type =
                if response.media_type.is_empty() { "no media type" } else { &response.media_type };
            let status = response.status;
            match events(&response.content).0.first().filter(|_| technique == "sse") {
                Some(event) => format!(
                    "{status}, {}, first event {}",
                    shown(media_type),
                    shown_bytes(event.data.as_bytes())
                ),
                None => format!("{status}, {}", shown(media_type)),
            }
        }
    }
}

/// The lines of a table that what came gives.
fn lines(technique: &str, sight: &Sight) -> Vec<String> {
    let content = sight.got.response().map(|response| response.content.as_slice()).unwrap_or_default();
    match (technique, sight.got.response()) {
        ("sse", Some(response)) => of_stream(response),
        ("iframe", _) => of_scripts(content),
        ("polling" | "long-polling", _) => of_poll(content),
        ("websocket", _) => {
            let greetings = sight.handshake.greetings();
            greetings.first().map(|greeting| of_json(greeting)).unwrap_or_default()
        }
        _ => Vec::new(),
    }
}

fn replying(echo: bool) -> Vec<String> {
    if echo {
        return vec!["reply = \"{message}\"".to_owned(), "binary = true".to_owned()];
    }
    vec![
        "# reply = \"{message}\"      # what it replies to a text message: here an echo; * stands for anything".to_owned(),
        "# binary = true            # if it sends binary messages back, too".to_owned(),
    ]
}

fn of_stream(response: &Response) -> Vec<String> {
    let (events, has_comment) = events(&response.content);
    let mut lines = Vec::new();
    if response.is_complete && response.status == 200 && response.media_type == "text/event-stream" {
        lines.push("finite = true             # the stream ended by itself".to_owned());
        if events.last().is_some_and(|event| event.data == "[DONE]") {
            lines.push("done = \"[DONE]\"".to_owned());
        }
    }
    let has_ids = events.iter().any(|event| !event.last_event_id.is_empty());
    let seen = if has_ids { "the events have ids: " } else { "" };
    lines.push(format!("# resume = true             # {seen}if the server resumes after Last-Event-ID"));
    let seen = if has_comment { "there are comments: " } else { "" };
    lines.push(format!(
        "# heartbeat = \"15s\"         # {seen}the time after which the server sends a comment"
    ));
    lines.extend(events.first().map(|event| of_json(event.data.as_bytes())).unwrap_or_default());
    lines
}

/// The events of a stream, and whether it has comments.
fn events(content: &[u8]) -> (Vec<Event>, bool) {
    let (mut scanner, mut interpreter) = (LineScanner::new(), Interpreter::new());
    scanner.push(content);
    let (mut events, mut has_comment) = (Vec::new(), false);
    while let Some(item) = scanner.next_item() {
        let Item::Line(line) = item else { continue };
        has_comment |= matches!(line.kind(), LineKind::Comment(_));
        events.extend(interpreter.line(&line));
    }
    (events, has_comment)
}

/// The function that the first script calls.
fn of_scripts(content: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(content);
    let called = text.split("parent.").skip(1).filter_map(|rest| rest.split_once('(')).map(|(name, _)| name);
    let is_name = |name: &&str| {
        !name.is_empty()
            && name.len() < 64
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._$".contains(&byte))
    };
    let mut called = called.filter(is_name);
    vec![match called.next() {
        Some(name) => format!("callback = {}", string(name)),
        None => {
            "callback = \"push.deliver\"  # the function that each script calls, without `parent.`".to_owned()
        }
    }]
}

fn of_poll(content: &[u8]) -> Vec<String> {
    let Ok(value) = serde_json::from_slice::<Value>(content) else { return Vec::new() };
    let members = value.as_object().into_iter().flatten();
    let list = members.clone().find(|(_, value)| value.is_array()).map(|(name, _)| pointer(name));
    let is_cursor = |name: &str| ["cursor", "next", "last", "after", "since", "offset"].contains(&name);
    let cursor = members.clone().find(|(name, _)| is_cursor(&name.to_ascii_lowercase()));
    let list = list.or_else(|| value.is_array().then(String::new));
    let mut lines: Vec<String> = list.iter().map(|list| format!("messages = {}", string(list))).collect();
    if let Some((name, _)) = cursor {
        lines.push(format!(
            "# cursor = {}  # the cursor of the next poll; `path` then has `?after={{cursor}}`",
            string(&pointer(name))
        ));
    }
    lines
}

/// Pointers to what may be the message within JSON.
fn of_json(text: &[u8]) -> Vec<String> {
    let Ok(Value::Object(members)) = serde_json::from_slice::<Value>(text) else { return Vec::new() };
    let texts = members.iter().filter(|(_, value)| value.is_string()).take(NAMED);
    let line = |(name, _): (&String, &Value)| {
        format!("# data = {}  # if the message is there", string(&pointer(name)))
    };
    texts.map(line).collect()
}

/// The JSON pointer to a member (RFC 6901 section 3).
fn pointer(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// A TOML string.
pub(super) fn string(text: &str) -> String {
    // A literal line feed would end a comment.
    let plain = text.chars().all(|character| visible(&character.to_string()).chars().count() == 1);
    if plain && !text.contains(['"', '\\']) {
        return format!("\"{text}\"");
    }
    let escape = |character: char| match character {
        '"' | '\\' => format!("\\{character}"),
        other if visible(&other.to_string()).chars().count() == 1 => other.to_string(),
        other => format!("\\U{:08X}", u32::from(other)),
    };
    format!("\"{}\"", text.chars().map(escape).collect::<String>())
}

fn shown_bytes(bytes: &[u8]) -> String {
    format!("\"{}\"", shown(&String::from_utf8_lossy(bytes)))
}

/// What a server sent, in a line that is safe for a terminal and for a comment.
fn shown(text: &str) -> String {
    let safe = visible(text);
    if safe.chars().count() <= SHOWN {
        return safe;
    }
    safe.chars().take(SHOWN).chain(['…']).collect()
}
