//! The JSON schema of a profile, for editors: which keys there are by the code, and what each means by `docs/profile.md`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::Profile;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// The rows that several tables of a profile have in common, by their heading.
const SHARED: [(&str, &[&str]); 2] = [
    ("How a technique is requested", &["polling", "long-polling", "iframe", "sse", "websocket"]),
    ("Where the messages are", &["polling", "long-polling", "iframe", "sse", "websocket"]),
];

/// Where the members of a table of the schema are.
const TABLES: [(&str, &str); 8] = [
    ("polling", "WrittenPolling"),
    ("long-polling", "WrittenPolling"),
    ("iframe", "WrittenIframe"),
    ("sse", "WrittenEventStream"),
    ("websocket", "WrittenWebSocket"),
    ("publish", "Publish"),
    ("session", "Session"),
    ("session.request", "SessionRequest"),
];

fn docs(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name)
}

/// What `docs/profile.md` says of each key, by its table; that of a key at the top is empty.
fn meanings() -> Result<BTreeMap<(String, String), String>> {
    let text = std::fs::read_to_string(docs("profile.md"))?;
    let mut found = BTreeMap::new();
    let mut tables: Vec<String> = Vec::new();
    for line in text.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            let shared = SHARED.iter().find(|(name, _)| *name == heading);
            tables = match shared {
                Some((_, tables)) => tables.iter().map(|table| (*table).to_owned()).collect(),
                None if heading == "At the top" => vec![String::new()],
                None => words(heading).map(|word| word.trim_matches(['[', ']']).to_owned()).collect(),
            };
        }
        let Some((keys, rest)) = line.strip_prefix("| `").and_then(|row| row.split_once(" | ")) else {
            continue;
        };
        let meaning = rest.rsplit_once(" |").map_or(rest, |(rest, _)| rest);
        let meaning = meaning.rsplit_once(" |").map_or(meaning, |(meaning, _)| meaning).trim();
        for key in words(&format!("`{keys}")) {
            for table in &tables {
                let (table, key) = match key.split_once('.') {
                    Some((inner, key)) => (format!("{table}.{inner}"), key),
                    None => (table.clone(), key),
                };
                // What a table says of its own goes before what it has in common with others.
                let own = !meaning.contains("](#");
                if own || !found.contains_key(&(table.clone(), key.to_owned())) {
                    found.entry((table, key.to_owned())).or_insert_with(|| plain(meaning));
                }
            }
        }
    }
    Ok(found)
}

/// The words between backquotes.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// Text of Markdown without the targets of its links.
fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("](") {
        out.push_str(&before.replace('[', ""));
        rest = behind.split_once(')').map_or("", |(_, rest)| rest);
    }
    out + rest
}

/// The members of a table.
fn members<'s>(schema: &'s mut Value, table: &str) -> Option<&'s mut Map<String, Value>> {
    let definition = TABLES.iter().find(|(name, _)| *name == table).map(|(_, definition)| *definition);
    let pointer = match definition {
        Some(definition) => format!("/$defs/{definition}/properties"),
        None => "/properties".to_owned(),
    };
    schema.pointer_mut(&pointer)?.as_object_mut()
}

#[test]
fn the_schema_is_that_of_the_profile() -> Result {
    let mut schema = serde_json::to_value(schemars::schema_for!(Profile))?;
    schema["title"] = "pushspec.toml".into();
    let meanings = meanings()?;
    let mut missing = Vec::new();
    for table in [""].into_iter().chain(TABLES.map(|(name, _)| name)) {
        let members = members(&mut schema, table).ok_or_else(|| format!("the schema has no [{table}]"))?;
        for (key, member) in members {
            if table.is_empty() && (TABLES.iter().any(|(name, _)| name == key) || key == "headers") {
                continue;
            }
            match meanings.get(&(table.to_owned(), key.clone())) {
                Some(meaning) => member["description"] = meaning.clone().into(),
                // Keys of long polling alone stand among those of polling, and the other way round.
                None => missing.push(format!("[{table}] {key}")),
            }
        }
    }
    assert_eq!(missing, Vec::<String>::new(), "docs/profile.md has no row for these");
    let text = serde_json::to_string_pretty(&schema)? + "\n";
    if std::env::var_os("PUSHSPEC_DOCS").is_some_and(|mode| mode == "write") {
        std::fs::write(docs("profile.schema.json"), &text)?;
    }
    let committed = std::fs::read_to_string(docs("profile.schema.json")).unwrap_or_default();
    assert!(
        committed == text,
        "docs/profile.schema.json is stale: run `just docs` and commit what it writes"
    );
    let schema = jsonschema::validator_for(&schema)?;
    let presets = pushspec_fixtures::PRESETS.iter().map(|(name, text)| (*name, *text));
    for (name, text) in presets.chain([("reference", pushspec_fixtures::REFERENCE_PROFILE)]) {
        let profile: Value = serde_json::to_value(toml::from_str::<toml::Table>(text)?)?;
        let wrong: Vec<String> = schema.iter_errors(&profile).map(|error| error.to_string()).collect();
        assert_eq!(wrong, Vec::<String>::new(), "{name}");
    }
    for wrong in [
        json!({ "sse": { "pth": "/" } }),
        json!({ "sse": { "path": "/", "finite": "yes" } }),
        json!({ "publish": { "request": "POST /", "encoding": "xml" } }),
        json!({ "ss": {} }),
    ] {
        assert!(!schema.is_valid(&wrong), "{wrong}");
    }
    Ok(())
}
