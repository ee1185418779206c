//! Changing the lines of a head.

use std::borrow::Cow;

use pushspec_wire::http1::{Head, Line, LineEnd};

/// A line of a head that ends as it should.
pub(super) fn line(content: impl Into<Vec<u8>>) -> Line {
    Line { offset: 0, content: content.into(), end: LineEnd::Crlf }
}

/// The words of the start line.
pub(super) fn words(head: &Head) -> Vec<String> {
    let text = String::from_utf8_lossy(head.start_line()).into_owned();
    text.split_ascii_whitespace().map(str::to_owned).collect()
}

/// Puts another start line in the place of the present one.
pub(super) fn set_start_line(head: &mut Head, content: impl Into<Vec<u8>>) {
    if let Some(start) = head.lines.iter_mut().find(|line| !line.is_empty()) {
        start.content = content.into();
    }
}

/// Keeps the field lines of which the function says so, with the lines that continue them. A line that continues
/// nothing, right after the start line, is asked about like any other.
pub(super) fn retain(head: &mut Head, mut keep: impl FnMut(&Line) -> bool) {
    let Some(start) = head.lines.iter().position(|line| !line.is_empty()) else { return };
    let mut fields = false;
    let mut kept = true;
    let mut place = 0;
    head.lines.retain(|line| {
        place += 1;
        if place <= start + 1 || line.is_empty() {
            return true;
        }
        if !(fields && is_folded(line)) {
            kept = keep(line);
            fields = true;
        }
        kept
    });
}

/// Whether the line is a field line of that name, in any case.
pub(super) fn is_named(line: &Line, name: &str) -> bool {
    let before_colon = line.content.split(|&byte| byte == b':').next().unwrap_or_default();
    !is_folded(line) && before_colon.trim_ascii_end().eq_ignore_ascii_case(name.as_bytes())
}

/// Whether the line begins with white space.
pub(super) fn is_folded(line: &Line) -> bool {
    matches!(line.content.first(), Some(b' ' | b'\t'))
}

/// Drops all fields of that name.
pub(super) fn remove(head: &mut Head, name: &str) {
    retain(head, |line| !is_named(line, name));
}

/// Adds a field behind all others.
pub(super) fn add(head: &mut Head, name: &str, value: &str) {
    let end = head.lines.len().saturating_sub(1);
    head.lines.insert(end, line(format!("{name}: {value}")));
}

/// Gives a field this value, in its place if it is there and behind all others if not.
pub(super) fn set(head: &mut Head, name: &str, value: &str) {
    match head.lines.iter_mut().find(|line| is_named(line, name)) {
        Some(present) => *present = line(format!("{name}: {value}")),
        None => add(head, name, value),
    }
}

/// The value of the first field of that name, as text.
pub(super) fn value<'a>(head: &'a Head, name: &'a str) -> Option<String> {
    head.value(name).map(|value| String::from_utf8_lossy(&value).into_owned())
}

/// Whether there is a field of that name with exactly this value.
pub(super) fn has(head: &Head, name: &str, wanted: &str) -> bool {
    head.value(name).is_some_and(|value| value == Cow::Borrowed(wanted.as_bytes()))
}

#[cfg(test)]
mod tests {
    use pushspec_wire::http1::HeadScanner;

    use super::*;

    fn head(text: &str) -> Head {
        let mut scanner = HeadScanner::new();
        scanner.push(text.as_bytes());
        scanner.next_head().expect("a complete head")
    }

    fn text(head: &Head) -> String {
        String::from_utf8(head.encode()).expect("UTF-8")
    }

    #[test]
    fn a_field_goes_with_the_lines_that_continue_it() {
        let mut head = head("GET / HTTP/1.1\r\nA: 1\r\nB: 2\r\n 3\r\nb : 4\r\nC: 5\r\n\r\n");
        remove(&mut head, "b");
        assert_eq!(text(&head), "GET / HTTP/1.1\r\nA: 1\r\nC: 5\r\n\r\n");
    }

    #[test]
    fn a_value_is_set_in_its_place_or_at_the_end() {
        let mut head = head("\r\nGET / HTTP/1.1\r\nA: 1\r\nB: 2\r\n\r\n");
        set(&mut head, "a", "3");
        set(&mut head, "C", "4");
        set_start_line(&mut head, "HEAD / HTTP/1.1");
        assert_eq!(text(&head), "\r\nHEAD / HTTP/1.1\r\na: 3\r\nB: 2\r\nC: 4\r\n\r\n");
    }
}
