//! Where a page of a list ended. Nobody but us has to know what is in it.

use std::fmt::Display;
use std::str::FromStr;

use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::Timestamp;

use crate::problem::Problem;

/// Longest text that is looked at, bytes: more than any that is given out.
const MAX_BYTES: usize = 200;

/// The cursor of the page after something with an id.
pub(crate) fn after(at: Timestamp, id: impl Display) -> String {
    URL_SAFE_NO_PAD.encode(format!("{}.{id}", at.as_millisecond()))
}

/// The place that a cursor stands for.
///
/// # Errors
/// A text that can be no cursor cannot be read; one that could be and was not given out leads nowhere.
pub(crate) fn read<T: FromStr>(text: &str) -> Result<(Timestamp, T), Problem> {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if text.is_empty() || text.len() > MAX_BYTES || !text.bytes().all(is_letter) {
        return Err(Problem::bad_request("`cursor` is not one that this API gave out; begin without one"));
    }
    let place = || {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let (milliseconds, id) = text.split_once('.')?;
        let at = Timestamp::from_millisecond(milliseconds.parse().ok()?).ok()?;
        Some((at, id.parse().ok()?))
    };
    place()
        .ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "There is no page after this `cursor`; begin without one."))
}

#[cfg(test)]
mod tests {
    use domain::ids::WorkflowId;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_cursor_leads_back_to_its_place(ms in 0_i64..4_000_000_000_000, n in 1_u32..1_000) {
            let id: WorkflowId = format!("wf-00000000000000000000-{n}").parse().unwrap();
            let at = Timestamp::from_millisecond(ms).unwrap();
            prop_assert_eq!(read(&after(at, &id)), Ok((at, id)));
        }

        #[test]
        fn any_text_is_answered(text in "\\PC{0,300}") {
            if let Ok((at, id)) = read::<WorkflowId>(&text) {
                // Another spelling of the same place, at most.
                prop_assert_eq!(read(&after(at, &id)), Ok((at, id)));
            }
        }
    }
}
