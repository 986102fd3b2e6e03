//! Where a page of a list ended. Nobody but us has to know what is in it.

use std::fmt::Display;
use std::str::FromStr;

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
pub(crate) fn read<T: FromStr>(text: &str) -> Result<(Timestamp, T), Problem> {
    let place = || {
        let bytes = URL_SAFE_NO_PAD.decode(Some(text).filter(|text| text.len() <= MAX_BYTES)?).ok()?;
        let text = String::from_utf8(bytes).ok()?;
        let (milliseconds, id) = text.split_once('.')?;
        let at = Timestamp::from_millisecond(milliseconds.parse().ok()?).ok()?;
        Some((at, id.parse().ok()?))
    };
    place().ok_or_else(|| Problem::bad_request("`cursor` is not one that this API gave out; begin without one"))
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
                prop_assert_eq!(after(at, &id), text);
            }
        }
    }
}
