//! What `dev/python/engine.py` adds to the engine, so that ECS tasks end as in AWS.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use toolchain::engine::Engine;

use crate::aws;

const LIMIT: Duration = Duration::from_secs(15);

/// An execution that waits for its task.
struct Run {
    engine: Engine,
    _folder: tempfile::TempDir,
    execution: String,
    task: String,
}

impl Run {
    fn start(timeout_seconds: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let engine = crate::start(&folder);
        ecs(&engine, "CreateCluster", json!({"clusterName": "runs"}));
        let container = json!({"name": "runner", "image": "runner:1", "essential": true, "stopTimeout": 1});
        ecs(
            &engine,
            "RegisterTaskDefinition",
            json!({"family": "agent", "requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc",
                "cpu": "256", "memory": "512", "containerDefinitions": [container]}),
        );
        let definition = json!({"QueryLanguage": "JSONata", "StartAt": "Run", "States": {"Run": {
            "Type": "Task", "Resource": "arn:aws:states:::ecs:runTask.sync", "TimeoutSeconds": timeout_seconds,
            "Arguments": {"Cluster": "runs", "TaskDefinition": "agent"}, "End": true}}});
        let role = aws::create_role(&engine, "states.amazonaws.com");
        let machine = states(
            &engine,
            "CreateStateMachine",
            json!({"name": "machine", "definition": definition.to_string(), "roleArn": role}),
        );
        let execution =
            states(&engine, "StartExecution", json!({"stateMachineArn": machine["stateMachineArn"], "input": "{}"}));
        let task = eventually("a task", || {
            let tasks = ecs(&engine, "ListTasks", json!({"cluster": "runs"}));
            tasks["taskArns"][0].as_str().map(str::to_owned)
        });
        let execution = execution["executionArn"].as_str().unwrap().to_owned();
        Self { engine, _folder: folder, execution, task }
    }

    fn task(&self) -> Value {
        let tasks = ecs(&self.engine, "DescribeTasks", json!({"cluster": "runs", "tasks": [self.task]}));
        tasks["tasks"][0].clone()
    }

    fn stop(&self) {
        ecs(&self.engine, "StopTask", json!({"cluster": "runs", "task": self.task, "reason": "cancelled"}));
    }

    fn report(&self, exit_code: i32) {
        ecs(
            &self.engine,
            "SubmitTaskStateChange",
            json!({"cluster": "runs", "task": self.task, "status": "STOPPED",
                "containers": [{"containerName": "runner", "exitCode": exit_code, "status": "STOPPED"}]}),
        );
    }

    fn status(&self) -> Value {
        states(&self.engine, "DescribeExecution", json!({"executionArn": self.execution}))
    }

    fn end(&self) -> Value {
        eventually("the end of the execution", || Some(self.status()).filter(|status| status["status"] != "RUNNING"))
    }
}

fn ecs(engine: &Engine, action: &str, input: Value) -> Value {
    aws::call(engine, "ecs", &format!("AmazonEC2ContainerServiceV20141113.{action}"), &input)
}

fn states(engine: &Engine, action: &str, input: Value) -> Value {
    aws::call(engine, "states", &format!("AWSStepFunctions.{action}"), &input)
}

fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < LIMIT, "{what} did not come");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_reported_end_ends_the_state() {
    let run = Run::start(60);
    assert_eq!(run.task()["lastStatus"], "RUNNING");
    run.report(0);
    let end = run.end();
    assert_eq!(end["status"], "SUCCEEDED");
    let output: Value = serde_json::from_str(end["output"].as_str().unwrap()).unwrap();
    assert_eq!(output["Containers"][0]["ExitCode"], 0);
    assert_eq!(output["StopCode"], "EssentialContainerExited");
}

#[test]
fn an_exit_code_fails_the_state() {
    let run = Run::start(60);
    run.report(3);
    let end = run.end();
    assert_eq!((&end["status"], &end["error"]), (&json!("FAILED"), &json!("States.TaskFailed")));
    let cause: Value = serde_json::from_str(end["cause"].as_str().unwrap()).unwrap();
    assert_eq!(cause["Containers"][0]["ExitCode"], 3);
}

#[test]
fn stopping_asks_and_the_report_ends() {
    let run = Run::start(60);
    run.stop();
    let task = run.task();
    assert_eq!((&task["desiredStatus"], &task["lastStatus"]), (&json!("STOPPED"), &json!("RUNNING")));
    assert_eq!(run.status()["status"], "RUNNING");
    run.report(143);
    assert_eq!(run.end()["error"], "States.TaskFailed");
    let task = run.task();
    assert_eq!((&task["stopCode"], &task["stoppedReason"]), (&json!("UserInitiated"), &json!("cancelled")));
    assert_eq!(task["containers"][0]["exitCode"], 143);
}

#[test]
fn a_stopped_task_that_nobody_reports_is_killed() {
    let run = Run::start(60);
    run.stop();
    assert_eq!(run.end()["error"], "States.TaskFailed");
    assert_eq!(run.task()["containers"][0]["exitCode"], 137);
}

#[test]
fn a_state_that_times_out_stops_its_task() {
    let run = Run::start(1);
    assert_eq!(run.end()["error"], "States.Timeout");
    let task = eventually("the stop", || Some(run.task()).filter(|task| task["desiredStatus"] == "STOPPED"));
    assert_eq!(task["stoppedReason"], "State timed out");
}
