//! Which line of a transcript a finding is about.

use crate::transcript::{Direction, Line};

/// How far the time of a finding may be from that of its line, in milliseconds.
const NEAR: f64 = 0.5;

/// The line on which the target deviates: the one that says what was received, and is nearest in time; otherwise the last
/// that came until then. `None` where nothing came.
pub(super) fn line_of(transcript: &[Line], received: &str, at: f64) -> Option<usize> {
    if received.starts_with("nothing") || received.starts_with("silence") {
        return None;
    }
    let came =
        || transcript.iter().enumerate().filter(|(_, line)| line.direction == Some(Direction::Received));
    let distance = |line: &Line| (line.at_ms.unwrap_or(f64::MAX) - at).abs();
    let nearest = |says: &dyn Fn(&Line) -> bool| {
        let lines = came().filter(|(_, line)| says(line));
        lines.min_by(|(_, one), (_, other)| distance(one).total_cmp(&distance(other))).map(|(index, _)| index)
    };
    let is_long = |text: &str| text.len() > 3;
    // What is said of a field has its value in quotes.
    let plain = received.replace(['"', '`'], "");
    nearest(&|line| line.text == received)
        .or_else(|| {
            nearest(&|line| {
                is_long(&line.text) && distance(line) < NEAR && plain.contains(&line.text.replace('"', ""))
            })
        })
        .or_else(|| {
            came().rfind(|(_, line)| line.at_ms.is_some_and(|time| time <= at + NEAR)).map(|(index, _)| index)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(at: f64, direction: Direction, text: &str) -> Line {
        let json = serde_json::json!({ "at_ms": at, "direction": direction, "text": text });
        serde_json::from_value(json).expect("a line")
    }

    #[test]
    fn the_line_that_says_what_was_received_is_the_one() {
        let lines = [
            line(0.0, Direction::Sent, "GET / HTTP/1.1"),
            line(1.0, Direction::Received, "HTTP/1.1 200 OK"),
            line(1.0, Direction::Received, "X: y"),
            line(9.0, Direction::Received, "eof"),
        ];
        assert_eq!(line_of(&lines, "X: y", 1.0), Some(2));
        assert_eq!(line_of(&lines, "the field `X: \"y\"`", 1.0), Some(2));
        assert_eq!(line_of(&lines, "eof, after 9 ms", 9.0), Some(3));
        assert_eq!(line_of(&lines, "a body that is no JSON", 2.0), Some(2));
        assert_eq!(line_of(&lines, "nothing for 5 s", 9.0), None);
        assert_eq!(line_of(&[], "eof", 9.0), None);
    }
}
