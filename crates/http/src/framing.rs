//! A watch on where one request ends and the next begins, beneath hyper's own parser.
//!
//! hyper follows the standard where it lets a receiver choose: it drops a `Content-Length` beside a `Transfer-Encoding`,
//! takes the same length twice and ends lines with a bare line feed (RFC 9112, sections 2.2, 6.1 and 6.3). Whoever sits in
//! front may choose otherwise, and then the two disagree about where a request ends. So such heads are refused here: the
//! line end that completes the offence is made a NUL, to which hyper answers 400 and closes.
//!
//! Called by the connection; it reads no header but those two and `Upgrade`, and keeps nothing of a body.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::outlet::Outlet;
use crate::pace::{Answering, Pace, Waiting};

/// What an offending byte is replaced with: no head may have it.
const OFFENCE: u8 = 0;

/// A stream whose requests are framed in one way only, and come in time.
pub(crate) struct Framed<S> {
    stream: S,
    watch: Watch,
    pace: Pace,
    outlet: Outlet,
}

impl<S> Framed<S> {
    /// Watches `stream`; `answering` tells when a request is being answered, which takes the time it takes.
    pub(crate) fn new(stream: S, answering: Answering) -> Self {
        Self { stream, watch: Watch::default(), pace: Pace::new(answering), outlet: Outlet::default() }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Framed<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let outcome = Pin::new(&mut this.stream).poll_read(context, buffer);
        if let Poll::Ready(Ok(())) = outcome
            && let Some(offence) = this.watch.look(&buffer.filled()[before..])
        {
            buffer.filled_mut()[before + offence] = OFFENCE;
            buffer.set_filled(before + offence + 1);
        }
        if outcome.is_pending() && this.pace.has_run_out(this.watch.waiting(), context) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        outcome
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Framed<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.stream).poll_write(context, bytes);
        this.outlet.judge(outcome, context)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.stream).poll_write_vectored(context, slices);
        this.outlet.judge(outcome, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.stream).poll_flush(context);
        this.outlet.judge(outcome, context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.stream).poll_shutdown(context);
        this.outlet.judge(outcome, context)
    }
}

/// How the body that follows a head is framed, as far as the head has told.
#[derive(Debug, Default)]
struct Told {
    length: Option<u64>,
    chunked: bool,
    upgrade: bool,
}

/// Where in the stream of requests the watch is.
#[derive(Debug, Default)]
enum At {
    /// Before a request line; empty lines are skipped there.
    #[default]
    Start,
    /// In a head, behind its request line.
    Head(Told),
    /// So many bytes before the next request.
    Body(u64),
    /// In the line with a chunk's size.
    ChunkSize,
    /// So many bytes before the next chunk's size.
    Chunk(u64),
    /// Behind the last chunk.
    Trailers,
    /// Past telling: another protocol follows, or hyper is about to end the connection.
    Off,
}

/// The watch itself: it looks at every byte once.
#[derive(Debug, Default)]
struct Watch {
    at: At,
    /// The line so far, where it came in parts.
    line: Begun,
    /// How many heads have ended.
    heads: u64,
}

/// A line that came in parts, as far as it matters: hyper holds the head itself.
#[derive(Debug, Default)]
struct Begun {
    /// No more than [`KEPT_OF_LINE`].
    start: Vec<u8>,
    length: usize,
    last: u8,
}

/// A line without its end, as far as it matters.
#[derive(Debug, Clone, Copy)]
struct Line<'a> {
    start: &'a [u8],
    /// Whether there is more of it.
    is_cut: bool,
}

/// Longer lines are hyper's to refuse: it holds no head as long.
const LONGEST_LINE: usize = 64 * 1024;
/// So much is kept of a line that came in parts, in bytes: more than the longest name of a field that is read, a length and
/// the spaces that anybody puts between.
const KEPT_OF_LINE: usize = 128;

impl Watch {
    /// What the stream has to bring next.
    const fn waiting(&self) -> Waiting {
        match self.at {
            At::Start if self.line.length == 0 => Waiting::Request(self.heads),
            At::Start | At::Head(_) => Waiting::Head(self.heads),
            At::Body(_) | At::ChunkSize | At::Chunk(_) | At::Trailers | At::Off => Waiting::Body,
        }
    }

