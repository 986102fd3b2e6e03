// Keeps the agent to the files of the approved SPEC.
//
// It blocks `write` and `edit` on any other path before the tool runs, and tells the agent which files it may change
// and how to ask for more. It is guidance with teeth, not the boundary: a shell command can still write elsewhere.
// The supervisor's change set and the verifier outside the sandbox refuse what slips through.

import { readFileSync, realpathSync } from "node:fs";
import { homedir } from "node:os";
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";

/** The environment variable that names the file with the scope: `{"files": [{"path", "action"}]}`. */
export const SCOPE_FILE_VARIABLE = "PI_TICKETS_SCOPE_FILE";

/** The name under which the supervisor looks for this extension among Pi's commands. */
export const HANDSHAKE_COMMAND = "pi-tickets-scope";

/** The tool by which the agent asks for files that the SPEC does not list. */
export const REQUEST_TOOL = "request_scope_change";

const GUARDED_TOOLS = new Set(["write", "edit"]);
const UNICODE_SPACES = /[\u00A0\u2000-\u200A\u202F\u205F\u3000]/g;

/**
 * Reads the scope once. A scope that cannot be read allows nothing.
 * @param {string | undefined} file
 * @returns {{ files: Map<string, string>, problem?: string }}
 */
export function loadScope(file) {
  try {
    const { files } = JSON.parse(readFileSync(file ?? "", "utf8"));
    return { files: new Map(files.map(({ path, action }) => [path, action])) };
  } catch (error) {
    return { files: new Map(), problem: `the list of approved files could not be read (${error.message})` };
  }
}

/**
 * The absolute path that Pi's file tools would use for an argument.
 * @param {string} argument
 * @param {string} cwd
 */
export function toolPath(argument, cwd) {
  let path = argument.replace(UNICODE_SPACES, " ");
  if (path.startsWith("@")) path = path.slice(1);
  if (path === "~") path = homedir();
  else if (path.startsWith("~/")) path = join(homedir(), path.slice(2));
  if (path.startsWith("file://")) path = fileURLToPath(path);
  return resolve(cwd, path);
}

/** Where a path leads when every symbolic link on the way is followed; the last parts need not exist. */
function realPath(path) {
  try {
    return realpathSync(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(realPath(parent), basename(path));
  }
}

/**
 * The path inside the repository that an argument leads to, or undefined when it leads outside.
 * @param {string} argument
 * @param {string} cwd
 */
export function repositoryPath(argument, cwd) {
  const inside = relative(realPath(cwd), realPath(toolPath(argument, cwd)));
  if (inside === "" || inside === ".." || inside.startsWith(`..${sep}`) || isAbsolute(inside)) return undefined;
  return inside.split(sep).join("/");
}

/**
 * Decides about one tool call.
 * @param {{ files: Map<string, string>, problem?: string }} scope
 * @param {string} tool
 * @param {unknown} argument
 * @param {string} cwd
 * @returns {{ block: true, reason: string } | undefined}
 */
export function decide(scope, tool, argument, cwd) {
  if (!GUARDED_TOOLS.has(tool)) return undefined;
  if (scope.problem) return refuse(`Nothing may be changed: ${scope.problem}. Stop and say so.`);
  if (typeof argument !== "string" || argument === "") return refuse(`\`${tool}\` needs a \`path\`.`);
  const path = repositoryPath(argument, cwd);
  if (path === undefined) {
    return refuse(`\`${argument}\` lies outside the repository. Use a path relative to its root. ${allowed(scope)}`);
  }
  const action = scope.files.get(path);
  if (action === undefined) {
    return refuse(
      `\`${path}\` is not in the approved SPEC, so it was not changed. ${allowed(scope)} ` +
        `Solve the task within these files. If that is impossible, call \`${REQUEST_TOOL}\` with the paths you need ` +
        `and why.`,
    );
  }
  if (action === "delete") {
    return refuse(`The approved SPEC deletes \`${path}\`; remove it with \`rm\` instead of writing it.`);
  }
  return undefined;
}

function refuse(reason) {
  return { block: true, reason };
}

function allowed(scope) {
  const list = [...scope.files].map(([path, action]) => `\`${path}\` (${action})`);
  return list.length ? `Files that may be changed: ${list.join(", ")}.` : "No file may be changed.";
}

const requestParameters = {
  type: "object",
  properties: {
    paths: {
      type: "array",
      minItems: 1,
      maxItems: 20,
      items: { type: "string", description: "Exact path relative to the repository's root, no pattern" },
      description: "The files that the approved SPEC does not list and that must be created or changed as well",
    },
    reason: { type: "string", minLength: 1, description: "Why the task cannot be solved without them" },
  },
  required: ["paths", "reason"],
};

/**
 * Decides about a request for more files. Whether the paths can be asked for at all is judged outside the sandbox.
 * @param {{ files: Map<string, string>, problem?: string }} scope
 * @param {{ paths: string[], reason: string }} request
 * @returns {string | undefined} Why it is pointless, if it is: the run then goes on.
 */
export function pointless(scope, { paths, reason }) {
  if (reason.trim() === "") return "Say in `reason` why the task cannot be solved without these files.";
  const listed = paths.filter((path) => scope.files.has(path));
  if (listed.length < paths.length) return undefined;
  return `The approved SPEC lists ${listed.map((path) => `\`${path}\``).join(", ")} already. ${allowed(scope)}`;
}

/** The extension. */
export default function scopeExtension(pi) {
  const scope = loadScope(process.env[SCOPE_FILE_VARIABLE]);

  pi.on("tool_call", (event, context) => decide(scope, event.toolName, event.input?.path, context.cwd));

  pi.registerTool({
    name: REQUEST_TOOL,
    label: "Request a change of scope",
    description:
      "Ask for files that the approved SPEC does not list. Only when the task cannot be solved without them: it ends " +
      "this run, and people decide. What was changed within the approved files is kept for the next run.",
    parameters: requestParameters,
    async execute(_id, request) {
      const problem = pointless(scope, request);
      if (problem !== undefined) throw new Error(problem);
      const text = "The request is recorded. This run ends here; people decide about the files.";
      return { content: [{ type: "text", text }], details: request, terminate: true };
    },
  });

  pi.registerCommand(HANDSHAKE_COMMAND, {
    description: "Show the files that may be changed",
    handler: async (_arguments, context) => context.ui.notify(allowed(scope), "info"),
  });
}
