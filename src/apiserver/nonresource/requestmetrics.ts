/** What is counted on the way of every request, besides what it is about: who it was from, whether it was let in, what it was asked. */
import { Counter, Distribution, familyText, Gauge, Histogram, MetricsRegistry } from '../../apimachinery/metrics.ts';

/** Of the API server, beside those that `createMetrics` keeps of each request. */
export const serverMetrics = new MetricsRegistry();

const admissionBounds = [0.005, 0.025, 0.1, 0.5, 1, 2.5];

export const admissionSteps = serverMetrics.add(
  new Histogram(
    'apiserver_admission_step_admission_duration_seconds',
    'Time that all plugins of a step took, by operation and whether one refused.',
    admissionBounds,
    ['operation', 'rejected', 'type'],
  ),
);
export const webhookCalls = serverMetrics.add(
  new Histogram(
    'apiserver_admission_webhook_admission_duration_seconds',
    'Time that a webhook took, by operation and whether it refused.',
    [...admissionBounds, 10, 25],
    ['name', 'operation', 'rejected', 'type'],
  ),
);
export const deprecatedApis = serverMetrics.add(
  new Gauge('apiserver_requested_deprecated_apis', 'Deprecated versions that were asked for.', [
    'group',
    'removed_release',
    'resource',
    'subresource',
    'version',
  ]),
);
export const handshakeErrors = serverMetrics.add(new Counter('apiserver_tls_handshake_errors_total', 'Connections whose TLS handshake failed.'));
export const auditEvents = serverMetrics.add(new Counter('apiserver_audit_event_total', 'Audit events that were made.'));
export const auditLevels = serverMetrics.add(new Counter('apiserver_audit_level_total', 'Requests by the level at which they are recorded.', ['level']));
export const auditRejected = serverMetrics.add(
  new Counter('apiserver_audit_requests_rejected_total', 'Requests that were refused since they could not be recorded.'),
);

const decisionBounds = Array.from({ length: 15 }, (_, index) => 0.001 * 2 ** index);

/** How often, and how long it took, by how it ended: cheap enough for every request. */
class Outcomes<R extends string> {
  readonly #counter: string;
  readonly #histogram: string;
  readonly #help: string;
  readonly #distributions = {} as Record<R, Distribution>;

  constructor(counter: string, histogram: string, help: string) {
    this.#counter = counter;
    this.#histogram = histogram;
    this.#help = help;
  }

  observe(result: R, seconds: number): void {
    (this.#distributions[result] ??= new Distribution(decisionBounds)).observe(seconds);
  }

  text(): string {
    const all = Object.entries<Distribution>(this.#distributions);
    const counts = all.map(([result, { count }]) => `${this.#counter}{result="${result}"} ${count}`);
    const times = all.flatMap(([result, distribution]) => distribution.samples(this.#histogram, `result="${result}"`));
    return familyText(this.#counter, 'counter', this.#help, counts) + familyText(this.#histogram, 'histogram', `${this.#help} In seconds.`, times);
  }
}

export const authentications = serverMetrics.add(
  new Outcomes<'success' | 'failure' | 'error'>(
    'authentication_attempts',
    'authentication_duration_seconds',
    'Requests by whether it is known who they are from.',
  ),
);
export const authorizations = serverMetrics.add(
  new Outcomes<'allowed' | 'denied' | 'no-opinion' | 'error'>(
    'authorization_attempts_total',
    'authorization_duration_seconds',
    'Requests by whether they were let in.',
  ),
);
export const authenticatedUsers = serverMetrics.add(
  new Counter('authenticated_user_requests', 'Requests by user; those of people and nodes are taken together.', ['username']),
);

/** Components are told apart; whoever else asks is one of many. */
export const shownUser = (username: string): string =>
  username === 'admin' || username === 'system:apiserver' || /^system:kube-(?:proxy|controller-manager|scheduler)$/.test(username) ? username : 'other';

/** Of `/metrics/slis`. */
export const healthMetrics = new MetricsRegistry();
export const healthNow = healthMetrics.add(new Gauge('kubernetes_healthcheck', 'Whether a health check passes (1) or not (0).', ['name', 'type']));
export const healthChecks = healthMetrics.add(
  new Counter('kubernetes_healthchecks_total', 'Looks at health checks by what came out.', ['name', 'status', 'type']),
);
