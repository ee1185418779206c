//! What each kind of step does when its turn comes.

use std::time::Duration;

use crate::case::statement::{Attribute, ConnectionName, Procedure, SendItem, Silence, Span};
use crate::case::text::{NoValue, Text};
use crate::profile::publish::Publication;
use crate::transcript::{ConnectionId, Unpublished};

use super::connection::Connection;
use super::encode::{Outgoing, outgoing};
use super::fit::{Context, is_interim};
use super::item::{Arrival, Item, readable_line, shown};
use super::machine::{Action, Machine, Publishing, SETTLE};
use super::plan::StepKind;
use super::request::{RequestError, attribute_text, request, technique};

/// How long the recipe of a publication may take to answer.
const PUBLISH: Duration = Duration::from_secs(10);

/// How long a client that does not stay waits for an answer: a server that takes longer is left without one.
const VISIT: Duration = Duration::from_millis(50);

impl Machine {
    /// Takes the next step if it can be taken. `Some` is the time until which there is nothing to do.
    pub(super) fn advance(&mut self, now: Duration) -> Option<Duration> {
        let Some(step) = self.steps.get(self.position).cloned() else {
            let until = self.reading_events(now);
            if until.is_none() {
                self.stop();
            }
            return until;
        };
        match step.kind {
            StepKind::Connect(name) => {
                self.connect(&name, &self.case.technique.clone());
                self.trace.push(format!("connect{}", name.suffix()));
                self.opened_at = now;
                self.done_at(now);
                None
            }
            StepKind::Procedure(procedure, name, attributes) => {
                self.procedure(now, step.line, procedure, &name, &attributes);
                None
            }
            StepKind::Visit(procedure, name, attributes) => self.visit(now, procedure, &name, &attributes),
            StepKind::Send(name, items) => {
                self.send(now, &name, &items);
                None
            }
            StepKind::Publish(data, attributes) => self.publish(now, &data, &attributes),
            StepKind::Wait(span) => self.wait_until(now, self.base + self.time(span)),
            StepKind::Silent(silence, span, name) => self.silent(now, step.line, silence, span, &name),
            StepKind::Opened(..) | StepKind::Head(..) | StepKind::Expect(..) => self.expect(now),
        }
    }

    /// The step is done; the times of the next one count from here.
    pub(super) fn done_at(&mut self, at: Duration) {
        self.position += 1;
        self.base = at;
        self.since = at;
    }

    fn wait_until(&mut self, now: Duration, until: Duration) -> Option<Duration> {
        if now < until {
            return Some(until);
        }
        self.done_at(now);
        None
    }

    /// A stretch of time as this target has it.
    pub(super) fn time(&self, span: Span) -> Duration {
        let profile = &self.target.profile;
        let heartbeat = if self.case.technique == "iframe" {
            profile.iframe.as_ref().and_then(|iframe| iframe.heartbeat)
        } else {
            profile.sse.as_ref().and_then(|sse| sse.heartbeat)
        };
        span.duration(heartbeat)
    }

    pub(super) fn patient(&self, duration: Duration) -> Duration {
        duration.mul_f64(self.settings.patience)
    }

    pub(super) fn id(&self, name: &ConnectionName) -> Option<ConnectionId> {
        self.names.get(name).copied()
    }

    fn procedure(
        &mut self,
        now: Duration,
        line: usize,
        procedure: Procedure,
        name: &ConnectionName,
        attributes: &[Attribute],
    ) {
        let moved = self.connections.last().and_then(Connection::resume_point).map(str::to_owned);
        if let Some(id) = moved {
            self.scope.remember("last-event-id", id.into_bytes());
        }
        match request(procedure, attributes, &self.target, &self.scope) {
            Ok(bytes) => {
                let id = self.connect(name, technique(procedure));
                self.procedures.insert(id, procedure);
                if !name.is_follower() {
                    self.trace.push(format!("{}{}", procedure.spelling(), name.suffix()));
                    self.trace_sent(name, &bytes);
                }
                self.write(id, vec![bytes]);
                self.opened_at = now;
                self.done_at(now);
            }
            // The profile says that the server resumes, and then its events have identifiers.
            Err(RequestError::NoValue(NoValue(value))) if value == "last-event-id" => {
                let expected = "an event with an identifier after which to resume".to_owned();
                self.find(line, now, expected, "no event with one".to_owned());
                self.stop();
            }
            Err(error) => self.fail_to_run(error.to_string()),
        }
    }

