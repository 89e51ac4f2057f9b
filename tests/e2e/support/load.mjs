// A closed loop of good clients: each has one keep-alive connection and asks again when it has the answer.
//
// It goes on through faults (connects again, counts), so that a test can break something under load and look
// at what the clients saw. Every answer is checked by `is_good`.
import { performance } from 'node:perf_hooks';

import { RawConnection } from './http.mjs';
import { pause } from './processes.mjs';

const pause_after_failure_ms = 20; // a client that does not hammer a server which is in trouble

export class Load {
    // `bytes` is what every connection sends; `is_good(response)` decides about a 200.
    constructor(target, bytes, { connections = 8, is_good = () => true } = {}) {
        Object.assign(this, { target, bytes, is_good });
        this.is_running = true;
        this.answers = []; // {at_ms, took_ms, status, good, retry_after, body of those not good}
        this.connection_failures = 0;
        this.clients = Array.from({ length: connections }, () => this.client());
    }

    async client() {
        while (this.is_running) {
            let connection;
            try {
                connection = await RawConnection.open(this.target);
            } catch {
                this.connection_failures += 1;
                await pause(pause_after_failure_ms);
                continue;
            }
            await this.converse(connection);
            connection.close();
        }
    }

    async converse(connection) {
        while (this.is_running) {
            const start = performance.now();
            connection.socket.write(this.bytes);
            let response = null;
            try {
                response = await connection.response({ timeout_ms: 60_000 });
            } catch (error) {
                this.answers.push({
                    at_ms: performance.now(),
                    took_ms: performance.now() - start,
                    status: 0,
                    good: false,
                    body: error.message,
                });
                return;
            }
            const now = performance.now();
            if (!response) {
                this.connection_failures += 1;
                return;
            }
            const good = response.status === 200 && this.is_good(response);
            this.answers.push({
                at_ms: now,
                took_ms: now - start,
                status: response.status,
                good,
                retry_after: response.headers['retry-after'],
                body: good ? undefined : response.body,
            });
            if (response.headers.connection === 'close') return;
            if (!good) await pause(pause_after_failure_ms);
        }
    }

    // Good answers since a moment (performance.now()).
    good_since(moment_ms) {
        return this.answers.reduce(
            (sum, answer) => sum + (answer.good && answer.at_ms > moment_ms ? 1 : 0),
            0,
        );
    }

    between(from_ms, to_ms = Infinity) {
        return this.answers.filter(({ at_ms }) => at_ms > from_ms && at_ms <= to_ms);
    }

    async stop() {
        this.is_running = false;
        await Promise.all(this.clients);
        return this.answers;
    }
}

// The q-quantile of numbers, nearest rank.
export function quantile(numbers, q) {
    const sorted = Float64Array.from(numbers).sort();
    return sorted[Math.min(sorted.length - 1, Math.ceil(q * sorted.length) - 1)];
}
