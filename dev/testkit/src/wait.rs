//! Executions that wait for a real task token, and what they were told.

use domain::ids::TaskToken;
use serde_json::{Value, json};

use crate::World;
use crate::world::unique;

/// Longest time that an execution may take for its next step, seconds.
const PATIENCE: i32 = 20;

/// What an execution was told through its token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The output.
    Success(Value),
    /// The error's name and its cause.
    Failure(String, String),
}

/// An execution that waits. Its machine has one state that waits for a token, and one more that puts what came of it
/// on a queue, so that nobody has to ask again and again.
pub struct Wait {
    /// What it waits for.
    pub token: TaskToken,
    /// The execution.
    pub execution: String,
    queues: aws_sdk_sqs::Client,
    queue: String,
}

impl World {
    /// Starts an execution and waits until it waits.
    pub async fn wait(&self) -> Wait {
        let queue = self.queue().await;
        let machine = self.machine(&definition(&queue)).await;
        let started = self.states().start_execution().state_machine_arn(machine).send().await.unwrap();
        let queues = self.queues();
        let message = receive(&queues, &queue).await;
        let token = TaskToken::new(message["token"].as_str().unwrap());
        Wait { token, execution: started.execution_arn, queues, queue }
    }

    /// A state machine whose executions run until they are stopped. Answers its ARN.
    pub async fn endless_machine(&self) -> String {
        self.machine(&definition(&self.queue().await)).await
    }

    /// Starts an execution of a machine with a name of its own. Answers its ARN.
    pub async fn execute(&self, machine: &str, name: &str) -> String {
        let call = self.states().start_execution().state_machine_arn(machine).name(name);
        call.send().await.unwrap().execution_arn
    }

    /// The names of all executions of a machine that were ever started.
    pub async fn executions(&self, machine: &str) -> Vec<String> {
        let listed = self.states().list_executions().state_machine_arn(machine).send().await.unwrap();
        listed.executions.into_iter().map(|execution| execution.name).collect()
    }

    async fn machine(&self, definition: &Value) -> String {
        let role = self.role("states.amazonaws.com", "sqs:SendMessage", "*");
        let call = self.states().create_state_machine().name(unique("machine")).role_arn(role);
        call.definition(definition.to_string()).send().await.unwrap().state_machine_arn
    }
}

impl Wait {
    /// What the token was told; waits until it is.
    pub async fn outcome(&self) -> Outcome {
        let message = receive(&self.queues, &self.queue).await;
        match message.get("error") {
            None => Outcome::Success(message["output"].clone()),
            Some(error) => {
                let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                Outcome::Failure(text(error), text(&message["cause"]))
            }
        }
    }
}

async fn receive(queues: &aws_sdk_sqs::Client, queue: &str) -> Value {
    let answer = queues.receive_message().queue_url(queue).wait_time_seconds(PATIENCE).send().await.unwrap();
    let message = answer.messages.unwrap_or_default().into_iter().next();
    let message = message.unwrap_or_else(|| panic!("nothing came within {PATIENCE} s"));
    let delete = queues.delete_message().queue_url(queue).receipt_handle(message.receipt_handle().unwrap());
    delete.send().await.unwrap();
    serde_json::from_str(message.body().unwrap()).unwrap()
}

fn definition(queue: &str) -> Value {
    let send = |body: Value, waits: bool| {
        let suffix = if waits { ".waitForTaskToken" } else { "" };
        json!({
            "Type": "Task",
            "Resource": format!("arn:aws:states:::sqs:sendMessage{suffix}"),
            "Parameters": { "QueueUrl": queue, "MessageBody": body },
        })
    };
    let mut wait = send(json!({ "token.$": "$$.Task.Token" }), true);
    wait["Next"] = "Good".into();
    wait["Catch"] = json!([{ "ErrorEquals": ["States.ALL"], "Next": "Bad" }]);
    let mut good = send(json!({ "output.$": "$" }), false);
    good["End"] = true.into();
    let mut bad = send(json!({ "error.$": "$.Error", "cause.$": "$.Cause" }), false);
    bad["End"] = true.into();
    json!({ "StartAt": "Wait", "States": { "Wait": wait, "Good": good, "Bad": bad } })
}
