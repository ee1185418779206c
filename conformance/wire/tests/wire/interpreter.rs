use proptest::prelude::*;
use pushspec_wire::event_stream::{Event, Interpreter, Item, LineScanner, encode_event};

use crate::promises::{bytes, config, scan, sequence_of};

/// The events of a stream, and the interpreter at its end.
fn interpret(stream: &[u8]) -> (Vec<Event>, Interpreter) {
    let mut interpreter = Interpreter::new();
    let mut events = Vec::new();
    for item in scan::<LineScanner>(&[stream]) {
        if let Item::Line(line) = item {
            events.extend(interpreter.line(&line));
        }
    }
    (events, interpreter)
}

/// What a model says, which decodes first and works on characters.
#[derive(Debug, Default, PartialEq)]
struct Model {
    /// Type, data and last event ID.
    events: Vec<[String; 3]>,
    last_event_id: String,
    retry: Option<u64>,
}

impl Model {
    fn of(stream: &[u8]) -> Self {
        let text = String::from_utf8_lossy(stream);
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text).replace("\r\n", "\n").replace('\r', "\n");
        let mut model = Self::default();
        let [mut kind, mut data, mut id] = [const { String::new() }; 3];
        let mut lines: Vec<&str> = text.split('\n').collect();
        lines.pop();
        for line in lines {
            let (name, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match name {
                "" if line.is_empty() => model.dispatch(&mut kind, &mut data, &id),
                "event" => value.clone_into(&mut kind),
                "data" => data.extend([value, "\n"]),
                "id" if !value.contains('\0') => value.clone_into(&mut id),
                "retry" if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) => {
                    model.retry = Some(value.parse().unwrap_or(u64::MAX));
                }
                _ => {}
            }
        }
        model
    }

    fn dispatch(&mut self, kind: &mut String, data: &mut String, id: &str) {
        id.clone_into(&mut self.last_event_id);
        let (kind, data) = (std::mem::take(kind), std::mem::take(data));
        if let Some(data) = data.strip_suffix('\n') {
            let kind = if kind.is_empty() { "message" } else { &kind };
            self.events.push([kind, data, id].map(str::to_owned));
        }
    }
}

fn assert_as_the_model(stream: &[u8]) {
    let (events, interpreter) = interpret(stream);
    let events = events
        .into_iter()
        .map(|event| [event.kind, event.data, event.last_event_id.as_ref().to_owned()])
        .collect();
    let last_event_id = interpreter.last_event_id().to_owned();
    assert_eq!(Model { events, last_event_id, retry: interpreter.retry() }, Model::of(stream));
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_bytes_mean_the_same_as_to_the_model(stream in bytes()) {
        assert_as_the_model(&stream);
    }

    #[test]
    fn lines_of_event_streams_mean_the_same_as_to_the_model(
        stream in sequence_of(&["\u{feff}", "data: x", "data", "data:  y:", "Data: x", "id: 1", "id", "id: \x00",
            "retry: 5", "retry: 99999999999999999999", "retry", ": c", "event: e", "event", "ü", "\n", "\n\n", "\n\n",
            "\n\n", "\r", "\r\n", "\r\n\r\n"]),
    ) {
        assert_as_the_model(&stream);
    }

    #[test]
    fn an_encoded_event_is_dispatched_with_what_went_in(
        id in "[^\r\n\x00]{0,8}",
        kind in "[^\r\n]{1,8}",
        data in "[ a:\n\r\u{feff}ü]{0,12}",
    ) {
        let (events, interpreter) = interpret(&encode_event(Some(&id), Some(&kind), &data));
        let data = data.replace("\r\n", "\n").replace('\r', "\n");
        prop_assert_eq!(events, [Event { offset: 0, kind, data, last_event_id: id.as_str().into() }]);
        prop_assert_eq!(interpreter.last_event_id(), id.as_str());
    }
}

