//! The text of the profile.

use super::found::{Findings, Table, string};
use super::preset::Preset;
use crate::cli::hidden;
use crate::cli::requests::RequestArguments;
use crate::secret::label;

/// Where editors find which keys there are.
const SCHEMA: &str =
    concat!("#:schema ", env!("CARGO_PKG_REPOSITORY"), "/raw/HEAD/docs/profile.schema.json\n");

const KEYS: &str =
    concat!("# ", env!("CARGO_PKG_REPOSITORY"), "/blob/HEAD/docs/profile.md describes every key.\n");

/// What every profile could have beside its techniques.
const MORE: &str = "
# Header fields of every request:
# [headers]
# Authorization = \"Bearer TOKEN\"

# How to make the server send a message. With it, the suite judges whether messages arrive unchanged, in order and once:
# [publish]
# request = \"POST /publish\"
# body = \"{data}\"
";

/// A profile of what was found.
pub(super) fn of_findings(findings: &Findings, url: &str) -> String {
    let mut text = format!(
        "{SCHEMA}# What `pushspec init` found. {}\nurl = {}\n",
        &KEYS[2..KEYS.len() - 1],
        string(url)
    );
    for Table { technique, path, came, lines, also } in &findings.tables {
        text.push_str(&format!("\n# {came}\n"));
        if !also.is_empty() {
            text.push_str(&format!("# also at {}\n", also.join(", ")));
        }
        text.push_str(&format!("[{technique}]\npath = {}\n", string(path)));
        text.extend(lines.iter().map(|line| format!("{line}\n")));
    }
    text.push_str(MORE);
    text
}

/// What flags say of requests, in a profile: the values that are secret are those of environment variables, which come
/// second.
pub(super) fn with_requests(text: &str, requests: &RequestArguments) -> (String, Vec<String>) {
    let mut variables: Vec<String> = requests.fields().map(variable).collect();
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        let mut line = hidden(line);
        let is_comment = line.starts_with('#');
        for name in requests.parameters() {
            let shown = label(name);
            if !is_comment && line.contains(&shown) {
                line = line.replace(&shown, &format!("${{{}}}", variable(name)));
                variables.push(variable(name));
            }
        }
        lines.push(line);
    }
    if !requests.parameters().is_empty() {
        let names: Vec<String> = requests.parameters().iter().map(|name| string(name)).collect();
        let at = lines.iter().position(|line| line.trim_start_matches("# ").starts_with("url = "));
        lines.insert(at.map_or(0, |at| at + 1), format!("secrets = [{}]", names.join(", ")));
    }
    let fields: Vec<String> =
        requests.fields().map(|name| format!("{} = \"${{{}}}\"", string(name), variable(name))).collect();
    if !fields.is_empty() {
        let table = match lines.iter().position(|line| line == "[headers]") {
            Some(at) => at + 1,
            None => {
                // The table takes the place of what says how to write it.
                let more = lines.iter().position(|line| line == "# Header fields of every request:");
                let at = more.unwrap_or(lines.len());
                let told = lines[at..].iter().take_while(|line| !line.is_empty()).count();
                lines.drain(at..(at + told + 1).min(lines.len()));
                lines.insert(at, "[headers]".to_owned());
                lines.insert(at + 1, String::new());
                at + 1
            }
        };
        // A field of a preset is replaced.
        let is_replaced = |line: &String| {
            let key = line.split('=').next().unwrap_or_default().trim().trim_matches('"');
            requests.fields().any(|name| name.eq_ignore_ascii_case(key))
        };
        let end = lines[table..]
            .iter()
            .position(|line| line.starts_with('['))
            .map_or(lines.len(), |end| table + end);
        let kept: Vec<String> = lines[table..end].iter().filter(|line| !is_replaced(line)).cloned().collect();
        let comment = "# The value of each is that of an environment variable.".to_owned();
        lines.splice(table..end, [comment].into_iter().chain(fields).chain(kept));
    }
    variables.sort();
    variables.dedup();
    (lines.join("\n") + "\n", variables)
}

/// The environment variable that has the value of a field or a parameter.
fn variable(name: &str) -> String {
    let plain = |character: char| {
        if character.is_ascii_alphanumeric() { character.to_ascii_uppercase() } else { '_' }
    };
    let name: String = name.chars().map(plain).collect();
    if name.starts_with(|first: char| first.is_ascii_digit()) { format!("_{name}") } else { name }
}

/// A profile of what is known of a kind of server.
pub(super) fn of_preset(preset: &Preset, url: Option<&str>, seen: Option<&Findings>) -> String {
    let url = match url {
        Some(url) => format!("url = {}\n", string(url)),
        None => "# url = \"http://127.0.0.1:8080\"\n".to_owned(),
    };
    let mut text = format!("{SCHEMA}{KEYS}{url}\n{}", preset.text);
    let found = seen.into_iter().flat_map(|findings| &findings.tables);
    for Table { technique, path, came, .. } in found {
        text.push_str(&format!("\n# Seen at {path} ([{technique}]): {came}\n"));
    }
    text
}
