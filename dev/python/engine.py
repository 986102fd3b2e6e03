"""Start the local AWS engine (MiniStack) for one stack, and end it with its parent.

The `toolchain` crate runs this with the interpreter of `.venv/engine` and a cleared
environment. The package itself is not changed. A few of its functions are replaced in
memory, each for the reason stated beside it: all bring it nearer to AWS. Its version is
pinned by hash, and a name used here that it no longer has stops the start with a clear
message.

Protocol with the parent:
  * standard input is a pipe that the parent keeps open. The first line is JSON:
    {"root_access_key_id": "..."}. End of file means that the parent is gone, however it
    went, and the engine ends;
  * this process leads its own process group, so that the Lambda functions, which it
    starts as children, end with it.
"""

import contextvars
import dataclasses
import json
import os
import signal
import socketserver
import sys
import threading
import time

# How often `ecs:runTask.sync` looks at its task.
ECS_POLL_SECONDS = 0.1
# What ECS grants a container between SIGTERM and SIGKILL when the definition does not say.
ECS_STOP_TIMEOUT_SECONDS = 30
# How much longer than that the engine waits for a task's end to be reported.
ECS_STOP_MARGIN_SECONDS = 5
# What 128 + SIGKILL is called in an exit code.
EXIT_CODE_KILLED = 137
# How long functions get between SIGTERM and SIGKILL.
GRACE_SECONDS = 2.0

# Set while a state with TimeoutSeconds runs its task; the event is set when it gives up.
GAVE_UP = contextvars.ContextVar("gave_up", default=None)


def main():
    lead_process_group()
    settings = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=end_with_parent, name="parent-watch", daemon=True).start()

    send_small_writes_at_once()
    accept_one_root_key(settings["root_access_key_id"])
    authorize_batches_as_aws_does()
    authorize_log_streams_as_aws_does()
    assume_roles_for_this_account()
    lock_buckets_as_aws_does()
    wait_for_tasks_as_aws_does()
    stop_tasks_as_aws_does()

    sys.argv = ["ministack"]
    from ministack.app import main as serve

    try:
        serve()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os.killpg(os.getpgrp(), signal.SIGKILL)


def lead_process_group():
    """Make this process the leader of its own group, if the parent did not."""
    if os.getpgrp() != os.getpid():
        os.setpgid(0, 0)


