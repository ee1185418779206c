//! Publishing by the recipe of the profile. What the recipe's answer looks like is nobody's clause.

use std::io;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Waker};
use std::time::Duration;

use tokio::io::AsyncReadExt as _;

use super::Route;
use super::exchange::{Answered, ExchangeError, exchange};
use super::stream::Stream;
use crate::profile::publish::PublishRequest;
use crate::profile::{Profile, Target};
use crate::transcript::Unpublished;

/// How long a publication may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// How many connections wait for the next publication.
const IDLE: usize = 32;

/// Sends publications, the way that the cases go. Clones share their connections.
#[derive(Debug, Clone)]
pub(crate) struct Publisher {
    route: Route,
    authority: String,
    headers: Vec<(String, String)>,
    idle: Arc<Mutex<Vec<Stream>>>,
}

impl Publisher {
    /// A publisher for a target. It goes the way of the cases, unless the recipe names an address of its own.
    pub(crate) async fn new(target: &Target, route: Route) -> io::Result<Publisher> {
        let headers = target.profile.headers.clone().into_iter().collect();
        let own = target.profile.publish.as_ref().and_then(|publish| publish.url.as_deref());
        let Some(url) = own else {
            return Ok(Publisher { route, authority: target.authority(), headers, idle: Arc::default() });
        };
        let mut endpoint = Target::new(url, Profile::default()).map_err(io::Error::other)?;
        endpoint.tls = target.tls.clone();
        let route = Route::to(&endpoint).await?;
        Ok(Publisher { route, authority: endpoint.authority(), headers, idle: Arc::default() })
    }

    /// Sends a request; an answer other than 2xx is an error, unless it is a refusal that the case allows.
    pub(crate) async fn publish(&self, request: &PublishRequest) -> Result<(), Unpublished> {
        let failed = |why: String| Unpublished {
            refused: false,
            why: format!("{} {}: {why}", request.method, request.path),
        };
        let answered = tokio::time::timeout(TIMEOUT, self.send(request))
            .await
            .map_err(|_| failed(format!("no answer within {TIMEOUT:?}")))?
            .map_err(|error| failed(error.to_string()))?;
        let status = answered.status;
        // The rest of the answer says nothing that is waited for.
        let idle = Arc::clone(&self.idle);
        tokio::spawn(async move {
            let stream = answered.rest().await;
            let mut idle = idle.lock().unwrap_or_else(PoisonError::into_inner);
            if idle.len() < IDLE {
                idle.extend(stream);
            }
        });
        if (200..300).contains(&status) || (request.may_be_refused && (400..500).contains(&status)) {
            return Ok(());
        }
        // These say that the content is the trouble, not the recipe (RFC 9110 section 15.5, RFC 4918 section 11.2).
        let refused = matches!(status, 400 | 413 | 415 | 422);
        Err(Unpublished {
            refused,
            why: format!("the response to {} {} was {status}", request.method, request.path),
        })
    }

    async fn send(&self, request: &PublishRequest) -> Result<Answered, ExchangeError> {
        let bytes = self.encode(request);
        let is_head = request.method == "HEAD";
        if let Some(stream) = self.waiting() {
            match exchange(stream, &bytes, is_head).await {
                // The server has ended the connection just before: nobody has read the request.
                Err(ExchangeError::Ended | ExchangeError::Broken(_)) => {}
                answered => return answered,
            }
        }
        exchange(self.route.open().await?, &bytes, is_head).await
    }

