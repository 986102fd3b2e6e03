//! Third-party tools of the development environment, installed from lock files, and the
//! process of the local AWS engine.
//!
//! Nothing here is part of what is deployed. The crate has no asynchronous runtime and no AWS
//! SDK, so that the first `cargo xtask` builds in seconds.
//!
//! - [`Toolchain`] knows where every tool lives and [installs](Toolchain::ensure) what is
//!   missing, once for all processes that ask at the same time.
//! - [`doctor`] looks at the machine and says what to do about what it finds.
//! - [`engine`] starts the local AWS engine and ends it, and every process it started, with
//!   its owner.

mod component;
pub mod doctor;
pub mod engine;
mod install;
mod node;
mod progress;
mod python;
mod run;
mod stamp;
mod toolchain;

pub use component::Component;
pub use install::{Failure, SetupError};
pub use progress::{Progress, Silent};
pub use run::{CommandError, Tail};
pub use toolchain::Toolchain;
