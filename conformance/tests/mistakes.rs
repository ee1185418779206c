//! What is said where a page, the catalogue or a profile is broken: each mistake once, in its place, with a way out.

use std::fs;
use std::path::Path;

use pushspec::case::PageError;
use pushspec::catalogue::Catalogue;
use pushspec::mistake::PageErrors;
use pushspec::profile::Profile;
use pushspec::suite::{Suite, SuiteError};
use tempfile::TempDir;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

const SPECIFICATION: &str = "title = \"A specification\"
link = \"https://example.org/#section-{section}\"

[[clause]]
id = \"1/clause\"
level = \"must\"
text = \"A server does it.\"

[[clause]]
id = \"1/of-clients\"
level = \"must\"
binds = \"client\"
text = \"A client does it.\"

[[clause]]
id = \"1/left-alone\"
level = \"may\"
text = \"A server may do it.\"
waived = \"Either way is right.\"

[[clause]]
id = \"2/elsewhere\"
level = \"must\"
text = \"A server does it elsewhere.\"
";

fn catalogue(text: &str) -> std::result::Result<Catalogue, PageErrors> {
    Catalogue::parse([("requirements/spec", text)])
}

/// What is said of a page.
fn of_page(text: &str) -> Result<Vec<PageError>> {
    let suite = Suite::new([("sse/1-page", text)], catalogue(SPECIFICATION)?);
    Ok(suite.map_or_else(|errors| errors.0, |_| Vec::new()))
}

const FACTS: &str = "covers = [\"spec/1/clause\"]\neach.size = [1, 2]\n";

/// A page with one case.
fn page(front_matter: &str, conversation: &str) -> String {
    format!(
        "# A section\n\n## a-case\n\nWhy it matters.\n\n```toml\n{front_matter}```\n\n```wire\n{conversation}```\n"
    )
}

/// One mistake as it is shown; that it is one, has a place and a way out is looked at here.
#[track_caller]
fn shown(what: &str, errors: &[PageError]) -> String {
    let all: Vec<String> = errors.iter().map(ToString::to_string).collect();
    let [error] = errors else { panic!("{what}: {} mistakes\n{}", errors.len(), all.join("\n\n")) };
    assert!(error.hint.as_ref().is_some_and(|hint| !hint.is_empty()), "{what}: no hint\n{error}");
    assert!(error.column <= error.source.chars().count() + 1, "{what}: no such column\n{error}");
    format!("# {what}\n\nerror: {error}\n\n")
}

