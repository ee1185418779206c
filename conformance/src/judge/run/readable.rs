//! Whether a precondition finds what it published, or the answer to what it said, where the profile has it.

use std::time::Duration;

use crate::case::statement::{ExpectItem, Expectation};
use crate::judge::receive::item::Item;
use crate::judge::verdict::wrapped::{Wrapped, unwrap};
use crate::profile::decode::{self, DecodeError};
use crate::profile::parts::Parts;
use crate::profile::poll::Answer;
use crate::transcript::shown::shown;
use crate::transcript::{ConnectionId, EventKind};

use super::machine::Machine;
use super::plan::{Step, StepKind};
use super::wrapping::{Wrapping, contains};

/// How long the message itself is waited for where something came that has it within: there may be both.
const GRACE: Duration = Duration::from_millis(300);

/// The most of a transcript that is looked at, in bytes.
const LOOKED_AT: usize = 256 * 1024;

/// How much of what came is shown, in bytes.
const SHOWN: usize = 400;

/// How much of what stands beside a text is shown, in bytes.
const BESIDE: usize = 80;

/// The text that a precondition waits for, and whether it is the answer of a WebSocket.
struct Awaited {
    text: Vec<u8>,
    is_reply: bool,
}

impl Machine {
    /// When a precondition need not wait any longer: what it waits for has come in another form.
    pub(super) fn wrapped_until(&mut self, id: ConnectionId, step: &Step) -> Option<Duration> {
        let awaited = self.awaited(step)?;
        let mut known = std::mem::take(&mut self.memory.wrapping);
        let mark = self.script.mark(id);
        if known.mark != Some(mark) {
            known = Wrapping { mark: Some(mark), ..Wrapping::default() };
        }
        self.look_for(id, &awaited, &mut known);
        let is_uncalled = known.text.is_there && !known.callback.is_there;
        let is_found = known.is_found || (is_uncalled && self.callback(id).is_some());
        self.memory.wrapping = known;
        let events = self.record.transcript.events.iter().rev();
        let mut received =
            events.filter(|event| matches!(&event.kind, EventKind::Received(on, _) if *on == id));
        received.next().filter(|_| is_found).map(|event| event.at + GRACE)
    }

    /// Looks at what came since the last time, and at all of it where the text is among it.
    fn look_for(&self, id: ConnectionId, awaited: &Awaited, known: &mut Wrapping) {
        let events = &self.record.transcript.events;
        let callback = self.callback(id).unwrap_or_default();
        for event in &events[known.events..] {
            if let EventKind::Received(on, piece) = &event.kind
                && *on == id
            {
                known.came += piece.len();
                known.text.push(piece, &awaited.text);
                known.callback.push(piece, callback.as_bytes());
            }
        }
        known.events = events.len();
        let arrivals = &self.connections.of(id).arrivals;
        let mut fresh = arrivals.iter().skip(known.arrivals);
        known.is_found |= fresh.any(|arrival| as_longer_text(&arrival.item, &awaited.text).is_some());
        known.arrivals = arrivals.len();
        if !known.is_found && known.text.is_there && known.looks.once_more(known.came) {
            known.is_found = self.in_another_form(id, awaited).is_some();
        }
    }

