//! A stored run that has every verdict, what is accepted, what a server that crashed leaves, and what is hostile.

use serde_json::{Value, json};

use super::stored::Report;

/// What a server sends that wants to be more than text.
pub(crate) const HOSTILE: &str = "<script>alert(1)</script>]]>`\"'&\0\u{1b}[2J\u{202e}::error::%0A|";

fn place(line: usize) -> Value {
    json!({ "file": "fixtures/sse/9.2.6-format.md", "line": line, "column": 3, "width": 15, "source": "< message \"one\"" })
}

fn finding(clause: &str, level: &str, verdict: &str, received: &str) -> Value {
    json!({
        "clause": clause, "level": level, "verdict": verdict, "place": place(7),
        "expected": "message \"one\"", "received": received, "at_ms": 2.5, "line": 3
    })
}

fn transcript(received: &str) -> Value {
    json!([
        { "at_ms": 0.0, "text": "connect" },
        { "at_ms": 0.1, "direction": "sent", "text": "GET /sse HTTP/1.1" },
        { "at_ms": 0.1, "direction": "sent", "text": "" },
        { "at_ms": 2.5, "direction": "received", "text": received, "bytes": { "hex": "81 02 c3 28", "length": 4 },
          "frame": { "fin": true, "rsv": 4, "opcode": 1, "length": 2 } },
        { "at_ms": 3.0, "direction": "received", "text": "eof" }
    ])
}

fn case(id: &str, verdict: &str, more: &Value) -> Value {
    let technique = id.split('/').next().unwrap_or_default();
    let mut case = json!({
        "id": id, "technique": technique, "title": id.rsplit('/').next().map(|name| name.replace('-', " ")),
        "page": "The format", "place": { "file": "fixtures/sse/9.2.6-format.md", "line": 3 },
        "prose": "Why it matters, with `code` in it.\n\nA second paragraph.", "level": "must",
        "clauses": ["html-sse/9.2.6/one-field-per-line"], "selected": true, "invariant": false,
        "verdict": verdict, "reason": null, "duration_ms": 4.25, "findings": [], "transcript": transcript("[text \"\\{\\\"a\\\": 1}\"]")
    });
    if let (Some(case), Some(more)) = (case.as_object_mut(), more.as_object()) {
        case.extend(more.clone());
    }
    case
}

fn cases() -> Value {
    let clause = "html-sse/9.2.6/one-field-per-line";
    let rerun = "pushspec run http://127.0.0.1:8080 --select sse";
    let invariant = json!({
        "clause": clause, "level": "must", "verdict": "fail", "place": place(0), "expected": "lines end",
        "received": "a line that does not", "at_ms": 2.5, "seen_in": "sse/9.2.6-format/it-fails[1]", "line": 3
    });
    json!([
        case(
            "http/9112-3-request-line/it-is-accepted",
            "fail",
            &json!({
                "accepted": "the parser of the platform, see PLATFORM-7", "rerun": rerun,
                "findings": [finding("rfc9112/3.2/host", "must", "fail", "HTTP/1.1 200 OK")]
            })
        ),
        case(
            "polling/6202-2.1-short-polling/it-is-skipped",
            "skip",
            &json!({
                "reason": "the profile has no `polling`: [polling] path", "transcript": [], "duration_ms": 0.0
            })
        ),
        case("sse/9.2.6-format/it-passes", "pass", &json!({})),
        case(
            "sse/9.2.6-format/it-passes-when-run-again",
            "pass",
            &json!({
                "rerun": rerun,
                "at_first": { "verdict": "fail", "reason": null, "transcript": transcript("eof"),
                              "findings": [finding(clause, "must", "fail", "eof")] }
            })
        ),
        case(
            "sse/9.2.6-format/it-fails[1]",
            "fail",
            &json!({
                "rerun": rerun, "findings": [finding(clause, "must", "fail", "message \"\\{\\\"a\\\": 1}\"")]
            })
        ),
        case(
            "sse/9.2.6-format/it-fails[2]",
            "fail",
            &json!({
                "rerun": rerun, "findings": [finding(clause, "must", "fail", HOSTILE)], "transcript": transcript(HOSTILE)
            })
        ),
        case(
            "sse/9.2.6-format/it-warns",
            "warn",
            &json!({
                "rerun": rerun, "findings": [finding("html-sse/9.2.7/cache", "should", "warn", "no field `Cache-Control`")]
            })
        ),
        case(
            "sse/9.2.6-format/it-informs",
            "info",
            &json!({
                "rerun": rerun, "findings": [finding("html-sse/9.2.7/retry", "may", "info", "retry: 3000")]
            })
        ),
        case(
            "sse/9.2.6-format/it-is-skipped",
            "skip",
            &json!({
                "reason": "the profile has no `sse.resume`: [sse] resume = true", "transcript": []
            })
        ),
        case(
            "sse/9.2.6-format/it-is-not-run",
            "error",
            &json!({
                "rerun": rerun, "reason": format!("publishing failed: {HOSTILE}")
            })
        ),
        case(
            "sse/invariants/lines-end",
            "fail",
            &json!({
                "rerun": rerun, "invariant": true, "selected": false, "duration_ms": 0.0, "transcript": [], "findings": [invariant]
            })
        ),
    ])
}

