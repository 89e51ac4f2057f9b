// One outage of PostgreSQL under load, from the fault to the first good answers after it, with the bars that
// hold for each: clear errors, health, no busy loop, recovery by itself. What breaks is the caller's.
import assert from 'node:assert/strict';
import { performance } from 'node:perf_hooks';

import { is_sanitized } from './gateway.mjs';
import { call_body, post_bytes, query_table, request } from './http.mjs';
import { Load } from './load.mjs';
import { eventually, pause } from './processes.mjs';

export const recovery_ms = 5_000;
const measured_ms = 3_000; // of the outage, for the CPU time
const cpu_share_max = 0.2; // of one core

export const good_call = call_body('tools/call', {
    name: 'query_table',
    arguments: { table: 'products', select: 'id,sku', order: 'id.asc', limit: 10 },
});

const is_good = ({ body }) => {
    const { result } = JSON.parse(body);
    return result?.isError === false && JSON.parse(result.content[0].text).length === 10;
};

// What a client may be told while the database is away: 503 with a time to wait, in both forms, or, when
// PostgreSQL has the statement and does not answer, that it timed out.
export function assert_clear_error({ status, body, retry_after }) {
    const said = `${status} ${body}`.slice(0, 300);
    const json = JSON.parse(body);
    if (status === 200) {
        assert.equal(json.result?.isError, true, said);
        assert.match(json.result.content[0].text, /timed out/, said);
        return;
    }
    assert.equal(status, 503, said);
    assert.ok(Number(retry_after) >= 1 && Number(retry_after) <= 60, `Retry-After: ${retry_after}`);
    const words = typeof json.error === 'string' ? json.message : json.error.message;
    if (typeof json.error === 'object') assert.equal(json.error.code, 503, said);
    assert.match(words, /database unavailable|server busy|can not be checked at the moment/, said);
}

// `break_it` makes the fault and returns when it is there; `mend` ends it and returns when PostgreSQL could
// answer again. `is_total`: nothing can be answered meanwhile. `first_error_ms` bounds the wait for a clear
// error. Resolves to figures.
export async function outage(
    stack,
    { break_it, mend, is_total = true, first_error_ms = 5_000, connections = 8 },
) {
    const { gateway, keys } = stack;
    assert.ok(gateway.process.is_running, 'fluxgate ended before this outage');
    let is_mended = false;
    const load = new Load(gateway, post_bytes(gateway, keys.alice, good_call), { connections, is_good });
    try {
        await eventually('the load runs', () => load.good_since(0) > 200);
        const broken_at = performance.now();
        await break_it();
        const is_broken_at = performance.now();
        if (is_total) {
            await eventually('a client is told', () => load.between(broken_at).some(({ good }) => !good), {
                timeout_ms: first_error_ms,
            });
        }
        const share = await cpu_share(gateway);
        await assert_manners(gateway, is_total);
        is_mended = true;
        await mend();
        const mended_at = performance.now();
        await eventually('good answers again', () => load.good_since(mended_at) >= connections, {
            timeout_ms: recovery_ms,
        });
        const recovered_ms = performance.now() - mended_at;
        // The error rate is back at none, for every role, not only for the first lanes.
        const settled_at = mended_at + recovery_ms;
        await eventually('time to settle', () => performance.now() > settled_at, {
            timeout_ms: recovery_ms + 1_000,
        });
        const before = load.good_since(settled_at);
        await eventually('a hundred good answers', () => load.good_since(settled_at) >= before + 100);
        for (const key of Object.values(keys)) {
            const { rows, text } = await query_table(gateway, key, { table: 'products', limit: 1 });
            assert.equal(rows?.length, 1, text);
        }
        const answers = await load.stop();
        answers.filter(({ good }) => !good).forEach(assert_clear_error);
        assert.equal(load.connection_failures, 0, 'the gateway itself was never away');
        const late = answers.filter(({ good, at_ms }) => !good && at_ms > settled_at);
        assert.equal(late.length, 0, `errors ${recovery_ms} ms after PostgreSQL was back: ${late[0]?.body}`);
        if (is_total) {
            assert.equal(
                answers.filter(
                    ({ good, at_ms }) => good && at_ms > is_broken_at + 500 && at_ms < mended_at - 500,
                ).length,
                0,
                'the fault was not there',
            );
        }
        assert.ok(gateway.process.is_running);
        if (is_total && !is_sanitized)
            assert.ok(
                share < cpu_share_max,
                `busy during the outage: ${(share * 100).toFixed(1)} % of a core`,
            );
        return {
            recovered_ms,
            share,
            errors: answers.filter(({ good }) => !good).length,
            answers: answers.length,
        };
    } finally {
        // The tests behind this one need PostgreSQL; what went wrong here is told, not what follows from it.
        if (!is_mended) await mend().catch(() => {});
        await load.stop();
    }
}

async function cpu_share(gateway) {
    const start = performance.now();
    const before = gateway.stats.cpu_ms;
    await pause(measured_ms);
    return (gateway.stats.cpu_ms - before) / (performance.now() - start);
}

// Health is of the process; readiness is of what it can do.
async function assert_manners(gateway, is_unready) {
    assert.equal((await request(gateway, { path: '/mcp/health' })).status, 200);
    assert.equal((await request(gateway, { path: '/livez' })).status, 200);
    if (!is_unready) return;
    await eventually(
        '/readyz says 503',
        async () => (await request(gateway, { path: '/readyz' })).status === 503,
        { timeout_ms: 2_000 },
    );
}
