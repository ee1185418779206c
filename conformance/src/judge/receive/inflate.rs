//! Codings of content that every browser decodes as the bytes come: gzip and deflate (RFC 9110 sections 8.4.1.2 and 8.4.1.3).

use std::fmt;

use miniz_oxide::inflate::stream::{InflateState, inflate};
use miniz_oxide::{DataFormat, MZError, MZFlush, MZStatus};
use pushspec_wire::http1::{Head, list_elements};

/// How many bytes are decoded at most: a few that come can stand for a thousand times as many.
const MAX_DECODED: usize = 64 * 1024 * 1024;

/// The longest header of gzip that is waited for: it may have a name and a comment in it.
const MAX_HEADER: usize = 64 * 1024;

/// How many bytes stand behind the data of a member of gzip: a checksum and a length.
const TRAILER: usize = 8;

/// How many bytes of the content are decoded in one go.
const PIECE: usize = 32 * 1024;

/// What the state of the decoder takes.
const STATE: usize = 48 * 1024;

/// A decoder of one body.
#[derive(Debug)]
pub(super) struct Inflater {
    stage: Stage,
    is_gzip: bool,
    /// Whether a member of gzip is complete: what is no other one behind it is passed over.
    is_whole: bool,
    /// How many bytes may still be decoded.
    room: usize,
}

enum Stage {
    /// What has come of the header.
    Header(Vec<u8>),
    Data(Box<InflateState>),
    /// So many bytes behind the data are still to come.
    Trailer(usize),
    /// Nothing more is read.
    Over,
}

impl fmt::Debug for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stage::Header(_) => "Header",
            Stage::Data(_) => "Data",
            Stage::Trailer(_) => "Trailer",
            Stage::Over => "Over",
        })
    }
}

/// How a header is read: its length and the format behind it, or that more of it is needed.
type Header = Result<Option<(usize, DataFormat)>, &'static str>;

impl Inflater {
    /// The decoder for the coding that a head names; `None` where it names none, another one, or several.
    pub(super) fn named(head: &Head) -> Option<Inflater> {
        let values: Vec<_> = head.values("Content-Encoding").collect();
        let [value] = values.as_slice() else { return None };
        let names: Vec<&[u8]> = list_elements(value).collect();
        let [name] = names.as_slice() else { return None };
        let is = |known: &[u8]| name.eq_ignore_ascii_case(known);
        let is_gzip = is(b"gzip") || is(b"x-gzip");
        (is_gzip || is(b"deflate")).then(|| Inflater {
            stage: Stage::Header(Vec::new()),
            is_gzip,
            is_whole: false,
            room: MAX_DECODED,
        })
    }

    /// How many bytes it holds.
    pub(super) fn held(&self) -> usize {
        match &self.stage {
            Stage::Header(header) => header.len(),
            Stage::Data(_) => STATE,
            Stage::Trailer(_) | Stage::Over => 0,
        }
    }

