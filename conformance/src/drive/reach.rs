//! Whether something listens at a target.

use std::time::Duration;

#[cfg(feature = "program")]
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::Instant;

use super::options::RunError;
use super::route::Route;
use crate::profile::Target;

/// The pause before the next look whether a target has come to listen.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// The way to a target on which something listens, or comes to listen in the time that is given.
pub(crate) async fn reach(target: &Target, wait: Duration) -> Result<Route, RunError> {
    let start = Instant::now();
    loop {
        let reached = async {
            let route = Route::to(target).await?;
            match route.open().await {
                Err(error) if !route.was_open(&error) => Err(error),
                // Something listens there, whatever it does next.
                Ok(_) | Err(_) => Ok(route),
            }
        };
        match reached.await {
            Ok(route) => return Ok(route),
            Err(error) if start.elapsed() >= wait || is_final(&error) => {
                let waited = if wait.is_zero() || is_final(&error) {
                    String::new()
                } else {
                    format!(" (waited {wait:?})")
                };
                let why = format!("{error}{waited}");
                return Err(RunError::Unreachable { target: target.url(), why });
            }
            Err(_) => tokio::time::sleep(LOOK_AGAIN.min(wait.saturating_sub(start.elapsed()))).await,
        }
    }
}

/// Waits until a target answers a request, as long as there is time. What listens may be no server yet: a proxy that ends
/// every connection until there is one behind it, or a process that still loads what it serves.
#[cfg(feature = "program")]
pub(crate) async fn ready(route: &Route, question: &[u8], wait: Duration) {
    let answers = async {
        while !is_answered(route, question).await.unwrap_or(false) {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    };
    // One that answers nothing is judged as it is.
    let _ = tokio::time::timeout(wait, answers).await;
}

/// Whether anything comes back.
#[cfg(feature = "program")]
async fn is_answered(route: &Route, question: &[u8]) -> std::io::Result<bool> {
    let mut stream = route.open().await?;
    stream.write_all(question).await?;
    stream.flush().await?;
    Ok(stream.read(&mut [0; 1024]).await? > 0)
}

/// Whether waiting does not mend an error: what is wrong with the TLS of a target stays so.
fn is_final(error: &std::io::Error) -> bool {
    #[cfg(feature = "tls")]
    return super::tls::is_final(error);
    #[cfg(not(feature = "tls"))]
    return error.kind() == std::io::ErrorKind::Unsupported;
}
