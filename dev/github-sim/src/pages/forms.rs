//! What a person does in the browser: review, comment, merge, close, reopen.

use std::sync::Arc;

use axum::Form;
use axum::extract::{Path, State};
use axum::response::Redirect;
use serde::Deserialize;

use super::{Failed, repo_name};
use crate::auth::Access;
use crate::error::ApiResult;
use crate::pulls::{self, Edit, MergeMethod, MergeRequest, NewReview};
use crate::repos::as_person;
use crate::sim::Sim;

type Shared = State<Arc<Sim>>;
type PullPath = Path<(String, String, u64)>;
type Done = Result<Redirect, Failed>;

fn access(sim: &Sim, owner: &str, name: &str) -> Result<Access, Failed> {
    Ok(as_person(sim, &repo_name(owner, name)?, None)?)
}

/// Back to the pull request, or to a page that says why not.
fn done<T>(result: ApiResult<T>, access: &Access, number: u64) -> Done {
    let back = format!("/{}/pull/{number}", access.name);
    match result {
        Ok(_) => Ok(Redirect::to(&back)),
        Err(error) => Err(Failed { error, back: Some(back) }),
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct ReviewForm {
    event: String,
    #[serde(default)]
    body: String,
}

pub(super) async fn review(
    State(sim): Shared,
    Path((owner, name, number)): PullPath,
    Form(form): Form<ReviewForm>,
) -> Done {
    let access = access(&sim, &owner, &name)?;
    let new = NewReview { event: Some(form.event), body: Some(form.body), ..NewReview::default() };
    done(pulls::submit(&sim, &access, number, new).await, &access, number)
}

#[derive(Debug, Deserialize)]
pub(super) struct CommentForm {
    #[serde(default)]
    body: String,
}

pub(super) async fn comment(
    State(sim): Shared,
    Path((owner, name, number)): PullPath,
    Form(form): Form<CommentForm>,
) -> Done {
    let access = access(&sim, &owner, &name)?;
    done(pulls::add_comment(&sim, &access, number, &form.body), &access, number)
}

#[derive(Debug, Deserialize)]
pub(super) struct MergeForm {
    sha: String,
    #[serde(default)]
    merge_method: MergeMethod,
}

pub(super) async fn merge(
    State(sim): Shared,
    Path((owner, name, number)): PullPath,
    Form(form): Form<MergeForm>,
) -> Done {
    let access = access(&sim, &owner, &name)?;
    // The head that the page showed: a push in between makes the merge fail rather than surprise.
    let request = MergeRequest { sha: Some(form.sha), merge_method: form.merge_method, ..MergeRequest::default() };
    done(pulls::merge(&sim, &access, number, request).await, &access, number)
}

#[derive(Debug, Deserialize)]
pub(super) struct StateForm {
    state: String,
}

pub(super) async fn state(
    State(sim): Shared,
    Path((owner, name, number)): PullPath,
    Form(form): Form<StateForm>,
) -> Done {
    let access = access(&sim, &owner, &name)?;
    let edit = Edit { state: Some(form.state), ..Edit::default() };
    done(pulls::edit(&sim, &access, number, edit).await, &access, number)
}
