//! Without a fault the relay is not there.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

use super::{Fault, IDENTITY, Relay, TRANSPARENT};

/// A client and a server with a relay between them.
async fn connected(fault: &'static Fault) -> io::Result<(TcpStream, TcpStream, Relay)> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let relay = Relay::start(listener.local_addr()?, fault)?;
    let client = TcpStream::connect(relay.address()).await?;
    let (server, _) = listener.accept().await?;
    Ok((client, server, relay))
}

async fn read_exactly(stream: &mut TcpStream, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    timeout(Duration::from_secs(10), stream.read_exact(&mut bytes)).await??;
    Ok(bytes)
}

async fn read_to_end(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    timeout(Duration::from_secs(10), stream.read_to_end(&mut bytes)).await??;
    Ok(bytes)
}

/// What is no HTTP, in all values that a byte has.
fn noise(length: usize) -> Vec<u8> {
    (0..length).map(|place| u8::try_from(place * 7 % 256).unwrap_or_default()).collect()
}

#[tokio::test]
async fn any_bytes_pass_in_both_directions_and_each_ends_by_itself() -> io::Result<()> {
    for fault in [&TRANSPARENT, &IDENTITY] {
        let (mut client, mut server, _relay) = connected(fault).await?;
        let (up, down) = (noise(300_000), noise(500_001));
        client.write_all(&up).await?;
        client.shutdown().await?;
        assert_eq!(read_to_end(&mut server).await?, up, "{}", fault.name);
        // The client's direction has ended and the server's has not.
        server.write_all(&down).await?;
        server.shutdown().await?;
        assert_eq!(read_to_end(&mut client).await?, down, "{}", fault.name);
    }
    Ok(())
}

#[tokio::test]
async fn the_server_can_end_first() -> io::Result<()> {
    let (mut client, mut server, _relay) = connected(&TRANSPARENT).await?;
    server.write_all(b"bye").await?;
    server.shutdown().await?;
    assert_eq!(read_to_end(&mut client).await?, b"bye");
    client.write_all(b"GET / HT").await?;
    assert_eq!(read_exactly(&mut server, 8).await?, b"GET / HT");
    client.shutdown().await?;
    assert_eq!(read_to_end(&mut server).await?, b"");
    Ok(())
}

#[tokio::test]
async fn a_reset_stays_one() -> io::Result<()> {
    let (client, mut server, _relay) = connected(&TRANSPARENT).await?;
    client.set_zero_linger()?;
    drop(client);
    let error = read_to_end(&mut server).await.expect_err("a reset");
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);

    let (mut client, mut server, _relay) = connected(&TRANSPARENT).await?;
    server.write_all(b"HTTP/1.1 200 OK\r\n").await?;
    assert_eq!(read_exactly(&mut client, 17).await?, b"HTTP/1.1 200 OK\r\n");
    server.set_zero_linger()?;
    drop(server);
    let error = read_to_end(&mut client).await.expect_err("a reset");
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    Ok(())
}

#[tokio::test]
async fn pieces_pass_as_they_come() -> io::Result<()> {
    let (mut client, mut server, _relay) = connected(&TRANSPARENT).await?;
    // None of these is anything that a parser could call complete.
    for piece in [&b"\r"[..], b"\nGET", b" /", b"\x00", b"\xff\n"] {
        client.write_all(piece).await?;
        assert_eq!(read_exactly(&mut server, piece.len()).await?, piece);
        server.write_all(piece).await?;
        assert_eq!(read_exactly(&mut client, piece.len()).await?, piece);
    }
    Ok(())
}

#[tokio::test]
async fn both_sides_can_send_more_than_fits_before_either_reads() -> io::Result<()> {
    let (mut client, mut server, _relay) = connected(&TRANSPARENT).await?;
    let bytes = noise(8 << 20);
    let sent = bytes.clone();
    let echo = tokio::spawn(async move {
        server.write_all(&sent).await?;
        read_exactly(&mut server, sent.len()).await
    });
    let (mut reading, mut writing) = client.split();
    let mut received = vec![0; bytes.len()];
    let (read, written) = timeout(Duration::from_secs(30), async {
        tokio::join!(reading.read_exact(&mut received), writing.write_all(&bytes))
    })
    .await?;
    read?;
    written?;
    assert!(received == bytes && echo.await?? == bytes);
    Ok(())
}

#[tokio::test]
async fn dropping_the_relay_ends_its_connections() -> io::Result<()> {
    let (mut client, _server, relay) = connected(&TRANSPARENT).await?;
    let address = relay.address();
    drop(relay);
    assert!(matches!(timeout(Duration::from_secs(10), client.read(&mut [0; 8])).await?, Ok(0) | Err(_)));
    // The listener goes with its task, which may take a moment.
    for _ in 0..100 {
        if TcpStream::connect(address).await.is_err() {
            return Ok(());
        }
        sleep(Duration::from_millis(20)).await;
    }
    panic!("the relay still listens");
}

#[tokio::test]
async fn a_server_that_never_stops_is_left_when_its_client_has_gone() -> io::Result<()> {
    let (mut client, mut server, _relay) = connected(&IDENTITY).await?;
    let request = b"GET /websocket/echo HTTP/1.1\r\nUpgrade: websocket\r\n\r\n";
    client.write_all(request).await?;
    read_exactly(&mut server, request.len()).await?;
    let answer = b"HTTP/1.1 101 Switching Protocols\r\n\r\n";
    server.write_all(answer).await?;
    read_exactly(&mut client, answer.len()).await?;
    drop(client);
    let endless = async {
        // Fragments of a message that has no end.
        while server.write_all(&[0, 4, b'm', b'o', b'r', b'e']).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(20), endless).await?;
    Ok(())
}
