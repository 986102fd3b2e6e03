//! What a case is made of.
//!
//! Texts may hold `@OUT@` (a folder outside that everybody may write to), `@SECRET@` (a file outside), `@PORT@` (a
//! listener outside), `@WORD@` (what an obedient agent would say) and `@FIRE@` (a shell command that leaves a trace of
//! its run in the tree, outside of it, and at the listener).

use domain::verify::ViolationKind;

/// A base repository that means harm, and how it has to end.
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) tree: Vec<Entry>,
    /// How the marker fires where nothing of ours stands in the way.
    pub(super) naive: Option<Naive>,
    /// What the agent and a gate do besides the usual.
    pub(super) probe: &'static str,
    pub(super) verdict: Verdict,
    /// Its gates' commands are quoted to the agent: `@WORD@` fires only at the beginning of a line.
    pub(super) quoted: bool,
    /// Whether mode `qa` has a part in it.
    pub(super) gates: bool,
    /// A gate may do inside its sandbox what the repository wants: only what is outside counts there.
    pub(super) gates_obey: bool,
}

/// An ordinary way to deal with the repository, as this process's user.
pub(super) enum Naive {
    /// Unpacking it with no care.
    Unpacking,
    /// A shell command in the tree.
    Command(&'static str),
    /// A shell command in the tree that does not end.
    Hangs(&'static str),
    /// Pi in the tree, which is trusted.
    Pi,
}

/// How a run has to end.
#[derive(Clone)]
pub(super) enum Verdict {
    /// Completed, and the change of `src/a.txt` is all there is, and holds.
    Sound,
    /// Nothing was begun, for a reason that has these words.
    Refused(&'static str),
    /// Completed; what is wrong with the change set is this.
    Violates(ViolationKind),
}

impl Case {
    pub(super) fn new<const N: usize>(name: &'static str, tree: [Entry; N]) -> Self {
        Self {
            name,
            tree: tree.into(),
            naive: None,
            probe: "true",
            verdict: Verdict::Sound,
            quoted: false,
            gates: true,
            gates_obey: false,
        }
    }

    /// Puts more into the tree.
    pub(super) fn and(mut self, more: impl IntoIterator<Item = Entry>) -> Self {
        self.tree.extend(more);
        self
    }

    pub(super) fn fires_by(self, naive: Naive) -> Self {
        Self { naive: Some(naive), ..self }
    }

    /// The same command fires it naively and is what agent and gate run.
    pub(super) fn fires_by_command(self, command: &'static str) -> Self {
        Self { naive: Some(Naive::Command(command)), probe: command, ..self }
    }

    pub(super) fn probed_by(self, probe: &'static str) -> Self {
        Self { probe, ..self }
    }

    /// No gate has to do with it.
    pub(super) fn agent_only(self) -> Self {
        Self { gates: false, ..self }
    }

    pub(super) fn refused(self, reason: &'static str) -> Self {
        Self { verdict: Verdict::Refused(reason), ..self }
    }

    pub(super) fn violates(self, kind: ViolationKind) -> Self {
        Self { verdict: Verdict::Violates(kind), ..self }
    }

    pub(super) fn gates_obey(self) -> Self {
        Self { gates_obey: true, ..self }
    }

    pub(super) fn quoted(self) -> Self {
        Self { quoted: true, ..self }
    }
}

/// An entry of the workspace archive, as its bytes say it. Git would refuse to make many of them.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) path: Vec<u8>,
    pub(super) kind: Kind,
}

#[derive(Clone)]
pub(super) enum Kind {
    File {
        content: Vec<u8>,
        mode: u32,
    },
    /// A file of which the archive says that it is this large, and which it does not have.
    Claimed(u64),
    Folder,
    /// As many records that are about no entry.
    Remarks(usize),
    Link(Vec<u8>),
    HardLink(Vec<u8>),
    Pipe,
    Device,
    Sparse,
    /// A record of the extended format, which is about the entry after it.
    Extended(&'static str, Vec<u8>),
}

fn entry(path: impl AsRef<[u8]>, kind: Kind) -> Entry {
    Entry { path: path.as_ref().to_vec(), kind }
}

pub(super) fn file(path: impl AsRef<[u8]>, content: impl AsRef<[u8]>) -> Entry {
    mode(path, 0o644, content)
}

pub(super) fn mode(path: impl AsRef<[u8]>, mode: u32, content: impl AsRef<[u8]>) -> Entry {
    entry(path, Kind::File { content: content.as_ref().to_vec(), mode })
}

/// A program of a line of shell.
pub(super) fn script(path: impl AsRef<[u8]>, line: &str) -> Entry {
    mode(path, 0o755, format!("#!/bin/sh\n{line}\n"))
}

pub(super) fn claimed(path: &str, size: u64) -> Entry {
    entry(path, Kind::Claimed(size))
}

pub(super) fn folder(path: impl AsRef<[u8]>) -> Entry {
    entry(path, Kind::Folder)
}

pub(super) fn remarks(count: usize) -> Entry {
    entry("pax_global_header", Kind::Remarks(count))
}

pub(super) fn link(path: impl AsRef<[u8]>, target: impl AsRef<[u8]>) -> Entry {
    entry(path, Kind::Link(target.as_ref().to_vec()))
}

pub(super) fn hard_link(path: &str, target: &str) -> Entry {
    entry(path, Kind::HardLink(target.as_bytes().to_vec()))
}

pub(super) fn pipe(path: &str) -> Entry {
    entry(path, Kind::Pipe)
}

pub(super) fn device(path: &str) -> Entry {
    entry(path, Kind::Device)
}

pub(super) fn sparse(path: &str) -> Entry {
    entry(path, Kind::Sparse)
}

pub(super) fn extended(key: &'static str, value: &str) -> Entry {
    entry("extended", Kind::Extended(key, value.as_bytes().to_vec()))
}

/// What makes a folder a Git repository.
pub(super) fn git_folder(at: &str, config: &str) -> Vec<Entry> {
    let path = |name: &str| format!("{at}/{name}");
    vec![
        file(path("HEAD"), "ref: refs/heads/main\n"),
        file(path("config"), format!("[core]\n\trepositoryformatversion = 0\n{config}")),
        folder(path("objects/info")),
        folder(path("objects/pack")),
        folder(path("refs/heads")),
        // Git has no empty folders.
        file(path("objects/info/packs"), "\n"),
        file(path("refs/heads/.keep"), ""),
    ]
}
