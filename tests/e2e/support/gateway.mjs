// The product as a process: its configuration, commands, start, readiness, figures and end.
//
// FLUXGATE_BINARY names the program; a sanitizer's build runs the same tests. At the end its log is searched
// for every secret that the test used and for a sanitizer's report: either fails the test.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { request } from './http.mjs';
import { free_port } from './postgres.mjs';
import { Process, eventually, make_directory, process_stats, run, run_ok } from './processes.mjs';

export const project = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');
export const binary = process.env.FLUXGATE_BINARY ?? path.join(project, 'build/fluxgate');
// A sanitizer's build is several times slower: bars on time and memory say nothing about it.
export const is_sanitized = Boolean(process.env.FLUXGATE_SANITIZED);

const reports = /ERROR: (Address|Leak)Sanitizer|WARNING: ThreadSanitizer|runtime error: |FLUX_D?CHECK/;
export const logins = ['user', 'service', 'auth'];
export const login_password = (login) => `password-of-the-${login}-login`;

// Objects of several levels, merged; what is not an object is replaced.
export function merge(base, change) {
    const is_object = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);
    const merged = { ...base };
    for (const [key, value] of Object.entries(change ?? {}))
        merged[key] = is_object(value) && is_object(base[key]) ? merge(base[key], value) : value;
    return merged;
}

// fluxbase.yaml for a cluster. Without a rate limit, because a test is one busy client.
export function default_config(cluster) {
    const login = (name) => ({ user: `fluxgate_${name}`, password: login_password(name) });
    return {
        mcp: { enabled: true, rate_limit_per_min: 0 },
        database: {
            host: '127.0.0.1',
            port: cluster.port,
            database: 'fluxbase',
            user: 'postgres',
            password: cluster.password,
        },
        gateway: {
            database: {
                user_login: login('user'),
                service_login: login('service'),
                auth_login: login('auth'),
            },
        },
    };
}

export class Gateway {
    // `config` is merged over default_config(); `env` is added to every command's environment.
    constructor(cluster, { config, loops = 2, env } = {}) {
        this.cluster = cluster;
        this.loops = loops;
        this.env = env;
        this.directory = make_directory();
        this.log = path.join(this.directory, 'fluxgate.log');
        this.config = path.join(this.directory, 'fluxbase.yaml');
        this.secrets = new Set([cluster.password, ...logins.map(login_password)]);
        // JSON is YAML.
        fs.writeFileSync(this.config, JSON.stringify(merge(default_config(cluster), config), null, 2), {
            mode: 0o600,
        });
    }

    // A command of the binary, to its end, whatever the exit code.
    command(...words) {
        return run(binary, [...words, '--config', this.config], { env: this.env });
    }

    command_ok(...words) {
        return run_ok(binary, [...words, '--config', this.config], { env: this.env });
    }

    // `fluxgate servicekeys create …` or `clientkeys create …`: the new key.
    async create_key(...words) {
        const { stdout } = await this.command_ok(...words);
        const key = /\b(?:sk_|fbk_)[A-Za-z0-9_=-]+/.exec(stdout)?.[0];
        if (!key) throw new Error(`no key in the output of ${words.join(' ')}:\n${stdout}`);
        this.secrets.add(key);
        return key;
    }

    // `words`: more of the command line; `death_signal`, `nofile`: see Process.
    async start({ timeout_ms = 30_000, words = [], ...options } = {}) {
        this.port = await free_port();
        this.is_stopped = false;
        this.process = new Process(
            'fluxgate',
            binary,
            [
                'serve',
                '--config',
                this.config,
                '--port',
                String(this.port),
                '--loops',
                String(this.loops),
                ...words,
            ],
            { log: this.log, env: this.env, ...options },
        );
        await this.ready(timeout_ms);
        return this;
    }

    async ready(timeout_ms = 30_000) {
        await eventually(
            '/readyz says 200',
            async () => {
                if (!this.process.is_running) return true; // looked at below: waiting on does not help
                return (await request(this, { path: '/readyz', timeout_ms: 2_000 })).status === 200;
            },
            { timeout_ms },
        );
        if (!this.process.is_running)
            throw new Error(`fluxgate ended with ${this.process.exit_code} before it was ready`);
    }

    get url() {
        return `http://127.0.0.1:${this.port}/mcp`;
    }

    get stats() {
        return process_stats(this.process.pid);
    }

    // SIGTERM, and the promises that hold for every end of every test.
    async stop() {
        if (!this.process) return;
        const had_ended = !this.process.is_running && !this.is_stopped;
        this.is_stopped = true;
        this.process.signal('SIGTERM');
        const code = await this.process.wait(35_000);
        this.check_log();
        if (had_ended && code !== 0) throw new Error(`fluxgate had ended by itself with ${code}`);
        if (code !== 0) throw new Error(`fluxgate ended with ${code} after SIGTERM`);
    }

    check_log() {
        const text = this.process.log_text();
        const report = reports.exec(text);
        if (report)
            throw new Error(`fluxgate's log has a report: ${text.slice(report.index, report.index + 4000)}`);
        for (const secret of this.secrets) {
            const at = text.indexOf(secret);
            if (at >= 0)
                throw new Error(`a secret is in fluxgate's log: ${text.slice(Math.max(0, at - 120), at)}…`);
        }
    }
}
