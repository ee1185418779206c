//! The conversation of a case: one statement a line.

use std::time::Duration;

use super::text::{Repeat, Template, Text};

/// A line of a `wire` fence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The line in the file, counted from 1.
    pub number: usize,
    /// The line as written.
    pub source: String,
    /// Spaces before the statement.
    pub indent: String,
    /// What it says; nothing on a line that is empty or has only a comment.
    pub statement: Option<Statement>,
    /// `@clause`, with the spaces before it.
    pub clause: Option<Note>,
    /// `# comment`, with the spaces before it.
    pub comment: Option<Note>,
    /// The characters that the statement takes, counted from 1.
    pub columns: std::ops::Range<usize>,
}

/// A clause or a comment at the end of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The spaces before it.
    pub gap: String,
    /// The text without `@` or `#`.
    pub text: String,
}

/// The name of a connection; the first one has none.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(transparent)]
pub struct ConnectionName(pub String);

impl ConnectionName {
    /// The name of one of many connections that `times=` opens under one name; the first has the name itself.
    pub(crate) fn follower(&self, number: usize) -> ConnectionName {
        if number == 1 { self.clone() } else { ConnectionName(format!("{}/{number}", self.0)) }
    }

    /// Whether it is one of many, and not the first.
    pub(crate) fn is_follower(&self) -> bool {
        self.0.contains('/')
    }

    /// How a sentence refers to the connection: nothing for the first, ` on b` for the others.
    pub fn suffix(&self) -> String {
        if self.0.is_empty() { String::new() } else { format!(" on {}", self.0) }
    }
}

/// A closed list of requests that are made from the profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Procedure {
    /// `open websocket`: the opening handshake on the path that answers.
    OpenWebSocket,
    /// `subscribe websocket`: the opening handshake on the path where what is published arrives.
    SubscribeWebSocket,
    /// `open sse`
    OpenSse,
    /// `open iframe`
    OpenIframe,
    /// `poll`
    Poll,
    /// `long-poll`
    LongPoll,
}

impl Procedure {
    /// Every procedure with its spelling.
    pub const ALL: [(Procedure, &str); 6] = [
        (Procedure::OpenWebSocket, "open websocket"),
        (Procedure::SubscribeWebSocket, "subscribe websocket"),
        (Procedure::OpenSse, "open sse"),
        (Procedure::OpenIframe, "open iframe"),
        (Procedure::Poll, "poll"),
        (Procedure::LongPoll, "long-poll"),
    ];

    /// The spelling in the notation.
    pub fn spelling(self) -> &'static str {
        Procedure::ALL.iter().find(|(procedure, _)| *procedure == self).map_or("", |(_, spelling)| spelling)
    }
}

/// `key="value"` after a procedure or `publish`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// The word before the equals sign.
    pub key: String,
    /// What stands behind it.
    pub value: AttributeValue,
}

/// A value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttributeValue {
    /// In quotes, or several joined by `+`.
    Text(Text),
    /// A bare word such as `HEAD` or `300ms`.
    Word(String),
    /// `{name}` without quotes.
    Parameter(String),
}

/// A stretch of time and the way it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// `300ms`
    Milliseconds(u64),
    /// `5s`
    Seconds(u64),
    /// `heartbeat`: the time in which a heartbeat must have come, whenever the first interval began.
    Heartbeat,
    /// `interval`: the time between two heartbeats, and a third more: the standard says "or so".
    Interval,
    /// `hold`: the time in which a long poll must be answered, with or without news.
    Hold,
    /// `half-hold`: half of the time for which a long poll is held.
    HalfHold,
}

/// Stretches of time that the profile declares.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Declared {
    /// The time between two heartbeats.
    pub heartbeat: Option<Duration>,
    /// The time for which a long poll is held.
    pub hold: Option<Duration>,
}

impl Span {
    /// Whether the profile gives the time, and not the page.
    pub fn is_declared(self) -> bool {
        matches!(self, Span::Heartbeat | Span::Interval | Span::Hold | Span::HalfHold)
    }

