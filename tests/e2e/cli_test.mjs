// The fluxgate command without a server: exit codes for a supervisor, words for a person.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, describe, test } from 'node:test';

import {
    Gateway,
    binary,
    free_port,
    make_directory,
    prepare_stack,
    project,
    query_table,
    run,
} from './harness.mjs';

const stack = await prepare_stack();
after(() => stack.stop());
const { cluster, gateway } = stack;
const directory = make_directory();

const exit = { ok: 0, failure: 1, usage: 64, configuration: 78 };
const fluxgate = (...words) => run(binary, words);
const serve = (own, ...words) =>
    run(binary, ['serve', '--config', own.config, '--port', '1', ...words], { timeout_ms: 30_000 });

function config_file(name, text) {
    const file = path.join(directory, name);
    fs.writeFileSync(file, text, { mode: 0o600 });
    return file;
}

describe('usage', () => {
    test('version', async () => {
        for (const words of [['version'], ['--version']]) {
            const { code, stdout } = await fluxgate(...words);
            assert.equal(code, exit.ok);
            assert.match(stdout, /^fluxgate \d+\.\d+\.\d+/);
        }
    });

    test('help of everything and of one command', async () => {
        for (const words of [['--help'], ['help'], ['serve', '--help'], ['clientkeys', 'create', '--help']]) {
            const { code, stdout } = await fluxgate(...words);
            assert.equal(code, exit.ok);
            assert.match(stdout, /Usage/);
        }
    });

    for (const [words, said] of [
        [['sevre'], /serve/],
        [['serve', '--prot', '1'], /--port/],
        [['serve', '--port', 'http'], /--port/],
        [['serve', '--port', '65536'], /--port/],
        [['serve', '--port'], /--port/],
        [['serve', 'now'], /now/],
        [['servicekeys'], /create, list, revoke/],
        [['servicekeys', 'create'], /--name/],
        [['clientkeys', 'create', '--name', 'x'], /--scopes/],
        [['clientkeys', 'revoke'], /KEY/],
        [['bootstrap', '--print-sql', '--print-sql'], /twice/],
    ]) {
        test(`"${words.join(' ')}" is wrong usage`, async () => {
            const { code, stdout, stderr } = await fluxgate(...words);
            assert.equal(code, exit.usage, stderr);
            assert.equal(stdout, '');
            assert.match(stderr, said);
        });
    }
});

