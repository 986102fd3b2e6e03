//! `cargo xtask image`: the sandboxes' image, from base images that are named by digest.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, bail, ensure};
use toolchain::Toolchain;

use crate::cli::{Arch, ImageOptions};
use crate::{cargo, ui};

const DOCKERFILE: &str = "functions/runner/Dockerfile";
/// Which base images were chosen: `NAME=image@sha256:…`, one a line.
const LOCK: &str = "functions/runner/base-images.lock";
/// Programs that build images, the better known first.
const ENGINES: [&str; 2] = ["docker", "podman"];
/// What a build argument with a base image ends with.
const BASE_IMAGE: &str = "_IMAGE";

pub(crate) fn run(toolchain: &Toolchain, options: &ImageOptions) -> Result<ExitCode> {
    let Some(engine) = ENGINES.iter().find_map(|name| which::which(name).ok()) else {
        bail!("images are built by docker or podman, and neither is on the search path");
    };
    build(&engine, toolchain.root(), options)?;
    ui::say(format_args!("built {}; push it to your registry, and give its address as RunnerImage", options.tag));
    Ok(ExitCode::SUCCESS)
}

fn build(engine: &Path, root: &Path, options: &ImageOptions) -> Result<()> {
    let images = base_images(&read(&root.join(DOCKERFILE))?);
    ensure!(!images.is_empty(), "{DOCKERFILE} names no base image");
    let lock = root.join(LOCK);
    let mut locked = if lock.exists() && !options.update { parse(&read(&lock)?) } else { BTreeMap::new() };
    // Of another tag than the one in the Dockerfile, a digest says nothing.
    locked.retain(|name, image| images.get(name).is_some_and(|tag| image.starts_with(&format!("{tag}@sha256:"))));
    for (name, tag) in &images {
        if !locked.contains_key(name) {
            ui::step(format_args!("looking up the digest of {tag}"));
            locked.insert(name.clone(), format!("{tag}@{}", digest(engine, tag)?));
            fs::write(&lock, render(&locked)).with_context(|| format!("writing {}", lock.display()))?;
            ui::say(format_args!("{name} is in {LOCK} now: commit it, so that every build starts from the same"));
        }
    }
    ui::step(format_args!("building {}", options.tag));
    let platform = match options.arch {
        Arch::Arm64 => "linux/arm64",
        Arch::X86_64 => "linux/amd64",
    };
    cargo::must(
        Command::new(engine)
            .current_dir(root)
            .args(["build", "--platform", platform, "--file", DOCKERFILE])
            .args(["--target", if options.tools { "tools" } else { "slim" }, "--tag", &options.tag])
            .args(locked.iter().flat_map(|(name, image)| ["--build-arg".to_owned(), format!("{name}={image}")]))
            .arg("."),
    )
}

/// The base images of a Dockerfile, by the build argument that holds each.
fn base_images(dockerfile: &str) -> BTreeMap<String, String> {
    let arguments = dockerfile.lines().filter_map(|line| line.strip_prefix("ARG ")?.split_once('='));
    let images = arguments.filter(|(name, _)| name.ends_with(BASE_IMAGE));
    images.map(|(name, image)| (name.to_owned(), image.trim().to_owned())).collect()
}

fn parse(lock: &str) -> BTreeMap<String, String> {
    let lines = lock.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('='));
    lines.map(|(name, image)| (name.to_owned(), image.to_owned())).collect()
}

fn render(images: &BTreeMap<String, String>) -> String {
    let head = "# Base images of the sandboxes' image, by `cargo xtask image`. `--update` takes newer ones.".to_owned();
    let lines = images.iter().map(|(name, image)| format!("{name}={image}"));
    [head].into_iter().chain(lines).chain([String::new()]).collect::<Vec<_>>().join("\n")
}

