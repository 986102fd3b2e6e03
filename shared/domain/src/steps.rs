//! Inputs and outputs of the state machine's steps: the contract between `statemachine/ticket.asl.json` and the
//! functions. Payloads carry ids only; contents travel through S3. Fields are only ever added, as optional ones:
//! a waiting execution of the release before must still be understood.

use serde::{Deserialize, Serialize};

use crate::dead_letters::DeadLetterQueue;
use crate::digest::Digest;
use crate::gate::{GateKind, GateStatus};
use crate::ids::{Attempt, Revision, TaskToken, WorkflowId};
use crate::person::Actor;
use crate::slot::{Pause, SlotPool};
use crate::spec::SpecDraft;
use crate::state::WorkflowState;
use crate::workflow::{ExecutionName, ResumePoint, Workflow};

/// The execution's input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExecutionInput {
    /// The workflow.
    pub workflow_id: WorkflowId,
    /// Where an execution begins that resumes a workflow; from the beginning without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<ResumePoint>,
}

impl ExecutionInput {
    /// The input of the execution that carries a workflow.
    pub fn of(workflow: &Workflow) -> Self {
        Self { workflow_id: workflow.id.clone(), from: workflow.resumed.map(|resumption| resumption.from) }
    }
}

/// Input of `planner`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanInput {
    /// The workflow.
    pub workflow_id: WorkflowId,
}

/// Output of `planner`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case", deny_unknown_fields)]
pub enum PlanOutput {
    /// The current revision's SPEC is stored.
    SpecReady,
    /// The ticket is unfit; the workflow has ended.
    NotSuitable,
    /// The workflow was cancelled meanwhile.
    Cancelled,
}

/// Input of `workflow`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case", deny_unknown_fields)]
pub enum WorkflowStep {
    /// Wait for a slot. The answer, a [`SlotOutput`], goes to the task token.
    AcquireSlot {
        /// The workflow.
        workflow_id: WorkflowId,
        /// Which pool.
        pool: SlotPool,
        /// Where the answer goes.
        task_token: TaskToken,
    },
    /// Give a slot back. Answers [`Done`].
    ReleaseSlot {
        /// The workflow.
        workflow_id: WorkflowId,
        /// Which pool.
        pool: SlotPool,
    },
    /// Check freshness and write the attempt's bundle. Answers [`PrepareOutput`].
    Prepare {
        /// The workflow.
        workflow_id: WorkflowId,
    },
    /// Verify what the agent's sandbox left. Answers [`CollectOutput`].
    CollectRun {
        /// The workflow.
        workflow_id: WorkflowId,
        /// The attempt that ended.
        attempt: Attempt,
        /// What the task itself failed with, if it did.
        #[serde(default)]
        task_error: Option<StepError>,
    },
    /// Put the agent's request for more files before people, as an amendment of the approved SPEC. Answers
    /// [`AmendOutput`].
    AmendSpec {
        /// The workflow.
        workflow_id: WorkflowId,
        /// The attempt whose agent asks.
        attempt: Attempt,
    },
    /// Check and store an approver's edit of the SPEC that is asked about. It counts when they approve it. Answers
    /// [`EditOutput`]. The console asks for it.
    EditSpec {
        /// The workflow.
        workflow_id: WorkflowId,
        /// Digest of the SPEC that was edited.
        of: Digest,
        /// The edited SPEC.
        draft: Box<SpecDraft>,
        /// Who edited it, and how it reached us.
        by: Actor,
    },
    /// Read the QA report. Answers [`CollectOutput`].
    CollectQa {
        /// The workflow.
        workflow_id: WorkflowId,
        /// The attempt that ended.
        attempt: Attempt,
        /// What the task itself failed with, if it did.
        #[serde(default)]
        task_error: Option<StepError>,
    },
    /// End the workflow and give its slots back, whatever happened. Answers [`FinishOutput`].
    Finish {
        /// The workflow.
        workflow_id: WorkflowId,
        /// What a step failed with, if one did.
        #[serde(default)]
        error: Option<StepError>,
        /// The name of the execution that ends it. One that does not carry the workflow any more ends nothing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        execution: Option<String>,
    },
    /// The same for an execution that ended without doing so itself. Answers [`FinishOutput`]. The rule on executions'
    /// ends and the sweeper ask for it.
    ExecutionEnded {
        /// Which.
        execution: ExecutionName,
        /// How.
        error: StepError,
    },
    /// Give back slots of workflows that have ended, hand free ones over, and tell holders that were not told. Answers
    /// [`Done`]. The sweeper asks for it.
    SweepSlots {
        /// Which pool.
        pool: SlotPool,
    },
    /// Hand out no more slots of a pool, or go on with it. Answers [`Done`]. The console asks for it.
    PauseSlots {
        /// Which pool.
        pool: SlotPool,
        /// Why it rests; go on without it.
        #[serde(default)]
        pause: Option<Pause>,
    },
    /// Stop sandboxes of workflows that have ended. Answers [`Done`]. The sweeper asks for it.
    SweepSandboxes,
    /// Somebody asked to stop: decide the open gate, stop the running task, leave the slot queue. Answers [`Done`].
    Cancel {
        /// The workflow.
        workflow_id: WorkflowId,
    },
}

