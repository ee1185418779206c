//! What each kind of step does when its turn comes.

use std::time::Duration;

use crate::case::statement::{
    Attribute, ConnectionName, ExpectItem, Expectation, FieldPattern, Procedure, SendItem, Span,
};
use crate::case::text::Text;
use crate::target::profile::Publication;
use crate::transcript::ConnectionId;

use super::encode::{Outgoing, outgoing};
use super::fit::{Context, Fit, field_miss};
use super::item::{Arrival, Item, readable_line, shown};
use super::machine::{Action, DEADLINE, Machine, Publishing, SETTLE};
use super::plan::{Bound, Step, StepKind};
use super::request::{attribute_text, request, technique};

/// How long an optional item that nothing follows is waited for.
const OPTIONAL: Duration = Duration::from_secs(1);

/// How long the recipe of a publication may take to answer.
const PUBLISH: Duration = Duration::from_secs(10);

/// What waiting for an item came to.
enum Search {
    /// The arrival at this index fits the step so many steps ahead.
    Found { index: usize, ahead: usize },
    /// The arrival at this index rules everything out.
    Ruled { index: usize },
    /// Nothing yet.
    Nothing,
}

impl Machine {
    /// Takes the next step if it can be taken. `Some` is the time until which there is nothing to do.
    pub(super) fn advance(&mut self, now: Duration) -> Option<Duration> {
        let Some(step) = self.steps.get(self.position).cloned() else {
            self.stop();
            return None;
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
                self.procedure(now, procedure, &name, &attributes);
                None
            }
            StepKind::Send(name, items) => {
                self.send(now, &name, &items);
                None
            }
            StepKind::Publish(data, attributes) => self.publish(now, &data, &attributes),
            StepKind::Wait(span) => self.wait_until(now, self.base + self.time(span)),
            StepKind::Silent(span, name) => self.silent(now, step.line, span, &name),
            StepKind::Opened(..) | StepKind::Head(..) | StepKind::Expect(..) => self.expect(now),
        }
    }

    /// The step is done; the times of the next one count from here.
    fn done_at(&mut self, at: Duration) {
        self.position += 1;
        self.base = at;
    }

    fn wait_until(&mut self, now: Duration, until: Duration) -> Option<Duration> {
        if now < until {
            return Some(until);
        }
        self.done_at(now);
        None
    }

    /// A stretch of time as this target has it.
    fn time(&self, span: Span) -> Duration {
        span.duration()
    }

    fn patient(&self, duration: Duration) -> Duration {
        duration.mul_f64(self.settings.patience)
    }

    fn id(&self, name: &ConnectionName) -> Option<ConnectionId> {
        self.names.get(name).copied()
    }

    fn procedure(
        &mut self,
        now: Duration,
        procedure: Procedure,
        name: &ConnectionName,
        attributes: &[Attribute],
    ) {
        match request(procedure, attributes, &self.target, &self.scope) {
            Ok(bytes) => {
                let id = self.connect(name, technique(procedure));
                self.procedures.insert(id, procedure);
                self.trace.push(format!("{}{}", procedure.spelling(), name.suffix()));
                self.trace_sent(name, &bytes);
                self.write(id, vec![bytes]);
                self.opened_at = now;
                self.done_at(now);
            }
            Err(error) => self.fail_to_run(error.to_string()),
        }
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
            self.trace.push(self.traced_item(name, item, &sent, &source));
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

    fn traced_item(&self, name: &ConnectionName, item: &SendItem, sent: &Outgoing, source: &str) -> String {
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
                let settle =
                    self.target.profile.publish.as_ref().and_then(|publish| publish.settle).unwrap_or(SETTLE);
                if now < self.opened_at + settle && self.opened_at > Duration::ZERO {
                    return Some(self.opened_at + settle);
                }
                match self.publication(data, attributes) {
                    Ok(publication) => {
                        self.own.insert(publication.data.clone().into_bytes());
                        self.trace.push(format!("publish {}", shown(publication.data.as_bytes())));
                        if let Some(request) = self.publish_request(&publication) {
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
                self.done_at(now);
                None
            }
            Publishing::Answered(Err(why)) => {
                self.fail_to_run(format!("publishing failed: {why}"));
                None
            }
        }
    }

    fn publication(&self, data: &Text, attributes: &[Attribute]) -> Result<Publication, String> {
        let data = data.bytes(&self.scope).map_err(|error| error.to_string())?;
        let data = String::from_utf8(data).map_err(|_| "only text can be published".to_owned())?;
        let channel = self.scope.text("channel").unwrap_or_default();
        let mut publication = Publication { channel, data, id: None, event: None };
        for attribute in attributes {
            let value = attribute_text(&attribute.value, &self.scope).map_err(|error| error.to_string())?;
            match attribute.key.as_str() {
                "id" => publication.id = Some(value),
                _ => publication.event = Some(value),
            }
        }
        Ok(publication)
    }

    fn silent(&mut self, now: Duration, line: usize, span: Span, name: &ConnectionName) -> Option<Duration> {
        let until = self.base + self.time(span);
        let Some(id) = self.id(name) else {
            self.fail_to_run(format!("the case listens{} before it connects", name.suffix()));
            return None;
        };
        let noise = self.connections[id.0]
            .arrivals
            .iter()
            .find(|arrival| arrival.at <= until && self.is_noise(&arrival.item));
        if let Some(arrival) = noise {
            let (at, received) = (arrival.at, arrival.item.to_string());
            self.find(line, at, format!("nothing{} for {span}", name.suffix()), received);
            self.stop();
            return None;
        }
        if now < until {
            return Some(until);
        }
        self.trace.push(format!("silent {span}{}", name.suffix()));
        self.done_at(now);
        None
    }

    /// Whether something breaks a silence: not a heartbeat, not another's message.
    fn is_noise(&self, item: &Item) -> bool {
        match item {
            Item::Comment(_) => false,
            Item::Frame(frame) => frame.opcode == pushspec_wire::websocket::Opcode::CLOSE,
            Item::Message(message) => self.context().other(message) == Fit::Not,
            _ => true,
        }
    }

    fn context(&self) -> Context<'_> {
        let reply = self.target.profile.websocket.as_ref().and_then(|websocket| websocket.reply.as_deref());
        Context { scope: &self.scope, own: &self.own, reply }
    }

    /// The steps that one arrival can fit: optional ones, and the one that is not.
    fn candidates(&self) -> Vec<Step> {
        let mut candidates: Vec<Step> = Vec::new();
        let name = self.steps[self.position].kind.expects_on().cloned();
        for step in &self.steps[self.position..] {
            if step.kind.expects_on() != name.as_ref() || name.is_none() {
                break;
            }
            candidates.push(step.clone());
            if !step.kind.is_optional() {
                break;
            }
        }
        candidates
    }

    fn expect(&mut self, now: Duration) -> Option<Duration> {
        let candidates = self.candidates();
        let name = candidates[0].kind.expects_on().cloned().unwrap_or_default();
        let Some(id) = self.id(&name) else {
            self.fail_to_run(format!("the case expects something{} before it connects", name.suffix()));
            return None;
        };
        if let Some(done) = self.expect_body(now, id, &candidates) {
            return done;
        }
        match self.search(id, &candidates) {
            Err(why) => self.fail_to_run(why),
            Ok(Search::Found { index, ahead }) => self.take(id, index, ahead, &candidates),
            Ok(Search::Ruled { index }) => self.ruled(id, index, &candidates),
            Ok(Search::Nothing) => return self.not_yet(now, id, &candidates),
        }
        None
    }

    fn search(&self, id: ConnectionId, candidates: &[Step]) -> Result<Search, String> {
        for (index, arrival) in self.connections[id.0].arrivals.iter().enumerate() {
            let mut best = Fit::Not;
            for (ahead, step) in candidates.iter().enumerate() {
                let fit = self.step_fit(step, &arrival.item).map_err(|error| error.to_string())?;
                if fit == Fit::Fits {
                    return Ok(Search::Found { index, ahead });
                }
                // What an optional step would pass over is decided by the one that is not optional.
                if !step.kind.is_optional() || candidates.len() == 1 {
                    best = fit;
                }
            }
            if best == Fit::Not {
                return Ok(Search::Ruled { index });
            }
        }
        Ok(Search::Nothing)
    }

    fn step_fit(&self, step: &Step, came: &Item) -> Result<Fit, super::encode::EncodeError> {
        match &step.kind {
            StepKind::Head(_, expectation, _) | StepKind::Expect(_, expectation) => {
                self.context().fit(&expectation.items, came)
            }
            StepKind::Opened(procedure, _) => Ok(match came {
                Item::Head(head) if is_open(*procedure, head) => Fit::Fits,
                Item::Head(head) if head.status_line().is_some_and(|status| status.code == 100) => {
                    Fit::Passes
                }
                _ => Fit::Not,
            }),
            _ => Ok(Fit::Not),
        }
    }

    /// An arrival is what a step expects.
    fn take(&mut self, id: ConnectionId, index: usize, ahead: usize, candidates: &[Step]) {
        for step in &candidates[..ahead] {
            self.miss_optional(step, "it did not come");
        }
        let step = &candidates[ahead];
        let connection = &mut self.connections[id.0];
        let Some(arrival) = connection.arrivals.remove(index) else { return };
        // Control frames stay for a step that asks for them; what else came before is passed.
        let mut at = 0;
        connection.arrivals.retain(|arrival| {
            at += 1;
            at > index || matches!(&arrival.item, Item::Frame(frame) if frame.opcode.is_control())
        });
        if let Some(cursor) = connection.cursor.take() {
            let technique = self
                .procedures
                .get(&id)
                .map_or(self.case.technique.as_str(), |procedure| technique(*procedure));
            let key = if technique == "long-polling" { "long-polling.cursor" } else { "polling.cursor" };
            self.scope.remember(key, cursor.clone().into_bytes());
            if technique == self.case.technique
                || !matches!(self.case.technique.as_str(), "polling" | "long-polling")
            {
                self.scope.remember("cursor", cursor.into_bytes());
            }
        }
        if let Item::Message(message) = &arrival.item {
            if let Some(id) = &message.id {
                self.scope.remember("last-event-id", id.clone().into_bytes());
            }
        }
        self.trace_taken(step, &arrival);
        if let Some(bound) = step.bound {
            self.check_bound(step, bound, &arrival);
        }
        if let Item::Head(head) = &arrival.item {
            self.scope.remember_head(head);
            if let StepKind::Head(_, _, fields) = &step.kind {
                self.check_fields(fields, &arrival);
            }
        }
        self.position += ahead + 1;
        // A poll's answer that the case does not look at does not move the clock of what it does look at.
        if !matches!(step.kind, StepKind::Opened(Procedure::Poll | Procedure::LongPoll, _)) {
            self.base = arrival.at.max(self.base);
        }
        if matches!(step.kind, StepKind::Opened(..)) {
            self.opened_at = arrival.at;
        }
    }

    fn trace_taken(&mut self, step: &Step, arrival: &Arrival) {
        let name = step.kind.expects_on().map(|name| name.0.clone()).unwrap_or_default();
        match &arrival.item {
            Item::Head(head) => {
                for line in head.lines.iter().filter(|line| !line.content.is_empty()) {
                    self.trace.push(format!("{name}< {}", readable_line(&line.content)));
                }
            }
            item => self.trace.push(format!("{name}< {item}")),
        }
    }

    fn check_bound(&mut self, step: &Step, bound: Bound, arrival: &Arrival) {
        let took = arrival.at.saturating_sub(self.base);
        let lower = bound.lower.map(|span| self.time(span));
        let upper = self.patient(self.time(bound.upper));
        let what = arrival.item.to_string();
        if let Some(lower) = lower.filter(|lower| took < *lower) {
            self.find(
                step.line,
                arrival.at,
                format!("not before {lower:?}"),
                format!("{what} after {took:.1?}"),
            );
        }
        if took > upper {
            self.find(step.line, arrival.at, format!("within {upper:?}"), format!("{what} after {took:.1?}"));
        }
    }

    fn check_fields(&mut self, fields: &[usize], arrival: &Arrival) {
        let Item::Head(head) = &arrival.item else { return };
        for line in fields {
            let Some((optional, pattern)) = self.field(*line) else { continue };
            match field_miss(&pattern, optional, head, &self.scope) {
                Ok(None) => {}
                Ok(Some(received)) => self.find(*line, arrival.at, pattern.to_string(), received),
                Err(error) => self.fail_to_run(error.to_string()),
            }
        }
    }

    fn field(&self, line: usize) -> Option<(bool, FieldPattern)> {
        match &self.line(line)?.statement {
            Some(crate::case::statement::Statement::Expect(_, Expectation { optional, items })) => {
                match items.first() {
                    Some(ExpectItem::Field(pattern)) => Some((*optional, pattern.clone())),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// An arrival that none of the steps can stand.
    fn ruled(&mut self, id: ConnectionId, index: usize, candidates: &[Step]) {
        let arrival = &self.connections[id.0].arrivals[index];
        let (at, received) = (arrival.at, described(&arrival.item));
        let close = matches!(&arrival.item, Item::Frame(frame) if frame.opcode == pushspec_wire::websocket::Opcode::CLOSE);
        // A close frame other than the one that may come is still a close frame: the conversation goes on.
        let other_close = candidates.iter().position(|step| step.kind.is_optional() && expects_close(step));
        if let Some(ahead) = other_close.filter(|_| close) {
            for step in &candidates[..=ahead] {
                self.miss_optional(step, &received);
            }
            self.trace.push(format!("{}< {received}", self.connections[id.0].name.0));
            self.connections[id.0].arrivals.drain(..=index);
            self.position += ahead + 1;
            self.base = at.max(self.base);
            return;
        }
        let Some(last) = candidates.last() else { return };
        if last.kind.is_optional() {
            // Nothing must come here: what came is for the steps behind.
            candidates.iter().for_each(|step| self.miss_optional(step, &received));
            self.position += candidates.len();
            return;
        }
        for step in &candidates[..candidates.len() - 1] {
            self.miss_optional(step, &received);
        }
        let last = last.clone();
        if let (StepKind::Opened(..), Item::Head(head)) =
            (&last.kind, &self.connections[id.0].arrivals[index].item)
        {
            if let Some(code @ (429 | 503)) = head.status_line().map(|status| status.code) {
                return self
                    .fail_to_run(format!("the target refuses more work with {code}; try fewer --jobs"));
            }
        }
        self.find(last.line, at, expected(&last), received);
        self.stop();
    }

    /// An optional step was not met: a finding only where a clause stands behind it.
    fn miss_optional(&mut self, step: &Step, received: &str) {
        if self.line(step.line).is_some_and(|line| line.clause.is_some()) {
            self.find(step.line, self.base, expected(step), received.to_owned());
        }
    }

    /// Nothing that fits has come so far.
    fn not_yet(&mut self, now: Duration, id: ConnectionId, candidates: &[Step]) -> Option<Duration> {
        let Some(last) = candidates.last().cloned() else { return None };
        let optional = last.kind.is_optional();
        let wanted = candidates.iter().any(|step| {
            step.bound.is_some() || self.line(step.line).is_some_and(|line| line.clause.is_some())
        });
        let window = match last.bound {
            Some(bound) => self.patient(self.time(bound.upper)),
            None if optional && !wanted => Duration::ZERO,
            None if optional => self.patient(OPTIONAL),
            None => self.patient(DEADLINE),
        };
        let deadline = self.base + window;
        if now < deadline {
            return Some(deadline);
        }
        let received = self.nothing(id, window);
        for step in candidates.iter().filter(|step| step.kind.is_optional()) {
            self.miss_optional(step, &received);
        }
        if optional {
            self.position += candidates.len();
            self.base = now;
        } else {
            self.find(last.line, now, expected(&last), received);
            self.stop();
        }
        None
    }

    /// Says that nothing came, and what came in its stead.
    fn nothing(&self, id: ConnectionId, window: Duration) -> String {
        let passed: Vec<String> = self.connections[id.0]
            .arrivals
            .iter()
            .rev()
            .take(3)
            .map(|arrival| arrival.item.to_string())
            .collect();
        if passed.is_empty() {
            return format!("nothing within {window:?}");
        }
        let passed: Vec<String> = passed.into_iter().rev().collect();
        format!("nothing of the kind within {window:?}; the last that came: {}", passed.join(", "))
    }

    /// Expectations that look at the bytes of the body rather than at items. `None` if the step is none of them.
    fn expect_body(
        &mut self,
        now: Duration,
        id: ConnectionId,
        candidates: &[Step],
    ) -> Option<Option<Duration>> {
        let step = candidates[0].clone();
        let StepKind::Expect(_, Expectation { items, .. }) = &step.kind else { return None };
        let connection = &mut self.connections[id.0];
        let ended = connection
            .arrivals
            .iter()
            .any(|arrival| matches!(arrival.item, Item::End | Item::Eof | Item::Reset | Item::Unreadable(_)));
        let (met, received) = match items.first()? {
            ExpectItem::Prelude(size) => {
                let message =
                    connection.arrivals.iter().any(|arrival| matches!(arrival.item, Item::Message(_)));
                let came = format!("{} bytes of the body before the first message", connection.prelude);
                (
                    if connection.prelude >= *size {
                        Some(true)
                    } else {
                        (ended || message).then_some(false)
                    },
                    came,
                )
            }
            ExpectItem::Bytes(text) => {
                let wanted = match text.bytes(&self.scope) {
                    Ok(wanted) => wanted,
                    Err(error) => {
                        self.fail_to_run(error.to_string());
                        return Some(None);
                    }
                };
                let came: Vec<u8> = connection.unread.iter().copied().take(wanted.len()).collect();
                let differs = !wanted.starts_with(&came);
                let met = if came == wanted { Some(true) } else { (ended || differs).then_some(false) };
                if met == Some(true) {
                    connection.unread.drain(..wanted.len());
                }
                (met, shown(&came))
            }
            _ => return None,
        };
        match met {
            Some(true) => {
                self.trace.push(format!("< {}", expected(&step)));
                self.done_at(now);
                Some(None)
            }
            Some(false) => {
                self.find(step.line, now, expected(&step), received);
                self.stop();
                Some(None)
            }
            None => Some(self.not_yet(now, id, &candidates[..1])),
        }
    }
}

/// Whether an answer opens what a procedure asked for.
fn is_open(procedure: Procedure, head: &pushspec_wire::http1::Head) -> bool {
    let code = head.status_line().map_or(0, |status| status.code);
    match procedure {
        Procedure::OpenWebSocket | Procedure::SubscribeWebSocket => code == 101,
        Procedure::OpenSse | Procedure::OpenIframe => code == 200,
        Procedure::Poll | Procedure::LongPoll => (200..300).contains(&code),
    }
}

fn expects_close(step: &Step) -> bool {
    let StepKind::Expect(_, expectation) = &step.kind else { return false };
    expectation.items.iter().any(|item| matches!(item, ExpectItem::Frame(frame)
        if matches!(frame.0.first(), Some(crate::case::statement::FrameWord::Opcode(crate::case::statement::OpcodeWord::Named(0x8))))))
}

/// What a step expects, in the notation.
fn expected(step: &Step) -> String {
    match &step.kind {
        StepKind::Head(_, expectation, _) | StepKind::Expect(_, expectation) => {
            expectation.items.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ")
        }
        StepKind::Opened(procedure, _) => match procedure {
            Procedure::OpenWebSocket | Procedure::SubscribeWebSocket => "HTTP/1.1 101 *".to_owned(),
            Procedure::OpenSse | Procedure::OpenIframe => "HTTP/1.x 200 *".to_owned(),
            Procedure::Poll | Procedure::LongPoll => "HTTP/1.x 2xx *".to_owned(),
        },
        _ => String::new(),
    }
}

fn described(item: &Item) -> String {
    item.to_string()
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
            format!("{}{form}", super::item::shown_frame(&frame))
        }
        _ => shown(bytes),
    }
}
