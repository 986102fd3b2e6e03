//! Signs of tests that are made to pass, as patterns: what counts is that a change has more of them than the base.

use std::sync::LazyLock;

use domain::qa::FindingKind;
use regex::Regex;

use crate::gates::counts::pattern;
use crate::gates::language::Language::{self, Go, JavaScript, Python, Rust};

/// Where a rule looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// In test files.
    Tests,
    /// In all files that are not tests.
    Sources,
    /// In all files.
    Everywhere,
}

/// One sign.
#[derive(Debug)]
pub(super) struct Rule {
    /// Whose code.
    pub language: Language,
    /// In which files.
    pub scope: Scope,
    /// What it is a sign of.
    pub kind: FindingKind,
    /// The sign.
    pub sign: Regex,
    /// The sentence's end, behind "this change".
    pub words: &'static str,
}

const SKIPS: &str = "skips tests, singles tests out or expects them to fail";
const TRIVIAL: &str = "adds checks that cannot fail";
const DEAD: &str = "adds code to tests that keeps checks from being reached or from failing";
const ENDS: &str = "adds code that ends the process as a success";
const FRAMEWORK: &str = "adds code that reaches into the test framework or the module system";
const DETECTS: &str = "adds code that finds out whether it is being tested";
const WRITES: &str = "adds code that names files which decide how tests run";