/// What `sweeper` is asked by the console besides its round.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case", deny_unknown_fields)]
pub enum SweeperAsk {
    /// Start the execution of a workflow that somebody resumed; the next round would. Answers nothing of interest.
    Start {
        /// The workflow.
        workflow_id: WorkflowId,
    },
    /// Say what is in the queues of dead letters. Answers a list of
    /// [`crate::dead_letters::DeadLetters`].
    DeadLetters,
    /// Hand messages of one of them back to who could not handle them. Answers [`Redriven`].
    Redrive {
        /// Which queue.
        queue: DeadLetterQueue,
    },
}

/// What came of [`SweeperAsk::Redrive`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Redriven {
    /// How many messages were handed back. One call moves a bounded number; what is left shows in the list.
    pub moved: u32,
}

/// What came of an approver's edit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case", deny_unknown_fields)]
pub enum EditOutput {
    /// It is stored, and can be approved by who made it.
    Stored {
        /// The revision that it would be.
        revision: Revision,
        /// Its digest.
        spec_digest: Digest,
    },
    /// It breaks rules. Nothing was stored.
    Refused {
        /// Each, in words.
        problems: Vec<String>,
    },
    /// That SPEC is not asked about, or not any more. Nothing was stored.
    NotAsked,
}

/// An error as Step Functions describes it in `$states.errorOutput`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepError {
    /// Its name.
    #[serde(rename = "Error", default)]
    pub error: String,
    /// Its cause, often JSON.
    #[serde(rename = "Cause", default)]
    pub cause: String,
}

/// An answer without content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case", deny_unknown_fields)]
pub enum Done {
    /// It is done.
    Done,
}

/// The answer to a wait for a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case", deny_unknown_fields)]
pub enum SlotOutput {
    /// The workflow holds a slot.
    Acquired,
    /// The workflow was cancelled while it waited.
    Cancelled,
}

/// Output of [`WorkflowStep::Prepare`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case", deny_unknown_fields)]
pub enum PrepareOutput {
    /// The sandbox can start.
    Ready {
        /// The attempt.
        attempt: Attempt,
        /// Presigned URL of `task.json`.
        task_url: String,
    },
    /// The attempt's change set is verified already: its quality gates can run. A resumed workflow may be there.
    Verified {
        /// The attempt.
        attempt: Attempt,
    },
    /// The SPEC no longer fits; planning starts again.
    Stale,
    /// The workflow was cancelled meanwhile.
    Cancelled,
}

/// Output of [`WorkflowStep::CollectRun`] and [`WorkflowStep::CollectQa`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case", deny_unknown_fields)]
pub enum CollectOutput {
    /// The change set is verified; the QA sandbox can start.
    Verified {
        /// The attempt.
        attempt: Attempt,
        /// Presigned URL of the QA run's `task.json`.
        task_url: String,
    },
    /// The agent asks for more files than the approved SPEC names.
    ScopeChangeRequested,
    /// QA passed.
    Passed,
    /// Not good enough; another attempt follows.
    Retry,
    /// Not good enough, and no attempt is left: the workflow has ended.
    Failed,
    /// The workflow was cancelled meanwhile.
    Cancelled,
}

/// Output of [`WorkflowStep::AmendSpec`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case", deny_unknown_fields)]
pub enum AmendOutput {
    /// The next revision's SPEC is stored, for people to decide on.
    Amended,
    /// There is nothing that people could decide on; the agent is told so by another attempt.
    Retry,
    /// The same, and no attempt is left: the workflow has ended.
    Failed,
    /// The workflow was cancelled meanwhile.
    Cancelled,
}

/// Output of [`WorkflowStep::Finish`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FinishOutput {
    /// The terminal state.
    pub state: WorkflowState,
}

/// Input of `approvals`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case", deny_unknown_fields)]
pub enum ApprovalStep {
    /// Open a gate, or give an open one a new token. The answer, a [`GateOutput`], goes to the task token.
    Open {
        /// The workflow.
        workflow_id: WorkflowId,
        /// Which gate.
        kind: GateKind,
        /// Where the answer goes.
        task_token: TaskToken,
    },
}

/// The answer to a wait for a gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GateOutput {
    /// What was decided.
    pub decision: GateStatus,
    /// For a pull request: it was merged or closed at the code host already, so nothing is left for the publisher.
    #[serde(default)]
    pub settled: bool,
    /// For changes requested: whether another round is allowed.
    #[serde(default)]
    pub another_round: bool,
}

/// Input of `publisher`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case", deny_unknown_fields)]
pub enum PublishStep {
    /// Commit the verified change set and open or update the pull request. Answers [`PublishOutput`].
    Publish {
        /// The workflow.
        workflow_id: WorkflowId,
    },
    /// Merge the approved head. Answers [`MergeOutput`].
    Merge {
        /// The workflow.
        workflow_id: WorkflowId,
    },
    /// Close the pull request with a comment. Answers [`Done`].
    Close {
        /// The workflow.
        workflow_id: WorkflowId,
    },
}

/// Output of [`PublishStep::Publish`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case", deny_unknown_fields)]
pub enum PublishOutput {
    /// The pull request has the verified head.
    Published,
    /// The workflow was cancelled meanwhile.
    Cancelled,
}

/// Output of [`PublishStep::Merge`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case", deny_unknown_fields)]
pub enum MergeOutput {
    /// It is merged.
    Merged,
    /// The base moved: the agent has to go again.
    Conflict,
    /// Required checks or reviews are missing; ask again later.
    Waiting,
    /// It was closed, or no round is left: the workflow has ended.
    Closed,
}
