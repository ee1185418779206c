//! What holds on every connection, whatever the case.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::case::statement::ConnectionName;

macro_rules! invariants {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// A fact that is judged on all traffic of all cases.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Invariant { $($(#[$doc])* $variant,)* }

        impl Invariant {
            /// All of them.
            pub const ALL: &'static [Invariant] = &[$(Invariant::$variant,)*];

            /// The name in the fixtures.
            pub fn name(self) -> &'static str {
                match self { $(Invariant::$variant => $name,)* }
            }
        }
    };
}

invariants! {
    /// Every line of a head ends with CRLF (RFC 9112 section 2.2).
    HttpLineEnds = "http-lines-end-with-crlf",
    /// No CR stands in a head but before LF (RFC 9112 section 2.2).
    NoBareCr = "http-no-bare-cr",
    /// The start line follows its grammar (RFC 9112 section 4).
    HttpHeads = "http-heads-well-formed",
    /// Field lines follow their grammar (RFC 9112 section 5).
    HttpFields = "http-fields-well-formed",
    /// The chunked coding follows its grammar (RFC 9112 section 7.1).
    Chunked = "chunked-well-formed",
    /// No answer has both `Content-Length` and `Transfer-Encoding` (RFC 9112 section 6.2).
    LengthNotWithTransferCoding = "length-not-with-transfer-coding",
    /// An answer with content says in its head where the content ends (RFC 9112 section 6.3).
    EndKnown = "http-end-is-known",
    /// A body that has a length is complete before the connection ends (RFC 9112 section 8).
    BodiesWhole = "http-bodies-whole",
    /// A body in chunks is complete before the connection ends (RFC 9112 section 7.1).
    LastChunk = "http-last-chunk",
    /// No `Content-Length` in 1xx and 204 (RFC 9110 section 8.6).
    NoLengthWithoutBody = "http-no-length-without-body",
    /// No `Transfer-Encoding` in 1xx and 204 (RFC 9112 section 6.1).
    NoCodingWithoutBody = "http-no-coding-without-body",
    /// No interim answer to a client of HTTP/1.0 (RFC 9110 section 15.2).
    NoInterimFor10 = "http-no-interim-for-1.0",
    /// No `Transfer-Encoding` in an answer to a client of HTTP/1.0 (RFC 9112 section 6.1).
    NoCodingFor10 = "http-no-coding-for-1.0",
    /// A server that is about to close says so in its answer (RFC 9112 section 9.6).
    CloseAnnounced = "http-close-announced",
    /// A server that lets no connection persist says so in each answer (RFC 9112 section 9.3).
    CloseInEveryAnswer = "http-close-in-every-answer",
    /// Nothing comes behind the body of an answer that nobody has asked for (RFC 9112 section 6.3).
    NothingBehindBody = "http-nothing-behind-the-body",
    /// A connection of TLS ends with a closure alert (RFC 9112 section 9.8).
    TlsClosure = "tls-closure-alert",
    /// Content is in the coding that `Content-Encoding` names (RFC 9110 section 8.4).
    CodedAsNamed = "content-coded-as-named",
    /// `Allow` is a list of methods (RFC 9110 section 10.2.1).
    AllowIsAList = "allow-is-a-list",
    /// `Vary` is a list of names of fields, or stars (RFC 9110 section 12.5.5).
    VaryIsAList = "vary-is-a-list",
    /// `Retry-After` is a date or a number of seconds (RFC 9110 section 10.2.3).
    RetryAfter = "retry-after-well-formed",
    /// A 405 says what is allowed (RFC 9110 section 15.5.6).
    AllowWith405 = "allow-with-405",
    /// A 405 does not allow the method that it refuses (RFC 9110 section 15.5.6).
    AllowIsTrue = "allow-is-true",
    /// A 401 says how to authenticate (RFC 9110 section 15.5.2).
    ChallengeWith401 = "challenge-with-401",
    /// A redirect says where to (RFC 9110 section 15.4).
    LocationWithRedirect = "location-with-redirect",
    /// Dates are in the preferred form (RFC 9110 section 5.6.7).
    DatesInOneForm = "dates-in-one-form",
    /// `Last-Modified` is not later than `Date` (RFC 9110 section 8.8.2.1).
    LastModifiedNotAhead = "last-modified-not-ahead",
    /// A field that is no list stands once (RFC 9110 section 5.3).
    SingleFieldsOnce = "single-fields-once",
    /// No list has an empty element (RFC 9110 section 5.6.1.1).
    NoEmptyElements = "no-empty-elements",
    /// `Connection` lists `Upgrade` where there is one (RFC 9110 section 7.8).
    ConnectionWithUpgrade = "connection-with-upgrade",
    /// `Connection` lists `Keep-Alive` where there is one (RFC 9110 section 7.6.1).
    ConnectionNamesItsFields = "connection-names-its-fields",
    /// `Connection` lists no field that is for all recipients (RFC 9110 section 7.6.1).
    ConnectionOptions = "connection-options-are-of-the-connection",
    /// `max-age` and `s-maxage` stand without quotes (RFC 9111 section 5.2.2).
    LifetimesUnquoted = "lifetimes-unquoted",
    /// A 426 says which protocol is required (RFC 9110 section 15.5.22).
    UpgradeWith426 = "upgrade-with-426",
    /// An event stream is UTF-8 (HTML, the media type's grammar).
    EventStreamUtf8 = "event-stream-utf8",
    /// Field names have a meaning (practice).
    EventStreamFields = "event-stream-fields-known",
    /// `retry` holds digits.
    EventStreamRetry = "event-stream-retry-digits",
    /// `id` holds no U+0000.
    EventStreamId = "event-stream-id-without-nul",
    /// A stream that is complete by its chunks ends behind a blank line (HTML, the grammar of event streams).
    EventStreamBoundary = "event-stream-ends-on-boundary",
    /// So does one that ends with its connection (practice: it may have been given up).
    EventStreamLastEvent = "event-stream-last-event-whole",
    /// `retry` makes no client come back at once (practice).
    EventStreamHurry = "event-stream-retry-is-no-hurry",
    /// An identifier that was set is not taken back (practice).
    EventStreamIdKept = "event-stream-id-is-not-taken-back",
    /// A byte order mark stands at most once, before everything else (HTML, the grammar of event streams).
    EventStreamMark = "event-stream-mark-at-start-only",
    /// Every script element of an iframe is complete when its document ends in order, and a browser can run it.
    IframeScripts = "iframe-scripts-whole",
    /// An iframe is UTF-8, as its type says.
    IframeUtf8 = "iframe-utf8",
    /// Between the scripts of an iframe stand white space and comments, and nothing else.
    IframeBetween = "iframe-nothing-between-scripts",
    /// The server masks no frame (RFC 6455 section 5.1).
    WebSocketUnmasked = "websocket-server-unmasked",
    /// No reserved bit without an extension (RFC 6455 section 5.2).
    WebSocketReservedBits = "websocket-reserved-bits-clear",
    /// No reserved opcode (RFC 6455 section 5.2).
    WebSocketOpcodes = "websocket-opcodes-known",
    /// The shortest form of the length (RFC 6455 section 5.2).
    WebSocketLength = "websocket-shortest-length",
    /// Control frames are not fragmented (RFC 6455 section 5.5).
    WebSocketControlWhole = "websocket-control-frames-whole",
    /// Control frames have at most 125 bytes (RFC 6455 section 5.5).
    WebSocketControlShort = "websocket-control-frames-short",
    /// Text messages are UTF-8 (RFC 6455 section 5.6).
    WebSocketUtf8 = "websocket-text-utf8",
    /// No close frame has a code that is only for use inside an endpoint (RFC 6455 section 7.4.1).
    WebSocketCloseCode = "websocket-close-code-for-the-wire",
    /// The codes of close frames are in the ranges that can have a meaning (RFC 6455 section 7.4.2).
    WebSocketCloseRange = "websocket-close-code-in-range",
    /// The body of a close frame is empty, or a code and a reason in UTF-8 (RFC 6455 section 5.5.1).
    WebSocketCloseBody = "websocket-close-body-well-formed",
    /// One close frame is sent, and no more (RFC 6455 section 7.1.5, practice).
    WebSocketOneClose = "websocket-one-close",
    /// Fragments of one message come without another message between them (RFC 6455 section 5.4).
    WebSocketFragments = "websocket-fragments-in-order",
    /// Nothing but frames follows the opening handshake (RFC 6455 section 6.1).
    WebSocketFramesAlone = "websocket-frames-alone",
    /// Nothing follows a close frame (RFC 6455 section 5.5.1).
    WebSocketAfterClose = "websocket-nothing-after-close",
    /// RSV1 is set in the first frame of a message of data alone (RFC 7692 section 6.1).
    WebSocketDeflateBit = "websocket-deflate-bit",
    /// A compressed message inflates (RFC 7692 section 7.2.1).
    WebSocketDeflateData = "websocket-deflate-data",
    /// A compressed message refers no further back than the window that was agreed on (RFC 7692 section 7.2.1).
    WebSocketDeflateWindow = "websocket-deflate-window",
    /// A compressed message refers to none before it where that was agreed on (RFC 7692 section 7.2.1).
    WebSocketDeflateContext = "websocket-deflate-context",
    /// Behind a block with BFINAL are bits of 0 up to the next byte (RFC 7692 section 7.2.1).
    WebSocketDeflatePadding = "websocket-deflate-padding",
}

