// Failed attempts are counted by address, for the process, and cost the others nothing.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { after, describe, test } from 'node:test';

import { call_body, credential, request, rpc, start_stack } from './harness.mjs';

const stack = await start_stack({ loops: 2 });
after(() => stack.stop());
const { gateway, keys } = stack;

const ping_with = (key, local_address) =>
    request(gateway, {
        method: 'POST',
        path: '/mcp',
        body: call_body('ping'),
        local_address,
        headers: { 'Content-Type': 'application/json', ...credential(key) },
    });
const random_client_key = () => {
    const key = `fbk_${crypto.randomBytes(32).toString('base64url')}=`;
    gateway.secrets.add(key);
    return key;
};

describe('guessing', () => {
    const guess = (local_address) => ping_with(random_client_key(), local_address);

    test('the 21st failed attempt of an address within a minute is 429, and other addresses go on', async () => {
        const local_address = '127.0.10.1';
        const answers = [];
        // A connection each, so that both loops count together.
        for (let i = 0; i < 25; i += 1) answers.push(await guess(local_address));
        assert.deepEqual(
            answers.map(({ status }) => status),
            [...Array(20).fill(401), ...Array(5).fill(429)],
        );
        for (const answer of answers.slice(20)) {
            assert.ok(
                Number(answer.headers['retry-after']) >= 1 && Number(answer.headers['retry-after']) <= 60,
            );
            assert.equal(JSON.parse(answer.body).error, 'rate_limited');
        }
        assert.equal((await guess('127.0.10.2')).status, 401);
        assert.equal((await ping_with(keys.bob, '127.0.10.2')).status, 200);
        assert.equal((await request(gateway, { path: '/mcp/health', local_address })).status, 200);
    });

    test('forty guesses at once are not forty chances', async () => {
        const answers = await Promise.all(Array.from({ length: 40 }, () => guess('127.0.10.4')));
        assert.equal(answers.filter(({ status }) => status === 401).length, 20);
        assert.equal(answers.filter(({ status }) => status === 429).length, 20);
    });

    test('good calls are not counted', async () => {
        for (let i = 0; i < 60; i += 1)
            assert.equal(
                (await rpc(gateway, keys.bob, 'ping', undefined, { local_address: '127.0.10.3' })).status,
                200,
            );
    });
});
