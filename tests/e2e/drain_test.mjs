// SIGTERM: what is in flight is answered, nothing new begins, exit 0 within 30 s. A second one ends it at once.
import assert from 'node:assert/strict';
import { after, afterEach, beforeEach, test } from 'node:test';

import {
    Gateway,
    RawConnection,
    call_body,
    create_slow_view,
    eventually,
    post_bytes,
    prepare_stack,
    query_table,
    request,
    run,
} from './harness.mjs';

const stack = await prepare_stack();
after(() => stack.cluster.stop('immediate'));
await create_slow_view(stack.cluster, 'two_seconds', 2);
await create_slow_view(stack.cluster, 'twenty_seconds', 20);

let gateway;
beforeEach(async () => {
    gateway = await new Gateway(stack.cluster, { loops: 2 }).start();
});
afterEach(() => {
    gateway.process.signal('SIGKILL'); // only those that a test left behind
});

const is_asked_for = (view) =>
    eventually(`PostgreSQL runs the query of ${view}`, () =>
        stack.cluster.value(
            `SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%${view}%' AND pid <> pg_backend_pid()`,
        ),
    );
const slow_call = (table) => query_table(gateway, stack.keys.alice, { table }, { timeout_ms: 40_000 });
const refused = async () => {
    try {
        (await RawConnection.open(gateway)).close();
        return false;
    } catch (error) {
        return error.code === 'ECONNREFUSED';
    }
};

test('a slow call in flight is answered, new connections are refused, exit 0', async () => {
    const call = slow_call('two_seconds');
    await is_asked_for('two_seconds');
    const start = Date.now();
    gateway.process.signal('SIGTERM');
    await eventually('new connections are refused', refused, { timeout_ms: 1_500 });
    const { status, rows, headers } = await call;
    assert.equal(status, 200);
    assert.deepEqual(rows, [{ state: 'done' }]);
    assert.equal(headers.connection, 'close');
    assert.equal(await gateway.process.wait(30_000), 0);
    assert.ok(Date.now() - start < 5_000, 'it waits for nothing once all is answered');
    gateway.check_log();
});

test('idle connections are closed, also those that have never sent anything', async () => {
    const silent = await RawConnection.open(gateway);
    const used = await RawConnection.open(gateway);
    await used.write(post_bytes(gateway, stack.keys.alice, call_body('ping')));
    assert.equal((await used.response()).status, 200);
    gateway.process.signal('SIGTERM');
    await Promise.all([silent.closed(5_000), used.closed(5_000)]);
    assert.equal(await gateway.process.wait(5_000), 0);
});

test('a request whose head has begun is answered', async () => {
    const connection = await RawConnection.open(gateway);
    const bytes = post_bytes(gateway, stack.keys.alice, call_body('ping'));
    const busy = slow_call('two_seconds');
    await is_asked_for('two_seconds');
    await connection.write(bytes.subarray(0, bytes.length - 10));
    // The bytes are in the server's hands once a later connection has been served by every loop.
    for (let i = 0; i < 8; i += 1) await request(gateway, { path: '/livez' });
    gateway.process.signal('SIGTERM');
    await eventually('new connections are refused', refused, { timeout_ms: 1_500 });
    await connection.write(bytes.subarray(bytes.length - 10));
    const answer = await connection.response();
    assert.equal(answer?.status, 200);
    assert.equal(answer.headers.connection, 'close');
    await busy;
    assert.equal(await gateway.process.wait(30_000), 0);
});

test('SIGINT drains too', async () => {
    const call = slow_call('two_seconds');
    await is_asked_for('two_seconds');
    gateway.process.signal('SIGINT');
    assert.equal((await call).status, 200);
    assert.equal(await gateway.process.wait(30_000), 0);
});

test('a second SIGTERM ends it at once', async () => {
    const call = slow_call('twenty_seconds').catch(() => null);
    await is_asked_for('twenty_seconds');
    gateway.process.signal('SIGTERM');
    await eventually('new connections are refused', refused, { timeout_ms: 1_500 });
    const start = Date.now();
    gateway.process.signal('SIGTERM');
    await gateway.process.wait(3_000);
    assert.ok(Date.now() - start < 3_000);
    await call;
});

