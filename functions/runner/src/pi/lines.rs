//! Reading lines of bounded length. Records end with LF alone: U+2028 and a lone CR are ordinary characters in JSON text.

use tokio::io::{AsyncBufRead, AsyncBufReadExt};

/// One line of input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// A whole line without its LF, and without a CR before it.
    Text(Vec<u8>),
    /// A line that was longer than the limit. Its content was thrown away.
    TooLong {
        /// Length in bytes, without the LF.
        bytes: u64,
    },
}

/// Reads lines, holding at most `limit` bytes of one.
#[derive(Debug)]
pub struct BoundedLines<R> {
    reader: R,
    limit: usize,
}

impl<R: AsyncBufRead + Unpin> BoundedLines<R> {
    /// Reads from `reader`; a line over `limit` bytes becomes [`Line::TooLong`].
    pub const fn new(reader: R, limit: usize) -> Self {
        Self { reader, limit }
    }

    /// The next line, or `None` at the end. A last line without LF counts as a line.
    ///
    /// Not cancel safe: run it in a task of its own.
    pub async fn next(&mut self) -> std::io::Result<Option<Line>> {
        let mut kept = Vec::new();
        let mut length: u64 = 0;
        loop {
            let available = self.reader.fill_buf().await?;
            if available.is_empty() {
                return Ok((length > 0).then(|| finish(kept, length, self.limit)));
            }
            let (piece, consumed, ended) = match available.iter().position(|byte| *byte == b'\n') {
                Some(end) => (&available[..end], end + 1, true),
                None => (available, available.len(), false),
            };
            length += piece.len() as u64;
            if length <= self.limit as u64 {
                kept.extend_from_slice(piece);
            } else {
                kept = Vec::new();
            }
            self.reader.consume(consumed);
            if ended {
                return Ok(Some(finish(kept, length, self.limit)));
            }
        }
    }
}

fn finish(mut kept: Vec<u8>, length: u64, limit: usize) -> Line {
    if length > limit as u64 {
        return Line::TooLong { bytes: length };
    }
    if kept.last() == Some(&b'\r') {
        kept.pop();
    }
    Line::Text(kept)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tokio::io::BufReader;

    async fn all(input: &[u8], limit: usize, buffer: usize) -> Vec<Line> {
        let mut lines = BoundedLines::new(BufReader::with_capacity(buffer, input), limit);
        let mut found = Vec::new();
        while let Some(line) = lines.next().await.unwrap() {
            found.push(line);
        }
        found
    }

    fn text(line: &str) -> Line {
        Line::Text(line.as_bytes().to_vec())
    }

    #[tokio::test]
    async fn only_lf_ends_a_line() {
        let found = all("a\u{2028}b\rc\r\n\nlast".as_bytes(), 100, 3).await;
        assert_eq!(found, [text("a\u{2028}b\rc"), text(""), text("last")]);
    }

    #[tokio::test]
    async fn a_long_line_is_dropped_and_the_next_one_is_read() {
        assert_eq!(all(b"abcdef\nok\n", 5, 2).await, [Line::TooLong { bytes: 6 }, text("ok")]);
        assert_eq!(all(b"abcde\n", 5, 64).await, [text("abcde")]);
    }

    proptest! {
        #[test]
        fn agrees_with_splitting_in_memory(input in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), any::<u8>()], 0..200), buffer in 1usize..20) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let found = runtime.block_on(all(&input, 1000, buffer));
            let mut expected: Vec<&[u8]> = input.split(|byte| *byte == b'\n').collect();
            if expected.last().is_some_and(|last| last.is_empty()) {
                expected.pop();
            }
            let expected: Vec<Line> =
                expected.into_iter().map(|line| Line::Text(line.strip_suffix(b"\r").unwrap_or(line).to_vec())).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
