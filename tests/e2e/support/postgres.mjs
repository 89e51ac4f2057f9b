// A private PostgreSQL that a test may break: kill, restart, freeze, fill up. For every test that needs a
// database or a fault of one.
//
// Superuser access goes over the unix socket without a password; TCP needs one, as in production. fsync is
// off: a killed process loses nothing that the kernel has, and these tests do not cut the power.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';

import { Process, eventually, make_directory, process_stats, run_ok } from './processes.mjs';

const password = 'postgres-password-of-a-test';

function find_programs() {
    const root = '/usr/lib/postgresql';
    const versions = fs.existsSync(root)
        ? fs
              .readdirSync(root)
              .map(Number)
              .sort((a, b) => b - a)
        : [];
    const found = versions
        .map((version) => `${root}/${version}/bin`)
        .find((folder) => fs.existsSync(`${folder}/initdb`));
    if (!found) throw new Error('there is no PostgreSQL server; run ./scripts/setup.sh');
    return found;
}

export function free_port() {
    return new Promise((resolve, reject) => {
        const server = net.createServer();
        server.on('error', reject);
        server.listen(0, '127.0.0.1', () => {
            const { port } = server.address();
            server.close(() => resolve(port));
        });
    });
}

// The user to run the server as: it refuses to be root.
const user = 'postgres';
const as_server = { user };

export class Cluster {
    // Creates and starts a server. `settings`: of postgresql.conf, for the cluster's whole life.
    static async create({ settings = {} } = {}) {
        const cluster = new Cluster();
        cluster.programs = find_programs();
        cluster.directory = make_directory();
        cluster.data = path.join(cluster.directory, 'data');
        cluster.port = await free_port();
        cluster.password = password;
        cluster.settings = {
            port: cluster.port,
            listen_addresses: '127.0.0.1',
            unix_socket_directories: cluster.socket,
            fsync: 'off',
            full_page_writes: 'off',
            max_connections: 100,
            jit: 'off',
            shared_buffers: '32MB',
            log_min_messages: 'warning',
            ...settings,
        };
        fs.mkdirSync(cluster.data);
        fs.mkdirSync(cluster.socket);
        const password_file = path.join(cluster.directory, 'password');
        fs.writeFileSync(password_file, password, { mode: 0o644 });
        if (process.geteuid() === 0) {
            const id = (flag) => Number(execFileSync('id', [flag, user], { encoding: 'utf8' }));
            for (const own of [cluster.data, cluster.socket]) fs.chownSync(own, id('-u'), id('-g'));
        }
        await run_ok(
            `${cluster.programs}/initdb`,
            [
                '--pgdata',
                cluster.data,
                '--username=postgres',
                '--encoding=UTF8',
                '--locale=C.UTF-8',
                '--auth-local=trust',
                '--auth-host=scram-sha-256',
                '--pwfile',
                password_file,
                '--no-sync',
            ],
            as_server,
        );
        await cluster.start();
        return cluster;
    }

    get socket() {
        return path.join(this.directory, 'socket');
    }

    get is_running() {
        return this.server?.is_running ?? false;
    }

    // Starts the server and waits until it answers. After a kill -9 of the postmaster the old backends may
    // still hold the shared memory: then it is tried again.
    async start({ settings = {}, timeout_ms = 30_000 } = {}) {
        const all = { ...this.settings, ...settings };
        const args = [
            '-D',
            this.data,
            ...Object.entries(all).flatMap(([key, value]) => ['-c', `${key}=${value}`]),
        ];
        await eventually(
            'PostgreSQL answers',
            async () => {
                if (!this.is_running) {
                    this.server = new Process('postgres', `${this.programs}/postgres`, args, {
                        log: this.log,
                        user,
                        death_signal: 'QUIT',
                    });
                }
                await this.query('SELECT 1', { database: 'postgres' });
                return this.is_running;
            },
            { timeout_ms, interval_ms: 50 },
        );
    }

    get log() {
        return path.join(this.directory, 'postgres.log');
    }