def end_with_parent():
    """Wait until the parent closes the pipe, then end the whole group."""
    while os.read(0, 4096):
        pass
    os.killpg(os.getpgrp(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os.killpg(os.getpgrp(), signal.SIGKILL)


def require(module, *names):
    """Stop if the package no longer has a name that this file uses or replaces."""
    for name in names:
        if not hasattr(module, name):
            sys.exit(
                f"engine.py: the installed MiniStack has no {module.__name__}.{name}; "
                "this launcher fits the version that requirements.txt pins"
            )


def send_small_writes_at_once():
    """A function's event and answer travel as a write of headers and a write of body.

    With Nagle's algorithm the second waits for the peer's delayed acknowledgement:
    52 ms a request instead of 8.5 ms.
    """
    socketserver.StreamRequestHandler.disable_nagle_algorithm = True


def accept_one_root_key(root_key):
    """Only the key that the parent chose is root.

    MiniStack takes "test", and every number of 12 digits, for root and does not check
    their signatures: whatever reaches the port would own the stack, a sandboxed program
    with a loopback interface included.
    """
    from ministack.core import iam_evaluator
    from ministack.services import sts

    require(iam_evaluator, "is_root_access_key", "_is_root_key")
    require(sts, "is_root_access_key")

    def is_root(access_key_id):
        # An absent key is MiniStack's mark for its own calls; unsigned requests from
        # outside are refused before this question is asked.
        return not access_key_id or access_key_id == root_key

    iam_evaluator.is_root_access_key = is_root
    sts.is_root_access_key = is_root


def authorize_batches_as_aws_does():
    """Who may send, delete or hide a message may do so with several at once.

    IAM knows no `sqs:SendMessageBatch`, and a policy linter says so; MiniStack asks for it.
    """
    from ministack.core import iam_actions

    require(iam_actions, "extract_iam_action")
    extract = iam_actions.extract_iam_action

    def action(service, *request):
        name = extract(service, *request)
        return name.removesuffix("Batch") if service == "sqs" and name else name

    iam_actions.extract_iam_action = action


def authorize_log_streams_as_aws_does():
    """What writes to a log stream needs a permission for the stream: `log-group:NAME:*`.

    MiniStack asks for one for the group, `log-group:NAME`, which that pattern does not match.
    """
    from ministack.core import iam_actions

    require(iam_actions, "extract_resource_arn", "_safe_json_field")
    extract = iam_actions.extract_resource_arn

    def resource_arn(service, *request, **options):
        arn = extract(service, *request, **options)
        if service == "logs":
            stream = iam_actions._safe_json_field(request[3], "logStreamName")
            if stream and ":log-group:" in arn:
                return f"{arn}:log-stream:{stream}"
        return arn

    iam_actions.extract_resource_arn = resource_arn


def assume_roles_for_this_account():
    """Root takes a role as a service of AWS would, which says for whose account it does.

    The stand-in for Fargate gives sandboxes their role. A trust policy that lets ECS in
    only for this account, as it should, refuses a caller without `aws:SourceAccount`.
    """
    from ministack.core import iam_evaluator

    require(iam_evaluator, "EvalContext", "evaluate_trust_policy")
    evaluate = iam_evaluator.evaluate_trust_policy

    def evaluate_for_account(document, caller, context=None):
        if context is not None and caller.endswith(":root"):
            facts = {**(context.service_context or {}), "aws:sourceaccount": context.principal_account}
            context = dataclasses.replace(context, service_context=facts)
        return evaluate(document, caller, context)

    iam_evaluator.evaluate_trust_policy = evaluate_for_account


def lock_buckets_as_aws_does():
    """A bucket that a template makes with Object Lock has it.

    MiniStack knows the lock by S3's own calls only and passes over the properties.
    """
    from ministack.services import s3
    from ministack.services.cloudformation import provisioners

    require(provisioners, "_s3_apply_configurations")
    require(s3, "_bucket_object_lock")
    apply = provisioners._s3_apply_configurations

    def apply_with_lock(name, properties, old_properties=None):
        apply(name, properties, old_properties)
        rule = (properties.get("ObjectLockConfiguration") or {}).get("Rule") or {}
        default = rule.get("DefaultRetention")
        if default:
            default = {"Mode": default["Mode"], "Days": int(default["Days"])}
        if str(properties.get("ObjectLockEnabled")).lower() == "true":
            s3._bucket_object_lock[name] = {"enabled": True, "default_retention": default}

    provisioners._s3_apply_configurations = apply_with_lock


def wait_for_tasks_as_aws_does():
    """`ecs:runTask.sync`: wait as long as the state allows, and fail if the container did.

    MiniStack looks once a second, gives up after 600 looks, answers success whatever the
    exit code, and leaves the task running when the state times out. AWS waits for
    TimeoutSeconds and then stops the task, answers with the task in PascalCase, and fails
    the state with States.TaskFailed when a container did not return 0.
    """
    from ministack.services import ecs, stepfunctions

    require(ecs, "_describe_tasks", "_stop_task")
    require(stepfunctions, "_poll_ecs_tasks", "_invoke_resource_with_timeout", "_ExecutionError")
    failure = stepfunctions._ExecutionError
    with_timeout = stepfunctions._invoke_resource_with_timeout

    def invoke_with_timeout(resource, input_data, timeout):
        gave_up = threading.Event()
        token = GAVE_UP.set(gave_up)
        try:
            return with_timeout(resource, input_data, timeout)
        except failure:
            gave_up.set()
            raise
        finally:
            GAVE_UP.reset(token)

    def poll(cluster, task_arns):
        gave_up = GAVE_UP.get() or threading.Event()
        while True:
            _, _, body = ecs._describe_tasks({"cluster": cluster, "tasks": task_arns})
            tasks = json.loads(body).get("tasks", []) if body else []
            if not tasks:
                raise failure("ECS.AmazonECSException", "The task of this state does not exist.")
            if all(task.get("lastStatus") == "STOPPED" for task in tasks):
                break
            if gave_up.wait(ECS_POLL_SECONDS):
                for arn in task_arns:
                    ecs._stop_task({"cluster": cluster, "task": arn, "reason": "State timed out"})
                return None
        results = [pascal_case(task) for task in tasks]
        result = results[0] if len(results) == 1 else {"Tasks": results, "Failures": []}
        codes = [c.get("exitCode") for task in tasks for c in task.get("containers", [])]
        if any(code != 0 for code in codes):
            raise failure("States.TaskFailed", json.dumps(result))
        return result

    stepfunctions._invoke_resource_with_timeout = invoke_with_timeout
    stepfunctions._poll_ecs_tasks = poll


def pascal_case(value):
    """The same value with the first letter of every key in upper case, as AWS SDKs name them."""
    if isinstance(value, list):
        return [pascal_case(item) for item in value]
    if isinstance(value, dict):
        return {key[:1].upper() + key[1:]: pascal_case(item) for key, item in value.items()}
    return value


def stop_tasks_as_aws_does():
    """StopTask asks for the end of a task; SubmitTaskStateChange reports it, with exit codes.

    SubmitTaskStateChange is the call by which Amazon's own container agent reports, and
    the stand-in for Fargate uses it. MiniStack acknowledges it and does nothing, and its
    StopTask records an immediate end with exit code 0, while the program still runs.
    """
    from ministack.core.concurrency import resource_lock
    from ministack.core.responses import error_response_json, json_response
    from ministack.services import ecs

    require(
        ecs,
        "_ACTION_MAP",
        "_bump_task_version",
        "_iso",
        "_mark_task_stopped",
        "_resolve_cluster_name",
        "_resolve_task",
        "_sanitize",
        "_stop_task",
        "_task_defs",
    )

    def resolve(data):
        cluster = ecs._resolve_cluster_name(data.get("cluster", "default"))
        return ecs._resolve_task(data.get("task", ""), cluster) if cluster else None

    def not_found():
        return error_response_json(
            "InvalidParameterException", "The referenced task was not found.", 400
        )

    def finish(task, reason, stop_code, exit_codes):
        """Record the end. `exit_codes` maps container names to codes; None means every one."""
        with resource_lock("ecs-task", task["taskArn"]):
            if task["lastStatus"] == "STOPPED":
                return
            for container in task.get("containers", []):
                code = exit_codes.get(container["name"], exit_codes.get(None))
                if code is not None:
                    container["exitCode"] = code
            if task["desiredStatus"] == "STOPPED":
                reason, stop_code = task["stoppedReason"], task["stopCode"]
                # The package's own function, which also recounts the cluster, ignores a
                # task whose end was already asked for.
                task["desiredStatus"] = "RUNNING"
        ecs._mark_task_stopped(task["taskArn"], task, reason, stop_code)

    def stop_timeout(task):
        definition = ecs._task_defs.get(task["taskDefinitionArn"].rsplit("/", 1)[-1]) or {}
        times = [c.get("stopTimeout") for c in definition.get("containerDefinitions", [])]
        return max((t for t in times if t), default=ECS_STOP_TIMEOUT_SECONDS)

    def stop(data):
        task = resolve(data)
        if task is None:
            return not_found()
        with resource_lock("ecs-task", task["taskArn"]):
            if task["desiredStatus"] != "STOPPED":
                ecs._bump_task_version(task)
                task["desiredStatus"] = "STOPPED"
                task["stoppingAt"] = ecs._iso()
                task["stopCode"] = "UserInitiated"
                task["stoppedReason"] = data.get("reason", "Task stopped by user")
                # In the end ECS kills a container, whether or not it was told why.
                killer = threading.Timer(
                    stop_timeout(task) + ECS_STOP_MARGIN_SECONDS,
                    contextvars.copy_context().run,
                    (finish, task, "", "", {None: EXIT_CODE_KILLED}),
                )
                killer.daemon = True
                killer.start()
            answer = ecs._sanitize(task)
        return json_response({"task": answer})

    def submit(data):
        task = resolve(data)
        if task is None:
            return not_found()
        if data.get("status") == "STOPPED":
            codes = {
                container.get("containerName"): container["exitCode"]
                for container in data.get("containers", [])
                if container.get("exitCode") is not None
            }
            reason = data.get("reason") or "Essential container in task exited"
            finish(task, reason, "EssentialContainerExited", codes)
        return json_response({"acknowledgment": "ACCEPT"})

    ecs._stop_task = stop
    ecs._ACTION_MAP["StopTask"] = stop
    ecs._ACTION_MAP["SubmitTaskStateChange"] = submit


if __name__ == "__main__":
    main()
