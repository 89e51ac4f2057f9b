// mcp.allowed_tools: what is not on the list is neither shown nor callable, and looks like no tool at all.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { Gateway, prepare_stack, query_table, rpc } from './harness.mjs';

const stack = await prepare_stack();
after(() => stack.stop());

async function with_gateway(options, body) {
    const gateway = new Gateway(stack.cluster, { loops: 1, ...options });
    await gateway.start();
    try {
        await body(gateway);
    } finally {
        await gateway.stop();
    }
}
const names = async (gateway, key) =>
    (await rpc(gateway, key, 'tools/list')).json.result.tools.map(({ name }) => name);

async function assert_hidden(gateway) {
    for (const key of [stack.keys.alice, stack.keys.service]) {
        assert.ok(!(await names(gateway, key)).includes('query_table'));
        const { status, json } = await query_table(gateway, key, { table: 'users' });
        const unknown = await rpc(gateway, key, 'tools/call', {
            name: 'xuery_table',
            arguments: { table: 'users' },
        });
        assert.equal(status, 200);
        assert.equal(json.error.code, -32602);
        assert.equal(JSON.stringify(json), JSON.stringify(unknown.json).replace('xuery', 'query'));
    }
}

test('a tool that is not on the list does not exist, even for a service key', async () => {
    await with_gateway({ config: { mcp: { allowed_tools: ['list_objects'] } } }, assert_hidden);
});

test('a tool on the list works', async () => {
    await with_gateway({ config: { mcp: { allowed_tools: ['query_table'] } } }, async (gateway) => {
        assert.deepEqual(await names(gateway, stack.keys.alice), ['query_table']);
        assert.equal(
            (await query_table(gateway, stack.keys.alice, { table: 'users' })).result.isError,
            false,
        );
    });
});

test('the empty list is every tool', async () => {
    await with_gateway({ config: { mcp: { allowed_tools: [] } } }, async (gateway) => {
        assert.ok((await names(gateway, stack.keys.alice)).includes('query_table'));
    });
});

test('the environment beats the file', async () => {
    await with_gateway(
        {
            config: { mcp: { allowed_tools: ['query_table'] } },
            env: { FLUXBASE_MCP_ALLOWED_TOOLS: 'list_objects,think' },
        },
        assert_hidden,
    );
});
