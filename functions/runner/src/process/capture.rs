//! Output of a command: the beginning and the end are kept, the whole goes to a file up to a limit.

use std::collections::VecDeque;

use tokio::fs::File;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};

/// How much output is kept, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutputLimits {
    /// Kept from the beginning.
    pub head: usize,
    /// Kept from the end.
    pub tail: usize,
    /// Written to the file.
    pub file: u64,
    /// Read at all; more ends the command.
    pub stop: u64,
}

/// What a command printed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Captured {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    /// Everything that was printed, in bytes.
    pub bytes: u64,
    /// Whether the command printed more than it may, and reading was ended for that.
    pub stopped: bool,
}

impl Captured {
    /// The output as text; where something was left out, a line says how much.
    pub fn text(&self) -> String {
        let tail: Vec<u8> = self.tail.iter().copied().collect();
        let kept = (self.head.len() + tail.len()) as u64;
        if kept == self.bytes {
            return String::from_utf8_lossy(&[self.head.as_slice(), &tail].concat()).into_owned();
        }
        let left_out = self.bytes - kept;
        let (head, tail) = (String::from_utf8_lossy(&self.head), String::from_utf8_lossy(&tail));
        format!("{head}\n[... {left_out} bytes left out ...]\n{tail}")
    }

    /// Whether something was left out of [`Captured::text`].
    pub fn is_truncated(&self) -> bool {
        (self.head.len() + self.tail.len()) as u64 != self.bytes
    }

    fn push(&mut self, piece: &[u8], limits: OutputLimits) {
        self.bytes += piece.len() as u64;
        let (to_head, to_tail) = piece.split_at(piece.len().min(limits.head - self.head.len()));
        self.head.extend_from_slice(to_head);
        self.tail.extend(&to_tail[to_tail.len().saturating_sub(limits.tail)..]);
        let excess = self.tail.len().saturating_sub(limits.tail);
        self.tail.drain(..excess);
    }
}

/// Reads to the end or to the limit, keeps what `limits` allows, and adds the output to `file`.
///
/// # Errors
/// Reading fails, or the file cannot be written.
pub async fn capture(
    mut reader: impl AsyncRead + Unpin,
    file: &mut File,
    limits: OutputLimits,
) -> std::io::Result<Captured> {
    let mut captured = Captured::default();
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let length = reader.read(&mut buffer).await?;
        if length == 0 {
            file.flush().await?;
            return Ok(captured);
        }
        let room = usize::try_from(limits.file.saturating_sub(captured.bytes)).unwrap_or(usize::MAX);
        file.write_all(&buffer[..length.min(room)]).await?;
        captured.push(&buffer[..length], limits);
        if captured.bytes > limits.stop {
            captured.stopped = true;
            file.flush().await?;
            return Ok(captured);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    async fn run(input: &[u8], limits: OutputLimits) -> (Captured, Vec<u8>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        let captured = capture(input, &mut File::create(&path).await.unwrap(), limits).await.unwrap();
        (captured, std::fs::read(path).unwrap())
    }

    #[tokio::test]
    async fn short_output_is_whole() {
        let (captured, file) = run(b"one\ntwo\n", OutputLimits { head: 4, tail: 4, file: 100, stop: 100 }).await;
        assert_eq!((captured.text().as_str(), captured.is_truncated()), ("one\ntwo\n", false));
        assert_eq!(file, b"one\ntwo\n");
    }

    #[tokio::test]
    async fn long_output_keeps_both_ends() {
        let (captured, file) = run(b"0123456789", OutputLimits { head: 2, tail: 3, file: 4, stop: 100 }).await;
        assert_eq!(captured.text(), "01\n[... 5 bytes left out ...]\n789");
        assert!(captured.is_truncated());
        assert_eq!(file, b"0123");
    }

    #[tokio::test]
    async fn a_flood_ends_the_reading() {
        let (captured, _) = run(&vec![b'x'; 100_000], OutputLimits { head: 2, tail: 3, file: 4, stop: 20_000 }).await;
        assert!(captured.stopped && captured.bytes < 50_000, "{} bytes", captured.bytes);
    }

    proptest! {
        #[test]
        fn any_split_into_pieces_keeps_the_same(input in proptest::collection::vec(any::<u8>(), 0..100), pieces in proptest::collection::vec(1usize..20, 1..20), head in 0usize..20, tail in 0usize..20) {
            let limits = OutputLimits { head, tail, file: 0, stop: 1_000 };
            let mut whole = Captured::default();
            whole.push(&input, limits);
            let mut split = Captured::default();
            let mut rest = input.as_slice();
            for size in pieces.iter().cycle() {
                if rest.is_empty() { break; }
                let (piece, after) = rest.split_at(rest.len().min(*size));
                split.push(piece, limits);
                rest = after;
            }
            prop_assert_eq!(whole, split);
        }
    }
}
