//! JavaScript literals, as far as servers write messages in them (ECMA-262 sections 12.9 and 13.2).

use std::str::CharIndices;

use serde_json::{Map, Number, Value};

/// How deep arrays and objects may be nested: what a server sends must not exhaust the stack.
const DEPTH: usize = 128;

/// What stands at the beginning of a text.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Argument {
    /// A literal, or `JSON.parse` of one, and its length in bytes.
    Literal(Value, usize),
    /// An expression whose value is not written here: a name, a call, a function.
    Expression,
    /// Something that begins like a literal and is none.
    Broken,
}

/// Reads the argument at the beginning of a text, which is to end with a comma or a parenthesis.
pub(super) fn argument(text: &str) -> Argument {
    let mut reader = Reader { text, at: 0 };
    reader.blanks();
    let parses = reader.takes("JSON.parse");
    reader.blanks();
    if parses && !reader.takes("(") {
        return Argument::Expression;
    }
    reader.blanks();
    let first = reader.rest().chars().next();
    let Some(value) = reader.value(DEPTH) else {
        return if first.is_some_and(|first| first.is_alphabetic() || "_$(/!".contains(first)) {
            Argument::Expression
        } else {
            Argument::Broken
        };
    };
    reader.blanks();
    let value = match (parses, &value) {
        (false, _) => value,
        (true, Value::String(json)) if reader.takes(")") => match serde_json::from_str(json) {
            Ok(value) => value,
            Err(_) => return Argument::Broken,
        },
        (true, _) => return Argument::Broken,
    };
    reader.blanks();
    match reader.rest().chars().next() {
        Some(')' | ',') => Argument::Literal(value, reader.at),
        _ => Argument::Broken,
    }
}

/// Reads a text from left to right.
#[derive(Debug)]
struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn blanks(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn takes(&mut self, what: &str) -> bool {
        let takes = self.rest().starts_with(what);
        self.at += if takes { what.len() } else { 0 };
        takes
    }

    /// The longest beginning of characters that belong.
    fn run(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let length = rest.find(|character| !belongs(character)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        self.blanks();
        match self.rest().chars().next()? {
            '"' | '\'' | '`' => self.string().map(Value::String),
            '[' if depth > 0 => self.array(depth - 1).map(Value::Array),
            '{' if depth > 0 => self.object(depth - 1).map(Value::Object),
            '-' | '0'..='9' => self.number().map(Value::Number),
            _ => match self.name() {
                "true" => Some(Value::Bool(true)),
                "false" => Some(Value::Bool(false)),
                "null" => Some(Value::Null),
                _ => None,
            },
        }
    }

    fn name(&mut self) -> &'a str {
        self.run(|character| character.is_alphanumeric() || matches!(character, '_' | '$'))
    }

    fn number(&mut self) -> Option<Number> {
        self.run(|character| character.is_ascii_digit() || "+-.eE".contains(character)).parse().ok()
    }

    fn array(&mut self, depth: usize) -> Option<Vec<Value>> {
        let mut items = Vec::new();
        self.list('[', ']', |reader| {
            items.push(reader.value(depth)?);
            Some(())
        })?;
        Some(items)
    }

    fn object(&mut self, depth: usize) -> Option<Map<String, Value>> {
        let mut members = Map::new();
        self.list('{', '}', |reader| {
            let key = match reader.rest().chars().next()? {
                '"' | '\'' => reader.string()?,
                _ => Some(reader.name()).filter(|name| !name.is_empty())?.to_owned(),
            };
            reader.blanks();
            reader.takes(":").then_some(())?;
            members.insert(key, reader.value(depth)?);
            Some(())
        })?;
        Some(members)
    }

    /// Items between brackets, with commas between them, the last of which may be one too many.
    fn list(&mut self, open: char, close: char, mut item: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.takes(open.encode_utf8(&mut [0; 4])).then_some(())?;
        loop {
            self.blanks();
            if self.takes(close.encode_utf8(&mut [0; 4])) {
                return Some(());
            }
            item(self)?;
            self.blanks();
            if !self.takes(",") {
                return self.takes(close.encode_utf8(&mut [0; 4])).then_some(());
            }
        }
    }

    /// A string in any of the three quotes; a template must not have substitutions.
    fn string(&mut self) -> Option<String> {
        let mut characters = self.rest().char_indices();
        let (_, quote) = characters.next()?;
        // UTF-16 code units, because an escape can name half of a surrogate pair.
        let mut units: Vec<u16> = Vec::new();
        while let Some((at, character)) = characters.next() {
            match character {
                _ if character == quote => {
                    self.at += at + 1;
                    return Some(String::from_utf16_lossy(&units));
                }
                '\n' | '\r' if quote != '`' => return None,
                '$' if quote == '`' && self.rest()[at..].starts_with("${") => return None,
                '\\' => escape(&mut characters, &mut units)?,
                other => units.extend_from_slice(other.encode_utf16(&mut [0; 2])),
            }
        }
        None
    }
}

