//! Messages of the server are compressed (RFC 7692, section 7.2.1).

use flate2::{Compress, Compression, FlushCompress};
use tokio::task::yield_now;

use super::{STEP, TAIL, agreement::WindowBits, history::History};

/// The smallest window of the library. It has 512 bytes, of which no reference uses the last 262: they are what is looked
/// ahead. So none goes back further than 250 bytes, and this window serves also where 256 bytes are agreed.
const SMALLEST: u8 = 9;

/// What the library holds for its largest window while a message is compressed.
const STATE: usize = 400 << 10;

/// The free bytes of the output where the library is called: enough for the end of a message, which it then writes once.
const ROOM: usize = 256;

/// Compresses the messages of a connection.
#[derive(Debug)]
pub(in super::super) struct Deflater {
    window: WindowBits,
    history: History,
}

impl Deflater {
    pub(super) fn new(window: WindowBits, history: History) -> Self {
        Self { window, history }
    }

    /// How many bytes are held at most while a message of some length is compressed, beside the message.
    pub(in super::super) fn needs(length: usize) -> usize {
        // A block that does not get smaller is stored, or its codes have at most 9 bits.
        STATE + length + length / 8
    }

    /// The payload of a compressed message. `None` if the library fails: then the message can go as it is.
    pub(in super::super) async fn deflate(&mut self, message: &[u8]) -> Option<Vec<u8>> {
        if message.is_empty() {
            // Section 7.2.3.6.
            return Some(vec![0x00]);
        }
        let bits = self.window.get().max(SMALLEST);
        let mut stream = Compress::new_with_window_bits(Compression::default(), false, bits);
        if !self.history.bytes().is_empty() {
            stream.set_dictionary(self.history.bytes()).ok()?;
        }
        let mut output = Vec::new();
        for (number, piece) in message.chunks(STEP).enumerate() {
            if number > 0 {
                yield_now().await;
            }
            compress(&mut stream, piece, FlushCompress::None, &mut output)?;
        }
        compress(&mut stream, &[], FlushCompress::Sync, &mut output)?;
        let length = output.strip_suffix(&TAIL)?.len();
        output.truncate(length);
        // Where there is no room for the history, the next message begins with an empty window, as is allowed.
        self.history.push(message);
        Some(output)
    }
}

/// Compresses all of a piece.
fn compress(
    stream: &mut Compress,
    mut piece: &[u8],
    flush: FlushCompress,
    output: &mut Vec<u8>,
) -> Option<()> {
    loop {
        output.reserve(ROOM);
        let before = stream.total_in();
        stream.compress_vec(piece, output, flush).ok()?;
        piece = piece.get(usize::try_from(stream.total_in() - before).ok()?..)?;
        if piece.is_empty() && output.len() < output.capacity() {
            return Some(());
        }
    }
}