const CONVERSATIONS: &[(&str, &str)] = &[
    ("expectation that is none", "connect\n< cloze\n"),
    ("frame word", "open websocket\n> [text \"a\" nofim]\n"),
    ("opcode", "open websocket\n> [txt \"a\"]\n"),
    ("opcode that is too large", "open websocket\n> [0x1f \"a\"]\n"),
    ("close code that is too large", "open websocket\n> [close 99999]\n"),
    ("masking key that is too short", "open websocket\n> [text mask=37fa21 \"a\"]\n"),
    ("masking key that is too long", "open websocket\n> [text mask=37fa213d00 \"a\"]\n"),
    ("masking key in capitals", "open websocket\n> [text mask=37FA213D \"a\"]\n"),
    ("length that is too large", "open websocket\n> [text length=99999999999999999999 \"a\"]\n"),
    ("length form that needs no word", "open websocket\n> [text len7 \"a\"]\n"),
    ("two words for a mask", "open websocket\n> [text mask=37fa213d nomask \"a\"]\n"),
    ("way to compress", "open websocket\n> [text deflate=storred \"a\"]\n"),
    ("two ways to compress", "open websocket\n> [text deflate deflate=stored \"a\"]\n"),
    ("compression of what is received", "open websocket\n< [text deflate \"a\"]\n"),
    ("fragments of nothing", "open websocket\n> fragments 0 [text \"a\"]\n"),
    ("fragments of a control frame", "open websocket\n> fragments 1 [ping \"a\"]\n"),
    ("fragments of a fragment", "open websocket\n> fragments 1 [text nofin \"a\"]\n"),
    ("noise without a length", "open websocket\n> [text noise * long]\n"),
    ("two opcodes", "open websocket\n> [text binary \"a\"]\n"),
    ("reason without a code", "open websocket\n> [close \"bye\"]\n"),
    ("frame that is not closed", "open websocket\n> [text \"a\"\n"),
    ("frame that begins with no opcode", "open websocket\n> [nofin \"a\"]\n"),
    ("statement", "connct\n"),
    ("statement like no other", "frobnicate\n"),
    ("indentation with a tab", "\tconnect\n"),
    ("procedure", "open websockt\n"),
    ("procedure like no other", "open frobnication\n"),
    ("procedure without its technique", "open\n"),
    ("two statements on a line", "open websocket open sse\n"),
    ("trailing spaces", "open websocket   \n"),
    ("two spaces", "open  websocket\n"),
    ("two spaces before an attribute", "open websocket  method=HEAD\n"),
    ("attribute", "open sse metod=HEAD\n"),
    ("attribute without a value", "poll method\n"),
    ("attribute with an empty value", "poll method=\n"),
    ("attribute twice", "open sse method=GET method=HEAD\n"),
    ("no connection at all", "open sse times=0\n"),
    ("too many connections", "open sse times=100000\n"),
    ("number of connections by a parameter", "open sse times={size}\n"),
    ("fewer than no visits", "open sse again=-1\n"),
    ("version", "open sse version=9\n"),
    ("header field without a colon", "open sse field=\"Foo\"\n"),
    ("time to hold a poll", "long-poll hold=300\n"),
    ("refusal", "open sse\npublish \"a\" refusal=no\n"),
    ("attribute of a publication", "open sse\npublish \"a\" idd=\"7\"\n"),
    ("publication of nothing", "open sse\npublish\n"),
    ("string that is not closed", "connect\n> \"abc\n"),
    ("escape", "connect\n> \"a\\q\"\n"),
    ("escape without its digits", "connect\n> \"a\\x+f\"\n"),
    ("escape without its code point", "connect\n> \"a\\u{}\"\n"),
    ("brace", "connect\n> \"a{b\"\n"),
    ("odd number of hex digits", "connect\n> x\"81 0\"\n"),
    ("hex digit", "connect\n> x\"8g\"\n"),
    ("number of repetitions", "connect\n> \"x\" * 99999999999\n"),
    ("pieces of no bytes", "connect\n> chop 0 \"a\"\n"),
    ("pieces of a line", "connect\n> chop 1 eof\n"),
    ("substitution", "connect\n> GET {pth} HTTP/1.1\n"),
    ("substitution like no other", "connect\n> GET {frobnication} HTTP/1.1\n"),
    ("line that is no item", "connect\n> hello\n"),
    ("no space after an arrow", "connect\n<eof\n"),
    ("field without a status line", "connect\n< Upgrade is websocket\n"),
    ("test of a field", "connect\n< HTTP/1.1 101 *\n< Upgrade iss websocket\n"),
    ("test of a field without a value", "connect\n< HTTP/1.1 101 *\n< Upgrade lists\n"),
    ("grammar", "connect\n< HTTP/1.1 200 *\n< ETag fits entitytag\n"),
    ("status", "connect\n< HTTP/1.1 20x *\n"),
    ("status without a reason", "connect\n< HTTP/1.1 200\n"),
    ("version of an answer", "connect\n< HTTP/2 200 *\n"),
    ("reply that says nothing", "open websocket\n< reply\n"),
    ("message that says nothing", "open websocket\n< message\n"),
    ("prelude without a size", "open iframe\n< prelude\n"),
    ("size of a prelude", "open iframe\n< prelude much\n"),
    ("alternative that is missing", "connect\n< eof or\n"),
    ("nothing beside which there is something", "connect\n< nothing\n"),
    ("a skip of nothing", "connect\n< skip\n"),
    ("field as an alternative", "connect\n< eof or Upgrade is websocket\n"),
    ("masked expectation", "open websocket\n< [text mask=37fa213d \"a\"]\n"),
    ("bound at the end", "open sse\nwithin 5s\n"),
    ("bound before a statement", "open sse\nwithin 1s\nwait 1s\n"),
    ("time without a unit", "open sse\nwait 5\n"),
    ("time that is missing", "open sse\nsilent\n"),
    ("no time to be silent", "open sse\nsilent 0ms\n"),
    ("no time for an answer", "connect\nwithin 0ms\n< eof\n"),
    ("bounds in the wrong order", "connect\nafter 5s..1s\n< eof\n"),
    ("one bound", "connect\nafter 5s\n< eof\n"),
    ("bounds without units", "connect\nafter 1..5\n< eof\n"),
    ("lower bound of nothing", "connect\nafter 0s..5s\n< eof\n"),
    ("unknown clause", "connect\n< eof  @spec/1/claus\n"),
    ("unknown clause of a section", "connect\n< eof  @spec/1/nope\n"),
    ("unknown section", "connect\n< eof  @spec/3/elsewhere\n"),
    ("unknown specification", "connect\n< eof  @nope/9/nope\n"),
    ("clause of clients", "connect\n< eof  @spec/1/of-clients\n"),
    ("clause that is waived", "connect\n< eof  @spec/1/left-alone\n"),
    ("two clauses on a line", "connect\n< eof  @spec/1/clause  @spec/2/elsewhere\n"),
    ("clause behind what is sent", "connect\n> eof  @spec/1/clause\n< eof\n"),
    ("single space before a comment", "connect\n< eof # here\n"),
    ("name of a connection", "connect B\n"),
    ("connection that nothing opens", "connect\nb< eof\n"),
    ("sending before connecting", "> [text \"a\"]\n< eof\n"),
    ("silence before connecting", "connect\nsilent 300ms b\n"),
    ("accept beside connect", "connect\naccept b\n< eof\n"),
    ("accept beside a procedure", "open sse\naccept b\n< end\n"),
    ("connect beside accept", "accept\nconnect b\n< eof\n"),
    ("procedure beside accept", "accept\nopen sse b\n< eof\n"),
    ("accept that is not first", "wait 1s\naccept\n< eof\n"),
    ("name of an accepted connection", "accept B\n< eof\n"),
    ("accept misspelt", "acept\n"),
    ("publication for a client", "accept\npublish \"a\"\n< eof\n"),
    ("status of a client", "accept\n< HTTP/1.1 200 *\n"),
    ("reply of a client", "accept\n< reply \"a\"\n"),
    ("request of a server", "connect\n< GET * HTTP/1.1\n"),
    ("version of a request", "accept\n< GET / HTTP/2\n"),
    ("nothing", ""),
    ("nothing expected", "connect\n> eof\n"),
    ("nothing that must come", "connect\n<? eof\n"),
];

