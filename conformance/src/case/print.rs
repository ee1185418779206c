//! Prints a page, or a single item, in the one notation.

use std::fmt;

use super::page::{Page, Section};
use super::statement::{
    Attribute, AttributeValue, Condition, ExpectItem, FieldPattern, FieldTest, FrameItem, FrameWord, Line,
    MessagePattern, OPCODES, OpcodeWord, RequestPattern, SendItem, Span, Statement, StatusPattern,
};
use super::text::{Repeat, Template};

impl fmt::Display for Page {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.preamble)?;
        self.sections.iter().try_for_each(|section| section.fmt(out))
    }
}

impl fmt::Display for Section {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "## {}\n{}```toml\n{}```\n{}",
            self.name, self.prose, self.front_matter.source, self.between
        )?;
        if let Some(lines) = &self.conversation {
            out.write_str("```wire\n")?;
            lines.iter().try_for_each(|line| writeln!(out, "{line}"))?;
            out.write_str("```\n")?;
        }
        out.write_str(&self.tail)
    }
}

impl fmt::Display for Line {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.indent)?;
        if let Some(statement) = &self.statement {
            statement.fmt(out)?;
        }
        if let Some(clause) = &self.clause {
            write!(out, "{}@{}", clause.gap, clause.text)?;
        }
        if let Some(comment) = &self.comment {
            write!(out, "{}#{}", comment.gap, comment.text)?;
        }
        Ok(())
    }
}

impl fmt::Display for Statement {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Statement::Connect(name) => named(out, "connect", &name.0),
            Statement::Accept(name) => named(out, "accept", &name.0),
            Statement::Procedure(procedure, name, attributes) => {
                named(out, procedure.spelling(), &name.0)?;
                write_attributes(out, attributes)
            }
            Statement::Publish(data, attributes) => {
                write!(out, "publish {data}")?;
                write_attributes(out, attributes)
            }
            Statement::Send(name, SendItem::HttpLine(line)) if line.source.is_empty() => {
                write!(out, "{}>", name.0)
            }
            Statement::Send(name, item) => write!(out, "{}> {item}", name.0),
            Statement::Expect(name, expectation) => {
                write!(out, "{}<{} ", name.0, if expectation.optional { "?" } else { "" })?;
                joined(out, &expectation.items, " or ")
            }
            Statement::Within(span) => write!(out, "within {span}"),
            Statement::After(from, to) => write!(out, "after {from}..{to}"),
            Statement::Silent(silence, span, name) => {
                named(out, &format!("{} {span}", silence.spelling()), &name.0)
            }
            Statement::Wait(span) => write!(out, "wait {span}"),
        }
    }
}

fn named(out: &mut fmt::Formatter<'_>, words: &str, name: &str) -> fmt::Result {
    out.write_str(words)?;
    if name.is_empty() { Ok(()) } else { write!(out, " {name}") }
}

fn joined<T: fmt::Display>(out: &mut fmt::Formatter<'_>, items: &[T], separator: &str) -> fmt::Result {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.write_str(separator)?;
        }
        item.fmt(out)?;
    }
    Ok(())
}

fn write_attributes(out: &mut fmt::Formatter<'_>, attributes: &[Attribute]) -> fmt::Result {
    attributes.iter().try_for_each(|attribute| write!(out, " {attribute}"))
}

impl fmt::Display for Attribute {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            AttributeValue::Text(text) => write!(out, "{}={text}", self.key),
            AttributeValue::Word(word) => write!(out, "{}={word}", self.key),
            AttributeValue::Parameter(name) => write!(out, "{}={{{name}}}", self.key),
        }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Span::Milliseconds(count) => write!(out, "{count}ms"),
            Span::Seconds(count) => write!(out, "{count}s"),
            Span::Heartbeat => out.write_str("heartbeat"),
            Span::Interval => out.write_str("interval"),
            Span::Hold => out.write_str("hold"),
            Span::HalfHold => out.write_str("half-hold"),
        }
    }
}

impl fmt::Display for Template {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.source)
    }
}

impl fmt::Display for SendItem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SendItem::HttpLine(line) => line.fmt(out),
            SendItem::Bytes(text) => text.fmt(out),
            SendItem::Frame(frame) => frame.fmt(out),
            SendItem::Chop(size, item) => write!(out, "chop {size} {item}"),
            SendItem::Fragments(Repeat::Times(size), frame) => write!(out, "fragments {size} {frame}"),
            SendItem::Fragments(Repeat::Parameter(name), frame) => {
                write!(out, "fragments {{{name}}} {frame}")
            }
            SendItem::Eof => out.write_str("eof"),
            SendItem::Reset => out.write_str("reset"),
            SendItem::Pause => out.write_str("pause"),
            SendItem::Trickle => out.write_str("trickle"),
            SendItem::Resume => out.write_str("resume"),
        }
    }
}