    /// Why a precondition says nothing of the target: what it waits for comes in another form than the profile says, or
    /// nothing of it comes at all.
    pub(super) fn unreadable(&self, id: ConnectionId, step: &Step) -> Option<String> {
        let awaited = self.awaited(step)?;
        let technique = self.connections.technique(id, &self.subject.case.technique);
        let expected = shown(&awaited.text);
        if let Some(form) = self.in_another_form(id, &awaited) {
            let has_list = self.parts(id).is_some_and(|parts| parts.messages.is_some());
            return Some(form.told(&awaited, technique, has_list));
        }
        let received = self.received(id);
        let came = contains(&received, &awaited.text);
        if let Some(why) = self.passed_over(id).filter(|_| came) {
            let around = clipped(&around(&received, &awaited.text));
            return Some(format!(
                "what is published, {expected}, comes in {around}, and {why}; see [{technique}] in the profile"
            ));
        }
        if let Some(callback) = self.callback(id).filter(|_| came)
            && !contains(&received, callback.as_bytes())
        {
            return Some(format!(
                "what is published, {expected}, comes in no call of `{callback}`, the `callback` of [iframe]"
            ));
        }
        let has_ended = self.connections.of(id).has_ended() && self.answer(id).is_none();
        // What is wrong with a body says more.
        let is_read = self.undecoded(id).is_none();
        (!awaited.is_reply && !came && !has_ended && is_read).then(|| {
            format!(
                "nothing that is published arrives: expected the message {expected} on the connection, received \
                 nothing of it; does `request` in [publish] of the profile publish for the path of [{technique}]?"
            )
        })
    }

    /// Why a precondition says nothing of the target: the message that came has another id than the answer to its publication
    /// says.
    pub(super) fn called_otherwise(&self, step: &Step, came: &Item) -> Option<String> {
        self.awaited(step)?;
        let said = self.memory.published_id.as_ref()?;
        let messages = match came {
            Item::Message(message) => std::slice::from_ref(message),
            _ => return None,
        };
        let other = messages.iter().filter_map(|message| message.id.as_deref()).find(|id| *id != said)?;
        Some(format!(
            "`id` of [publish] does not hold: the response to the publication has the id {}, and the message that came has the id {}",
            shown(said.as_bytes()),
            shown(other.as_bytes())
        ))
    }

    /// Why nothing can be said of the id or the name of a message that has come: a pointer of the profile leads to none.
    pub(super) fn without_a_part(&self, id: ConnectionId, step: &Step) -> Option<String> {
        let StepKind::Expect(_, Expectation { items, .. }) = &step.kind else { return None };
        let ExpectItem::Message(pattern) = items.first()? else { return None };
        let parts = self.parts(id)?;
        let data = pattern.data.bytes(&self.memory.scope).ok()?;
        let came = self.connections.of(id).arrivals.iter().find_map(|arrival| match &arrival.item {
            Item::Message(message) if message.data == data => Some(message),
            _ => None,
        })?;
        // An event of a stream without a name is called `message`.
        let is_named = came.event.as_deref().is_some_and(|name| name != "message");
        let asked = [("id", &parts.id, came.id.is_some()), ("event", &parts.event, is_named)];
        let is_compared = |key: &str| pattern.attributes.iter().any(|attribute| attribute.key == key);
        let (key, pointer, _) = asked.into_iter().find(|(key, _, is_there)| !is_there && is_compared(key))?;
        let technique = self.connections.technique(id, &self.subject.case.technique);
        let pointer = pointer.as_ref()?;
        Some(format!(
            "the message {} has nothing at `{pointer}`, where `{key}` of [{technique}] is in the profile",
            clipped(&data)
        ))
    }

    /// The function that the scripts of an iframe call.
    fn callback(&self, id: ConnectionId) -> Option<&str> {
        let is_iframe = self.connections.technique(id, &self.subject.case.technique) == "iframe";
        let iframe = self.subject.target.profile.iframe.as_ref().filter(|_| is_iframe)?;
        Some(&iframe.callback)
    }

    /// What a step of a precondition waits for.
    fn awaited(&self, step: &Step) -> Option<Awaited> {
        if !self.subject.case.checks_the_profile() {
            return None;
        }
        let StepKind::Expect(_, Expectation { items, .. }) = &step.kind else { return None };
        let (pattern, is_reply) = match items.first()? {
            ExpectItem::Message(pattern) => (pattern, false),
            ExpectItem::Reply(pattern) => (pattern, true),
            _ => return None,
        };
        pattern.data.bytes(&self.memory.scope).ok().map(|text| Awaited { text, is_reply })
    }

