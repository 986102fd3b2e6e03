//! Who calls, and what they may do: app tokens (JWT), installation tokens, personal tokens and those of OAuth apps.

mod access;
mod identity;
mod jwt;
mod mint;
mod permissions;

pub(crate) use self::access::{Access, Actor, Need};
pub(crate) use self::identity::Identity;
pub(crate) use self::mint::{TokenRequest, mint, random_text};
pub use self::permissions::{Level, Permission, Permissions};
