//! Server-sent events, as far as model providers use them.

use bytes::Bytes;
use futures::Stream;
use futures::stream::{BoxStream, StreamExt};
use tokio::io::{AsyncRead, BufReader};

use crate::pi::lines::{BoundedLines, Line};

/// Longest line of an event stream, in bytes.
const MAX_LINE_BYTES: usize = 8 * 1024 * 1024;

/// One event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SseEvent {
    /// Its name, where it has one.
    pub event: Option<String>,
    /// Its data; several data lines are joined by LF.
    pub data: String,
}

impl SseEvent {
    /// The event on the wire.
    pub fn encode(&self) -> Bytes {
        let mut out = String::new();
        if let Some(event) = &self.event {
            out.push_str("event: ");
            out.push_str(event);
            out.push('\n');
        }
        for line in self.data.split('\n') {
            out.push_str("data: ");
            out.push_str(line);
            out.push('\n');
        }
        out.push('\n');
        Bytes::from(out)
    }
}

/// A provider's answer.
pub type EventStream = BoxStream<'static, std::io::Result<SseEvent>>;

/// Reads events. Comments, ids and retry hints are left out. An event that is not closed by an empty line when the
/// input ends is dropped, as the standard says.
pub fn decode(reader: impl AsyncRead + Send + Unpin + 'static) -> EventStream {
    events(BoundedLines::new(BufReader::new(reader), MAX_LINE_BYTES)).boxed()
}

fn events<R>(mut lines: BoundedLines<R>) -> impl Stream<Item = std::io::Result<SseEvent>>
where
    R: tokio::io::AsyncBufRead + Unpin,
{
    async_stream::try_stream! {
        let (mut event, mut data): (Option<String>, Option<String>) = (None, None);
        while let Some(line) = lines.next().await? {
            let line = match line {
                Line::Text(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
                Line::TooLong { bytes } => Err(std::io::Error::other(format!("an event line has {bytes} bytes")))?,
            };
            if line.is_empty() {
                let name = event.take();
                if let Some(data) = data.take() {
                    yield SseEvent { event: name, data };
                }
                continue;
            }
            let (field, value) = line.split_once(':').unwrap_or((&line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "event" => event = Some(value.to_owned()),
                "data" => match &mut data {
                    Some(data) => { data.push('\n'); data.push_str(value); }
                    None => data = Some(value.to_owned()),
                },
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::TryStreamExt;
    use proptest::prelude::*;

    async fn all(input: &'static [u8]) -> Vec<SseEvent> {
        decode(input).try_collect().await.unwrap()
    }

    fn event(name: Option<&str>, data: &str) -> SseEvent {
        SseEvent { event: name.map(str::to_owned), data: data.to_owned() }
    }

    #[tokio::test]
    async fn events_are_read_in_every_form_that_providers_use() {
        let found =
            all(b": comment\n\nevent: a\ndata: 1\n\ndata:2\r\ndata: 3\r\n\r\nid: 7\n\ndata: [DONE]\n\ndata: cut").await;
        assert_eq!(found, [event(Some("a"), "1"), event(None, "2\n3"), event(None, "[DONE]")]);
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(name in proptest::option::of("[a-z_]{1,9}"), data in "[^\r]{0,40}") {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let one = SseEvent { event: name, data };
            let bytes = std::io::Cursor::new(one.encode().to_vec());
            let found: Vec<SseEvent> = runtime.block_on(decode(bytes).try_collect()).unwrap();
            prop_assert_eq!(found, vec![one]);
        }
    }
}