/// What a case leaves that ends the server, what two endpoints have, and a habit that shows under two clauses.
fn cases_of_a_crash() -> Value {
    let rerun = "pushspec run http://127.0.0.1:8080 --select websocket";
    let habit = |clause: &str| json!({ "rerun": rerun, "clauses": [clause], "findings": [finding(clause, "must", "fail", "eof")] });
    let at_endpoint = |endpoint: &str, more: &Value| {
        let mut more = more.clone();
        more["endpoint"] = endpoint.into();
        more["clauses"] = json!(["html-sse/9.2.7/endpoint"]);
        more
    };
    let broken = json!({
        "rerun": format!("{rerun}@ticker"), "findings": [finding("html-sse/9.2.7/endpoint", "must", "fail", "eof")],
        "recorded": { "channel": "a1", "events": "2.500 A < \"data: one\\n\"" }
    });
    json!([
        case("sse/9.2.7-endpoints/it-has-two", "pass", &at_endpoint("news", &json!({}))),
        case("sse/9.2.7-endpoints/it-has-two", "fail", &at_endpoint("ticker", &broken)),
        case(
            "websocket/5.2-base-framing/it-ends-the-server[1]",
            "fail",
            &json!({
                "rerun": rerun, "clauses": ["rfc6455/5.2/reserved-bits"],
                "findings": [finding("rfc6455/10.7/goes-on", "must", "fail", "the server's process ended: exit status: 1")],
                "server_output": ["Error: bad frame", HOSTILE]
            })
        ),
        case(
            "websocket/7-closing/no-close-frame",
            "fail",
            &habit("rfc6455/7.1.7/close-frame-before-failing")
        ),
        case("websocket/7-closing/nor-another", "fail", &habit("rfc6455/10.7/close-frame-on-invalid-data")),
    ])
}

fn clauses() -> Value {
    let clause = |id: &str, level: &str, text: &str, verdict: &str| {
        let cases = if id.ends_with("endpoint") {
            json!(["sse/9.2.7-endpoints/it-has-two@news", "sse/9.2.7-endpoints/it-has-two@ticker"])
        } else {
            json!(["sse/9.2.6-format/it-fails[1]"])
        };
        json!({ "id": id, "level": level, "text": text, "specification": "HTML: Server-sent events",
                "section": id.split('/').nth(1), "link": "https://html.spec.whatwg.org/#x?a=1&b=2",
                "cases": cases, "verdict": verdict })
    };
    json!([
        clause(
            "html-sse/9.2.6/one-field-per-line",
            "must",
            "Data of several lines is several fields. So it is.",
            "fail"
        ),
        clause("html-sse/9.2.7/cache", "should", "A stream is not cached.", "warn"),
        clause("html-sse/9.2.7/retry", "may", "A server may set the time.", "info"),
        clause("rfc9112/3.2/host", "must", "A request without Host is refused.", "fail"),
        clause("html-sse/9.2.7/endpoint", "must", "Each endpoint is one.", "fail"),
        clause("rfc6455/10.7/goes-on", "must", "No input of a client ends the server.", "fail"),
        clause("rfc6455/10.7/close-frame-on-invalid-data", "must", "A close frame comes first.", "fail"),
        clause("rfc6455/7.1.7/close-frame-before-failing", "must", "A close frame says why.", "fail"),
    ])
}

/// The stored run.
pub(crate) fn report() -> Report {
    let mut cases = cases();
    if let (Some(cases), Value::Array(more)) = (cases.as_array_mut(), cases_of_a_crash()) {
        cases.extend(more);
    }
    let value = json!({
        "schema": super::stored::SCHEMA, "tool": { "name": "pushspec", "version": "0.1.0" },
        "target": { "url": "http://127.0.0.1:8080", "built_in": false }, "conformant": false,
        "objections": [],
        "objections_to_run": [
            "the server went away 1.5 s after the start: refused",
            "`sse/9.2.6-format/it-passes` is accepted as fail in known.toml, and passes",
            "long-polling could not be judged: nothing is there"
        ],
        "notes": ["no case judges [sse] ending: the profile has no `publish`"], "interrupted": false,
        "gone": { "after_ms": 1500.0, "why": "refused", "running": ["sse/9.2.6-format/it-is-not-run"] },
        "ends": [
            { "case": "websocket/5.2-base-framing/it-ends-the-server[1]", "how": "its process ended: exit status: 1", "output": ["Error: bad frame", HOSTILE] },
            { "case": null, "how": "it refused connections", "output": [] }
        ],
        "strict": false, "started": "2026-01-02T03:04:05Z", "arguments": ["http://127.0.0.1:8080", "--exclude", "http/x"],
        "duration_ms": 1520.5,
        "summary": { "total": {}, "excluded": ["http/9112-3-request-line/it-is-excluded"], "exclude": ["http/x"],
                     "unjudged": { "long-polling": "nothing is there" }, "by_technique": {} },
        "cases": cases, "clauses": clauses()
    });
    let mut report: Report = serde_json::from_value(value).expect("a report");
    report.settle();
    report
}
