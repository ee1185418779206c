//! Whether something that came is what was expected.

use std::borrow::Cow;
use std::collections::HashMap;
use std::time::Duration;

use pushspec_wire::http1::Head;
use pushspec_wire::websocket::{Frame, Opcode};

use crate::case::statement::{
    Attribute, ExpectItem, FieldPattern, FieldTest, Grammar, MessagePattern, StatusPattern, Unless,
};
use crate::case::text::{NoValue, Template};
use crate::profile::decode::Message;
use crate::profile::websocket::WebSocket;

use super::encode::{EncodeError, FrameParts};
use super::grammar;
use super::item::{Arrival, Item, shown};
use super::request::attribute_text;
use super::scope::CaseScope;

/// How something that came relates to what was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fit {
    /// It is what was expected.
    Fits,
    /// It is something else that may come in between, and means nothing here.
    Passes,
    /// It cannot come before what was expected.
    Not,
}

impl Fit {
    /// Of several alternatives, the most favourable.
    pub(crate) fn or(self, other: Fit) -> Fit {
        match (self, other) {
            (Fit::Fits, _) | (_, Fit::Fits) => Fit::Fits,
            (Fit::Passes, _) | (_, Fit::Passes) => Fit::Passes,
            _ => Fit::Not,
        }
    }
}

/// What is needed to compare.
pub(crate) struct Context<'a> {
    pub(crate) scope: &'a CaseScope,
    /// The data of all messages that the case published, and what the target answers to those that it sent, with the
    /// time at which it first did so.
    pub(crate) own: &'a HashMap<Vec<u8>, Duration>,
    /// `[websocket]` of the profile.
    pub(crate) websocket: Option<&'a WebSocket>,
}