describe('check-config', () => {
    test('a right one', async () => {
        const { code, stderr } = await gateway.command('check-config');
        assert.equal(code, exit.ok, stderr);
    });

    for (const [what, text, place, said] of [
        [
            'an unknown key under mcp',
            'mcp:\n  enabled: true\n  rate_limit_per_minute: 5\n',
            3,
            /rate_limit_per_minute.*mcp\.rate_limit_per_min\b/,
        ],
        [
            'an unknown key under gateway',
            'gateway:\n  server:\n    adress: 127.0.0.1:1\n',
            3,
            /adress.*gateway\.server\.address/,
        ],
        ['an unknown section of gateway', 'gateway:\n  databse: {}\n', 2, /databse.*gateway\.database/],
        ['a value that is no boolean', '\n\nmcp:\n  enabled: maybe\n', 4, /mcp\.enabled.*maybe/],
        ['a number out of range', 'database:\n  port: 70000\n', 2, /database\.port.*70000/],
        ['a duration without a unit', 'mcp:\n  session_timeout: soon\n', 2, /session_timeout.*soon/],
        ['a list where a word belongs', 'mcp:\n  base_path: [a]\n', 2, /base_path/],
        ['a key twice', 'mcp:\n  enabled: true\n  enabled: false\n', 3, /enabled/],
        ['no YAML', 'mcp:\n  enabled: [true\n', null, /./],
    ]) {
        test(`${what} is named with its place`, async () => {
            const file = config_file('wrong.yaml', text);
            const { code, stdout, stderr } = await fluxgate('check-config', '--config', file);
            assert.equal(code, exit.configuration, stdout + stderr);
            const lines = (stdout + stderr).trim().split('\n');
            assert.ok(
                lines.some(
                    (line) =>
                        said.test(line) &&
                        (place === null
                            ? line.includes('wrong.yaml:')
                            : line.includes(`wrong.yaml:${place}:`)),
                ),
                lines.join('\n'),
            );
        });
    }

    test('all mistakes at once', async () => {
        const file = config_file(
            'many.yaml',
            'mcp:\n  enabeld: true\n  rate_limit_per_min: -1\ngateway:\n  log:\n    level: loud\n',
        );
        const { code, stdout, stderr } = await fluxgate('check-config', '--config', file);
        assert.equal(code, exit.configuration);
        for (const place of ['many.yaml:2:', 'many.yaml:3:', 'many.yaml:6:'])
            assert.ok((stdout + stderr).includes(place), place);
    });

    test("Fluxbase's other sections are accepted", async () => {
        const file = config_file(
            'fluxbase.yaml',
            'mcp: {enabled: true}\nstorage: {enabled: true, provider: s3}\nfunctions: {enabled: true}\nai: {enabled: false}\n',
        );
        const { code, stdout, stderr } = await fluxgate('check-config', '--config', file);
        assert.doesNotMatch(stdout + stderr, /fluxbase\.yaml:\d/);
        assert.ok(code === exit.ok || !/storage|functions|ai\b/.test(stderr), stderr);
    });

    test('a wrong variable of the environment is named', async () => {
        const { code, stderr, stdout } = await run(binary, ['check-config', '--config', gateway.config], {
            env: { FLUXBASE_MCP_RATE_LIMIT_PER_MIN: 'many' },
        });
        assert.equal(code, exit.configuration);
        assert.match(stderr + stdout, /FLUXBASE_MCP_RATE_LIMIT_PER_MIN.*many/);
    });

    test('a file that is not there', async () => {
        const { code, stderr } = await fluxgate('check-config', '--config', `${directory}/nowhere.yaml`);
        assert.equal(code, exit.configuration);
        assert.match(stderr, /nowhere\.yaml/);
    });

    test('--show names every key and no secret', async () => {
        const { code, stdout } = await gateway.command('check-config', '--show');
        assert.equal(code, exit.ok);
        for (const key of ['mcp.rate_limit_per_min', 'gateway.database.fast_lanes'])
            assert.ok(stdout.includes(key), key);
        for (const secret of gateway.secrets) assert.ok(!stdout.includes(secret));
    });

    test('serve says the same and does not start', async () => {
        const file = config_file('serve.yaml', 'mcp:\n  enabled: perhaps\n');
        const { code, stderr } = await fluxgate('serve', '--config', file);
        assert.equal(code, exit.configuration);
        assert.match(stderr, /serve\.yaml:2:.*perhaps/);
    });
});

describe('bootstrap', () => {
    const dump = async () =>
        (
            await run(`${cluster.programs}/pg_dump`, [
                '--schema-only',
                '--no-owner',
                `--host=${cluster.socket}`,
                `--port=${cluster.port}`,
                '--username=postgres',
                'fluxbase',
            ])
        ).stdout.replaceAll(/^\\(un)?restrict .*$/gm, '');

    test('a second run changes nothing and says so', async () => {
        const before = await dump();
        const keys_before = await cluster.query('SELECT id FROM auth.client_keys ORDER BY id');
        const { stdout } = await gateway.command_ok('bootstrap');
        assert.match(stdout, /already|nothing|unchanged|exists|kept/i);
        assert.equal(await dump(), before);
        assert.deepEqual(await cluster.query('SELECT id FROM auth.client_keys ORDER BY id'), keys_before);
    });

    test('--print-sql prints it, and needs no database', async () => {
        const file = config_file(
            'no-database.yaml',
            `database: {host: 127.0.0.1, port: ${await free_port()}}\n`,
        );
        const { code, stdout, stderr } = await fluxgate('bootstrap', '--print-sql', '--config', file);
        assert.equal(code, exit.ok, stderr);
        assert.match(stdout, /CREATE ROLE/i);
        assert.match(stdout, /auth\.service_keys/);
    });

    test('the SQL that it prints is enough for an empty database', async () => {
        const { stdout } = await gateway.command_ok('bootstrap', '--print-sql');
        await cluster.query('CREATE DATABASE from_sql', { database: 'postgres' });
        await cluster.query(stdout, { database: 'from_sql' });
        await cluster.query(stdout, { database: 'from_sql' }); // and again
        assert.equal(
            await cluster.value(`SELECT count(*) FROM auth.service_keys`, { database: 'from_sql' }),
            '0',
        );
    });

    test('no database is a failure with the address, not a crash', async () => {
        const port = await free_port();
        const file = config_file('away.yaml', `database: {host: 127.0.0.1, port: ${port}}\n`);
        const { code, stderr } = await fluxgate('bootstrap', '--config', file);
        assert.equal(code, exit.failure, stderr);
        assert.match(stderr, new RegExp(String(port)));
    });
});