#[test]
fn a_mistake_in_a_conversation_is_shown_with_a_caret() -> Result {
    let mut all = String::new();
    for (what, text) in CONVERSATIONS {
        all.push_str(&shown(what, &of_page(&page(FACTS, text))?));
    }
    insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!("conversations", all) });
    Ok(())
}

#[test]
fn several_mistakes_are_told_at_once() -> Result {
    let errors = of_page(&page(FACTS, "connct\n> [tex]\n< eofs or reset\n"))?;
    let places: Vec<(usize, usize)> = errors.iter().map(|error| (error.line, error.column)).collect();
    assert_eq!(places, [(13, 1), (14, 4), (15, 3)]);
    Ok(())
}

const ENDING: &str = "connect\n< eof\n";

/// Pages that are broken by their front matter.
const FRONT_MATTER_MISTAKEN: &[(&str, &str)] = &[
    ("no clause", "precondition = true\n"),
    ("no front matter in the fence", ""),
    ("empty list of clauses", "covers = []\n"),
    ("clause that is no list", "covers = 3\n"),
    ("clause twice", "covers = [\"spec/1/clause\", \"spec/1/clause\"]\n"),
    ("unknown clause", "covers = [\"spec/1/clauze\"]\n"),
    ("clause of clients", "covers = [\"spec/1/of-clients\"]\n"),
    ("clause that is waived", "covers = [\"spec/1/left-alone\"]\n"),
    ("unknown key", "cover = [\"spec/1/clause\"]\n"),
    ("unknown key like no other", "covers = [\"spec/1/clause\"]\nfrobnicate = 1\n"),
    ("key twice", "covers = [\"spec/1/clause\"]\ncovers = [\"spec/2/elsewhere\"]\n"),
    ("list that is not closed", "covers = [[\"spec/1/clause\"]\n"),
    ("string without quotes", "covers = [spec]\n"),
    ("string that is not closed", "covers = [\"spec/1/clause]\n"),
    ("key without a value", "covers = [\"spec/1/clause\"]\nprecondition\n"),
    ("precondition in quotes", "covers = [\"spec/1/clause\"]\nprecondition = \"yes\"\n"),
    ("precondition that is a number", "covers = [\"spec/1/clause\"]\nprecondition = 1\n"),
    ("needs that are no list", "covers = [\"spec/1/clause\"]\nneeds = \"sse\"\n"),
    ("unknown need", "covers = [\"spec/1/clause\"]\nneeds = [\"sse.resum\"]\n"),
    ("unknown need like no other", "covers = [\"spec/1/clause\"]\nneeds = [\"frobnication\"]\n"),
    (
        "invariant with a conversation",
        "covers = [\"spec/1/clause\"]\ninvariant = \"server-frames-unmasked\"\n",
    ),
    ("unknown technique", "covers = [\"spec/1/clause\"]\neach.technique = [\"ssee\"]\n"),
    ("value without a label", "covers = [\"spec/1/clause\"]\neach.x = [\"a b\"]\n"),
    ("value twice", "covers = [\"spec/1/clause\"]\neach.x = [1, 1]\n"),
    ("no values", "covers = [\"spec/1/clause\"]\neach.x = []\n"),
    ("values that are no list", "covers = [\"spec/1/clause\"]\neach.x = 3\n"),
    ("list of lists", "covers = [\"spec/1/clause\"]\neach.x = [[1], [2]]\n"),
    ("name of a parameter", "covers = [\"spec/1/clause\"]\neach.\"a b\" = [1]\n"),
    ("label twice", "covers = [\"spec/1/clause\"]\neach.x = { a = 1, a = 2 }\n"),
];

