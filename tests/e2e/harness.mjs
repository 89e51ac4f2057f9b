// What an e2e test starts from: PostgreSQL, the demo data, keys and fluxgate, all private to the test file.
//
//     const stack = await start_stack({ config: { mcp: { rate_limit_per_min: 100 } } });
//     after(() => stack.stop());
//     const { rows } = await query_table(stack.gateway, stack.keys.alice, { table: 'users' });
//
// support/ has the parts: processes, the cluster and its faults, the gateway, HTTP, MCP, load. A test that breaks
// PostgreSQL uses stack.cluster; one that needs a second configuration makes another Gateway on it.
import fs from 'node:fs';
import path from 'node:path';

import { Gateway, project } from './support/gateway.mjs';
import { Cluster } from './support/postgres.mjs';

export * from './support/gateway.mjs';
export * from './support/http.mjs';
export * from './support/load.mjs';
export * from './support/mcp.mjs';
export * from './support/postgres.mjs';
export * from './support/processes.mjs';

// The people of scripts/demo.sql.
export const people = {
    alice: {
        id: 'a11ce000-0000-4000-8000-000000000001',
        email: 'alice@acme.example',
        organization: 'ac3e0000-0000-4000-8000-000000000001',
    },
    bob: {
        id: 'b0b00000-0000-4000-8000-000000000002',
        email: 'bob@globex.example',
        organization: '910be000-0000-4000-8000-000000000002',
    },
};

// A database `fluxbase` with the tables of `fluxgate bootstrap` and the demo data; the gateway does not run.
export async function prepare_stack({ config, loops, env, settings } = {}) {
    const cluster = await Cluster.create({ settings });
    await cluster.query('CREATE DATABASE fluxbase', { database: 'postgres' });
    await cluster.query('CREATE EXTENSION vector');
    const gateway = new Gateway(cluster, { config, loops, env });
    await gateway.command_ok('bootstrap');
    await cluster.query(fs.readFileSync(path.join(project, 'scripts/demo.sql'), 'utf8'));
    const client_key = (name) =>
        gateway.create_key(
            'clientkeys',
            'create',
            '--name',
            `${name} of the test`,
            '--scopes',
            'read:tables',
            '--user',
            people[name].email,
        );
    const keys = {
        service: await gateway.create_key('servicekeys', 'create', '--name', 'service of the test'),
        alice: await client_key('alice'),
        bob: await client_key('bob'),
    };
    return {
        cluster,
        gateway,
        keys,
        // Ends the gateway in good order, then PostgreSQL, even when the gateway did not do well.
        async stop() {
            try {
                await gateway.stop();
            } finally {
                await cluster.stop('immediate');
            }
        },
    };
}

// `start`: how the gateway is started, see Gateway.start(); the rest is prepare_stack()'s.
export async function start_stack({ start, ...options } = {}) {
    const stack = await prepare_stack(options);
    await stack.gateway.start(start);
    return stack;
}

// A view that takes `seconds` to read, whose one row says "done".
export async function create_slow_view(cluster, name, seconds) {
    await cluster.query(`CREATE VIEW public.${name} AS SELECT 'done' AS state FROM pg_sleep(${seconds});
        GRANT SELECT ON public.${name} TO authenticated, service_role;`);
}
