import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import scopeExtension, { HANDSHAKE_COMMAND, REQUEST_TOOL, SCOPE_FILE_VARIABLE, decide, loadScope } from "./scope.mjs";

let root;
let cwd;
let scope;

before(() => {
  root = mkdtempSync(join(tmpdir(), "scope-"));
  cwd = join(root, "workspace");
  mkdirSync(join(cwd, "src"), { recursive: true });
  mkdirSync(join(root, "outside"));
  writeFileSync(join(cwd, "src", "a.txt"), "a");
  symlinkSync(join(root, "outside"), join(cwd, "way-out"));
  symlinkSync(join(cwd, "src"), join(cwd, "alias"));
  const file = join(root, "scope.json");
  const files = [
    { path: "src/a.txt", action: "modify" },
    { path: "new/deep/b.txt", action: "create" },
    { path: "way-out/x.txt", action: "create" },
    { path: "src/old.txt", action: "delete" },
  ];
  writeFileSync(file, JSON.stringify({ files }));
  scope = loadScope(file);
});

after(() => rmSync(root, { recursive: true }));

describe("paths of the SPEC", () => {
  it("may be written under every spelling that leads to them", () => {
    for (const path of ["src/a.txt", "./src/a.txt", "src/../src/a.txt", "@src/a.txt", "alias/a.txt", "new/deep/b.txt"]) {
      assert.equal(decide(scope, "edit", path, cwd), undefined, path);
    }
    assert.equal(decide(scope, "write", join(cwd, "src/a.txt"), cwd), undefined);
    assert.equal(decide(scope, "write", `file://${join(cwd, "src/a.txt")}`, cwd), undefined);
  });

  it("are not written when the SPEC deletes them", () => {
    assert.match(decide(scope, "write", "src/old.txt", cwd).reason, /remove it with `rm`/);
  });
});

describe("every other path", () => {
  it("is refused, with the allowed files and the way to ask", () => {
    const { block, reason } = decide(scope, "write", "src/b.txt", cwd);
    assert.equal(block, true);
    assert.match(reason, /`src\/b.txt` is not in the approved SPEC/);
    assert.match(reason, /`src\/a.txt` \(modify\)/);
    assert.match(reason, /request_scope_change/);
  });

  it("is refused outside the repository, through links too", () => {
    for (const path of ["../outside/x", "/etc/passwd", "way-out/x.txt", "~/x", "~", ".", homedir()]) {
      assert.match(decide(scope, "write", path, cwd).reason, /outside the repository/, path);
    }
  });

  it("is refused when it is missing or not a text", () => {
    for (const path of [undefined, null, 7, "", {}]) assert.equal(decide(scope, "edit", path, cwd).block, true);
  });
});

it("other tools are not its business", () => {
  assert.equal(decide(scope, "read", "/etc/passwd", cwd), undefined);
  assert.equal(decide(scope, "bash", undefined, cwd), undefined);
});

it("a scope that cannot be read allows nothing", () => {
  for (const file of [undefined, "/does/not/exist", cwd]) {
    assert.match(decide(loadScope(file), "write", "src/a.txt", cwd).reason, /Nothing may be changed/);
  }
});

it("registers the guard, the request tool and the handshake", async () => {
  process.env[SCOPE_FILE_VARIABLE] = join(root, "scope.json");
  const seen = { on: {}, tools: [], commands: [] };
  scopeExtension({
    on: (event, handler) => (seen.on[event] = handler),
    registerTool: (tool) => seen.tools.push(tool),
    registerCommand: (name) => seen.commands.push(name),
  });
  assert.equal(seen.on.tool_call({ toolName: "write", input: { path: "x" } }, { cwd }).block, true);
  assert.deepEqual(seen.commands, [HANDSHAKE_COMMAND]);
  assert.equal(seen.tools[0].name, REQUEST_TOOL);
  const request = { paths: ["x", "src/a.txt"], reason: "It is called there." };
  const { details, terminate } = await seen.tools[0].execute("1", request);
  assert.deepEqual({ details, terminate }, { details: request, terminate: true });
  await assert.rejects(seen.tools[0].execute("2", { ...request, paths: ["src/a.txt"] }), /lists `src\/a.txt` already/);
  await assert.rejects(seen.tools[0].execute("3", { ...request, reason: " " }), /Say in `reason` why/);
});
