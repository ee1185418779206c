//! From the lines of a case to the steps of the machine.

use std::collections::BTreeMap;

use crate::case::Case;
use crate::case::statement::{
    Attribute, AttributeValue, ConnectionName, ExpectItem, Expectation, FrameWord, OpcodeWord, Procedure,
    SendItem, Silence, Span, Statement,
};
use crate::case::text::Text;

/// A step, and the line on which it stands (an index into the conversation).
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) kind: StepKind,
    pub(crate) line: usize,
    pub(crate) bound: Option<Bound>,
}

/// What `within` and `after` ask of the next arrival.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bound {
    pub(crate) lower: Option<Span>,
    pub(crate) upper: Span,
}

#[derive(Debug, Clone)]
pub(crate) enum StepKind {
    Connect(ConnectionName),
    /// A client opens a connection.
    Accept(ConnectionName),
    Procedure(Procedure, ConnectionName, Vec<Attribute>),
    /// The same by a client that does not stay: it resets the connection soon after the answer.
    Visit(Procedure, ConnectionName, Vec<Attribute>),
    /// The procedure has opened what it should; stands where the case does not look at the answer's head itself.
    Opened(Procedure, ConnectionName),
    Publish(Text, Vec<Attribute>),
    /// Items that leave in one write, each with its line.
    Send(ConnectionName, Vec<(SendItem, usize)>),
    /// A status line or a request line, with the lines of the fields below it.
    Head(ConnectionName, Expectation, Vec<usize>),
    Expect(ConnectionName, Expectation),
    Silent(Silence, Span, ConnectionName),
    Wait(Span),
}

impl StepKind {
    /// The connection on which something is done.
    fn connection_mut(&mut self) -> Option<&mut ConnectionName> {
        match self {
            StepKind::Connect(name)
            | StepKind::Accept(name)
            | StepKind::Procedure(_, name, _)
            | StepKind::Visit(_, name, _)
            | StepKind::Opened(_, name)
            | StepKind::Send(name, _)
            | StepKind::Head(name, ..)
            | StepKind::Expect(name, _)
            | StepKind::Silent(_, _, name) => Some(name),
            StepKind::Publish(..) | StepKind::Wait(_) => None,
        }
    }

    /// The connection on which something is expected.
    pub(crate) fn expects_on(&self) -> Option<&ConnectionName> {
        match self {
            StepKind::Head(name, ..) | StepKind::Expect(name, _) | StepKind::Opened(_, name) => Some(name),
            _ => None,
        }
    }

    /// What is expected, where a line says it.
    pub(crate) fn expectation(&self) -> Option<&Expectation> {
        match self {
            StepKind::Head(_, expectation, _) | StepKind::Expect(_, expectation) => Some(expectation),
            _ => None,
        }
    }

    /// Whether the step may be missed.
    pub(crate) fn is_optional(&self) -> bool {
        self.expectation().is_some_and(|expectation| expectation.optional)
    }

    /// Whether the step is met where nothing comes.
    pub(crate) fn takes_nothing(&self) -> bool {
        self.expectation().is_some_and(|expectation| expectation.items.contains(&ExpectItem::Nothing))
    }

    /// Whether the case has nothing to ask where the step is missed.
    pub(crate) fn skips(&self) -> bool {
        self.expectation().is_some_and(|expectation| expectation.items.contains(&ExpectItem::Skip))
    }

    /// Whether a close frame is expected.
    pub(crate) fn expects_close(&self) -> bool {
        let StepKind::Expect(_, expectation) = self else { return false };
        expectation.items.iter().any(|item| {
            matches!(item, ExpectItem::Frame(frame)
            if matches!(frame.0.first(), Some(FrameWord::Opcode(OpcodeWord::Named(0x8)))))
        })
    }

    /// Whether something is expected that is said on an open WebSocket, and not its end alone.
    pub(crate) fn expects_words(&self) -> bool {
        let StepKind::Expect(_, expectation) = self else { return false };
        let is_word = |item: &ExpectItem| match item {
            ExpectItem::Message(_) | ExpectItem::Reply(_) => true,
            ExpectItem::Frame(frame) => {
                !matches!(frame.0.first(), Some(FrameWord::Opcode(OpcodeWord::Named(0x8))))
            }
            _ => false,
        };
        expectation.items.iter().any(is_word)
    }

    /// Whether an answer is expected, and the end of the connection will do.
    pub(crate) fn takes_end_for_answer(&self) -> bool {
        let StepKind::Head(_, expectation, _) = self else { return false };
        expectation.items.contains(&ExpectItem::Eof)
    }

    /// Whether nothing but the end of the connection is expected.
    pub(crate) fn expects_end_alone(&self) -> bool {
        let StepKind::Expect(_, expectation) = self else { return false };
        expectation.items.iter().all(|item| matches!(item, ExpectItem::Eof | ExpectItem::Reset))
    }

    /// What is expected, in the notation.
    pub(crate) fn expected(&self) -> String {
        if let Some(expectation) = self.expectation() {
            let asked = expectation.items.iter().filter(|item| **item != ExpectItem::Skip);
            return asked.map(ToString::to_string).collect::<Vec<_>>().join(" or ");
        }
        let StepKind::Opened(procedure, _) = self else { return String::new() };
        match procedure {
            Procedure::OpenWebSocket | Procedure::SubscribeWebSocket => "HTTP/1.1 101 *".to_owned(),
            Procedure::OpenSse | Procedure::OpenIframe => "HTTP/1.x 200 *".to_owned(),
            Procedure::Poll | Procedure::LongPoll => "HTTP/1.x 2xx *".to_owned(),
        }
    }
}

