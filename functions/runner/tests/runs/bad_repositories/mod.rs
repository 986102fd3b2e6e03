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
    agent_configuration: 1,
    archives: 1,
    attributes: 1,
    git_aliases: 1,
    git_folders: 1,
    hooks: 1,
    links: 1,
    names: 1,
    own_configuration: 1,
    sizes: 1,
    special_files: 1,
    submodules: 1,
    tools: 1,
}
