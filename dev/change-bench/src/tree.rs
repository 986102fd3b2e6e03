//! A repository that is always the same.

use std::fs::{self, File};

use anyhow::{Context as _, ensure};
use camino::{Utf8Path, Utf8PathBuf};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use runner::workspace::unpack::{UnpackLimits, unpack};
use runner::workspace::{BaseTree, git};

/// Files of a folder, and folders of a folder.
const FILES: u32 = 16;
const FOLDERS: u32 = 12;
const ENDINGS: [&str; 6] = ["rs", "js", "py", "md", "css", "json"];
const WORDS: [&str; 16] = [
    "let", "value", "return", "import", "render", "window", "result", "queue", "when", "total", "widget", "parse",
    "order", "index", "label", "where",
];
const IGNORED: &str = "/target/\nnode_modules/\n*.log\n*.tmp\n";

/// The tree as the agent finds it.
pub(crate) struct Tree {
    pub(crate) root: Utf8PathBuf,
    /// What the runner recorded of it.
    pub(crate) base: BaseTree,
    /// The paths of the files, in path order.
    pub(crate) paths: Vec<String>,
    pub(crate) folders: usize,
    pub(crate) bytes: u64,
}

impl Tree {
    /// Writes an archive, unpacks it as the runner does, and makes the runner's throwaway history of it.
    pub(crate) async fn make(scratch: &Utf8Path, files: u32) -> anyhow::Result<Self> {
        let archive = scratch.join("workspace.tar.zst");
        let (paths, bytes) = write_archive(&archive, files)?;
        let root = scratch.join("workspace");
        fs::create_dir(&root)?;
        let base = unpack(File::open(&archive)?, &root, UnpackLimits::default())?;
        fs::remove_file(&archive)?;
        let home = scratch.join("git-home");
        fs::create_dir(&home)?;
        let program_path = std::env::var("PATH").context("PATH is not set")?;
        git::commit_base(&root, &home, &program_path).await?;
        let mut folders: Vec<&str> = paths.iter().filter_map(|path| Some(path.rsplit_once('/')?.0)).collect();
        folders.dedup();
        let folders = folders.len();
        ensure!(paths.is_sorted(), "the paths are not in order");
        Ok(Self { root, base, paths, folders, bytes })
    }
}

fn write_archive(archive: &Utf8Path, files: u32) -> anyhow::Result<(Vec<String>, u64)> {
    let mut tar = tar::Builder::new(zstd::Encoder::new(File::create(archive)?, 1)?);
    let mut random = StdRng::seed_from_u64(1);
    let mut paths: Vec<String> = (1..files).map(path).chain([".gitignore".to_owned()]).collect();
    paths.sort();
    let mut bytes = 0;
    for (at, path) in paths.iter().enumerate() {
        let content = if path == ".gitignore" { IGNORED.to_owned() } else { text(&mut random) };
        bytes += content.len() as u64;
        let mut header = tar::Header::new_gnu();
        header.set_mode(if at % 50 == 1 { 0o755 } else { 0o644 });
        header.set_size(content.len() as u64);
        tar.append_data(&mut header, path, content.as_bytes())?;
    }
    tar.into_inner()?.finish()?;
    Ok((paths, bytes))
}

/// Three folders deep, like a large repository of many packages.
fn path(n: u32) -> String {
    let folder = n / FILES;
    let (package, module, area) = (folder / (FOLDERS * FOLDERS), folder / FOLDERS % FOLDERS, folder % FOLDERS);
    let ending = ENDINGS[n as usize % ENDINGS.len()];
    format!("packages/package-{package:03}/module-{module:02}/area-{area:02}/file-{:02}.{ending}", n % FILES)
}

/// Lines of words, 200 bytes to 12 KB, most of them short.
pub(crate) fn text(random: &mut StdRng) -> String {
    let drawn = random.random_range(0..1_000_usize);
    let length = 200 + drawn.pow(3) * 12 / 1_000_000;
    let mut text = String::with_capacity(length + 80);
    while text.len() < length {
        for _ in 0..random.random_range(2..9) {
            text.push_str(WORDS[random.random_range(0..WORDS.len())]);
            text.push(' ');
        }
        text.push('\n');
    }
    text
}