    /// The stretch itself, with what the profile declares.
    pub fn duration(self, declared: Declared) -> Duration {
        let heartbeat = declared.heartbeat.unwrap_or(HEARTBEAT);
        let hold = declared.hold.unwrap_or(HOLD);
        match self {
            Span::Milliseconds(count) => Duration::from_millis(count),
            Span::Seconds(count) => Duration::from_secs(count),
            // The first interval may have begun anywhere, and timers of servers are coarse.
            Span::Heartbeat => heartbeat * 2 + Duration::from_secs(1),
            Span::Interval => heartbeat * 4 / 3 + Duration::from_secs(1),
            // A server may look at its holds now and then, and not at each of them by a timer of its own.
            Span::Hold => hold * 3 / 2 + Duration::from_secs(1),
            Span::HalfHold => hold / 2,
        }
    }
}

/// How often the standard's authoring notes want a comment (HTML section 9.2.7).
const HEARTBEAT: Duration = Duration::from_secs(15);

/// How long a poll is held where nothing is known of it. No such time is judged.
const HOLD: Duration = Duration::from_secs(25);

/// What a line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Statement {
    /// `connect`
    Connect(ConnectionName),
    /// `accept`: a client opens the connection, and the suite is the server.
    Accept(ConnectionName),
    /// `open …`, `subscribe …`, `poll`, `long-poll`
    Procedure(Procedure, ConnectionName, Vec<Attribute>),
    /// `publish "one" id="7"`
    Publish(Text, Vec<Attribute>),
    /// `> item`
    Send(ConnectionName, SendItem),
    /// `< item`, `<? item`
    Expect(ConnectionName, Expectation),
    /// `within 500ms`
    Within(Span),
    /// `after 1s..5s`
    After(Span, Span),
    /// `silent 300ms`, `mute 300ms`
    Silent(Silence, Span, ConnectionName),
    /// `wait 300ms`
    Wait(Span),
}

/// What must not come in a stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Silence {
    /// `silent`: neither a message of the case nor an end.
    OfMessages,
    /// `mute`: nothing at all, not even the head of an answer.
    OfEverything,
}

impl Silence {
    /// The word of the notation.
    pub fn spelling(self) -> &'static str {
        match self {
            Silence::OfMessages => "silent",
            Silence::OfEverything => "mute",
        }
    }
}

/// What the suite sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendItem {
    /// A line of an HTTP head; CRLF is added.
    HttpLine(Template),
    /// Bytes; nothing is added.
    Bytes(Text),
    /// A WebSocket frame.
    Frame(FrameItem),
    /// An item in pieces of that many bytes.
    Chop(usize, Box<SendItem>),
    /// `fragments 1 [text "Hello"]`: a message in frames with that many bytes of its payload.
    Fragments(Repeat, FrameItem),
    /// The end of what the suite sends (a TCP FIN).
    Eof,
    /// An abrupt end (a TCP RST).
    Reset,
    /// Nothing: from here on what comes is left in the socket.
    Pause,
    /// `> trickle`: what comes is taken one byte at a time.
    Trickle,
    /// Nothing: what comes is taken again.
    Resume,
}

/// A frame in square brackets: its words in the order in which they are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameItem(pub Vec<FrameWord>);

/// A word of a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FrameWord {
    /// `text`, or `0x3`.
    Opcode(OpcodeWord),
    /// `nofin`
    NoFin,
    /// `rsv1` to `rsv3`
    Rsv(u8),
    /// `nomask`
    NoMask,
    /// `mask=37fa213d`
    Mask([u8; 4]),
    /// `len16`, `len64`
    LengthForm(u8),
    /// `length=9`
    Length(u64),
    /// A close code.
    Code(u16),
    /// `4xxx`: any close code of that thousand, in a frame that is received.
    CodeClass(u16),
    /// The payload, or the reason of a close.
    Payload(Text),
    /// `*`: any payload.
    Any,
    /// `deflate`, `deflate=stored,final`: the payload is compressed, as the words say.
    Deflate(Vec<DeflateWord>),
    /// `{name}`: a word that a parameter of `each` gives.
    Parameter(String),
}

