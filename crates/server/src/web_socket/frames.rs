//! The frames of a WebSocket (RFC 6455, section 5) as a stream of bytes, after the upgrade was answered.
//!
//! Used by `front` between TLS and the wires. A message is no packet: its bytes are joined with those of the next, so nothing
//! of a frame is held but its header and whoever reads gets the payload as it comes. A frame may announce what it likes
//! and costs no memory; a stranger's least of all. No extension is ever agreed on.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The largest message: four times the largest packet of MQTT, and of any frame that AMQP agrees to.
pub(super) const LARGEST_MESSAGE: u64 = 1536 * 1024;
/// The largest frame that is written.
const WRITE_BYTES: usize = 16 * 1024;
/// The longest payload of a frame that controls (section 5.5).
const CONTROL_BYTES: usize = 125;
/// How much may wait to be written before a ping goes unanswered: whoever reads nothing needs no answers.
const PINGS_UNANSWERED_ABOVE: usize = 4 * 1024;
/// Two bytes, eight of a length, four of a mask.
const LONGEST_HEADER: usize = 14;

const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// The codes of section 7.4.1 that are said here.
const NORMAL: u16 = 1000;
const PROTOCOL_ERROR: u16 = 1002;
const UNSUPPORTED: u16 = 1003;
const TOO_LARGE: u16 = 1009;

/// The bytes inside the messages of a WebSocket.
pub(crate) struct ByteStream<S> {
    stream: S,
    incoming: Incoming,
    /// How much of the message that is being read there was so far; `None` between two messages.
    message: Option<u64>,
    /// Frames of ours that are not written yet.
    out: Vec<u8>,
    state: State,
}

