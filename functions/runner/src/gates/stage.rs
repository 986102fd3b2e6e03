//! The tree in which commands run, and HOME beside it: before each command as setup left them, with a part of the
//! change on top.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, DirBuilder};
use std::io::{self, Read};
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use camino::{Utf8Path, Utf8PathBuf};
use domain::Digest;
use domain::change_set::{Change, Manifest, ManifestEntry};

use super::snapshot::Snapshot;
use crate::changes::apply;
use crate::sandbox::Sandbox;
use crate::workspace::BaseTree;
use crate::workspace::open::Folder;
use crate::workspace::products::products;
use crate::workspace::unpack::{UnpackLimits, unpack};

/// Largest file that is read as text.
const MAX_TEXT: u64 = 4 * 1024 * 1024;

/// Files to be written or deleted.
#[derive(Debug, Clone)]
pub struct Overlay {
    manifest: Arc<Manifest>,
    contents: Arc<BTreeMap<Digest, Vec<u8>>>,
}

impl Overlay {
    /// A whole change set.
    pub fn new(manifest: Manifest, contents: BTreeMap<Digest, Vec<u8>>) -> Self {
        Self { manifest: Arc::new(manifest), contents: Arc::new(contents) }
    }

    /// What is written or deleted.
    pub fn entries(&self) -> impl Iterator<Item = &ManifestEntry> {
        self.manifest.entries.iter()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.manifest.entries.is_empty()
    }

    /// A part of it.
    #[must_use]
    pub fn only(&self, wanted: impl Fn(&ManifestEntry) -> bool) -> Self {
        let entries = self.entries().filter(|entry| wanted(entry)).cloned().collect();
        self.with(entries, Arc::clone(&self.contents))
    }

    /// Other files, all written.
    #[must_use]
    pub fn files(&self, files: Vec<(String, Vec<u8>)>) -> Self {
        let mut contents = BTreeMap::new();
        let entry = |(path, bytes): (String, Vec<u8>)| {
            let digest = Digest::of(&bytes);
            let change = Change::Written { mode: 0o644, size: bytes.len() as u64, digest, existed: true };
            contents.insert(digest, bytes);
            ManifestEntry { path, change }
        };
        let entries = files.into_iter().map(entry).collect();
        self.with(entries, Arc::new(contents))
    }

    /// Nothing.
    #[must_use]
    pub fn none(&self) -> Self {
        self.with(vec![], Arc::default())
    }

    /// What it writes at a path.
    pub fn content(&self, path: &str) -> Option<&[u8]> {
        self.entries().find(|entry| entry.path == path).and_then(|entry| self.content_of(entry))
    }

    /// What an entry writes.
    pub fn content_of(&self, entry: &ManifestEntry) -> Option<&[u8]> {
        match &entry.change {
            Change::Written { digest, .. } => self.contents.get(digest).map(Vec::as_slice),
            Change::Deleted | Change::Rejected { .. } => None,
        }
    }

    fn with(&self, entries: Vec<ManifestEntry>, contents: Arc<BTreeMap<Digest, Vec<u8>>>) -> Self {
        let manifest = Manifest { entries, dropped: vec![], dropped_count: 0, ..(*self.manifest).clone() };
        Self { manifest: Arc::new(manifest), contents }
    }
}

/// The tree and HOME.
#[derive(Debug)]
pub struct Stage {
    archive: Bytes,
    folder: Utf8PathBuf,
    sandbox: Arc<dyn Sandbox>,
    base: BaseTree,
    kept: Option<Kept>,
}

#[derive(Debug)]
struct Kept {
    tree: Snapshot,
    home: Snapshot,
    /// What setup made in the tree: commands may change it until the next reset.
    products: Vec<PathBuf>,
    replaced: BTreeSet<PathBuf>,
}

impl Stage {
    /// A stage below `folder`, which exists; nothing is on it yet.
    pub fn new(archive: Bytes, folder: &Utf8Path, sandbox: Arc<dyn Sandbox>) -> Self {
        Self { archive, folder: folder.to_owned(), sandbox, base: BaseTree::default(), kept: None }
    }

    /// Where commands run.
    pub fn tree(&self) -> Utf8PathBuf {
        self.folder.join("workspace")
    }