/// How a payload is compressed (RFC 7692 section 7.2.1). Without a word it is as was agreed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeflateWord {
    /// In stored blocks.
    Stored,
    /// With the fixed Huffman codes.
    Fixed,
    /// Without references.
    Literals,
    /// In many blocks.
    Blocks,
    /// The last block has BFINAL.
    Final,
    /// Without references to messages before.
    Fresh,
    /// The octets `00 00 ff ff` are left on.
    Untrimmed,
    /// With the largest window, whatever was agreed.
    Wide,
    /// With references to messages before, whatever was agreed.
    Taken,
    /// The last half is missing.
    Cut,
    /// RSV1 is not set.
    Unmarked,
}

impl DeflateWord {
    /// Every word with its spelling.
    pub const ALL: [(DeflateWord, &str); 11] = [
        (DeflateWord::Stored, "stored"),
        (DeflateWord::Fixed, "fixed"),
        (DeflateWord::Literals, "literals"),
        (DeflateWord::Blocks, "blocks"),
        (DeflateWord::Final, "final"),
        (DeflateWord::Fresh, "fresh"),
        (DeflateWord::Untrimmed, "untrimmed"),
        (DeflateWord::Wide, "wide"),
        (DeflateWord::Taken, "taken"),
        (DeflateWord::Cut, "cut"),
        (DeflateWord::Unmarked, "unmarked"),
    ];

    /// The spelling in the notation.
    pub fn spelling(self) -> &'static str {
        DeflateWord::ALL.iter().find(|(word, _)| *word == self).map_or("", |(_, spelling)| spelling)
    }
}

/// An opcode by its name or by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpcodeWord {
    /// One of the names of RFC 6455 section 11.8.
    Named(u8),
    /// `0x3`
    Number(u8),
}

/// The opcodes that have a name (RFC 6455 sections 5.2 and 11.8).
pub const OPCODES: [(&str, u8); 6] =
    [("continuation", 0x0), ("text", 0x1), ("binary", 0x2), ("close", 0x8), ("ping", 0x9), ("pong", 0xA)];

/// What must, or may, be received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expectation {
    /// `<?`
    pub optional: bool,
    /// One item, or several joined by `or`.
    pub items: Vec<ExpectItem>,
}

/// One thing that may come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExpectItem {
    /// `HTTP/1.1 101 *`
    Status(StatusPattern),
    /// `GET * HTTP/1.1`: the request of a client.
    Request(RequestPattern),
    /// `Name lists v`; belongs to the status line or the request above it.
    Field(FieldPattern),
    /// `message "one" id="7"`
    Message(MessagePattern),
    /// `reply "Hello"`
    Reply(MessagePattern),
    /// `[close 1002]`
    Frame(FrameItem),
    /// The next bytes of the message body.
    Bytes(Text),
    /// `comment`
    Comment,
    /// `anything`: any byte of the message body, from the step before on.
    Anything,
    /// `prelude 1024`: at least so many bytes of the message body before any message.
    Prelude(usize),
    /// `end`
    End,
    /// `no-messages`
    NoMessages,
    /// `eof`
    Eof,
    /// `reset`
    Reset,
    /// `or nothing`: not even an end, until the time is over
    Nothing,
    /// `or skip`: whatever else comes, or nothing in time; the case cannot ask what it is about, and is skipped
    Skip,
}

/// A status line with freedom where it is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusPattern {
    /// `HTTP/1.1`, or `HTTP/1.x` for any minor version.
    pub version: String,
    /// `200`, `4xx`, or several of them.
    pub codes: Vec<String>,
    /// The reason phrase; `None` for `*`.
    pub reason: Option<String>,
}

/// The request line of a client, with freedom where it is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestPattern {
    /// The method, compared with regard to case (RFC 9110 section 9.1).
    pub method: String,
    /// The request target; `None` for `*`.
    pub target: Option<String>,
    /// `HTTP/1.1`, or `HTTP/1.x` for any minor version.
    pub version: String,
}

