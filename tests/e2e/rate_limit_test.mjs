// mcp.rate_limit_per_min with its default: 100 calls of one client in a minute, for the process and exactly.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { RawConnection, call_body, post_bytes, request, rpc, start_stack } from './harness.mjs';

const stack = await start_stack({ loops: 2, config: { mcp: { rate_limit_per_min: 100 } } });
after(() => stack.stop());
const { gateway, keys } = stack;

// `connections` at once, `each` calls on every one; all answers.
async function storm(key, connections, each) {
    const bytes = post_bytes(gateway, key, call_body('ping'));
    const answers = await Promise.all(
        Array.from({ length: connections }, async () => {
            const connection = await RawConnection.open(gateway);
            const own = [];
            for (let i = 0; i < each; i += 1) {
                await connection.write(bytes);
                own.push(await connection.response());
            }
            connection.close();
            return own;
        }),
    );
    return answers.flat();
}

test('of 320 calls over 32 connections and two loops exactly 100 are admitted', async () => {
    const answers = await storm(keys.alice, 32, 10);
    assert.equal(answers.filter(({ status }) => status === 200).length, 100);
    const refused = answers.filter(({ status }) => status === 429);
    assert.equal(refused.length, 220);
    for (const { headers, body } of refused) {
        assert.ok(
            Number(headers['retry-after']) >= 1 && Number(headers['retry-after']) <= 60,
            headers['retry-after'],
        );
        assert.deepEqual(JSON.parse(body), { error: 'rate_limited', message: 'rate limit exceeded' });
        assert.notEqual(headers.connection, 'close', 'a client that waits may keep its connection');
    }
});

test('another client is not touched, nor is health', async () => {
    assert.equal((await rpc(gateway, keys.alice, 'ping')).status, 429);
    assert.equal((await rpc(gateway, keys.bob, 'ping')).status, 200);
    assert.equal((await rpc(gateway, keys.service, 'ping')).status, 200);
    assert.equal((await request(gateway, { path: '/mcp/health' })).status, 200);
});

test('the limit is of the key, not of the connection or the tool', async () => {
    assert.equal(
        (await rpc(gateway, keys.alice, 'tools/list', undefined, { local_address: '127.0.0.9' })).status,
        429,
    );
    assert.equal(
        (await rpc(gateway, keys.alice, 'tools/call', { name: 'query_table', arguments: { table: 'users' } }))
            .status,
        429,
    );
});

test('a call that is refused for its shape counts too', async () => {
    // 1 of bob's was spent above.
    const bytes = post_bytes(gateway, keys.bob, '{"not":"json-rpc"}');
    const connection = await RawConnection.open(gateway);
    for (let i = 0; i < 99; i += 1) {
        await connection.write(bytes);
        assert.equal((await connection.response()).status, 400);
    }
    await connection.write(bytes);
    assert.equal((await connection.response()).status, 429);
    connection.close();
});
