//! Bodies, read chunk by chunk and decompressed under a cap that holds for the result.
//!
//! Decompression is done here and not by the client because only so the cap can stop a decoder in the middle of a
//! chunk, and because a Brotli decoder may take 16 MiB for its window before it yields the first byte: that must be
//! counted before it happens.

use std::fmt;
use std::future::Future;
use std::io::{self, Write};
use std::ops::Deref;
use std::sync::Arc;

use brotli_decompressor::DecompressorWriter;
use flate2::write::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bodies up to this size are held without asking.
const SMALL: usize = 256 * 1024;
/// Larger ones share this much memory; whoever finds none left waits.
const LARGE_TOTAL: usize = 64 * 1024 * 1024;
/// A chunk is fed to a decoder in slices, so that one chunk of a bomb (1 : 1032) does not unfold at once.
const SLICE: usize = 2048;
/// Brotli's window (RFC 7932, 9.1) rounded up: what its decoder may take beside the result.
const BROTLI_WINDOW: usize = 16 * 1024 * 1024;

/// A document's bytes. A large one occupies one of a few places until it is dropped: hold none while getting another.
pub struct Body {
    bytes: Vec<u8>,
    _place: Option<OwnedSemaphorePermit>,
}

/// What became of a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyFault {
    /// Longer than the cap.
    TooLarge,
    /// The compressed form is broken or ends early.
    Broken,
}

/// The places for large bodies.
#[derive(Clone, Debug)]
pub(crate) struct Places(Arc<Semaphore>);

/// A body that is being read.
pub(crate) struct Reading {
    decoder: Decoder,
    place: Option<OwnedSemaphorePermit>,
}

/// How a body was compressed for the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    Identity,
    Gzip,
    Brotli,
    /// zlib as RFC 9110, 8.4.1.2 says, or bare DEFLATE as some servers do.
    Deflate,
}

impl Places {
    /// Places for bodies of up to `max_body` bytes each: 8 at the default of 8 MiB, never none.
    pub(crate) fn new(max_body: usize) -> Self {
        let each = max_body.max(BROTLI_WINDOW / 2).max(1);
        Self(Arc::new(Semaphore::new((LARGE_TOTAL / each).max(1))))
    }

    #[expect(clippy::expect_used, reason = "this semaphore is never closed")]
    async fn take(&self) -> OwnedSemaphorePermit {
        Arc::clone(&self.0).acquire_owned().await.expect("semaphore is never closed")
    }
}

impl Coding {
    /// Reads `Content-Encoding`; none if it is one that was not asked for.
    pub(crate) fn read(name: &[u8]) -> Option<Self> {
        let name = name.trim_ascii();
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        match () {
            () if name.is_empty() || is("identity") => Some(Coding::Identity),
            () if is("gzip") || is("x-gzip") => Some(Coding::Gzip),
            () if is("br") => Some(Coding::Brotli),
            () if is("deflate") => Some(Coding::Deflate),
            () => None,
        }
    }
}

impl Reading {
    /// A body of `coding`, of at most `cap` bytes when decompressed; `announced` is its `Content-Length`.
    pub(crate) fn new(coding: Coding, cap: usize, announced: Option<u64>) -> Self {
        let guess = announced.and_then(|length| usize::try_from(length).ok()).unwrap_or(0).min(SMALL).min(cap);
        let capped = Capped { bytes: Vec::with_capacity(guess), cap, over: false };
        Self { decoder: Decoder::new(coding, capped), place: None }
    }

    /// Waits for a place if the body needs one to go on. To be called before each chunk.
    pub(crate) fn room<'a>(&'a mut self, places: &'a Places) -> Option<impl Future<Output = ()> + 'a> {
        let large = self.decoder.capped().bytes.len() > SMALL || matches!(self.decoder, Decoder::Brotli(_));
        (large && self.place.is_none()).then_some(async move { self.place = Some(places.take().await) })
    }

    /// Takes in as much of `chunk` as fits before a place is needed; gives what is left.
    pub(crate) fn feed<'c>(&mut self, mut chunk: &'c [u8]) -> Result<&'c [u8], BodyFault> {
        while !chunk.is_empty() && (self.place.is_some() || self.decoder.capped().bytes.len() <= SMALL) {
            let (slice, rest) = chunk.split_at(chunk.len().min(SLICE));
            let written = self.decoder.write_all(slice);
            chunk = rest;
            self.judge(written)?;
        }
        Ok(chunk)
    }

    /// The whole body; a fault if the compressed form is not complete.
    pub(crate) fn finish(mut self) -> Result<Body, BodyFault> {
        let ended = self.decoder.end();
        self.judge(ended)?;
        Ok(Body { bytes: std::mem::take(&mut self.decoder.capped_mut().bytes), _place: self.place })
    }

    fn judge(&self, result: io::Result<()>) -> Result<(), BodyFault> {
        match result {
            _ if self.decoder.capped().over => Err(BodyFault::TooLarge),
            Ok(()) => Ok(()),
            Err(_) => Err(BodyFault::Broken),
        }
    }
}