impl Context<'_> {
    /// The best fit among the alternatives of an expectation.
    pub(crate) fn fit(&self, items: &[ExpectItem], came: &Arrival) -> Result<Fit, EncodeError> {
        items.iter().try_fold(Fit::Not, |fit, item| Ok(fit.or(self.fit_one(item, came)?)))
    }

    /// What the target answers to the message of an expectation, where the profile makes it other than the message.
    pub(crate) fn made_reply(&self, items: &[ExpectItem]) -> Option<String> {
        let pattern = items.iter().find_map(|item| match item {
            ExpectItem::Reply(pattern) => Some(pattern),
            _ => None,
        })?;
        let sent = pattern.data.bytes(self.scope).ok()?;
        let made = answer(self.websocket, &sent, pattern.binary);
        (made != sent).then(|| shown(&made))
    }

    fn fit_one(&self, item: &ExpectItem, arrival: &Arrival) -> Result<Fit, EncodeError> {
        let came = &arrival.item;
        if is_interim(came) && !matches!(item, ExpectItem::Status(_)) {
            return Ok(Fit::Passes);
        }
        if matches!(came, Item::Message(_)) && self.is_early(arrival) {
            return Ok(Fit::Passes);
        }
        Ok(match item {
            ExpectItem::Status(pattern) => status_fit(pattern, came),
            ExpectItem::Message(pattern) => {
                self.message_fit(pattern, &pattern.data.bytes(self.scope)?, came)?
            }
            ExpectItem::Reply(pattern) => {
                let sent = pattern.data.bytes(self.scope)?;
                let answer = answer(self.websocket, &sent, pattern.binary);
                self.message_fit(pattern, &answer, &self.as_answer(came))?
            }
            ExpectItem::Frame(pattern) => self.frame_fit(&FrameParts::of(pattern, self.scope)?, came),
            ExpectItem::Comment => match came {
                Item::Comment => Fit::Fits,
                Item::Message(message) => self.other(message),
                Item::Frame(_) => Fit::Passes,
                _ => Fit::Not,
            },
            ExpectItem::End => match came {
                Item::End => Fit::Fits,
                Item::Message(_) | Item::Comment => Fit::Passes,
                _ => Fit::Not,
            },
            ExpectItem::NoMessages => match came {
                Item::End => Fit::Fits,
                Item::Message(message) => self.other(message),
                Item::Comment => Fit::Passes,
                _ => Fit::Not,
            },
            ExpectItem::Eof | ExpectItem::Reset => match (item, came) {
                (ExpectItem::Eof, Item::Eof) | (ExpectItem::Reset, Item::Reset) => Fit::Fits,
                (_, Item::Message(message)) => self.other(message),
                (_, Item::Frame(frame)) if frame.opcode != Opcode::CLOSE => Fit::Passes,
                (_, Item::Comment | Item::End) => Fit::Passes,
                _ => Fit::Not,
            },
            // It is what there is when the time is over.
            ExpectItem::Nothing => Fit::Not,
            // Compared with the body's bytes and with their number, not with items.
            ExpectItem::Bytes(_) | ExpectItem::Prelude(_) | ExpectItem::Field(_) | ExpectItem::Anything => {
                match came {
                    Item::Message(_) | Item::Comment | Item::Frame(_) => Fit::Passes,
                    _ => Fit::Not,
                }
            }
        })
    }

    /// Whether a message came before the case published or sent its like: a greeting, or the last news of a channel.
    fn is_early(&self, arrival: &Arrival) -> bool {
        match &arrival.item {
            Item::Message(message) => self.own_since(&message.data).is_some_and(|sent| arrival.at <= sent),
            _ => false,
        }
    }

    /// When the case first sent or published what brings this, if it did.
    pub(crate) fn own_since(&self, data: &[u8]) -> Option<Duration> {
        let read = || self.websocket?.read(data).and_then(|data| self.own.get(&data));
        self.own.get(data).or_else(read).copied()
    }

    /// A message that may be an answer, in the form in which answers are compared.
    fn as_answer<'i>(&self, came: &'i Item) -> Cow<'i, Item> {
        match came {
            Item::Message(message) if !message.binary => {
                let data = self.websocket.and_then(|websocket| websocket.read(&message.data));
                let read = data.map(|data| Item::Message(Message { data, ..message.clone() }));
                read.map_or(Cow::Borrowed(came), Cow::Owned)
            }
            _ => Cow::Borrowed(came),
        }
    }

    /// A message that was not expected: the case's own is out of order, any other is none of its business.
    pub(crate) fn other(&self, message: &Message) -> Fit {
        if self.own_since(&message.data).is_some() { Fit::Not } else { Fit::Passes }
    }

    fn message_fit(&self, pattern: &MessagePattern, data: &[u8], came: &Item) -> Result<Fit, EncodeError> {
        Ok(match came {
            Item::Message(message) if message.data == data => {
                let fits =
                    message.binary == pattern.binary && self.attributes_fit(&pattern.attributes, message)?;
                if fits { Fit::Fits } else { Fit::Not }
            }
            Item::Message(message) => self.other(message),
            Item::Frame(frame) if frame.opcode == Opcode::CLOSE => Fit::Not,
            Item::Frame(_) | Item::Comment => Fit::Passes,
            _ => Fit::Not,
        })
    }

    fn attributes_fit(&self, attributes: &[Attribute], message: &Message) -> Result<bool, NoValue> {
        for attribute in attributes {
            let expected = attribute_text(&attribute.value, self.scope);
            if attribute.key == "above" {
                // Where no message before had an id there is nothing to be above of.
                if expected.is_ok_and(|other| is_below(message.id.as_deref(), &other)) {
                    return Ok(false);
                }
                continue;
            }
            let expected = expected?;
            let came = if attribute.key == "id" { &message.id } else { &message.event };
            if came.as_deref() != Some(&expected) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn frame_fit(&self, pattern: &FrameParts, came: &Item) -> Fit {
        match came {
            Item::Frame(frame) if frame_equals(pattern, frame) => Fit::Fits,
            Item::Frame(frame) if frame.opcode == Opcode::CLOSE => Fit::Not,
            // A pong may come before or after the reply to a message: control frames are an order of their own.
            Item::Frame(_) if Opcode(pattern.opcode).is_control() => Fit::Passes,
            Item::Frame(frame) => {
                if self.own_since(&frame.unmasked_payload()).is_some() {
                    Fit::Not
                } else {
                    Fit::Passes
                }
            }
            Item::Message(message) if pattern.opcode == Opcode::CLOSE.0 => self.other(message),
            Item::Message(_) | Item::Comment => Fit::Passes,
            _ => Fit::Not,
        }
    }
}

/// Whether an id is a number, and not above another one. What is no number has no order that a client could know.
fn is_below(id: Option<&str>, other: &str) -> bool {
    let number = |text: &str| text.parse::<u128>().ok();
    id.and_then(number).zip(number(other)).is_some_and(|(id, other)| id <= other)
}

/// Whether this is the head of an interim answer: any number of them may precede the final one (RFC 9110 section
/// 15.2). 101 is final as far as the connection goes.
pub(crate) fn is_interim(came: &Item) -> bool {
    let Item::Head(head) = came else { return false };
    head.status_line().is_some_and(|status| (100..200).contains(&status.code) && status.code != 101)
}

/// What the target answers to a message: an echo where the profile says nothing else.
pub(crate) fn answer(websocket: Option<&WebSocket>, sent: &[u8], binary: bool) -> Vec<u8> {
    websocket.map_or_else(|| sent.to_vec(), |websocket| websocket.answer(sent, binary))
}

fn frame_equals(pattern: &FrameParts, frame: &Frame) -> bool {
    if frame.opcode.0 != pattern.opcode || frame.fin == pattern.nofin {
        return false;
    }
    if pattern.any {
        return true;
    }
    if let Some(thousand) = pattern.code_class {
        return frame.close_code().is_some_and(|code| code / 1000 == thousand);
    }
    match (pattern.code, &pattern.payload) {
        (Some(code), None) => frame.close_code() == Some(code),
        _ => *frame.unmasked_payload() == pattern.clear_payload(),
    }
}

fn status_fit(pattern: &StatusPattern, came: &Item) -> Fit {
    match came {
        Item::Head(head) => match head.status_line() {
            Some(_) if status_equals(pattern, head) => Fit::Fits,
            Some(_) if is_interim(came) => Fit::Passes,
            _ => Fit::Not,
        },
        Item::Message(_) | Item::Comment | Item::End => Fit::Passes,
        _ => Fit::Not,
    }
}

fn status_equals(pattern: &StatusPattern, head: &Head) -> bool {
    let Some(status) = head.status_line() else { return false };
    let version = match pattern.version.strip_suffix('x') {
        Some(prefix) => status.version.starts_with(prefix.as_bytes()),
        None => status.version == pattern.version.as_bytes(),
    };
    let reason = pattern.reason.as_ref().is_none_or(|reason| reason.as_bytes() == status.reason);
    version && is_one_of(&pattern.codes, status.code) && reason
}

/// Whether a status is one of these, or of one of these classes.
fn is_one_of(codes: &[String], code: u16) -> bool {
    let code = code.to_string();
    codes.iter().any(|wanted| match wanted.strip_suffix("xx") {
        Some(class) => code.starts_with(class),
        None => *wanted == code,
    })
}

/// Whether an answer is one of which the pattern asks something.
fn is_asked(pattern: &FieldPattern, head: &Head, scope: &CaseScope) -> Result<bool, NoValue> {
    let code = head.status_line().map_or(0, |status| status.code);
    if !pattern.when.is_empty() && !is_one_of(&pattern.when, code) {
        return Ok(false);
    }
    let Some(Unless { name, lists }) = &pattern.unless else { return Ok(true) };
    let lists_one =
        any(lists, scope, |wanted| head.values(name).any(|value| grammar::lists(&value, wanted)))?;
    Ok(if lists.is_empty() { head.value(name).is_none() } else { !lists_one })
}

/// Judges the fields of one name; what came instead if they are not as expected.
pub(crate) fn field_miss(
    pattern: &FieldPattern,
    optional: bool,
    head: &Head,
    before: Option<&Head>,
    scope: &CaseScope,
) -> Result<Option<String>, NoValue> {
    if !is_asked(pattern, head, scope)? {
        return Ok(None);
    }
    let values: Vec<Vec<u8>> = head.values(&pattern.name).map(std::borrow::Cow::into_owned).collect();
    if pattern.test == FieldTest::Same {
        return Ok(changed(pattern, optional, &values, before));
    }
    if values.is_empty() {
        let absent_is_right = optional || pattern.test == FieldTest::Absent;
        return Ok((!absent_is_right).then(|| format!("no field `{}`", pattern.name)));
    }
    let found = values.iter().map(|value| shown(value)).collect::<Vec<_>>().join(", ");
    let single = |fits: bool| fits && values.len() == 1;
    let fits = match &pattern.test {
        FieldTest::Present => true,
        FieldTest::Absent | FieldTest::Same => false,
        FieldTest::Exactly(template) => single(values[0] == template.bytes(scope)?),
        FieldTest::Equals(templates) => single(any(templates, scope, |wanted| values[0] == wanted)?),
        FieldTest::Is(templates) => {
            single(any(templates, scope, |wanted| values[0].eq_ignore_ascii_case(wanted))?)
        }
        FieldTest::Lists(templates) => {
            any(templates, scope, |wanted| values.iter().any(|value| grammar::lists(value, wanted)))?
        }
        FieldTest::Essence(template) => {
            let wanted = template.bytes(scope)?;
            single(
                values[0]
                    .split(|byte| *byte == b';')
                    .next()
                    .unwrap_or_default()
                    .trim_ascii()
                    .eq_ignore_ascii_case(&wanted),
            )
        }
        FieldTest::Fits(grammar @ (Grammar::TokenList | Grammar::VersionList | Grammar::FramedScripts)) => {
            values.iter().all(|value| grammar::fits(*grammar, value))
        }
        FieldTest::Fits(grammar) => single(grammar::fits(*grammar, &values[0])),
    };
    let many = if values.len() > 1 { format!("{} fields", values.len()) } else { "the field".to_owned() };
    Ok((!fits).then(|| format!("{many} `{}: {found}`", pattern.name)))
}

/// How the fields of one name differ from those of the answer before.
fn changed(
    pattern: &FieldPattern,
    optional: bool,
    values: &[Vec<u8>],
    before: Option<&Head>,
) -> Option<String> {
    let earlier: Vec<Vec<u8>> = before
        .into_iter()
        .flat_map(|head| head.values(&pattern.name).map(std::borrow::Cow::into_owned))
        .collect();
    let list = |values: &[Vec<u8>]| values.iter().map(|value| shown(value)).collect::<Vec<_>>().join(", ");
    // An answer in chunks does not tell its length, so there is nothing to be the same as.
    let untold = pattern.name.eq_ignore_ascii_case("Content-Length") && earlier.is_empty();
    if values == earlier || (optional && (values.is_empty() || untold)) {
        return None;
    }
    Some(match (values.is_empty(), earlier.is_empty()) {
        (true, _) => format!("no field `{}`; it was `{}` before", pattern.name, list(&earlier)),
        (_, true) => format!("the field `{}: {}`, which was not there before", pattern.name, list(values)),
        _ => format!("the field `{}: {}`; it was `{}` before", pattern.name, list(values), list(&earlier)),
    })
}

fn any(templates: &[Template], scope: &CaseScope, test: impl Fn(&[u8]) -> bool) -> Result<bool, NoValue> {
    for template in templates {
        if test(&template.bytes(scope)?) {
            return Ok(true);
        }
    }
    Ok(false)
}