describe('keys', () => {
    test('are listed by name and prefix, and revoked', async () => {
        for (const [kind, words] of [
            ['servicekeys', []],
            ['clientkeys', ['--scopes', 'read:tables']],
        ]) {
            const key = await gateway.create_key(kind, 'create', '--name', `listed ${kind}`, ...words);
            const listed = async () =>
                JSON.parse((await gateway.command_ok(kind, 'list', '--json')).stdout).find(
                    ({ name }) => name === `listed ${kind}`,
                );
            const entry = await listed();
            assert.ok(key.startsWith(entry.key_prefix ?? entry.prefix), JSON.stringify(entry));
            const table = (await gateway.command_ok(kind, 'list')).stdout;
            assert.match(table, new RegExp(`listed ${kind}`));
            assert.ok(!table.includes(key));
            await gateway.command_ok(kind, 'revoke', entry.id);
            assert.match(JSON.stringify(await listed()), /revoked/);
        }
    });

    test('are made in the formats of Fluxbase', async () => {
        assert.match(stack.keys.service, /^sk_[A-Za-z0-9_-]{43}$/);
        assert.match(stack.keys.alice, /^fbk_[A-Za-z0-9_-]{43}=$/);
        const [[prefix, hash]] = await cluster.query(
            `SELECT key_prefix, key_hash FROM auth.service_keys WHERE name = 'service of the test'`,
        );
        assert.equal(prefix, stack.keys.service.slice(0, 16));
        assert.match(hash, /^\$2[aby]\$\d\d\$/);
    });

    test('mistakes are told', async () => {
        for (const [words, said] of [
            [
                [
                    'clientkeys',
                    'create',
                    '--name',
                    'x',
                    '--scopes',
                    'read:tables',
                    '--user',
                    'nobody@example.com',
                ],
                /nobody@example\.com/,
            ],
            [
                [
                    'clientkeys',
                    'create',
                    '--name',
                    'x',
                    '--scopes',
                    'read:tables',
                    '--user',
                    '00000000-0000-4000-8000-000000000000',
                ],
                /00000000/,
            ],
            [['clientkeys', 'create', '--name', 'x', '--scopes', 'read:table'], /read:tables?/],
            [['clientkeys', 'create', '--name', 'x', '--scopes', 'read:tables', '--expires', 'soon'], /soon/],
            [['clientkeys', 'revoke', 'fbk_nobodyss'], /fbk_nobodyss/],
            [['servicekeys', 'revoke', '00000000-0000-4000-8000-000000000000'], /00000000/],
        ]) {
            const { code, stderr } = await gateway.command(...words);
            assert.ok(code === exit.failure || code === exit.usage, `${words.join(' ')}: ${code} ${stderr}`);
            assert.match(stderr, said);
        }
    });
});

