//! The template on paper: who may do what, and that it agrees with the state machine and with the functions' sources.

#![expect(clippy::unwrap_used, reason = "a test may panic, its helpers too")]

mod agreement;
mod environment;
mod permissions;
mod resources;

use machine_tests::template::Template;

fn template() -> Template {
    Template::read().unwrap()
}