test('a frozen PostgreSQL does not keep it from ending', async () => {
    const own = new Gateway(stack.cluster, {
        loops: 1,
        config: { gateway: { server: { drain_timeout: '3s' } } },
    });
    await own.start();
    const call = query_table(own, stack.keys.alice, { table: 'twenty_seconds' }).catch(() => null);
    await is_asked_for('twenty_seconds');
    const frozen = [...(await stack.cluster.backends()), stack.cluster.server.pid];
    await stack.cluster.freeze(frozen);
    try {
        const start = Date.now();
        own.process.signal('SIGTERM');
        assert.equal(await own.process.wait(10_000), 1, 'the call was cut off');
        assert.ok(Date.now() - start < 4_500, `it took ${Date.now() - start} ms`);
    } finally {
        stack.cluster.thaw(frozen);
    }
    await call;
});

test('gateway.server.drain_timeout cuts what takes longer, exits 1 and says how much', async () => {
    const own = new Gateway(stack.cluster, {
        loops: 1,
        config: { gateway: { server: { drain_timeout: '1s' } } },
    });
    await own.start();
    const call = query_table(own, stack.keys.alice, { table: 'twenty_seconds' }).catch(() => null);
    await is_asked_for('twenty_seconds');
    own.process.signal('SIGTERM');
    const code = await own.process.wait(10_000);
    await call;
    assert.equal(code, 1);
    own.check_log();
    // The backend is told to stop: its query does not outlive the gateway for long.
    await eventually(
        'the query has ended',
        async () =>
            (
                await stack.cluster.query(
                    `SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%twenty_seconds%' AND pid <> pg_backend_pid()`,
                )
            ).length === 0,
        { timeout_ms: 25_000 },
    );
});

test('uses of keys that a frozen PostgreSQL does not take are dropped in time, and said to be', async () => {
    const own = new Gateway(stack.cluster, {
        loops: 1,
        config: { gateway: { server: { drain_timeout: '4s' } } },
    });
    await own.start();
    assert.equal((await query_table(own, stack.keys.alice, { table: 'products', limit: 1 })).status, 200);
    assert.equal((await query_table(own, stack.keys.service, { table: 'products', limit: 1 })).status, 200);
    const frozen = [...(await stack.cluster.backends()), stack.cluster.server.pid];
    await stack.cluster.freeze(frozen);
    try {
        const start = Date.now();
        own.process.signal('SIGTERM');
        await own.process.wait(10_000);
        assert.ok(Date.now() - start < 5_000, `it took ${Date.now() - start} ms`);
    } finally {
        stack.cluster.thaw(frozen);
    }
    assert.match(own.process.log_text(), / last_used_not_written .*keys=1/);
    own.check_log();
});

// A gateway of its own that was told to stop and says so, but waits for `drain_delay` first.
const start_and_stop = async (loops, drain_delay) => {
    const own = new Gateway(stack.cluster, { loops, config: { gateway: { server: { drain_delay } } } });
    await own.start();
    own.process.signal('SIGTERM');
    await eventually(
        '/readyz says 503',
        async () => (await request(own, { path: '/readyz' })).status === 503,
        { timeout_ms: 2_000 },
    );
    return own;
};

test('readiness goes down during gateway.server.drain_delay while calls are still served', async () => {
    const own = await start_and_stop(1, '3s');
    assert.equal((await query_table(own, stack.keys.alice, { table: 'products', limit: 1 })).status, 200);
    assert.equal(await own.process.wait(10_000), 0);
});

test('a second SIGTERM does not wait for gateway.server.drain_delay', async () => {
    const own = await start_and_stop(2, '60s');
    own.process.signal('SIGTERM');
    assert.equal(await own.process.wait(5_000), 0);
});

test('the port is free again at once', async () => {
    gateway.process.signal('SIGTERM');
    assert.equal(await gateway.process.wait(5_000), 0);
    const { code } = await run('bash', ['-c', `exec 3<>/dev/tcp/127.0.0.1/${gateway.port}`]);
    assert.notEqual(code, 0);
});
