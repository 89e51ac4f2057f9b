// The official conformance suite against this build (docs/conformance.md):
//
//     conformance_test.mjs mode 2025-11-25       serve --conformance: the protocol, by the suite's own fixtures
//     conformance_test.mjs product 2025-11-25    serve: the product's tools, prompts and resources, with a key
import assert from 'node:assert/strict';
import path from 'node:path';
import { after, test } from 'node:test';

import { credential, start_stack } from '../e2e/harness.mjs';
import { start_proxy } from './proxy.mjs';
import { describe_check, here, run_suite } from './runner.mjs';

const [what, revision] = process.argv.slice(2);
const is_fixture_mode = what === 'mode';
assert.ok(is_fixture_mode || what === 'product', `mode or product, not ${what}`);

// An extension that is not implemented; the suite runs its scenarios but does not score them.
const is_implemented = (scenario) => !scenario.startsWith('tasks-');
// How many scenarios count, and how many checks the largest have: a suite that looks at less shows.
const expected = {
    '2025-11-25': { scored: 30, product: 10, checks: {} },
    '2026-07-28': {
        scored: 37,
        product: 11,
        checks: {
            'server-stateless': 28,
            'http-header-validation': 14,
            'http-custom-header-server-validation': 8,
        },
    },
}[revision];
assert.ok(expected, `unknown revision ${revision}`);

const stack = await start_stack({ start: is_fixture_mode ? { words: ['--conformance'] } : {} });
after(() => stack.stop());

function show(result) {
    console.log(`${what} ${result.summary}`);
    for (const [name, { checks, passed }] of result.scenarios) {
        const judged = checks.filter((check) => ['SUCCESS', 'FAILURE', 'WARNING'].includes(check.status));
        if (name in expected.checks) console.log(`${what} ${name}: ${passed} of ${judged.length} checks`);
    }
}

const failed_lines = (result, is_counted) =>
    [...result.scenarios].flatMap(([name, { failures, warnings }]) =>
        is_counted(name) ? [...failures, ...warnings].map((check) => describe_check(name, check)) : [],
    );

if (is_fixture_mode) {
    test(`every scenario of ${revision} passes with the fixtures`, async () => {
        const result = await run_suite(stack.gateway.url, revision);
        show(result);
        assert.deepEqual(failed_lines(result, is_implemented), []);
        assert.equal(result.scored.length, expected.scored);
        assert.deepEqual(
            result.scored.filter((name) => !result.passed.includes(name)),
            [],
        );
        for (const [name, least] of Object.entries(expected.checks))
            assert.ok(result.scenarios.get(name)?.passed >= least, `${name}: less than ${least} checks`);
        assert.equal(result.code, 0, result.output);
    });
} else {
    test(`the product fails nothing of ${revision} but what the baseline names`, async () => {
        const proxy = await start_proxy(stack.gateway.port, credential(stack.keys.service));
        after(() => proxy.stop());
        const result = await run_suite(proxy.url, revision, {
            baseline: path.join(here, `baseline-product-${revision}.yml`),
        });
        show(result);
        // The suite has compared with the baseline: new failures and entries that pass by now.
        assert.equal(
            result.code,
            0,
            `${failed_lines(result, is_implemented).join('\n')}\n${result.output.slice(-6000)}`,
        );
        assert.equal(result.scored.length, expected.scored);
        assert.equal(result.passed.length, expected.product);
    });
}