    /// HOME of the commands.
    pub fn home(&self) -> Utf8PathBuf {
        self.folder.join("home")
    }

    /// The base commit's tree.
    pub const fn base(&self) -> &BaseTree {
        &self.base
    }

    /// What setup made.
    pub fn products(&self) -> &[PathBuf] {
        self.kept.as_ref().map_or(&[], |kept| &kept.products)
    }

    /// The base commit's text at a path, from where no command can reach it.
    pub fn base_text(&self, path: &str) -> Option<String> {
        self.base.get(path)?;
        let root = Folder::open(self.kept.as_ref()?.tree.copy()).ok()?;
        let mut text = String::new();
        root.read(path.into()).ok()?.take(MAX_TEXT).read_to_string(&mut text).ok()?;
        Some(text)
    }

    /// Begins anew: the base commit's tree with `overlay` on top, an empty HOME.
    ///
    /// # Errors
    /// The archive is damaged, the overlay does not fit, or a layer of the sandbox cannot be set up.
    pub fn fresh(&mut self, overlay: &Overlay) -> anyhow::Result<()> {
        self.kept = None;
        for old in [self.tree(), self.home(), self.copies()] {
            match fs::remove_dir_all(&old) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
        }
        fs::create_dir(self.tree())?;
        self.base = unpack(self.archive.as_ref(), &self.tree(), UnpackLimits::default())?;
        apply(&overlay.manifest, &overlay.contents, &self.tree())?;
        self.sandbox.divide(&self.tree(), &BTreeSet::new())?;
        fs::create_dir_all(self.home().join("tmp"))?;
        self.sandbox.give(&self.home())?;
        Ok(())
    }

    /// Remembers everything as it is now, after setup.
    ///
    /// # Errors
    /// Something cannot be read or written.
    pub fn keep(&mut self) -> anyhow::Result<()> {
        let copies = self.copies();
        DirBuilder::new().mode(0o700).create(&copies)?;
        let products = products(&self.tree(), &self.base)?;
        let tree = Snapshot::take(&self.tree(), &copies.join("tree"))?;
        let home = Snapshot::take(&self.home(), &copies.join("home"))?;
        self.kept = Some(Kept { tree, home, products, replaced: BTreeSet::new() });
        Ok(())
    }

    /// What a command changed of all that it found on the tree, setup's products aside.
    ///
    /// # Errors
    /// The tree cannot be read.
    pub fn touched(&self) -> io::Result<Vec<String>> {
        let Some(kept) = &self.kept else { return Ok(vec![]) };
        let mut touched = kept.tree.touched()?;
        touched.retain(|path| !kept.products.iter().any(|product| path.starts_with(product)));
        Ok(touched.iter().map(|path| path.display().to_string()).collect())
    }

    /// Takes away all that commands left behind, and puts `overlays` on top, one after another.
    ///
    /// # Errors
    /// Something cannot be read or written, or a layer of the sandbox cannot be set up.
    pub fn reset(&mut self, overlays: &[&Overlay]) -> anyhow::Result<()> {
        let (root, home) = (self.tree(), self.home());
        let Some(kept) = &mut self.kept else { anyhow::bail!("nothing was kept after setup") };
        kept.tree.restore(&kept.replaced)?;
        kept.home.restore(&BTreeSet::new())?;
        kept.replaced.clear();
        for overlay in overlays {
            kept.replaced.extend(overlay.entries().map(|entry| PathBuf::from(&entry.path)));
            apply(&overlay.manifest, &overlay.contents, &root)?;
        }
        self.sandbox.divide(&root, &BTreeSet::new())?;
        for product in kept.products.iter().filter(|product| !kept.replaced.contains(*product)) {
            let path = root.as_std_path().join(product);
            if let (true, Some(path)) = (fs::symlink_metadata(&path).is_ok(), Utf8Path::from_path(&path)) {
                self.sandbox.give(path)?;
            }
        }
        self.sandbox.give(&home)?;
        kept.tree.settle()?;
        kept.home.settle()?;
        Ok(())
    }

    fn copies(&self) -> Utf8PathBuf {
        self.folder.join("kept")
    }
}
