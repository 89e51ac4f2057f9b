// Keys at the door: what is let in, what is refused and with which words, and how fast a change of a key is
// felt by every loop. Wrong keys come from source addresses of their own, because failures are counted there.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { after, describe, test } from 'node:test';

import {
    Gateway,
    RawConnection,
    call_body,
    credential,
    eventually,
    people,
    post_bytes,
    query_table,
    request,
    rpc,
    start_stack,
} from './harness.mjs';

const stack = await start_stack({ loops: 2 });
after(() => stack.stop());
const { cluster, gateway, keys } = stack;

const challenge = 'Bearer realm="fluxgate"'; // no resource_metadata: there is no OAuth to discover yet
let addresses_used = 1;
const fresh_address = () => `127.0.7.${(addresses_used += 1)}`;
const ping = (headers, options) =>
    request(gateway, {
        method: 'POST',
        path: '/mcp',
        body: call_body('ping'),
        local_address: fresh_address(),
        headers: { 'Content-Type': 'application/json', ...headers },
        ...options,
    });
const ping_with = (key, options) => ping(credential(key), options);
const random_client_key = () => `fbk_${crypto.randomBytes(32).toString('base64url')}=`;
const random_service_key = () => `sk_${crypto.randomBytes(32).toString('base64url')}`;
const secret = (key) => {
    gateway.secrets.add(key);
    return key;
};
const new_client_key = (name, ...words) =>
    gateway.create_key(
        'clientkeys',
        'create',
        '--name',
        name,
        '--scopes',
        'read:tables',
        '--user',
        people.alice.id,
        ...words,
    );
const hash_of = (client_key) => {
    const digest = crypto.createHash('sha256').update(client_key).digest('base64url');
    return `'${digest}='`; // with padding, as Fluxbase stores it
};

describe('without a good key', () => {
    test('no credential is 401 with the way to one', async () => {
        const { status, headers, body } = await ping({});
        assert.equal(status, 401);
        assert.match(headers['www-authenticate'], new RegExp(`^${challenge}`));
        assert.doesNotMatch(headers['www-authenticate'], /error=/);
        assert.equal(JSON.parse(body).error, 'unauthorized');
        assert.match(JSON.parse(body).message, /X-Client-Key or X-Service-Key/);
    });

    for (const [what, make] of [
        ['an unknown client key', () => ({ 'X-Client-Key': secret(random_client_key()) })],
        ['an unknown service key', () => ({ 'X-Service-Key': secret(random_service_key()) })],
        ['a key of the wrong kind', () => ({ 'X-Service-Key': keys.alice })],
        ['a service key as client key', () => ({ 'X-Client-Key': keys.service })],
        [
            'a known prefix with another rest',
            () => ({ 'X-Service-Key': `${keys.service.slice(0, 20)}${'x'.repeat(26)}` }),
        ],
        ['one more character', () => ({ 'X-Service-Key': `${keys.service}x` })],
        ['a short key', () => ({ 'X-Service-Key': 'sk_' })],
        ['a key longer than bcrypt reads', () => ({ 'X-Service-Key': keys.service + 'x'.repeat(72) })],
        ['an empty key', () => ({ 'X-Client-Key': '' })],
        ['a token that nobody issued', () => ({ Authorization: 'Bearer mcp_at_of-nobody-0123456789' })],
        [
            'a JWT that nobody signed',
            () => ({ Authorization: 'Bearer eyJhbGciOiJub25lIn0.eyJyb2xlIjoic2VydmljZV9yb2xlIn0.' }),
        ],
        ['Basic', () => ({ Authorization: 'Basic YTpi' })],
    ]) {
        test(`${what} is 401`, async () => {
            const { status, headers, body } = await ping(make());
            assert.equal(status, 401, body);
            assert.match(headers['www-authenticate'], new RegExp(`^${challenge}`));
            assert.equal(JSON.parse(body).error, 'unauthorized');
        });
    }

    test('a wrong key is named invalid_token', async () => {
        const { headers } = await ping_with(secret(random_client_key()));
        assert.match(headers['www-authenticate'], /error="invalid_token"/);
    });

    test('two credentials, or one twice, are 400', async () => {
        for (const headers of [
            { 'X-Service-Key': keys.service, 'X-Client-Key': keys.alice },
            { 'X-Client-Key': keys.alice, Authorization: `ServiceKey ${keys.service}` },
            { 'X-Client-Key': [keys.alice, keys.alice] },
            { 'X-Client-Key': [keys.alice, keys.bob] },
        ]) {
            const { status, body } = await ping(headers);
            assert.equal(status, 400, JSON.stringify(Object.keys(headers)));
            assert.equal(JSON.parse(body).error, 'ambiguous_credentials');
        }
    });

    test('a key in a trailer, in the query or in a cookie is no key', async () => {
        const connection = await RawConnection.open(gateway, { local_address: fresh_address() });
        const body = call_body('ping');
        await connection.write(
            `POST /mcp HTTP/1.1\r\nHost: localhost:${gateway.port}\r\n` +
                'Content-Type: application/json\r\nTransfer-Encoding: chunked\r\nTrailer: X-Client-Key\r\n\r\n' +
                `${body.length.toString(16)}\r\n${body}\r\n0\r\nX-Client-Key: ${keys.alice}\r\n\r\n`,
        );
        assert.equal((await connection.response()).status, 401);
        connection.close();
        assert.equal(
            (await ping({}, { path: `/mcp?clientkey=${encodeURIComponent(keys.alice)}` })).status,
            401,
        );
        assert.equal((await ping({ Cookie: `x-client-key=${keys.alice}` })).status, 401);
    });

    test('the body of a refused call is not asked for', async () => {
        const connection = await RawConnection.open(gateway, { local_address: fresh_address() });
        await connection.write(
            `POST /mcp HTTP/1.1\r\nHost: localhost:${gateway.port}\r\n` +
                'Content-Type: application/json\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n',
        );
        assert.equal((await connection.response()).status, 401);
        connection.close();
    });
});