    /// Decodes what has come and gives it away piece by piece, for as long as it is wanted. Says what is not in the coding,
    /// after which nothing is read.
    pub(super) fn push(
        &mut self,
        mut bytes: &[u8],
        mut give: impl FnMut(&[u8]) -> bool,
    ) -> Result<(), &'static str> {
        while !bytes.is_empty() {
            match &mut self.stage {
                Stage::Over => return Ok(()),
                Stage::Trailer(left) => {
                    let taken = bytes.len().min(*left);
                    *left -= taken;
                    bytes = &bytes[taken..];
                    if *left == 0 {
                        self.stage = Stage::Header(Vec::new());
                    }
                }
                Stage::Header(header) => {
                    header.push(bytes[0]);
                    bytes = &bytes[1..];
                    self.header(&mut give)?;
                }
                Stage::Data(_) => bytes = self.data(bytes, &mut give)?,
            }
        }
        Ok(())
    }

    fn header(&mut self, give: &mut impl FnMut(&[u8]) -> bool) -> Result<(), &'static str> {
        let Stage::Header(header) = &self.stage else { return Ok(()) };
        match if self.is_gzip { of_gzip(header) } else { Ok(of_deflate(header)) } {
            Ok(None) => {}
            Ok(Some((length, format))) => {
                let rest = header[length..].to_vec();
                self.stage = Stage::Data(InflateState::new_boxed(format));
                // The two bytes that tell the formats of deflate apart belong to the data.
                self.data(&rest, give)?;
            }
            Err(_) if self.is_whole => self.stage = Stage::Over,
            Err(why) => {
                self.stage = Stage::Over;
                return Err(why);
            }
        }
        Ok(())
    }

    /// Decodes data; gives back what stands behind it.
    fn data<'b>(
        &mut self,
        mut bytes: &'b [u8],
        give: &mut impl FnMut(&[u8]) -> bool,
    ) -> Result<&'b [u8], &'static str> {
        let Stage::Data(state) = &mut self.stage else { return Ok(bytes) };
        let mut piece = vec![0; PIECE];
        loop {
            let result = inflate(state, bytes, &mut piece, MZFlush::None);
            bytes = &bytes[result.bytes_consumed..];
            self.room = self.room.saturating_sub(result.bytes_written);
            let wanted = result.bytes_written == 0 || give(&piece[..result.bytes_written]);
            match result.status {
                _ if !wanted || self.room == 0 => {
                    self.stage = Stage::Over;
                    return Ok(&[]);
                }
                Ok(MZStatus::StreamEnd) => {
                    self.is_whole = true;
                    self.stage = if self.is_gzip { Stage::Trailer(TRAILER) } else { Stage::Over };
                    return Ok(bytes);
                }
                // More is needed, or nothing is left to be given.
                Err(MZError::Buf) => return Ok(&[]),
                Ok(_) if bytes.is_empty() && result.bytes_written < PIECE => return Ok(&[]),
                Ok(_) => {}
                Err(_) => {
                    self.stage = Stage::Over;
                    return Err("data that no decoder takes");
                }
            }
        }
    }
}

/// Where the header of a member of gzip ends (RFC 1952 section 2.3).
fn of_gzip(header: &[u8]) -> Header {
    const MAGIC: [u8; 3] = [0x1f, 0x8b, 8];
    if header.iter().zip(MAGIC).any(|(came, known)| *came != known) {
        return Err("a beginning that is none of gzip");
    }
    let Some(flags) = header.get(3).filter(|_| header.len() >= 10) else { return Ok(None) };
    let mut end = 10;
    if flags & 4 != 0 {
        let Some(length) = header.get(end..end + 2) else { return Ok(None) };
        end += 2 + usize::from(u16::from_le_bytes([length[0], length[1]]));
    }
    for text in [8, 16] {
        if flags & text != 0 {
            let zero = header.get(end..).and_then(|rest| rest.iter().position(|byte| *byte == 0));
            let Some(zero) = zero else {
                return if header.len() > MAX_HEADER { Err("a header without end") } else { Ok(None) };
            };
            end += zero + 1;
        }
    }
    end += if flags & 2 != 0 { 2 } else { 0 };
    Ok((header.len() >= end).then_some((end, DataFormat::Raw)))
}

/// Data of deflate has a header of zlib in front (RFC 1950 section 2.2). Some servers leave it out, and browsers take that.
fn of_deflate(header: &[u8]) -> Option<(usize, DataFormat)> {
    let [first, second] = header else { return None };
    let has_header = first & 0x0f == 8 && u16::from_be_bytes([*first, *second]).is_multiple_of(31);
    Some((0, if has_header { DataFormat::Zlib } else { DataFormat::Raw }))
}

#[cfg(test)]
mod tests {
    use miniz_oxide::deflate::core::{
        CompressorOxide, TDEFLFlush, compress_to_output, create_comp_flags_from_zip_params,
    };
    use pushspec_wire::http1::HeadScanner;
    use rstest::rstest;

    use super::*;

    fn inflater(coding: &str) -> Option<Inflater> {
        let mut scanner = HeadScanner::new();
        scanner.push(format!("HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\n\r\n").as_bytes());
        Inflater::named(&scanner.next_head().expect("a head"))
    }