    /// Looks at the next bytes; gives the index of one that completes an offence.
    fn look(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut next = 0;
        while next < bytes.len() {
            match &mut self.at {
                At::Off => return None,
                At::Body(left) | At::Chunk(left) => {
                    let step = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len() - next);
                    *left -= step as u64;
                    next += step;
                    if *left == 0 {
                        self.at = if matches!(self.at, At::Body(_)) { At::Start } else { At::ChunkSize };
                    }
                }
                At::Start | At::Head(_) | At::ChunkSize | At::Trailers => {
                    let rest = &bytes[next..];
                    let Some(end) = memchr::memchr(b'\n', rest) else {
                        self.line.take(rest);
                        if self.line.length > LONGEST_LINE {
                            self.at = At::Off;
                        }
                        return None;
                    };
                    next += end + 1;
                    if !self.line_ends(&rest[..end]) {
                        self.at = At::Off;
                        return Some(next - 1);
                    }
                }
            }
        }
        None
    }

    /// Takes in a line, of which `tail` is the last part, without its line feed; false where it offends.
    fn line_ends(&mut self, tail: &[u8]) -> bool {
        if let (At::Head(_), [first, .., b'\r'], 0) = (&self.at, tail, self.line.length)
            && !may_tell_of_framing(*first)
        {
            return true;
        }
        let mut begun = std::mem::take(&mut self.line);
        let line = if begun.length == 0 {
            tail.strip_suffix(b"\r").map(|line| Line::of(line, line.len()))
        } else {
            begun.take(tail);
            begun.line()
        };
        let Some(line) = line else { return false };
        self.at = match std::mem::take(&mut self.at) {
            At::Start | At::Trailers if line.start.is_empty() => At::Start,
            At::Start => At::Head(Told::default()),
            At::Head(told) if line.start.is_empty() => {
                self.heads += 1;
                told.follows()
            }
            At::Head(told) => match told.and(line) {
                Some(told) => At::Head(told),
                None => return false,
            },
            At::ChunkSize => match chunk(line) {
                Some(at) => at,
                None => return false,
            },
            other => other,
        };
        true
    }
}

impl Begun {
    /// Takes in the next part.
    fn take(&mut self, part: &[u8]) {
        let kept = part.len().min(KEPT_OF_LINE - self.start.len());
        self.start.extend_from_slice(&part[..kept]);
        self.length += part.len();
        self.last = part.last().copied().unwrap_or(self.last);
    }

    /// The line, if it ends as one must.
    fn line(&self) -> Option<Line<'_>> {
        (self.last == b'\r').then(|| Line::of(&self.start, self.length - 1))
    }
}

impl<'a> Line<'a> {
    /// The line that begins with `start` and has so many bytes.
    fn of(start: &'a [u8], length: usize) -> Self {
        let kept = length.min(KEPT_OF_LINE).min(start.len());
        Self { start: &start[..kept], is_cut: length > kept }
    }
}

impl Told {
    /// What follows the head.
    fn follows(self) -> At {
        match (self.length, self.chunked) {
            _ if self.upgrade => At::Off,
            (_, true) => At::ChunkSize,
            (None | Some(0), false) => At::Start,
            (Some(length), false) => At::Body(length),
        }
    }

    /// Takes in a header field; nothing where it makes the framing ambiguous. What is malformed in itself is left to hyper,
    /// which refuses it; a length too long to be kept is nobody's.
    fn and(mut self, line: Line<'_>) -> Option<Self> {
        let Line { start: line, is_cut } = line;
        let colon = memchr::memchr(b':', line).unwrap_or(line.len());
        let (name, value) = (&line[..colon], line.get(colon + 1..).unwrap_or_default());
        if name.eq_ignore_ascii_case(b"content-length") {
            if self.length.is_some() || self.chunked || is_cut {
                return None;
            }
            let length = std::str::from_utf8(value).ok().and_then(|value| value.trim().parse().ok());
            self.length = Some(length.unwrap_or_default());
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            if self.length.is_some() || self.chunked {
                return None;
            }
            self.chunked = true;
        } else if name.eq_ignore_ascii_case(b"upgrade") {
            self.upgrade = true;
        }
        Some(self)
    }
}

/// Whether a field whose name begins so may be one of those that are read. Nearly every line is told apart by this.
const fn may_tell_of_framing(first: u8) -> bool {
    matches!(first, b'c' | b'C' | b't' | b'T' | b'u' | b'U')
}

