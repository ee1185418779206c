//! What is secret in the text of a profile that cannot be read.

use toml::de::{DeTable, DeValue};

use crate::secret::Secrets;

/// The values of header fields, and of the query parameters that `secrets` names, wherever they stand in a text.
pub(super) fn secrets(text: &str) -> Secrets {
    let secrets = Secrets::default();
    let (document, _) = DeTable::parse_recoverable(text);
    of_table(document.get_ref(), &secrets);
    of_lines(text, &secrets);
    let marked = document.get_ref().get("secrets").and_then(|value| value.get_ref().as_array());
    let marked: Vec<&str> = marked.into_iter().flatten().filter_map(|name| name.get_ref().as_str()).collect();
    for name in marked {
        for (at, _) in text.match_indices(&format!("{name}=")) {
            let value =
                text[at + name.len() + 1..].split(['&', '"', '\'', ' ', '\n']).next().unwrap_or_default();
            secrets.add(name, value);
        }
    }
    secrets
}

/// The strings of every table of header fields.
fn of_table(table: &DeTable<'_>, secrets: &Secrets) {
    for (key, value) in table {
        match value.get_ref() {
            DeValue::Table(fields) if key.get_ref() == "headers" => {
                for (name, value) in fields {
                    value.get_ref().as_str().into_iter().for_each(|value| secrets.add(name.get_ref(), value));
                }
            }
            DeValue::Table(table) => of_table(table, secrets),
            DeValue::Array(values) => {
                values
                    .iter()
                    .filter_map(|value| value.get_ref().as_table())
                    .for_each(|table| of_table(table, secrets));
            }
            _ => {}
        }
    }
}

/// What stands behind the equals sign on the lines of such a table. A value that does not end is no string yet.
fn of_lines(text: &str, secrets: &Secrets) {
    let mut is_within = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            is_within = line.trim_matches(['[', ']']).trim().rsplit('.').next() == Some("headers");
            continue;
        }
        let Some((key, value)) = line.split_once('=') else { continue };
        let key = key.trim();
        if is_within || key.contains("headers.") || key == "headers" {
            let name = key.rsplit('.').next().unwrap_or(key).trim_matches(['"', '\'']);
            secrets.add(name, value.trim_matches([' ', '"', '\'']));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Profile;

    #[test]
    fn what_cannot_be_read_does_not_show_its_secrets() {
        for text in [
            "[headers]\nAuthorization = \"Bearer s3cr3t-token\n",
            "[headers]\nAuthorization = Bearer s3cr3t-token\n",
            "headers.X-Key = \"s3cr3t-token\" x\n",
            "[sse]\nheaders = { X-Key = \"s3cr3t-token\" \n",
            "[sse]\nheaders = { X-Key = \"s3cr3t-token\" }, path = 3\n",
            "secrets = [\"key\"]\n[sse]\npath = \"/a?key=s3cr3t-token\" x\n",
            "[headers]\nX-Key = \"s3cr3t-token\"\nother = 3\n",
            "[headers]\n\"X Key\" = \"s3cr3t-token\"\n",
            "[headers]\nX-Key = \"s3cr3t-token\\u00e9\"\n",
        ] {
            let error = Profile::parse("pushspec.toml", text).expect_err("a mistake");
            assert!(!error.to_string().contains("s3cr3t"), "{text}\n{error}");
        }
        assert!(secrets("a = 1\n").is_empty());
    }
}
