//! A whole deployment on this machine: the template on a local AWS engine, simulators around it, real sandboxes.
//!
//! [`Stack::start`] builds what is deployed and brings everything up; [`scenario::play`] plays a folder of data through
//! it and compares what came of it with what was expected. The program `stack` is what `cargo xtask demo`, `run`,
//! `up` and `down` start.

mod archive;
mod aws;
mod bench_home;
mod bringup;
mod browser;
mod build;
pub mod cli;
mod console;
pub mod contain;
mod demo;
mod deploy;
mod door;
mod fargate;
mod folder;
mod form;
mod mail;
pub mod scenario;
mod secrets;
mod services;
mod settings;
mod stack;
mod sweep;
mod template;
mod ui;
mod up;
mod warm;

pub use aws::Aws;
pub use console::{Answer, Console};
pub use deploy::Outputs;
pub use mail::{Mail, Mailbox};
pub use settings::{API_APPROVER, API_LOGIN, APPROVER, CodeHost, MAINTAINER, Model, Settings};
pub use stack::Stack;
pub use up::{Reach, reach};
