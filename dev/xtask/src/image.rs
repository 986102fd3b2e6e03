//! `cargo xtask image`: the sandboxes' image, from base images that are named by digest.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, bail, ensure};
use toolchain::Toolchain;

use crate::cli::{Arch, ImageOptions};
use crate::{cargo, ui};

const DOCKERFILE: &str = "functions/runner/Dockerfile";
/// Which base images were chosen: `NAME=image@sha256:…`, one a line.
const LOCK: &str = "functions/runner/base-images.lock";
/// Programs that build images, the better known first, and the command that asks a registry for the digest of what it has
/// under a tag for all platforms. What an engine says of an image that it has may be one platform's digest.
const ENGINES: [(&str, &[&str]); 2] = [
    ("docker", &["docker", "buildx", "imagetools", "inspect", "--format", "{{.Manifest.Digest}}", "@TAG@"]),
    ("podman", &["skopeo", "inspect", "--no-tags", "--format", "{{.Digest}}", "docker://@TAG@"]),
];
/// What a build argument with a base image ends with.
const BASE_IMAGE: &str = "_IMAGE";

/// What builds, and the command that looks digests up.
struct Engine {
    program: PathBuf,
    look_up: Vec<String>,
}

pub(crate) fn run(toolchain: &Toolchain, options: &ImageOptions) -> Result<ExitCode> {
    let found = ENGINES.iter().find_map(|(name, look_up)| Some((which::which(name).ok()?, look_up)));
    let Some((program, look_up)) = found else {
        bail!("images are built by docker or podman, and neither is on the search path: install one of them");
    };
    let look_up = look_up.iter().map(|word| (*word).to_owned()).collect();
    build(&Engine { program, look_up }, toolchain.root(), options)?;
    ui::say(format_args!("built {}; push it to your registry, and give its address as RunnerImage", options.tag));
    Ok(ExitCode::SUCCESS)
}

fn build(engine: &Engine, root: &Path, options: &ImageOptions) -> Result<()> {
    let images = base_images(&read(&root.join(DOCKERFILE))?);
    ensure!(!images.is_empty(), "{DOCKERFILE} names no base image");
    let lock = root.join(LOCK);
    let mut locked = if lock.exists() && !options.update { parse(&read(&lock)?) } else { BTreeMap::new() };
    // Of another tag than the one in the Dockerfile, a digest says nothing.
    locked.retain(|name, image| images.get(name).is_some_and(|tag| image.starts_with(&format!("{tag}@sha256:"))));
    let missing: Vec<_> = images.iter().filter(|(name, _)| !locked.contains_key(*name)).collect();
    for (name, tag) in &missing {
        ui::step(format_args!("looking up the digest of {tag}"));
        locked.insert((*name).clone(), format!("{tag}@{}", digest(&engine.look_up, tag)?));
    }
    if !missing.is_empty() {
        fs::write(&lock, render(&locked)).with_context(|| format!("writing {}", lock.display()))?;
        ui::say(format_args!("{LOCK} is new: commit it, so that every build starts from the same images"));
    }
    ui::step(format_args!("building {}", options.tag));
    let platform = match options.arch {
        Arch::Arm64 => "linux/arm64",
        Arch::X86_64 => "linux/amd64",
    };
    cargo::must(
        Command::new(&engine.program)
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
fn digest(look_up: &[String], tag: &str) -> Result<String> {
    let words: Vec<String> = look_up.iter().map(|word| word.replace("@TAG@", tag)).collect();
    let (program, arguments) = words.split_first().context("nothing looks digests up")?;
    let output = Command::new(program)
        .args(arguments)
        .output()
        .with_context(|| format!("`{program}`, which looks digests up, could not be started"))?;
    let said = String::from_utf8_lossy(&output.stdout);
    let is_digest = |text: &str| {
        text.strip_prefix("sha256:").is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
    };
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success() && is_digest(said.trim()),
        "`{}` told no digest of {tag}: {} {}",
        words.join(" "),
        said.trim(),
        complaint.trim()
    );
    Ok(said.trim().to_owned())
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// A checkout with a Dockerfile, and an engine that writes down what it is told.
    fn checkout(digest: &str) -> (tempfile::TempDir, Engine) {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("functions/runner")).unwrap();
        fs::write(
            folder.path().join(DOCKERFILE),
            "ARG B_IMAGE=b:1\nARG OTHER=x\nARG A_IMAGE=a:2-slim\nFROM ${A_IMAGE}\n",
        )
        .unwrap();
        let engine = folder.path().join("engine");
        let said = folder.path().join("said").display().to_string();
        let script = format!(
            "#!/bin/sh\necho \"$@\" >> '{said}'\n\
             case \"$*\" in 'digest of b:1') [ -e '{said}.broken' ] && exit 1 ;; esac\n\
             [ \"$1\" = digest ] && echo '{digest}'\nexit 0\n"
        );
        fs::write(&engine, script).unwrap();
        fs::set_permissions(&engine, fs::Permissions::from_mode(0o755)).unwrap();
        let look_up = [engine.to_str().unwrap(), "digest", "of", "@TAG@"].map(str::to_owned).to_vec();
        (folder, Engine { program: engine, look_up })
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
        let expected = ["digest of a:2-slim", "digest of b:1", build, build];
        assert_eq!(said.lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn another_tag_or_a_wish_for_newer_ones_looks_again() {
        let (folder, engine) = checkout(&format!("sha256:{}", "ab".repeat(32)));
        let old = format!("A_IMAGE=a:1@sha256:{0}\nB_IMAGE=b:1@sha256:{0}\n", "00".repeat(32));
        for (update, asked) in
            [(false, vec!["digest of a:2-slim"]), (true, vec!["digest of a:2-slim", "digest of b:1"])]
        {
            fs::write(folder.path().join(LOCK), &old).unwrap();
            build(&engine, folder.path(), &options(update)).unwrap();
            let said = fs::read_to_string(folder.path().join("said")).unwrap();
            assert_eq!(said.lines().filter(|line| line.starts_with("digest")).collect::<Vec<_>>(), asked);
            fs::remove_file(folder.path().join("said")).unwrap();
        }
    }

    #[test]
    fn a_look_up_that_fails_changes_no_lock() {
        let (folder, engine) = checkout(&format!("sha256:{}", "ab".repeat(32)));
        let old = format!("A_IMAGE=a:2-slim@sha256:{0}\nB_IMAGE=b:1@sha256:{0}\n", "00".repeat(32));
        fs::write(folder.path().join(LOCK), &old).unwrap();
        fs::write(folder.path().join("said.broken"), "").unwrap();
        assert!(build(&engine, folder.path(), &options(true)).unwrap_err().to_string().contains("b:1"));
        assert_eq!(fs::read_to_string(folder.path().join(LOCK)).unwrap(), old);
    }

    #[test]
    fn what_is_no_digest_is_not_taken_for_one() {
        for told in ["", "latest", "sha256:12", "sha256:zz"] {
            let (folder, engine) = checkout(told);
            let error = build(&engine, folder.path(), &options(false)).unwrap_err().to_string();
            assert!(error.contains("told no digest of a:2-slim"), "{error}");
            assert!(!folder.path().join(LOCK).exists());
        }
    }
}