    /// The form in which it came.
    fn in_another_form(&self, id: ConnectionId, awaited: &Awaited) -> Option<Form> {
        let wrapped = unwrap(&self.received(id), &awaited.text);
        if let Some(wrapped) = wrapped.filter(|it| !self.finds(id, &it.document, &awaited.text)) {
            return Some(match self.cursor_of(id, &wrapped.document, &awaited.text) {
                Some(cursor) => Form::Cursor(wrapped.document, cursor),
                None => Form::Json(wrapped),
            });
        }
        let mut arrivals = self.connections.of(id).arrivals.iter();
        let text = arrivals.find_map(|arrival| as_longer_text(&arrival.item, &awaited.text))?;
        Some(Form::Text(text.to_vec()))
    }

    /// Whether the pointers of the profile find it in a document: then it is the document that has not come as it should.
    fn finds(&self, id: ConnectionId, document: &[u8], text: &[u8]) -> bool {
        if let Some(answer) = self.answer(id) {
            return brings(answer, document, text);
        }
        let messages = self.parts(id).and_then(|parts| decode::texts(parts, document.to_vec()).ok());
        messages.into_iter().flatten().any(|message| message.data == text)
    }

    /// Why a message of a poll or of a script is none by the profile: it is not decoded, or it is a record that does not begin
    /// or end as the profile says, and that is passed over.
    fn passed_over(&self, id: ConnectionId) -> Option<String> {
        let parts = self.parts(id)?;
        let is_called = self.callback(id).is_some();
        if !is_called && self.answer(id).is_none() {
            return None;
        }
        let has_records =
            parts.separator.is_some() || parts.prefix.is_some() || (is_called && parts.messages.is_some());
        let elsewhere = || "not where `prefix`, `separator`, `messages` and `data` lead".to_owned();
        self.undecoded(id).or_else(|| has_records.then(elsewhere))
    }

    /// What is wrong with a body that has come.
    fn undecoded(&self, id: ConnectionId) -> Option<String> {
        self.connections.of(id).arrivals.iter().find_map(|arrival| match &arrival.item {
            Item::Undecoded(error) => Some(error.to_string()),
            _ => None,
        })
    }

    /// Where the messages are.
    fn parts(&self, id: ConnectionId) -> Option<&Parts> {
        let profile = &self.subject.target.profile;
        match self.connections.technique(id, &self.subject.case.technique) {
            "iframe" => profile.iframe.as_ref().map(|iframe| &iframe.parts),
            "sse" => profile.sse.as_ref().map(|stream| &stream.parts),
            "websocket" => profile.websocket.as_ref().map(|websocket| &websocket.parts),
            _ => self.answer(id).map(|answer| &answer.parts),
        }
    }

    /// How the answers to a poll are read.
    fn answer(&self, id: ConnectionId) -> Option<&Answer> {
        let technique = self.connections.technique(id, &self.subject.case.technique);
        self.subject.target.profile.answer_of(technique)
    }

    /// Where the cursor of a document should be that has the message where it should be.
    fn cursor_of(&self, id: ConnectionId, document: &[u8], text: &[u8]) -> Option<String> {
        let answer = self.answer(id)?;
        let Err(DecodeError::Pointer(cursor)) = decode::batch(answer, document) else { return None };
        brings(&Answer { cursor: None, ..answer.clone() }, document, text).then_some(cursor)
    }

    /// The last bytes that came on a connection.
    fn received(&self, id: ConnectionId) -> Vec<u8> {
        let mut bytes = Vec::new();
        for event in &self.record.transcript.events {
            if let EventKind::Received(on, piece) = &event.kind
                && *on == id
            {
                bytes.extend(piece);
            }
        }
        bytes.split_off(bytes.len().saturating_sub(LOOKED_AT))
    }
}

/// A text that came and has another one within, or that is another one of which the profile says that it is within a text.
fn as_longer_text<'i>(came: &'i Item, wanted: &[u8]) -> Option<&'i [u8]> {
    let text = match came {
        Item::Message(message) if message.data != wanted => &message.data,
        Item::Foreign(text) => text,
        _ => return None,
    };
    contains(text, wanted).then_some(text.as_slice())
}