describe('with a good key', () => {
    test('every documented header works', async () => {
        for (const headers of [
            { 'X-Service-Key': keys.service },
            { Authorization: `ServiceKey ${keys.service}` },
            { 'X-Client-Key': keys.bob },
            { 'x-client-key': keys.bob },
        ])
            assert.equal((await ping(headers)).status, 200, Object.keys(headers)[0]);
    });

    test('keys that Fluxbase made work: bcrypt of the whole key, other infixes, padded SHA-256', async () => {
        const service_key = secret(`sk_live_${crypto.randomBytes(24).toString('base64url')}`);
        const client_key = secret(random_client_key());
        await cluster.query(`CREATE EXTENSION IF NOT EXISTS pgcrypto;
            INSERT INTO auth.service_keys (name, key_hash, key_prefix)
                VALUES ('of Fluxbase', crypt('${service_key}', gen_salt('bf', 10)), left('${service_key}', 16));
            INSERT INTO auth.client_keys (name, key_hash, key_prefix, user_id, scopes) VALUES ('of Fluxbase',
                ${hash_of(client_key)}, left('${client_key}', 12), '${people.bob.id}', '{read:tables}')`);
        assert.equal((await ping_with(service_key)).status, 200);
        const { rows } = await query_table(gateway, client_key, { table: 'users', select: 'organization' });
        assert.ok(rows.length > 1 && rows.every((row) => row.organization === people.bob.organization));
    });

    test('a missing scope is 403 and says which', async () => {
        const key = await gateway.create_key(
            'clientkeys',
            'create',
            '--name',
            'no tables',
            '--user',
            people.alice.id,
            '--scopes',
            'read:storage',
        );
        assert.equal((await ping_with(key)).status, 200);
        const { status, headers, json } = await query_table(gateway, key, { table: 'users' });
        assert.equal(status, 403);
        assert.match(headers['www-authenticate'], /^Bearer error="insufficient_scope", scope="read:tables"/);
        assert.equal(json.error.code, 403);
        assert.equal(json.error.message, 'insufficient scope: read:tables');
        assert.equal(json.id, 1);
    });

    test('the scope * is every scope', async () => {
        const key = await gateway.create_key(
            'clientkeys',
            'create',
            '--name',
            'star',
            '--user',
            people.alice.id,
            '--scopes',
            '*',
        );
        assert.equal((await query_table(gateway, key, { table: 'users' })).status, 200);
    });

    test('a client key without a user is authenticated as nobody', async () => {
        const key = await gateway.create_key(
            'clientkeys',
            'create',
            '--name',
            'system',
            '--scopes',
            'read:tables',
        );
        assert.deepEqual((await query_table(gateway, key, { table: 'users' })).rows, []);
        assert.ok((await query_table(gateway, key, { table: 'products', limit: 3 })).rows.length === 3);
    });

    test('internal schemas are open to service keys alone', async () => {
        const hidden = await query_table(gateway, keys.alice, { table: 'auth.service_keys' });
        const missing = await query_table(gateway, keys.alice, { table: 'auth.no_such_table' });
        assert.equal(hidden.rows, undefined);
        const words = (answer) => JSON.stringify(answer.json).replaceAll(/service_keys|no_such_table/g, 'T');
        assert.equal(words(hidden), words(missing), 'the answer tells that the table exists');
    });

    test("on a database of the owner's own a schema app is the owner's", async () => {
        await cluster.query(
            `CREATE SCHEMA app; CREATE TABLE app.settings (id int); INSERT INTO app.settings VALUES (7);
             GRANT USAGE ON SCHEMA app TO authenticated; GRANT SELECT ON app.settings TO authenticated`,
        );
        const key = await new_client_key('beside a schema app'); // and its look-up may not use the schema
        await eventually('the table is known', async () => {
            const { status, rows } = await query_table(gateway, key, { table: 'app.settings' });
            assert.equal(status, 200);
            return rows?.[0]?.id === 7;
        });
    });

    test('last_used_at is written, in a batch', async () => {
        await ping_with(keys.bob);
        await eventually('last_used_at of the key', () =>
            cluster.value(
                `SELECT 1 FROM auth.client_keys WHERE key_hash = ${hash_of(keys.bob)} AND last_used_at IS NOT NULL`,
            ),
        );
    });
});