    /// Opens a connection, waits a little for whatever comes, and resets it. Leaves no trace in the conversation: how
    /// far an answer comes in so little time is chance.
    fn visit(
        &mut self,
        now: Duration,
        procedure: Procedure,
        name: &ConnectionName,
        attributes: &[Attribute],
    ) -> Option<Duration> {
        let Some((id, until)) = self.visiting else {
            match request(procedure, attributes, &self.target, &self.scope) {
                Ok(bytes) => {
                    let id = self.connect(name, technique(procedure));
                    self.write(id, vec![bytes]);
                    self.visiting = Some((id, now + self.patient(VISIT)));
                }
                Err(error) => self.fail_to_run(error.to_string()),
            }
            return None;
        };
        if self.connections[id.0].arrivals.is_empty() && now < until {
            return Some(until);
        }
        self.visiting = None;
        self.act(Action::Abort(id));
        self.done_at(now);
        None
    }

    fn trace_sent(&mut self, name: &ConnectionName, bytes: &[u8]) {
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let line = line.strip_suffix(b"\r\n").unwrap_or(line);
            self.trace.push(format!("{}> {}", name.0, readable_line(line)).trim_end().to_owned());
        }
    }

    fn send(&mut self, now: Duration, name: &ConnectionName, items: &[(SendItem, usize)]) {
        let Some(id) = self.id(name) else {
            return self.fail_to_run(format!("the case sends{} before it connects", name.suffix()));
        };
        let mut batch: Vec<u8> = Vec::new();
        for (item, line) in items {
            let sent = match outgoing(item, &mut self.scope) {
                Ok(sent) => sent,
                Err(error) => return self.fail_to_run(error.to_string()),
            };
            let source =
                self.line(*line).map(|line| line.source[..].trim_end().to_owned()).unwrap_or_default();
            self.trace.push(Self::traced_item(name, item, &sent, &source));
            match sent {
                Outgoing::Bytes(pieces) if matches!(item, SendItem::Chop(..)) => {
                    self.flush(id, &mut batch);
                    self.write(id, pieces);
                }
                Outgoing::Bytes(pieces) => batch.extend(pieces.concat()),
                Outgoing::Finish => {
                    self.flush(id, &mut batch);
                    self.act(Action::Finish(id));
                }
                Outgoing::Abort => {
                    self.flush(id, &mut batch);
                    self.act(Action::Abort(id));
                }
                Outgoing::Read(reads) => {
                    self.flush(id, &mut batch);
                    self.act(Action::Read(id, reads));
                }
            }
        }
        self.flush(id, &mut batch);
        self.opened_at = now;
        self.done_at(now);
    }

    fn flush(&mut self, id: ConnectionId, batch: &mut Vec<u8>) {
        if !batch.is_empty() {
            self.write(id, vec![std::mem::take(batch)]);
        }
    }

    fn traced_item(name: &ConnectionName, item: &SendItem, sent: &Outgoing, source: &str) -> String {
        match (item, sent) {
            (SendItem::HttpLine(_), Outgoing::Bytes(pieces)) => {
                let line = pieces.concat();
                let line = line.strip_suffix(b"\r\n").unwrap_or(&line);
                format!("{}> {}", name.0, readable_line(line)).trim_end().to_owned()
            }
            (SendItem::Bytes(_), Outgoing::Bytes(pieces)) => {
                format!("{}> {}", name.0, shown(&pieces.concat()))
            }
            (SendItem::Frame(_), Outgoing::Bytes(pieces)) => {
                format!("{}> {}", name.0, shown_frames(&pieces.concat()))
            }
            (SendItem::Chop(size, _), Outgoing::Bytes(pieces)) => {
                format!("{}> chop {size} {}", name.0, shown(&pieces.concat()))
            }
            _ => source.to_owned(),
        }
    }

    fn publish(&mut self, now: Duration, data: &Text, attributes: &[Attribute]) -> Option<Duration> {
        match std::mem::replace(&mut self.publishing, Publishing::Idle) {
            Publishing::Idle => {
                let settle = self.settle(attributes);
                if now < self.opened_at + settle && self.opened_at > Duration::ZERO {
                    return Some(self.opened_at + settle);
                }
                match self.publication(data, attributes) {
                    Ok(publication) => {
                        let length = publication.data.len();
                        self.connections.iter_mut().for_each(|connection| connection.note_published(length));
                        self.own.entry(publication.data.clone().into_bytes()).or_insert(now);
                        self.trace.push(format!("publish {}", shown(publication.data.as_bytes())));
                        if let Some(mut request) = self.publish_request(&publication) {
                            request.may_be_refused =
                                attributes.iter().any(|attribute| attribute.key == "refusal");
                            self.publishing = Publishing::Waiting;
                            self.base = now;
                            self.act(Action::Publish(request));
                        }
                    }
                    Err(why) => self.fail_to_run(why),
                }
                None
            }
            Publishing::Waiting => {
                let deadline = self.base + self.patient(PUBLISH);
                if now >= deadline {
                    self.fail_to_run(format!("what was to be published was not answered within {PUBLISH:?}"));
                    return None;
                }
                self.publishing = Publishing::Waiting;
                Some(deadline)
            }
            Publishing::Answered(Ok(())) => {
                self.position += 1;
                self.base = now;
                None
            }
            Publishing::Answered(Err(Unpublished { refused, why })) => {
                let why = self.without_channel(&why);
                if refused {
                    self.skip(format!("the target does not publish what the case needs: {why}"));
                } else {
                    self.fail_to_run(format!("publishing failed: {why}"));
                }
                None
            }
        }
    }

    /// A reason that is the same for all cases, whichever channel each has.
    pub(super) fn without_channel(&self, why: &str) -> String {
        match self.settings.channel.as_str() {
            "" => why.to_owned(),
            channel => why.replace(channel, "{channel}"),
        }
    }

    /// How long to wait after the last subscription: as the case says, or the profile.
    fn settle(&self, attributes: &[Attribute]) -> Duration {
        let word = attributes.iter().find(|attribute| attribute.key == "settle");
        let own = word.and_then(|word| attribute_text(&word.value, &self.scope).ok());
        own.and_then(|word| crate::case::parse_duration(&word))
            .or(self.target.profile.publish.as_ref().and_then(|publish| publish.settle))
            .unwrap_or(SETTLE)
    }

    fn publication(&self, data: &Text, attributes: &[Attribute]) -> Result<Publication, String> {
        let data = data.bytes(&self.scope).map_err(|error| error.to_string())?;
        let data = String::from_utf8(data).map_err(|_| "only text can be published".to_owned())?;
        let channel = self.scope.text("channel").unwrap_or_default();
        let mut publication = Publication { channel, data, id: None, event: None, comment: None };
        for attribute in attributes {
            let value = attribute_text(&attribute.value, &self.scope).map_err(|error| error.to_string())?;
            match attribute.key.as_str() {
                "id" => publication.id = Some(value),
                "event" => publication.event = Some(value),
                "comment" => publication.comment = Some(value),
                _ => {}
            }
        }
        Ok(publication)
    }

    fn silent(
        &mut self,
        now: Duration,
        line: usize,
        silence: Silence,
        span: Span,
        name: &ConnectionName,
    ) -> Option<Duration> {
        let until = self.base + self.time(span);
        let Some(id) = self.id(name) else {
            self.fail_to_run(format!("the case listens{} before it connects", name.suffix()));
            return None;
        };
        let noise = self.connections[id.0]
            .arrivals
            .iter()
            .find(|arrival| arrival.at <= until && self.is_noise(silence, arrival));
        if let Some(arrival) = noise {
            if let Some(why) = self.closed_at_once(arrival) {
                self.fail_to_run(why);
                return None;
            }
            let (at, received) = (arrival.at, arrival.item.to_string());
            self.find(line, at, format!("nothing{} for {span}", name.suffix()), received);
            self.stop();
            return None;
        }
        if now < until {
            return Some(until);
        }
        self.trace.push(format!("{} {span}{}", silence.spelling(), name.suffix()));
        self.done_at(now);
        None
    }

    /// Whether something breaks a silence: not a heartbeat, not another's message, not the head of an answer that
    /// says nothing yet, unless it is one of everything; that one is broken by all but an interim answer.
    fn is_noise(&self, silence: Silence, arrival: &Arrival) -> bool {
        if silence == Silence::OfEverything {
            return !is_interim(&arrival.item);
        }
        match &arrival.item {
            Item::Comment | Item::Head(_) => false,
            Item::Frame(frame) => frame.opcode == pushspec_wire::websocket::Opcode::CLOSE,
            Item::Message(message) => {
                self.context().own_since(&message.data).is_some_and(|sent| arrival.at > sent)
            }
            _ => true,
        }
    }

    pub(super) fn context(&self) -> Context<'_> {
        let websocket = self.target.profile.websocket.as_ref();
        Context { scope: &self.scope, own: &self.own, websocket }
    }
}

/// The frames in bytes that the suite sent.
fn shown_frames(bytes: &[u8]) -> String {
    let mut scanner = pushspec_wire::websocket::FrameScanner::new();
    scanner.push(bytes);
    match scanner.next_frame() {
        Some(frame) if scanner.buffered() == 0 => {
            let lying = frame
                .facts()
                .iter()
                .any(|fact| matches!(fact, pushspec_wire::websocket::FactKind::NotMinimalLength));
            let form =
                if lying { format!("  # {}", shown(&bytes[..bytes.len().min(14)])) } else { String::new() };
            format!("{}{form}", super::item::shown_sent_frame(&frame))
        }
        _ => shown(bytes),
    }
}
