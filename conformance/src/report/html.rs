//! A page for people: one file that needs neither the network nor a script.

mod cases;
mod coverage;
mod findings;
mod ladder;
mod overview;
mod packed;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::stored::Report;
use crate::escape::visible;
use crate::judge::Verdict;

const STYLE: &str = include_str!("html/style.css");

const SCRIPT: &str = include_str!("html/script.js");

/// The report as a page.
pub fn to_string(report: &Report) -> String {
    let mut packed = packed::Packed::default();
    let cases = cases::section(report, &mut packed);
    let body = html! {
        (overview::header(report))
        nav.sections aria-label="Sections" {
            a href="#overview" { "Overview" }
            a href="#findings" { "Findings" }
            a href="#coverage" { "Clauses" }
            a href="#cases" { "Cases" }
        }
        main {
            (overview::section(report))
            (findings::section(report))
            (coverage::section(report))
            (cases)
        }
        footer { "Made by pushspec " (visible(&report.tool.version)) ". Verdicts follow from the level of the clause: a broken MUST is a failure, a broken SHOULD a warning, and a MAY only tells which way the server goes." }
        (packed.markup())
    };
    page(&format!("{} · {}", report.verdict(), visible(report.name())), &body, Some(SCRIPT))
}

/// A page of its own, with the style of the report. Nothing on it may ask for anything else.
pub(super) fn page(title: &str, body: &Markup, script: Option<&str>) -> String {
    let policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:";
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                meta name="color-scheme" content="light dark";
                link rel="icon" href="data:,";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                (body)
                @if let Some(script) = script { script { (PreEscaped(script)) } }
            }
        }
    }
    .into_string()
        + "\n"
}

/// A verdict as a word in its colour.
pub(super) fn badge(verdict: Verdict) -> Markup {
    let word = verdict.spelling();
    html! { span.v.(word) { (word) } }
}

/// The address of something on the page: what an address may not have is encoded.
pub(super) fn address(id: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/:@!$&'()*+,;=".contains(&byte);
    let encoded = id.bytes().map(|byte| match byte {
        byte if plain(byte) => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    });
    format!("#{}", encoded.collect::<String>())
}

/// What a page says, in paragraphs, with code as code. Every other part between fences is one.
fn prose(text: &str) -> Markup {
    let text = format!("\n{text}");
    html! {
        @for (index, part) in text.split("\n```").enumerate() {
            @if index % 2 == 0 { (paragraphs(part.trim())) }
            @else { pre { code { (lines_of(part.split_once('\n').map_or("", |(_language, code)| code))) } } }
        }
    }
}

fn lines_of(code: &str) -> String {
    code.lines().map(visible).collect::<Vec<_>>().join("\n")
}

fn paragraphs(text: &str) -> Markup {
    let code = |paragraph: &str| {
        let parts: Vec<String> = paragraph.split('`').map(visible_lines).collect();
        html! {
            @for (index, part) in parts.iter().enumerate() {
                @if index % 2 == 1 { code { (part) } } @else { (part) }
            }
        }
    };
    html! { @for paragraph in text.split("\n\n").filter(|paragraph| !paragraph.is_empty()) { p { (code(paragraph)) } } }
}

/// Lines of a paragraph follow each other.
fn visible_lines(text: &str) -> String {
    text.lines().map(visible).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fence_within_the_prose_is_code() {
        let text = "First `a`.\n\n```js\nif (a < b)\n\n  go();\n```\n\nLast.";
        assert_eq!(
            prose(text).into_string(),
            "<p>First <code>a</code>.</p><pre><code>if (a &lt; b)\n\n  go();</code></pre><p>Last.</p>"
        );
        assert_eq!(prose("One.\n\nTwo.").into_string(), "<p>One.</p><p>Two.</p>");
    }
}