describe('a start that is refused', () => {
    async function with_grant(grant, revoke, body) {
        await cluster.query(grant, { database: 'postgres' });
        try {
            await body();
        } finally {
            await cluster.query(revoke, { database: 'postgres' });
        }
    }

    for (const [what, grant, revoke, said] of [
        [
            'a member of service_role',
            'GRANT service_role TO fluxgate_user',
            'REVOKE service_role FROM fluxgate_user',
            /service_role/,
        ],
        [
            'a member of a member of service_role',
            'CREATE ROLE between_them; GRANT service_role TO between_them; GRANT between_them TO fluxgate_user',
            'DROP ROLE between_them',
            /service_role/,
        ],
        [
            'a superuser',
            'ALTER ROLE fluxgate_user SUPERUSER',
            'ALTER ROLE fluxgate_user NOSUPERUSER',
            /superuser/i,
        ],
        [
            'above Row Level Security',
            'ALTER ROLE fluxgate_user BYPASSRLS',
            'ALTER ROLE fluxgate_user NOBYPASSRLS',
            /BYPASSRLS|row.level.security/i,
        ],
    ]) {
        test(`because the user login is ${what}`, () =>
            with_grant(grant, revoke, async () => {
                const { code, stdout, stderr } = await serve(gateway);
                assert.equal(code, exit.configuration, stdout + stderr);
                assert.match(stderr + stdout, said);
                assert.match(stderr + stdout, /fluxgate_user/);
            }));
    }

    test('because one login is used for all', async () => {
        const login = { user: 'postgres', password: cluster.password };
        const shared = new Gateway(cluster, {
            config: { gateway: { database: { user_login: login, service_login: login, auth_login: login } } },
        });
        const { code, stderr, stdout } = await serve(shared);
        assert.equal(code, exit.configuration);
        assert.match(stderr + stdout, /allow_shared_login/);
    });

    test('because the port is taken', async () => {
        await gateway.start();
        const { code, stderr, stdout } = await run(
            binary,
            ['serve', '--config', gateway.config, '--port', String(gateway.port)],
            { timeout_ms: 10_000 },
        );
        assert.ok(code === exit.failure || code === exit.configuration, String(code));
        assert.match(stderr + stdout, new RegExp(`${gateway.port}`));
        assert.equal(
            (await query_table(gateway, stack.keys.alice, { table: 'products', limit: 1 })).status,
            200,
        );
        await gateway.stop();
    });

    test('because a password is wrong: it ends, or waits and says for which login', async () => {
        const wrong = 'guessed-by-nobody';
        const other = new Gateway(cluster, {
            config: { gateway: { database: { user_login: { password: wrong } } } },
        });
        other.secrets.add(wrong);
        const starting = other.start({ timeout_ms: 4_000 });
        await assert.rejects(starting, /readyz|78/);
        assert.match(other.process.log_text(), /fluxgate_user/);
        other.check_log();
        other.process.signal('SIGKILL');
    });

    test('not: an address that other machines reach, where that is allowed, but it says what that means', async (t) => {
        const server = { address: '0.0.0.0:8080', allow_plain_http: true }; // the port is the gateway's own
        const open = new Gateway(cluster, { config: { gateway: { server } } });
        await open.start();
        t.after(() => open.stop());
        assert.match(open.process.log_text(), /warn plain_http_on_a_public_address .*keys/);
        assert.match(open.process.log_text(), /warn any_host_is_answered .*gateway\.server\.allowed_hosts/);
    });

    test('because io_uring is forbidden: one line that says how to allow it', async () => {
        const wrapper = path.join(project, 'tests/e2e/support/without_io_uring.py');
        const { code, stdout, stderr } = await run('python3', [
            wrapper,
            binary,
            'serve',
            '--config',
            gateway.config,
            '--port',
            String(await free_port()),
        ]);
        assert.equal(code, exit.configuration, stdout + stderr);
        const lines = (stdout + stderr)
            .trim()
            .split('\n')
            .filter((line) => /io_uring/.test(line));
        assert.equal(lines.length, 1, stdout + stderr);
        assert.match(lines[0], /seccomp|io_uring_disabled|--security-opt/);
    });
});
