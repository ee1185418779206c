/// Masks or unmasks the payload in place (RFC 6455 section 5.3); the two are the same.
///
/// `phase` is the place of the first byte within the payload of its frame, so that a payload can be handled piece by
/// piece.
pub fn apply_mask(payload: &mut [u8], key: [u8; 4], phase: usize) {
    let mut turned = key;
    turned.rotate_left(phase % key.len());
    for piece in payload.chunks_mut(key.len()) {
        for (byte, mask) in piece.iter_mut().zip(turned) {
            *byte ^= mask;
        }
    }
}
