//! Isolation of everything that runs in a sandbox: the Pi coding agent, the repository's gates, its setup command.
//!
//! A command is not started by the supervisor itself but by a [launcher](launch), a fresh process of the same program.
//! The launcher builds the layers that its [`Policy`] names, gives up every privilege, and becomes the command. The
//! supervisor's side is [`supervisor::Launcher`]; which layers this machine offers is found out by trying them.
//!
//! [`Sandbox`] is where a supervisor begins.
//!
//! | layer | what it keeps | needs |
//! |---|---|---|
//! | [`layers::identity`] | approved files belong to another user, all else is root's: the kernel refuses other writes | root |
//! | [`layers::view`] | a file tree of its own: what is not named does not exist; every base file is read-only | `CAP_SYS_ADMIN` or user namespaces |
//! | [`layers::network`] | a network of its own: loopback, nothing else | the same |
//! | [`layers::notify`] | `connect` decided by address, by a second process | seccomp user notification |
//! | [`layers::files`] | Landlock: reads and writes by path, no ptrace and no signals to the outside | Landlock |
//! | [`layers::calls`] | system calls that no build needs | seccomp |
//! | [`layers::limits`] | processes, files, sizes, processor time | nothing |
//!
//! `unsafe` code stands in [`sys`] alone.

pub mod control;
pub mod launch;
pub mod layers;
pub mod ownership;
pub mod policy;
pub mod sandbox;
pub mod supervisor;
pub mod sys;
pub mod toolchains;

pub use policy::Policy;
pub use sandbox::Sandbox;