impl Body {
    /// The bytes, leaving the place free although they still take room: for small bodies and tests.
    pub fn into_vec(self) -> Vec<u8> {
        self.bytes
    }
}

impl Deref for Body {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body({} bytes)", self.bytes.len())
    }
}

enum Decoder {
    Identity(Capped),
    Gzip(Box<MultiGzDecoder<Capped>>),
    Zlib(Box<ZlibDecoder<Capped>>),
    Bare(Box<DeflateDecoder<Capped>>),
    Brotli(Box<DecompressorWriter<Capped>>),
    /// Deflate whose first byte has not been seen.
    Deflate(Capped),
}

impl Decoder {
    fn new(coding: Coding, capped: Capped) -> Self {
        match coding {
            Coding::Identity => Decoder::Identity(capped),
            Coding::Gzip => Decoder::Gzip(Box::new(MultiGzDecoder::new(capped))),
            Coding::Brotli => Decoder::Brotli(Box::new(DecompressorWriter::new(capped, 4096))),
            Coding::Deflate => Decoder::Deflate(capped),
        }
    }

    fn write_all(&mut self, slice: &[u8]) -> io::Result<()> {
        if let (Decoder::Deflate(capped), Some(first)) = (&mut *self, slice.first()) {
            let capped = std::mem::take(capped);
            // CMF of zlib (RFC 1950, 2.2): method 8, window up to 32 KiB. No bare stream of ours begins so.
            *self = match first & 0x8f {
                0x08 => Decoder::Zlib(Box::new(ZlibDecoder::new(capped))),
                _ => Decoder::Bare(Box::new(DeflateDecoder::new(capped))),
            };
        }
        match self {
            Decoder::Identity(to) | Decoder::Deflate(to) => to.write_all(slice),
            Decoder::Gzip(to) => to.write_all(slice),
            Decoder::Zlib(to) => to.write_all(slice),
            Decoder::Bare(to) => to.write_all(slice),
            Decoder::Brotli(to) => to.write_all(slice),
        }
    }

    fn end(&mut self) -> io::Result<()> {
        match self {
            Decoder::Identity(_) | Decoder::Deflate(_) => Ok(()),
            Decoder::Gzip(to) => to.try_finish(),
            Decoder::Zlib(to) => to.try_finish(),
            Decoder::Bare(to) => to.try_finish(),
            Decoder::Brotli(to) => to.close(),
        }
    }

    fn capped(&self) -> &Capped {
        match self {
            Decoder::Identity(to) | Decoder::Deflate(to) => to,
            Decoder::Gzip(to) => to.get_ref(),
            Decoder::Zlib(to) => to.get_ref(),
            Decoder::Bare(to) => to.get_ref(),
            Decoder::Brotli(to) => to.get_ref(),
        }
    }

    fn capped_mut(&mut self) -> &mut Capped {
        match self {
            Decoder::Identity(to) | Decoder::Deflate(to) => to,
            Decoder::Gzip(to) => to.get_mut(),
            Decoder::Zlib(to) => to.get_mut(),
            Decoder::Bare(to) => to.get_mut(),
            Decoder::Brotli(to) => to.get_mut(),
        }
    }
}

/// A buffer that refuses to grow beyond its cap, which makes whatever decoder writes to it stop.
#[derive(Default)]
struct Capped {
    bytes: Vec<u8>,
    cap: usize,
    over: bool,
}