/// All signs.
pub(super) static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    use FindingKind::{
        DetectsTests, EndsProcess, TestInfrastructure, TestsSkipped, TouchesTestFramework, TrivialAssertions,
    };
    use Scope::{Everywhere, Sources, Tests};
    let rule = |language, scope, kind, sign: &str, words| Rule { language, scope, kind, sign: pattern(sign), words };
    let configuration = r#"conftest\.py|pytest\.ini|sitecustomize|usercustomize|\.pth["']|node_modules|package\.json|jest\.config|vitest\.config|\.mocharc|\.npmrc|\.cargo|unittest/|_pytest/"#;
    vec![
        rule(
            JavaScript,
            Tests,
            TestsSkipped,
            r"\.(?:skip|only|todo|failing|skipIf|runIf)\b|\bx(?:it|test|describe)\b|\bf(?:it|describe)\s*\(|\b(?:skip|only|todo)\s*:",
            SKIPS,
        ),
        rule(
            Python,
            Tests,
            TestsSkipped,
            r"\bskip(?:If|Unless|Test|if)?\b|\bSkipTest\b|\bexpectedFailure\b|\bxfail\b|\bimportorskip\b|\bcollect_ignore|__test__|\bload_tests\b|\bnocollect",
            SKIPS,
        ),
        rule(
            Rust,
            Tests,
            TestsSkipped,
            r"#\[\s*ignore|#\[\s*should_panic|#\[\s*cfg(?:_attr)?\(\s*(?:any\(\)|not|feature|target)|ignore\s*=",
            SKIPS,
        ),
        rule(Go, Tests, TestsSkipped, r"\.Skip(?:Now|f)?\(|testing\.Short\(|func TestMain\(", SKIPS),
        rule(
            JavaScript,
            Tests,
            TrivialAssertions,
            r"\bassert(?:\.ok)?\(\s*(?:true|1|!0|!false)\s*[,)]|\.(?:strictE|deepE|deepStrictE|e)qual\(\s*(true|false|null|-?\d+)\s*,\s*(?:true|false|null|-?\d+)\s*[,)]|expect\(\s*(?:true|1|!0)\s*\)|expect\.anything|\.toBeDefined\(\)",
            TRIVIAL,
        ),
        rule(
            Python,
            Tests,
            TrivialAssertions,
            r"\bassert(?:True\(|\s*\(?)\s*(?:True|1|not False)\s*(?:[,)\n]|$)|assertEqual\(\s*(?:True|False|None|-?\d+)\s*,\s*(?:True|False|None|-?\d+)\s*[,)]|\bassert\s*\(\s*[^()]*(?:\([^()]*\)[^()]*)*,\s*[\x22']|\bor True\b|\bif True else\b",
            TRIVIAL,
        ),
        rule(
            Rust,
            Tests,
            TrivialAssertions,
            r"\bassert!\(\s*true|assert_eq!\(\s*(?:true|false|-?\d+)\s*,\s*(?:true|false|-?\d+)\s*[,)]|\|\|\s*true\b",
            TRIVIAL,
        ),
        rule(
            JavaScript,
            Tests,
            TestsSkipped,
            r"(?m)^\s*return;?\s*$|\bif\s*\(\s*(?:false|0|!1|process\.env)|\bcatch\s*(?:\([^)]*\))?\s*\{\s*\}|\.catch\(\s*\(\w*\)\s*=>\s*\{\s*\}|\|\|\s*true\b",
            DEAD,
        ),
        rule(
            Python,
            Tests,
            TestsSkipped,
            r"(?m)^\s*return\s*$|\b(?:if|while)\s+(?:False|0|os\.environ|os\.getenv)|\bexcept\b[^:\n]*:\s*(?:pass|return|\.\.\.)|\bsuppress\(",
            DEAD,
        ),
        rule(
            Rust,
            Tests,
            TestsSkipped,
            r"(?m)^\s*return;\s*$|\bif\s+(?:false|cfg!)|catch_unwind|std::env::var|option_env!",
            DEAD,
        ),
        rule(Go, Tests, TestsSkipped, r"(?m)^\s*return\s*$|\bif\s+false\b|\brecover\(\)|os\.Getenv", DEAD),
        rule(
            JavaScript,
            Everywhere,
            EndsProcess,
            r"\bprocess\s*(?:\.|\[\s*['\x22])(?:exit['\x22]?\]?\s*\(\s*0?\s*\)|reallyExit|kill|abort|exitCode['\x22]?\]?\s*=\s*(?:0|undefined))|\bprocess\.(?:on|once|addListener|prependListener)\(\s*['\x22](?:exit|beforeExit|uncaughtException|unhandledRejection)",
            ENDS,
        ),
        rule(
            Python,
            Everywhere,
            EndsProcess,
            r"\bos\._exit\s*\(|\bsys\.exit\(\s*0?\s*\)|(?:^|[^.\w])(?:exit|quit)\(\s*0?\s*\)|\bSystemExit\(?\s*(?:0|None|\)|$)|\batexit\b|\bos\.kill|\bos\.exec|\bsys\.excepthook",
            ENDS,
        ),
        rule(
            Rust,
            Everywhere,
            EndsProcess,
            r"\bprocess::exit\(\s*0|\bpanic::set_hook|\bcatch_unwind|\blibc::_?exit",
            ENDS,
        ),
        rule(Go, Everywhere, EndsProcess, r"\bos\.Exit\(\s*0|\bsyscall\.Exit", ENDS),
        rule(
            JavaScript,
            Everywhere,
            TouchesTestFramework,
            r"\bassert(?:\.\w+)+\s*=[^=>]|\b(?:globalThis|global)(?:\.|\[\s*['\x22])(?:test|it|describe|expect|assert|beforeEach|afterEach)\b[^;\n]*=[^=>]|\brequire\.cache|\bModule\._|\bModule\.prototype|\bObject\.(?:assign|defineProperty|defineProperties)\(\s*(?:assert|expect|test|it|describe|process|require\()|\b(?:test|it|describe|expect)(?:\.\w+)*\s*=[^=>]|\bNODE_OPTIONS\b|\bregisterHooks\b|\bmodule\.register\b|\bprocess\.(?:exit|reallyExit|emit|binding|stdout\.write|stderr\.write)\s*=[^=>]|\bError\.prototype|AssertionError\.prototype|\bprototype\.(?:strictEqual|equal|deepEqual|ok)\b|\bexpect\.extend|\bprocess\.execArgv|\bsyncBuiltinESMExports",
            FRAMEWORK,
        ),
        rule(
            JavaScript,
            Sources,
            TouchesTestFramework,
            r"['\x22](?:node:)?(?:assert(?:/strict)?|test|test/reporters)['\x22]|['\x22](?:vitest|@jest/globals|jest|mocha|chai|node:module|node:vm)['\x22]",
            FRAMEWORK,
        ),
        rule(
            Python,
            Everywhere,
            TouchesTestFramework,
            r"\b(?:unittest\.)?(?:TestCase|TestResult|TextTestResult|TextTestRunner|TestProgram|TestLoader|TestSuite|case|result|runner|loader|suite|unittest)\.\w+\s*=[^=]|\bsetattr\(\s*(?:unittest|pytest|builtins|sys|case|TestCase|\w*\.?TestCase)|\bsys\.modules\b|\bbuiltins\b|\bdef pytest_\w+|\bpytest_plugins\b|\b_pytest\b|\bsys\.(?:meta_path|path_hooks|settrace|setprofile)|\b__builtins__|\bgc\.get_objects|\bAssertionError\s*=|\b__eq__\s*=|\bsys\._getframe|\binspect\.stack",
            FRAMEWORK,
        ),
        rule(
            Python,
            Sources,
            TouchesTestFramework,
            r"(?m)^\s*(?:import|from)\s+(?:unittest|pytest|_pytest|doctest|nose|importlib\.machinery)\b|__import__\(\s*['\x22](?:unittest|pytest)|import_module\(\s*['\x22](?:unittest|pytest)",
            FRAMEWORK,
        ),
        rule(Python, Sources, TouchesTestFramework, r"\bdef __eq__\([^)]*\)[^:]*:\s*return True", FRAMEWORK),
        rule(
            Rust,
            Sources,
            TouchesTestFramework,
            r"macro_rules!\s*(?:assert|panic|assert_eq|assert_ne)\b|#!\[\s*(?:feature\(\s*custom_test|test_runner|no_main)|#\[\s*(?:no_mangle|export_name|ctor|link_section)|\bextern\s+\x22C\x22",
            FRAMEWORK,
        ),
        rule(
            Rust,
            Tests,
            TouchesTestFramework,
            r"macro_rules!\s*(?:assert|panic|assert_eq|assert_ne)\b|#\[\s*(?:no_mangle|export_name|ctor|link_section)",
            FRAMEWORK,
        ),
        rule(
            JavaScript,
            Sources,
            DetectsTests,
            r"NODE_TEST_CONTEXT|JEST_WORKER_ID|\bVITEST\b|npm_lifecycle_event|NODE_ENV['\x22]?\]?\s*={2,3}\s*['\x22]test|process\.argv.*\btest|\bnew Error\(\)\.stack",
            DETECTS,
        ),
        rule(
            Python,
            Sources,
            DetectsTests,
            r"PYTEST_|\bunittest\b.*\bin\b|['\x22](?:pytest|unittest)['\x22]\s+in\b|sys\.argv.*test|\bCI\b['\x22]\s*\)",
            DETECTS,
        ),
        rule(
            Rust,
            Sources,
            DetectsTests,
            r"cfg!\(\s*(?:not\(\s*)?test\b|#\[\s*cfg\(\s*(?:not\(\s*test|test\s*\)\s*\]\s*(?:pub\s+)?(?:const |static |fn |impl |use |macro))",
            DETECTS,
        ),
        rule(Go, Sources, DetectsTests, r"testing\.Testing\(|flag\.Lookup\(\s*\x22test\.", DETECTS),
        rule(JavaScript, Everywhere, TestInfrastructure, configuration, WRITES),
        rule(Python, Everywhere, TestInfrastructure, configuration, WRITES),
        rule(Rust, Everywhere, TestInfrastructure, configuration, WRITES),
    ]
});