/// What follows the line with a chunk's size; the size counts neither the line end behind the chunk nor extensions. Nothing
/// where the size is too long to be kept.
fn chunk(line: Line<'_>) -> Option<At> {
    let end = memchr::memchr(b';', line.start);
    if line.is_cut && end.is_none() {
        return None;
    }
    let digits = &line.start[..end.unwrap_or(line.start.len())];
    let size = std::str::from_utf8(digits).ok().and_then(|digits| u64::from_str_radix(digits.trim(), 16).ok());
    Some(match size {
        Some(0) => At::Trailers,
        Some(size) => size.checked_add(2).map_or(At::Off, At::Chunk),
        None => At::Off,
    })
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    /// What hyper would see, fed in pieces of `size` bytes.
    async fn seen(text: &str, size: usize) -> String {
        let pieces: Vec<&[u8]> = text.as_bytes().chunks(size).collect();
        let mut stream = watched(&pieces);
        let mut seen = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            match stream.read(&mut buffer).await.unwrap() {
                0 => return String::from_utf8(seen).unwrap(),
                read => seen.extend_from_slice(&buffer[..read]),
            }
            if seen.last() == Some(&OFFENCE) {
                return String::from_utf8(seen).unwrap();
            }
        }
    }

    /// A stream that gives one piece a read.
    struct Pieces(std::collections::VecDeque<Vec<u8>>);

    impl AsyncRead for Pieces {
        fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            if let Some(piece) = self.0.pop_front() {
                buffer.put_slice(&piece);
            }
            Poll::Ready(Ok(()))
        }
    }

    fn watched(pieces: &[&[u8]]) -> Framed<Pieces> {
        Framed::new(Pieces(pieces.iter().map(|piece| piece.to_vec()).collect()), Answering::default())
    }

    #[tokio::test]
    async fn ordinary_requests_pass_unchanged_however_they_are_cut() {
        let text = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n\
            PUT /b HTTP/1.1\r\nContent-Length: 5\r\n\r\na\nb\n\n\
            POST /c HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3;x=y\r\n\n\n\n\r\nA\r\n\n123456789\r\n0\r\nt: u\r\n\r\n\
            \r\nGET /d HTTP/1.1\r\n\r\n";
        for size in [1, 2, 3, 7, 4000] {
            assert_eq!(seen(text, size).await, text, "{size} bytes a read");
        }
    }

    #[tokio::test]
    async fn a_head_that_can_be_read_in_two_ways_is_spoilt_before_it_ends() {
        for head in [
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
            "transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n",
            "Content-Length: 5\r\nContent-Length: 5\r\n\r\n",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
            "Host: x\n\r\n",
        ] {
            for size in [1, 5, 4000] {
                let text = format!("GET / HTTP/1.1\r\n\r\nPOST / HTTP/1.1\r\n{head}");
                let seen = seen(&text, size).await;
                assert!(seen.ends_with('\0') && !seen.ends_with("\r\n\r\n"), "{head:?} in {size}: {seen:?}");
            }
        }
    }

    #[tokio::test]
    async fn long_lines_are_watched_without_being_kept() {
        let long = "x".repeat(5000);
        let text = format!(
            "GET /{long} HTTP/1.1\r\nCookie: {long}\r\nC{long}: y\r\nTransfer-Encoding: chunked\r\n\r\n\
             3;{long}\r\n\n\n\n\r\n0\r\nt: {long}\r\n\r\nGET /d HTTP/1.1\r\nx: {long}\r\n\r\n"
        );
        let doubled = "Content-Length: 5\r\nContent-Length: 5\r\n";
        for size in [1, 100, 4000] {
            assert_eq!(seen(&text, size).await, text, "{size} bytes a read");
            let seen = seen(&format!("{text}POST /{long} HTTP/1.1\r\n{doubled}"), size).await;
            assert!(seen.ends_with("Content-Length: 5\r\0"), "{size} bytes a read");
        }
        let mut watch = Watch::default();
        for part in text.as_bytes().chunks(700) {
            assert_eq!(watch.look(part), None);
            assert!(watch.line.start.capacity() <= 2 * KEPT_OF_LINE, "{} bytes", watch.line.start.capacity());
        }
    }

    #[tokio::test]
    async fn a_size_that_is_longer_than_any_is_spoilt() {
        let zeros = "0".repeat(KEPT_OF_LINE);
        for (before, line) in [
            ("", format!("Content-Length: {zeros}5")),
            ("Transfer-Encoding: chunked\r\n\r\n", format!("{zeros}5")),
            ("Transfer-Encoding: chunked\r\n\r\n", format!("5{}", " ".repeat(KEPT_OF_LINE))),
        ] {
            for size in [1, 100, 4000] {
                let seen = seen(&format!("POST / HTTP/1.1\r\n{before}{line}\r\n\r\n"), size).await;
                assert!(seen.ends_with(&format!("{line}\r\0")), "{line} in {size}: {seen:?}");
            }
        }
    }

    #[tokio::test]
    async fn another_protocol_after_an_upgrade_is_not_looked_at() {
        let text = "GET /$iothub/websocket HTTP/1.1\r\nUpgrade: websocket\r\n\r\n\n\n\nContent-Length: 5\n";
        assert_eq!(seen(text, 4000).await, text);
    }
}