describe('a change of a key is felt within a second on every loop', () => {
    // Sixteen connections, so that both loops have some.
    async function with_connections(key, body) {
        const bytes = post_bytes(gateway, key, call_body('ping'));
        const connections = await Promise.all(
            Array.from({ length: 16 }, (_, index) =>
                RawConnection.open(gateway, { local_address: `127.0.8.${index + 1}` }),
            ),
        );
        const statuses = () =>
            Promise.all(
                connections.map(async (connection, index) => {
                    if (connection.is_ended || connection.error) {
                        connection = await RawConnection.open(gateway, {
                            local_address: `127.0.8.${index + 1}`,
                        });
                        connections[index] = connection;
                    }
                    await connection.write(bytes);
                    return (await connection.response()).status;
                }),
            );
        try {
            return await body(statuses);
        } finally {
            connections.forEach((connection) => connection.close());
        }
    }
    const all = (status) => (list) => list.every((one) => one === status);
    const become = (statuses, status, what) =>
        eventually(`${what}: all connections get ${status}`, async () => all(status)(await statuses()), {
            timeout_ms: 1_000,
            interval_ms: 50,
        });

    const client_change = (key, change) =>
        cluster.query(`UPDATE auth.client_keys SET ${change} WHERE key_hash = ${hash_of(key)}`);
    const service_change = (key, change) =>
        cluster.query(`UPDATE auth.service_keys SET ${change} WHERE key_prefix = '${key.slice(0, 16)}'`);

    test('revoked by the command', async () => {
        const key = await new_client_key('to revoke');
        await with_connections(key, async (statuses) => {
            assert.ok(all(200)(await statuses()));
            await gateway.command_ok('clientkeys', 'revoke', key.slice(0, 12));
            await become(statuses, 401, 'clientkeys revoke');
        });
    });

    for (const [what, make, change, undo] of [
        ['revoked_at of a client key', new_client_key, (key) => client_change(key, 'revoked_at = now()')],
        ['expires_at of a client key', new_client_key, (key) => client_change(key, `expires_at = now()`)],
        [
            'a deleted client key',
            new_client_key,
            (key) => cluster.query(`DELETE FROM auth.client_keys WHERE key_hash = ${hash_of(key)}`),
        ],
        [
            'enabled of a service key',
            null,
            (key) => service_change(key, 'enabled = false'),
            (key) => service_change(key, 'enabled = true'),
        ],
        ['revoked_at of a service key', null, (key) => service_change(key, 'revoked_at = now()')],
        [
            'the end of the grace of a rotated service key',
            null,
            (key) =>
                service_change(
                    key,
                    `deprecated_at = now() - interval '2 s', grace_period_ends_at = now() - interval '1 s'`,
                ),
        ],
    ]) {
        test(what, async () => {
            const key = make
                ? await make(what)
                : await gateway.create_key('servicekeys', 'create', '--name', what);
            await with_connections(key, async (statuses) => {
                assert.ok(all(200)(await statuses()));
                await change(key);
                await become(statuses, 401, what);
                if (!undo) return;
                await undo(key);
                await become(statuses, 200, `${what}, taken back`);
            });
        });
    }

    // Times of keys count in whole seconds, and never late.
    test('a rotated key lives until its grace ends', async () => {
        const key = await gateway.create_key('servicekeys', 'create', '--name', 'rotated');
        const start = Date.now();
        await service_change(key, `deprecated_at = now(), grace_period_ends_at = now() + interval '3 s'`);
        const use = () => ping_with(key, { local_address: '127.0.9.1' });
        assert.equal((await use()).status, 200);
        await eventually('401 after the grace', async () => (await use()).status === 401, {
            timeout_ms: 4_000,
            interval_ms: 100,
        });
        assert.ok(Date.now() - start >= 2_000, 'it died before its time');
    });

    test('a key expires at its time, though it is cached', async () => {
        const key = await new_client_key('short lived', '--expires', '2s');
        const use = () => ping_with(key, { local_address: '127.0.9.2' });
        assert.equal((await use()).status, 200);
        await eventually('401 after the expiry', async () => (await use()).status === 401, {
            timeout_ms: 3_000,
            interval_ms: 100,
        });
    });

    test('a change of scopes', async () => {
        const key = await new_client_key('scopes');
        assert.equal((await query_table(gateway, key, { table: 'products' })).status, 200);
        await client_change(key, `scopes = '{read:storage}'`);
        await eventually(
            '403',
            async () => (await query_table(gateway, key, { table: 'products' })).status === 403,
            { timeout_ms: 1_000, interval_ms: 50 },
        );
    });
});

test('user keys are 403 where the operator has switched them off', async () => {
    const other = new Gateway(cluster, { loops: 1, env: { FLUXBASE_AUTH_ALLOW_USER_CLIENT_KEYS: 'false' } });
    await other.start();
    try {
        assert.equal((await rpc(other, keys.alice, 'ping')).status, 403);
        assert.equal((await rpc(other, keys.service, 'ping')).status, 200);
    } finally {
        await other.stop();
    }
});
