//! What of a profile is secret.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::cursor::said;
use super::tables::Profile;
use super::template::fill;
use crate::secret::Secrets;

/// The fields whose values are no secret: they say what a client takes, and from where it comes. A server repeats them in
/// its answers, and the cases speak of them.
const PUBLIC: [&str; 8] = [
    "accept",
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "cache-control",
    "content-type",
    "origin",
    "pragma",
];

/// The shortest piece of a value that a session completes, in bytes.
const PIECE: usize = 8;

impl Profile {
    /// What nobody is to see: the values of environment variables, of header fields, and of the query parameters that
    /// `secrets` names.
    pub fn secrets(&self) -> Secrets {
        let secrets = Secrets::default();
        self.add_secrets(&secrets);
        self.further.iter().for_each(|further| further.add_secrets(&secrets));
        secrets
    }

    /// Keeps the query parameters of a URL secret that `secrets` names.
    #[cfg(feature = "program")]
    pub(crate) fn add_parameters(&self, secrets: &Secrets, url: &str) {
        for (name, value) in self.secret_parameters(url) {
            secrets.add(&name, &value);
        }
    }

    fn add_secrets(&self, secrets: &Secrets) {
        for (name, value) in self.url.iter().flat_map(|url| self.secret_parameters(url)) {
            secrets.add(&name, &value);
        }
        self.environment.iter().for_each(|(name, value)| secrets.add(name, value));
        for (name, value) in self.all_fields() {
            self.add_field(secrets, name, value);
        }
        for (name, value) in self.paths().flat_map(|path| self.secret_parameters(path)) {
            secrets.add(&name, &value);
        }
    }

