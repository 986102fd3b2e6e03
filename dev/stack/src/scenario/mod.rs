//! Scenarios: folders of data that are played through a stack. `docs/scenarios.md` is their contract.

mod check;
mod collect;
mod drive;
mod expect;
mod load;
mod people;
mod play;
mod result;
mod slack;

pub use check::Difference;
pub use drive::{Decider, Happening, Scripted};
pub use expect::Expect;
pub use load::{Choice, DecisionLine, GateName, LoadError, Scenario, Via, shipped};
pub use people::Ask;
pub use play::{Played, play, prepare};
pub use result::{RunResult, StateLine};
