//! Publishing by the recipe of the profile. What the recipe's answer looks like is nobody's clause.

use std::time::Duration;

use crate::profile::Target;
use crate::profile::tables::PublishRequest;
use crate::transcript::Unpublished;

/// How long a publication may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Sends publications.
#[derive(Debug, Clone)]
pub(crate) struct Publisher {
    client: reqwest::Client,
    url: String,
    headers: Vec<(String, String)>,
}

impl Publisher {
    /// A publisher for a target.
    pub(crate) fn new(target: &Target) -> Result<Publisher, String> {
        let client = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| format!("the HTTP client cannot be set up: {error}"))?;
        let headers = target.profile.headers.clone().into_iter().collect();
        Ok(Publisher { client, url: target.url(), headers })
    }

    /// Sends a request; an answer other than 2xx is an error, unless it is a refusal that the case allows.
    pub(crate) async fn publish(&self, request: &PublishRequest) -> Result<(), Unpublished> {
        let failed = |error: String| Unpublished { refused: false, why: error };
        let method = reqwest::Method::from_bytes(request.method.as_bytes())
            .map_err(|error| failed(error.to_string()))?;
        let mut sending = self.client.request(method, format!("{}{}", self.url, request.path));
        for (name, value) in &self.headers {
            sending = sending.header(name, value);
        }
        let answer = sending
            .header("Content-Type", &request.content_type)
            .body(request.body.clone())
            .send()
            .await
            .map_err(|error| failed(format!("{} {}: {error}", request.method, request.path)))?;
        let status = answer.status();
        if status.is_success() || (request.may_be_refused && status.is_client_error()) {
            return Ok(());
        }
        // These say that the content is the trouble, not the recipe (RFC 9110 section 15.5, RFC 4918 section 11.2).
        let refused = matches!(status.as_u16(), 400 | 413 | 415 | 422);
        Err(Unpublished {
            refused,
            why: format!("the response to {} {} was {status}", request.method, request.path),
        })
    }
}