    /// A connection that waits for a request, and that the server has not ended.
    fn waiting(&self) -> Option<Stream> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(mut stream) = idle.pop() {
            let mut buffer = [0; 1];
            let is_quiet =
                pin!(stream.read(&mut buffer)).poll(&mut Context::from_waker(Waker::noop())).is_pending();
            if is_quiet {
                return Some(stream);
            }
        }
        None
    }

    /// The bytes of a request (RFC 9112 section 3).
    fn encode(&self, request: &PublishRequest) -> Vec<u8> {
        let PublishRequest { method, path, headers, content_type, body, .. } = request;
        let mut head = format!("{method} {path} HTTP/1.1\r\n");
        let mut field = |name: &str, value: &str| head.push_str(&format!("{name}: {value}\r\n"));
        let is_host = |(name, _): &(String, String)| name.eq_ignore_ascii_case("host");
        if !self.headers.iter().any(is_host) {
            field("Host", &self.authority);
        }
        let replaced = |name: &str| headers.keys().any(|own| own.eq_ignore_ascii_case(name));
        let shared = self.headers.iter().filter(|(name, _)| !replaced(name));
        for (name, value) in shared.map(|(name, value)| (name, value)).chain(headers) {
            field(name, value);
        }
        field("Accept", "*/*");
        field("Content-Type", content_type);
        field("Content-Length", &body.len().to_string());
        head.push_str("\r\n");
        [head.as_bytes(), body.as_bytes()].concat()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    fn request() -> PublishRequest {
        PublishRequest {
            method: "POST".to_owned(),
            path: "/publish".to_owned(),
            headers: [("X-Own".into(), "o".into())].into(),
            content_type: "text/plain".to_owned(),
            body: "one".to_owned(),
            may_be_refused: false,
        }
    }

    /// A publisher for a server that answers so many requests on each connection; the requests come out of the channel,
    /// each with the number of its connection.
    async fn publisher(
        answer: &'static [u8],
        each: usize,
    ) -> io::Result<(Publisher, tokio::sync::mpsc::UnboundedReceiver<(usize, String)>)> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (heard, requests) = tokio::sync::mpsc::unbounded_channel();
        tokio::spawn(async move {
            for number in 0.. {
                let Ok((mut stream, _)) = listener.accept().await else { break };
                for _ in 0..each {
                    let mut buffer = [0; 4096];
                    let Ok(length @ 1..) = stream.read(&mut buffer).await else { break };
                    let _ = heard.send((number, String::from_utf8_lossy(&buffer[..length]).into_owned()));
                    let _ = stream.write_all(answer).await;
                }
            }
        });
        let profile = Profile { headers: [("X-Key".into(), "k".into())].into(), ..Profile::default() };
        let target = Target::new(&format!("http://{address}"), profile).map_err(io::Error::other)?;
        let route = Route::to(&target).await?;
        Ok((Publisher::new(&target, route).await?, requests))
    }

    #[tokio::test]
    async fn a_connection_serves_as_long_as_the_server_keeps_it() -> io::Result<()> {
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        let (publisher, mut requests) = publisher(answer, 2).await?;
        let mut connections = Vec::new();
        for _ in 0..4 {
            assert_eq!(publisher.publish(&request()).await.map_err(|error| error.why), Ok(()));
            // The rest of the answer is read beside it.
            tokio::time::sleep(Duration::from_millis(20)).await;
            let (number, request) = requests.recv().await.unwrap_or_default();
            assert!(request.starts_with("POST /publish HTTP/1.1\r\nHost: 127.0.0.1:"), "{request}");
            assert!(
                request.contains("\r\nX-Key: k\r\nX-Own: o\r\n") && request.ends_with("\r\n\r\none"),
                "{request}"
            );
            connections.push(number);
        }
        assert_eq!(connections, [0, 0, 1, 1]);
        Ok(())
    }

    #[tokio::test]
    async fn an_answer_that_refuses_the_content_is_told_from_one_that_refuses_the_recipe() -> io::Result<()> {
        for (answer, refused) in [
            (b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\n\r\n".as_slice(), true),
            (b"HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n", false),
            (b"nothing of the kind\r\n\r\n", false),
        ] {
            let (publisher, _requests) = publisher(answer, 1).await?;
            let unpublished = publisher.publish(&request()).await.err().map(|error| error.refused);
            assert_eq!(unpublished, Some(refused));
        }
        Ok(())
    }
}