/// Pages that are broken in other ways.
const PAGES: &[(&str, &str)] = &[
    ("empty page", ""),
    ("page of white space", "\n\n"),
    ("byte order mark", "\u{feff}# A section\n"),
    ("carriage returns", "# A section\r\n\r\n## a-case\r\n"),
    ("no line break at the end", "# A section\n\nWhy"),
    (
        "no title",
        "## a-case\n\nWhy.\n\n```toml\ncovers = [\"spec/1/clause\"]\n```\n\n```wire\nconnect\n< eof\n```\n",
    ),
    ("no case", "# A section\n"),
    ("name of a case", "# A section\n\n## A Case\n"),
    (
        "no prose",
        "# A section\n\n## a-case\n\n```toml\ncovers = [\"spec/1/clause\"]\n```\n\n```wire\nconnect\n< eof\n```\n",
    ),
    ("no front matter", "# A section\n\n## a-case\n\nWhy.\n\n```wire\nconnect\n```\n"),
    ("no conversation", "# A section\n\n## a-case\n\nWhy.\n\n```toml\ncovers = [\"spec/1/clause\"]\n```\n"),
    (
        "unknown invariant",
        "# A section\n\n## a-case\n\nWhy.\n\n```toml\ncovers = [\"spec/1/clause\"]\ninvariant = \"websocket-unmasked\"\n```\n",
    ),
    (
        "fence that is not closed at the end",
        "# A section\n\n## a-case\n\nWhy.\n\n```toml\ncovers = [\"spec/1/clause\"]\n",
    ),
    (
        "front matter that is not closed",
        "# A section\n\n## a-case\n\nWhy.\n\n```toml\ncovers = [\"spec/1/clause\"]\n\n```wire\nconnect\n< eof\n```\n",
    ),
    (
        "conversation that is not closed",
        "# A section\n\n## a-case\n\nWhy.\n\n```toml\ncovers = [\"spec/1/clause\"]\n```\n\n```wire\nconnect\n< eof\n\n## b-case\n\nWhy.\n\n```toml\ncovers = [\"spec/1/clause\"]\n```\n\n```wire\nconnect\n< eof\n```\n",
    ),
    (
        "front matter that is not opened",
        "# A section\n\n## a-case\n\nWhy.\n\ncovers = [\"spec/1/clause\"]\n```\n\n```wire\nconnect\n< eof\n```\n",
    ),
    (
        "fence with a space",
        "# A section\n\n## a-case\n\nWhy.\n\n``` toml\ncovers = [\"spec/1/clause\"]\n```\n",
    ),
    (
        "unknown fence",
        "# A section\n\n## a-case\n\nWhy.\n\n```toml\ncovers = [\"spec/1/clause\"]\n```\n\n```wir\nconnect\n```\n",
    ),
    (
        "second fence",
        "# A section\n\n## a-case\n\nWhy.\n\n```toml\ncovers = [\"spec/1/clause\"]\n```\n\n```wire\nconnect\n< eof\n```\n\n```wire\nconnect\n< eof\n```\n",
    ),
    (
        "front matter behind the conversation",
        "# A section\n\n## a-case\n\nWhy.\n\n```wire\nconnect\n< eof\n```\n\n```toml\ncovers = [\"spec/1/clause\"]\n```\n",
    ),
    (
        "the same case twice",
        "# A section\n\n## a-case\n\nWhy.\n\n```toml\ncovers = [\"spec/1/clause\"]\n```\n\n```wire\nconnect\n< eof\n```\n\n## a-case\n\nWhy.\n\n```toml\ncovers = [\"spec/1/clause\"]\n```\n\n```wire\nconnect\n< eof\n```\n",
    ),
    (
        "two preconditions",
        "# A section\n\n## a-case\n\nWhy.\n\n```toml\ncovers = [\"spec/1/clause\"]\nprecondition = true\n```\n\n```wire\nconnect\n< eof\n```\n\n## b-case\n\nWhy.\n\n```toml\ncovers = [\"spec/1/clause\"]\nprecondition = true\n```\n\n```wire\nconnect\n< eof\n```\n",
    ),
];

#[test]
fn a_case_that_is_written_too_often_is_a_mistake() -> Result {
    let values = (0..200).map(|value| value.to_string()).collect::<Vec<_>>().join(", ");
    let each = ["a", "b", "c"].map(|name| format!("each.{name} = [{values}]\n")).concat();
    let errors = of_page(&page(&format!("covers = [\"spec/1/clause\"]\n{each}"), ENDING))?;
    assert!(shown("each", &errors).contains("8000000 cases"), "{errors:?}");
    Ok(())
}

#[test]
fn a_mistake_in_a_page_is_shown_with_a_caret() -> Result {
    let mut all = String::new();
    for (what, front_matter) in FRONT_MATTER_MISTAKEN {
        all.push_str(&shown(what, &of_page(&page(front_matter, ENDING))?));
    }
    for (what, text) in PAGES {
        all.push_str(&shown(what, &of_page(text)?));
    }
    insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!("pages", all) });
    Ok(())
}

/// What is written in the catalogue, and what stands there instead.
const CATALOGUE: &[(&str, &str, &str)] = &[
    ("level", "level = \"must\"", "level = \"mst\""),
    ("level like no other", "level = \"must\"", "level = \"frobnicate\""),
    ("level that is missing", "level = \"must\"\n", ""),
    ("key", "binds = ", "bind = "),
    ("id without a section", "id = \"1/clause\"", "id = \"clause\""),
    ("id that is no name", "id = \"1/clause\"", "id = \"1/A clause\""),
    ("id twice", "id = \"1/of-clients\"", "id = \"1/clause\""),
    ("text that is none", "text = \"A server does it.\"", "text = 3"),
    ("heading that is not closed", "[[clause]]", "[[clause]"),
    ("link that is none", "https://example.org/#section-{section}", "example"),
    ("link with another name", "{section}", "{secton}"),
    ("title that is missing", "title = \"A specification\"\n", ""),
];

#[test]
fn a_mistake_in_the_catalogue_is_shown_with_a_caret() {
    let mut all = String::new();
    for (what, right, wrong) in CATALOGUE {
        assert!(SPECIFICATION.contains(right), "{what}");
        let parsed = catalogue(&SPECIFICATION.replacen(right, wrong, 1));
        all.push_str(&shown(what, &parsed.map_or_else(|errors| errors.0, |_| Vec::new())));
    }
    insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!("catalogue", all) });
}

