//! Publishing by the recipe of the profile. What the recipe's answer looks like is nobody's clause.

use std::time::Duration;

use crate::target::Target;
use crate::target::profile::PublishRequest;

/// How long a publication may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Sends publications.
#[derive(Debug, Clone)]
pub(crate) struct Publisher {
    client: reqwest::Client,
    url: String,
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
        Ok(Publisher { client, url: target.url() })
    }

    /// Sends a request; an answer other than 2xx is an error, unless it is a refusal that the case allows.
    pub(crate) async fn publish(&self, request: &PublishRequest) -> Result<(), String> {
        let method =
            reqwest::Method::from_bytes(request.method.as_bytes()).map_err(|error| error.to_string())?;
        let answer = self
            .client
            .request(method, format!("{}{}", self.url, request.path))
            .header("Content-Type", &request.content_type)
            .body(request.body.clone())
            .send()
            .await
            .map_err(|error| format!("{} {}: {error}", request.method, request.path))?;
        let status = answer.status();
        if status.is_success() || (request.may_be_refused && status.is_client_error()) {
            return Ok(());
        }
        Err(format!("{} {} was answered with {status}", request.method, request.path))
    }
}