/// The type and the data of all events.
fn kinds_and_data(stream: &str) -> Vec<(String, String)> {
    interpret(stream.as_bytes()).0.into_iter().map(|event| (event.kind, event.data)).collect()
}

#[test]
fn the_data_fields_of_a_block_are_joined_with_line_feeds() {
    assert_eq!(
        kinds_and_data("data: GOOG\ndata: -7\ndata: 12\n\n"),
        [("message".into(), "GOOG\n-7\n12".into())]
    );
}

#[test]
fn an_id_holds_until_the_next_one_and_an_empty_one_resets_it() {
    let stream = ": opened\n\ndata: one\nid: 7\n\ndata: two\n\ndata:three\nid\n\ndata:  four\n\n";
    let event = |offset, data: &str, id: &str| Event {
        offset,
        kind: "message".into(),
        data: data.into(),
        last_event_id: id.into(),
    };
    let expected =
        [event(10, "one", "7"), event(27, "two", "7"), event(38, "three", ""), event(53, " four", "")];
    assert_eq!(interpret(stream.as_bytes()).0, expected);
}

#[test]
fn empty_data_fields_dispatch_and_a_block_without_a_blank_line_does_not() {
    let expected = [("message".into(), String::new()), ("message".into(), "\n".into())];
    assert_eq!(kinds_and_data("data\n\ndata\ndata\n\ndata:\n"), expected);
}

#[test]
fn one_space_after_the_colon_makes_no_difference() {
    let events = kinds_and_data("data:same\n\ndata: same\n\n");
    assert_eq!(events[0], events[1]);
}

#[test]
fn a_block_without_data_sets_the_id_and_forgets_the_event_type() {
    let (events, interpreter) = interpret(b"event: lost\nid: 3\n\ndata: a\n\n");
    let expected = Event { offset: 19, kind: "message".into(), data: "a".into(), last_event_id: "3".into() };
    assert_eq!(events, [expected]);
    assert_eq!(interpreter.last_event_id(), "3");
}

#[test]
fn an_id_takes_effect_with_the_blank_line_only() {
    assert_eq!(interpret(b"id: 1\n\nid: 2\ndata: a\n").1.last_event_id(), "1");
}

#[test]
fn an_id_with_nul_is_ignored() {
    assert_eq!(interpret(b"id: 1\nid: 2\x00\n\n").1.last_event_id(), "1");
}

#[test]
fn the_reconnection_time_is_a_number_and_takes_effect_at_once() {
    let table = [
        ("retry: 3000\n", Some(3000)),
        ("retry:007\n", Some(7)),
        ("retry: 1\nretry: +2\nretry: 3.0\nretry\nretry:  4\n", Some(1)),
        ("retry: 18446744073709551616\n", Some(u64::MAX)),
        ("retry: 5", None),
        ("RETRY: 5\n", None),
    ];
    for (stream, expected) in table {
        assert_eq!(interpret(stream.as_bytes()).1.retry(), expected, "{stream:?}");
    }
}

#[test]
fn what_is_not_utf8_becomes_replacement_characters() {
    let (events, _) = interpret(b"data: \xffa\xe2\x82\ndata: \xed\xa0\x80\n\n");
    assert_eq!(events[0].data, "\u{fffd}a\u{fffd}\n\u{fffd}\u{fffd}\u{fffd}");
}

#[test]
fn a_second_byte_order_mark_is_part_of_the_first_field_name() {
    assert_eq!(kinds_and_data("\u{feff}data: a\n\n").len(), 1);
    assert_eq!(kinds_and_data("\u{feff}\u{feff}data: a\n\n").len(), 0);
}

#[test]
fn an_event_is_encoded_with_one_field_a_line() {
    assert_eq!(encode_event(None, None, ""), b"data: \n\n");
    assert_eq!(
        encode_event(Some("7"), Some("tick"), "a\r\n\rb\n"),
        b"id: 7\nevent: tick\ndata: a\ndata: \ndata: b\ndata: \n\n"
    );
}