const PROFILES: &[(&str, &str)] = &[
    ("key", "[sse]\npaht = \"/sse\"\n"),
    ("key that is missing", "[iframe]\npath = \"/iframe\"\n"),
    ("type of a value", "[sse]\npath = 3\n"),
    ("string without quotes", "[sse]\npath = /sse\n"),
    ("time", "[sse]\npath = \"/sse\"\nheartbeat = \"15\"\n"),
    ("encoding", "[publish]\nrequest = \"POST /\"\nbody = \"{data}\"\nencoding = \"jsn\"\n"),
    ("path without a slash", "[sse]\npath = \"sse\"\n"),
    ("path with a space", "[websocket]\npath = \"/\"\nsubscribe = \"/a b\"\n"),
    ("place in a path", "[sse]\npath = \"/sse/{chanel}\"\n"),
    ("place of another technique", "[polling]\npath = \"/polling?hold={hold}\"\n"),
    ("pointer without a slash", "[polling]\npath = \"/\"\ndata = \"data.text\"\n"),
    ("pointer to a cursor", "[long-polling]\npath = \"/\"\ncursor = \"result.next\"\n"),
    ("pointer with a tilde", "[iframe]\npath = \"/\"\ncallback = \"push\"\nid = \"/a~b\"\n"),
    (
        "reply that is no JSON",
        "[websocket]\npath = \"/\"\nreply-encoding = \"json\"\nreply = \"{message}\"\n",
    ),
    ("reply in which the message has no end", "[websocket]\npath = \"/\"\nreply = \"{message}*\"\n"),
    ("encoding of a reply", "[websocket]\npath = \"/\"\nreply-encoding = \"jsn\"\n"),
    ("place in a reply", "[websocket]\npath = \"/\"\nreply = \"{mesage}\"\n"),
    ("place in a request", "[publish]\nrequest = \"POST /{chanel}\"\nbody = \"{data}\"\n"),
    ("place in a body", "[publish]\nrequest = \"POST /\"\nbody = '{\"data\": {dat}}'\n"),
    ("publication of nothing", "[publish]\nrequest = \"POST /publish\"\n"),
    ("request without a path", "[publish]\nrequest = \"POST\"\nbody = \"{data}\"\n"),
    ("request without a method", "[publish]\nrequest = \"post /publish\"\nbody = \"{data}\"\n"),
    ("name of a header field", "[headers]\n\"X Y\" = \"1\"\n"),
    ("value of a header field", "[headers]\nCookie = \"a\\r\\nb\"\n"),
    ("header field of the suite's own", "[headers]\nContent-Length = \"3\"\n"),
    ("`Host` among the header fields", "[headers]\nHost = \"a\"\n"),
    ("`transfer-encoding` among the header fields", "[headers]\ntransfer-encoding = \"chunked\"\n"),
    ("`Connection` among the header fields", "[headers]\nConnection = \"close\"\n"),
    ("`UPGRADE` among the header fields", "[headers]\nUPGRADE = \"h2c\"\n"),
    ("`Sec-WebSocket-Version` among the header fields", "[headers]\nSec-WebSocket-Version = \"13\"\n"),
    (
        "header field of the opening handshake",
        "[websocket]\npath = \"/\"\nheaders = { Sec-WebSocket-Key = \"a\" }\n",
    ),
    ("origin", "allowed-origin = \"http://localhost\\r\\nX: y\"\n"),
    ("origin with a path", "allowed-origin = \"https://example.org/\"\n"),
    ("method that may be sent", "methods = [\"delete\"]\n"),
    ("method of a stream", "[sse]\npath = \"/\"\nmethod = \"post it\"\n"),
    ("body of a GET", "[sse]\npath = \"/\"\nmethod = \"GET\"\nbody = \"{}\"\n"),
    ("place in the body of a poll", "[polling]\npath = \"/\"\nbody = '{\"after\": {cursr}}'\n"),
    ("media type of a body", "[sse]\npath = \"/\"\nbody = \"{}\"\ncontent-type = \"json\"\n"),
    ("pointer into the data of an event", "[sse]\npath = \"/\"\ndata = \"text\"\n"),
    ("pointer into a text of a WebSocket", "[websocket]\npath = \"/\"\ndata = \"text\"\n"),
    ("what the suite says without the message", "[websocket]\npath = \"/\"\nsend = \"say\"\n"),
    (
        "what the suite says that is no JSON",
        "[websocket]\npath = \"/\"\nreply-encoding = \"json\"\nsend = \"say {message}\"\n",
    ),
    ("WebSocket without a path", "[websocket]\nreply = \"{message}\"\n"),
    ("subprotocol of two words", "[websocket]\npath = \"/\"\nsubprotocols = [\"chat room\"]\n"),
    ("subprotocol with a line end", "[websocket]\npath = \"/\"\nsubprotocols = [\"chat\\r\\nX: y\"]\n"),
    ("media type with a line end", "[sse]\npath = \"/\"\nbody = \"{}\"\ncontent-type = \"a/b\\r\\nX: y\"\n"),
    ("message limit of nothing", "[websocket]\npath = \"/\"\nmessage-limit = 0\n"),
    ("message limit above what is sent", "[websocket]\npath = \"/\"\nmessage-limit = 104857600\n"),
    ("subprotocol twice", "[websocket]\npath = \"/\"\nsubprotocols = [\"chat\", \"chat\"]\n"),
    ("header field of a cursor", "[polling]\npath = \"/\"\ncursor = \"header:a b\"\n"),
    (
        "place of one value of a cursor",
        "[polling]\npath = \"/?{cursor.a}&{cursor.b}\"\ncursor = { a = \"/a\", b = \"b\" }\n",
    ),
    (
        "name of a value of a cursor",
        "[polling]\npath = \"/?{cursor.a}\"\ncursor = { a = \"/a\", \"b c\" = \"/b\" }\n",
    ),
    ("cursor without a value", "[polling]\npath = \"/\"\ncursor = {}\n"),
    (
        "value of a cursor that no poll asks with",
        "[polling]\npath = \"/?{cursor.a}\"\ncursor = { a = \"/a\", b = \"header:B\" }\n",
    ),
    ("value that a cursor does not have", "[polling]\npath = \"/?{cursor}&{cursor.a}\"\ncursor = \"/a\"\n"),
    (
        "value of a cursor in a header field",
        "[long-polling]\npath = \"/?{cursor.a}\"\ncursor = { a = \"/a\" }\nheaders = { X-B = \"{cursor.b}\" }\n",
    ),
    (
        "several values in the place of one",
        "[polling]\npath = \"/?{cursor}&{cursor.a}\"\ncursor = { a = \"/a\" }\n",
    ),
    (
        "start of a value that a cursor does not have",
        "[polling]\npath = \"/?{cursor.a}\"\ncursor = { a = \"/a\" }\nstart = { b = \"0\" }\n",
    ),
    (
        "start of several values of one",
        "[polling]\npath = \"/?{cursor}\"\ncursor = \"/a\"\nstart = { a = \"0\" }\n",
    ),
    ("cursor that is a number", "[polling]\npath = \"/\"\ncursor = 3\n"),
    ("value of a session in a field", "[websocket]\npath = \"/\"\nheaders = { X-S = \"{session.sid}\" }\n"),
    ("path in which a percent sign encodes nothing", "[sse]\npath = \"/100%/{channel}\"\n"),
    ("path that ends with a percent sign", "[publish]\nrequest = \"POST /a%2\"\nbody = \"{data}\"\n"),
    (
        "what the suite says with the message twice",
        "[websocket]\npath = \"/\"\nsend = \"{message} {message}\"\n",
    ),
    ("what the suite says with another name", "[websocket]\npath = \"/\"\nsend = \"{message} {name}\"\n"),
    ("what the suite says with the line end alone", "[websocket]\npath = \"/\"\nsend = \"\\r\\n\"\n"),
    ("what the suite says without a word", "[websocket]\npath = \"/\"\nsend = \"\"\n"),
    ("session without a request", "[session]\nrequest = []\n"),
    ("request of a session", "[[session.request]]\nrequest = \"/open\"\n"),
    (
        "place in an answer of a session",
        "[[session.request]]\nrequest = \"GET /open\"\ntake = { sid = \"sid\" }\n",
    ),
    (
        "value that no session gives",
        "[[session.request]]\nrequest = \"GET /open\"\ntake = { sid = \"/sid\" }\n[sse]\npath = \"/sse?sid={session.id}\"\n",
    ),
    (
        "value that a session gives later",
        "[[session.request]]\nrequest = \"GET /open/{session.sid}\"\ntake = { sid = \"/sid\" }\n",
    ),
    ("a separator that separates nothing", "[long-polling]\npath = \"/poll\"\nseparator = \"\"\n"),
    ("a prefix that every text has", "[sse]\npath = \"/sse\"\nprefix = \"\"\n"),
    (
        "a pointer into a body of records",
        "[long-polling]\npath = \"/poll\"\nseparator = \"\\u001e\"\ncursor = \"/next\"\n",
    ),
    ("a status that does not say that there is no news", "[polling]\npath = \"/poll\"\nempty = [304, 404]\n"),
    ("a list of messages that is no pointer", "[sse]\npath = \"/sse\"\nmessages = \"news\"\n"),
    ("a name in what a client says first", "[websocket]\npath = \"/\"\nfirst = [\"hello {name}\"]\n"),
    (
        "address of the publisher",
        "[publish]\nurl = \"localhost:9080\"\nrequest = \"POST /\"\nbody = \"{data}\"\n",
    ),
    (
        "time that is longer than any case",
        "[publish]\nrequest = \"POST /\"\nbody = \"{data}\"\nsettle = \"3000s\"\n",
    ),
    ("variable that is not set", "[headers]\nAuthorization = \"Bearer ${UNSET_OF_PUSHSPEC}\"\n"),
    ("variable without a name", "[sse]\npath = \"/events?token=${}\"\n"),
    ("endpoint without a name", "[[sse]]\nname = \"news\"\npath = \"/a\"\n[[sse]]\npath = \"/b\"\n"),
    (
        "endpoints of one name",
        "[[sse]]\nname = \"news\"\npath = \"/a\"\n[[sse]]\nname = \"news\"\npath = \"/b\"\n",
    ),
    (
        "mistake in a further endpoint",
        "[[sse]]\nname = \"news\"\npath = \"/a\"\n[[sse]]\nname = \"b\"\npath = \"b\"\n",
    ),
    ("place of an id", "[publish]\nrequest = \"POST /p\"\nbody = \"{data}\"\nid = \"cookie:id\"\n"),
    ("id of a WebSocket", "[publish]\nwebsocket = \"/p\"\nbody = \"{data}\"\nid = \"/id\"\n"),
    (
        "data in JSON as it is",
        "[publish]\nrequest = \"POST /p\"\ncontent-type = \"application/json\"\nbody = '{\"text\": \"{data}\"}'\n",
    ),
    (
        "data in a form as it is",
        "[publish]\nrequest = \"POST /p\"\ncontent-type = \"application/x-www-form-urlencoded\"\nbody = \"text={data}\"\n",
    ),
    ("two ways to publish", "[publish]\nrequest = \"POST /p\"\nwebsocket = \"/p\"\nbody = \"{data}\"\n"),
    ("no way to publish", "[publish]\nbody = \"{data}\"\n"),
    ("field that is secret", "[headers]\nX-Key = \"s3cr3t-v\\u00e4lue\"\n"),
];