/// What comes next from the client.
enum Incoming {
    Header {
        bytes: [u8; LONGEST_HEADER],
        filled: usize,
    },
    /// Payload for whoever reads.
    Data {
        left: u64,
        mask: Mask,
    },
    /// The payload of a frame that controls, which is kept until it is whole.
    Control {
        opcode: u8,
        left: usize,
        mask: Mask,
        payload: Vec<u8>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// The client closed, or we did: nothing more is read.
    Ended,
    /// The client broke a rule; it is told so.
    Refusing,
}

/// The key that a client hides its payload with, and where in it the next byte is (section 5.3).
#[derive(Debug, Clone, Copy)]
struct Mask {
    key: [u8; 4],
    next: usize,
}

/// A header, read.
struct Header {
    is_last: bool,
    opcode: u8,
    length: u64,
    mask: Mask,
}

/// A rule that a client broke.
#[derive(Debug)]
struct Broken(u16, &'static str);

impl Incoming {
    const START: Self = Self::Header { bytes: [0; LONGEST_HEADER], filled: 0 };
}

impl Mask {
    fn undo(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte ^= self.key[self.next];
            self.next = (self.next + 1) % self.key.len();
        }
    }
}

/// How long the header is whose first two bytes these are.
const fn header_length(start: [u8; 2]) -> usize {
    let mask = if start[1] & 0x80 == 0 { 0 } else { 4 };
    let length = match start[1] & 0x7f {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    2 + length + mask
}

impl Header {
    /// Reads a whole header.
    fn read(bytes: &[u8]) -> Result<Self, Broken> {
        let (start, rest) = bytes.split_at_checked(2).ok_or(Broken(PROTOCOL_ERROR, "a header breaks off"))?;
        if start[0] & 0x70 != 0 {
            return Err(Broken(PROTOCOL_ERROR, "no extension was agreed on"));
        }
        let Some((length, key)) = start[1].checked_sub(0x80).and(rest.split_last_chunk::<4>()) else {
            return Err(Broken(PROTOCOL_ERROR, "a client masks what it sends"));
        };
        let length = match length {
            [] => u64::from(start[1] & 0x7f),
            bytes => bytes.iter().fold(0, |length: u64, byte| length << 8 | u64::from(*byte)),
        };
        let header =
            Self { is_last: start[0] & 0x80 != 0, opcode: start[0] & 0x0f, length, mask: Mask { key: *key, next: 0 } };
        if header.opcode >= CLOSE && (!header.is_last || header.length > CONTROL_BYTES as u64) {
            return Err(Broken(PROTOCOL_ERROR, "a frame that controls is short and whole"));
        }
        Ok(header)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> ByteStream<S> {
    /// The WebSocket on a stream whose upgrade was answered.
    pub(super) const fn new(stream: S) -> Self {
        Self { stream, incoming: Incoming::START, message: None, out: Vec::new(), state: State::Open }
    }

    /// Reads on until there is payload for `into`, or nothing more comes.
    fn poll_payload(&mut self, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if !self.out.is_empty() {
            // Answers that did not go out at once.
            self.poll_out(context)?;
        }
        loop {
            match &mut self.incoming {
                Incoming::Header { bytes, filled } => {
                    let wanted = if *filled < 2 { 2 } else { header_length([bytes[0], bytes[1]]) };
                    if *filled < wanted {
                        let read = ready!(poll_some(&mut self.stream, context, &mut bytes[*filled..wanted]))?;
                        if read == 0 {
                            self.state = State::Ended;
                            return Poll::Ready(Ok(()));
                        }
                        *filled += read;
                        continue;
                    }
                    let header = Header::read(&bytes[..wanted]);
                    if let Err(broken) = header.and_then(|header| self.begin(header)) {
                        return self.poll_refuse(context, Some(&broken));
                    }
                }
                Incoming::Data { left: 0, .. } => self.incoming = Incoming::START,
                Incoming::Data { left, mask } => {
                    let most = into.remaining().min(usize::try_from(*left).unwrap_or(usize::MAX));
                    let read = ready!(poll_some(&mut self.stream, context, into.initialize_unfilled_to(most)))?;
                    if read == 0 {
                        return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
                    }
                    mask.undo(into.initialize_unfilled_to(read));
                    into.advance(read);
                    *left -= read as u64;
                    return Poll::Ready(Ok(()));
                }
                Incoming::Control { opcode, left: 0, payload, .. } => {
                    let (opcode, payload) = (*opcode, std::mem::take(payload));
                    self.incoming = Incoming::START;
                    self.control(opcode, &payload);
                    // An answer is on its way; whether it gets there shows at the next write.
                    self.poll_out(context)?;
                    if self.state == State::Ended {
                        return Poll::Ready(Ok(()));
                    }
                }
                Incoming::Control { left, mask, payload, .. } => {
                    let mut piece = [0; CONTROL_BYTES];
                    let read = ready!(poll_some(&mut self.stream, context, &mut piece[..*left]))?;
                    if read == 0 {
                        return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
                    }
                    mask.undo(&mut piece[..read]);
                    payload.extend_from_slice(&piece[..read]);
                    *left -= read;
                }
            }
        }
    }

    /// Begins the frame with this header.
    fn begin(&mut self, header: Header) -> Result<(), Broken> {
        let Header { is_last, opcode, length, mask } = header;
        let so_far = match (opcode, self.message) {
            (BINARY, None) => 0,
            (CONTINUATION, Some(so_far)) => so_far,
            (TEXT, None) => return Err(Broken(UNSUPPORTED, "binary messages only")),
            (CONTINUATION, None) | (TEXT | BINARY, Some(_)) => {
                return Err(Broken(PROTOCOL_ERROR, "a message begins where one ends"));
            }
            (CLOSE | PING | PONG, _) => {
                let left = usize::try_from(length).unwrap_or_default();
                self.incoming = Incoming::Control { opcode, left, mask, payload: Vec::new() };
                return Ok(());
            }
            _ => return Err(Broken(PROTOCOL_ERROR, "there is no such frame")),
        };
        let so_far = so_far.saturating_add(length);
        if so_far > LARGEST_MESSAGE {
            return Err(Broken(TOO_LARGE, "the message is too large"));
        }
        self.message = (!is_last).then_some(so_far);
        self.incoming = Incoming::Data { left: length, mask };
        Ok(())
    }

    fn control(&mut self, opcode: u8, payload: &[u8]) {
        match opcode {
            PING if self.out.len() <= PINGS_UNANSWERED_ABOVE => self.put(PONG, payload),
            CLOSE => {
                // Answered with its own code (section 5.5.1).
                self.put(CLOSE, payload.get(..2).unwrap_or_default());
                self.state = State::Ended;
            }
            _ => {}
        }
    }

    /// Adds a frame to what is to be written. A server masks nothing.
    fn put(&mut self, opcode: u8, payload: &[u8]) {
        self.out.push(0x80 | opcode);
        match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
            (Ok(length @ ..126), _) => self.out.push(length),
            (_, Ok(length)) => {
                self.out.push(126);
                self.out.extend_from_slice(&length.to_be_bytes());
            }
            _ => {
                self.out.push(127);
                self.out.extend_from_slice(&(payload.len() as u64).to_be_bytes());
            }
        }
        self.out.extend_from_slice(payload);
    }

    /// Writes what waits and has it sent; whether all is written.
    fn poll_out(&mut self, context: &mut Context<'_>) -> io::Result<bool> {
        let mut written = 0;
        while written < self.out.len() {
            match Pin::new(&mut self.stream).poll_write(context, &self.out[written..]) {
                Poll::Ready(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(count)) => written += count,
                Poll::Ready(Err(error)) => return Err(error),
                Poll::Pending => break,
            }
        }
        self.out.drain(..written);
        if self.out.is_empty() {
            self.out = Vec::new();
        }
        match Pin::new(&mut self.stream).poll_flush(context) {
            Poll::Ready(Err(error)) if written > 0 => Err(error),
            _ => Ok(self.out.is_empty()),
        }
    }

    /// Tells a client which rule it broke, once, and ends.
    fn poll_refuse(&mut self, context: &mut Context<'_>, broken: Option<&Broken>) -> Poll<io::Result<()>> {
        if let Some(Broken(code, why)) = broken {
            self.put(CLOSE, &[&code.to_be_bytes()[..], why.as_bytes()].concat());
            self.state = State::Refusing;
        }
        // Whoever is refused may be gone already.
        if let Ok(false) = self.poll_out(context) {
            return Poll::Pending;
        }
        drop(ready!(Pin::new(&mut self.stream).poll_flush(context)));
        self.state = State::Ended;
        Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, "the WebSocket was not used as one of bytes")))
    }
}

