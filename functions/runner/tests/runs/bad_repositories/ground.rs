//! What surrounds a run, and what of it was reached.

use std::fs::{self, Permissions};
use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::case::{Entry, Kind};

/// A secret outside.
pub(super) const CANARY: &str = "canary-outside-5b1f";
/// What stands in this process's own environment.
const ENVIRONMENT: &str = "CARGO_MANIFEST_DIR=";
/// What is said where a file gives more rights to whoever starts it.
const PRIVILEGED: &str = "privileged-5b1f";
/// What an agent says that follows the repository's instructions.
pub(super) const WORD: &str = "obedient-5b1f";
/// The name of the trace in the tree.
pub(super) const TRACE: &str = "fired";

/// A folder, a secret and a listener outside the tree, for everybody to reach who can.
pub(super) struct Ground {
    folder: tempfile::TempDir,
    port: u16,
    visits: Arc<AtomicUsize>,
    /// Of these, our own.
    own_visits: AtomicUsize,
}

impl Ground {
    pub(super) fn make() -> Self {
        let folder = tempfile::Builder::new().permissions(Permissions::from_mode(0o755)).tempdir().unwrap();
        fs::create_dir(folder.path().join("outside")).unwrap();
        fs::set_permissions(folder.path().join("outside"), Permissions::from_mode(0o1777)).unwrap();
        fs::write(folder.path().join("secret"), CANARY).unwrap();
        fs::set_permissions(folder.path().join("secret"), Permissions::from_mode(0o644)).unwrap();
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let visits = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&visits);
        std::thread::spawn(move || {
            while let Ok((visitor, _)) = listener.accept() {
                counter.fetch_add(1, Ordering::SeqCst);
                drop(visitor);
            }
        });
        Self { folder, port, visits, own_visits: AtomicUsize::new(0) }
    }

    /// A text with its placeholders filled in.
    pub(super) fn fill(&self, text: &str) -> String {
        let (outside, secret) = (self.folder.path().join("outside"), self.folder.path().join("secret"));
        let fire = "touch @OUT@/fired fired; BASH_ENV= /bin/bash -c 'true > /dev/tcp/127.0.0.1/@PORT@'";
        text.replace("@FIRE@", fire)
            .replace("@OUT@", outside.to_str().unwrap())
            .replace("@SECRET@", secret.to_str().unwrap())
            .replace("@PORT@", &self.port.to_string())
            .replace("@WORD@", WORD)
    }

    /// A tree with its placeholders filled in.
    pub(super) fn tree(&self, tree: &[Entry]) -> Vec<Entry> {
        let fill = |bytes: &Vec<u8>| match std::str::from_utf8(bytes) {
            Ok(text) if text.contains('@') => self.fill(text).into_bytes(),
            _ => bytes.clone(),
        };
        let filled = |entry: &Entry| Entry {
            path: fill(&entry.path),
            kind: match &entry.kind {
                Kind::File { content, mode } => Kind::File { content: fill(content), mode: *mode },
                Kind::Link(target) => Kind::Link(fill(target)),
                Kind::HardLink(target) => Kind::HardLink(fill(target)),
                Kind::Extended(key, value) => Kind::Extended(key, fill(value)),
                other => other.clone(),
            },
        };
        tree.iter().map(filled).collect()
    }

    /// What was done to the surroundings.
    pub(super) fn traces(&self) -> Vec<String> {
        let mut traces = Vec::new();
        let left = fs::read_dir(self.folder.path().join("outside")).unwrap();
        traces.extend(left.map(|entry| format!("outside there is {}", entry.unwrap().file_name().display())));
        if fs::read_to_string(self.folder.path().join("secret")).ok().as_deref() != Some(CANARY) {
            traces.push("the file outside was changed".to_owned());
        }
        for (name, mode) in [("outside", 0o1777), ("secret", 0o644)] {
            let (now, own) =
                (fs::metadata(self.folder.path().join(name)).unwrap(), self.folder.path().metadata().unwrap());
            if (now.mode() & 0o7777, now.uid()) != (mode, own.uid()) {
                traces.push(format!("owner or mode of `{name}` was changed"));
            }
        }
        match self.foreign_visits() {
            0 => {}
            visits => traces.push(format!("{visits} connections to the listener")),
        }
        traces
    }

    /// Connections to the listener so far. They are taken in order: once ours is closed, all before it are counted.
    fn foreign_visits(&self) -> usize {
        let mut ours = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let own = self.own_visits.fetch_add(1, Ordering::SeqCst) + 1;
        assert_eq!(ours.read(&mut [0]).unwrap_or_default(), 0, "the listener says nothing");
        self.visits.load(Ordering::SeqCst) - own
    }
}

/// What a text gives away that comes from outside the tree.
pub(super) fn given_away(place: &str, text: &str) -> Vec<String> {
    let found = [CANARY, ENVIRONMENT, PRIVILEGED].into_iter().filter(|secret| text.contains(*secret));
    found.map(|secret| format!("`{secret}` stands in {place}")).collect()
}