impl Write for Capped {
    fn write(&mut self, more: &[u8]) -> io::Result<usize> {
        if more.len() > self.cap - self.bytes.len() {
            self.over = true;
            return Err(io::Error::from(io::ErrorKind::FileTooLarge));
        }
        if more.len() > self.bytes.capacity() - self.bytes.len() {
            // Doubling, but never past the cap: the last step would otherwise reserve memory that is never used.
            let goal = (self.bytes.capacity() * 2).clamp(self.bytes.len() + more.len(), self.cap.max(1));
            self.bytes.reserve_exact(goal - self.bytes.len());
        }
        self.bytes.extend_from_slice(more);
        Ok(more.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

    async fn read(coding: Coding, cap: usize, chunks: &[&[u8]]) -> Result<Vec<u8>, BodyFault> {
        let places = Places::new(cap);
        let mut reading = Reading::new(coding, cap, None);
        for chunk in chunks {
            let mut rest = *chunk;
            while !rest.is_empty() {
                if let Some(place) = reading.room(&places) {
                    place.await;
                }
                rest = reading.feed(rest)?;
            }
        }
        reading.finish().map(Body::into_vec)
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[tokio::test]
    async fn every_coding_gives_the_document_back_whole() {
        let text: Vec<u8> = (0..600_000_u32).flat_map(|n| (n / 7).to_le_bytes()).collect();
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
        zlib.write_all(&text).unwrap();
        let mut bare = DeflateEncoder::new(Vec::new(), Compression::fast());
        bare.write_all(&text).unwrap();
        let half = text.len() / 2;
        for (coding, bytes) in [
            (Coding::Identity, text.clone()),
            (Coding::Gzip, gzip(&text)),
            (Coding::Gzip, [gzip(&text[..half]), gzip(&text[half..])].concat()),
            (Coding::Deflate, zlib.finish().unwrap()),
            (Coding::Deflate, bare.finish().unwrap()),
        ] {
            let chunks: Vec<&[u8]> = bytes.chunks(5000).collect();
            assert!(read(coding, text.len(), &chunks).await.unwrap() == text, "{coding:?}");
            assert_eq!(read(coding, text.len() - 1, &chunks).await, Err(BodyFault::TooLarge), "{coding:?}");
        }
    }

    #[tokio::test]
    async fn brotli() {
        // "hello hello hello hello\n" by the reference encoder.
        let hello: &[u8] =
            &[27, 23, 0, 248, 141, 148, 110, 222, 68, 85, 134, 214, 10, 32, 108, 111, 74, 17, 121, 226, 128, 174, 22];
        assert_eq!(read(Coding::Brotli, 100, &[&hello[..7], &hello[7..]]).await.unwrap(), b"hello hello hello hello\n");
        assert_eq!(read(Coding::Brotli, 23, &[hello]).await, Err(BodyFault::TooLarge));
        assert_eq!(read(Coding::Brotli, 100, &[&hello[..12]]).await, Err(BodyFault::Broken));
        // 64 MiB of zeros in 53 bytes, window 16 MiB, by the same.
        let bomb: &[u8] = &[
            207, 255, 255, 127, 248, 39, 0, 226, 177, 64, 32, 247, 254, 159, 255, 255, 255, 240, 79, 0, 196, 97, 1,
            128, 238, 253, 63, 255, 255, 255, 225, 159, 0, 136, 195, 34, 0, 221, 251, 255, 252, 255, 255, 199, 63, 1,
            16, 135, 5, 0, 186, 247, 255,
        ];
        assert_eq!(read(Coding::Brotli, 1 << 20, &[bomb]).await, Err(BodyFault::TooLarge));
    }

    #[tokio::test]
    async fn a_compressed_document_that_ends_early_is_broken() {
        let whole = gzip(&vec![7; 100_000]);
        for end in [0, 1, 5, 10, whole.len() / 2, whole.len() - 8, whole.len() - 1] {
            assert_eq!(read(Coding::Gzip, 1 << 20, &[&whole[..end]]).await, Err(BodyFault::Broken), "{end}");
        }
        assert_eq!(read(Coding::Gzip, 1 << 20, &[b"<rss/> in the clear"]).await, Err(BodyFault::Broken));
        assert_eq!(read(Coding::Brotli, 1 << 20, &[&[0xff; 100]]).await, Err(BodyFault::Broken));
        assert_eq!(read(Coding::Identity, 1 << 20, &[]).await, Ok(Vec::new()));
    }

    #[tokio::test]
    async fn a_bomb_is_cut_in_the_middle_of_a_chunk_and_reserves_no_more_than_the_cap() {
        let bomb = gzip(&vec![0; 32 << 20]);
        let cap = 3 << 20;
        let mut reading = Reading::new(Coding::Gzip, cap, None);
        let places = Places::new(cap);
        let mut rest = &bomb[..];
        let fault = loop {
            if let Some(place) = reading.room(&places) {
                place.await;
            }
            match reading.feed(rest) {
                Ok(more) => rest = more,
                Err(fault) => break fault,
            }
        };
        assert_eq!(fault, BodyFault::TooLarge);
        assert!(reading.decoder.capped().bytes.capacity() <= cap);
    }

    #[tokio::test]
    async fn large_bodies_wait_for_a_place_and_small_ones_do_not() {
        let places = Places::new(LARGE_TOTAL);
        let mut first = Reading::new(Coding::Identity, LARGE_TOTAL, None);
        let mut second = Reading::new(Coding::Identity, LARGE_TOTAL, None);
        let chunk = vec![1; SMALL + 1 + SLICE];
        for reading in [&mut first, &mut second] {
            assert!(reading.room(&places).is_none());
            let left = reading.feed(&chunk).unwrap();
            assert!(!left.is_empty(), "no more than the small size before there is a place");
        }
        first.room(&places).unwrap().await;
        {
            let wait = second.room(&places).unwrap();
            tokio::pin!(wait);
            assert!(futures_util::poll!(&mut wait).is_pending());
            let body = first.finish().unwrap();
            assert!(futures_util::poll!(&mut wait).is_pending(), "the place is the body's until it is dropped");
            drop(body);
            wait.await;
        }
        assert_eq!(second.feed(&chunk), Ok(&[][..]));
        // Brotli's window is taken before the first byte comes out.
        assert!(Reading::new(Coding::Brotli, 1 << 20, None).room(&places).is_some());
    }

    #[test]
    fn codings() {
        for (name, want) in [
            ("", Some(Coding::Identity)),
            ("identity", Some(Coding::Identity)),
            ("GZIP", Some(Coding::Gzip)),
            (" x-gzip ", Some(Coding::Gzip)),
            ("br", Some(Coding::Brotli)),
            ("deflate", Some(Coding::Deflate)),
            ("zstd", None),
            ("gzip, gzip", None),
            ("\u{fffd}", None),
        ] {
            assert_eq!(Coding::read(name.as_bytes()), want, "{name:?}");
        }
    }
}
