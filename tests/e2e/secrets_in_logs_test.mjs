// No key and no password in any log: fluxgate's at its most talkative, and PostgreSQL's with every statement.
// (Every other test searches fluxgate's log for its own keys when it ends: support/gateway.mjs.)
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import { after, test } from 'node:test';

import {
    RawConnection,
    call_body,
    credential,
    eventually,
    login_password,
    logins,
    post_bytes,
    query_table,
    request,
    start_stack,
} from './harness.mjs';

const stack = await start_stack({
    loops: 1,
    config: { gateway: { log: { level: 'debug', access_log: true } } },
    settings: {
        log_statement: 'all',
        log_min_duration_statement: 0,
        log_min_messages: 'info',
        log_connections: 'on',
    },
});
after(() => stack.stop());
const { cluster, gateway, keys } = stack;

test('nothing that was sent as a secret is in a log', async () => {
    const wrong = {
        client: `fbk_${crypto.randomBytes(32).toString('base64url')}=`,
        service: `sk_${crypto.randomBytes(32).toString('base64url')}`,
        bearer: `mcp_at_${crypto.randomBytes(24).toString('base64url')}`,
        basic: crypto.randomBytes(24).toString('base64url'),
        argument: `literal-${crypto.randomBytes(16).toString('hex')}`,
    };
    const post = (headers, body = call_body('ping'), path = '/mcp') =>
        request(gateway, {
            method: 'POST',
            path,
            body,
            headers: { 'Content-Type': 'application/json', ...headers },
            local_address: '127.0.5.1',
        });

    for (const key of Object.values(keys)) {
        assert.equal((await query_table(gateway, key, { table: 'users' })).status, 200);
        await query_table(gateway, key, { table: 'users', select: 'nonsense' });
        await query_table(gateway, key, { table: 'users', filter: { email: `eq.${wrong.argument}` } });
        await query_table(gateway, key, { table: 'users', filter: { created_at: `eq.${wrong.argument}` } });
        await post({ ...credential(key), 'Content-Type': 'text/plain' });
        await post(credential(key), '{');
        await post({}, call_body('ping'), `/mcp?clientkey=${encodeURIComponent(key)}`);
        await post({}, call_body('ping'), `/${encodeURIComponent(key)}`);
        // Faults of framing: the parser stops in the middle of what it has seen.
        for (const bytes of [
            `POST /mcp HTTP/1.1\r\nX-Client-Key: ${key}\r\nbad header\r\n\r\n`,
            `GET /mcp?${key} HTTP/9.9\r\n\r\n`,
            `${key}\r\n\r\n`,
        ]) {
            const connection = await RawConnection.open(gateway);
            await connection.write(bytes);
            await connection.closed(15_000);
        }
        const cut = await RawConnection.open(gateway);
        await cut.write(post_bytes(gateway, key, call_body('ping')).subarray(0, -5));
        cut.reset();
    }
    for (const headers of [
        { 'X-Client-Key': wrong.client },
        { 'X-Service-Key': wrong.service },
        { Authorization: `Bearer ${wrong.bearer}` },
        { Authorization: `Basic ${wrong.basic}` },
    ])
        await post(headers);

    const revoked = await gateway.create_key(
        'clientkeys',
        'create',
        '--name',
        'to revoke',
        '--scopes',
        'read:tables',
    );
    await gateway.command_ok('clientkeys', 'revoke', revoked.slice(0, 12));
    await cluster.restart_immediate(); // the reconnects log, and log in again
    await eventually(
        'fluxgate is ready again',
        async () => (await request(gateway, { path: '/readyz' })).status === 200,
    );
    await query_table(gateway, keys.alice, { table: 'users' });
    await gateway.stop();

    // In any spelling: whole, without the public prefix, or percent-encoded.
    const sent = [...Object.values(keys), revoked, ...Object.values(wrong)];
    const forms = (text) => [text, encodeURIComponent(text), text.slice(16)];
    const passwords = [cluster.password, ...logins.map(login_password)];
    const own_log = gateway.process.log_text();
    assert.ok(own_log.length > 0, 'there is a log');
    for (const form of [...sent, ...passwords].flatMap(forms))
        assert.ok(!own_log.includes(form), `a secret is in fluxgate's log: ${line_of(own_log, form)}`);
    // Statements with their parameters are PostgreSQL's to log; keys and passwords are never among them.
    const postgres_log = fs.readFileSync(cluster.log, 'utf8');
    assert.match(postgres_log, /set_config/);
    for (const form of [...Object.values(keys), revoked, wrong.client, wrong.service, wrong.bearer].flatMap(
        forms,
    ))
        assert.ok(
            !postgres_log.includes(form),
            `a secret is in PostgreSQL's log: ${line_of(postgres_log, form)}`,
        );
});

test('a key is nowhere in the database, and never listed', async () => {
    const stored = JSON.stringify(
        await cluster.query(
            'SELECT to_jsonb(k)::text FROM auth.service_keys k UNION ALL SELECT to_jsonb(k)::text FROM auth.client_keys k',
        ),
    );
    const listed =
        (await gateway.command_ok('servicekeys', 'list')).stdout +
        (await gateway.command_ok('clientkeys', 'list', '--json')).stdout;
    assert.match(listed, /of the test/);
    for (const key of Object.values(keys)) {
        assert.ok(!stored.includes(key.slice(16)));
        assert.ok(!listed.includes(key.slice(16)));
    }
});

function line_of(log, text) {
    const at = log.indexOf(text);
    return log.slice(log.lastIndexOf('\n', at) + 1, at).slice(-300);
}
