//! What the system tells of a process, and what it allows to this one.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use super::LoadError;

/// Open files beside those of the clients: the runtime's own, the publisher's, standard input and output.
const OTHER_FILES: u64 = 64;

/// How many clients share a source address. One address has some 28,000 ports to a server, and a port that was used is
/// not free again for a minute.
const CLIENTS_PER_ADDRESS: usize = 1000;

/// How many addresses of 127.0.0.0/24 are used.
const ADDRESSES: usize = 250;

/// The memory of a process that is resident, in bytes.
pub(super) fn resident(pid: u32) -> Result<u64, LoadError> {
    let unknown = |error| LoadError::Process { pid, error };
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).map_err(unknown)?;
    let kibibytes = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|value| value.trim().strip_suffix("kB"))
        .and_then(|value| value.trim().parse::<u64>().ok());
    let missing = || unknown(io::Error::new(io::ErrorKind::NotFound, "it has no resident memory"));
    Ok(kibibytes.ok_or_else(missing)? * 1024)
}

/// Raises the limit of open files as far as this process may, and says whether it is enough.
pub(super) fn allow_files(clients: usize) -> Result<(), LoadError> {
    let needed = clients as u64 + OTHER_FILES;
    let limit =
        rlimit::increase_nofile_limit(u64::MAX).map_err(|error| LoadError::Internal(error.to_string()))?;
    if limit < needed { Err(LoadError::OpenFiles { clients, needed, limit }) } else { Ok(()) }
}

/// The address that a client connects from, where it is not left to the system. On loopback Linux takes all of
/// 127.0.0.0/8 for its own; other systems have 127.0.0.1 alone.
pub(super) fn source(client: usize, target: SocketAddr) -> Option<SocketAddr> {
    let place = client / CLIENTS_PER_ADDRESS % ADDRESSES;
    let choice = cfg!(target_os = "linux") && target.is_ipv4() && target.ip().is_loopback() && place > 0;
    let last = u8::try_from(place + 1).ok().filter(|_| choice)?;
    Some(SocketAddr::from((Ipv4Addr::new(127, 0, 0, last), 0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn many_clients_have_many_addresses_on_loopback_only() {
        let loopback = SocketAddr::from(([127, 0, 0, 1], 80));
        let address = |client| source(client, loopback).map(|address| address.ip().to_string());
        assert_eq!(address(999), None);
        assert_eq!(address(1000).as_deref(), Some("127.0.0.2"));
        assert_eq!(address(249_999).as_deref(), Some("127.0.0.250"));
        assert_eq!(address(250_000), None);
        assert_eq!(source(1000, SocketAddr::from(([192, 0, 2, 1], 80))), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_has_memory_and_process_0_has_none() {
        assert!(resident(std::process::id()).is_ok_and(|bytes| bytes > 100_000));
        assert!(matches!(resident(0), Err(LoadError::Process { pid: 0, .. })));
    }
}