    /// Pieces in deflate, each flushed, with a header of zlib or without.
    fn deflated(pieces: &[&str], window: i32, last: bool) -> Vec<Vec<u8>> {
        let mut compressor = CompressorOxide::new(create_comp_flags_from_zip_params(6, window, 0));
        let count = pieces.len();
        let piece = |(at, piece): (usize, &&str)| {
            let flush = if last && at + 1 == count { TDEFLFlush::Finish } else { TDEFLFlush::Sync };
            let mut out = Vec::new();
            compress_to_output(&mut compressor, piece.as_bytes(), flush, |bytes| {
                out.extend_from_slice(bytes);
                true
            });
            out
        };
        pieces.iter().enumerate().map(piece).collect()
    }

    fn decoded(inflater: &mut Inflater, bytes: &[u8]) -> Result<String, &'static str> {
        let mut out = Vec::new();
        inflater.push(bytes, |piece| {
            out.extend_from_slice(piece);
            true
        })?;
        Ok(String::from_utf8(out).expect("text"))
    }

    const GZIP: &[u8] = b"\x1f\x8b\x08\0\0\0\0\0\0\x03";
    const NAMED: &[u8] = b"\x1f\x8b\x08\x1e\0\0\0\0\0\x03\x02\0xyname\0comment\0hc";

    #[rstest]
    #[case::gzip("gzip", GZIP, -15)]
    #[case::alias("X-GZip", GZIP, -15)]
    #[case::whole_header("gzip", NAMED, -15)]
    #[case::deflate("deflate", b"", 15)]
    #[case::without_header("deflate", b"", -15)]
    fn what_is_flushed_is_there_at_once(#[case] coding: &str, #[case] header: &[u8], #[case] window: i32) {
        let mut inflater = inflater(coding).expect("a decoder");
        assert_eq!(decoded(&mut inflater, header), Ok(String::new()));
        let long = "three ".repeat(20_000);
        let texts = ["data: one\n\n", "data: two\n\n", &long];
        for (piece, text) in deflated(&texts, window, false).iter().zip(texts) {
            let text_of: String =
                piece.chunks(3).map(|some| decoded(&mut inflater, some).expect("data")).collect();
            assert_eq!(text_of, text);
        }
    }

    #[test]
    fn members_of_gzip_follow_each_other_and_what_is_none_is_passed_over() {
        let member = |text| [GZIP, &deflated(&[text], -15, true)[0], &[0; 8]].concat();
        let mut inflater = inflater("gzip").expect("a decoder");
        let bytes = [member("one"), member("two"), b"\0\0 padding".to_vec()].concat();
        assert_eq!(decoded(&mut inflater, &bytes), Ok("onetwo".to_owned()));
        assert_eq!(decoded(&mut inflater, &member("three")), Ok(String::new()));
    }

    #[rstest]
    #[case::plain("gzip", b"data: one\n\n")]
    #[case::data("gzip", b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xff\xff\xff\xff")]
    #[case::deflate("deflate", b"\xff\xff\xff\xff\xff")]
    fn what_is_in_no_coding_is_told_once(#[case] coding: &str, #[case] bytes: &[u8]) {
        let mut inflater = inflater(coding).expect("a decoder");
        assert!(decoded(&mut inflater, bytes).is_err());
        assert_eq!(decoded(&mut inflater, bytes), Ok(String::new()));
    }

    #[test]
    fn a_few_bytes_do_not_become_more_than_there_is_room_for() {
        let zeros = "\0".repeat(1 << 20);
        let pieces = deflated(&[zeros.as_str(); 80], -15, false);
        let mut inflater = inflater("deflate").expect("a decoder");
        let mut count = 0;
        for piece in &pieces {
            inflater
                .push(piece, |piece| {
                    count += piece.len();
                    true
                })
                .expect("data");
        }
        assert!((MAX_DECODED..MAX_DECODED + PIECE).contains(&count), "{count}");
    }

    #[test]
    fn other_codings_are_not_decoded() {
        for coding in ["br", "zstd", "gzip, br", "identity", ""] {
            assert!(inflater(coding).is_none(), "{coding}");
        }
    }
}