/// Reads into `bytes`; how much came, nothing where the stream ended.
fn poll_some<S: AsyncRead + Unpin>(
    stream: &mut S,
    context: &mut Context<'_>,
    bytes: &mut [u8],
) -> Poll<io::Result<usize>> {
    let mut into = ReadBuf::new(bytes);
    ready!(Pin::new(stream).poll_read(context, &mut into))?;
    Poll::Ready(Ok(into.filled().len()))
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for ByteStream<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let socket = self.get_mut();
        match socket.state {
            State::Open if into.remaining() == 0 => Poll::Ready(Ok(())),
            State::Open => socket.poll_payload(context, into),
            State::Ended => Poll::Ready(Ok(())),
            State::Refusing => socket.poll_refuse(context, None),
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for ByteStream<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let socket = self.get_mut();
        if socket.state != State::Open {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if !socket.poll_out(context)? {
            return Poll::Pending;
        }
        let taken = bytes.len().min(WRITE_BYTES);
        socket.put(BINARY, &bytes[..taken]);
        // What is sent goes out: neither wire knows that there is something between it and the socket.
        socket.poll_out(context)?;
        Poll::Ready(Ok(taken))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let socket = self.get_mut();
        if !socket.poll_out(context)? {
            return Poll::Pending;
        }
        Pin::new(&mut socket.stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let socket = self.get_mut();
        if socket.state == State::Open {
            socket.put(CLOSE, &NORMAL.to_be_bytes());
            socket.state = State::Ended;
        }
        if !socket.poll_out(context)? {
            return Poll::Pending;
        }
        Pin::new(&mut socket.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests;