    // 'fast' ends the sessions in good order; 'immediate' is a crash that says goodbye. A postmaster that has
    // not ended 10 s after that has killed its children and missed the news: it is killed, which is the same.
    async stop(mode = 'fast') {
        if (!this.is_running) return;
        const { server } = this;
        server.signal(mode === 'fast' ? 'SIGINT' : 'SIGQUIT');
        try {
            await server.wait(10_000);
        } catch {
            server.signal('SIGKILL');
            await server.wait(10_000);
        }
    }

    async restart_immediate() {
        await this.stop('immediate');
        await this.start();
    }

    // The postmaster dies without a word; its backends notice by themselves.
    async kill_postmaster() {
        this.server.signal('SIGKILL');
        await this.server.wait(10_000);
    }

    // Runs SQL as superuser; resolves to the rows as arrays of text.
    async query(sql, { database = 'fluxbase' } = {}) {
        const { stdout } = await run_ok(
            `${this.programs}/psql`,
            [
                '--no-psqlrc',
                '--quiet',
                '--tuples-only',
                '--no-align',
                '--field-separator=\t',
                '--set=ON_ERROR_STOP=1',
                `--host=${this.socket}`,
                `--port=${this.port}`,
                '--username=postgres',
                `--dbname=${database}`,
                '--file=-',
            ],
            { input: sql },
        );
        return stdout
            .split('\n')
            .filter((line) => line !== '')
            .map((line) => line.split('\t'));
    }

    async value(sql, options) {
        return (await this.query(sql, options))[0]?.[0];
    }

    // The backends that serve a login like fluxgate_user; pids.
    async backends(login_pattern = 'fluxgate%') {
        const rows = await this.query(
            `SELECT pid FROM pg_stat_activity WHERE usename LIKE '${login_pattern}' AND backend_type = 'client backend'`,
        );
        return rows.map(([pid]) => Number(pid));
    }

    // They stop in the middle of whatever they do, and the kernel goes on acknowledging their packets.
    async freeze(pids) {
        for (const pid of pids) process.kill(pid, 'SIGSTOP');
        await eventually('the backends are stopped', () =>
            pids.every((pid) => process_stats(pid).state === 'T'),
        );
    }

    thaw(pids) {
        for (const pid of pids) {
            try {
                process.kill(pid, 'SIGCONT');
            } catch {
                // it has ended meanwhile
            }
        }
    }

    // Takes every connection that is left to ordinary logins and holds it. Returns a function that gives
    // them back.
    async occupy_connections() {
        await this.query(
            `DO $$ BEGIN CREATE ROLE occupier LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$`,
        );
        const held = [];
        while (held.length < 1000) {
            const socket = await open_session(
                path.join(this.socket, `.s.PGSQL.${this.port}`),
                'occupier',
                'fluxbase',
            );
            if (!socket) break;
            held.push(socket);
        }
        return () => held.forEach((socket) => socket.destroy());
    }
}

// The start of PostgreSQL's protocol 3, enough to hold a session: the socket when the server is ready for
// queries, null when it refuses.
function open_session(address, login, database) {
    return new Promise((resolve, reject) => {
        const parameters = Buffer.from(`user\0${login}\0database\0${database}\0\0`);
        const head = Buffer.alloc(8);
        head.writeUInt32BE(8 + parameters.length, 0);
        head.writeUInt32BE(196_608, 4);
        const socket = net.connect(address, () => socket.write(Buffer.concat([head, parameters])));
        let received = Buffer.alloc(0);
        socket.on('error', reject);
        socket.on('data', (bytes) => {
            received = Buffer.concat([received, bytes]);
            while (received.length >= 5 && received.length >= 1 + received.readUInt32BE(1)) {
                const kind = String.fromCharCode(received[0]);
                if (kind === 'Z') {
                    socket.removeAllListeners('error').on('error', () => {});
                    resolve(socket);
                } else if (kind === 'E') {
                    socket.destroy();
                    resolve(null);
                }
                received = received.subarray(1 + received.readUInt32BE(1));
            }
        });
    });
}
