//! Whether a script can be parsed at all, as far as its tokens and brackets tell (ECMA-262 section 12). What is refused
//! here every parser refuses. Not all that a parser refuses is refused here: a test holds it against one.

/// Words behind which a slash begins a regular expression.
const BEFORE_AN_EXPRESSION: [&str; 15] = [
    "await",
    "case",
    "delete",
    "do",
    "else",
    "extends",
    "in",
    "instanceof",
    "new",
    "of",
    "return",
    "throw",
    "typeof",
    "void",
    "yield",
];

/// Characters that can stand in no token, and that editors and encoders put in place of others.
const BEGINS_NOTHING: [char; 5] = ['\u{2018}', '\u{2019}', '\u{201c}', '\u{201d}', '\u{fffd}'];

/// Why no browser can parse a script, as a fragment of a sentence; `None` where none is known.
pub(super) fn defect(source: &str) -> Option<&'static str> {
    let mut lexer = Lexer { rest: source, open: Vec::new(), before: Before::Start, begins_line: true };
    while !lexer.rest.is_empty() {
        match lexer.token() {
            Ok(()) => {}
            Err(Stop::Defect(why)) => return Some(why),
            Err(Stop::Unsure) => return None,
        }
    }
    (!lexer.open.is_empty()).then_some("a bracket is not closed")
}

/// Why nothing more is read.
enum Stop {
    Defect(&'static str),
    /// What a slash means depends on the grammar.
    Unsure,
}

/// What stood before, as far as it says what a slash is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    /// Nothing, or an operator: an expression begins.
    Start,
    /// A value: a slash divides.
    Value,
    /// A bracket that may end a value or a statement.
    Either,
}

struct Lexer<'a> {
    rest: &'a str,
    /// The brackets that are open; `$` stands for the one within a template.
    open: Vec<char>,
    before: Before,
    /// Nothing but white space and comments has come on this line.
    begins_line: bool,
}

fn is_line_end(character: char) -> bool {
    matches!(character, '\n' | '\r' | '\u{2028}' | '\u{2029}')
}

fn is_of_a_word(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '$' | '\u{200c}' | '\u{200d}')
}