/// What is expected of the fields of one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldPattern {
    /// The name, compared without regard to case.
    pub name: String,
    /// What is asked of its value.
    pub test: FieldTest,
    /// `unless Other`, `if Other`: where anything is asked. All of them have to hold.
    pub conditions: Vec<Condition>,
    /// `when 2xx|404`: nothing is asked of an answer with another status. Empty where all are asked.
    pub when: Vec<String>,
}

/// What another field must be for something to be asked of this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// `unless`: something is asked where the other field is not so; `if`: where it is.
    pub unless: bool,
    /// The name of the other field.
    pub name: String,
    /// `lists v or w`: one of the tokens that it must have, and not just be there.
    pub lists: Vec<Template>,
}

/// The tests of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldTest {
    /// `Name: v`
    Exactly(Template),
    /// `Name equals v or w`
    Equals(Vec<Template>),
    /// `Name is v or w`
    Is(Vec<Template>),
    /// `Name lists v or w`
    Lists(Vec<Template>),
    /// `Name essence text/html`
    Essence(Template),
    /// `Name fits digits`
    Fits(Grammar),
    /// `Name accepts v`: one of the extensions that are offered so is accepted (RFC 7692 section 7.1).
    Accepts(Template),
    /// `Name accepts-within-hints v`: the same, with no larger window for the client than it has announced.
    AcceptsWithinHints(Template),
    /// `Name present`
    Present,
    /// `Name absent`
    Absent,
    /// `Name same`: as in the answer before this one, or absent from both
    Same,
}

/// The grammars that `fits` knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grammar {
    /// Any value but an empty one
    Something,
    /// `1*DIGIT`
    Digits,
    /// RFC 9110 section 8.8.3
    EntityTag,
    /// RFC 9110 section 5.6.7
    HttpDate,
    /// RFC 9110 section 10.2.3
    RetryAfter,
    /// RFC 9110 section 5.6.1, of tokens
    TokenList,
    /// RFC 6455 section 4.3, `1#version`
    VersionList,
    /// A media type whose charset, if it has one, is UTF-8 (RFC 9110 section 8.3.1)
    MediaTypeInUtf8,
    /// `*`, `null` or one origin (WHATWG Fetch, the syntax of the CORS protocol)
    AllowedOrigin,
    /// A content security policy that lets a page of the same server frame the document, and lets scripts in it run
    /// (CSP, `frame-ancestors` and `script-src`)
    FramedScripts,
    /// An acceptance of permessage-deflate (RFC 7692 section 7.1)
    PermessageDeflate,
    /// Anything without `client_max_window_bits`, which this client has not offered (RFC 7692 section 7.1.2.2)
    PermessageDeflatePlain,
}

impl Grammar {
    /// Every grammar with its spelling.
    pub const ALL: [(Grammar, &str); 12] = [
        (Grammar::Something, "something"),
        (Grammar::Digits, "digits"),
        (Grammar::EntityTag, "entity-tag"),
        (Grammar::HttpDate, "http-date"),
        (Grammar::RetryAfter, "retry-after"),
        (Grammar::TokenList, "token-list"),
        (Grammar::VersionList, "version-list"),
        (Grammar::MediaTypeInUtf8, "media-type-in-utf-8"),
        (Grammar::AllowedOrigin, "allowed-origin"),
        (Grammar::FramedScripts, "framed-scripts"),
        (Grammar::PermessageDeflate, "permessage-deflate"),
        (Grammar::PermessageDeflatePlain, "permessage-deflate-without-client-bits"),
    ];

    /// The spelling in the notation.
    pub fn spelling(self) -> &'static str {
        Grammar::ALL.iter().find(|(grammar, _)| *grammar == self).map_or("", |(_, spelling)| spelling)
    }
}

/// A message, decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessagePattern {
    /// A binary WebSocket message.
    pub binary: bool,
    /// The data.
    pub data: Text,
    /// `id=` and `event=`
    pub attributes: Vec<Attribute>,
}