/// How a language declares tests (group 1 or 2: the name) and checks something.
pub(super) struct Grammar {
    /// A test.
    pub test: Regex,
    /// A check.
    pub check: Regex,
}

/// The grammar of a language.
pub(super) fn grammar(language: Language) -> &'static Grammar {
    static GRAMMARS: LazyLock<[Grammar; 4]> = LazyLock::new(|| {
        let grammar = |test, check| Grammar { test: pattern(test), check: pattern(check) };
        [
            grammar(
                r"(?m)(?:^|[^.\w])(?:test|it|t\.test)(?:\.(?:each|concurrent|sequential|serial)\b(?:\([^)]*\))?)?\s*\(\s*(?:'((?:[^'\\\n]|\\.)*)'|\x22((?:[^\x22\\\n]|\\.)*)\x22|`([^`\n]*)`|\w)",
                r"\bassert(?:\.\w+)*\s*\(|\bexpect\s*\(|\bt\.(?:is|deepEqual|true|false|throws|assert|equal|same)\b|\.should\b|\b(?:deepStrictEqual|strictEqual|deepEqual|notStrictEqual|rejects|throws)\s*\(",
            ),
            grammar(
                r"(?m)^(?:[ \t]*@[^\n]*\n)*[ \t]*(?:async )?def (test\w*)\s*\(",
                r"\bself\.(?:assert|fail)\w*\s*\(|(?m:^\s*assert\b)|\bpytest\.(?:raises|approx|warns|fail)\b|\bassert_\w+\(",
            ),
            grammar(
                r"#\[\s*(?:\w+::)*(?:test|rstest|test_case)\b[^\]]*\](?:\s*#\[[^\]]*\])*\s*(?:pub(?:\([^)]*\))?\s+)?(?:async )?fn (\w+)",
                r"\bassert\w*!\s*\(|\bpanic!\s*\(|\bunreachable!|\.unwrap\(\)|\.unwrap_err\(\)|\.expect\(|\bmatches!\s*\(",
            ),
            grammar(r"(?m)^func (Test\w+)\s*\(", r"\bt\.(?:Error|Fatal|Fail)\w*\(|\b(?:assert|require)\.\w+\("),
        ]
    });
    let [javascript, python, rust, go] = &*GRAMMARS;
    match language {
        JavaScript => javascript,
        Python => python,
        Rust => rust,
        Go => go,
    }
}

