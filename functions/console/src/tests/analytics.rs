//! Figures, as a page and as JSON.

use domain::role::Role;
use insta::{assert_json_snapshot, assert_snapshot};

use super::Call;
use crate::testing::{HOSTILE, Memory, Story};

fn memory() -> Memory {
    let published = |id: &str| Story::begin(id, "Keep sessions").planned().approved().published();
    Memory::with([
        published("FL-1").merged(),
        published("FL-2").merged(),
        published("FL-3").broken(),
        published("FL-4"),
    ])
}

#[tokio::test]
async fn figures_follow_from_what_happened() {
    let answer = Call::get("/api/analytics?days=7").with_token().to(&memory()).await;
    assert_json_snapshot!("figures", answer.json());
}

#[tokio::test]
async fn the_page_shows_the_same() {
    let memory = memory();
    let answer = Call::get("/analytics").session(&memory.session_for("ann", Role::Viewer)).to(&memory).await;
    assert_eq!(answer.status, 200);
    let page = answer.page();
    assert!(!page.contains("style="), "the content security policy allows none");
    // The pictures have their own test; here they are left out.
    let mut shown = String::new();
    for (index, part) in page.split("<svg").enumerate() {
        let (picture, rest) = if index == 0 { ("", part) } else { part.split_once("</svg>").unwrap() };
        assert_eq!((picture.contains("<title id=") && picture.contains("<desc id=")), index > 0);
        shown.push_str(if index == 0 { "" } else { "<svg …/>" });
        shown.push_str(rest);
    }
    assert_eq!(page.matches("<svg").count(), 3);
    assert_snapshot!("analytics", shown);
}

#[tokio::test]
async fn periods_are_cut_into_days_or_weeks() {
    let memory = memory();
    for (days, stretches, each) in [(7, 7, 1), (30, 30, 1), (90, 13, 7)] {
        let figures = Call::get(&format!("/api/analytics?days={days}")).with_token().to(&memory).await.json();
        let course = figures["course"].as_array().unwrap();
        assert_eq!((course.len(), &figures["stretch_days"]), (stretches, &serde_json::json!(each)), "{days}");
        assert_eq!(course.iter().map(|it| it["completed"].as_u64().unwrap()).sum::<u64>(), 2, "{days}");
    }
    for days in ["8", "x", "-7", "07", ""] {
        for path in ["/analytics", "/api/analytics"] {
            let answer = Call::get(&format!("{path}?days={days}")).with_token().to(&memory).await;
            assert_eq!(answer.status, 400, "{path} {days}");
        }
    }
}

#[tokio::test]
async fn nothing_is_a_figure_too() {
    let memory = Memory::with([]);
    let figures = Call::get("/api/analytics").with_token().to(&memory).await.json();
    assert_eq!(
        (&figures["success"]["rate"], &figures["spent_usd"]),
        (&serde_json::Value::Null, &serde_json::json!(0.0))
    );
    assert_eq!(Call::get("/analytics").with_token().to(&memory).await.status, 200);
}

#[tokio::test]
async fn hostile_names_do_nothing() {
    let memory =
        Memory::with([Story::begin("FL-1", HOSTILE).planned().with_model(HOSTILE).approved().published().merged()]);
    for path in ["/", "/analytics"] {
        let body = Call::get(path).with_token().to(&memory).await.body;
        for bad in ["<img", "<script", "\"javascript:", "\u{202e}"] {
            assert!(!body.contains(bad), "{path}: {bad}");
        }
    }
}