impl fmt::Display for ExpectItem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ExpectItem::Status(status) => status.fmt(out),
            ExpectItem::Request(request) => request.fmt(out),
            ExpectItem::Field(field) => field.fmt(out),
            ExpectItem::Message(message) => write!(out, "message {message}"),
            ExpectItem::Reply(message) => write!(out, "reply {message}"),
            ExpectItem::Frame(frame) => frame.fmt(out),
            ExpectItem::Bytes(text) => text.fmt(out),
            ExpectItem::Comment => out.write_str("comment"),
            ExpectItem::Anything => out.write_str("anything"),
            ExpectItem::Prelude(size) => write!(out, "prelude {size}"),
            ExpectItem::End => out.write_str("end"),
            ExpectItem::NoMessages => out.write_str("no-messages"),
            ExpectItem::Eof => out.write_str("eof"),
            ExpectItem::Reset => out.write_str("reset"),
            ExpectItem::Nothing => out.write_str("nothing"),
            ExpectItem::Skip => out.write_str("skip"),
        }
    }
}

impl fmt::Display for StatusPattern {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {} {}", self.version, self.codes.join("|"), self.reason.as_deref().unwrap_or("*"))
    }
}

impl fmt::Display for RequestPattern {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {} {}", self.method, self.target.as_deref().unwrap_or("*"), self.version)
    }
}

impl fmt::Display for FieldPattern {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.test {
            FieldTest::Exactly(value) => write!(out, "{}: {value}", self.name),
            FieldTest::Equals(values) => {
                write!(out, "{} equals ", self.name)?;
                joined(out, values, " or ")
            }
            FieldTest::Is(values) => {
                write!(out, "{} is ", self.name)?;
                joined(out, values, " or ")
            }
            FieldTest::Lists(values) => {
                write!(out, "{} lists ", self.name)?;
                joined(out, values, " or ")
            }
            FieldTest::Essence(value) => write!(out, "{} essence {value}", self.name),
            FieldTest::Accepts(offers) => write!(out, "{} accepts {offers}", self.name),
            FieldTest::AcceptsWithinHints(offers) => {
                write!(out, "{} accepts-within-hints {offers}", self.name)
            }
            FieldTest::Fits(grammar) => write!(out, "{} fits {}", self.name, grammar.spelling()),
            FieldTest::Present => write!(out, "{} present", self.name),
            FieldTest::Absent => write!(out, "{} absent", self.name),
            FieldTest::Same => write!(out, "{} same", self.name),
        }?;
        self.conditions.iter().try_for_each(|condition| write!(out, " {condition}"))?;
        if self.when.is_empty() { Ok(()) } else { write!(out, " when {}", self.when.join("|")) }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", if self.unless { "unless" } else { "if" }, self.name)?;
        if self.lists.is_empty() {
            return Ok(());
        }
        out.write_str(" lists ")?;
        joined(out, &self.lists, " or ")
    }
}

impl fmt::Display for MessagePattern {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}{}", if self.binary { "binary " } else { "" }, self.data)?;
        write_attributes(out, &self.attributes)
    }
}

impl fmt::Display for FrameItem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("[")?;
        joined(out, &self.0, " ")?;
        out.write_str("]")
    }
}

impl fmt::Display for FrameWord {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FrameWord::Opcode(OpcodeWord::Named(number)) => {
                let name = OPCODES.iter().find(|(_, opcode)| opcode == number);
                out.write_str(name.map_or("", |(name, _)| name))
            }
            FrameWord::Opcode(OpcodeWord::Number(number)) => write!(out, "0x{number:x}"),
            FrameWord::NoFin => out.write_str("nofin"),
            FrameWord::Rsv(bit) => write!(out, "rsv{bit}"),
            FrameWord::NoMask => out.write_str("nomask"),
            FrameWord::Mask([a, b, c, d]) => write!(out, "mask={a:02x}{b:02x}{c:02x}{d:02x}"),
            FrameWord::LengthForm(bits) => write!(out, "len{bits}"),
            FrameWord::Length(length) => write!(out, "length={length}"),
            FrameWord::Code(code) => write!(out, "{code}"),
            FrameWord::CodeClass(thousand) => write!(out, "{thousand}xxx"),
            FrameWord::Payload(text) => text.fmt(out),
            FrameWord::Any => out.write_str("*"),
            FrameWord::Deflate(words) if words.is_empty() => out.write_str("deflate"),
            FrameWord::Deflate(words) => {
                let words: Vec<&str> = words.iter().map(|word| word.spelling()).collect();
                write!(out, "deflate={}", words.join(","))
            }
            FrameWord::Parameter(name) => write!(out, "{{{name}}}"),
        }
    }
}
