//! Every vector, fed whole and cut at every offset, to the reader of event streams of `pushspec-wire`.

use pushspec::vector::{Event, Reading, VectorPage};
use pushspec_wire::event_stream::{Interpreter, Item, LineScanner};

/// What the reader makes of a stream that comes in these pieces and then ends.
fn read(pieces: &[&[u8]]) -> Reading {
    let mut scanner = LineScanner::new();
    let mut interpreter = Interpreter::new();
    let mut events = Vec::new();
    for piece in pieces {
        scanner.push(piece);
        while let Some(item) = scanner.next_item() {
            take(&item, &mut interpreter, &mut events);
        }
    }
    while let Some(item) = scanner.finish() {
        take(&item, &mut interpreter, &mut events);
    }
    Reading { events, retry: interpreter.retry(), last_event_id: interpreter.last_event_id().to_owned() }
}

fn take(item: &Item, interpreter: &mut Interpreter, events: &mut Vec<Event>) {
    let Item::Line(line) = item else { return };
    events.extend(interpreter.line(line).map(|event| Event {
        data: event.data,
        kind: event.kind,
        last_event_id: event.last_event_id.as_ref().to_owned(),
    }));
}

#[test]
fn every_vector_reads_as_it_says_whole_and_cut_at_every_offset() -> Result<(), Box<dyn std::error::Error>> {
    let mut count = 0;
    for (path, text) in pushspec_fixtures::VECTORS {
        for vector in VectorPage::parse(path, text)?.vectors {
            assert_eq!(read(&[&vector.bytes]), vector.expected, "{}", vector.id);
            for cut in 0..=vector.bytes.len() {
                let (first, second) = vector.bytes.split_at(cut);
                assert_eq!(read(&[first, second]), vector.expected, "{} cut at {cut}", vector.id);
            }
            let bytes: Vec<&[u8]> = vector.bytes.chunks(1).collect();
            assert_eq!(read(&bytes), vector.expected, "{} byte by byte", vector.id);
            count += 1;
        }
    }
    assert!(count >= 90, "{count} vectors");
    Ok(())
}

#[test]
fn the_names_of_vectors_are_unique() -> Result<(), Box<dyn std::error::Error>> {
    let mut ids = Vec::new();
    for (path, text) in pushspec_fixtures::VECTORS {
        ids.extend(VectorPage::parse(path, text)?.vectors.into_iter().map(|vector| vector.id));
    }
    let all = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), all);
    Ok(())
}

#[test]
fn a_mistake_in_a_vector_is_shown_where_it_is() {
    for (text, words) in [
        ("# T\n\n## a\n\n```bytes\n\"a\n```\n\n```events\n```\n", "fixtures/event-stream/t.md:6:1"),
        ("# T\n\n## a\n\n```bytes\n\"a\"\n```\n\n```events\nmesage \"a\"\n```\n", "did you mean `message`?"),
        ("# T\n\n## a\n\n```byte\n\"a\"\n```\n", "did you mean `bytes`?"),
        ("# T\n\n## a\n\n```bytes\n\"a\"\n```\n", "has not both fences"),
    ] {
        let errors =
            VectorPage::parse("event-stream/t", text).map(|_| ()).map_err(|errors| errors.to_string());
        assert!(errors.as_ref().is_err_and(|errors| errors.contains(words)), "{errors:?}");
    }
}