/// Where a profile has a name: in the place of the `@`.
const NAMES: &[(&str, &str)] = &[
    ("header field of all requests", "[headers]\n\"@\" = \"1\"\n"),
    ("header field of polls", "[polling]\npath = \"/\"\nheaders = { \"@\" = \"1\" }\n"),
    ("header field of long polls", "[long-polling]\npath = \"/\"\nheaders = { \"@\" = \"1\" }\n"),
    ("header field of an iframe", "[iframe]\npath = \"/\"\ncallback = \"a\"\nheaders = { \"@\" = \"1\" }\n"),
    ("header field of an event stream", "[sse]\npath = \"/\"\nheaders = { \"@\" = \"1\" }\n"),
    ("header field of a WebSocket", "[websocket]\npath = \"/\"\nheaders = { \"@\" = \"1\" }\n"),
    (
        "header field of a publication",
        "[publish]\nrequest = \"POST /\"\nbody = \"{data}\"\nheaders = { \"@\" = \"1\" }\n",
    ),
    ("header field of a session", "[[session.request]]\nrequest = \"GET /\"\nheaders = { \"@\" = \"1\" }\n"),
    ("method that may be sent", "methods = [\"@\"]\n"),
    ("query parameter that is secret", "secrets = [\"@\"]\n"),
    ("origin", "allowed-origin = \"@\"\n"),
    ("method of a poll", "[polling]\npath = \"/\"\nmethod = \"@\"\n"),
    ("media type of a body", "[sse]\npath = \"/\"\nbody = \"a\"\ncontent-type = \"@\"\n"),
    (
        "media type of a publication",
        "[publish]\nrequest = \"POST /\"\nbody = \"{data}\"\ncontent-type = \"@\"\n",
    ),
    (
        "media type of a session",
        "[[session.request]]\nrequest = \"POST /\"\nbody = \"a\"\ncontent-type = \"@\"\n",
    ),
    ("function of an iframe", "[iframe]\npath = \"/\"\ncallback = \"@\"\n"),
    ("function within another", "[iframe]\npath = \"/\"\ncallback = \"push.@\"\n"),
    ("subprotocol", "[websocket]\npath = \"/\"\nsubprotocols = [\"@\"]\n"),
    ("header field of a cursor", "[polling]\npath = \"/?{cursor}\"\ncursor = \"header:@\"\n"),
    (
        "value of a cursor",
        "[polling]\npath = \"/?{cursor.a}\"\ncursor = { \"a\" = \"/a\", \"@\" = \"/b\" }\n",
    ),
    (
        "header field of one value of a cursor",
        "[polling]\npath = \"/?{cursor.a}\"\ncursor = { a = \"header:@\" }\n",
    ),
    ("value of a session", "[[session.request]]\nrequest = \"GET /\"\ntake = { \"@\" = \"/sid\" }\n"),
    (
        "header field of a session's answer",
        "[[session.request]]\nrequest = \"GET /\"\ntake = { sid = \"header:@\" }\n",
    ),
    (
        "cookie of a session's answer",
        "[[session.request]]\nrequest = \"GET /\"\ntake = { sid = \"cookie:@\" }\n",
    ),
    (
        "event of a session's answer",
        "[[session.request]]\nrequest = \"GET /\"\ntake = { sid = \"event:@\" }\n",
    ),
    ("header field of an id", "[publish]\nrequest = \"POST /\"\nbody = \"{data}\"\nid = \"header:@\"\n"),
    ("endpoint", "[[sse]]\nname = \"@\"\npath = \"/\"\n"),
    ("environment variable", "[sse]\npath = \"/${@}\"\n"),
    ("path of a poll", "[polling]\npath = \"@\"\n"),
    ("path of an event stream", "[sse]\npath = \"@\"\n"),
    ("path of a WebSocket", "[websocket]\npath = \"/\"\nsubscribe = \"@\"\n"),
    ("path of a WebSocket for publications", "[publish]\nwebsocket = \"@\"\nbody = \"{data}\"\n"),
    ("method of a publication", "[publish]\nrequest = \"@ /\"\nbody = \"{data}\"\n"),
    ("path of a publication", "[publish]\nrequest = \"POST @\"\nbody = \"{data}\"\n"),
    ("path of a session", "[[session.request]]\nrequest = \"GET @\"\n"),
    ("address of the publisher", "[publish]\nurl = \"@\"\nrequest = \"POST /\"\nbody = \"{data}\"\n"),
];