/// What stands behind a backslash (ECMA-262 section 12.9.4).
fn escape(characters: &mut CharIndices<'_>, units: &mut Vec<u16>) -> Option<()> {
    match characters.next()?.1 {
        'n' => units.push(0x0A),
        'r' => units.push(0x0D),
        't' => units.push(0x09),
        'b' => units.push(0x08),
        'f' => units.push(0x0C),
        'v' => units.push(0x0B),
        digit @ '0'..='7' => units.push(octal(characters, digit)),
        'x' => units.push(hex(characters, 2)?),
        'u' if characters.as_str().starts_with('{') => code_point(characters, units)?,
        'u' => units.push(hex(characters, 4)?),
        '\n' | '\u{2028}' | '\u{2029}' => {}
        other => units.extend_from_slice(other.encode_utf16(&mut [0; 2])),
    }
    Some(())
}

fn hex(characters: &mut CharIndices<'_>, digits: usize) -> Option<u16> {
    let digits = characters.as_str().get(..digits).filter(|digits| is_hex(digits))?;
    let unit = u16::from_str_radix(digits, 16).ok();
    characters.nth(digits.len() - 1);
    unit
}

/// An octal escape, which scripts that are not strict still have (ECMA-262 section B.1.2): at most three digits and 255.
fn octal(characters: &mut CharIndices<'_>, first: char) -> u16 {
    let mut unit = first.to_digit(8).unwrap_or_default();
    let more = if first <= '3' { 2 } else { 1 };
    for _ in 0..more {
        let Some(digit) = characters.as_str().chars().next().and_then(|next| next.to_digit(8)) else { break };
        characters.next();
        unit = unit * 8 + digit;
    }
    u16::try_from(unit).unwrap_or_default()
}

/// The braces behind `\u`, with a code point in hexadecimal digits between them.
fn code_point(characters: &mut CharIndices<'_>, units: &mut Vec<u16>) -> Option<()> {
    let (digits, _) = characters.as_str().strip_prefix('{')?.split_once('}')?;
    let point = u32::from_str_radix(digits, 16).ok().filter(|_| is_hex(digits))?;
    units.extend_from_slice(char::from_u32(point)?.encode_utf16(&mut [0; 2]));
    characters.nth(digits.len() + 1);
    Some(())
}

/// Whether it is all digits; the standard library takes a sign too.
fn is_hex(digits: &str) -> bool {
    digits.bytes().all(|digit| digit.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn reads(text: &str, value: &Value) {
        let whole = format!(" {text} )");
        assert_eq!(argument(&whole), Argument::Literal(value.clone(), whole.len() - 1), "{text}");
    }

    #[test]
    fn strings_are_read_in_every_quote() {
        reads(r#""a\"b""#, &json!("a\"b"));
        reads(r"'it\'s \ud83d\ude00\x21\u{1f600}'", &json!("it's \u{1f600}!\u{1f600}"));
        reads("`two\nlines`", &json!("two\nlines"));
        reads(r"'\0\101\4012'", &json!("\0A\u{20}12"));
    }

    #[test]
    fn objects_are_read_however_their_keys_are_written() {
        reads(
            r#"{data: "a", 'id': 7, "more": [1, -2.5, true, null,], }"#,
            &json!({"data": "a", "id": 7, "more": [1, -2.5, true, null]}),
        );
        reads("{}", &json!({}));
    }

    #[test]
    fn json_that_is_parsed_in_the_page_is_read() {
        reads(r#"JSON.parse('{"data":"a\\nb"}')"#, &json!({"data": "a\nb"}));
        assert_eq!(argument("JSON.parse('{')"), Argument::Broken);
    }

    #[test]
    fn a_name_is_no_literal_and_no_mistake() {
        for text in ["message)", "function (a) {})", "(a) => a)", "JSON.parse(text))", "new Date())"] {
            assert_eq!(argument(text), Argument::Expression, "{text}");
        }
    }

    #[test]
    fn what_begins_like_a_literal_has_to_be_one() {
        for text in
            [r#""a"#, "'a\nb')", "{a)", "[1 2])", r#""a" + b)"#, "`${a}`)", r"'\u{110000}')", r"'\x+1')", ""]
        {
            assert_eq!(argument(text), Argument::Broken, "{text}");
        }
    }

    #[test]
    fn nesting_has_an_end() {
        assert_eq!(argument(&"[".repeat(100_000)), Argument::Broken);
    }
}
