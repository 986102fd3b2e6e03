//! The attacks are what they should be, and a part of them is made.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use redteam::report::Report;

#[test]
fn there_are_many_attacks_of_many_sorts() {
    let classes = redteam::attack::load(Path::new(redteam::ATTACKS)).unwrap();
    let attacks: Vec<_> = classes.iter().flat_map(|(_, attacks)| attacks).collect();
    assert!(classes.len() >= 12 && attacks.len() >= 200, "{} in {}", attacks.len(), classes.len());
    let ids: BTreeSet<_> = attacks.iter().map(|attack| attack.word()).collect();
    assert_eq!(ids.len(), attacks.len(), "two attacks have one id");
    for attack in attacks {
        assert!(!attack.control.is_empty() && !attack.script.trim().is_empty(), "{}", attack.id);
    }
}

#[test]
fn secrets_leave_in_no_encoding() {
    let outcomes = redteam::outgoing::play();
    assert!(outcomes.len() >= 12 * 7);
    for outcome in outcomes {
        assert!(outcome.controls_off && !outcome.modes["any"], "{}", outcome.id);
    }
}

/// Some classes, on the best machine that this one can be.
#[test]
fn hostile_agents_do_not_escape() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.json");
    let mode = if nix::unistd::getuid().is_root() { "root" } else { "user" };
    let classes = ["files", "renames", "environment", "credentials", "network", "datagrams"];
    let output = Command::new(env!("CARGO_BIN_EXE_redteam"))
        .args(["--mode", mode])
        .args(classes.iter().flat_map(|class| ["--class", class]))
        .arg("--json")
        .arg(&file)
        .output()
        .unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");
    let report: Report = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    assert_eq!((report.escapes, report.controls_off_succeeded), (0, report.attacks), "{said}");
    assert!(report.attacks > 100 && report.classes == classes.len(), "{said}");
}