#[test]
fn a_name_that_is_empty_or_ends_a_line_is_a_mistake_wherever_it_stands() {
    let mut all = String::new();
    for (what, text) in NAMES {
        for (how, name) in [("empty", ""), ("with a line end", "a\\r\\nb")] {
            let what = format!("{what}, {how}");
            let parsed = Profile::parse("pushspec.toml", &text.replace('@', name));
            let errors = parsed.map_or_else(|error| error.0.0, |_| Vec::new());
            assert!(!errors.is_empty(), "{what} is no mistake");
            let said = shown(&what, &errors);
            assert!(said.contains('^'), "{said}");
            all.push_str(&said);
        }
    }
    insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!("names", all) });
}

#[test]
fn a_path_that_is_percent_encoded_is_one() -> Result {
    for path in ["/caf%C3%A9/{channel}", "/a%20b?c=%7B%7d", "/%25"] {
        Profile::parse("pushspec.toml", &format!("[sse]\npath = \"{path}\"\n"))?;
    }
    Ok(())
}

#[test]
fn a_mistake_in_a_profile_is_shown_with_a_caret() {
    let mut all = String::new();
    for (what, text) in PROFILES {
        let parsed = Profile::parse("pushspec.toml", text);
        all.push_str(&shown(what, &parsed.map_or_else(|error| error.0.0, |_| Vec::new())));
    }
    insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!("profiles", all) });
}

