// `fluxgate bootstrap` beside a running server: the triggers that it makes are found without a restart.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { eventually, prepare_stack } from './harness.mjs';

const stack = await prepare_stack({ loops: 1 });
after(() => stack.stop());
const { cluster, gateway } = stack;

const lines_with = (event) =>
    gateway.process
        .log_text()
        .split('\n')
        .filter((line) => line.includes(` ${event}`)).length;

test('key triggers that are made later are found within half a minute', async () => {
    for (const table of ['service_keys', 'client_keys'])
        for (const trigger of ['fluxgate_key_change', 'fluxgate_key_truncate'])
            await cluster.query(`DROP TRIGGER ${trigger} ON auth.${table}`);
    await gateway.start();
    await eventually('it says that they are missing', () => lines_with('key_changes_not_announced') === 1);
    await gateway.command_ok('bootstrap');
    await eventually('it says that they are there', () => lines_with('key_changes_announced') === 1, {
        timeout_ms: 35_000,
    });
    assert.equal(lines_with('key_changes_not_announced'), 1);
});
