//! How a target for connections reads its bytes: first how the stream is cut and what the other side does between the
//! pieces, then the stream.

/// A stream, and what happens along it.
#[derive(Debug, Clone, Copy)]
pub struct Script<'a> {
    /// A choice of the fuzzer's, once for the whole script.
    pub mode: u8,
    turns: &'a [u8],
    stream: &'a [u8],
}

impl<'a> Script<'a> {
    /// Reads a script: the mode, the number of turns, a byte for each turn, the stream.
    #[must_use]
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let (&[mode, count], rest) = bytes.split_first_chunk()?;
        let (turns, stream) = rest.split_at_checked(usize::from(count))?;
        Some(Self { mode, turns, stream })
    }

    /// Writes a script as [`Script::read`] reads it.
    #[must_use]
    pub fn write(mode: u8, turns: &[u8], stream: &[u8]) -> Vec<u8> {
        let count = u8::try_from(turns.len()).expect("at most 255 turns");
        [&[mode, count], turns, stream].concat()
    }

    /// The stream's pieces, each with what happens after it: 0 to 3. What the turns leave is the last piece.
    pub fn pieces(self) -> impl Iterator<Item = (&'a [u8], u8)> {
        let mut rest = self.stream;
        let mut turns = self.turns.iter();
        std::iter::from_fn(move || {
            let Some(turn) = turns.next() else {
                return (!rest.is_empty()).then(|| (std::mem::take(&mut rest), 0));
            };
            let (piece, later) = rest.split_at(rest.len().min(usize::from(turn >> 2)));
            rest = later;
            Some((piece, turn & 3))
        })
    }
}