#[test]
fn braces_that_are_no_places_are_left_alone_in_a_profile() -> Result {
    let body =
        r#"{"query": "mutation { publish(data: $d) { ok } }", "variables": {"d": {data}}, "none": {}}"#;
    Profile::parse("pushspec.toml", &format!("[publish]\nrequest = \"POST /\"\nbody = '{body}'\n"))?;
    Ok(())
}

/// Paths, and what is in the files.
type Files<'a> = &'a [(&'a str, &'a [u8])];

/// What is said of a folder with these files.
fn of_folder(files: Files<'_>) -> Result<std::result::Result<Suite, SuiteError>> {
    let folder = TempDir::new()?;
    for (path, bytes) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
        fs::write(path, bytes)?;
    }
    Ok(Suite::from_folder(folder.path()).map_err(|error| match error {
        SuiteError::Name { path, what, hint } => SuiteError::Name {
            path: path.strip_prefix(folder.path()).unwrap_or(&path).to_owned(),
            what,
            hint,
        },
        SuiteError::Pages(PageErrors(mut errors)) => {
            let folder = folder.path().display().to_string();
            for error in &mut errors {
                error.file = error.file.replace(&folder, "fixtures");
            }
            SuiteError::Pages(PageErrors(errors))
        }
        error => error,
    }))
}

#[test]
fn what_keeps_a_page_of_a_folder_from_being_read_is_told() -> Result {
    let clause = "covers = [\"rfc6455/5.1/close-on-unmasked\"]\n";
    let good = page(clause, ENDING);
    let good = good.as_bytes();
    let latin1 = [good, b"Caf\xe9\n"].concat();
    let folders: [(&str, Files<'_>); 5] = [
        ("no page", &[("README.md", b"")]),
        ("unknown folder", &[("websocket/5.1-masking.md", good), ("websockt/5.2.md", good)]),
        ("name of a page", &[("websocket/5.1 Masking.md", good)]),
        ("page that is not UTF-8", &[("websocket/5.1-masking.md", &latin1)]),
        (
            "clauses that are not UTF-8",
            &[("sse/1.md", good), ("requirements/spec.toml", b"title = \"\xff\"\n")],
        ),
    ];
    let mut all = String::new();
    for (what, files) in folders {
        let Err(error) = of_folder(files)? else { return Err(what.into()) };
        let error = match error {
            SuiteError::Empty(_) => SuiteError::Empty("fixtures".into()),
            error => error,
        };
        all.push_str(&format!("# {what}\n\n{error}\n\n"));
    }
    insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!("folders", all) });
    Ok(())
}

#[test]
fn the_folder_of_the_built_in_pages_is_read_as_they_are() -> Result {
    let suite = Suite::from_folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures"))?;
    let texts = |suite: &Suite| -> Vec<(String, String)> {
        suite.pages.iter().map(|page| (page.path.clone(), page.to_string())).collect()
    };
    assert_eq!(texts(&suite), texts(&Suite::embedded()?));
    Ok(())
}

#[test]
fn a_folder_of_other_documents_beside_the_pages_is_left_alone() -> Result {
    let good = page("covers = [\"rfc6455/5.1/close-on-unmasked\"]\n", ENDING);
    let suite = of_folder(&[("sse/1.md", good.as_bytes()), ("docs/A Guide.md", b"# Guide\n")])??;
    assert_eq!(suite.cases.len(), 1);
    Ok(())
}