/// The steps of a case; an invariant has none.
pub(crate) fn steps(case: &Case) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut bound = None;
    let lines = case.section().conversation.as_deref().unwrap_or_default();
    for (index, line) in lines.iter().enumerate() {
        let Some(statement) = &line.statement else { continue };
        match statement {
            Statement::Within(upper) => bound = Some(Bound { lower: None, upper: *upper }),
            Statement::After(lower, upper) => bound = Some(Bound { lower: Some(*lower), upper: *upper }),
            _ => add(&mut steps, statement, index, bound.take()),
        }
    }
    insert_opened(&crowded(steps))
}

/// Repeats a procedure that is carried out many times, and all that is expected of its connections.
fn crowded(steps: Vec<Step>) -> Vec<Step> {
    let mut crowds: BTreeMap<ConnectionName, usize> = BTreeMap::new();
    let mut out = Vec::new();
    for mut step in steps {
        if let StepKind::Procedure(_, name, attributes) = &step.kind {
            crowds.insert(name.clone(), count(attributes, "times").max(1));
        }
        let times = step.kind.connection_mut().and_then(|name| crowds.get(name)).copied().unwrap_or(1);
        for number in 1..=times {
            let mut step = step.clone();
            if let Some(name) = step.kind.connection_mut() {
                *name = name.follower(number);
            }
            out.push(step);
        }
    }
    out
}

fn add(steps: &mut Vec<Step>, statement: &Statement, line: usize, bound: Option<Bound>) {
    let kind = match statement {
        Statement::Connect(name) => StepKind::Connect(name.clone()),
        Statement::Accept(name) => StepKind::Accept(name.clone()),
        Statement::Procedure(procedure, name, attributes) => {
            for _ in 0..again(attributes) {
                let kind = StepKind::Visit(*procedure, name.clone(), attributes.clone());
                steps.push(Step { kind, line, bound: None });
            }
            StepKind::Procedure(*procedure, name.clone(), attributes.clone())
        }
        Statement::Publish(data, attributes) => StepKind::Publish(data.clone(), attributes.clone()),
        Statement::Send(name, item) => {
            if let Some(Step { kind: StepKind::Send(other, items), .. }) = steps.last_mut()
                && other == name
            {
                items.push((item.clone(), line));
                return;
            }
            StepKind::Send(name.clone(), vec![(item.clone(), line)])
        }
        Statement::Expect(name, expectation) => match expectation.items.first() {
            Some(ExpectItem::Field(_)) => {
                if let Some(Step { kind: StepKind::Head(_, _, fields), .. }) = steps.last_mut() {
                    fields.push(line);
                }
                return;
            }
            Some(ExpectItem::Status(_) | ExpectItem::Request(_)) => {
                StepKind::Head(name.clone(), expectation.clone(), Vec::new())
            }
            _ => StepKind::Expect(name.clone(), expectation.clone()),
        },
        Statement::Silent(silence, span, name) => StepKind::Silent(*silence, *span, name.clone()),
        Statement::Wait(span) => StepKind::Wait(*span),
        Statement::Within(_) | Statement::After(..) => return,
    };
    steps.push(Step { kind, line, bound });
}

/// How often a procedure is carried out, and its connection reset, before it is carried out for good.
fn again(attributes: &[Attribute]) -> usize {
    count(attributes, "again")
}

/// The number that an attribute gives; 0 where it is not there.
fn count(attributes: &[Attribute], key: &str) -> usize {
    let word = attributes.iter().find(|attribute| attribute.key == key).map(|attribute| &attribute.value);
    match word {
        Some(AttributeValue::Word(word)) => word.parse().unwrap_or_default(),
        _ => 0,
    }
}

/// Puts `Opened` behind every procedure whose answer the case does not look at: at once where a technique opens, and
/// before the first thing that is expected where a poll is answered.
fn insert_opened(steps: &[Step]) -> Vec<Step> {
    let mut out: Vec<Step> = Vec::new();
    let mut awaited: Vec<(Procedure, ConnectionName, usize)> = Vec::new();
    let mut opening: Vec<Step> = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        let name = step.kind.expects_on();
        if let Some(at) = awaited.iter().position(|(_, other, _)| Some(other) == name) {
            let (procedure, name, line) = awaited.remove(at);
            let bound = step.bound.map(|bound| Bound { lower: None, ..bound });
            if !matches!(step.kind, StepKind::Head(..)) {
                out.push(Step { kind: StepKind::Opened(procedure, name), line, bound });
            }
        }
        out.push(step.clone());
        let StepKind::Procedure(procedure, name, _) = &step.kind else { continue };
        awaited.retain(|(_, other, _)| other != name);
        let looks = steps[index + 1..]
            .first()
            .is_some_and(|next| matches!(&next.kind, StepKind::Head(other, ..) if other == name));
        if matches!(procedure, Procedure::Poll | Procedure::LongPoll) {
            awaited.push((*procedure, name.clone(), step.line));
        } else if !looks {
            let kind = StepKind::Opened(*procedure, name.clone());
            opening.push(Step { kind, line: step.line, bound: None });
            // Many of one name open side by side.
            let next = steps.get(index + 1).map(|next| &next.kind);
            let is_one_of_many =
                matches!(next, Some(StepKind::Procedure(_, other, _)) if other.is_follower());
            if !is_one_of_many {
                out.append(&mut opening);
            }
        }
    }
    out
}