impl Lexer<'_> {
    fn token(&mut self) -> Result<(), Stop> {
        let Some(first) = self.rest.chars().next() else { return Ok(()) };
        if first.is_whitespace() || first == '\u{feff}' {
            self.begins_line |= is_line_end(first);
            self.skip(first.len_utf8());
            return Ok(());
        }
        if self.comment()? {
            return Ok(());
        }
        self.begins_line = false;
        match first {
            '"' | '\'' => self.string(first),
            '`' => {
                self.skip(1);
                self.template()
            }
            '/' => self.slash(),
            '(' | '[' | '{' => {
                self.open.push(first);
                self.operator(1);
                Ok(())
            }
            ')' | ']' | '}' => self.closing(first),
            '\\' => self.escaped_letter(),
            _ if is_of_a_word(first) => {
                self.word();
                Ok(())
            }
            _ if BEGINS_NOTHING.contains(&first) => {
                Err(Stop::Defect("a character stands where no token can begin with it"))
            }
            _ => {
                self.operator(first.len_utf8());
                Ok(())
            }
        }
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = &self.rest[bytes..];
    }

    fn operator(&mut self, bytes: usize) {
        // Behind two of them a slash divides, or begins an expression.
        let is_step = self.rest.starts_with("++") || self.rest.starts_with("--");
        self.skip(if is_step { 2 } else { bytes });
        self.before = if is_step { Before::Either } else { Before::Start };
    }

    /// Comments, those in the manner of HTML among them (ECMA-262 section B.1.1).
    fn comment(&mut self) -> Result<bool, Stop> {
        let to_line_end =
            ["//", "<!--"].iter().any(|start| self.rest.starts_with(start)) || self.is_comment_by_its_end();
        if to_line_end {
            self.skip(self.rest.find(is_line_end).unwrap_or(self.rest.len()));
            return Ok(true);
        }
        let Some(content) = self.rest.strip_prefix("/*") else { return Ok(false) };
        let end = content.find("*/").ok_or(Stop::Defect("a comment has no end"))?;
        self.begins_line |= content[..end].contains(is_line_end);
        self.skip(end + 4);
        Ok(true)
    }

    fn is_comment_by_its_end(&self) -> bool {
        self.begins_line && self.rest.starts_with("-->")
    }

    fn string(&mut self, quote: char) -> Result<(), Stop> {
        let mut characters = self.rest.char_indices().skip(1).peekable();
        while let Some((at, character)) = characters.next() {
            match character {
                '\\' => {
                    if let Some((_, '\r')) = characters.next() {
                        characters.next_if(|(_, next)| *next == '\n');
                    }
                }
                '\n' | '\r' => break,
                _ if character == quote => {
                    self.skip(at + 1);
                    self.before = Before::Value;
                    return Ok(());
                }
                _ => {}
            }
        }
        Err(Stop::Defect("a string has no end"))
    }

    /// The characters of a template, up to its end or to an expression within.
    fn template(&mut self) -> Result<(), Stop> {
        let mut characters = self.rest.char_indices();
        while let Some((at, character)) = characters.next() {
            match character {
                '\\' => {
                    characters.next();
                }
                '`' => {
                    self.skip(at + 1);
                    self.before = Before::Value;
                    return Ok(());
                }
                '$' if self.rest[at..].starts_with("${") => {
                    self.skip(at + 2);
                    self.open.push('$');
                    self.before = Before::Start;
                    return Ok(());
                }
                _ => {}
            }
        }
        Err(Stop::Defect("a template has no end"))
    }

    fn slash(&mut self) -> Result<(), Stop> {
        match self.before {
            Before::Value => {
                self.operator(1);
                return Ok(());
            }
            Before::Either => return Err(Stop::Unsure),
            Before::Start => {}
        }
        let mut within_a_class = false;
        let mut characters = self.rest.char_indices().skip(1);
        while let Some((at, character)) = characters.next() {
            match character {
                '\\' if characters.next().is_some_and(|(_, next)| !is_line_end(next)) => {}
                '[' => within_a_class = true,
                ']' => within_a_class = false,
                '/' if !within_a_class => {
                    self.skip(at + 1);
                    self.before = Before::Value;
                    return Ok(());
                }
                '\\' => break,
                _ if is_line_end(character) => break,
                _ => {}
            }
        }
        Err(Stop::Defect("a regular expression has no end"))
    }

    fn closing(&mut self, bracket: char) -> Result<(), Stop> {
        let opened = self.open.pop();
        self.skip(1);
        match (opened, bracket) {
            (Some('('), ')') | (Some('{'), '}') => self.before = Before::Either,
            (Some('['), ']') => self.before = Before::Value,
            (Some('$'), '}') => return self.template(),
            (None, _) => return Err(Stop::Defect("a bracket is closed that is not open")),
            _ => return Err(Stop::Defect("a bracket is closed by one of another kind")),
        }
        Ok(())
    }

    /// A backslash outside of strings begins the escape of a letter of a name, and nothing else.
    fn escaped_letter(&mut self) -> Result<(), Stop> {
        if !self.rest.starts_with("\\u") {
            return Err(Stop::Defect("a backslash stands outside of strings"));
        }
        self.skip(2);
        self.before = Before::Value;
        Ok(())
    }

    fn word(&mut self) {
        let end = self.rest.find(|character| !is_of_a_word(character)).unwrap_or(self.rest.len());
        let begins_an_expression = BEFORE_AN_EXPRESSION.contains(&&self.rest[..end]);
        self.skip(end);
        // Some of these words are names, too.
        self.before = if begins_an_expression { Before::Either } else { Before::Value };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_parsed_has_no_defect() {
        for source in [
            "",
            "parent.push.deliver({\"data\":\"a\\u003cb\"});",
            "var a = /[/\"]/.test('\\'') ? `x${{b: `${1}`}.b}y` : 1 / 2 / 3; // it's",
            "<!-- old\n--> browsers\n/* ' */ a\n= b\n/c/d",
            "if (a) /'/.test(b)",
            "return_ = x++ /2/ '1'",
            "'one\\\r\ntwo'",
            "\\u0061 = 1",
            "class A { #b = 1 } \u{feff}",
            "'\u{2028}'",
        ] {
            assert_eq!(defect(source), None, "{source}");
        }
    }

    #[test]
    fn what_no_parser_takes_has_one() {
        for source in [
            "parent.push.start\\(\\);",
            "f('one\ntwo')",
            "f(\"one)",
            "f(`one)",
            "f((1)",
            "f(1))",
            "f([1)]",
            "/* one",
            "= /one",
            "f(\u{201c}one\u{201d})",
            "`${1`",
            "${`",
        ] {
            assert!(defect(source).is_some(), "{source}");
        }
    }
}
