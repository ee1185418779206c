//! The page at `/`, which shows the clock by all five techniques side by side.

use std::sync::LazyLock;

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use hyper::{
    Request,
    header::{CONTENT_SECURITY_POLICY, HeaderValue},
};
use sha2::{Digest, Sha256};

use crate::{
    conditional::{self, Content},
    response::{Answer, Refusal},
};

const PAGE: &str = include_str!("page.html");

/// Allows the page's own script and style by their digests, the streams of this server, and nothing else.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    format!(
        "default-src 'none'; script-src {script}; style-src {style}; img-src data:; connect-src 'self'; \
         frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        script = digest("script"),
        style = digest("style"),
    )
});

pub(crate) fn answer<B>(request: &Request<B>) -> Result<Answer, Refusal> {
    let body = Bytes::from_static(PAGE.as_bytes());
    let mut answer = conditional::answer(request.headers(), "text/html; charset=utf-8", Content::of(body))?;
    // Digests in base64 are within the grammar of field values.
    let policy = HeaderValue::try_from(POLICY.as_str()).ok();
    answer.headers_mut().extend(policy.map(|policy| (CONTENT_SECURITY_POLICY, policy)));
    Ok(answer)
}

/// The source expression for the content of the page's only element of a name (CSP Level 3, section 2.3.1).
fn digest(element: &str) -> String {
    let start = format!("<{element}>");
    let end = format!("</{element}>");
    let content =
        PAGE.split_once(&start).and_then(|(_, rest)| rest.split_once(&end)).map_or("", |(inside, _)| inside);
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(content)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_one_script_and_one_style_and_loads_nothing() {
        for element in ["<script", "<style", "<link"] {
            assert_eq!(PAGE.matches(element).count(), 1, "{element}");
        }
        assert!(PAGE.contains("<script>") && PAGE.contains("<style>") && PAGE.contains("href=\"data:"));
        assert!(!PAGE.contains("src="));
        let empty = STANDARD.encode(Sha256::digest(""));
        assert!(!POLICY.contains(&empty));
    }
}