/// The digest of what the registry has under a tag, for every platform.
fn digest(engine: &Path, tag: &str) -> Result<String> {
    cargo::must(Command::new(engine).args(["pull", "--quiet", tag]))?;
    let output = Command::new(engine)
        .args(["image", "inspect", "--format", "{{index .RepoDigests 0}}", tag])
        .output()
        .with_context(|| format!("`{}` could not be started", engine.display()))?;
    let said = String::from_utf8_lossy(&output.stdout);
    let digest = said.trim().rsplit_once('@').map(|(_, digest)| digest.to_owned());
    let digest = digest.filter(|digest| {
        digest.strip_prefix("sha256:").is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
    });
    digest.with_context(|| format!("`{}` tells no digest of {tag}: {}", engine.display(), said.trim()))
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::PathBuf;

    use super::*;

    /// A checkout with a Dockerfile, and an engine that writes down what it is told.
    fn checkout(digest: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("functions/runner")).unwrap();
        fs::write(
            folder.path().join(DOCKERFILE),
            "ARG B_IMAGE=b:1\nARG OTHER=x\nARG A_IMAGE=a:2-slim\nFROM ${A_IMAGE}\n",
        )
        .unwrap();
        let engine = folder.path().join("engine");
        let said = folder.path().join("said").display().to_string();
        let script =
            format!("#!/bin/sh\necho \"$@\" >> '{said}'\n[ \"$2\" = inspect ] && echo 'name@{digest}'\nexit 0\n");
        fs::write(&engine, script).unwrap();
        fs::set_permissions(&engine, fs::Permissions::from_mode(0o755)).unwrap();
        (folder, engine)
    }

    fn options(update: bool) -> ImageOptions {
        ImageOptions { tag: "image:7".to_owned(), arch: Arch::Arm64, tools: true, update }
    }

    #[test]
    fn base_images_are_looked_up_once_and_then_kept() {
        let digest = format!("sha256:{}", "ab".repeat(32));
        let (folder, engine) = checkout(&digest);
        build(&engine, folder.path(), &options(false)).unwrap();
        build(&engine, folder.path(), &options(false)).unwrap();
        let said = fs::read_to_string(folder.path().join("said")).unwrap().replace(&digest, "DIGEST");
        let build = "build --platform linux/arm64 --file functions/runner/Dockerfile --target tools --tag image:7 \
                     --build-arg A_IMAGE=a:2-slim@DIGEST --build-arg B_IMAGE=b:1@DIGEST .";
        let inspect = "image inspect --format {{index .RepoDigests 0}}";
        let expected = [
            "pull --quiet a:2-slim",
            &format!("{inspect} a:2-slim"),
            "pull --quiet b:1",
            &format!("{inspect} b:1"),
            build,
            build,
        ];
        assert_eq!(said.lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn another_tag_or_a_wish_for_newer_ones_looks_again() {
        let (folder, engine) = checkout(&format!("sha256:{}", "ab".repeat(32)));
        let old = format!("A_IMAGE=a:1@sha256:{0}\nB_IMAGE=b:1@sha256:{0}\n", "00".repeat(32));
        for (update, pulled) in
            [(false, vec!["pull --quiet a:2-slim"]), (true, vec!["pull --quiet a:2-slim", "pull --quiet b:1"])]
        {
            fs::write(folder.path().join(LOCK), &old).unwrap();
            build(&engine, folder.path(), &options(update)).unwrap();
            let said = fs::read_to_string(folder.path().join("said")).unwrap();
            assert_eq!(said.lines().filter(|line| line.starts_with("pull")).collect::<Vec<_>>(), pulled);
            fs::remove_file(folder.path().join("said")).unwrap();
        }
    }

    #[test]
    fn what_is_no_digest_is_not_taken_for_one() {
        for told in ["", "latest", "sha256:12", "sha256:zz"] {
            let (folder, engine) = checkout(told);
            let error = build(&engine, folder.path(), &options(false)).unwrap_err().to_string();
            assert!(error.contains("tells no digest of a:2-slim"), "{error}");
            assert!(!folder.path().join(LOCK).exists());
        }
    }
}
