//! Base repositories that mean harm, each through whole runs in both modes: nothing of theirs is executed, obeyed or
//! read that is not the agent's or a gate's own doing, and each run ends with a change set that holds or with a
//! failure that says why. Where it can be shown, the same case first does its harm to somebody who is careless.
//!
//! `PI_TICKETS_CASE` picks cases by a part of their names.

mod agent_configuration;
mod archive;
mod archives;
mod attributes;
mod case;
mod driver;
mod git_aliases;
mod git_folders;
mod ground;
mod hooks;
mod links;
mod naive;
mod names;
mod own_configuration;
mod sizes;
mod special_files;
mod submodules;
mod tools;

macro_rules! kinds {
    ($($kind:ident: $least:literal,)*) => {
        $(#[tokio::test]
        async fn $kind() {
            let count = driver::run(stringify!($kind), $kind::cases()).await;
            assert!(count >= $least, "{count}");
        })*
    };
}

kinds! {
    agent_configuration: 16,
    archives: 10,
    attributes: 6,
    git_aliases: 8,
    git_folders: 10,
    hooks: 4,
    links: 13,
    names: 7,
    own_configuration: 15,
    sizes: 11,
    special_files: 6,
    submodules: 5,
    tools: 7,
}
