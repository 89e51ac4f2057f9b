// PostgreSQL killed, restarted, frozen, out of connections: under load, and without restarting fluxgate.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { outage } from './support/faults.mjs';
import { eventually, query_table, start_stack } from './harness.mjs';

const statement_timeout_ms = 2_000;
const stack = await start_stack({
    loops: 2,
    config: { gateway: { database: { statement_timeout: `${statement_timeout_ms}ms` } } },
});
after(() => stack.stop());
const { cluster, gateway, keys } = stack;

const report = (t, { recovered_ms, share, errors, answers }) =>
    t.diagnostic(
        `recovered in ${recovered_ms.toFixed(0)} ms, ${(share * 100).toFixed(1)} % of a core while it was down, ` +
            `${errors} errors in ${answers} answers`,
    );

test('the postmaster is killed and started again', async (t) => {
    report(
        t,
        await outage(stack, { break_it: () => cluster.kill_postmaster(), mend: () => cluster.start() }),
    );
});

test('an immediate restart', async (t) => {
    report(
        t,
        await outage(stack, { break_it: () => cluster.stop('immediate'), mend: () => cluster.start() }),
    );
});

test('a restart in good order', async (t) => {
    report(t, await outage(stack, { break_it: () => cluster.stop('fast'), mend: () => cluster.start() }));
});

test('the backends are frozen', async (t) => {
    let frozen = [];
    report(
        t,
        await outage(stack, {
            break_it: async () => {
                frozen = await cluster.backends();
                assert.ok(frozen.length > 0);
                await cluster.freeze(frozen);
            },
            mend: async () => cluster.thaw(frozen),
            // They may be connected again by then: PostgreSQL itself is well, so this is no total outage.
            is_total: false,
        }),
    );
});

test('PostgreSQL is frozen as a whole', async (t) => {
    let frozen = [];
    report(
        t,
        await outage(stack, {
            break_it: async () => {
                frozen = [...(await cluster.backends()), cluster.server.pid];
                await cluster.freeze(frozen);
            },
            mend: async () => cluster.thaw(frozen),
            first_error_ms: statement_timeout_ms + 5_000,
        }),
    );
});

test('no connection is left for fluxgate', async (t) => {
    let give_back = () => {};
    report(
        t,
        await outage(stack, {
            break_it: async () => {
                // fluxgate stands still while others take all connections.
                gateway.process.signal('SIGSTOP');
                try {
                    await cluster.restart_immediate();
                    give_back = await cluster.occupy_connections();
                } finally {
                    gateway.process.signal('SIGCONT');
                }
            },
            mend: async () => {
                give_back();
                await eventually(
                    'the connections are free',
                    async () =>
                        (await cluster.value(
                            `SELECT count(*) FROM pg_stat_activity WHERE usename = 'occupier'`,
                        )) === '0',
                );
            },
        }),
    );
});

test('one backend crashes, and PostgreSQL resets all of them', async (t) => {
    report(
        t,
        await outage(stack, {
            break_it: async () => {
                const [victim] = await cluster.backends('fluxgate_user');
                process.kill(victim, 'SIGKILL');
            },
            mend: () => cluster.start(), // waits until it answers again
            is_total: false,
        }),
    );
});

test('single connections are terminated again and again, and no read is lost', async (t) => {
    let terminated = 0;
    const figures = await outage(stack, {
        break_it: async () => {
            const all = (await cluster.backends('fluxgate_user')).length;
            for (let round = 0; round < 10; round += 1) {
                // A read that is hit twice is lost, as it should be: one at a time.
                await eventually(
                    'all connections are there',
                    async () => (await cluster.backends('fluxgate_user')).length === all,
                );
                terminated += (
                    await cluster.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                    WHERE usename = 'fluxgate_user' ORDER BY random() LIMIT 1`)
                ).length;
            }
        },
        mend: async () => {},
        is_total: false,
    });
    report(t, figures);
    assert.equal(terminated, 10);
    assert.equal(figures.errors, 0, 'a read runs once more elsewhere');
});

test('a key is never called wrong because nobody could look it up', async () => {
    const key = await gateway.create_key(
        'clientkeys',
        'create',
        '--name',
        'unknown to the caches',
        '--scopes',
        'read:tables',
    );
    await cluster.stop('immediate');
    try {
        const { status, headers } = await query_table(
            gateway,
            key,
            { table: 'products' },
            { timeout_ms: 30_000 },
        );
        assert.equal(status, 503);
        assert.ok(Number(headers['retry-after']) >= 1);
    } finally {
        await cluster.start();
    }
    await eventually(
        'the key works',
        async () => (await query_table(gateway, key, { table: 'products' })).status === 200,
        { timeout_ms: 5_000 },
    );
});

test('it can be started before PostgreSQL, or says at once that it can not', async () => {
    await gateway.stop();
    await cluster.stop('immediate');
    const starting = gateway.start({ timeout_ms: 20_000 }).then(
        () => 'ready',
        (error) => error.message,
    );
    await eventually(
        'it is up, or has ended',
        async () => gateway.process && (!gateway.process.is_running || /\S/.test(gateway.process.log_text())),
        { timeout_ms: 10_000 },
    );
    await cluster.start();
    const outcome = await starting;
    if (outcome !== 'ready') {
        assert.equal(gateway.process.exit_code, 1, outcome);
        assert.match(gateway.process.log_text(), /database|PostgreSQL|connect/i);
        await gateway.start();
    }
});
