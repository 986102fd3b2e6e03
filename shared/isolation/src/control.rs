//! What the launcher tells the supervisor: JSON messages on a socket that keeps their bounds, listening sockets along
//! with the first.

use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, ControlMessage, ControlMessageOwned, MsgFlags, SockFlag, SockType, recvmsg, sendmsg, socketpair,
};
use serde::{Deserialize, Serialize};

use crate::sys;

/// Most listening sockets of one command.
const MAX_LISTENERS: usize = 4;
/// Longest message, bytes.
const MAX_BYTES: usize = 16 * 1024;
/// Longest text in a message, characters.
const MAX_TEXT: usize = 1_000;

/// A message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Message {
    /// The layers outside the command stand. Listening sockets come with it, in the policy's order.
    Ready,
    /// The command runs.
    Running,
    /// A layer could not be built, or the command not be started: nothing of it has run.
    Failed {
        /// Which layer, or `command`.
        layer: String,
        /// Why.
        message: String,
    },
    /// The kernel was asked for a connection that the command may not have, and refused.
    Refused {
        /// To where.
        address: String,
    },
    /// The command has ended; in its own network, this many connections and datagrams had nowhere to go.
    Unroutable {
        /// How many.
        count: u64,
    },
}

impl Message {
    /// A failure, its text shortened.
    pub fn failed(layer: &str, message: &str) -> Self {
        Self::Failed { layer: layer.to_owned(), message: message.chars().take(MAX_TEXT).collect() }
    }
}

/// Two ends: the supervisor's and the launcher's.
///
/// # Errors
/// No descriptors are left.
pub fn pair() -> io::Result<(Hearer, OwnedFd)> {
    let (ours, theirs) =
        socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC).map_err(io::Error::from)?;
    Ok((Hearer(ours), theirs))
}

/// The launcher's end.
#[derive(Debug)]
pub struct Speaker(OwnedFd);

impl Speaker {
    /// Speaks over this socket.
    pub const fn new(socket: OwnedFd) -> Self {
        Self(socket)
    }

    /// Sends a message with file descriptors.
    ///
    /// # Errors
    /// The supervisor is gone.
    pub fn say(&self, message: &Message, descriptors: &[RawFd]) -> io::Result<()> {
        let bytes = serde_json::to_vec(message)?;
        let rights = [ControlMessage::ScmRights(descriptors)];
        let control: &[ControlMessage<'_>] = if descriptors.is_empty() { &[] } else { &rights };
        sendmsg::<()>(self.0.as_raw_fd(), &[IoSlice::new(&bytes)], control, MsgFlags::MSG_NOSIGNAL, None)?;
        Ok(())
    }
}

impl AsFd for Speaker {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// The supervisor's end.
#[derive(Debug)]
pub struct Hearer(OwnedFd);

impl Hearer {
    /// The next message, with the descriptors that came along. `None`: the launcher and all that it started are gone.
    /// Blocks.
    ///
    /// # Errors
    /// Something else than a message came.
    pub fn next(&self) -> io::Result<Option<(Message, Vec<OwnedFd>)>> {
        let mut buffer = vec![0; MAX_BYTES];
        let mut space = nix::cmsg_space!([RawFd; MAX_LISTENERS]);
        let (length, descriptors) = loop {
            let mut slices = [IoSliceMut::new(&mut buffer)];
            match recvmsg::<()>(self.0.as_raw_fd(), &mut slices, Some(&mut space), MsgFlags::MSG_CMSG_CLOEXEC) {
                Err(Errno::EINTR) => {}
                Err(Errno::ECONNRESET) => return Ok(None),
                Err(error) => return Err(error.into()),
                Ok(received) => {
                    let mut descriptors = Vec::new();
                    for message in received.cmsgs()? {
                        if let ControlMessageOwned::ScmRights(raw) = message {
                            descriptors.extend(raw.into_iter().map(sys::own));
                        }
                    }
                    break (received.bytes, descriptors);
                }
            }
        };
        if length == 0 {
            return Ok(None);
        }
        Ok(Some((serde_json::from_slice(&buffer[..length])?, descriptors)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn messages_keep_their_bounds_and_bring_sockets_along() {
        let (hearer, theirs) = pair().unwrap();
        let speaker = Speaker::new(theirs);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        speaker.say(&Message::Ready, &[listener.as_raw_fd()]).unwrap();
        speaker.say(&Message::failed("files", &"x".repeat(5_000)), &[]).unwrap();
        drop((speaker, listener));
        let (message, mut descriptors) = hearer.next().unwrap().unwrap();
        assert_eq!(message, Message::Ready);
        let listener = TcpListener::from(descriptors.remove(0));
        assert_eq!(listener.local_addr().unwrap(), address);
        assert_eq!(hearer.next().unwrap().unwrap().0, Message::failed("files", &"x".repeat(1_000)));
        assert!(hearer.next().unwrap().is_none());
    }
}