impl Invariant {
    /// The invariant of a name.
    pub fn from_name(name: &str) -> Option<Invariant> {
        Invariant::ALL.iter().copied().find(|invariant| invariant.name() == name)
    }
}

/// A place where an invariant does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    /// Which one.
    pub invariant: Invariant,
    /// When the bytes came, counted from the start of the case.
    pub at: Duration,
    /// On which connection.
    pub connection: ConnectionName,
    /// What was seen, as a fragment of a sentence; bytes in the notation.
    pub seen: String,
}

/// How many breaches of one connection are kept: one is enough to fail, a few help to see the pattern.
const KEPT: usize = 5;

/// Collects the breaches of one connection, and which invariants had something to judge at all.
#[derive(Debug, Clone, Default)]
pub(crate) struct Watch {
    pub(crate) connection: ConnectionName,
    pub(crate) seen: BTreeSet<Invariant>,
    pub(crate) breaches: Vec<Breach>,
    /// Those that say nothing of the target from here on, because of what the case does.
    pub(crate) muted: BTreeSet<Invariant>,
    /// One bit for each of those that were seen.
    pub(crate) known: u128,
}

impl Watch {
    /// What comes from here on says nothing of these.
    pub(crate) fn mute(&mut self, invariants: &[Invariant]) {
        self.muted.extend(invariants);
    }

    /// There was something to judge.
    pub(crate) fn relevant(&mut self, invariants: &[Invariant]) {
        // Each frame and each line asks for the same ones.
        for invariant in invariants {
            let bit = 1 << *invariant as u32;
            if self.known & bit == 0 {
                self.known |= bit;
                self.seen.insert(*invariant);
            }
        }
    }

    /// Whether another breach of an invariant would be kept: the first one always is.
    pub(crate) fn keeps(&self, invariant: Invariant) -> bool {
        self.breaches.len() < KEPT || self.breaches.iter().all(|breach| breach.invariant != invariant)
    }

    /// It does not hold.
    pub(crate) fn breach(&mut self, invariant: Invariant, at: Duration, seen: impl Into<String>) {
        self.seen.insert(invariant);
        if self.muted.contains(&invariant) {
            return;
        }
        if self.keeps(invariant) {
            let connection = self.connection.clone();
            self.breaches.push(Breach { invariant, at, connection, seen: seen.into() });
        }
    }
}
