//! Configuration that tools read in the folder where they are started, and programs in the place of others.

use super::case::{Case, Naive, file, script};

const PYTHON: &str = "import os\nos.system(\"@FIRE@\")\n";
const ORDINARY: &str = "git --version; ls; bash -c true; sh -c true; python3 -c pass; node -e 0";

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new(
            "programs named git, ls, sh and bash",
            [
                script("git", "@FIRE@"),
                script("ls", "@FIRE@"),
                script("sh", "@FIRE@"),
                script("bash", "@FIRE@"),
                script("node", "@FIRE@"),
            ],
        )
        .fires_by(Naive::Command("PATH=.:$PATH; git --version"))
        .probed_by(ORDINARY),
        Case::new(
            "programs in node_modules/.bin",
            [
                script("node_modules/.bin/git", "@FIRE@"),
                script("node_modules/.bin/sh", "@FIRE@"),
                file("package.json", r#"{"name":"x","scripts":{"x":"git --version"}}"#),
            ],
        )
        .fires_by(Naive::Command("npm run --silent x"))
        .probed_by(ORDINARY),
        Case::new(
            "start files of shells",
            [
                file(".bashrc", "@FIRE@\n"),
                file(".bash_profile", "@FIRE@\n"),
                file(".profile", "@FIRE@\n"),
                file(".bash_env", "@FIRE@\n"),
            ],
        )
        .fires_by(Naive::Command("HOME=$PWD bash -lc true"))
        .probed_by("bash -lc true; bash -ic true; sh -lc true"),
        Case::new(
            "environments",
            [
                file(".env", "BASH_ENV=./x.sh\nNODE_OPTIONS=--require ./x.js\n"),
                file(".envrc", "@FIRE@\n"),
                file(".tool-versions", "nodejs path:./x\n"),
                file("mise.toml", "[hooks]\nenter = \"@FIRE@\"\n"),
                file("x.sh", "@FIRE@\n"),
                file("x.js", "require('child_process').execSync(\"@FIRE@\")\n"),
            ],
        )
        .fires_by(Naive::Command("set -a; . ./.env; set +a; /usr/bin/env /bin/bash -c true"))
        .probed_by(ORDINARY),
        Case::new(
            "modules that Python loads by itself",
            [
                file("sitecustomize.py", PYTHON),
                file("usercustomize.py", PYTHON),
                file("conftest.py", PYTHON),
                file(".python-version", "../../x\n"),
                file("pyvenv.cfg", "home = .\n"),
            ],
        )
        .fires_by(Naive::Command("PYTHONPATH=. python3 -c pass"))
        .probed_by("python3 -c pass; python3 --version"),
        Case::new(
            "settings of npm",
            [
                file(
                    ".npmrc",
                    "registry=http://127.0.0.1:@PORT@/\nfetch-retries=0\nscript-shell=./x.sh\nignore-scripts=false\n",
                ),
                script("x.sh", "@FIRE@"),
                file("package.json", r#"{"name":"x","version":"1.0.0"}"#),
            ],
        )
        .fires_by(Naive::Command("npm view --silent left-pad"))
        .probed_by("npm view --silent left-pad; npm --version"),
        Case::new(
            "scripts that run when packages are installed",
            [
                file(".npmrc", "ignore-scripts=false\n"),
                file(
                    "package.json",
                    r#"{"name":"x","version":"1.0.0","scripts":{"preinstall":"@FIRE@","prepare":"@FIRE@"}}"#,
                ),
                file(".pi-tickets.toml", "[setup]\ncommand = 'npm install --offline --no-audit --no-package-lock'\n"),
            ],
        )
        .fires_by(Naive::Command("npm install --offline --no-audit --no-package-lock")),
    ]
}