    /// The fields of all requests.
    fn all_fields(&self) -> impl Iterator<Item = (&str, &str)> {
        let of_techniques = super::TECHNIQUES.iter().filter_map(|technique| self.request_of(technique));
        let tables = of_techniques.map(|request| &request.headers);
        let tables = tables.chain(self.websocket.iter().map(|websocket| &websocket.headers));
        let tables = tables.chain(self.publish.iter().map(|publish| &publish.headers));
        let requests = self.session.iter().flat_map(|session| &session.request);
        let tables = tables.chain(requests.map(|request| &request.headers)).chain([&self.headers]);
        tables
            .flat_map(|fields: &BTreeMap<_, _>| fields.iter())
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Path and query of all requests.
    fn paths(&self) -> impl Iterator<Item = &str> {
        let Profile { polling, long_polling, iframe, sse, websocket, publish, session, .. } = self;
        let sse = sse.iter().flat_map(|sse| {
            let others = [&sse.ending, &sse.gone, &sse.moved, &sse.checkpoints];
            std::iter::once(&sse.path).chain(others.into_iter().flatten())
        });
        let websocket = websocket
            .iter()
            .flat_map(|websocket| std::iter::once(&websocket.path).chain(&websocket.subscribe));
        let polls = polling.iter().map(|poll| &poll.path).chain(long_polling.iter().map(|poll| &poll.path));
        let session = session.iter().flat_map(|session| &session.request).map(|request| &request.request);
        let publish =
            publish.iter().flat_map(|publish| std::iter::once(&publish.request).chain(&publish.websocket));
        let all = polls.chain(iframe.iter().map(|iframe| &iframe.path)).chain(sse).chain(websocket);
        all.chain(session).chain(publish).map(String::as_str)
    }

    fn add_field(&self, secrets: &Secrets, name: &str, value: &str) {
        let lower = name.to_ascii_lowercase();
        if PUBLIC.contains(&lower.as_str()) {
            return;
        }
        match lower.as_str() {
            "authorization" | "proxy-authorization" => add_credentials(secrets, name, value),
            "cookie" => value.split(';').filter_map(|pair| pair.split_once('=')).for_each(|(_, value)| {
                add_pieces(secrets, name, value.trim().trim_matches('"'));
            }),
            "sec-websocket-protocol" => {
                let offered = self.websocket.iter().flat_map(|websocket| &websocket.subprotocols);
                let offered: Vec<&String> = offered.collect();
                let words = value.split(',').map(str::trim);
                words.filter(|word| !offered.iter().any(|known| known == word)).for_each(|word| {
                    add_pieces(secrets, name, word);
                });
            }
            _ => add_pieces(secrets, name, value),
        }
    }

    /// The query parameters of a path that are secret, as they stand there and as they are meant.
    fn secret_parameters(&self, path: &str) -> Vec<(String, String)> {
        let query = path.split_once('?').map_or("", |(_, query)| query);
        let parameters = query.split('&').filter_map(|pair| pair.split_once('='));
        let secret = parameters.filter(|(name, value)| self.is_secret(name) && !value.contains('{'));
        let both = |(name, value): (&str, &str)| {
            let decoded = url::form_urlencoded::parse(format!("v={value}").as_bytes())
                .next()
                .map(|(_, value)| value.into_owned())
                .unwrap_or_default();
            [(name.to_owned(), decoded), (name.to_owned(), value.to_owned())]
        };
        secret.flat_map(both).collect()
    }

    fn is_secret(&self, parameter: &str) -> bool {
        self.secrets.iter().any(|name| name == parameter)
    }
}

/// Credentials without the name of their scheme (RFC 9110 section 11.4). Those of `Basic` are in base64 (RFC 7617
/// section 2).
fn add_credentials(secrets: &Secrets, name: &str, value: &str) {
    let Some((scheme, credentials)) = value.trim().split_once(' ') else {
        return add_pieces(secrets, name, value);
    };
    let clear = STANDARD.decode(credentials.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    if let Some(clear) = clear.filter(|_| scheme.eq_ignore_ascii_case("basic")) {
        secrets.add(name, &clear);
        clear.split_once(':').into_iter().for_each(|(_, password)| secrets.add(name, password));
    }
    add_pieces(secrets, name, credentials);
}

/// A value, or what stands in it around the values of a session or of a cursor.
fn add_pieces(secrets: &Secrets, name: &str, value: &str) {
    // No value has this character.
    const GAP: char = '\u{0}';
    let filled = fill(value, |place| {
        (place.starts_with("session.") || said("", place).is_some()).then(|| GAP.to_string())
    });
    if !filled.contains(GAP) {
        return secrets.add(name, value);
    }
    filled.split(GAP).filter(|piece| piece.trim().len() >= PIECE).for_each(|piece| secrets.add(name, piece));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hidden(profile: &str, text: &str) -> String {
        Profile::parse("pushspec.toml", profile).expect("a profile").secrets().hide(text)
    }

    #[test]
    fn fields_cookies_credentials_and_marked_parameters_are_secret() {
        let profile = "secrets = [\"key\"]\n[headers]\nAuthorization = \"Bearer abcdef123\"\n\
            Cookie = \"a=cookie-one; sid={session.sid}; b=cookie-two\"\nAccept = \"text/event-stream\"\n\
            [sse]\npath = \"/events?key=s%2Fcret-key&room=lobby-one\"\nheaders = { X-Key = \"x-key-value\" }\n\
            [[session.request]]\nrequest = \"GET /open\"\ntake.sid = \"/sid\"\n";
        assert_eq!(
            hidden(profile, "Authorization: Bearer abcdef123"),
            "Authorization: Bearer «Authorization»"
        );
        assert_eq!(hidden(profile, "a=cookie-one; b=cookie-two"), "a=«Cookie»; b=«Cookie»");
        assert_eq!(hidden(profile, "x-key-value"), "«X-Key»");
        assert_eq!(
            hidden(profile, "/events?key=s%2Fcret-key&room=lobby-one"),
            "/events?key=«key»&room=lobby-one"
        );
        assert_eq!(hidden(profile, "s/cret-key of text/event-stream"), "«key» of text/event-stream");
    }

    #[test]
    fn a_basic_password_is_secret_in_the_clear() {
        let profile = "headers.Authorization = \"Basic YWRtaW46aHVudGVyMjI=\"\n";
        assert_eq!(
            hidden(profile, "YWRtaW46aHVudGVyMjI= is admin:hunter22"),
            "«Authorization» is «Authorization»"
        );
        assert_eq!(hidden(profile, "password hunter22"), "password «Authorization»");
    }

    #[test]
    fn a_subprotocol_that_is_offered_is_no_secret() {
        let profile = "headers.Sec-WebSocket-Protocol = \"chat, bearer.token-1\"\n\
            [websocket]\npath = \"/\"\nsubprotocols = [\"chat\"]\n";
        assert_eq!(hidden(profile, "chat, bearer.token-1"), "chat, «Sec-WebSocket-Protocol»");
    }
}