/// Stand-ins for what is under test.
pub(super) static STAND_INS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"\bmock\.(?:patch|method|module|fn|getter)\b|@patch\b|\bpatch(?:\.object)?\(|\bmonkeypatch\.|",
        r"\b(?:jest|vi)\.(?:mock|doMock|spyOn|fn|setMock)\(|\bsinon\.|\.mockReturnValue|\.mockImplementation|\bproxyquire\b"
    ))
});

/// Names that a file imports: groups 1 to 3, each a name or a list of names.
pub(super) fn imports(language: Language) -> Option<&'static Regex> {
    static PYTHON: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"(?m)^[ \t]*(?:from[ \t]+\S+[ \t]+)?import[ \t]+(?:\(([\w\s,]+)\)|([\w \t,.]+))"));
    static JAVASCRIPT: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"(?:const|let|var)\s+\{?([\w\s,:]+)\}?\s*=\s*(?:await\s+import|require)\s*\(|import\s+(?:\*\s+as\s+)?([\w$]+)|import\s+\{([\w\s,]+)\}",
        )
    });
    match language {
        Python => Some(&PYTHON),
        JavaScript => Some(&JAVASCRIPT),
        Rust | Go => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles() {
        assert!(RULES.len() > 20);
        for language in [JavaScript, Python, Rust, Go] {
            assert!(!grammar(language).test.as_str().is_empty());
        }
    }
}
