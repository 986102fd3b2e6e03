//! The layers, each carried out by the launcher in its own process. A layer that cannot be built is an error: the
//! command is then not started.

pub mod calls;
pub mod files;
pub mod identity;
pub mod limits;
pub mod network;
pub mod notify;
pub mod view;
