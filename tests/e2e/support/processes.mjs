// Processes of a test run: started with a log file, watched, ended by pid whatever happens.
//
// Three nets, so that nothing outlives a run: stop() of the test, the exit handler here, and the kernel
// (setpriv --pdeathsig), which ends a child when ctest kills the test itself.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';

// The product reads FLUXBASE_* variables: those of whoever runs the tests are not part of them.
const inherited = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith('FLUXBASE_')),
);

const running = new Set();
const directories = new Set();

// Waits for `probe` to return something truthy, and returns that. An exception of the probe is a "not yet".
export async function eventually(what, probe, { timeout_ms = 15_000, interval_ms = 20 } = {}) {
    const end = performance.now() + timeout_ms;
    let last;
    for (;;) {
        try {
            const value = await probe();
            if (value) return value;
            last = undefined;
        } catch (error) {
            last = error;
        }
        if (performance.now() >= end) {
            throw new Error(`not within ${timeout_ms} ms: ${what}${last ? ` (${last.message})` : ''}`, {
                cause: last,
            });
        }
        await pause(interval_ms);
    }
}

// The distance between two looks of a poll, or the pace of a client; never a substitute for a condition.
export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class Process {
    // `death_signal` is what the kernel sends the child when this process dies.
    constructor(name, command, args, { log, env, user, death_signal = 'KILL', nofile } = {}) {
        this.name = name;
        this.log = log;
        this.exit_code = null; // a number, or the name of a signal, once it has ended
        const wrapped = [...privileges(user, death_signal), command, ...args];
        if (nofile) wrapped.unshift('prlimit', `--nofile=${nofile}:${nofile}`);
        const fd = log ? fs.openSync(log, 'a') : 'ignore';
        this.child = spawn(wrapped[0], wrapped.slice(1), {
            stdio: ['ignore', fd, fd],
            env: { ...inherited, ...env },
            cwd: '/',
        });
        if (log) fs.closeSync(fd);
        this.pid = this.child.pid;
        this.exited = new Promise((resolve) => {
            this.child.on('exit', (code, signal) => {
                this.exit_code = signal ?? code;
                running.delete(this);
                resolve(this.exit_code);
            });
            this.child.on('error', (error) => {
                this.exit_code = error.message;
                running.delete(this);
                resolve(this.exit_code);
            });
        });
        running.add(this);
    }

    get is_running() {
        return this.exit_code === null;
    }

    signal(name) {
        if (this.is_running) process.kill(this.pid, name);
    }

    async wait(timeout_ms) {
        await eventually(`${this.name} (pid ${this.pid}) ends`, () => !this.is_running, { timeout_ms });
        return this.exit_code;
    }

    log_text() {
        return this.log ? fs.readFileSync(this.log, 'utf8') : '';
    }
}

function privileges(user, death_signal) {
    const words = ['setpriv', `--pdeathsig=${death_signal}`];
    if (user && process.geteuid() === 0) words.push(`--reuid=${user}`, `--regid=${user}`, '--init-groups');
    return words;
}

// Runs a command to its end; never throws for an exit code.
export function run(command, args, { env, user, input, timeout_ms = 60_000 } = {}) {
    return new Promise((resolve, reject) => {
        const wrapped = [...privileges(user, 'KILL'), command, ...args];
        const child = spawn(wrapped[0], wrapped.slice(1), {
            stdio: ['pipe', 'pipe', 'pipe'],
            env: { ...inherited, ...env },
            cwd: '/',
            timeout: timeout_ms,
            killSignal: 'SIGKILL',
        });
        let stdout = '';
        let stderr = '';
        child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
        child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
        child.on('error', reject);
        child.on('close', (code, signal) => resolve({ code: signal ?? code, stdout, stderr }));
        child.stdin.on('error', () => {}); // a command that does not read its input
        child.stdin.end(input ?? '');
    });
}

export async function run_ok(command, args, options) {
    const done = await run(command, args, options);
    if (done.code !== 0) {
        const words = [path.basename(command), ...args].join(' ');
        throw new Error(`${words} ended with ${done.code}\n${done.stdout}${done.stderr}`);
    }
    return done;
}

// A directory of this run, which other users may pass through (PostgreSQL is not root).
export function make_directory() {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'fluxgate-e2e-'));
    fs.chmodSync(directory, 0o711);
    directories.add(directory);
    return directory;
}

function count_fds(pid) {
    try {
        return fs.readdirSync(`/proc/${pid}/fd`).length;
    } catch {
        return null; // fluxgate forbids others but root to look (PR_SET_DUMPABLE)
    }
}

// What /proc says about a process; all its threads together.
export function process_stats(pid) {
    const tasks = fs.readdirSync(`/proc/${pid}/task`);
    let cpu_ns = 0;
    for (const task of tasks) {
        try {
            cpu_ns += Number(fs.readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]);
        } catch {
            // the thread has ended meanwhile
        }
    }
    const status = fs.readFileSync(`/proc/${pid}/status`, 'utf8');
    return {
        cpu_ms: cpu_ns / 1e6,
        fds: count_fds(pid),
        rss_bytes: Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)[1]) * 1024,
        state: /^State:\s+(\S)/m.exec(status)[1],
    };
}

function show_logs() {
    for (const directory of directories) {
        for (const name of fs.readdirSync(directory).filter((entry) => entry.endsWith('.log'))) {
            const lines = fs.readFileSync(path.join(directory, name), 'utf8').trimEnd().split('\n');
            console.error(`\n---- the last lines of ${name} (of ${lines.length})`);
            console.error(
                lines
                    .slice(-60)
                    .map((line) => line.slice(0, 600))
                    .join('\n'),
            );
        }
    }
}

process.on('exit', (code) => {
    for (const child of running) {
        try {
            process.kill(child.pid, child.name === 'postgres' ? 'SIGQUIT' : 'SIGKILL');
        } catch {
            // it has ended meanwhile
        }
    }
    if (code) show_logs();
    if (process.env.FLUXGATE_KEEP) return;
    for (const directory of directories) {
        try {
            fs.rmSync(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
        } catch {
            // a server that is still ending writes into it: a temporary directory may stay
        }
    }
});
for (const [name, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
])
    process.on(name, () => process.exit(code));