/// Whether an answer with this document brings a message.
fn brings(answer: &Answer, document: &[u8], text: &[u8]) -> bool {
    let batch = decode::batch(answer, document);
    batch.is_ok_and(|batch| batch.messages.iter().any(|message| message.data == text))
}

/// The form in which something came that is not the one of the profile.
enum Form {
    /// Within a JSON document.
    Json(Wrapped),
    /// Within a longer text.
    Text(Vec<u8>),
    /// Within a document that has nothing where the cursor should be.
    Cursor(Vec<u8>, String),
}

impl Form {
    /// What came instead, and what the profile should say of it.
    fn told(&self, awaited: &Awaited, technique: &str, has_list: bool) -> String {
        let expected = shown(&awaited.text);
        let what = if awaited.is_reply { "the answer to" } else { "what is published," };
        match self {
            Form::Json(Wrapped { document, pointer: Some(pointer) }) => format!(
                "{what} {expected} comes within {}: write {} into [{technique}] of the profile",
                clipped(document),
                keys(technique, pointer, awaited.is_reply, has_list)
            ),
            Form::Json(Wrapped { document, pointer: None }) => format!(
                "{what} {expected} comes within {}, where no JSON pointer leads to it alone",
                clipped(document)
            ),
            Form::Text(text) if awaited.is_reply && *text != awaited.text => format!(
                "{what} {expected} is {}: write `reply = {}` into [{technique}] of the profile",
                clipped(text),
                clipped(&template(text, &awaited.text))
            ),
            Form::Cursor(document, cursor) => format!(
                "{what} {expected} comes within {}, which has nothing at `{cursor}`, where `cursor` of [{technique}] is",
                clipped(document)
            ),
            Form::Text(text) if *text == awaited.text => format!(
                "{what} {expected} comes as it is: take `data`, `messages`, `prefix` and `separator` out of [{technique}] of the \
                 profile, as far as they are there"
            ),
            Form::Text(text) => format!("{what} {expected} comes as {}", clipped(text)),
        }
    }
}

/// What a target sent, as far as a sentence has room for it.
fn clipped(bytes: &[u8]) -> String {
    let rest = bytes.len().saturating_sub(SHOWN);
    let more = if rest == 0 { String::new() } else { format!(" and {rest} more bytes") };
    format!("{}{more}", shown(&bytes[..bytes.len() - rest]))
}

/// The text that came, with what stands beside it.
fn around(received: &[u8], text: &[u8]) -> Vec<u8> {
    let at = received.windows(text.len().max(1)).position(|window| window == text).unwrap_or_default();
    let end = (at + text.len() + BESIDE).min(received.len());
    received[at.saturating_sub(BESIDE)..end].to_vec()
}

/// The keys of the profile that lead to a pointer.
fn keys(technique: &str, pointer: &str, is_reply: bool, has_list: bool) -> String {
    if is_reply {
        return format!("`data = \"{pointer}\"` and `reply = \"{{message}}\"`");
    }
    let steps: Vec<&str> = pointer.split('/').skip(1).collect();
    let index = steps.iter().position(|step| step.parse::<usize>().is_ok());
    match index.filter(|_| technique.ends_with("polling")) {
        Some(index) => {
            let lead = |steps: &[&str]| steps.iter().map(|step| format!("/{step}")).collect::<String>();
            let (list, data) = (lead(&steps[..index]), lead(&steps[index + 1..]));
            let data = if data.is_empty() { String::new() } else { format!(" and `data = \"{data}\"`") };
            format!("`messages = \"{list}\"`{data}")
        }
        None if has_list => format!("`data = \"{pointer}\"`, and no `messages`,"),
        None => format!("`data = \"{pointer}\"`"),
    }
}

/// The answer with the place of the message in it.
fn template(answer: &[u8], sent: &[u8]) -> Vec<u8> {
    let at = answer.windows(sent.len().max(1)).position(|window| window == sent).unwrap_or_default();
    [&answer[..at], b"{message}", &answer[at + sent.len()..]].concat()
}
