//! Whether something listens at a target.

use std::time::Duration;

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

/// Whether waiting does not mend an error: what is wrong with the TLS of a target stays so.
fn is_final(error: &std::io::Error) -> bool {
    #[cfg(feature = "tls")]
    return super::tls::is_final(error);
    #[cfg(not(feature = "tls"))]
    return error.kind() == std::io::ErrorKind::Unsupported;
}
